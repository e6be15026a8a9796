"""Class activation maps: where in the picture a late layer saw what speaks for the class."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..nn import Module
from ..ops import interpolate
from .common import planes, recording
from .gradients import slope
from .layers import scored_from


def grad_cam(
    model: Module, x: Any, target: Any, *, layer: str | Module | None = None, relu: bool = True, upsample: bool = True
) -> Any:
    """ReLU(Σₖ mean(∂z/∂Aₖ) · Aₖ), A (N, K, h, w) what a layer gives, z the target's logit (Selvaraju et al., 2017).

    Pictures x (N, C, H, W) → maps (N, H, W) in x's dtype: the small maps enlarged bilinearly, each value at the middle of
    its patch of the picture; (N, h, w) without ``upsample``. Without ``relu`` the map is signed: what speaks against the
    class is negative. ``layer`` is a module of the model or its dotted name in model.named_modules(), by default the last
    to run that gives a plane of more than one place; if it runs several times the last run counts. target as in gradient.
    Raises ValueError for a layer that there is not, that is not run or gives no plane, RuntimeError for one that the
    target does not depend on, and as gradient does.
    """
    x = planes(x)
    with recording(model):
        numbers, seen, name = scored_from(model, x, target, layer)
        g = slope(numbers, seen, f"layer {name!r}")
    maps = (g.mean((2, 3), keepdims=True) * seen.data).sum(1)
    maps = np.maximum(maps, 0) if relu else maps
    return interpolate(maps[:, None], x.shape[2:], mode="bilinear")[:, 0] if upsample else maps
