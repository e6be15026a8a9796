"""Drawing arguments: hypothesis draws the shapes and options, which shrink to the smallest case, and a seed for the values.

Values have two decimals, so that a case can be followed by hand.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st


class Draw:
    """What draws in one case: hypothesis' own ``draw``, and how many arrays it has drawn, so that no two are alike."""

    def __init__(self, draw: Any) -> None:
        self.draw, self.arrays = draw, 0

    def __call__(self, strategy: Any) -> Any:
        return self.draw(strategy)


def search(cases: int, failing: str) -> settings:
    """How cases are drawn: so many, or, where one is known to be ``failing``, ever smaller ones; nothing is kept from run to run."""
    return settings(
        max_examples=cases,
        database=None,
        deadline=None,
        phases=[Phase.generate, Phase.shrink] if failing else [Phase.generate],
        suppress_health_check=list(HealthCheck),
        report_multiple_bugs=False,
    )


def whole(draw: Any, least: int, most: int) -> int:
    """A whole number; it shrinks towards ``least``."""
    return draw(st.sampled_from(range(least, most + 1)))


def one_of(draw: Any, *choices: Any) -> Any:
    """One of several; it shrinks towards the first."""
    return draw(st.sampled_from(choices))


def generator(draw: Any) -> np.random.Generator:
    """NumPy's generator from a drawn seed, for each array of a case another one."""
    draw.arrays += 1
    return np.random.default_rng([draw.arrays, draw(st.integers(0, 2**16))])


def values(draw: Any, *shape: int, scale: float = 1.0) -> np.ndarray:
    """Numbers about 0 of that shape, in float64; now and then one of them is exactly 0."""
    rng = generator(draw)
    found = np.array(np.round(scale * rng.standard_normal(shape), 2))
    found[found == 0] = 0.5
    if found.size > 1 and rng.random() < 0.25:
        found.flat[rng.integers(found.size)] = 0.0
    return found


def positive(draw: Any, *shape: int) -> np.ndarray:
    """Numbers from 0.5 to 2."""
    return np.asarray(np.round(generator(draw).uniform(0.5, 2, shape), 2))


def distinct(draw: Any, *shape: int) -> np.ndarray:
    """Numbers of which no two are equal, nor nearly so."""
    n = int(np.prod(shape))
    return (generator(draw).permutation(n).reshape(shape) - n // 2) * 0.25 + 0.1


def tied(draw: Any, *shape: int) -> np.ndarray:
    """Numbers many of which are equal: 0, 0.7 and 1.4."""
    return np.asarray(0.7 * generator(draw).integers(0, 3, shape))


def labels(draw: Any, n: int, classes: int) -> np.ndarray:
    """n class numbers."""
    return generator(draw).integers(0, classes, n)


def broadcastable(draw: Any, shape: Sequence[int]) -> tuple[int, ...]:
    """A shape that broadcasts to ``shape``: leading axes left out, some sizes 1."""
    shape = shape[draw(st.integers(0, len(shape))) :]
    return tuple(draw(st.sampled_from([n, 1])) for n in shape)
