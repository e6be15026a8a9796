"""A case: the same work described once for every library, and the least time that it could take."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from math import prod
from typing import Any, NamedTuple


class Work(NamedTuple):
    """What must be done at least: multiplications and additions, and bytes read and written."""

    flops: float
    bytes: float

    def seconds(self, peak: float, bandwidth: float) -> float:
        """The least time at so many operations and bytes a second, where both go on at once."""
        return max(self.flops / peak, self.bytes / bandwidth)


def floor(works: Iterable[Work], peak: float, bandwidth: float) -> float:
    """The least seconds for work that is done one after the other."""
    return sum(work.seconds(peak, bandwidth) for work in works)


class Case(NamedTuple):
    """One thing to be timed in each library.

    ``make(library)``, for tinylucid or torch, builds it and returns a function that does it once, and gives a result to compare.
    ``bound``: what PyTorch's time over ours should be at least; None where nothing is asked. ``jaxed``: the name of
    the function of ``jaxed`` that makes the same in JAX, and its arguments; None where it is not compared.
    """

    group: str
    name: str
    make: Callable[[Any], Callable[[], Any]]
    works: tuple[Work, ...]
    bound: float | None = 1.0
    jaxed: tuple[Any, ...] | None = None


def numbers(*shapes: tuple[int, ...]) -> int:
    """How many bytes float32 arrays of these shapes are."""
    return 4 * sum(prod(shape) for shape in shapes)
