"""``tl.gan.fit``: the training loop of a GAN, with what a real run needs: samples, checkpoints, going on after a stop."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ..nn import Module
from ..nn.module import mode
from ..optim import Adam, Optimizer
from ..random import Generator
from ..train.checkpoint import LAST, prepared
from ..train.judge import as_loader
from ..train.loop import follow
from ..train.progress import say
from .augment import Alike
from .average import Average
from .checkpoint import FILM, GENERATOR, SAMPLES, restore, write, write_generator
from .fitting import check
from .grid import Grid
from .history import GANHistory
from .losses import Loss, chosen
from .penalty import Penalty
from .run import GANRun, classes_of
from .step import Game

SIZE = 64  # pictures a batch, unless told otherwise
BETAS = 0.5, 0.999  # of Adam: with a first β of 0.9 the two nets overshoot each other (Radford et al., 2016)


class Trained(NamedTuple):
    """``generator``: the averaged one, in eval mode, to draw with by ``tl.gan.sample``; ``history``: how it came about.

    ``remarks``: what went wrong on the way, in words: a collapse, a discriminator that won, losses without bound.
    """

    generator: Module
    history: GANHistory
    remarks: tuple[str, ...]


def fit(
    generator: Module,
    discriminator: Module,
    train: Any,
    *,
    epochs: int,
    steps_per_epoch: int | None = None,
    batch_size: int | None = None,
    loss: str | Loss = "non_saturating",
    penalty: Penalty | None = None,
    d_steps: int = 1,
    g_optimizer: Optimizer | None = None,
    d_optimizer: Optimizer | None = None,
    average: float = 0.999,
    augment: Alike | None = None,
    out: Any = None,
    resume: bool = False,
    seed: int | None = None,
) -> Trained:
    """Train a generator against a discriminator, both in place, on pictures in [0, 1]; returns the averaged generator.

    ``generator(z, y)`` gives pictures (N, C, H, W) of z (N, generator.latent) and the class numbers y (N,), None unless
    ``generator.classes`` says how many there are; ``discriminator(x, y)`` gives logits (N,), above 0 for real. ``train``: a
    dataset, a pair (x, y) (of pictures without classes any y will do, such as zeros) or a DataLoader. A step is ``d_steps`` of
    the discriminator, each on another batch, and one of the generator; an epoch is one pass over ``train``, or
    ``steps_per_epoch`` steps.
    ``loss``: "non_saturating", "least_squares", "hinge" or "wasserstein", or one made by tl.gan.non_saturating(0.9) and so on;
    ``penalty``: tl.gan.gradient_penalty(10) or tl.gan.r1(1). The optimisers are Adam of rate 2e-4 and betas (0.5, 0.999)
    unless given; different rates are the two time scales of Heusel et al., 2017. ``average``: the decay d of the averaged
    generator, see tl.gan.Average. ``augment``: changes of real and generated pictures alike, tl.gan.Alike(flip=True).
    ``out``: a folder for samples/epoch-0001.png, … (the same noise after every epoch), samples.gif, generator.safetensors (the
    averaged generator; those of all epochs are in generators/) and last.safetensors, from which ``resume`` goes on, from the
    middle of an epoch too, to the same bits as if there had been no stop. Noise and batches are drawn by ``seed`` (0),
    dropout by ``tl.manual_seed``'s generator.
    A collapse, a discriminator that has won and losses without bound are told after the epoch, in words (tl.gan.Watch).
    Raises ValueError or TypeError, before training, for nets and data that do not fit together, with both shapes;
    FileExistsError for an ``out`` that holds a run; FloatingPointError for a loss or gradient that is no number: it names the
    step, the operation and layer, and that net's weights stay as they were. After Ctrl-C it finishes the step, saves, and
    raises KeyboardInterrupt.
    """
    counts = {"epochs": epochs, "steps_per_epoch": steps_per_epoch, "d_steps": d_steps}
    check_settings(counts, average, resume, out)
    check_kinds(penalty, augment)
    loader = as_loader("train", train, batch_size, True, seed, None, SIZE, drop_last=True)
    game = Game(generator, discriminator, chosen(loss), penalty, augment, Generator(loader.seed))
    check(game, loader)
    g_rule, d_rule = of_net("g_optimizer", generator, g_optimizer), of_net("d_optimizer", discriminator, d_optimizer)
    grid = Grid(generator, classes_of(generator), loader.seed, None if out is None else Path(out) / SAMPLES)
    steps = steps_per_epoch or -(-len(loader) // d_steps)
    run = GANRun(game, g_rule, d_rule, loader, Average(generator, average), grid, epochs, steps, d_steps)
    folder = begin(run, out, resume)
    try:
        with mode(generator, True), mode(discriminator, True):
            follow(run, folder, write, keep_generator)
    finally:
        if folder:
            run.grid.film(folder / FILM)
    return Trained(run.average.model, run.history, tuple(run.remarks))


def begin(run: GANRun, out: Any, resume: bool) -> Path | None:
    """The run's folder; the run is where its checkpoint left it, with ``resume``."""
    folder = None if out is None else prepared("gan.fit", out, resume, (LAST, GENERATOR), partial(write, run))
    if folder and resume and (folder / LAST).exists():
        restore(run, folder)
        if run.finished:
            say(f"nothing is left to do: {folder / LAST} holds a run of {len(run.history)} epochs; ask for more")
    elif resume:
        say(f"nothing to go on with in {folder}: starting")
    return folder


def check_settings(counts: dict[str, Any], average: Any, resume: bool, out: Any) -> None:
    """ValueError for a setting out of its range."""
    for name, value in counts.items():
        if value is not None and (not isinstance(value, (int, np.integer)) or value < 1):
            raise ValueError(f"gan.fit: {name} must be an integer ≥ 1, got {value!r}; give a whole number")
    if not isinstance(average, (int, float)) or not 0 <= average < 1:
        raise ValueError(
            f"gan.fit: average must be a number, at least 0 and below 1, got {average!r}; usual is 0.999, 0 is none"
        )
    if resume and out is None:
        raise ValueError("gan.fit: resume=True goes on from a checkpoint; say in which folder it is with out=")


def check_kinds(penalty: Any, augment: Any) -> None:
    """TypeError for a penalty or an augment that is none, such as a name or the function that makes one."""
    for name, part, kind, examples in (
        ("penalty", penalty, Penalty, "tl.gan.gradient_penalty(10) or tl.gan.r1(1)"),
        ("augment", augment, Alike, "tl.gan.Alike(flip=True)"),
    ):
        if part is not None and not isinstance(part, kind):
            raise TypeError(f"gan.fit: {name} must be made before, such as {examples}; got {part!r}")


def keep_generator(run: GANRun, folder: Path | None, remarks: list[str]) -> None:
    """Say what has gone wrong in an epoch, and write its generator down."""
    for remark in remarks:
        say(remark)
    if folder:
        write_generator(run, folder)


def of_net(name: str, net: Module, optimizer: Optimizer | None) -> Optimizer:
    """The optimiser, or Adam for the net; TypeError for what is none, ValueError for one of another net's parameters."""
    if optimizer is None:
        return Adam(net.parameters(), lr=2e-4, betas=BETAS)
    if not isinstance(optimizer, Optimizer):
        raise TypeError(
            f"gan.fit: {name} must be made before, such as tl.optim.Adam(net.parameters()); got {optimizer!r}"
        )
    own = {id(p) for p in net.parameters()}
    if any(id(p) not in own for group in optimizer.param_groups for p in group["params"]):
        which = "generator" if name.startswith("g") else "discriminator"
        raise ValueError(f"gan.fit: {name} has parameters that are not the {which}'s; make it of {which}.parameters()")
    return optimizer
