"""Figures, by matplotlib without pyplot: nothing global changes, and no window opens."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.image import AxesImage

RIGHT, WRONG, INK = "#0072B2", "#C44A00", "#333333"  # blue and vermilion: apart for colour-blind eyes too
FONT = "DejaVu Sans"  # comes with matplotlib and has ✓ and ✗
DIVERGING = "RdBu_r"  # red raises, blue lowers, white is zero (ColorBrewer, colour-blind safe)
CELL, GAP, MARGIN, TITLE, BAR = 1.84, 0.10, 0.18, 0.52, 0.46  # inches


def saliency_grid(
    x: Any, maps: Any, titles: Sequence[str], correct: Sequence[bool] | None = None, columns: int = 6
) -> Figure:
    """Pictures x (N, C, H, W), C 1 or 3, each above its saliency map (shaped like x), as a matplotlib Figure.

    Maps are signed: zero is white, the 99th percentile of each map's magnitude has full colour, and colour channels are
    summed. ``titles`` one a picture; ``correct`` puts ✓ or ✗ before them, in blue or vermilion. Raises ValueError for
    shapes or counts that do not fit.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    x, maps = np.asarray(x), np.asarray(maps)
    if x.ndim != 4 or x.shape[1] not in (1, 3) or not x.size or maps.shape != x.shape:
        raise ValueError(f"saliency_grid: expected x (N, 1 or 3, H, W), maps alike, got {x.shape} and {maps.shape}")
    if len(titles) != len(x) or (correct is not None and len(correct) != len(x)):
        raise ValueError(f"saliency_grid: {len(x)} pictures need as many titles (and marks), got {len(titles)}")
    columns = min(columns, len(x))
    rows, pair = math.ceil(len(x) / columns), TITLE + 2 * CELL + GAP / 2
    width, height = 2 * MARGIN + columns * (CELL + GAP) - GAP, rows * pair + BAR
    figure = Figure(figsize=(width, height), dpi=100, facecolor="white")
    FigureCanvasAgg(figure)

    def axes(left: float, top: float, w: float = CELL, h: float = CELL) -> Axes:
        """Axes at inches from the figure's top left corner."""
        return figure.add_axes((left / width, 1 - (top + h) / height, w / width, h / height))

    for k in range(len(x)):
        left, top = MARGIN + k % columns * (CELL + GAP), k // columns * pair + TITLE
        picture = axes(left, top)
        draw_picture(picture, x[k])
        draw_title(picture, titles[k], None if correct is None else bool(correct[k]))
        drawn = draw_map(axes(left, top + CELL + GAP / 2), maps[k].sum(0))
    draw_scale(figure, drawn, axes(0.44 * width, height - BAR + 0.17, width / 5, 0.13))
    return figure


def draw_picture(axes: Axes, x: Any) -> None:
    """A picture (C, H, W): colour in [0, 1] as it is, grey from its 0.5th percentile (black) to its 99.5th (white)."""
    if len(x) == 3:
        axes.imshow(np.clip(x.transpose(1, 2, 0), 0, 1), interpolation="nearest")
    else:
        low, high = np.percentile(x, (0.5, 99.5))
        axes.imshow(x[0], cmap="gray", vmin=low, vmax=high if high > low else low + 1, interpolation="nearest")
    frame(axes)


def draw_map(axes: Axes, saliency: Any) -> AxesImage:
    """A signed map (H, W) over the 99th percentile of its magnitude, so that one loud pixel does not pale the rest."""
    scale = np.percentile(np.abs(saliency), 99) or np.abs(saliency).max() or 1.0
    drawn = axes.imshow(saliency / scale, cmap=DIVERGING, vmin=-1, vmax=1, interpolation="nearest")
    frame(axes)
    return drawn


def draw_title(axes: Axes, title: str, correct: bool | None) -> None:
    """The title over a picture, marked in colour and by a sign as right or wrong."""
    mark = "" if correct is None else "✓ " if correct else "✗ "
    color = INK if correct is None else RIGHT if correct else WRONG
    weight = "bold" if correct is False else "normal"
    axes.set_title(mark + title, color=color, fontsize=11, fontfamily=FONT, fontweight=weight, pad=5)


def draw_scale(figure: Figure, drawn: AxesImage, axes: Axes) -> None:
    """The colour bar that all maps share, with its meaning."""
    figure.colorbar(drawn, cax=axes, orientation="horizontal", ticks=[])
    for side in axes.spines.values():
        side.set_visible(False)
    text: dict[str, Any] = {
        "fontsize": 10.5,
        "color": INK,
        "fontfamily": FONT,
        "va": "center",
        "transform": axes.transAxes,
    }
    axes.text(-0.04, 0.5, "a brighter pixel here lowers the answer's logit", ha="right", **text)
    axes.text(1.04, 0.5, "raises it   (each map to its own scale)", ha="left", **text)


def frame(axes: Axes) -> None:
    """A thin grey border and no ticks, so that white maps have an edge."""
    axes.set_xticks([])
    axes.set_yticks([])
    for side in axes.spines.values():
        side.set(color="#bbbbbb", linewidth=0.6)
