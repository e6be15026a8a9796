"""``tl.fit``: the training loop, with what a real run needs: a schedule, checkpoints, going on after a stop, and finding NaN."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ..data import Augment, DataLoader
from ..nn import Module
from ..nn import functional as F
from ..nn.module import check_model, mode
from ..optim import Adam, Optimizer
from ..optim.lr_scheduler import LRScheduler
from .checkpoint import BEST, LAST, ended, prepared, restore, write_best, write_last
from .history import History
from .interrupt import interruptible
from .judge import as_loader
from .progress import Progress, say
from .replayed import replayed
from .run import Run

SIZE = 64  # pictures a batch, unless told otherwise


def fit(
    model: Module,
    train: Any,
    val: Any = None,
    *,
    epochs: int,
    batch_size: int | None = None,
    optimizer: Optimizer | None = None,
    scheduler: LRScheduler | None = None,
    loss: Callable[[Any, Any], Any] = F.cross_entropy,
    augment: Augment | None = None,
    max_norm: float | None = None,
    accumulate: int = 1,
    patience: int | None = None,
    out: Any = None,
    resume: bool = False,
    seed: int | None = None,
    capture: bool = False,
) -> History:
    """Train a model, in place, for so many passes over ``train``; returns the History. The model has the last weights then.

    ``train``, ``val``: a dataset, a pair (x, y), or a DataLoader with settings of its own. From the others batches of
    ``batch_size`` (64) are made, the order and ``augment`` of each epoch by ``seed`` (0); dropout draws from ``tl.manual_seed``'s
    generator. ``optimizer``: Adam of rate 1e-3, or the scheduler's. ``scheduler`` is stepped after every optimiser step,
    of which there are ``tl.train.total_steps(…)``. ``loss(logits, y)``: a mean over the batch.
    ``accumulate`` batches make one step, with the gradient of one batch as large as all of them. ``max_norm`` clips the
    gradient. ``patience``: stop after so many epochs without a better loss on ``val`` (on ``train`` where there is no val).
    ``out``: a folder for ``last.safetensors``, written after every epoch and on Ctrl-C, and ``best.safetensors``, the net
    after the epoch with the least of that loss. ``resume`` goes on from the first, from the middle of an epoch too, to the
    same bits as if there had been no stop; it starts where there is none yet, and a finished run is loaded and returned.
    ``capture``: on a GPU, replay each step as CUDA graphs (tl.cuda.capture), to the same bits: small nets train several times
    as fast, while each size of batch keeps the memory of its step; ``loss`` may depend on nothing that Python changes.
    Raises ValueError for empty data, arguments out of range and a checkpoint of another run, FileExistsError for an ``out``
    that holds one, and FloatingPointError for a loss or gradient that is no number: it names the operation and layer, and
    the step is not taken. After Ctrl-C it finishes the step (or validation), saves, and raises KeyboardInterrupt.
    """
    check_settings(epochs, accumulate, patience, max_norm, resume, out)
    check_model(model, "fit")
    loader = as_loader("train", train, batch_size, True, seed, augment, SIZE)
    val_loader = None if val is None else as_loader("val", val)
    optimizer = chosen(model, optimizer, scheduler)
    warn_of_absent_classes(loader, val_loader)
    graphs = replayed(model, optimizer, loss, max_norm, accumulate) if capture else None
    run = Run(model, optimizer, scheduler, loss, loader, val_loader, epochs, accumulate, max_norm, patience, graphs)
    folder = None if out is None else prepared("fit", out, resume, (LAST, BEST), partial(write_last, run))
    if folder and resume and (folder / LAST).exists():
        restore(run, folder)
        if run.finished:
            say(f"nothing is left to do: {folder / LAST} holds a run that {ended(run)}")
            return run.history
    else:
        run.check_schedule(getattr(scheduler, "last_epoch", 0))
        if resume:
            say(f"nothing to go on with in {folder}: starting")
    with mode(model, training=True):
        follow(run, folder, write_last, keep_best)
    return run.history


def check_settings(epochs: Any, accumulate: Any, patience: Any, max_norm: Any, resume: bool, out: Any) -> None:
    """ValueError for numbers out of range, and for going on with nothing."""
    for name, value in (("epochs", epochs), ("accumulate", accumulate), ("patience", patience)):
        if value is not None and (not isinstance(value, (int, np.integer)) or value < 1):
            raise ValueError(f"fit: {name} must be an integer ≥ 1, got {value!r}; give a whole number")
    if max_norm is not None and not max_norm > 0:
        raise ValueError(f"fit: max_norm must be above 0, got {max_norm!r}")
    if resume and out is None:
        raise ValueError("fit: resume=True goes on from a checkpoint; say in which folder it is with out=")


def total_steps(train: Any, epochs: int, batch_size: int | None = None, accumulate: int = 1) -> int:
    """How many optimiser steps ``fit`` takes with these arguments: epochs · ⌈batches / accumulate⌉, a schedule's length."""
    return epochs * -(-len(as_loader("train", train, batch_size, usual=SIZE)) // accumulate)


def follow(
    run: Any, folder: Path | None, write: Callable[[Any, Path], None], after: Callable[[Any, Path | None, Any], None]
) -> None:
    """Epoch after epoch, with its progress told, until the run is finished or Ctrl-C was pressed.

    ``write(run, folder)`` keeps all that the run needs to go on; before it, at an epoch's end, comes
    ``after(run, folder, what the epoch's closing gave)``.
    """
    progress = Progress(run)
    with interruptible() as ctrl_c, contextlib.closing(progress):
        while not run.finished:
            progress.begin()
            sums = run.sums
            with contextlib.closing(run.train()) as steps:
                for _ in steps:
                    progress.step(sums)
                    if ctrl_c.asked:
                        progress.close()
                        if folder:
                            write(run, folder)
                        stop(run, folder)
            closed = run.close_epoch()
            progress.end(sums)
            after(run, folder, closed)
            if folder:
                write(run, folder)
            if ctrl_c.asked:
                stop(run, folder)


def keep_best(run: Run, folder: Path | None, best: bool) -> None:
    """Write the net down if its epoch was the best so far; say if none was for too long."""
    if folder and best:
        write_best(run, folder)
    if run.finished and len(run.history) < run.epochs:
        say(f"stopped early: the run {ended(run).split(';')[0]}")


def stop(run: Any, folder: Path | None) -> None:
    """Say where the run was saved and how to go on, and raise KeyboardInterrupt."""
    where = f"stopped in epoch {run.epoch}" if run.done else f"stopped after epoch {run.epoch - 1}"
    if folder is None:
        say(f"{where}; nothing is kept, as this training had no out=")
    else:
        after = (
            "the run is complete" if run.finished else "call fit again with resume=True (--resume) to go on from there"
        )
        say(f"{where}, saved in {folder / LAST}; {after}")
    raise KeyboardInterrupt


def chosen(model: Module, optimizer: Optimizer | None, scheduler: LRScheduler | None) -> Optimizer:
    """The optimiser to use; ValueError for one of another model, or a schedule of another optimiser, TypeError for neither."""
    for name, part, kind, example in (
        ("optimizer", optimizer, Optimizer, "tl.optim.Adam(model.parameters(), lr=1e-3)"),
        ("scheduler", scheduler, LRScheduler, "tl.optim.lr_scheduler.StepLR(optimizer, 100)"),
    ):
        if part is not None and not isinstance(part, kind):
            raise TypeError(f"fit: {name} must be made before, such as {example}; got {part!r}")
    if optimizer is None:
        optimizer = scheduler.optimizer if scheduler else Adam(model.parameters(), lr=1e-3)
    if scheduler and scheduler.optimizer is not optimizer:
        raise ValueError("fit: the scheduler is of another optimiser; make it of the one that is passed")
    own = {id(p) for p in model.parameters()}
    if not any(id(p) in own for group in optimizer.param_groups for p in group["params"]):
        raise ValueError("fit: the optimiser has none of the model's parameters; make it of this model's parameters()")
    return optimizer


def warn_of_absent_classes(loader: DataLoader, val_loader: DataLoader | None) -> None:
    """Warn of classes that training has and validation lacks: they are learnt, but never judged."""
    known, judged = (getattr(getattr(each, "dataset", None), "y", None) for each in (loader, val_loader))
    if known is None or judged is None or known.dtype.kind not in "iu" or judged.dtype.kind not in "iu":
        return
    names = getattr(loader.dataset, "classes", ())
    absent = [k for k in np.setdiff1d(known, judged).tolist() if k >= 0]
    if absent:
        listed = ", ".join(str(names[k]) if k < len(names) else str(k) for k in absent[:10])
        warnings.warn(f"fit: the validation data has nothing of class {listed}", stacklevel=3)
