"""A data set as what is rendered from it needs it: checked, how its pictures are prepared, how their colours vary together."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .. import devices, dtypes
from ..data import ArrayDataset
from .colors import color_matrix
from .objectives import inside, numbered

ENOUGH = 1000  # pictures, to learn colours from


def checked_data(data: Any, who: str) -> Any:
    """The data's pictures x (N, C, H, W), an array; an error for what is no data set, holds no pictures, or NaN."""
    if not isinstance(data, ArrayDataset):
        which = (
            "; give one part of it, such as .test"
            if hasattr(data, "test")
            else "; tl.data.ArrayDataset(x, y) makes one"
        )
        raise TypeError(f"{who}: expected an ArrayDataset, as tl.data gives them, got {type(data).__name__}{which}")
    x = devices.host(data.x)
    if x.ndim != 4 or not x.size:
        raise ValueError(f"{who}: expected data with pictures x (N, C, H, W), at least one, got {x.shape}")
    dtypes.check_floating(x, who)
    finite(x, f"{who}: the data's picture")
    return x


def finite(x: Any, whose: str) -> None:
    """ValueError for pictures x (N, …) with a number that is NaN or infinite."""
    broken = ~np.isfinite(x).reshape(len(x), -1).all(1)
    if broken.any():
        raise ValueError(f"{whose} {broken.argmax()} has numbers that are NaN or infinite; look at how it was prepared")


def of_classes(data: ArrayDataset, who: str) -> Any:
    """The data's classes y, one number a picture (N,); ValueError for masks."""
    if data.y.ndim != 1 or data.y.dtype.kind not in "iu":
        raise ValueError(f"{who}: expected a class number for each picture, y (N,), got {data.y.dtype} {data.y.shape}")
    return data.y


def count(data: ArrayDataset) -> int:
    """How many classes there are."""
    return int(max(data.y.max() + 1, len(data.classes)))


def known_class(k: Any, data: ArrayDataset, who: str) -> int:
    """The class number; ValueError where there is no such class, or no picture of it."""
    numbered(k, "class")
    inside(k, count(data), "class", "the data has no more")
    if not (data.y == k).any():
        raise ValueError(f"{who}: class {k} has no pictures in the data; give data that has some")
    return int(k)


def preparation(data: ArrayDataset) -> Callable | None:
    """How a picture as it looks becomes the model's input, for render's ``normalize``."""
    return data.preprocess.normalized if data.preprocess else None


def palette(data: ArrayDataset) -> Any:
    """How red, green and blue vary together in the data's pictures as they look, for fourier; None without colour."""
    return color_matrix(data.shown(slice(None, None, 1 + len(data) // ENOUGH))) if data.x.shape[1] == 3 else None
