"""Pictures side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .page import LINE, MARGIN, WIDTH, blank, checked_pictures, place, title

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LARGEST, GAP = 1.84, 0.08  # inches


def picture_grid(
    x: Any, titles: Sequence[str], correct: Sequence[bool] | None = None, columns: int = 5, wide: float = WIDTH
) -> Figure:
    """Pictures x (N, 1 or 3, H, W) with their titles over them, as a matplotlib Figure ``wide`` inches wide.

    Colour in [0, 1] (or uint8) is drawn as it is, grey is stretched over each picture. ``titles`` one a picture, of any
    number of lines; ``correct`` puts ✓ or ✗ before them, in blue or vermilion. Few pictures are as large as a row of
    ``columns``. Raises ValueError for shapes or counts that do not fit, for NaN, and for colour outside [0, 1].
    """
    x, titles = checked_pictures(x, titles, correct, "picture_grid")
    cell = min(LARGEST, (wide - 2 * MARGIN + GAP) / columns - GAP)
    figure, places, height = spread(titles, x.shape[2] / x.shape[3], cell, columns, wide)
    for k, (left, top) in enumerate(places):
        axes = place(figure, left, top, cell, height)
        draw_picture(axes, x[k])
        title(axes, titles[k], None if correct is None else bool(correct[k]), cell + GAP / 2, pad=4)
    return figure


def spread(
    titles: Sequence[str],
    ratio: float,
    cell: float,
    columns: int,
    wide: float,
    left: float = MARGIN,
    foot: float = MARGIN,
) -> tuple[Figure, list[tuple[float, float]], float]:
    """A page for cells in reading order, ``foot`` inches free below; each cell's (left, top), and the height of all.

    Cells are ``cell`` inches wide and ``ratio`` times as high, below titles of any number of lines.
    """
    high, top, places = cell * ratio, MARGIN, []
    for start in range(0, len(titles), columns):
        row = titles[start : start + columns]
        top += over(row)
        places += [(left + j * (cell + GAP), top) for j in range(len(row))]
        top += high + GAP
    return blank(wide, top - GAP + foot), places, high


def over(titles: Sequence[str]) -> float:
    """Inches that titles take over their pictures."""
    lines = max(text.count("\n") + 1 if text else 0 for text in titles)
    return lines * LINE + (0.08 if lines else 0)


def stretched(x: Any) -> Any:
    """A picture (C, H, W) in [0, 1]: colour clipped, grey from its 0.5th percentile (black) to its 99.5th (white)."""
    if len(x) == 3:
        return np.clip(x, 0, 1)
    low, high = np.percentile(x, (0.5, 99.5))
    return np.clip((x - low) / (high - low if high > low else 1), 0, 1)


def draw_picture(axes: Axes, x: Any) -> None:
    """A picture (C, H, W), grey or in colour."""
    axes.imshow(np.broadcast_to(stretched(x), (3, *x.shape[1:])).transpose(1, 2, 0), interpolation="nearest")
    frame(axes)


def frame(axes: Axes) -> None:
    """A thin grey border and no ticks, so that white maps have an edge."""
    axes.set_xticks([])
    axes.set_yticks([])
    for side in axes.spines.values():
        side.set(color="#bbbbbb", linewidth=0.6)
