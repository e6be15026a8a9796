"""What a place sees, and the path from a class back to the picture: channels, each with what it looks for."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from ..visualize.path import Path
from ..visualize.place import Place
from . import page
from .cells import checked
from .page import FAINT, LINE, MARGIN, SMALL, WIDTH, WRONG, blank, checked_pictures, one_line, write
from .pictures import GAP, draw_picture

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LARGE = 1.84  # inches for the picture and for its window
LARGEST = 1.22  # inches for a rendering
ARROW = 0.34  # room for 100%
ABREAST = 6  # renderings in a line: of more, the words under them would have no room


def place(seen: Place) -> Figure:
    """The picture with the window that a place sees, the window enlarged, and its strongest channels, as a matplotlib Figure.

    ``seen`` is what tl.visualize.place gives. Under the rendering of a channel stands what it gives there. Raises TypeError
    for anything else, ValueError for a picture that is neither grey nor RGB, and for colour outside [0, 1].
    """
    checked(seen, Place, "place")
    checked_pictures(seen.picture[None], None, None, "place")
    count, ratio = len(seen.channels), seen.renderings.shape[2] / seen.renderings.shape[3]
    cell = min(LARGEST, (WIDTH - 2 * MARGIN + GAP) / min(count, ABREAST) - GAP)
    rows, columns = seen.window
    high = LARGE * seen.picture.shape[1] / seen.picture.shape[2]
    part = seen.picture[:, rows, columns]
    wide = min(LARGE, high * part.shape[2] / part.shape[1])
    top, second = MARGIN + LINE + 0.08, MARGIN + LINE + 0.08 + high + LINE + 0.2
    step = cell * ratio + LINE
    figure = blank(WIDTH, second + math.ceil(count / ABREAST) * (step + GAP) - GAP + MARGIN)
    other = MARGIN + LARGE + 3 * GAP
    write(figure, MARGIN, top - 0.08, "the picture", LARGE, va="baseline")
    about = f"all that layer {one_line(seen.layer)} sees at ({seen.row}, {seen.column})"
    write(figure, other, top - 0.08, about, WIDTH - MARGIN - other, va="baseline")
    axes = page.place(figure, MARGIN, top, LARGE, high)
    draw_picture(axes, seen.picture)
    draw_frame(axes, rows, columns)
    draw_picture(page.place(figure, other, top, wide, wide * part.shape[1] / part.shape[2]), part)
    write(
        figure,
        MARGIN,
        second - 0.08,
        "and what the strongest channels there look for",
        WIDTH - 2 * MARGIN,
        va="baseline",
    )
    for k in range(count):
        left, below = MARGIN + k % ABREAST * (cell + GAP), second + k // ABREAST * (step + GAP)
        draw_picture(page.place(figure, left, below, cell, cell * ratio), seen.renderings[k])
        text, low = f"{seen.channels[k]}: {seen.values[k]:.2g}", below + cell * ratio + LINE / 2
        write(figure, left + cell / 2, low, text, cell, size=SMALL, color=FAINT, ha="center", va="center_baseline")
    return figure


def draw_frame(axes: Any, rows: slice, columns: slice) -> None:
    """A frame around a window of a picture."""
    from matplotlib.patches import Rectangle

    corner = (columns.start - 0.5, rows.start - 0.5)
    size = (columns.stop - columns.start, rows.stop - rows.start)
    axes.add_patch(Rectangle(corner, *size, fill=False, edgecolor=WRONG, linewidth=1.8, clip_on=False))


def path(found: Path) -> Figure:
    """From the first layer to the class: of each channel on the path its rendering, its share, and its best pictures.

    ``found`` is what tl.visualize.path gives; six steps stand in a line. Raises TypeError for anything else, ValueError as for
    place.
    """
    checked(found, Path, "path")
    checked_pictures(found.best[0], None, None, "path")
    count, ratio = len(found.renderings), found.renderings.shape[2] / found.renderings.shape[3]
    abreast = min(count, ABREAST)
    arrows = abreast if count > ABREAST else count - 1  # in a line
    cell = min(LARGEST, (WIDTH - 2 * MARGIN - arrows * ARROW) / abreast)
    shown = found.best.shape[1]
    gap = min(GAP, cell / (3 * shown))
    small = (cell + gap) / shown - gap
    high, low = cell * ratio, small * found.best.shape[3] / found.best.shape[4]
    beside = max(high, 2 * LINE + 0.2)  # an arrow, and a share below it
    over, under = 2 * LINE + 0.08, beside + LINE + 0.08
    step = over + under + low + MARGIN
    figure = blank(WIDTH, MARGIN + math.ceil(count / abreast) * step)
    heads = [f"layer {one_line(name)}\nchannel {k}" for name, k in zip(found.layers, found.channels)] + [
        one_line(found.name)
    ]
    for k, head in enumerate(heads):
        left, top = MARGIN + k % abreast * (cell + ARROW), MARGIN + k // abreast * step + over
        room = min(cell + ARROW - 0.05, WIDTH - MARGIN - left)
        write(figure, left, top - 0.06, head, room, size=SMALL, va="bottom")
        draw_picture(page.place(figure, left, top, cell, high), found.renderings[k])
        if k < count - 1:
            at = left + cell + ARROW / 2
            write(figure, at, top + beside / 2, "→", ARROW, color=FAINT, ha="center", va="center")
            share, below = f"{found.shares[k]:.0%}", top + beside / 2 + LINE
            write(figure, at, below, share, ARROW - 0.02, size=SMALL, color=FAINT, ha="center", va="center")
        for j, x in enumerate(found.best[k]):
            draw_picture(page.place(figure, left + j * (small + gap), top + under, small, low), x)
    note = "the pictures that excite it most"
    write(figure, MARGIN, MARGIN + over + beside + LINE, note, WIDTH, size=SMALL, color=FAINT, va="baseline")
    return figure
