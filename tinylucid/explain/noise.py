"""Maps of pictures with noise on them, averaged: what survives the noise matters, what flickers does not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..random import Generator
from .common import Method, at_least_one, pixels, sweep
from .gradients import gradient


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
) -> Any:
    """The mean of ``method``'s maps over n noisy versions of each picture, shaped as ``method`` gives them.

    1/n Σₖ method(x + σ·εₖ),  ε ~ N(0, 1),  σ = level · (max x − min x) of each picture  (Smilkov et al., 2017).
    ``rng`` draws the noise, by default Generator(0): the same seed gives the same map. All pictures get the same εₖ, so a
    picture's map does not depend on what else is in the batch. ``method`` is any of this room's, functools.partial fills
    in its keywords (one that holds a value a picture needs batch_size=1). ``batch_size``: pictures a pass, at least those
    of x. Model, x, target and errors as in gradient, and ValueError for n below 1 or a negative level.
    """
    return noisy_maps(model, x, target, method, n, level, rng, batch_size).mean(0)


def noisy_maps(
    model: Callable, x: Any, target: Any, method: Method, n: int, level: float, rng: Generator | None, batch_size: int
) -> Any:
    """``method``'s maps of n noisy versions of the pictures, (n, N, …)."""
    x, rng = pixels(x), rng or Generator(0)
    at_least_one(n, "smoothgrad: n")
    if not 0 <= level < np.inf:
        raise ValueError(f"smoothgrad: level must be at least 0 (a share of the picture's range), got {level!r}")
    axes = tuple(range(1, x.ndim))
    sigma = level * (x.max(axes, keepdims=True) - x.min(axes, keepdims=True))
    noisy = (x + sigma * rng.normal(x.shape[1:], x.dtype) for _ in range(n))
    return np.stack(list(sweep(method, model, noisy, target, len(x), batch_size)))
