"""Grids of renderings, each as large as there is much behind it: a picture's places, and an atlas of many pictures' places."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..visualize.activation_grid import ActivationGrid
from ..visualize.atlas import Atlas
from .page import LINE, MARGIN, SMALL, WIDTH, blank, checked_pictures, one_line, place, write
from .pictures import GAP, draw_picture

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LEFT = 1.6  # inches for the picture beside its grid
SMALLEST = 0.2  # of a cell's side: what is drawn smaller is not seen, and left out


def activation_grid(grid: ActivationGrid) -> Figure:
    """The picture, and beside it the renderings of its places, as a matplotlib Figure.

    ``grid`` is what tl.visualize.activation_grid gives. A cell's area says how large the layer's vector is there; what is
    below a twenty-fifth of the largest is left out. Raises TypeError for anything else, ValueError for a picture that is neither
    grey nor RGB, and for colour outside [0, 1].
    """
    checked(grid, ActivationGrid, "activation_grid")
    checked_pictures(grid.picture[None], None, None, "activation_grid")
    h, w = grid.magnitudes.shape
    left = MARGIN + LEFT + 3 * GAP
    cell = min((WIDTH - MARGIN - left) / w, (WIDTH - MARGIN - left) / h)
    high = LEFT * grid.picture.shape[1] / grid.picture.shape[2]
    top = MARGIN + LINE + 0.08
    figure = blank(WIDTH, top + max(h * cell, high) + MARGIN)
    write(figure, MARGIN, top - 0.08, "the picture", LEFT, va="baseline")
    write(
        figure,
        left,
        top - 0.08,
        f"what layer {one_line(grid.layer)} makes of it, place by place",
        WIDTH - MARGIN - left,
        va="baseline",
    )
    draw_picture(place(figure, MARGIN, top, LEFT, high), grid.picture)
    draw_cells(figure, left, top, cell, grid.renderings, grid.magnitudes)
    return figure


def atlas(found: Atlas) -> Figure:
    """The renderings of an atlas in their cells, as a matplotlib Figure.

    ``found`` is what tl.visualize.atlas gives. A cell's area says how many vectors lie in it; each class is named once, where most of
    its own lie. Raises TypeError for anything else, ValueError for pictures that are neither grey nor RGB.
    """
    checked(found, Atlas, "atlas")
    checked_pictures(found.renderings[0, :1], None, None, "atlas")
    h, w = found.counts.shape
    cell, top = (WIDTH - 2 * MARGIN) / w, MARGIN + LINE + 0.08
    figure = blank(WIDTH, top + h * cell + MARGIN)
    about = f"layer {one_line(found.layer)}: {len(found.points)} places of {len(set(found.pictures.tolist()))} pictures, like beside like"
    write(figure, MARGIN, top - 0.08, about, WIDTH - 2 * MARGIN, va="baseline")
    drawn = found.classes >= 0
    draw_cells(figure, MARGIN, top, cell, found.renderings, np.where(drawn, found.counts, 0))
    named = {}
    for k in np.unique(found.classes[drawn]):
        most = np.unravel_index(np.where(found.classes == k, found.counts, 0).argmax(), found.counts.shape)
        named[int(most[0]), int(most[1])] = found.names[k]
    for (i, j), name in named.items():
        alone = (i, j - 1) not in named and (i, j + 1) not in named
        box = {"facecolor": "white", "alpha": 0.85, "linewidth": 0, "boxstyle": "square,pad=0.15"}
        at, room = MARGIN + (j + 0.5) * cell, 1.6 * cell if alone else cell - 0.05
        text = write(figure, at, top + (i + 1) * cell - 0.02, one_line(name), room, size=SMALL, va="bottom", bbox=box)
        half = text.get_window_extent().width / figure.dpi / 2
        text.set(x=min(max(at, MARGIN + half), WIDTH - MARGIN - half) / WIDTH, ha="center")  # whole, at the edges too
    return figure


def draw_cells(figure: Figure, left: float, top: float, cell: float, pictures: Any, weights: Any) -> None:
    """Pictures (h, w, C, s, t) in cells of so many inches, the one of the largest weight (h, w) as large as its cell."""
    shares = np.sqrt(weights / max(weights.max(), np.finfo(float).tiny))
    for i, j in np.argwhere(shares >= SMALLEST):
        side = (cell - GAP / 2) * shares[i, j]
        rest = (cell - side) / 2
        draw_picture(place(figure, left + j * cell + rest, top + i * cell + rest, side, side), pictures[i, j])


def checked(view: Any, kind: type, who: str) -> None:
    """TypeError unless a view is of the kind that is drawn here."""
    if not isinstance(view, kind):
        raise TypeError(f"{who}: expected what tl.visualize.{who} gives, got {type(view).__name__}")
