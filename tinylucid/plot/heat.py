"""Heat maps: signed maps on white, or as colour over the pictures they belong to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from .. import devices
from ..explain.common import at_least_one
from .colours import BAR, NUMBERS, draw_over, draw_scale, draw_signed, loudest, summed, tints
from .maps import EACH, checked_maps
from .page import MARGIN, WIDTH, checked_pictures, finite, place, title
from .pictures import GAP, spread

if TYPE_CHECKING:
    from matplotlib.colors import Colormap
    from matplotlib.figure import Figure

BIG = 2.8  # inches for a map that has the page for itself


def heatmap(maps: Any, titles: Sequence[str] | None = None, *, shared: bool = False, columns: int = 4) -> Figure:
    """Signed maps (N, H, W), or (N, C, H, W) whose channels are summed, as a matplotlib Figure.

    White is zero, red above, blue below; the 99th percentile of each map's magnitude has full colour, or with ``shared``
    that of all maps together, whose numbers then stand at the colour bar. A map of zeros is white. ``titles`` one a map,
    of any number of lines. Raises ValueError for other shapes, for NaN and for too few titles.
    """
    maps = devices.host(maps)
    if maps.ndim not in (3, 4) or not maps.size:
        raise ValueError(f"heatmap: expected maps (N, H, W) or (N, C, H, W), got {maps.shape}")
    heads = [""] * len(maps) if titles is None else [str(each) for each in titles]
    if len(heads) != len(maps):
        raise ValueError(f"heatmap: {len(maps)} maps need as many titles, got {len(heads)}")
    finite(maps, "maps", "heatmap")
    at_least_one(columns, "heatmap: columns")
    return drawn(summed(maps), heads, shared, columns, lambda axes, k: partial(draw_signed, axes))


def overlay(
    x: Any, maps: Any, titles: Sequence[str] | None = None, *, shared: bool = False, columns: int = 4
) -> Figure:
    """Signed maps as colour over their pictures x (N, C, H, W), C 1 or 3, in pale grey, as a matplotlib Figure.

    ``maps`` are shaped like x (channels are summed) or (N, H, W). Red is above zero, blue below; the nearer to zero, the
    more of the picture is seen. Scale, ``shared`` and ``titles`` as in ``heatmap``. Raises ValueError for shapes or
    counts that do not fit, for NaN, and for colour outside [0, 1].
    """
    x, heads = checked_pictures(x, titles, None, "overlay")
    maps = checked_maps(maps, x, "maps", "overlay")
    at_least_one(columns, "overlay: columns")
    return drawn(summed(maps), heads, shared, columns, lambda axes, k: partial(draw_over, axes, x[k]), tints())


def drawn(
    planes: Any, heads: list[str], shared: bool, columns: int, draw: Callable, colours: Colormap | None = None
) -> Figure:
    """The figure of planes (N, H, W), in the middle of the page: ``draw(axes, k)(plane, scale)`` draws number k."""
    columns = min(columns, len(planes))
    cell = min(BIG, (WIDTH - 2 * MARGIN + GAP) / columns - GAP)
    left = (WIDTH - columns * (cell + GAP) + GAP) / 2
    every = loudest(planes)
    foot = BAR + GAP + (NUMBERS if shared else 0)
    figure, places, high = spread(heads, planes.shape[1] / planes.shape[2], cell, columns, WIDTH, left, foot)
    for k, at in enumerate(places):
        axes = place(figure, *at, cell, high)
        draw(axes, k)(planes[k], every if shared else loudest(planes[k]))
        title(axes, heads[k], None, cell + GAP / 2, pad=4)
    draw_scale(figure, "one scale for all maps" if shared else EACH, colours=colours, scale=every if shared else None)
    return figure
