"""A training run: what it trains with, how far it has come, and its next epoch."""

from __future__ import annotations

import contextlib
import itertools
import json
import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field
from typing import Any

from ..data import DataLoader
from ..nn import Module
from ..optim import Optimizer
from ..optim.lr_scheduler import LRScheduler
from .history import History, Sums
from .judge import evaluate
from .replayed import Replayed
from .step import Batches, checked_gradients


class Epochs:
    """What a run of any kind knows of how far it has come: ``done`` of the ``steps`` of the epoch in work, and ``epochs`` in all."""

    epochs: int
    history: Any
    steps: Any
    done: Any

    @property
    def steps_left(self) -> int:
        """Steps from here to the end of the run."""
        return (self.epochs - len(self.history)) * self.steps - self.done

    @property
    def epoch(self) -> int:
        """The number of the epoch in work, from 1."""
        return len(self.history) + 1

    @property
    def finished(self) -> bool:
        """Whether there is nothing left to do."""
        return len(self.history) >= self.epochs


@dataclass
class Run(Epochs):
    """The parts and settings of ``fit``, and the state: finished epochs, batches into the next one, sums over those."""

    model: Module
    optimizer: Optimizer
    scheduler: LRScheduler | None
    loss: Callable[[Any, Any], Any]
    loader: DataLoader
    val_loader: DataLoader | None
    epochs: int
    accumulate: int
    max_norm: float | None
    patience: int | None
    replayed: Replayed | None = None  # the steps as graphs, if they are to be
    history: History = field(default_factory=History)
    batch: int = 0
    sums: Sums = field(default_factory=Sums)

    @property
    def steps(self) -> int:
        """Optimiser steps an epoch."""
        return -(-len(self.loader) // self.accumulate)

    @property
    def done(self) -> int:
        """Optimiser steps of the epoch in work."""
        return -(-self.batch // self.accumulate)

    @property
    def out_of_patience(self) -> bool:
        """Whether the last ``patience`` epochs were no better than one before."""
        return self.patience is not None and len(self.history) - self.history.best_epoch >= self.patience

    @property
    def finished(self) -> bool:
        """Whether there is nothing left to do."""
        return super().finished or self.out_of_patience

    def check_schedule(self, at: int) -> None:
        """ValueError where a schedule that cannot go on beyond its end, now ``at`` so many steps, ends before the run does."""
        end = getattr(self.scheduler, "total_steps", None)
        if end is not None and at + self.steps_left > end:
            raise ValueError(
                f"fit: {type(self.scheduler).__name__} ends after {end} steps, and the run takes {at + self.steps_left}; make "
                "it with total_steps=tl.train.total_steps(…)"
            )

    @property
    def identity(self) -> dict[str, Any]:
        """What must be the same for a run to be gone on with."""
        loader, data = self.loader, self.loader.dataset
        made = getattr(self.model, "architecture", None) or {"name": type(self.model).__name__}
        return {
            "model": str(made),
            "classes": list(map(str, getattr(data, "classes", ()))),
            "preprocess": repr(getattr(data, "preprocess", None)),
            "optimizer": made_with(self.optimizer, rule_settings(self.optimizer, self.scheduler)),
            "parameters": [len(group["params"]) for group in self.optimizer.param_groups],
            "scheduler": made_with(self.scheduler, schedule_settings(self.scheduler)) if self.scheduler else None,
            "pictures": len(loader.dataset),
            "batch_size": loader.batch_size,
            "shuffle": bool(loader.shuffle),
            "seed": loader.seed,
            "augment": repr(loader.augment),
            "drop_last": bool(loader.drop_last),
            "accumulate": self.accumulate,
            "validation": self.val_loader is not None,
        }

    @property
    def everything(self) -> list[tuple[str, Any]]:
        """What is learnt from and what is judged by, by name."""
        loaders = {"train": self.loader, "val": self.val_loader}
        return [(name, loader.dataset) for name, loader in loaders.items() if loader]

    def train(self) -> Generator[None, None, None]:
        """The steps that are left of this epoch; yields after each."""
        classes = getattr(self.loader.dataset, "classes", ())
        batches = self.loader.epoch(self.epoch - 1, self.batch)
        before, started = self.sums.seconds, time.perf_counter()
        try:
            while window := list(itertools.islice(batches, self.accumulate)):
                self._step(Batches(window, classes, () if self.history or self.batch else self.everything))
                self.sums.seconds = before + time.perf_counter() - started
                yield
        finally:
            batches.close()

    def _step(self, batches: Batches) -> None:
        """One optimiser step, and one of the schedule."""
        with located(f"fit, epoch {self.epoch}, step {self.batch // self.accumulate + 1} of {self.steps}"):
            graphs = None if batches.rest else self.replayed  # the first step looks at all of the data
            if graphs:
                step = graphs.gradients(batches)
            else:
                step = checked_gradients(self.model, self.optimizer, self.loss, batches, self.max_norm)
        sums, self.batch = self.sums, self.batch + len(batches.window)
        sums.lr = float(self.optimizer.param_groups[0]["lr"])
        (graphs or self.optimizer).step()
        if self.scheduler:
            self.scheduler.step()
        sums.loss += step.loss * step.targets
        sums.norm += step.norm
        sums.steps += 1
        for name in ("targets", "right", "judged", "pictures"):
            setattr(sums, name, getattr(sums, name) + getattr(step, name))

    def close_epoch(self) -> bool:
        """Validate and write the epoch down; returns whether it is the best so far."""
        started, history = time.perf_counter(), self.history
        if self.val_loader:
            with located(f"fit, epoch {self.epoch}, validation"):
                result = evaluate(self.model, self.val_loader, self.loss)
            history.val_loss.append(result.loss)
            history.val_accuracy.append(result.accuracy)
        self.sums.seconds += time.perf_counter() - started
        for name, value in self.sums.means().items():
            getattr(history, name).append(value)
        self.batch, self.sums = 0, Sums()
        return history.best_epoch == len(history)


@contextlib.contextmanager
def located(where: str) -> Iterator[None]:
    """In the ``with``, what is wrong with numbers, values and types is told with the place in the run."""
    try:
        yield
    except FloatingPointError as error:
        raise FloatingPointError(f"{where}: {error}") from None
    except (TypeError, ValueError) as error:
        kind = TypeError if isinstance(error, TypeError) else ValueError
        raise kind(f"{where}: {error}") from error


def made_with(part: Any, settings: dict[str, Any]) -> str:
    """An optimiser or a schedule in words: Adam(lr=0.1, …)."""
    values = ", ".join(f"{name}={json.dumps(value, default=str)}" for name, value in settings.items())
    return f"{type(part).__name__}({values})"


def rule_settings(optimizer: Optimizer, scheduler: LRScheduler | None) -> dict[str, Any]:
    """An optimiser's settings, a list where there are several groups, as they were before the schedule changed them."""
    changed = {"params", "initial_lr"} | (
        {"momentum", "betas"} if getattr(scheduler, "cycle_momentum", False) else set()
    )
    found = {}
    for name in (name for name in optimizer.param_groups[0] if name not in changed):
        values = [group["initial_lr" if name == "lr" and scheduler else name] for group in optimizer.param_groups]
        found[name] = values if len(values) > 1 else values[0]
    return found


def schedule_settings(scheduler: LRScheduler) -> dict[str, Any]:
    """A schedule's settings: all that its steps do not change; the rates that it starts from are the optimiser's."""
    state = scheduler.state_dict().items()
    return {name: v for name, v in state if name not in ("last_epoch", "base_lrs") and not name.startswith("_")}
