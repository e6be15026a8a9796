"""The page all figures are drawn on: places in inches, colours, and text that fits where it stands."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import devices

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.text import Text

RIGHT, WRONG, INK, FAINT = "#0072B2", "#C44A00", "#333333", "#666666"  # blue and vermilion: apart for colour-blind eyes
FONT = "DejaVu Sans"  # comes with matplotlib and has ✓ and ✗
OTHERS = (  # for letters that it has not, where one of them is installed
    "Noto Sans CJK SC", "Noto Sans CJK JP", "Noto Sans SC", "WenQuanYi Micro Hei", "WenQuanYi Zen Hei",
    "Microsoft YaHei", "PingFang SC", "Hiragino Sans", "Arial Unicode MS", "Noto Sans Devanagari", "Noto Sans Thai",
)  # fmt: skip
WIDTH, MARGIN = 6.0, 0.1  # inches: text of SIZE is 10 pixels high where a phone shows the figure 360 pixels wide
SIZE, SMALL = 12.0, 10.0  # points
LINE = 0.21  # inches from line to line
BEYOND = 0.05  # by which a colour may lie outside [0, 1], where it is clipped, unseen


def blank(width: float, height: float, dpi: int = 200) -> Figure:
    """An empty white figure of so many inches."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    from .shown import Shown

    figure = Shown(figsize=(width, height), dpi=dpi, facecolor="white")
    FigureCanvasAgg(figure)
    return figure


def place(figure: Figure, left: float, top: float, width: float, height: float) -> Axes:
    """Axes at inches from the figure's top left corner."""
    w, h = figure.get_size_inches()
    return figure.add_axes((left / w, 1 - (top + height) / h, width / w, height / h))


def bare(axes: Axes) -> None:
    """Axes without ticks and border."""
    axes.set(xticks=[], yticks=[])
    for side in axes.spines.values():
        side.set_visible(False)


# --- text ---------------------------------------------------------------------------------------------------------


def words(size: float = SIZE, color: str = INK, **more: Any) -> dict[str, Any]:
    """How text is set; a $ is a dollar."""
    return {"fontsize": size, "color": color, "fontfamily": list(letters()), "parse_math": False, **more}


def write(figure: Figure, left: float, top: float, text: str, room: float, **style: Any) -> Text:
    """Text at inches from the figure's top left corner, in ``room`` inches."""
    w, h = figure.get_size_inches()
    return fit(figure.text(left / w, 1 - top / h, printable(text), **words(**style)), room)


def title(axes: Axes, text: str, correct: bool | None, room: float, **style: Any) -> Text:
    """The title over a picture, marked in colour and by a sign as right or wrong."""
    mark = "" if correct is None else "✓ " if correct else "✗ "
    color = INK if correct is None else RIGHT if correct else WRONG
    return fit(axes.set_title(printable(mark + text), **words(color=color, **style)), room)


def fit(text: Text, room: float) -> Text:
    """The text, smaller by up to a quarter and then cut in its middle, so that it is at most ``room`` inches long."""
    figure = text.get_figure()
    assert figure is not None
    room *= figure.dpi

    def length() -> float:
        box = text.get_window_extent()
        return box.height if text.get_rotation() == 90 else box.width

    if length() > room:
        text.set_fontsize(float(text.get_fontsize()) * max(0.75, 0.98 * room / length()))
    while length() > room and (longest := max(map(len, text.get_text().split("\n")))) > 2:
        keep = min(longest - 1, max(2, int(longest * room / length())))
        lines = text.get_text().split("\n")
        text.set_text("\n".join(s if len(s) <= keep else shortened(s, keep) for s in lines))
    return text


def shortened(line: str, keep: int) -> str:
    """At most ``keep`` characters of a line, with … for its middle: a number or a file's ending stands last."""
    tail = (keep - 1) // 2
    return line[: keep - 1 - tail].rstrip("…") + "…" + line[len(line) - tail :].lstrip("…")


@cache
def letters() -> dict[str, frozenset[int]]:
    """The fonts to use that are installed, each with the letters it has."""
    from matplotlib.font_manager import findfont, fontManager, get_font

    installed = {font.name for font in fontManager.ttflist}
    families = [FONT, *(name for name in OTHERS if name in installed)]
    return {name: frozenset(get_font(findfont(name)).get_charmap()) for name in families}


def one_line(text: Any) -> str:
    """A text, or anything else in words, with · between its lines."""
    return " · ".join(str(text).splitlines())


def printable(text: str) -> str:
    """The text with ▯ for letters that no font here has: matplotlib would warn at each of them when it draws."""
    known = frozenset().union(*letters().values())
    return "".join(c if c == "\n" or ord(c) in known else "▯" for c in text)


# --- what is asked of pictures -------------------------------------------------------------------------------------


def checked_pictures(x: Any, titles: Any, correct: Sequence[bool] | None, who: str) -> tuple[Any, list[str]]:
    """Pictures (N, 1 or 3, H, W), uint8 over 255, and their titles as text, empty for None.

    ValueError for other shapes, for NaN, for colour outside [0, 1], which would be clipped, and for too few titles.
    """
    x = devices.host(x)
    if x.ndim != 4 or x.shape[1] not in (1, 3) or not x.size:
        raise ValueError(f"{who}: expected pictures x (N, 1 or 3, H, W), got {x.shape}")
    titles = [""] * len(x) if titles is None else [str(each) for each in titles]
    if len(titles) != len(x) or (correct is not None and len(correct) != len(x)):
        marks = "" if correct is None else f" and {len(correct)} marks"
        raise ValueError(f"{who}: {len(x)} pictures need as many titles (and marks), got {len(titles)} titles{marks}")
    finite(x, "x", who)
    x = x / np.float32(255) if x.dtype == np.uint8 else x
    if x.shape[1] == 3 and not -BEYOND <= x.min() <= x.max() <= 1 + BEYOND:
        raise ValueError(
            f"{who}: expected colour in [0, 1], got {x.min():.3g} … {x.max():.3g}; preprocess.shown(x) gives pictures as"
            " they look, from ones that were normalised"
        )
    return x, titles


def finite(values: Any, name: str, who: str) -> None:
    """ValueError if a picture or map holds NaN or infinity: it would be drawn as a hole, or drown all the others."""
    wrong = [k for k, plane in enumerate(values) if not np.isfinite(plane).all()]
    if wrong:
        raise ValueError(f"{who}: {name} holds NaN or infinity, first in number {wrong[0]} of {len(values)}")
