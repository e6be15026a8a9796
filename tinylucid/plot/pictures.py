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
    height = cell * x.shape[2] / x.shape[3]
    starts = range(0, len(x), columns)
    heads = [over(titles[k : k + columns]) for k in starts]  # inches of title over each row
    figure = blank(wide, 2 * MARGIN + sum(heads) + len(heads) * (height + GAP) - GAP)
    top = MARGIN
    for start, head in zip(starts, heads):
        top += head
        for k in range(start, min(start + columns, len(x))):
            axes = place(figure, MARGIN + (k - start) * (cell + GAP), top, cell, height)
            draw_picture(axes, x[k])
            title(axes, titles[k], None if correct is None else bool(correct[k]), cell + GAP / 2, pad=4)
        top += height + GAP
    return figure


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
