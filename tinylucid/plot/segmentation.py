"""Segmentations: each class a colour over the picture, thin lines where one ends, and a legend."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import devices
from ..explain.common import at_least_one
from ..metrics import IGNORED
from .page import FAINT, MARGIN, SMALL, WIDTH, blank, checked_pictures, one_line, place, title, write
from .pictures import GAP, draw_picture, frame, over, stretched

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Okabe and Ito's colours, then Tol's, in an order in which neighbours are told apart by colour-blind eyes, too
COLOURS = (
    "#E69F00", "#0072B2", "#009E73", "#CC79A7", "#F0E442", "#56B4E9", "#D55E00", "#332288", "#882255", "#999933", "#AA4499", "#44AA99",
)  # fmt: skip
BACKGROUND = "background"  # the name of the class that is left without colour
FULL, LARGE = 0.6, 2.8  # how much of the picture colour hides; inches for a picture that has the page for itself
FINE, STRIPE = 200, 8  # pixels an inch, so that lines are thin; from stripe to stripe where nothing counts
HEAD, APART = 0.2, 0.2  # inches over a row, and between lots
ENTRY, SWATCH = 0.24, 0.16  # inches of a line of the legend, and of its field of colour


def segmentation(
    x: Any, masks: Any, classes: Sequence[str], truth: Any = None, titles: Sequence[str] | None = None, columns: int = 4
) -> Figure:
    """Pictures x (N, C, H, W), C 1 or 3, over what a net makes of them and over the truth, as a matplotlib Figure.

    ``masks`` and ``truth`` hold class numbers (N, H, W); the masks of several nets are a mapping, {name: masks}, a row each. A
    class has a colour over the picture in grey, the same in every figure with as many classes; one that is called "background"
    has none, and pixels of class −100 are hatched. The legend has the classes that are there. Raises ValueError for shapes, class
    numbers or counts that do not fit, and for colour outside [0, 1].
    """
    x, heads = checked_pictures(x, titles, None, "segmentation")
    rows = dict(masks) if isinstance(masks, Mapping) else {"the net": masks}
    rows |= {} if truth is None else {"truth": truth}
    planes = {name: checked(some, x, classes, name) for name, some in rows.items()}
    at_least_one(columns, "segmentation: columns")
    columns = min(columns, len(x))
    cell = min(LARGE if x.shape[3] < 2 * x.shape[2] else WIDTH, (WIDTH - 2 * MARGIN + GAP) / columns - GAP)
    high, left = cell * x.shape[2] / x.shape[3], (WIDTH - columns * (cell + GAP) + GAP) / 2
    present = np.unique(np.concatenate([plane.ravel() for plane in planes.values()])).tolist()
    colours = palette(classes)
    block, lines = high + len(planes) * (high + HEAD), legend_lines(present, classes)
    lots = [range(k, min(k + columns, len(x))) for k in range(0, len(x), columns)]
    tops = [over([heads[k] for k in lot]) for lot in lots]
    foot = GAP + len(lines) * ENTRY
    figure, top = blank(WIDTH, MARGIN + sum(tops) + len(lots) * (block + APART) + foot), MARGIN
    for lot, above in zip(lots, tops):
        top += above
        for j, k in enumerate(lot):
            at = left + j * (cell + GAP)
            axes = place(figure, at, top, cell, high)
            draw_picture(axes, x[k])
            title(axes, heads[k], None, cell + GAP / 2, pad=4)
            for r, (name, plane) in enumerate(planes.items(), 1):
                down = top + r * (high + HEAD)
                if j == 0:
                    write(figure, at, down - 0.05, name, 2, size=SMALL, color=FAINT, va="baseline")
                axes = place(figure, at, down, cell, high)
                grey = stretched(stretched(x[k]).mean(0, keepdims=True))[0]
                axes.imshow(painted(grey, plane[k], colours, cell), interpolation="antialiased")
                frame(axes)
        top += block + APART
    draw_legend(figure, top, lines, colours, classes)
    return figure


def checked(masks: Any, x: Any, classes: Sequence[str], name: str) -> Any:
    """Class numbers (N, H, W) that fit the pictures and the names; ValueError where they do not."""
    masks = devices.host(masks)
    if masks.shape != (len(x), *x.shape[2:]) or masks.dtype.kind not in "iub":
        raise ValueError(
            f"segmentation: pictures {x.shape} need class numbers {(len(x), *x.shape[2:])} as {name}, got {masks.dtype} "
            f"{masks.shape}; use logits.argmax(1) for logits"
        )
    wrong = masks[(masks != IGNORED) & ((masks < 0) | (masks >= len(classes)))]
    if wrong.size:
        raise ValueError(
            f"segmentation: {name} holds class {wrong[0]}, but there are names for 0 … {len(classes) - 1}; name all classes"
        )
    return masks.astype(np.int64)


def palette(classes: Sequence[str]) -> Any:
    """A colour of each class, (K, 4): red, green, blue, and how much of the picture it hides; paler from the thirteenth on."""
    from matplotlib.colors import to_rgb

    found, coloured = np.zeros((len(classes), 4)), [k for k, name in enumerate(classes) if name != BACKGROUND]
    for turn, k in enumerate(coloured):
        paler = 0.5 ** (turn // len(COLOURS))
        found[k] = *(1 - (1 - np.array(to_rgb(COLOURS[turn % len(COLOURS)]))) * paler), FULL
    return found


def painted(grey: Any, mask: Any, colours: Any, inches: float) -> Any:
    """A grey picture (H, W) under its classes' colours, enlarged to the pixels of so many inches: (rows, columns, 3) in 0 … 1."""
    fold = -(-round(FINE * inches) // mask.shape[1])
    grey, mask = (plane.repeat(fold, 0).repeat(fold, 1) for plane in (grey, mask))
    colour = colours[np.where(mask == IGNORED, 0, mask)]
    hide = np.where(mask == IGNORED, 0, colour[..., 3])[..., None]
    image = (1 - hide) * grey[..., None] + hide * colour[..., :3]
    i, j = np.indices(mask.shape, sparse=True)
    image[(mask == IGNORED) & ((i + j) % STRIPE < STRIPE // 2)] = 0.6
    edge = np.zeros(mask.shape, bool)
    edge[1:] |= mask[1:] != mask[:-1]
    edge[:, 1:] |= mask[:, 1:] != mask[:, :-1]
    dark = edge.copy()  # on the other side of a line its shadow: it is seen on bright and on dark
    dark[:-1] |= edge[1:]
    dark[:, :-1] |= edge[:, 1:]
    image[dark] = 0.1
    image[edge] = 1
    return image


# --- the legend ----------------------------------------------------------------------------------------------------


def legend_lines(present: Sequence[int], classes: Sequence[str]) -> list[list[int]]:
    """The classes that are there, −100 last, in lines that fit on the page."""
    lines: list[list[int]] = [[]]
    room = 0.0
    for k in [*(k for k in present if k != IGNORED), *(k for k in present if k == IGNORED)]:
        need = entry_width(k, classes)
        if room + need > WIDTH - 2 * MARGIN and lines[-1]:
            lines.append([])
            room = 0.0
        lines[-1].append(k)
        room += need
    return lines


def entry_width(k: int, classes: Sequence[str]) -> float:
    """Inches for a class in the legend, with the gap behind it."""
    return SWATCH + 0.28 + 0.62 * SMALL / 72 * min(len(name_of(k, classes)), 40)


def name_of(k: int, classes: Sequence[str]) -> str:
    """What a class is called in the legend."""
    return "does not count" if k == IGNORED else one_line(classes[k])


def draw_legend(figure: Figure, top: float, lines: list[list[int]], colours: Any, classes: Sequence[str]) -> None:
    """Fields of colour, as they look on a light grey, before the names of their classes."""
    for row, line in enumerate(lines):
        left = (WIDTH - sum(entry_width(k, classes) for k in line) + 0.2) / 2
        for k in line:
            at = top + row * ENTRY
            axes = place(figure, left, at, 1.4 * SWATCH, SWATCH)
            axes.imshow(painted(np.full((5, 7), 0.85), np.full((5, 7), k), colours, 1.4 * SWATCH), aspect="auto")
            frame(axes)
            width = entry_width(k, classes)
            beside = left + 1.4 * SWATCH + 0.07
            write(
                figure, beside, at + SWATCH / 2, name_of(k, classes), width - SWATCH, size=SMALL, va="center_baseline"
            )
            left += width
