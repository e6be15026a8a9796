"""The weights of a convolution: what each of its filters answers to."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import devices, nn
from ..explain.layers import known
from ..nn.module import check_model
from .colours import BAR, NUMBERS, diverging, draw_scale, draw_signed, loudest, shares
from .page import FAINT, MARGIN, SMALL, WIDTH, blank, finite, one_line, place, title, write
from .pictures import GAP, frame, spread

if TYPE_CHECKING:
    from matplotlib.colors import Colormap
    from matplotlib.figure import Figure

ABREAST = 8  # filters
LARGEST, SIDE = 0.6, 0.45  # inches in a table: a map at most, the numbers and words beside it
MOST = 64  # channels, out and in, that a table shows
SIGNS = ("negative", "positive")


def filters(model: nn.Module, *, layer: str | nn.Module | None = None) -> Figure:
    """The weights (O, I, kh, kw) of the first convolution, or of ``layer``, as a matplotlib Figure.

    Filters of three channels are colour pictures in which mid-grey is zero, those of one are maps in which white is zero,
    each under its number; of others a table has a row a channel out and a column a channel in, of the first 64 each.
    One scale holds for all: the 99th percentile of the magnitude has full colour. ``layer`` is a module of the model or
    its dotted name. Raises TypeError for what is no Module, ValueError for a model without convolution, a layer that
    there is not or is no convolution, and weights that hold NaN.
    """
    check_model(model, "filters")
    name, conv = convolution(model, layer)
    weight = devices.host(conv.weight).astype(np.float64)
    finite(weight, f"the weight of layer {name!r}", "filters")
    draw = in_rows if weight.shape[1] in (1, 3) else as_table
    figure = draw(weight, loudest(weight))
    bar = grey() if weight.shape[1] == 3 else diverging()
    shape = " × ".join(map(str, weight.shape))
    draw_scale(
        figure, f"{one_line(name) or 'the net'} · Conv2d · {shape}, one scale for all", SIGNS, bar, loudest(weight)
    )
    return figure


def convolution(model: nn.Module, layer: Any) -> tuple[str, Any]:
    """The name of a convolution and the layer itself: the one that is meant, or the first in the model."""
    if layer is not None:
        name = known(model, layer, "filters")
        if not isinstance(found := model.get_submodule(name), nn.Conv2d):
            raise ValueError(f"filters: layer {name!r} is a {type(found).__name__}, expected a Conv2d")
        return name, found
    for name, module in model.named_modules():
        if isinstance(module, nn.Conv2d):
            return name, module
    raise ValueError(f"filters: {type(model).__name__} has no Conv2d, so there are no filters to draw")


def grey() -> Colormap:
    """Black, mid-grey, white."""
    from matplotlib import colormaps

    return colormaps["gray"]


def in_rows(weight: Any, scale: float) -> Figure:
    """Filters (O, 1 or 3, kh, kw) in reading order, each under its number."""
    columns = min(ABREAST, len(weight))
    cell = (WIDTH - 2 * MARGIN + GAP) / ABREAST - GAP
    left = (WIDTH - columns * (cell + GAP) + GAP) / 2
    numbers, ratio = [str(k) for k in range(len(weight))], weight.shape[2] / weight.shape[3]
    figure, places, high = spread(numbers, ratio, cell, columns, WIDTH, left, BAR + NUMBERS + GAP)
    for k, at in enumerate(places):
        axes = place(figure, *at, cell, high)
        title(axes, numbers[k], None, cell, pad=4).set_color(FAINT)
        if weight.shape[1] == 1:
            draw_signed(axes, weight[k, 0], scale)
        else:
            axes.imshow(0.5 + 0.5 * shares(weight[k], scale).transpose(1, 2, 0), interpolation="nearest")
            frame(axes)
    return figure


def as_table(weight: Any, scale: float) -> Figure:
    """Filters (O, I, kh, kw) as a table of small maps, a row a channel out and a column a channel in."""
    some = weight[:MOST, :MOST]
    o, i, h, w = some.shape
    cell = min(LARGEST, (WIDTH - 2 * MARGIN - SIDE) / i)
    row = cell * h / w
    left = (WIDTH - i * cell + SIDE) / 2
    figure = blank(WIDTH, MARGIN + SIDE + o * row + GAP + BAR + NUMBERS)
    top, faint = MARGIN + SIDE, {"size": SMALL, "color": FAINT}
    axes = place(figure, left, top, i * cell, o * row)
    draw_signed(axes, some.transpose(0, 2, 1, 3).reshape(o * h, i * w), scale)
    lines: dict[str, Any] = {"color": "white", "linewidth": 6 * cell}
    axes.hlines(np.arange(1, o) * h - 0.5, -0.5, i * w - 0.5, **lines)
    axes.vlines(np.arange(1, i) * w - 0.5, -0.5, o * h - 0.5, **lines)
    write(figure, left + i * cell / 2, MARGIN, counted(i, weight.shape[1], "in"), WIDTH, **faint, ha="center", va="top")
    side = top + o * row / 2
    upright = {**faint, "rotation": 90, "ha": "left", "va": "center"}
    write(figure, left - SIDE, side, counted(o, weight.shape[0], "out"), o * row + 2 * SIDE, **upright)
    for k in range(0, i, every(cell)):
        write(figure, left + (k + 0.5) * cell, top - 0.04, str(k), 0.3, **faint, ha="center", va="bottom")
    for k in range(0, o, every(row)):
        write(figure, left - 0.06, top + (k + 0.5) * row, str(k), 0.3, **faint, ha="right", va="center")
    return figure


def counted(shown: int, there: int, way: str) -> str:
    """What an axis of the table is called."""
    return f"channel {way}" if shown == there else f"channel {way}, the first {shown} of {there}"


def every(step: float) -> int:
    """Of numbers that stand ``step`` inches apart, every how many-th is written: 1, 2, 4, 8, …"""
    return 1 << max(0, math.ceil(math.log2(0.28 / step)))
