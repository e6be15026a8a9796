"""Arrays that show themselves: a method's maps in red and blue, renderings as the pictures they are.

Both are NumPy arrays, and all that NumPy does with them it still does. Parts, views and copies show themselves too; what comes
out of arithmetic is a plain array, since twice a map, or where it is positive, is no longer what the method gave.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from . import show

MOST, ABREAST = 10, 5  # maps or pictures that are drawn, of more only the first; in a row
LONGEST = 12  # times as long as wide: what is longer would be drawn as a thread

Function = TypeVar("Function", bound=Callable[..., Any])


class Gallery(np.ndarray):
    """What Maps and Pictures share: arithmetic gives plain arrays, and drawing is left to tl.plot."""

    figure: str  # of tl.plot, that draws many
    axes: tuple[int, ...]  # how many axes many may have; a single one has one less than the fewest

    def __array_wrap__(self, array: Any, context: Any = None, return_scalar: bool = False) -> Any:
        return array[()] if return_scalar else array  # plain, or self where that is written into: maps *= 2

    def _repr_png_(self) -> Any:
        many = self[None] if self.ndim == self.axes[0] - 1 else self
        if many.ndim not in self.axes or not self.size or max(self.shape[-2:]) > LONGEST * min(self.shape[-2:]):
            return None
        return show.drawn(self.figure, many[:MOST], None, columns=ABREAST)


class Maps(Gallery):
    """Maps (N, H, W), (N, C, H, W), whose channels are summed when drawn, or one plane (H, W); red is above zero, blue below."""

    figure, axes = "heatmap", (3, 4)


class Pictures(Gallery):
    """Pictures (N, C, H, W), or one (C, H, W), C 1 or 3: colour in [0, 1], grey in any range."""

    figure, axes = "picture_grid", (4,)


def giving(kind: type[Gallery]) -> Callable[[Function], Function]:
    """Of a function that returns an array, one whose array shows itself (decorator)."""

    def dress(function: Function) -> Function:
        @functools.wraps(function)
        def call(*args: Any, **settings: Any) -> Any:
            return function(*args, **settings).view(kind)

        return call  # type: ignore[return-value]

    return dress
