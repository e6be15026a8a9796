"""Each channel's rendering beside the pictures of the data that excite it most."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from ..explain.common import at_least_one
from ..visualize.gallery import ChannelGallery, LayerGallery, times
from .page import FAINT, LINE, MARGIN, SMALL, WIDTH, blank, checked_pictures, place, write
from .pictures import GAP, draw_picture, frame, stretched

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ABREAST = 3  # channels in a line
APART = 0.14  # inches between them
CELL = (WIDTH - 2 * MARGIN + APART) / ABREAST - APART  # inches for one: a rendering and, as large, the data's pictures
SIDE = (CELL - GAP / 2) / 2
HEAD, OVER = 2 * LINE + 0.14, LINE  # inches for the words over a layer, and over a channel
NOTE = "the numbers: the channel's mean in the rendering (left) and in the best of the data's pictures (right)"


def gallery(found: ChannelGallery | LayerGallery, *, channels: int = 24) -> Figure:
    """What tl.visualize.gallery found as a matplotlib Figure: a heading a layer, and its first ``channels`` channels.

    Of each its number, the rendering, and beside it the data's pictures that excite it most, in reading order, the best
    first. Over the rendering stands the channel's mean in it, over the pictures that in the best of them; under
    the layer's name how many times the one is the other, in the median of all its channels that are in the gallery. Colour in
    [0, 1] is drawn as it is, grey is stretched over each picture. Raises TypeError for what is no gallery, ValueError for
    colour outside [0, 1].
    """
    if not isinstance(found, (ChannelGallery, LayerGallery)):
        raise TypeError(f"gallery: expected what tl.visualize.gallery gives, got {type(found).__name__}")
    at_least_one(channels, "gallery: channels")
    layers = found.layers if isinstance(found, ChannelGallery) else (found,)
    highs = [SIDE * max(tall(layer.pictures), tall(layer.photographs[0])) for layer in layers]
    lines = [math.ceil(min(channels, len(layer.numbers)) / ABREAST) for layer in layers]
    inches = sum(HEAD + n * (OVER + high + APART) for n, high in zip(lines, highs))
    figure, top = blank(WIDTH, MARGIN + inches + LINE + MARGIN), MARGIN
    for layer, n, high in zip(layers, lines, highs):
        draw_heading(figure, layer, channels, top)
        for k in range(min(channels, len(layer.numbers))):
            down, right = divmod(k, ABREAST)
            draw_channel(figure, layer, k, MARGIN + right * (CELL + APART), top + HEAD + down * (OVER + high + APART))
        top += HEAD + n * (OVER + high + APART)
    write(
        figure, WIDTH / 2, top + LINE / 2, NOTE, WIDTH - 2 * MARGIN, size=SMALL, color=FAINT, ha="center", va="center"
    )
    return figure


def tall(x: Any) -> float:
    """How many times as high as wide pictures (…, H, W) are."""
    return x.shape[-2] / x.shape[-1]


def draw_heading(figure: Figure, layer: LayerGallery, channels: int, top: float) -> None:
    """The layer, how many of its channels are shown, and how far the renderings reach."""
    shown = min(channels, len(layer.numbers))
    less = f", {shown} of them here" if shown < layer.count else ""
    write(figure, MARGIN, top + LINE, layer.called + less, WIDTH - 2 * MARGIN, fontweight="bold", va="baseline")
    write(
        figure, MARGIN, top + 2 * LINE, times(layer.ratio), WIDTH - 2 * MARGIN, size=SMALL, color=FAINT, va="baseline"
    )


def draw_channel(figure: Figure, layer: LayerGallery, k: int, left: float, top: float) -> None:
    """A channel's number, its rendering, the data's pictures, and what both reach."""
    x, _ = checked_pictures(layer.pictures[k][None], None, None, "gallery")
    photographs, _ = checked_pictures(layer.photographs[k], None, None, "gallery")
    right, base, low = left + SIDE + GAP / 2, top + OVER - 0.06, top + OVER
    write(figure, left, base, str(layer.numbers[k]), 0.4 * SIDE, size=SMALL, fontweight="bold", va="baseline")
    for side, value in ((left + SIDE, layer.reached[k]), (right + SIDE, layer.values[k, 0])):
        write(figure, side, base, short(value), 0.57 * SIDE, size=SMALL, color=FAINT, ha="right", va="baseline")
    draw_picture(place(figure, left, low, SIDE, SIDE * tall(x)), x[0])
    axes = place(figure, right, low, SIDE, SIDE * tall(photographs))
    axes.imshow(side_by_side(photographs), interpolation="nearest", aspect="auto")
    frame(axes)


def side_by_side(x: Any) -> Any:
    """Pictures (T, C, H, W) in reading order on a white square, (h, w, 3), as many in a row as there are rows at most."""
    n, _, h, w = x.shape
    abreast, gap = math.ceil(math.sqrt(n)), max(1, round(w / 20))
    page = np.ones((abreast * (h + gap) - gap, abreast * (w + gap) - gap, 3), x.dtype)
    for k, picture in enumerate(x):
        down, right = (i * (side + gap) for i, side in zip(divmod(k, abreast), (h, w)))
        page[down : down + h, right : right + w] = stretched(picture).transpose(1, 2, 0)
    return page


def short(value: float) -> str:
    """A number in two digits, or whole where it is large: 0.90, 2.0, 13, 132; with an exponent where that is too long."""
    return f"{value:.0f}" if 99.5 <= abs(value) < 99999.5 else f"{value:#.2g}".rstrip(".")
