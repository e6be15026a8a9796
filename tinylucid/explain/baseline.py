"""What "nothing there" looks like: the pictures that others are compared with, and that hidden places are taken from."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .. import devices
from .common import planes


def baselines(baseline: Any, x: Any) -> list[Any]:
    """The baseline or the list of them, each an array shaped like x and in its dtype."""
    several = baseline if isinstance(baseline, (list, tuple)) else [baseline]
    if not several:
        raise ValueError("explain: the list of baselines is empty")
    return [one_baseline(b, x) for b in several]


def averaged(maps: Callable[[Any], Any], baseline: Any, x: Any) -> Any:
    """The mean of maps(b), or of numbers, over the baselines b, in x's dtype."""
    starts = baselines(baseline, x)
    return (sum(maps(b) for b in starts) / len(starts)).astype(x.dtype, copy=False)


def one_baseline(baseline: Any, x: Any) -> Any:
    """A number, an array, "mean" or "blur" as an array shaped like x."""
    if isinstance(baseline, str):
        if baseline not in NAMED:
            raise ValueError(
                f"explain: the baselines with a name are {', '.join(NAMED)}; got {baseline!r}: give a number for black"
            )
        return NAMED[baseline](planes(x))
    b = devices.host(baseline)
    if b.dtype.kind not in "iuf":
        raise TypeError(
            f"explain: a baseline is a number, an array, a name or a list of these, got {type(baseline).__name__}"
        )
    if b.ndim > x.ndim or any(m not in (1, k) for m, k in zip(b.shape[::-1], x.shape[::-1])):
        raise ValueError(
            f"explain: baseline {b.shape} does not broadcast to the pictures {x.shape}; a colour is (C, 1, 1), several are a list"
        )
    return np.broadcast_to(b.astype(x.dtype), x.shape)


def mean_colour(x: Any) -> Any:
    """Each picture's mean colour everywhere."""
    return np.broadcast_to(x.mean((2, 3), keepdims=True), x.shape)


def blurred(x: Any) -> Any:
    """Each picture blurred by a Gaussian of σ = an eighth of its shorter side, edges continued."""
    from scipy.ndimage import gaussian_filter

    sigma = min(x.shape[2:]) / 8
    return gaussian_filter(x, (0, 0, sigma, sigma), mode="nearest")


NAMED = {"mean": mean_colour, "blur": blurred}
