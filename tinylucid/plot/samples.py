"""What a generator made: in rows by class, and each picture beside the training picture that is nearest to it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import devices
from ..explain.common import at_least_one
from ..gan.distance import nearest
from .page import FAINT, LINE, MARGIN, SMALL, WIDTH, blank, checked_pictures, place, write
from .pictures import GAP, frame, spread, title

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NAMES = 0.9  # inches for a class's name


def nearest_training(x: Any, train: Any, held_out: Any, columns: int = 4) -> Figure:
    """Each sample beside the nearest training picture, over them their distance in pixels, as a matplotlib Figure.

    x (N, 1 or 3, H, W), train and ``held_out`` pictures of that size, in [0, 1], drawn as they are: grey is not stretched.
    Below stands how far held-out pictures are from their nearest training pictures: samples much nearer than that are
    copies. Raises ValueError for other shapes and sizes, for none, for NaN, and for colour outside [0, 1].
    """
    at_least_one(columns, "nearest_training: columns")
    x, train, held_out = (checked_pictures(part, None, None, "nearest_training")[0] for part in (x, train, held_out))
    found, usual = nearest(x, train), np.median(nearest(held_out, train).distance)
    pairs = np.stack([x, train[found.index].astype(x.dtype)], 1)
    rows = [in_a_row(pair) for pair in pairs]
    cell = (WIDTH - 2 * MARGIN + GAP) / columns - GAP
    titles = [f"{distance:.2f}" for distance in found.distance]
    ratio = rows[0].shape[0] / rows[0].shape[1]
    figure, places, high = spread(titles, ratio, cell, columns, WIDTH, foot=2 * LINE + 2 * MARGIN)
    for row, text, (left, top) in zip(rows, titles, places):
        axes = place(figure, left, top, cell, high)
        draw(axes, row)
        title(axes, text, None, cell, pad=4)
    note = "left a sample, right the training picture nearest to it, and how far apart they are;"
    usually = f"pictures that were held out are {usual:.2f} from theirs in the median, the samples {np.median(found.distance):.2f}"
    bottom = figure.get_size_inches()[1] - MARGIN
    for k, text in enumerate((note, usually)):
        write(figure, MARGIN, bottom - (1 - k) * LINE, text, WIDTH - 2 * MARGIN, size=SMALL, color=FAINT, va="bottom")
    return figure


def samples_by_class(x: Any, y: Any, classes: Sequence[str], each: int = 10) -> Figure:
    """The first ``each`` samples of every class in a row beside its name, as a matplotlib Figure.

    x (N, 1 or 3, H, W) in [0, 1], drawn as they are: grey is not stretched; y (N,) class numbers. A class with fewer samples
    has a shorter row. Raises ValueError for x and y that do not fit, for none, NaN, and colour outside [0, 1].
    """
    at_least_one(each, "samples_by_class: each")
    x, y = checked_pictures(x, None, None, "samples_by_class")[0], devices.host(y)
    if y.shape != (len(x),) or y.dtype.kind not in "iu" or not 0 <= y.min() <= y.max() < len(classes):
        raise ValueError(
            f"samples_by_class: {len(x)} samples need as many class numbers y (N,) below {len(classes)}, got {y.dtype} {y.shape}"
            + (f" up to {y.max()}" if y.size and y.dtype.kind in "iu" else "")
        )
    rows = [in_a_row(np.concatenate([x[y == k][:each], blanks(x, each - (y == k).sum())])) for k in range(len(classes))]
    wide = WIDTH - 2 * MARGIN - NAMES
    high = wide * rows[0].shape[0] / rows[0].shape[1]
    figure = blank(WIDTH, 2 * MARGIN + len(rows) * (high + GAP) - GAP)
    for k, (row, name) in enumerate(zip(rows, classes)):
        top = MARGIN + k * (high + GAP)
        write(figure, MARGIN + NAMES - 0.12, top + high / 2, name, NAMES - 0.12, ha="right", va="center_baseline")
        draw(place(figure, MARGIN + NAMES, top, wide, high), row)
    return figure


def in_a_row(x: Any) -> Any:
    """Pictures (N, C, H, W) beside each other on white, (H, w, 3)."""
    gap = np.ones((3, x.shape[2], max(1, round(x.shape[3] / 12))), x.dtype)
    parts = [part for picture in x for part in (gap, np.broadcast_to(picture.clip(0, 1), (3, *x.shape[2:])))]
    return np.concatenate(parts[1:], 2).transpose(1, 2, 0)


def blanks(x: Any, n: int) -> Any:
    """So many white pictures of x's size, or none."""
    return np.ones((max(0, n), *x.shape[1:]), x.dtype)


def draw(axes: Axes, picture: Any) -> None:
    """A picture (H, W, 3) as it is."""
    axes.imshow(picture, interpolation="nearest", aspect="auto")
    frame(axes)
