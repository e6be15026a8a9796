"""A GAN's training run: what it trains with, how far it has come, and its next epoch."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Generator as Steps
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from ..data import ArrayDataset, DataLoader
from ..data.dataset import as_float
from ..nn import Module
from ..optim import Optimizer
from ..train.run import Epochs, located, made_with, rule_settings
from .average import Average
from .distance import spread
from .grid import Grid
from .history import GANHistory, GANSums
from .step import Game, checked, discriminator_gradients, generator_gradients
from .watch import Watch


@dataclass
class GANRun(Epochs):
    """The parts and settings of ``gan.fit``, and the state: finished epochs, steps into the next one, sums over those."""

    game: Game
    g_optimizer: Optimizer
    d_optimizer: Optimizer
    loader: DataLoader
    average: Average
    grid: Grid
    epochs: int
    steps: int
    d_steps: int
    remarks: list[str] = field(default_factory=list)
    history: GANHistory = field(default_factory=GANHistory)
    done: int = 0
    sums: GANSums = field(default_factory=GANSums)

    def __post_init__(self) -> None:
        self.watch = Watch(tuple(getattr(self.loader.dataset, "classes", ())))
        self.real_spread = spread_of(self.loader, classes_of(self.game.generator))

    @property
    def identity(self) -> dict[str, Any]:
        """What must be the same for a run to be gone on with."""
        game, loader = self.game, self.loader
        return {
            "generator": made(game.generator),
            "discriminator": made(game.discriminator),
            "g_optimizer": made_with(self.g_optimizer, rule_settings(self.g_optimizer, None)),
            "d_optimizer": made_with(self.d_optimizer, rule_settings(self.d_optimizer, None)),
            "loss": game.loss.name,
            "penalty": game.penalty.name if game.penalty else None,
            "augment": repr(game.augment),
            "average": self.average.decay,
            "steps_per_epoch": self.steps,
            "d_steps": self.d_steps,
            "pictures": len(loader.dataset),
            "batch_size": loader.batch_size,
            "shuffle": bool(loader.shuffle),
            "seed": loader.seed,
            "data_augment": repr(loader.augment),
            "drop_last": bool(loader.drop_last),
        }

    def train(self) -> Steps[None, None, None]:
        """The steps that are left of this epoch; yields after each."""
        first = ((self.epoch - 1) * self.steps + self.done) * self.d_steps
        before, started = self.sums.seconds, time.perf_counter()
        self.sums.penalised = self.game.penalty is not None
        with contextlib.closing(endless(self.loader, first)) as batches:
            while self.done < self.steps:
                with located(f"gan.fit, epoch {self.epoch}, step {self.done + 1} of {self.steps}"):
                    self._step(batches)
                self.done += 1
                self.sums.seconds = before + time.perf_counter() - started
                yield

    def _step(self, batches: Iterator[tuple[Any, Any]]) -> None:
        """So many steps of the discriminator, each on another batch, and one of the generator."""
        game, sums = self.game, self.sums
        for _ in range(self.d_steps):
            x, y = next(batches)
            y = y if classes_of(game.generator) else None
            half = checked(game, "discriminator", partial(discriminator_gradients, game, x, y), x)
            self.d_optimizer.step()
            sums.d_steps += 1
            sums.pictures += len(x)
            sums.d_loss += half.loss
            sums.d_norm += half.norm
            sums.penalty += half.penalty
            sums.apart += half.apart
        half = checked(game, "generator", partial(generator_gradients, game, len(x), y), x)
        self.g_optimizer.step()
        self.average.update(game.generator)
        sums.g_steps += 1
        sums.g_loss += half.loss
        sums.g_norm += half.norm

    def close_epoch(self) -> list[str]:
        """Draw the fixed samples and write the epoch down; returns what has gone wrong, in words, mostly nothing."""
        started = time.perf_counter()
        shares = self._spread(self.grid.draw(self.average.model))
        self.sums.seconds += time.perf_counter() - started
        means = {**self.sums.means(), "spread": float(np.nanmean(shares)) if np.isfinite(shares).any() else math.nan}
        losses = means["d_loss"], means["g_loss"]
        seen = self.watch.see(apart=means["apart"], spread=shares, grad_norm=means["g_norm"], losses=losses)
        new = [f"epoch {self.epoch}: {sentence}" for sentence in seen]
        for name, value in means.items():
            getattr(self.history, name).append(value)
        self.remarks += new
        self.done, self.sums = 0, GANSums()
        return new

    def _spread(self, x: Any) -> Any:
        """How much the fixed samples x differ within each class, as a share of how much the real pictures do."""
        found = spread(x, self.grid.y)
        few = self.grid.n // len(found)  # samples of a class: of few the standard deviation comes out too small
        return found / self.real_spread[: len(found)] * math.sqrt(few / (few - 1))


def spread_of(loader: DataLoader, classes: int) -> Any:
    """How much the real pictures differ within each class, NaN where they are not in memory or do not differ.

    One number, over all, where there are no classes.
    """
    data = loader.dataset
    if not isinstance(data, ArrayDataset):
        return np.full(max(classes, 1), np.nan)
    found = np.full(max(classes, 1), np.nan)
    known = spread(as_float(data.x), data.y if classes else None)
    found[: len(known)] = np.where(known > 0, known, np.nan)
    return found


def endless(loader: DataLoader, start: int) -> Steps[tuple[Any, Any], None, None]:
    """The batches of pass after pass over the data, from number ``start`` of all on."""
    number, skip = divmod(start, len(loader))
    while True:
        yield from loader.epoch(number, skip)
        number, skip = number + 1, 0


def classes_of(net: Module) -> int:
    """How many classes a net is told; 0 for none."""
    return int(getattr(net, "classes", 0))


def made(net: Module) -> str:
    """A net in words: its architecture, if it is from tl.models.build, or else its layers."""
    return str(getattr(net, "architecture", None) or net)
