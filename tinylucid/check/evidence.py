"""What a diagnosis is made from: a wrong array beside the right one, and what both were computed from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

CLOSE = 1e-4  # of the largest right value: far above finite differences' error, far below any mistake


class Finding(NamedTuple):
    """A probable cause: ``key`` names it the same in every case, ``text`` says it in the words of this one.

    ``chance``: how likely this would be seen in this case if the cause were another (a mask of nearly everything tells nothing).
    """

    key: tuple
    text: str
    chance: float = 0.0


@dataclass
class Evidence:
    """One comparison: what was given for ``name`` and what is right.

    ``arguments``: arrays and constants it was computed from, by name, the upstream gradient among them as ``upstream`` says.
    ``fits(changed)``: whether what was given would be right for other arguments. ``outputs``: the results of
    the function whose gradient this is.
    ``others``: the right values of other results. Vocabulary that some functions bring along, in words: ``parts`` the right
    values are the sum of, ``factors`` that enter them, ``places`` (masks), ``variants`` (right values of similar functions),
    ``choices`` (what else an option may be).
    """

    name: str
    given: np.ndarray
    true: np.ndarray
    arguments: Mapping[str, Any] = field(default_factory=dict)
    upstream: tuple[str, ...] = ()
    outputs: tuple[np.ndarray, ...] = ()
    fits: Callable[[dict[str, Any]], bool] | None = None
    others: Mapping[str, np.ndarray] = field(default_factory=dict)
    parts: Mapping[str, np.ndarray] = field(default_factory=dict)
    factors: Mapping[str, np.ndarray] = field(default_factory=dict)
    places: Mapping[str, np.ndarray] = field(default_factory=dict)
    variants: Mapping[str, np.ndarray] = field(default_factory=dict)
    choices: Mapping[str, tuple] = field(default_factory=dict)

    @property
    def scale(self) -> float:
        """The largest right value."""
        return float(np.abs(self.true).max(initial=1e-300))

    def arrays(self) -> dict[str, np.ndarray]:
        """The arguments that are arrays of floating numbers."""
        return {k: a for k, a in self.arguments.items() if isinstance(a, np.ndarray) and a.dtype.kind == "f"}


def same(a: np.ndarray, b: np.ndarray) -> bool:
    """Whether two arrays agree, to within finite differences' error."""
    largest = np.abs(b).max(initial=1e-300)
    return a.shape == b.shape and bool(np.isfinite(largest) and np.abs(a - b).max(initial=0) <= CLOSE * largest)


def worst(given: np.ndarray, true: np.ndarray) -> tuple[int, ...]:
    """The index of the element that is most wrong."""
    return tuple(int(i) for i in np.unravel_index(np.argmax(np.abs(given - true)), given.shape))
