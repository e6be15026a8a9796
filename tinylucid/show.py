"""What things are in a notebook: a quiet card for a Tensor, a table, or the text that print gives.

Only text and rules in the reader's own colours, light or dark; nothing is fetched. Jupyter shows one picture of a thing,
HTML before PNG: so a Tensor that holds pictures has them inside its card, where its shape and gradient are still said, while
maps and renderings (``gallery.py``) are nothing but pictures.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from html import escape
from typing import Any

import numpy as np

from . import devices
from .tensor import Tensor

EDGE = 5  # rows and columns at each end of values that are too many to be all shown
MOST = 6  # pictures in a card
SMALLEST = 8  # pixels a side: what is smaller is read rather than looked at
GAP = "…"
QUIET = "opacity: 0.7; font-size: 0.9em; white-space: pre-line"
CELL = "padding: 0.1em 0.6em; text-align: {}"

figures: Any = None  # () → tl.plot, which is above this room: tinylucid/__init__.py, the roof, brings it


def text(shown: Any) -> str:
    """A text in letters of one width, its lines broken where they are too long for the page."""
    return f'<pre style="font-family: monospace; white-space: pre-wrap; word-break: normal">{escape(str(shown))}</pre>'


def table(head: Sequence[str], rows: Sequence[Sequence[str]], left: int, note: str = "") -> str:
    """Rows under their head, the first ``left`` columns flush left and the others flush right, with a line above."""

    def line(cells: Sequence[str], kind: str) -> str:
        sides = ["left" if k < left else "right" for k in range(len(cells))]
        return "".join(f'<{kind} style="{CELL.format(s)}">{escape(c)}</{kind}>' for c, s in zip(cells, sides))

    top = f"<thead><tr>{line(head, 'th')}</tr></thead>" if any(head) else ""
    body = "".join(f"<tr>{line(row, 'td')}</tr>" for row in rows)
    said = f'<div style="{QUIET}">{escape(note)}</div>' if note else ""
    return f"<div>{said}<table>{top}<tbody>{body}</tbody></table></div>"


# --- a tensor ---------------------------------------------------------------------------------------------------------


def card(x: Tensor) -> str:
    """A Tensor: what it is and where it came from, then its values, a picture of them, or their range."""
    values, note = devices.host(x), " · ".join(facts(x))
    if values.ndim <= 2 and values.size:
        return table(*numbers(values), left=0, note=note)
    drawn = picture(values)
    seen = f'<img alt="the first pictures" style="width: 100%; max-width: 36em" src="{drawn}">' if drawn else ""
    return f'<div><div style="{QUIET}">{escape(note)}</div><div>{escape(spread(values))}</div>{seen}</div>'


def facts(x: Any) -> list[str]:
    """Shape, dtype and device, whether a gradient is wanted and there, and which operation of which layer made it."""
    said = [f"{type(x).__name__} {x.shape}", str(x.dtype), x.device]
    if x.node is not None:
        said.append(f"made by {x.grad_fn.__name__}" + (f" in layer {x.node.layer}" if x.node.layer else ""))
    elif x.requires_grad:
        said.append("requires grad")
    if x.grad is not None:
        said.append(".grad is there")
    elif x.requires_grad and x.is_leaf:
        said.append("no .grad yet")
    return said


def numbers(values: Any) -> tuple[list[str], list[list[str]]]:
    """The head and rows of a table of values (H, W), (W,) or (); columns and rows bear the numbers by which they are asked for."""
    plane = values.reshape(-1, values.shape[-1] if values.ndim else 1)
    rows, columns = ends(plane.shape[0]), ends(plane.shape[1])
    cell = lambda i, j: GAP if i is None or j is None else short(plane[i, j])
    named = lambda k: GAP if k is None else str(k)
    body = [[cell(i, j) for j in columns] for i in rows]
    if values.ndim == 2:
        body = [[named(i), *row] for i, row in zip(rows, body)]
    head = [named(j) for j in columns] if values.ndim else [""]
    return ["", *head] if values.ndim == 2 else head, body


def ends(n: int) -> list[int | None]:
    """The places 0 … n − 1, but of many only those at either end, around None."""
    return list(range(n)) if n <= 2 * EDGE + 1 else [*range(EDGE), None, *range(n - EDGE, n)]


def short(value: Any) -> str:
    """A value in a few letters."""
    return f"{value:.4g}" if value.dtype.kind == "f" else str(value)


def spread(values: Any) -> str:
    """The least, the mean and the largest of the values, and how many of them are not finite."""
    known = values[np.isfinite(values)]
    if not known.size:
        return f"{values.size} values, none of them finite" if values.size else "no values"
    mean = known.mean(dtype=np.float64)
    said = f"min {short(known.min())} · mean {short(mean)} · max {short(known.max())}"
    return said + (f" · {values.size - known.size} NaN or infinite" if known.size < values.size else "")


def picture(values: Any) -> str:
    """Pictures (1 or 3, H, W) or (N, 1 or 3, H, W) as an address that holds them; "" for what is none, such as normalised colour.

    A plane (H, W) is none: it may as well be weights, or a row of logits for each picture, and its values tell more.
    """
    x = values[None] if values.ndim == 3 else values
    if x.ndim != 4 or min(x.shape[2:]) < SMALLEST or x.dtype.kind not in "fu":
        return ""
    png = drawn("picture_grid", x[:MOST], None, columns=MOST)
    return f"data:image/png;base64,{base64.b64encode(png[0]).decode()}" if png else ""


def drawn(figure: str, *args: Any, **settings: Any) -> tuple[bytes, dict[str, int]] | None:
    """The figure of that name as a PNG and its size; None of values that it refuses, such as twelve channels."""
    try:
        return getattr(figures(), figure)(*args, **settings)._repr_png_()
    except ValueError:
        return None


Tensor._repr_html_ = card  # type: ignore[attr-defined]
