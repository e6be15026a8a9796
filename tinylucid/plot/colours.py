"""Signed numbers as colours: white is zero, red is above it, blue below; and the colour bar that says so."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from .page import FAINT, MARGIN, SMALL, bare, place, write
from .pictures import frame, stretched

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap
    from matplotlib.figure import Figure

BAR, NUMBERS = 0.62, 0.2  # inches for the colour bar and its words, and for numbers under it
NARROWEST = 4.2  # inches for the words at both ends of the bar
LOUD = 99  # the percentile of magnitude that has full colour: one loud pixel does not pale the rest
PALE = 0.45  # the grey of black where colour lies over a picture: both colours are told apart on it
OPAQUE = 0.8  # how much of the picture the fullest colour hides


@cache
def diverging() -> Colormap:
    """Blue, white, red (ColorBrewer's RdBu, colour-blind safe); of an odd number, so that zero has the middle one."""
    from matplotlib import colormaps

    return colormaps["RdBu_r"].resampled(257)


def summed(maps: Any) -> Any:
    """Maps (N, C, H, W) or (N, H, W) as planes (N, H, W), channels summed, in float64."""
    maps = np.asarray(maps, np.float64)
    return maps.sum(1) if maps.ndim == 4 else maps


def loudest(planes: Any) -> float:
    """The magnitude that gets full colour: the 99th percentile, the largest where that is 0, 1 where all is zero."""
    size = np.abs(planes)
    return float(np.percentile(size, LOUD) or size.max() or 1.0)


def shares(plane: Any, scale: float) -> Any:
    """The plane's values over ``scale``, in −1 … 1."""
    return np.clip(plane, -scale, scale) / scale


def draw_signed(axes: Axes, plane: Any, scale: float) -> None:
    """A plane (H, W) in colours around white; ±scale has full colour."""
    axes.imshow(shares(plane, scale), cmap=diverging(), vmin=-1, vmax=1, interpolation="nearest")
    frame(axes)


def draw_over(axes: Axes, x: Any, plane: Any, scale: float) -> None:
    """A plane (H, W) as colour over the picture x (C, H, W) in pale grey, the fainter the nearer it is to zero."""
    grey = stretched(stretched(x).mean(0, keepdims=True))[0]
    axes.imshow(tinted(grey, shares(plane, scale)), interpolation="nearest")
    frame(axes)


def tinted(grey: Any, share: Any) -> Any:
    """Grey in 0 … 1, paler, under the colours of ``share`` in −1 … 1: (…, 3); at 0 the grey alone is seen."""
    pale = (PALE + (1 - PALE) * np.asarray(grey))[..., None]
    full = np.where(np.asarray(share)[..., None] > 0, diverging()(0.93)[:3], diverging()(0.07)[:3])
    alpha = OPAQUE * np.abs(share)[..., None]
    return (1 - alpha) * pale + alpha * full


@cache
def tints() -> Colormap:
    """The colours of draw_over on a middle grey."""
    from matplotlib.colors import ListedColormap

    return ListedColormap(tinted(np.full(257, 0.5), np.linspace(-1, 1, 257)))


def draw_scale(
    figure: Figure,
    note: str,
    ends: tuple[str, str] = ("lowers the answer", "raises it"),
    colours: Colormap | None = None,
    scale: float | None = None,
) -> None:
    """The colour bar at the bottom, between the meanings of its ends, in the middle, and a note; numbers if ``scale``."""
    from matplotlib.cm import ScalarMappable

    width, height = (float(side) for side in figure.get_size_inches())
    top = height - BAR - (0 if scale is None else NUMBERS)
    line, middle, room, half = top + 0.245, width / 2, width / 2 - 0.6, 0.5 if scale is None else 0.75
    low = write(figure, 0, line, ends[0], room, ha="right", va="center_baseline")
    high = write(figure, 0, line, ends[1], room, ha="left", va="center_baseline")
    bar = middle + (low.get_window_extent().width - high.get_window_extent().width) / figure.dpi / 2
    low.set_x((bar - half - 0.08) / width)
    high.set_x((bar + half + 0.08) / width)
    axes = place(figure, bar - half, top + 0.18, 2 * half, 0.13)
    figure.colorbar(ScalarMappable(cmap=colours or diverging()), cax=axes, orientation="horizontal", ticks=[])
    bare(axes)
    small: dict[str, Any] = {"size": SMALL, "color": FAINT, "ha": "center", "va": "center_baseline"}
    if scale is not None:
        for k, number in enumerate((f"−{scale:.2g}", "0", f"{scale:.2g}"), -1):
            write(figure, bar + k * half, line + NUMBERS, number, half, **small)
    write(figure, middle, height - 0.145, note, width - 2 * MARGIN, **small)
