"""What a training run was like, epoch by epoch."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field
from typing import Any, ClassVar, Self

from .. import show
from ..io import FileError, load


class Columns:
    """Lists of one number an epoch, the first epoch first: what histories share. ``len`` is the number of epochs, ``str`` a table."""

    WORDS: ClassVar[dict[str, str]]  # what is told of an epoch while it runs, by the names of the lists

    @classmethod
    def load(cls, path: Any) -> Self:
        """The history in a ``last.safetensors``; raises what tl.load raises, and FileError for a file that holds none."""
        training = load(path).metadata.get("training")
        try:
            return cls(**training["history"])  # type: ignore[index]
        except (KeyError, TypeError) as error:
            raise FileError(path, "holds no history; fit writes it into last.safetensors") from error

    def __len__(self) -> int:
        return len(next(iter(vars(self).values())))

    def to_dict(self) -> dict[str, list[float]]:
        """The lists by name: plain values, for JSON."""
        return asdict(self)  # type: ignore[call-overload]

    def mark(self, epoch: int) -> str:
        """A word beside an epoch of the table, counted from 1."""
        return ""

    def __str__(self) -> str:
        lines = [
            f"{epoch:>5}" + "".join(f"{cell:>13}" for cell in cells) + (f"  {mark}" if mark else "")
            for epoch, *cells, mark in self.lines
        ]
        return "\n".join(lines)

    @property
    def lines(self) -> list[list[str]]:
        """The table in words: its head, and each epoch with its mark or nothing."""
        columns = {name: values for name, values in self.to_dict().items() if values}
        lines = [["epoch", *columns, ""]]
        for k in range(len(self)):
            lines.append([str(k + 1), *(f"{values[k]:.4g}" for values in columns.values()), self.mark(k + 1)])
        return lines

    def _repr_html_(self) -> str:
        head, *rows = self.lines
        return show.table(head, rows, left=0)


@dataclass
class History(Columns):
    """One number an epoch in each list, the first epoch first; ``len`` is the number of epochs, ``str`` a table.

    ``loss`` and ``accuracy``: means over the epoch, each batch judged while it was learnt from (weights of that moment,
    dropout on, pictures augmented). ``val_loss`` and ``val_accuracy``: of the validation data at the epoch's end, in eval
    mode; empty without validation data. ``lr``: of the first parameter group, in the epoch's last step. ``grad_norm``: the
    mean over steps of the gradient's norm, before clipping. ``seconds``: of the epoch with its validation.
    """

    WORDS: ClassVar = {"loss": "loss", "accuracy": "accuracy", "val_loss": "val loss", "val_accuracy": "val accuracy"}

    loss: list[float] = field(default_factory=list)
    accuracy: list[float] = field(default_factory=list)
    val_loss: list[float] = field(default_factory=list)
    val_accuracy: list[float] = field(default_factory=list)
    lr: list[float] = field(default_factory=list)
    grad_norm: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)

    @property
    def judged(self) -> str:
        """By which loss epochs are compared: ``val_loss``, or ``loss`` where there is no validation data."""
        return "val_loss" if self.val_loss else "loss"

    @property
    def best_epoch(self) -> int:
        """The number, from 1, of the epoch with the least val_loss (loss without validation), the first of equals; 0 of none."""
        losses = [math.inf if math.isnan(v) else v for v in getattr(self, self.judged)]
        return losses.index(min(losses)) + 1 if losses else 0

    def mark(self, epoch: int) -> str:
        """Which epoch was the best."""
        return "best" if epoch == self.best_epoch else ""


@dataclass
class Sums:
    """An epoch so far: sums over its steps, from which its means come."""

    loss: float = 0.0  # each batch's loss times the targets that count in it
    targets: int = 0  # that count
    right: int = 0  # of them
    judged: int = 0  # targets that are classes, so that they can be right
    pictures: int = 0
    norm: float = 0.0
    steps: int = 0
    lr: float = 0.0
    seconds: float = 0.0

    def means(self) -> dict[str, float]:
        """What the epoch adds to a History, but for validation."""
        return {
            "loss": self.loss / self.targets if self.targets else math.nan,
            "accuracy": self.right / self.judged if self.judged >= self.targets > 0 else math.nan,  # of all or none
            "lr": self.lr,
            "grad_norm": self.norm / self.steps if self.steps else math.nan,
            "seconds": self.seconds,
        }

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return asdict(self)
