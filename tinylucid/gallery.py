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

    def __array_wrap__(self, array: Any, context: Any = None, return_scalar: bool = False) -> Any:
        if array is self:
            return self  # maps *= 2
        return array[()] if return_scalar else array.view(np.ndarray)


class Maps(Gallery):
    """Maps (N, C, H, W), whose channels are summed when drawn, (N, H, W) or one plane (H, W); red is above zero, blue below."""

    def _repr_png_(self) -> Any:
        planes = self[None] if self.ndim == 2 else self
        if planes.ndim in (3, 4) and planes.size and max(planes.shape[-2:]) <= LONGEST * min(planes.shape[-2:]):
            return show.drawn("heatmap", planes[:MOST], columns=ABREAST)
        return None


class Pictures(Gallery):
    """Pictures (N, C, H, W), or one (C, H, W), C 1 or 3: colour in [0, 1], grey in any range."""

    def _repr_png_(self) -> Any:
        x = self[None] if self.ndim == 3 else self
        return show.drawn("picture_grid", x[:MOST], [""] * len(x[:MOST]), columns=ABREAST)


def giving(kind: type[Gallery]) -> Callable[[Function], Function]:
    """Of a function that returns an array, one whose array shows itself (decorator)."""

    def dress(function: Function) -> Function:
        @functools.wraps(function)
        def call(*args: Any, **settings: Any) -> Any:
            return function(*args, **settings).view(kind)

        return call  # type: ignore[return-value]

    return dress
