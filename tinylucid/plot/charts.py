"""How training went, how accurate the net is, and what it takes for what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .page import FAINT, MARGIN, RIGHT, SIZE, SMALL, WIDTH, WRONG, bare, blank, one_line, place, words, write

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

GRID, PLAIN = "#e4e4e4", "#9aa5ad"
CELL, HEAD, LONGEST = 0.8, 0.32, 1.25  # inches: a cell at most, what an axis is called, a name among many


def training_curves(history: Any) -> Figure:
    """Loss and accuracy of each epoch, in training and in validation, as a matplotlib Figure.

    ``history`` has the lists ``loss`` and ``accuracy``, and ``val_loss`` and ``val_accuracy``, which may be empty. An
    epoch whose value is not a number is a gap. Raises ValueError before the first epoch, TypeError for what has no lists.
    """
    if not hasattr(history, "loss"):
        raise TypeError(
            f"training_curves: expected a History, as fit returns it, got {type(history).__name__};"
            " tl.train.History(loss=[…], accuracy=[…]) makes one"
        )
    if not len(history.loss):
        raise ValueError("training_curves: the history holds no epoch")
    figure = blank(WIDTH, 2.75)
    for k, (name, scale) in enumerate((("loss", 1), ("accuracy", 100))):
        axes = place(figure, 0.5 + k * 3.05, 0.78, 2.35, 1.5)
        write(figure, 0.12 + k * 3.05, 0.62, name + (" in %" if scale == 100 else ""), 2.8, va="baseline")
        for curve, style in ((name, {"color": RIGHT}), (f"val_{name}", {"color": WRONG, "linestyle": (0, (4, 1.5))})):
            values = np.asarray([np.nan if v is None else v for v in getattr(history, curve)], float) * scale
            marker = "o" if len(values) < 4 else ""
            axes.plot(np.arange(1, len(values) + 1), values, linewidth=2, marker=marker, markersize=5, **style)
        plain_axes(axes)
        axes.set_ylim(*((0, None) if scale == 1 else (None, 102)))
    legend(figure, [("training", RIGHT, "-"), ("validation", WRONG, (0, (4, 1.5)))][: 1 + bool(len(history.val_loss))])
    return figure


def plain_axes(axes: Axes) -> None:
    """Epochs along the bottom, a light grid, no box."""
    from matplotlib.ticker import MaxNLocator

    axes.xaxis.set_major_locator(MaxNLocator(4, integer=True, min_n_ticks=1))
    axes.yaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 2.5, 5, 10]))
    axes.grid(color=GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.set_xlabel("epoch", **words(SMALL + 1, FAINT), labelpad=2)
    axes.tick_params(length=0, labelsize=SMALL + 1, labelcolor=FAINT, labelfontfamily="DejaVu Sans")
    for name, side in axes.spines.items():
        side.set(visible=name == "bottom", color=PLAIN)


def legend(figure: Figure, entries: Sequence[tuple[str, str, Any]]) -> None:
    """Names behind a piece of their line, along the top."""
    from matplotlib.lines import Line2D

    width, height = (float(side) for side in figure.get_size_inches())
    left = 0.12
    for name, color, style in entries:
        y = 1 - 0.22 / height
        figure.add_artist(
            Line2D([left / width, (left + 0.36) / width], [y, y], color=color, linestyle=style, linewidth=2)
        )
        write(figure, left + 0.44, 0.22, name, 2, va="center_baseline")
        left += 1.55


def accuracy_bars(table: Mapping[str, float]) -> Figure:
    """Accuracies in 0 … 1 as bars, each under its name, the first of them (this net) in colour: a matplotlib Figure.

    Raises ValueError for an empty table and for values outside 0 … 1.
    """
    if not table or not all(0 <= value <= 1 for value in table.values()):
        raise ValueError(f"accuracy_bars: expected name -> accuracy in 0 … 1, got {dict(table)}")
    step, bar, full = 0.5, 0.18, WIDTH - 2 * MARGIN - 0.75  # inches; full is 100 %
    figure = blank(WIDTH, 2 * MARGIN + len(table) * step - 0.04)
    axes = place(figure, MARGIN, 0, full, figure.get_size_inches()[1])
    bare(axes)
    axes.set(xlim=(0, 1), ylim=(figure.get_size_inches()[1], 0))
    for k, (name, value) in enumerate(table.items()):
        top, color = MARGIN + k * step + 0.25, PLAIN if k else RIGHT
        weight = "normal" if k else "bold"
        axes.barh(top + bar / 2, 1, bar, color="#eef0f2")
        axes.barh(top + bar / 2, value, bar, color=color)
        write(figure, MARGIN, top - 0.07, one_line(name), WIDTH - 2 * MARGIN, fontweight=weight, va="baseline")
        write(figure, WIDTH - MARGIN, top + 0.155, f"{value:.1%}", 0.7, fontweight=weight, ha="right", va="baseline")
    return figure


def confusion(matrix: Any, classes: Sequence[str]) -> Figure:
    """Counts (K, K), a row a true class and a column an answer, as a matplotlib Figure.

    Right answers are blue and mistakes vermilion, the darker the larger their share of the row. Zeros are left out; so
    are all numbers where there are more than 20 classes. Raises ValueError for a matrix that is not (K, K) of K classes,
    or holds negative numbers.
    """
    matrix = np.asarray(matrix)
    count = len(classes)
    if matrix.shape != (count, count) or not count:
        raise ValueError(f"confusion: expected counts ({count}, {count}) of {count} classes, got {matrix.shape}")
    if not (matrix >= 0).all():
        raise ValueError("confusion: a negative count in the matrix")
    labels = list(map(one_line, classes))
    size = min(SIZE, 160 / count)
    room = min(2.0, max(LONGEST, WIDTH - 2 * MARGIN - HEAD - CELL * count))  # few classes may have longer names
    names = min(room, 0.05 + max(map(len, labels)) * 0.62 * size / 72)  # inches for a name
    side = min(WIDTH - 2 * MARGIN - HEAD - names, CELL * count)
    left, top = (WIDTH - side + names + HEAD) / 2, MARGIN + HEAD + names  # in the middle, names included
    figure = blank(WIDTH, top + side + MARGIN)
    axes = place(figure, left, top, side, side)
    shares = matrix / np.maximum(matrix.sum(1, keepdims=True), 1)
    axes.imshow(shaded(shares), interpolation="nearest")
    bare(axes)
    lines: dict[str, Any] = {"color": "white", "linewidth": min(1.5, 12 / count)}
    axes.hlines(np.arange(1, count) - 0.5, -0.5, count - 0.5, **lines)
    axes.vlines(np.arange(1, count) - 0.5, -0.5, count - 0.5, **lines)
    write(figure, left + side / 2, MARGIN, "the net's answer", WIDTH, color=FAINT, ha="center", va="top")
    middle, upright = top + side / 2, {"color": FAINT, "rotation": 90}
    write(figure, left - names - HEAD, middle, "true class", WIDTH, **upright, ha="left", va="center")
    for k, name in enumerate(labels):
        middle = (k + 0.5) * side / count
        write(figure, left - 0.07, top + middle, name, names, size=size, ha="right", va="center")
        write(figure, left + middle, top - 0.07, name, names, size=size, rotation=90, ha="center", va="bottom")
    longest = max(len(str(number)) for number in matrix.flat)
    number = min(size, 0.85 * side / count * 72 / (0.64 * longest))  # one size for all
    for i, j in np.argwhere(matrix > 0) if count <= 20 else ():
        dark = shares[i, j] > 0.92  # where white and black are equally far from the colour
        style = words(number, "white" if dark else "black", ha="center", va="center")
        axes.text(j, i, str(matrix[i, j]), **style)
    return figure


def shaded(shares: Any) -> Any:
    """Colours (K, K, 3) of shares of a row: from nearly white to blue on the diagonal, to vermilion beside it."""
    from matplotlib.colors import to_rgb

    pale = np.array(to_rgb("#f4f5f6"))
    full = np.where(np.eye(len(shares), dtype=bool)[..., None], to_rgb(RIGHT), to_rgb(WRONG))
    strength = np.where(np.eye(len(shares), dtype=bool), shares, np.where(shares > 0, 0.12 + 0.88 * shares, 0))
    return pale + (full - pale) * strength[..., None]
