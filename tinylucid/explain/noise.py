"""Maps of pictures with noise on them: their mean (what survives the noise), their mean square and their variance."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from ..gallery import Maps, giving
from ..random import Generator
from .common import Method, at_least_one, beside, check_method, pixels, sweep
from .gradients import gradient
from .replayed import replayed

BLOCK = 2**20  # numbers drawn at a time: one by one the calls take longer than the drawing


@giving(Maps)
def smoothgrad(
    model: Callable[[Any], Any],
    x: Any,
    target: Any,
    *,
    method: Method = gradient,
    n: int = 25,
    level: float = 0.15,
    rng: Generator | None = None,
    batch_size: int = 64,
    capture: bool = False,
) -> Any:
    """The mean of ``method``'s maps over n noisy versions of each picture, shaped as ``method`` gives them.

    1/n Σₖ method(x + σ·εₖ),  ε ~ N(0, 1),  σ = level · (max x − min x) of each picture  (Smilkov et al., 2017).
    ``rng`` draws the noise, by default Generator(0): the same seed gives the same map. All pictures get the same εₖ, so a
    picture's map does not depend on what else is in the batch. ``method`` is any of this room's, functools.partial fills
    in its keywords (one that holds a value a picture needs batch_size=1). ``batch_size``: pictures a pass, at least those
    of x. ``capture``: on a GPU, replay the passes as CUDA graphs (tl.cuda.capture), to the same bits, for method=gradient.
    Model, x, target and errors as in gradient, and ValueError for n below 1, a negative level, or what cannot be captured.
    """
    mean, _ = mean_and_variance(noisy_maps(model, x, target, method, n, level, rng, batch_size, capture))
    return mean


@giving(Maps)
def smoothgrad_squared(
    model: Callable[[Any], Any],
    x: Any,
    target: Any,
    *,
    method: Method = gradient,
    n: int = 25,
    level: float = 0.15,
    rng: Generator | None = None,
    batch_size: int = 64,
    capture: bool = False,
) -> Any:
    """1/n Σₖ method(x + σ·εₖ)², the mean of the squared maps, ≥ 0: how much a pixel matters, whatever the sign.

    From the same seed it is smoothgrad² + vargrad (Hooker et al., 2019). All else as in smoothgrad.
    """
    mean, _ = mean_and_variance(m * m for m in noisy_maps(model, x, target, method, n, level, rng, batch_size, capture))
    return mean


@giving(Maps)
def vargrad(
    model: Callable[[Any], Any],
    x: Any,
    target: Any,
    *,
    method: Method = gradient,
    n: int = 25,
    level: float = 0.15,
    rng: Generator | None = None,
    batch_size: int = 64,
    capture: bool = False,
) -> Any:
    """1/n Σₖ (method(x + σ·εₖ) − their mean)², ≥ 0: where the map flickers (Adebayo et al., 2018).

    0 where the map does not depend on x, as the gradient of a linear net does not, and for n = 1. It says nothing about
    how large the maps are. All else as in smoothgrad.
    """
    _, variance = mean_and_variance(noisy_maps(model, x, target, method, n, level, rng, batch_size, capture))
    return variance


def noisy_maps(
    model: Callable,
    x: Any,
    target: Any,
    method: Method,
    n: int,
    level: float,
    rng: Generator | None,
    batch_size: int,
    capture: bool = False,
) -> Iterator[Any]:
    """``method``'s maps of n noisy versions of the pictures, in turn, each (N, …)."""
    model, x, rng = beside(model, x), pixels(x), rng or Generator(0)
    check_method(method, "smoothgrad: method")
    at_least_one(n, "explain: n, the number of noisy versions,")
    if not 0 <= level < np.inf:
        raise ValueError(f"explain: level must be at least 0 (a share of the picture's range), got {level!r}")
    if capture:
        method = replayed(model, method)
    axes = tuple(range(1, x.ndim))
    sigma = level * (x.max(axes, keepdims=True) - x.min(axes, keepdims=True))
    block = max(1, BLOCK // max(x[:1].size, 1))
    draws = (rng.normal((min(block, n - k), *x.shape[1:]), x.dtype) for k in range(0, n, block))
    noisy = (x + sigma * epsilon for some in draws for epsilon in some)
    return sweep(method, model, noisy, target, len(x), batch_size, "noisy versions", n)


def mean_and_variance(maps: Iterable[Any]) -> tuple[Any, Any]:
    """The mean of some maps and their variance (over n, not n − 1), in one pass that holds only these (Welford, 1962).

    Mean of squares minus square of mean would lose all digits where maps are large and differ little.
    """
    mean, moment, k = 0.0, 0.0, 0
    for k, m in enumerate(maps, 1):
        off = m - mean
        mean = mean + off / k
        moment = moment + off * (m - mean)
    return mean, moment / k
