"""Maps as the measures take them: one plane a picture, whose places have an order."""

from __future__ import annotations

from typing import Any

import numpy as np

from ... import devices


def plane_maps(maps: Any, x: Any = None) -> Any:
    """Maps (N, C, H, W), whose channels are summed, or planes (N, H, W), as planes (N, H, W) of floating numbers.

    Raises ValueError for other shapes, for maps that do not fit the pictures ``x``, and for NaN and infinity.
    """
    maps = floating(maps)
    if maps.ndim not in (3, 4):
        raise ValueError(f"evaluate: expected maps (N, C, H, W) or (N, H, W), got shape {maps.shape}")
    if x is not None and maps.shape not in (x.shape, (len(x), *x.shape[2:])):
        raise ValueError(
            f"evaluate: maps must be shaped like x {x.shape} or {(len(x), *x.shape[2:])}, got {maps.shape}"
        )
    return maps.sum(1) if maps.ndim == 4 else maps


def full_maps(maps: Any, x: Any) -> Any:
    """Maps that must be shaped like x, since each number of x has its own; ValueError as in plane_maps."""
    maps = floating(maps)
    if maps.shape != x.shape:
        raise ValueError(f"evaluate: expected maps shaped like x {x.shape}, got {maps.shape}")
    return maps


def floating(maps: Any) -> Any:
    """An array of floating numbers; ValueError for NaN and infinity."""
    array = devices.host(maps)
    if callable(maps):
        raise TypeError("evaluate: expected maps, got a method; give what method(model, x, target) returns")
    if array.dtype.kind not in "biuf":
        raise TypeError(f"evaluate: expected maps of numbers, got {array.dtype}")
    array = array if array.dtype.kind == "f" else array.astype(np.float64)
    wrong = [k for k, one in enumerate(array) if not np.isfinite(one).all()]
    if wrong:
        raise ValueError(f"evaluate: maps hold NaN or infinity, first in number {wrong[0]} of {len(array)}")
    return array


def flat(planes: Any) -> Any:
    """Planes (N, H, W) as rows (N, H·W)."""
    return planes.reshape(len(planes), planes.shape[1] * planes.shape[2])


def ranks(planes: Any) -> Any:
    """The rank of each place, (N, H, W): 0 for the largest value; of equals the first in row-major order comes first."""
    order = np.argsort(-flat(planes), axis=1, kind="stable")
    found = np.empty_like(order)
    np.put_along_axis(found, order, np.broadcast_to(np.arange(order.shape[1]), order.shape), 1)
    return found.reshape(planes.shape)


def value_range(x: Any) -> Any:
    """max − min of each picture x (N, …), kept as (N, 1, …)."""
    axes = tuple(range(1, x.ndim))
    return x.max(axes, keepdims=True) - x.min(axes, keepdims=True)
