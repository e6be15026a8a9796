"""One step of training: the gradient of the mean loss over a few batches, and what went wrong where it is no number."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from .. import devices
from ..metrics import hits
from ..nn import Module
from ..optim import Optimizer, clip_grad_norm_
from ..random import Generator, default_generator
from ..scopes import detect_anomaly
from .judge import check_rest, counted, forward

ADVICE = (
    "Lower the learning rate, clip the gradients (max_norm=), or look at the data; nothing was changed by this step"
)


class Step(NamedTuple):
    """What a step saw: the mean loss, how many targets counted, were right and could be right, pictures, gradient norm."""

    loss: float
    targets: int
    right: int
    judged: int
    pictures: int
    norm: float


class Batches(NamedTuple):
    """The batches (x, y) of one step, and the names of the data's classes; in the first step of all, all data by name."""

    window: Sequence[tuple[Any, Any]]
    classes: Sequence[str]
    rest: Sequence[tuple[str, Any]] = ()


class Before:
    """Buffers (running statistics) of models, and where generators of random numbers are, to be put back as they were."""

    def __init__(self, models: Sequence[Module], generators: Sequence[Generator] = (default_generator,)) -> None:
        self.buffers = [(buffer, buffer.data.copy()) for model in models for buffer in model.buffers()]
        self.counters = [(generator, generator.get_state()) for generator in generators]

    def put_back(self) -> None:
        """As it was."""
        for generator, state in self.counters:
            generator.set_state(state)
        self.put_back_buffers()

    def put_back_buffers(self) -> None:
        """Only the buffers."""
        for buffer, values in self.buffers:
            buffer.data[...] = values
            buffer.version[0] += 1


def gradients(
    model: Module, optimizer: Optimizer, loss: Callable[[Any, Any], Any], batches: Batches, max_norm: float | None
) -> Step:
    """Set the parameters' gradients to that of the mean over all targets of the batches, and clip it.

    Each batch's mean counts by its share of the targets, Σ_b (n_b / n) ∂loss_b, so that several batches give the gradient
    of one that is as large as all of them, also where the last is short.
    """
    model.zero_grad()
    optimizer.zero_grad()
    total = max(sum(counted(y) for _, y in batches.window), 1)
    mean, right, judged = 0.0, 0, 0
    for k, (x, y) in enumerate(batches.window):
        logits, value = forward(model, loss, x, y, batches.classes)
        check_rest(model, loss, logits, x, y, () if k else batches.rest)
        share = counted(y) / total
        mean += float(value.item()) * share
        if not math.isfinite(mean):
            break
        (value if share == 1 else value * share).backward()
        marks = hits(devices.host(logits), y)
        right += int(np.count_nonzero(marks))
        judged += marks.size
    stepped = [p for group in optimizer.param_groups for p in group["params"]]
    norm = clip_grad_norm_(stepped, math.inf if max_norm is None else max_norm) if math.isfinite(mean) else math.nan
    return Step(mean, total, right, judged, sum(len(x) for x, _ in batches.window), norm)


def checked_gradients(
    model: Module, optimizer: Optimizer, loss: Callable[[Any, Any], Any], batches: Batches, max_norm: float | None
) -> Step:
    """The same, but FloatingPointError for a loss or a norm that is NaN or infinite, naming where that began.

    Then, and after any other error, buffers (running statistics) and the default generator are as they were before.
    """
    before = Before([model])
    try:
        with np.errstate(all="ignore"):  # what is not finite is told better below
            step = gradients(model, optimizer, loss, batches, max_norm)
            if math.isfinite(step.loss) and math.isfinite(step.norm):
                return step
            before.put_back()
            cause = origin(lambda: gradients(model, optimizer, loss, batches, None), batches)
    except BaseException:
        before.put_back()
        raise
    before.put_back()
    optimizer.zero_grad()
    what = f"the loss is {step.loss}" if not math.isfinite(step.loss) else f"the norm of the gradient is {step.norm}"
    raise FloatingPointError(f"{what}. {cause}. {ADVICE}")


def origin(again: Callable[[], Any], batches: Batches) -> str:
    """Where the first NaN comes from, found by doing the step again in anomaly mode."""
    for k, (x, _) in enumerate(batches.window):
        bad = np.flatnonzero(~np.isfinite(x).reshape(len(x), -1).all(1))
        if len(bad):
            return f"Picture {bad[0]} of batch {k} of this step holds NaN or infinity"
    try:
        with detect_anomaly():
            again()
    except RuntimeError as error:
        return f"The step, done again in anomaly mode: {error}"
    return "The step, done again in anomaly mode, holds no NaN: something grew beyond float32 to infinity"
