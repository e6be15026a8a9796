"""What one place of a layer sees: its window of the picture, and the channels that found something there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..explain.common import at_least_one
from ..nn import Module
from ..random import Generator
from ..tensor import Tensor
from .field import receptive_field
from .objectives import channel, inside
from .views import STEPS, View, one_picture, planes, rendered


@dataclass(frozen=True, eq=False)
class Place(View):
    """The picture (C, H, W), and the pixels that the place can depend on, a mask (H, W).

    Its strongest channels (M,), what each of them gives (M,), and their renderings (M, C, s, s).
    """

    figure = "place"
    layer: str
    row: int
    column: int
    picture: Any
    field: Any
    channels: Any
    values: Any
    renderings: Any

    @property
    def window(self) -> tuple[slice, slice]:
        """The rows and columns of the picture that hold the field."""
        rows, columns = (np.flatnonzero(self.field.any(axis)) for axis in (1, 0))
        return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)


def place(
    model: Module,
    x: Any,
    layer: str,
    row: int,
    column: int,
    *,
    channels: int = 5,
    normalize: Callable[[Tensor], Any] | None = None,
    size: int | None = None,
    steps: int = STEPS,
    rng: Generator | None = None,
) -> Place:
    """What a layer's place (row, column) sees of one picture, and what its strongest channels look for.

    The receptive field: all pixels of x, (C, H, W) or (1, C, H, W), that the place can depend on, whether or not its ReLUs
    are on just now. And of the layer's channels the ``channels`` that give most there, the largest first, only such as give
    more than 0, each with a rendering: a dictionary of what the layer speaks of (Olah et al., "The building blocks of
    interpretability", 2018). ``size``: of a rendering, by default that of x. ``normalize`` holds for x and for what is
    rendered; it, ``steps`` and ``rng`` as in render. Raises ValueError for several pictures, a layer without planes, a place
    outside of them, one that sees no pixel, and one at which no channel gives more than 0.
    """
    x = one_picture(x, "place")
    at_least_one(channels, "place: channels")
    a = planes(model, x, layer, "place", normalize)[0]
    there = f"layer {layer!r} gives planes of {a.shape[1]} × {a.shape[2]}"
    inside(row, a.shape[1], "row", there)
    inside(column, a.shape[2], "column", there)
    field = receptive_field(model, x, layer, row, column, normalize)
    if not field.any():
        raise ValueError(f"place: layer {layer!r} at ({row}, {column}) depends on no pixel; name another layer")
    found = a[:, row, column]
    strongest = np.argsort(-found, kind="stable")[:channels]
    strongest = strongest[found[strongest] > 0]
    if not strongest.size:
        raise ValueError(
            f"place: no channel of layer {layer!r} gives more than 0 at ({row}, {column}) for this picture; name another place"
        )
    pictures = rendered(model, [channel(layer, int(k)) for k in strongest], x, size, normalize, steps, rng)
    return Place(layer, int(row), int(column), x[0], field, strongest, found[strongest], pictures)
