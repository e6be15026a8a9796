"""Saliency maps beside the pictures they explain."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from .. import devices
from .colours import BAR, NARROWEST, draw_over, draw_scale, draw_signed, loudest, summed
from .page import FAINT, LINE, MARGIN, WIDTH, blank, checked_pictures, finite, one_line, place, title, write
from .pictures import GAP, LARGEST, draw_picture, over, spread

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ABREAST = 5  # methods that are columns, at most
PICTURES, ROWS = 6, 8  # where methods are rows: pictures beside each other, methods before the pictures come again
COLUMNS = 4  # of a single picture's maps
CELL, NAME, LETTER = 1.1, 1.35, 0.085  # inches there: a map at most, a method's name, about a letter
EACH = "each map to its own scale"
NAMES = {  # where it is not the function's name with spaces
    "smoothgrad": "SmoothGrad",
    "smoothgrad_squared": "SmoothGrad²",
    "vargrad": "VarGrad",
    "gradient_x_input": "gradient × input",
    "deconvnet": "DeconvNet",
    "grad_cam": "Grad-CAM",
    "grad_cam_pp": "Grad-CAM++",
    "hires_cam": "HiRes-CAM",
    "layer_cam": "Layer-CAM",
    "score_cam": "Score-CAM",
    "guided_grad_cam": "guided Grad-CAM",
    "lrp": "LRP",
    "deeplift": "DeepLIFT",
    "rise": "RISE",
    "lime": "LIME",
    "kernel_shap": "KernelSHAP",
    "sensitivity_n": "sensitivity-n",
}


def called(method: str) -> str:
    """What people call a method whose function has this name."""
    return NAMES.get(method, str(method).replace("_", " "))


def saliency_grid(
    x: Any, maps: Any, titles: Sequence[str], correct: Sequence[bool] | None = None, columns: int = 6
) -> Figure:
    """Pictures x (N, C, H, W), C 1 or 3, each above its saliency map (shaped like x), as a matplotlib Figure.

    Maps are signed: zero is white, the 99th percentile of each map's magnitude has full colour, and colour channels are
    summed. Planes (N, H, W) are drawn as in ``explanation_grid``. ``titles`` one a picture; ``correct`` puts ✓ or ✗ before them, in
    blue or vermilion. Raises ValueError for shapes or counts that do not fit, for NaN, and for colour outside [0, 1].
    """
    x, titles = checked_pictures(x, titles, correct, "saliency_grid")
    drawn = drawable(checked_maps(maps, x, "maps", "saliency_grid"), shared=False)
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
        draw_map(place(figure, left, top + high + GAP / 2, LARGEST, high), x, drawn, k)
    draw_scale(figure, EACH)
    return figure


def explanation_grid(
    x: Any,
    maps: Mapping[str, Any],
    titles: Sequence[str],
    correct: Sequence[bool] | None = None,
    *,
    shared: bool = False,
) -> Figure:
    """Pictures x (N, C, H, W), C 1 or 3, each beside the maps of several methods, as a matplotlib Figure.

    ``maps`` is the method's name -> its maps, signed: zero is white, the 99th percentile of each map's magnitude has full
    colour, or with ``shared`` that of all maps of a method, so that its pictures can be compared. They are shaped like x
    (channels are summed), or planes (N, H, W); a method whose planes are nowhere negative in any picture, as those of
    Grad-CAM, colours the pictures themselves. Up to five methods are columns, more are rows; of a single picture they
    follow each other. ``titles`` one a picture, ``correct`` and ValueError as in ``saliency_grid``. Raises TypeError for
    maps that are no mapping.
    """
    x, titles = checked_pictures(x, titles, correct, "explanation_grid")
    methods = {name: drawable(some, shared) for name, some in checked_methods(maps, x).items()}
    marks = [None if correct is None else bool(mark) for mark in (correct if correct is not None else titles)]
    if len(methods) <= ABREAST:
        figure = pictures_as_rows(x, methods, titles, marks)
    elif len(x) > 1:
        figure = pictures_as_columns(x, methods, titles, marks)
    else:
        figure = one_picture(x, methods, titles[0], marks[0])
    draw_scale(figure, "each method to its own scale, the same for all pictures" if shared else EACH)
    return figure


def pictures_as_rows(x: Any, methods: dict[str, Drawn], titles: list[str], marks: list[bool | None]) -> Figure:
    """The figure for a few methods: each picture begins a row, the names of the methods stand on top."""
    columns = 1 + len(methods)
    cell = min(LARGEST, (WIDTH - 2 * MARGIN + GAP) / columns - GAP)
    high = cell * x.shape[2] / x.shape[3]
    heads = [headline(name) for name in methods]
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
        title(axes, one_line(titles[k]), marks[k], wide - 2 * MARGIN, loc="left", pad=5)
        for j, some in enumerate(methods.values(), 1):
            draw_map(place(figure, MARGIN + j * (cell + GAP), top, cell, high), x, some, k)
    return figure


def pictures_as_columns(x: Any, methods: dict[str, Drawn], titles: list[str], marks: list[bool | None]) -> Figure:
    """The figure for many methods: each is a row that its name begins, and over every few rows the pictures stand again."""
    columns, rows = evenly(len(x), PICTURES), evenly(len(methods), ROWS)
    cell = min(CELL, (WIDTH - 2 * MARGIN - NAME + GAP) / columns - GAP)
    high = cell * x.shape[2] / x.shape[3]
    row = GAP + max(high, 2 * LINE)  # a name may have two lines
    heads = [broken(text, cell) for text in titles]
    bands = [
        (range(k, min(k + columns, len(x))), list(methods)[m : m + rows])
        for k in range(0, len(x), columns)
        for m in range(0, len(methods), rows)
    ]
    tops = [over([heads[k] for k in some]) + MARGIN for some, _ in bands]  # inches of titles
    inches = sum(tops) + sum(high + GAP + len(names) * row + MARGIN for _, names in bands)
    figure = blank(max(2 * MARGIN + NAME + columns * (cell + GAP) - GAP, NARROWEST), inches + BAR)
    top = 0.0
    for (some, names), head in zip(bands, tops):
        top += head
        for j, k in enumerate(some):
            axes = place(figure, MARGIN + NAME + j * (cell + GAP), top, cell, high)
            draw_picture(axes, x[k])
            title(axes, heads[k], marks[k], cell + GAP / 2, pad=4)
        top += high + GAP
        for name in names:
            side, middle = MARGIN + NAME - 0.1, top + high / 2
            write(figure, side, middle, headline(name), NAME - 0.1, ha="right", va="center", color=FAINT)
            for j, k in enumerate(some):
                draw_map(place(figure, MARGIN + NAME + j * (cell + GAP), top, cell, high), x, methods[name], k)
            top += row
        top += MARGIN
    return figure


def one_picture(x: Any, methods: dict[str, Drawn], head: str, mark: bool | None) -> Figure:
    """The figure for many methods and one picture: in reading order, the picture first."""
    columns = evenly(1 + len(methods), COLUMNS)
    cell = (WIDTH - 2 * MARGIN + GAP) / columns - GAP
    heads = [broken(head, cell), *map(headline, methods)]
    figure, places, high = spread(heads, x.shape[2] / x.shape[3], cell, columns, WIDTH, foot=BAR + GAP)
    first, *others = (place(figure, left, top, cell, high) for left, top in places)
    draw_picture(first, x[0])
    title(first, heads[0], mark, cell + GAP / 2, pad=4)
    for axes, name, maps in zip(others, heads[1:], methods.values()):
        draw_map(axes, x, maps, 0)
        title(axes, name, None, cell + GAP / 2, pad=4).set_color(FAINT)
    return figure


def evenly(count: int, most: int) -> int:
    """How many go into a line where ``count`` are shared out evenly among lines of at most ``most``: 4 for 8 and 6."""
    return math.ceil(count / math.ceil(count / most))


def broken(text: str, room: float) -> str:
    """A title with line breaks between words where it is longer than ``room`` inches, about."""
    letters = max(1, int(room / LETTER))
    return "\n".join(line for part in text.split("\n") for line in textwrap.wrap(part, letters, break_long_words=False))


def headline(method: str) -> str:
    """What a method is called, beside or over a map: in two lines if it is long."""
    name = called(method)
    return name.replace(" ", "\n" if len(name) > 11 else " ", 1)


def checked_methods(maps: Any, x: Any) -> dict[str, Any]:
    """The maps of each method as arrays; TypeError for what is no mapping, ValueError for an empty one or bad maps."""
    if not isinstance(maps, Mapping):
        raise TypeError(
            f'explanation_grid: expected maps as a dict such as {{"gradient": maps}}, got {type(maps).__name__};'
            " saliency_grid draws the maps of one method"
        )
    if not maps:
        raise ValueError("explanation_grid: expected the maps of at least one method, got none")
    return {name: checked_maps(some, x, repr(name), "explanation_grid") for name, some in maps.items()}


def checked_maps(maps: Any, x: Any, name: str, who: str) -> Any:
    """Maps as an array; ValueError unless they are shaped like x (N, C, H, W), or (N, H, W), and finite."""
    maps = devices.host(maps)
    if maps.shape not in (x.shape, (len(x), *x.shape[2:])):
        raise ValueError(
            f"{who}: {name} must be shaped like the pictures {x.shape}, or {(len(x), *x.shape[2:])}, got {maps.shape}"
        )
    finite(maps, name, who)
    return maps


class Drawn(NamedTuple):
    """The maps of a method as they are drawn: planes (N, H, W), the magnitude that has full colour in each, and where."""

    planes: Any
    scales: list[float]
    over: bool  # the picture, else on white


def drawable(maps: Any, shared: bool) -> Drawn:
    """Maps (N, C, H, W) on white; (N, H, W) over the picture unless one of them, of any picture, is negative somewhere."""
    planes = summed(maps)
    scales = [loudest(planes)] * len(planes) if shared else [loudest(plane) for plane in planes]
    return Drawn(planes, scales, maps.ndim == 3 and planes.min() >= 0)


def draw_map(axes: Axes, x: Any, maps: Drawn, k: int) -> None:
    """The map of picture number k of x."""
    if maps.over:
        draw_over(axes, x[k], maps.planes[k], maps.scales[k])
    else:
        draw_signed(axes, maps.planes[k], maps.scales[k])
