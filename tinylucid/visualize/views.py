"""What the views share: one picture, the planes of a layer, renderings of many things from one start, and showing itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import numpy as np

from .. import devices, dtypes, show
from ..nn import Module
from ..random import Generator
from ..tensor import Tensor
from .data import finite
from .measure import activations
from .objective import Objective
from .parametrise import fourier
from .render import render

STEPS = 128  # of a view's renderings: there are many, and each is drawn small
POWER = 2  # of the cosine: what is rendered should have the direction, and not much else besides
BATCH = 250  # pictures at a time


class View:
    """What a view gives: arrays that a notebook shows as the figure of tl.plot with the view's name."""

    figure: ClassVar[str]

    def _repr_png_(self) -> Any:
        return show.drawn(self.figure, self)


def one_picture(x: Any, who: str) -> Any:
    """The picture as an array (1, C, H, W); ValueError unless x is one, (C, H, W) or (1, C, H, W), and finite."""
    x = devices.host(x)
    dtypes.check_floating(x, who)
    x = x[None] if x.ndim == 3 else x
    if x.ndim != 4 or len(x) != 1 or not x.size:
        raise ValueError(
            f"{who}: expected one picture x (C, H, W) or (1, C, H, W), got {x.shape}; x[k] is one of several"
        )
    finite(x, f"{who}: picture")
    return x


def planes(model: Module, x: Any, layer: str, who: str, normalize: Callable[[Tensor], Any] | None = None) -> Any:
    """What a layer gives for pictures x, an array (N, K, h, w); ValueError where it gives no planes."""
    out = activations(model, x, layer, normalize=normalize, batch_size=BATCH)
    if out.ndim != 4:
        raise ValueError(
            f"{who}: layer {layer!r} gives {out.shape}, expected planes (N, K, h, w); name a convolution's or a layer after one"
        )
    return out


def rendered(
    model: Module,
    goals: Sequence[Objective],
    like: Any,
    size: int | None,
    normalize: Callable[[Tensor], Any] | None,
    steps: int,
    rng: Generator | None,
    decay: float = 1.0,
    colors: Any = None,
) -> Any:
    """A rendering of each goal, an array (M, C, size, size), by default as large as the pictures ``like`` (N, C, H, W).

    All begin as the same noise, so what differs between two of them is what their goals differ in.
    """
    sides = like.shape[2:] if size is None else (size, size)
    picture = fourier((len(goals), like.shape[1], *sides), decay=decay, colors=colors, rng=rng, dtype=like.dtype)
    for p in picture.parameters:
        p.data[...] = p.data[:1]
    return devices.plain(render(model, list(goals), picture, normalize=normalize, steps=steps, rng=rng))


def laid_out(pictures: Any, where: Any) -> Any:
    """Pictures (M, C, s, t) at the M places of a mask (h, w), (h, w, C, s, t); zeros at the others."""
    out = np.zeros((*where.shape, *pictures.shape[1:]), pictures.dtype)
    out[where] = pictures
    return out
