"""How alike maps are: by the order of their places and by their look; and what a map costs."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from ..common import Method, at_least_one, check_method, pixels
from .faithful import correlation
from .maps import flat, plane_maps


class Likeness(NamedTuple):
    """How alike two maps of each picture are: Spearman's ρ of the maps, ρ of their magnitudes, and SSIM; 1 is the same."""

    spearman: Any
    magnitudes: Any
    ssim: Any


def likeness(a: Any, b: Any) -> Likeness:
    """Each picture's two maps (N, H, W) compared in three ways, (N,) each (Adebayo et al., 2018, section 3)."""
    return Likeness(spearman(a, b), spearman(abs(a), abs(b)), ssim(a, b))


def spearman(a: Any, b: Any) -> Any:
    """Spearman's rank correlation of planes (N, H, W), equals sharing their mean rank: (N,) in −1 … 1.

    A map that is the same everywhere has no order: 1 beside another such map, 0 beside any other.
    """
    return rank_correlation(*(place_ranks(each) for each in (a, b)))


def place_ranks(planes: Any) -> Any:
    """The ranks of each plane's places, (N, H·W), equals sharing their mean rank."""
    from scipy.stats import rankdata

    return rankdata(flat(planes), axis=1) if planes.size else flat(planes)


def rank_correlation(a: Any, b: Any) -> Any:
    """As in spearman, of ranks (N, P)."""
    both = (np.ptp(a, 1) == 0) & (np.ptp(b, 1) == 0)
    return np.where(both, 1.0, np.nan_to_num(correlation(a, b)))


def ssim(a: Any, b: Any) -> Any:
    """Structural similarity of planes (N, H, W), equation 13 of Wang et al., 2004: (N,), 1 for the same.

    Each map is drawn as grey in 0 … 1, zero ½ and its largest magnitude at an end: of signed numbers SSIM would find a map
    and its negative alike. Windows are 7 × 7 pixels, or as large as smaller planes allow; NaN where a side is below 3.
    """
    from skimage.metrics import structural_similarity

    side = min(7, *a.shape[1:])
    if side < 3:
        return np.full(len(a), np.nan)
    grey = lambda one: 0.5 + 0.5 * one / (abs(one).max() or 1)
    window = side - (side + 1) % 2  # odd
    pairs = ((grey(p), grey(q)) for p, q in zip(a, b))
    return np.array([structural_similarity(p, q, win_size=window, data_range=1) for p, q in pairs], np.float64)


def agreement(maps: Mapping[str, Any]) -> tuple[tuple[str, ...], Any]:
    """The names of the methods, and between any two of them Spearman's ρ, its mean over the pictures: a matrix (M, M).

    ``maps``: name → maps of the same pictures, (N, C, H, W), channels then summed, or (N, H, W). Maps that are the same
    everywhere count as in spearman: 1 beside another such map, 0 beside any other. Agreement is not truth: methods that
    share an error agree. Raises TypeError for what is no mapping, ValueError for none, for no picture, and for maps that do
    not fit.
    """
    if not isinstance(maps, Mapping):
        raise TypeError(f'agreement: expected a dict such as {{"gradient": maps}}, got {type(maps).__name__}')
    planes = {name: plane_maps(some) for name, some in maps.items()}
    shapes = {p.shape for p in planes.values()}
    if len(shapes) != 1 or 0 in next(iter(shapes)):
        told = ", ".join(f"{name} {p.shape}" for name, p in planes.items()) or "none"
        raise ValueError(f"agreement: expected maps of the same pictures, at least one, got {told}")
    ranked = [place_ranks(p) for p in planes.values()]
    return tuple(planes), np.array([[rank_correlation(a, b).mean() for b in ranked] for a in ranked])


def seconds(model: Callable, x: Any, target: Any, method: Method, *, runs: int = 3) -> float:
    """Seconds a picture that method(model, x, target) takes: the median of ``runs``, after one that does not count.

    Raises ValueError for no picture and for runs below 1.
    """
    check_method(method, "seconds")
    at_least_one(runs, "seconds: runs")
    at_least_one(len(pixels(x)), "seconds: the number of pictures")
    method(model, x, target)
    took = []
    for _ in range(runs):
        start = time.perf_counter()
        method(model, x, target)
        took.append(time.perf_counter() - start)
    return float(np.median(took)) / len(x)
