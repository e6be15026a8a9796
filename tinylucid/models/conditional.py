"""Nets that are told a class: its one-hot code beside what they get otherwise (Mirza and Osindero, 2014)."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import devices
from ..ops import concatenate
from ..scopes import here


def told(net: Any, x: Any, y: Any) -> Any:
    """x (N, D, …) with the class y (N,) as ``net.classes`` more channels, 1 for the class and 0 for the others; x if classes = 0.

    Raises ValueError for a class where none is known, none where one is needed, and numbers that are no classes.
    """
    name = here(type(net).__name__)
    if not net.classes:
        if y is not None:
            raise ValueError(f"{name}: it knows no classes, got y; build it with classes=, or leave y out")
        return x
    y = None if y is None else devices.host(y)
    if y is None or y.shape != x.shape[:1] or y.dtype.kind not in "iu":
        got = "none" if y is None else f"{y.dtype} of shape {y.shape}"
        raise ValueError(
            f"{name}: expected y, a class number for each of the {len(x)}, got {got}; it is one of classes"
        )
    if y.size and not 0 <= y.min() <= y.max() < net.classes:
        raise ValueError(f"{name}: classes are 0 … {net.classes - 1}, got {y.min()} … {y.max()}; count from 0")
    code = (y[:, None] == np.arange(net.classes)).astype(x.dtype).reshape(len(y), net.classes, *(1,) * (x.ndim - 2))
    planes = np.broadcast_to(code, (*code.shape[:2], *x.shape[2:]))
    return concatenate([x, devices.beside(np.ascontiguousarray(planes), x)], 1)
