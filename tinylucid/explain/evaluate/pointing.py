"""Whether a map points at what is known to decide: maps against masks, and how few places a map needs."""

from __future__ import annotations

from typing import Any

import numpy as np

from ... import devices
from .maps import flat, plane_maps, ranks


def pointing_game(maps: Any, masks: Any, *, tolerance: float = 0) -> Any:
    """1.0 where the map's largest value lies in the mask, or within ``tolerance`` pixels of it, else 0.0 (Zhang et al., 2018).

    maps (N, C, H, W), channels then summed, or (N, H, W), and masks (N, H, W) → (N,). Of equal values the first in row-major
    order counts; a map that is the same everywhere points nowhere: 0.0. An empty mask asks nothing: NaN. The distance is
    Euclidean, between the middles of pixels. Raises ValueError for shapes that do not fit, for NaN and for a negative
    tolerance.
    """
    maps, masks = fitting(maps, masks)
    if not 0 <= tolerance < np.inf:
        raise ValueError(f"pointing_game: tolerance must be at least 0 pixels, got {tolerance!r}")
    i, j = np.divmod(flat(maps).argmax(1), maps.shape[2])
    rows, columns = (np.arange(side) for side in maps.shape[1:])
    squares = (rows[:, None] - i[:, None, None]) ** 2 + (columns - j[:, None, None]) ** 2
    near = (masks & (squares <= tolerance**2)).any((1, 2))
    return asked(near & (np.ptp(flat(maps), 1) > 0), masks)


def mass_in_mask(maps: Any, masks: Any) -> Any:
    """The share of the positive part of each map that lies in its mask: Σ_mask max(φ, 0) / Σ max(φ, 0), (N,) in 0 … 1.

    Arras et al., 2022, relevance mass accuracy. NaN for an empty mask, and where nothing of the map is positive. Shapes and
    errors as in pointing_game.
    """
    maps, masks = fitting(maps, masks)
    positive = np.maximum(maps, 0).astype(np.float64)
    inside, whole = (positive * masks).sum((1, 2)), positive.sum((1, 2))
    return asked(np.divide(inside, whole, out=np.full(len(maps), np.nan), where=whole > 0), masks)


def relevance_rank(maps: Any, masks: Any) -> Any:
    """The share of the K places with the largest values that lie in the mask, K its size: (N,) in 0 … 1.

    Arras et al., 2022, relevance rank accuracy. Of equal values the first in row-major order comes first; a map that is the
    same everywhere ranks nothing: 0.0. NaN for an empty mask. Shapes and errors as in pointing_game.
    """
    maps, masks = fitting(maps, masks)
    size = masks.sum((1, 2))
    top = ranks(maps) < size[:, None, None]
    found = (top & masks).sum((1, 2)) / np.maximum(size, 1)
    return asked(np.where(np.ptp(flat(maps), 1) > 0, found, 0), masks)


def sparsity(maps: Any) -> Any:
    """The Gini index of |φ|: 0 if all places are alike, 1 − 1/(H·W) if one place has everything (Chalasani et al., 2020).

    1 − 2·Σₖ v₍ₖ₎/Σv · (d − k + ½)/d, v₍₁₎ ≤ … ≤ v₍d₎ the d = H·W magnitudes. maps as in pointing_game → (N,); NaN for a map
    of zeros.
    """
    v = np.sort(abs(flat(plane_maps(maps))).astype(np.float64), 1)
    d = v.shape[1]
    whole = v.sum(1)
    weighed = (v * (d - np.arange(1, d + 1) + 0.5) / d).sum(1)
    return 1 - 2 * np.divide(weighed, whole, out=np.full(len(v), np.nan), where=whole > 0)


def fitting(maps: Any, masks: Any) -> tuple[Any, Any]:
    """Planes (N, H, W) and as many masks of bool."""
    maps, masks = plane_maps(maps), devices.host(masks)
    if masks.shape != maps.shape:
        raise ValueError(f"evaluate: maps of {maps.shape} places need masks {maps.shape}, got {masks.shape}")
    if masks.dtype != bool and not np.isin(masks, (0, 1)).all():
        raise ValueError(f"evaluate: masks hold True and False, or 1 and 0, got {masks.dtype} with other values")
    return maps, masks.astype(bool)


def asked(scores: Any, masks: Any) -> Any:
    """The scores (N,) as numbers, NaN where the mask is empty."""
    return np.where(masks.any((1, 2)), scores, np.nan)
