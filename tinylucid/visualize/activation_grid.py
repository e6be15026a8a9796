"""Activation grids: what a layer makes of each place of one picture."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..nn import Module
from ..random import Generator
from ..tensor import Tensor
from .objectives import direction
from .views import POWER, STEPS, View, laid_out, one_picture, planes, rendered

MOST = 8  # cells along a side: more would be too small to be seen


@dataclass(frozen=True, eq=False)
class ActivationGrid(View):
    """Of each cell of a layer's planes the rendering (h, w, C, s, s) and the length of its vector (h, w); the picture (C, H, W)."""

    figure = "activation_grid"
    layer: str
    picture: Any
    renderings: Any
    magnitudes: Any


def activation_grid(
    model: Module,
    x: Any,
    layer: str,
    *,
    normalize: Callable[[Tensor], Any] | None = None,
    size: int | None = None,
    steps: int = STEPS,
    rng: Generator | None = None,
) -> ActivationGrid:
    """For each place of a layer, the picture that its channels together stand for.

    What a layer gives at a place for one picture x, (C, H, W) or (1, C, H, W), is a vector (K,); its direction is rendered, all
    places in one batch, and its length says how much the layer found there. Planes of more than 8 rows or columns are
    averaged over square blocks first, so that there are at most 8
    (Olah et al., "The building blocks of interpretability", 2018). ``size``: of a rendering, by default that of x.
    ``normalize`` holds for x and for what is rendered; it, ``steps`` and ``rng`` as in render. Raises ValueError for several
    pictures and for a layer without planes.
    """
    x = one_picture(x, "activation_grid")
    vectors = blocks(planes(model, x, layer, "activation_grid", normalize)[0])
    lengths = np.sqrt((vectors**2).sum(0))
    if not lengths.any():
        raise ValueError(f"activation_grid: layer {layer!r} gives 0 everywhere for this picture; name another layer")
    goals = [direction(layer, v, POWER) for v in vectors[:, lengths > 0].T]
    pictures = rendered(model, goals, x, size, normalize, steps, rng)
    return ActivationGrid(layer, x[0], laid_out(pictures, lengths > 0), lengths)


def blocks(a: Any) -> Any:
    """Planes (K, h, w) averaged over square blocks, the last of a row or column perhaps smaller, to at most 8 × 8."""
    side = -(-max(a.shape[1:]) // MOST)
    for axis in (1, 2):
        starts = np.arange(0, a.shape[axis], side)
        counts = np.diff(starts, append=a.shape[axis]).astype(a.dtype)
        a = np.add.reduceat(a, starts, axis) / counts.reshape((-1, 1) if axis == 1 else -1)
    return a
