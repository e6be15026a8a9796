"""Inside a net: what each of its layers gives for a picture."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import devices, dtypes, nn
from ..explain.common import at_least_one, shape_of
from ..explain.layers import is_plane, known
from ..nn.module import check_model, device_of, mode
from ..nn.watch import watched
from ..scopes import no_grad
from ..tensor import Tensor
from .colours import BAR, draw_scale, draw_signed, loudest
from .page import FAINT, LINE, MARGIN, WIDTH, blank, finite, one_line, place, write
from .pictures import GAP, draw_picture

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ABREAST = 8  # channels in a line
CELL = (WIDTH - 2 * MARGIN + GAP) / ABREAST - GAP  # inches for one
HEAD = LINE + 0.1  # inches for the words over a row
SIGNS = ("below zero", "above zero")


def feature_maps(
    model: nn.Module, x: Any, *, layers: Sequence[str | nn.Module] | None = None, channels: int = 8
) -> Figure:
    """What the layers of a net give for one picture x (C, H, W) or (1, C, H, W), a row each, as a matplotlib Figure.

    A row for each time that a layer without layers inside gives planes (1, K, h, w) of more than one place, in the order
    in which they run, with its name, kind and (K, h, w); or that one of ``layers`` does, modules of the model or their
    dotted names. It shows the first ``channels`` of the K, so that what stands below each other is the same channel
    before and after batch norm or ReLU. White is zero, and the 99th percentile of each channel's magnitude has full
    colour. The net runs once, as in eval mode, and is left as it was. Raises TypeError for what is no Module and for
    pictures that are not floating, ValueError for more than one picture, NaN, and layers that there are not, that do not
    run or give no planes.
    """
    check_model(model, "feature_maps")
    at_least_one(channels, "feature_maps: channels")
    x = one_picture(x)
    rows = [("the picture", x), *seen(model, x, layers)]
    shown = [out[None] if out is x and len(x) in (1, 3) else out[:channels] for _, out in rows]  # the picture in one
    heights = [CELL * out.shape[1] / out.shape[2] for _, out in rows]
    blocks = [math.ceil(len(some) / ABREAST) * (high + GAP) for some, high in zip(shown, heights)]
    figure, top = blank(WIDTH, MARGIN + sum(blocks) + len(rows) * (HEAD + GAP) + BAR), MARGIN
    for (name, out), some, high, block in zip(rows, shown, heights, blocks):
        line = f"{one_line(name)} · {' × '.join(map(str, out.shape))}"
        write(figure, MARGIN, top + HEAD - 0.08, line, WIDTH - 2 * MARGIN, color=FAINT, va="baseline")
        top += HEAD
        for k, plane in enumerate(some):
            down, right = divmod(k, ABREAST)
            axes = place(figure, MARGIN + right * (CELL + GAP), top + down * (high + GAP), CELL, high)
            if plane.ndim == 3:
                draw_picture(axes, in_range(plane))
            else:
                draw_signed(axes, plane.astype(np.float64), loudest(plane))
        top += block + GAP
    count = "channel" if channels == 1 else f"{channels} channels"
    draw_scale(figure, f"the first {count} of each layer, each to its own scale", SIGNS)
    return figure


def one_picture(x: Any) -> Any:
    """The picture (C, H, W) as an array; ValueError unless it is one picture, all finite."""
    x = devices.host(x)
    dtypes.check_floating(x, "feature_maps")
    picture = x[0] if x.ndim == 4 and len(x) == 1 else x
    if picture.ndim != 3 or not picture.size:
        raise ValueError(f"feature_maps: expected one picture x (C, H, W) or (1, C, H, W), got {x.shape}")
    finite(picture[None], "x", "feature_maps")
    return picture


def in_range(x: Any) -> Any:
    """A picture as it can be drawn: colour outside [0, 1], as normalising makes it, from its least to its largest value."""
    low, high = x.min(), x.max()
    return x if 0 <= low <= high <= 1 or len(x) == 1 else (x - low) / (high - low or 1)


def seen(model: nn.Module, x: Any, layers: Any) -> list[tuple[str, Any]]:
    """(name and kind, planes (K, h, w)) of the layers that are asked for, or of all, run for run."""
    modules = dict(model.named_modules())
    if layers is None:
        names = [name for name, module in modules.items() if not module._modules]
    else:
        asked = [layers] if isinstance(layers, (str, nn.Module)) else layers
        names = [known(model, layer, "feature_maps") for layer in asked]
    gave: dict[str, str] = {}
    rows: list[tuple[str, Any]] = []

    def note(name: str, out: Any) -> None:
        gave[name] = shape_of(out)
        if is_plane(out):
            planes = devices.host(out)
            finite(planes, f"what layer {name!r} gives", "feature_maps")
            rows.append((name, planes[0].copy()))  # a later layer may write into its input

    with watched([(name, modules[name]) for name in names], note), mode(model, False), no_grad():
        model(Tensor(x[None]).to(device_of(model)))
    drawn = {name for name, _ in rows}
    for name in names if layers is not None else ():
        if name not in drawn:
            what = f"gives {gave[name]}" if name in gave else "does not run in the model's forward pass"
            raise ValueError(
                f"feature_maps: layer {name!r} {what}, expected planes (1, K, h, w) of more than one place"
            )
    if not rows:
        raise ValueError("feature_maps: no layer of this model gives planes (1, K, h, w) of more than one place")
    return [(f"{name or 'the net'} · {type(modules[name]).__name__}", out) for name, out in rows]
