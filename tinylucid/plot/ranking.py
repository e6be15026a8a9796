"""Which attribution method did best: ranks on every measure, and the mean rank with its interval."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .maps import called
from .page import FAINT, INK, LINE, MARGIN, RIGHT, SMALL, WIDTH, WRONG, bare, blank, one_line, place, words, write

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ROW, NAME, WIDEST, DOTS, GAP = 0.32, 1.62, 0.6, 1.3, 0.1  # inches: a method, its name, a measure at most, mean ranks
PALE = "#f4f5f6"


def ranking(result: Any) -> Figure:
    """A benchmark as a matplotlib Figure: a row a method, the best first, a column a measure, and the mean ranks.

    ``result`` is what tl.explain.evaluate.benchmark returns. A cell holds the mean rank over the pictures, the darker the
    better; a bold one is its column's best or not significantly different from it. To the right the mean rank over all
    measures with its 95 % interval: a full dot is significantly better than a random map and an edge detector, an open one
    is not. Raises TypeError for anything else.
    """
    if not hasattr(result, "mean_ranks"):
        raise TypeError(f"ranking: expected what tl.explain.evaluate.benchmark returns, got {type(result).__name__}")
    heads = [called(name) for name in result.judged]
    cell = min(WIDEST, (WIDTH - 2 * MARGIN - NAME - DOTS - 2 * GAP) / len(heads))
    head = MARGIN + 0.1 + max(map(len, heads)) * 0.62 * SMALL / 72  # inches for what stands upright
    left, rows = MARGIN + NAME + GAP, len(result.methods)
    right = left + cell * len(heads) + GAP
    figure = blank(WIDTH, head + rows * ROW + 0.42 + 2 * LINE + MARGIN)
    for row, k in enumerate(result.order):
        color = FAINT if result.methods[k] in ("random_map", "edges") else INK
        name, middle = one_line(called(result.methods[k])), head + (row + 0.5) * ROW
        write(figure, MARGIN + NAME, middle, name, NAME, color=color, ha="right", va="center")
    for column, name in enumerate(heads):
        upright: dict[str, Any] = {"size": SMALL, "rotation": 90, "ha": "center", "va": "bottom"}
        write(figure, left + (column + 0.5) * cell, head - 0.07, name, head, **upright)
    write(figure, (right + WIDTH - MARGIN) / 2, head - 0.07, "mean rank", DOTS, size=SMALL, ha="center", va="bottom")
    draw_cells(place(figure, left, head, cell * len(heads), rows * ROW), result)
    draw_dots(place(figure, right, head, WIDTH - MARGIN - right, rows * ROW), result)
    low = head + rows * ROW + 0.42
    note: dict[str, Any] = {"size": SMALL, "color": FAINT, "va": "center"}
    write(
        figure,
        MARGIN,
        low + 0.5 * LINE,
        "rank 1 is best; bold: none is significantly better",
        WIDTH - 2 * MARGIN,
        **note,
    )
    about = "● better than a random map and edges   ○ not significantly"
    write(figure, MARGIN, low + 1.5 * LINE, about, WIDTH - 2 * MARGIN, **note)
    return figure


def draw_cells(axes: Axes, result: Any) -> None:
    """Each method's mean rank on each measure, the better the bluer."""
    from matplotlib.colors import to_rgb

    ranks = np.stack([result.by_measure[name].mean(1) for name in result.judged], 1)[result.order]
    bold = np.stack([result.leaders[name] for name in result.judged], 1)[result.order]
    share = (len(ranks) - ranks) / (len(ranks) - 1)
    pale, full = np.array(to_rgb(PALE)), np.array(to_rgb(RIGHT))
    axes.imshow(pale + (full - pale) * share[..., None], aspect="auto", interpolation="nearest")
    bare(axes)
    axes.hlines(np.arange(1, len(ranks)) - 0.5, -0.5, ranks.shape[1] - 0.5, color="white", linewidth=1.5)
    axes.vlines(np.arange(1, ranks.shape[1]) - 0.5, -0.5, len(ranks) - 0.5, color="white", linewidth=1.5)
    for i, j in np.ndindex(ranks.shape):
        style = words(SMALL, "white" if share[i, j] > 0.92 else "black", ha="center", va="center")
        axes.text(j, i, f"{ranks[i, j]:.1f}", fontweight="bold" if bold[i, j] else "normal", **style)


def draw_dots(axes: Axes, result: Any) -> None:
    """Each method's mean rank as a dot on its interval."""
    from matplotlib.ticker import MaxNLocator

    for row, k in enumerate(result.order):
        mean, low, high = result.mean_ranks[k]
        beats = all(verdict == "better" for verdict in result.verdicts[result.methods[k]][1:])
        color = RIGHT if beats else WRONG
        axes.plot([low, high], [row, row], "|-", color=color, linewidth=1.5, markersize=9, mew=1.2)
        axes.plot([mean], [row], "o", color=color, markersize=5.5, markerfacecolor=color if beats else "white", mew=1.4)
    bare(axes)
    low, high = result.mean_ranks[:, 1].min(), result.mean_ranks[:, 2].max()
    axes.set(
        xlim=(low - 0.15 * (high - low + 1), high + 0.15 * (high - low + 1)), ylim=(len(result.methods) - 0.5, -0.5)
    )
    axes.xaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10], integer=True, min_n_ticks=2))
    axes.grid(axis="x", color="#e4e4e4", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(length=0, labelsize=SMALL, labelcolor=FAINT, labelfontfamily="DejaVu Sans")
