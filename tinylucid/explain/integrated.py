"""Integrated gradients: the whole change of the answer from a baseline to the picture, shared out among the pixels."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .baseline import baselines
from .common import at_least_one, pixels, sweep, values
from .gradients import gradient


def integrated_gradients(
    model: Callable[[Any], Any], x: Any, target: Any, *, baseline: Any = 0, steps: int = 32, batch_size: int = 64
) -> Any:
    """(x − b) · ∫₀¹ g(b + α(x − b)) dα, g the gradient, shaped like x: it sums to f(x) − f(b) (Sundararajan et al., 2017).

    The integral is Gauss–Legendre quadrature at ``steps`` points: exact where g is a polynomial in α of degree up to
    2·steps − 1; completeness_gap measures what is missing elsewhere. ``baseline`` b says what "nothing there" is: a number,
    an array that broadcasts to x, "mean" (each picture's mean colour), "blur" (each picture blurred, σ an eighth of its
    shorter side), or a list of these, over which the maps are averaged. ``batch_size``: pictures a pass, at least those
    of x. Model, x, target and errors as in gradient, and ValueError for a baseline that does not fit or steps below 1.
    """
    x = pixels(x)
    at_least_one(steps, "integrated_gradients: steps")
    points, weights = gauss_legendre(steps)
    starts = baselines(baseline, x)
    total = np.zeros_like(x)
    for b in starts:
        path = (b + float(a) * (x - b) for a in points)
        maps = sweep(gradient, model, path, target, len(x), batch_size)
        total += (x - b) * sum(float(w) * g for w, g in zip(weights, maps))
    return total / len(starts)


def completeness_gap(model: Callable[[Any], Any], x: Any, maps: Any, target: Any, baseline: Any = 0) -> Any:
    """Σ maps − (f(x) − f(b)) of each picture, (N,): 0 if the maps share out the change of the answer without a rest.

    ``maps`` are shaped like x; ``baseline`` as in integrated_gradients, over a list of them the mean of f(b). Raises
    ValueError for maps of another shape, and as gradient does.
    """
    x, maps = pixels(x), np.asarray(maps)
    if maps.shape != x.shape:
        raise ValueError(f"explain: expected maps shaped like x {x.shape}, got {maps.shape}")
    starts = baselines(baseline, x)
    change = values(model, x, target) - sum(values(model, b, target) for b in starts) / len(starts)
    return maps.sum(tuple(range(1, x.ndim))) - change


def gauss_legendre(steps: int) -> tuple[Any, Any]:
    """Points in (0, 1) and weights that sum to 1, for ∫₀¹ of a polynomial of degree up to 2·steps − 1."""
    points, weights = np.polynomial.legendre.leggauss(steps)  # for −1 … 1
    return (points + 1) / 2, weights / weights.sum()
