"""Gradients along a path: the whole change of the answer, from a baseline or from other pictures, shared out among pixels."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from .. import devices, dtypes
from ..gallery import Maps, giving
from ..random import Generator
from ..tensor import Tensor
from .baseline import averaged
from .common import at_least_one, beside, pixels, sweep, values
from .gradients import gradient


@giving(Maps)
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
    model, x = beside(model, x), pixels(x)
    at_least_one(steps, "integrated_gradients: steps")
    points, weights = gauss_legendre(steps)

    def one(b: Any) -> Any:
        way = x - b
        path = (b + float(a) * way for a in points)
        maps = sweep(gradient, model, path, target, len(x), batch_size, "integrated_gradients", steps)
        return way * sum(float(w) * g for w, g in zip(weights, maps))

    return averaged(one, baseline, x)


@giving(Maps)
def expected_gradients(
    model: Callable[[Any], Any],
    x: Any,
    target: Any,
    *,
    background: Any,
    n: int = 64,
    rng: Generator | None = None,
    batch_size: int = 64,
) -> Any:
    """1/n Σₖ (x − bₖ) · g(bₖ + αₖ(x − bₖ)), the mean over baselines b and α in (0, 1), shaped like x (Erion et al., 2021).

    The baselines are drawn from ``background``, pictures (M, …) shaped like those of x, such as some of the training's:
    "nothing there" is then not one colour but what pictures look like. In the mean over the draws the map sums to f(x) −
    the mean of f(b). To leave less to chance, αₖ is drawn in the k-th of n equal parts of (0, 1) and no b is taken again
    before all have been; with n a multiple of M the map of a linear net, (x − mean b) · w, is exact. ``rng`` draws, by
    default Generator(0), the same for every picture. ``batch_size``, model, x, target and errors as in
    integrated_gradients, and ValueError for a background that does not fit.
    """
    model, x, rng = beside(model, x), pixels(x), rng or Generator(0)
    at_least_one(n, "expected_gradients: n")
    others = background_of(background, x)
    turns = [rng.permutation(len(others)) for _ in range(0, n, len(others))]
    drawn = np.concatenate(turns)[:n]
    alphas = (np.arange(n) + rng.uniform((n,), dtypes.float64)) / n
    path = (others[k] + float(a) * (x - others[k]) for k, a in zip(drawn, alphas))
    maps = sweep(gradient, model, path, target, len(x), batch_size, "expected_gradients", n)
    return sum((x - others[k]) * g for k, g in zip(drawn, maps)) / n


def background_of(background: Any, x: Any) -> Any:
    """Background pictures as an array (M, …) in x's dtype; TypeError for what is no array of numbers, ValueError for its shape."""
    others = devices.host(background) if isinstance(background, Tensor) or devices.is_array(background) else background
    if not isinstance(others, np.ndarray) or others.dtype.kind not in "iuf":
        raise TypeError(
            f"expected_gradients: background must be an array of pictures, such as data.train.x, got {type(background).__name__}"
        )
    if others.ndim != x.ndim or others.shape[1:] != x.shape[1:] or not len(others):
        raise ValueError(
            f"expected_gradients: background must hold at least one picture shaped like those of x, (M, "
            f"{', '.join(map(str, x.shape[1:]))}), got {others.shape}"
        )
    return others.astype(x.dtype, copy=False)


def completeness_gap(model: Callable[[Any], Any], x: Any, maps: Any, target: Any, baseline: Any = 0) -> Any:
    """Σ maps − (f(x) − f(b)) of each picture, (N,): 0 if the maps share out the change of the answer without a rest.

    ``maps`` are shaped like x; ``baseline`` as in integrated_gradients, over a list of them the mean of f(b). Raises
    ValueError for maps of another shape, and as gradient does.
    """
    model, x, maps = beside(model, x), pixels(x), devices.host(maps)
    if maps.shape != x.shape:
        raise ValueError(f"explain: expected maps shaped like x {x.shape}, got {maps.shape}")
    nothing = averaged(lambda b: values(model, b, target), baseline, x)
    return maps.sum(tuple(range(1, x.ndim))) - (values(model, x, target) - nothing)


@cache
def gauss_legendre(steps: int) -> tuple[Any, Any]:
    """Points in (0, 1) and weights that sum to 1, for ∫₀¹ of a polynomial of degree up to 2·steps − 1.

    They are the eigenvalues of a matrix: kept, since finding them takes as long as some passes of a small net.
    """
    points, weights = np.polynomial.legendre.leggauss(steps)  # for −1 … 1
    return (points + 1) / 2, weights / weights.sum()
