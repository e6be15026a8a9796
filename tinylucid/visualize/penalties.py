"""Penalties of the picture itself, before any transform: amounts of what it should have little of, to be subtracted.

Each is a mean over the picture, so that a weight that is right for one size is right for another. A picture of less
contrast pays less: where ``normalize`` gives each picture its contrast back, that costs the objective nothing, and pictures get
paler as well as smoother.
"""

from __future__ import annotations

import math

from ..ops import pad
from ..tensor import Tensor
from .objective import Objective
from .seen import Seen


def total_variation() -> Objective:
    """The mean of |x[i + 1, j] − x[i, j]| plus that of |x[i, j + 1] − x[i, j]|: how much neighbours differ; 0 for an even picture.

    x (N, C, H, W), one number a picture, to be subtracted: ``logit(3) - 2 * total_variation()`` (Rudin, Osher and Fatemi, 1992; in
    feature visualisation Mahendran and Vedaldi, 2015). Edges that are few and sharp cost no more than wide ones.
    """

    def value(seen: Seen) -> Tensor:
        x = seen.picture
        steps = x[:, :, 1:] - x[:, :, :-1], x[..., 1:] - x[..., :-1]
        down, along = (abs(d).sum((1, 2, 3)) / max(1, math.prod(d.shape[1:])) for d in steps)  # a row has no step down
        return down + along

    return Objective("total_variation()", value)


def l1(constant: float = 0.5) -> Objective:
    """The mean of |x − constant|, x (N, C, H, W), one number a picture: to be subtracted, so that what need not differ is even.

    ``constant``: the grey to which it goes, in the parametrisation's range (Lucid's L1).
    """
    grey = float(constant)
    return Objective(f"l1({grey:g})", lambda seen: abs(seen.picture - grey).mean((1, 2, 3)))


def l2(constant: float = 0.5) -> Objective:
    """The mean of (x − constant)², x (N, C, H, W), one number a picture: to be subtracted, against the strongest contrasts.

    ``constant`` as for l1 (as Lucid's L2, whose root has no slope where the picture is even).
    """
    grey = float(constant)
    return Objective(f"l2({grey:g})", lambda seen: ((seen.picture - grey) ** 2).mean((1, 2, 3)))


def blur() -> Objective:
    """The mean of (x − B)², B = x blurred, as if it were a constant: subtracting it moves the picture to its blurred one.

    x (N, C, H, W), one number a picture. B weighs each pixel and its neighbours by (1, 2, 1)/4 along both axes, and what lies
    outside is as the edge. No gradient passes through B: ∂/∂x = 2 (x − B) / CHW, which vanishes for an even picture, so a
    step against it is a step towards B (Lucid's blur_input_each_step).
    """
    return Objective("blur()", lambda seen: ((seen.picture - blurred(seen.picture.detach())) ** 2).mean((1, 2, 3)))


def blurred(x: Tensor) -> Tensor:
    """Pictures x weighted by (1, 2, 1)/4 along their columns and rows."""
    x = pad(x, (1, 1, 1, 1), mode="replicate")
    x = (x[:, :, :-2] + 2 * x[:, :, 1:-1] + x[:, :, 2:]) / 4
    return (x[..., :-2] + 2 * x[..., 1:-1] + x[..., 2:]) / 4
