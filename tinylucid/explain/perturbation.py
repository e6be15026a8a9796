"""Meaningful perturbation: the smallest smooth part of the picture that must be deleted for the answer to fall."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..gallery import Maps, giving
from ..ops import abs, interpolate
from ..ops.conv import pair
from ..optim import Adam
from ..tensor import Tensor
from .baseline import averaged
from .common import at_least_one, beside, patience, planes, recording, score, values
from .gradients import slope
from .hide import differ


@giving(Maps)
def meaningful_perturbation(
    model: Callable[[Any], Any],
    x: Any,
    target: Any,
    *,
    baseline: Any = "blur",
    size: int | tuple[int, int] = 8,
    area: float = 1.0,
    smooth: float = 0.2,
    steps: int = 100,
    lr: float = 0.1,
) -> Any:
    """1 − m, what had to be deleted, (N, H, W) in [0, 1]; m minimises (Fong and Vedaldi, 2017, equation 3)

    f(m·x + (1 − m)·b) / |f(x) − f(b)| + area · mean(1 − m) + smooth · TV(m),  0 ≤ m ≤ 1,
    TV the mean |step|³ between neighbours down plus that across. m has ``size`` places, a number or (rows, columns), at most
    one a pixel, and is enlarged bilinearly: a mask of single pixels would find an adversarial pattern instead. It starts at 1,
    all kept, and makes ``steps`` steps of Adam, each put back into [0, 1]. With ``area`` 1 a place is deleted if it carries more
    than its share of the answer. A picture with f(x) = f(b), where there is nothing to lose, gets 0. ``baseline`` b as in
    integrated_gradients. All pictures are in each pass. Model, x (N, C, H, W), target and errors as in gradient, and
    ValueError for a size or steps below 1, a negative area or smooth, and lr that is not positive.
    """
    model, x = beside(model, x), planes(x)
    at_least_one(steps, "meaningful_perturbation: steps")
    rows, columns = pair(size, "size", 1, "meaningful_perturbation")
    for name, value, fine in [("area", area, area >= 0), ("smooth", smooth, smooth >= 0), ("lr", lr, lr > 0)]:
        if not (fine and value < np.inf):
            least = "above 0" if name == "lr" else "at least 0"
            raise ValueError(f"meaningful_perturbation: {name} must be {least}, got {value!r}")
    whole = values(model, x, target)

    def one(b: Any) -> Any:
        nothing = values(model, b, target)
        change, to_lose = np.abs(whole - nothing), differ(whole, nothing, x.dtype)
        m = Tensor(np.ones((len(x), 1, min(rows, x.shape[2]), min(columns, x.shape[3])), x.dtype), requires_grad=True)
        with recording(model):
            descend(model, x, b, target, m, np.where(to_lose, change, 1), area, smooth, steps, lr)
        return to_lose[:, None, None] * (1 - interpolate(m.data, x.shape[2:], mode="bilinear")[:, 0])

    return averaged(one, baseline, x)


def descend(
    model: Callable,
    x: Any,
    b: Any,
    target: Any,
    m: Tensor,
    change: Any,
    area: float,
    smooth: float,
    steps: int,
    lr: float,
) -> None:
    """Move the mask m down the objective, in place."""
    optimizer = Adam([m], lr=lr)
    with patience("meaningful_perturbation", steps) as bar:
        for _ in range(steps):
            lost = slope(answer(model, x, b, target, m) / change, m, "the mask")
            m.grad = Tensor(lost + slope(penalty(m, area, smooth), m, "the mask"))
            optimizer.step()
            np.clip(m.data, 0, 1, out=m.data)
            bar(1)


def answer(model: Callable, x: Any, b: Any, target: Any, m: Tensor) -> Tensor:
    """f(m·x + (1 − m)·b), (N,), m (N, 1, h, w) enlarged to the picture's size."""
    keep = interpolate(m, x.shape[2:], mode="bilinear")
    return score(model, b + keep * (x - b), target)


def penalty(m: Tensor, area: float, smooth: float) -> Tensor:
    """area · mean(1 − m) + smooth · (mean |m's steps down|³ + mean |its steps across|³), (N,), of a mask (N, 1, h, w)."""
    total = area * (1 - m).mean((1, 2, 3))
    for steps in (m[:, :, 1:] - m[:, :, :-1], m[:, :, :, 1:] - m[:, :, :, :-1]):
        if steps.size:
            total = total + smooth * (abs(steps) ** 3).mean((1, 2, 3))
    return total
