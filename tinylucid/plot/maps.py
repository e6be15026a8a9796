"""Saliency maps beside the pictures they explain."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .page import (
    FAINT,
    LINE,
    MARGIN,
    SMALL,
    WIDTH,
    bare,
    blank,
    checked_pictures,
    finite,
    one_line,
    place,
    title,
    write,
)
from .pictures import GAP, LARGEST, draw_picture, frame, stretched

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DIVERGING = "RdBu_r"  # red raises, blue lowers, white is zero (ColorBrewer, colour-blind safe)
BAR, NARROWEST = 0.62, 4.2  # inches for the colour bar and its words
NAMES = {"smoothgrad": "SmoothGrad", "grad_cam": "Grad-CAM", "sensitivity_n": "sensitivity-n"}


def called(method: str) -> str:
    """What people call a method whose function has this name."""
    return NAMES.get(method, str(method).replace("_", " "))


def saliency_grid(
    x: Any, maps: Any, titles: Sequence[str], correct: Sequence[bool] | None = None, columns: int = 6
) -> Figure:
    """Pictures x (N, C, H, W), C 1 or 3, each above its saliency map (shaped like x), as a matplotlib Figure.

    Maps are signed: zero is white, the 99th percentile of each map's magnitude has full colour, and colour channels are
    summed. ``titles`` one a picture; ``correct`` puts ✓ or ✗ before them, in blue or vermilion. Raises ValueError for
    shapes or counts that do not fit, for NaN, and for colour outside [0, 1].
    """
    x, titles = checked_pictures(x, titles, correct, "saliency_grid")
    maps = checked_maps(maps, x, "maps", "saliency_grid")
    columns = min(columns, len(x))
    high = LARGEST * x.shape[2] / x.shape[3]
    rows, pair = math.ceil(len(x) / columns), 0.55 + 2 * high + GAP
    wide = max(2 * MARGIN + columns * (LARGEST + GAP) - GAP, NARROWEST)
    figure = blank(wide, rows * pair + BAR, dpi=100)
    for k in range(len(x)):
        left, top = MARGIN + k % columns * (LARGEST + GAP), k // columns * pair + 0.55
        axes = place(figure, left, top, LARGEST, high)
        draw_picture(axes, x[k])
        title(axes, titles[k], None if correct is None else bool(correct[k]), LARGEST, pad=5)
        draw_map(place(figure, left, top + high + GAP / 2, LARGEST, high), x[k], maps[k])
    draw_scale(figure)
    return figure


def explanation_grid(
    x: Any, maps: Mapping[str, Any], titles: Sequence[str], correct: Sequence[bool] | None = None
) -> Figure:
    """Pictures x (N, C, H, W), C 1 or 3, a row each, beside the maps of several methods, as a matplotlib Figure.

    ``maps`` is the method's name -> its maps, which are signed and shaped like x (channels are summed; zero is white, the
    99th percentile of each map's magnitude has full colour), or class activation maps (N, H, W), which colour the picture
    itself where they are above zero. ``titles`` one a picture, ``correct`` and ValueError as in ``saliency_grid``.
    Raises TypeError for maps that are no mapping.
    """
    x, titles = checked_pictures(x, titles, correct, "explanation_grid")
    if not isinstance(maps, Mapping):
        raise TypeError(
            f'explanation_grid: expected maps as a dict such as {{"gradient": maps}}, got {type(maps).__name__};'
            " saliency_grid draws the maps of one method"
        )
    if not maps:
        raise ValueError("explanation_grid: expected the maps of at least one method, got none")
    methods = {name: checked_maps(some, x, repr(name), "explanation_grid") for name, some in maps.items()}
    columns = 1 + len(methods)
    cell = min(LARGEST, (WIDTH - 2 * MARGIN + GAP) / columns - GAP)
    high = cell * x.shape[2] / x.shape[3]
    heads = [name.replace(" ", "\n" if len(name) > 11 else " ", 1) for name in map(called, methods)]
    head, row = 0.1 + LINE * max(name.count("\n") + 1 for name in heads), LINE + 0.12 + high + GAP
    wide = max(2 * MARGIN + columns * (cell + GAP) - GAP, NARROWEST)
    figure = blank(wide, head + len(x) * row + BAR)
    for j, name in enumerate(heads, 1):
        middle = MARGIN + j * (cell + GAP) + cell / 2
        write(figure, middle, head, name, cell, ha="center", va="bottom", color=FAINT)
    for k in range(len(x)):
        top = head + k * row + LINE + 0.12
        axes = place(figure, MARGIN, top, cell, high)
        draw_picture(axes, x[k])
        line, mark = one_line(titles[k]), None if correct is None else bool(correct[k])
        title(axes, line, mark, wide - 2 * MARGIN, loc="left", pad=5)
        for j, some in enumerate(methods.values(), 1):
            draw_map(place(figure, MARGIN + j * (cell + GAP), top, cell, high), x[k], some[k])
    draw_scale(figure)
    return figure


def checked_maps(maps: Any, x: Any, name: str, who: str) -> Any:
    """Maps as an array; ValueError unless they are shaped like x (N, C, H, W), or (N, H, W), and finite."""
    maps = np.asarray(maps)
    if maps.shape not in (x.shape, (len(x), *x.shape[2:])):
        raise ValueError(
            f"{who}: {name} must be shaped like the pictures {x.shape}, or {(len(x), *x.shape[2:])}, got {maps.shape}"
        )
    finite(maps, name, who)
    return maps


def draw_map(axes: Axes, x: Any, saliency: Any) -> None:
    """A signed map (C, H, W) in colours around white; a map (H, W) of no negative value as colour over the picture x.

    A signed map is drawn over the 99th percentile of its magnitude, so that one loud pixel does not pale the rest; an
    activation map, which is smooth, over its largest value.
    """
    if saliency.ndim == 2 and saliency.min() >= 0:
        axes.imshow(glow(x, saliency / (saliency.max() or 1.0)), interpolation="nearest")
    else:
        signed = saliency.sum(0) if saliency.ndim == 3 else saliency
        scale = np.percentile(np.abs(signed), 99) or np.abs(signed).max() or 1.0
        axes.imshow(signed / scale, cmap=DIVERGING, vmin=-1, vmax=1, interpolation="nearest")
    frame(axes)


def glow(x: Any, share: Any) -> Any:
    """The picture x (C, H, W) in pale grey, coloured by ``share`` (H, W) in 0 … 1 with the raising half of the colours."""
    from matplotlib import colormaps

    grey = 0.4 + 0.6 * stretched(stretched(x).mean(0, keepdims=True))[0]
    return colormaps[DIVERGING](0.5 + 0.45 * share)[..., :3] * grey[..., None]


def draw_scale(figure: Figure) -> None:
    """The colour bar that all maps share between its two meanings, in the middle, and a note."""
    from matplotlib.cm import ScalarMappable

    width, height = (float(side) for side in figure.get_size_inches())
    line, middle, room = height - BAR + 0.245, width / 2, width / 2 - 0.6
    low = write(figure, 0, line, "lowers the answer", room, ha="right", va="center_baseline")
    high = write(figure, 0, line, "raises it", room, ha="left", va="center_baseline")
    bar = middle + (low.get_window_extent().width - high.get_window_extent().width) / figure.dpi / 2
    low.set_x((bar - 0.58) / width)
    high.set_x((bar + 0.58) / width)
    axes = place(figure, bar - 0.5, height - BAR + 0.18, 1.0, 0.13)
    figure.colorbar(ScalarMappable(cmap=DIVERGING), cax=axes, orientation="horizontal", ticks=[])
    bare(axes)
    note: dict[str, Any] = {"size": SMALL, "color": FAINT, "ha": "center", "va": "center_baseline"}
    write(figure, middle, line + 0.23, "each map to its own scale", width - 2 * MARGIN, **note)
