"""What is found out about a trained net: what it answers, how often that is right, how sure the figure is."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from . import metrics
from .data import ArrayDataset
from .nn import Module
from .nn import functional as F
from .train import evaluate


@dataclass
class Findings:
    """What is known of a net: fill in as it is found (``judge``), then make a page of it (``page.report_of``).

    ``baselines`` is the accuracy of simple methods by name, ``caveat`` what the accuracy does not mean, ``settings`` how
    the net was trained, ``seconds`` how long each part took. ``quick``: half as many pictures
    are explained and rendered, in half as many steps.
    """

    title: str
    seed: int
    caveat: str = ""
    quick: bool = False
    baselines: Mapping[str, float] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)

    def judge(self, model: Module, test: ArrayDataset, history: Any) -> None:
        """Ask a trained net about all test pictures."""
        self.model, self.test, self.history = model, test, history
        self.chances = F.softmax(evaluate(model, test).logits, 1)
        self.answers = self.chances.argmax(1)
        self.right = self.answers == test.y
        self.confusion = metrics.confusion_matrix(self.answers, test.y, len(test.classes))

    def half(self, number: int) -> int:
        """So many pictures, or half of them."""
        return number // 2 if self.quick else number

    @property
    def accuracy(self) -> float:
        """The share of the test pictures that are answered right."""
        return float(self.right.mean())

    @property
    def doubt(self) -> float:
        """The accuracy's standard error √(p(1 − p)/n), as if n other pictures of the same kind had been drawn.

        p is kept 1/(n + 2) away from 0 and 1 (Laplace's rule): no mistake in a few pictures is not certainty.
        """
        n = len(self.right)
        p = min(max(self.accuracy, 1 / (n + 2)), 1 - 1 / (n + 2))
        return math.sqrt(p * (1 - p) / n)

    @property
    def give_or_take(self) -> str:
        """The doubt in words: 0.0798 as "give or take 8 points"."""
        points = 100 * self.doubt
        return f"give or take {points:.{0 if points >= 1.5 else 1}f} points"

    @property
    def by_class(self) -> dict[str, float]:
        """The share answered right of each class; NaN for a class without test pictures."""
        return dict(zip(self.test.classes, metrics.recall(self.confusion).tolist()))

    @contextlib.contextmanager
    def timed(self, what: str) -> Iterator[None]:
        """Add the seconds of a ``with`` to what that part took."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[what] = self.seconds.get(what, 0) + time.perf_counter() - start

    @property
    def mistakes(self) -> Any:
        """The numbers of the pictures answered wrong, the surest first."""
        wrong = np.flatnonzero(~self.right)
        return wrong[np.argsort(-self.chances[wrong].max(1), kind="stable")]

    def to_dict(self) -> dict[str, Any]:
        """The figures as plain values, for a file."""
        return {
            "accuracy": self.accuracy,
            "standard_error": self.doubt,
            "classes": self.by_class,
            "baselines": dict(self.baselines),
            "seconds": self.seconds,
            "seed": self.seed,
        }

    def said(self, k: int) -> str:
        """What the net says of test picture k, and what it is if that is something else."""
        classes = self.test.classes
        words = f"{classes[self.answers[k]]} {self.chances[k].max():.0%}"
        return words if self.right[k] else f"{words}\nis {classes[self.test.y[k]]}"
