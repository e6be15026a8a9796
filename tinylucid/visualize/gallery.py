"""What the channels of a net look for: each one's rendering beside the data's pictures that excite it most."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from tqdm import tqdm

from .. import show
from ..creation import zeros
from ..data import ArrayDataset, Preprocess
from ..explain.common import at_least_one
from ..explain.layers import known
from ..nn import Module
from ..nn.module import check_model
from .data import checked_data, palette
from .many import active_layers, at_a_time, exciting
from .measure import activations
from .objectives import channel, inside

FEW = 6  # channels of each layer in a notebook


@dataclass(frozen=True, eq=False, repr=False)
class LayerGallery:
    """K channels of a layer: a rendering of each, the T pictures of the data that excite it most, and how much both do.

    ``count`` is how many channels the layer has, ``numbers`` (K,) which of them these are. ``pictures`` (K, C, H, W) are the
    renderings, ``reached`` (K,) what each excites: the channel's mean over its plane. ``best`` (K, T) are the numbers of the
    data's pictures, the most exciting first, ``values`` (K, T) what they excite, and ``photographs`` (K, T, C, h, w) how they look.
    """

    name: str
    kind: str
    count: int
    numbers: Any
    pictures: Any
    reached: Any
    best: Any
    values: Any
    photographs: Any

    @property
    def ratio(self) -> Any:
        """How many times the best picture's value each rendering reaches, (K,); NaN where no picture excites the channel."""
        best = self.values[:, 0]
        return np.where(best > 0, self.reached / np.where(best > 0, best, 1), np.nan)

    @property
    def called(self) -> str:
        """Name, kind and number of channels."""
        return f"{self.name or 'the net'} · {self.kind} · {counted(self.count, 'channel')}"

    def __repr__(self) -> str:
        return f"LayerGallery({self.called}, {times(self.ratio)})"


@dataclass(frozen=True, eq=False, repr=False)
class ChannelGallery:
    """A LayerGallery for each layer; in a notebook it shows itself, and tl.plot.gallery draws all of it."""

    layers: tuple[LayerGallery, ...]

    @property
    def ratio(self) -> Any:
        """How many times the best picture's value each rendering reaches, of all layers' channels one after the other."""
        return np.concatenate([layer.ratio for layer in self.layers])

    def __repr__(self) -> str:
        return "\n".join(map(repr, self.layers))

    def _repr_png_(self) -> Any:
        return show.drawn("gallery", self, channels=FEW)


def gallery(
    model: Module,
    data: ArrayDataset,
    *,
    layers: str | Module | Sequence[str | Module] | None = None,
    channels: int | Sequence[int] | None = None,
    size: int | None = None,
    steps: int = 256,
    top: int = 4,
    seed: int = 0,
) -> ChannelGallery:
    """For each channel its rendering beside the ``top`` pictures of the data that excite it most, and how much both do.

    ``layers``: dotted names in model.named_modules(), or modules; by default the activations that give planes.
    ``channels``: how many of each layer, the first ones, or a list of numbers; by default all. ``size``: pixels a side of a
    rendering, by default the data's. All channels of a layer are rendered in one batch, or in some that fit into memory,
    in ``steps`` steps, colours mixed as in the data (color_matrix); the same ``seed`` gives the same pictures. An
    objective is the channel's mean over its plane. The model runs in eval mode and stays as it was. Raises TypeError for
    what is no Module or ArrayDataset, ValueError for data without pictures, layers and channels that there are not, and
    numbers that fit nothing.
    """
    check_model(model, "gallery")
    x = checked_data(data, "gallery")
    for value, name in ((1 if size is None else size, "size"), (steps, "steps"), (top, "top")):
        at_least_one(value, f"gallery: {name}")
    names = chosen(model, layers, x.shape[1:])
    asked = {name: numbers(model, name, x.shape[1:], channels, x.dtype) for name in names}
    shape = (x.shape[1], *(x.shape[2:] if size is None else (size, size)))
    found, colors = [], palette(data)
    with tqdm(total=sum(map(len, asked.values())), desc="gallery", unit=" channels", disable=None, leave=False) as bar:
        for name, some in asked.items():
            goals = [channel(name, k) for k in some]
            drawn = exciting(model, goals, shape, data.preprocess, colors=colors, steps=steps, seed=seed, dtype=x.dtype)
            found.append(beside(model, data, name, some, drawn, top))
            bar.update(len(some))
    return ChannelGallery(tuple(found))


def beside(
    model: Module, data: ArrayDataset, layer: str, some: Sequence[int], drawn: Any, top: int = 4
) -> LayerGallery:
    """The renderings ``drawn`` of some channels of a layer beside the ``top`` pictures of the data that excite each most."""
    means, picked = pooled(model, data.x, layer, None), np.asarray(some, np.intp)
    broken = ~np.isfinite(means).all(1)
    if broken.any():
        raise ValueError(f"gallery: layer {layer!r} gives NaN or infinity for picture {broken.argmax()} of the data")
    best = np.argsort(-means[:, picked].T, axis=1, kind="stable")[:, :top]
    reached = pooled(model, drawn, layer, data.preprocess)[np.arange(len(picked)), picked]
    return LayerGallery(
        layer,
        type(model.get_submodule(layer)).__name__,
        means.shape[1],
        picked,
        np.asarray(drawn),
        reached,
        best,
        means[best, picked[:, None]],
        data.shown(best),
    )


def pooled(model: Module, x: Any, layer: str, how: Preprocess | None) -> Any:
    """Each channel's mean over its plane for pictures x, (N, K); pooled batch by batch, since planes take much memory."""
    fit, means = at_a_time(x.shape[1:]), []
    for k in range(0, len(x), fit):
        out = activations(model, x[k : k + fit], layer, normalize=how.normalized if how else None)
        means.append(out.mean(tuple(range(2, out.ndim))) if out.ndim > 2 else out)
    return np.concatenate(means)


def chosen(model: Module, layers: Any, shape: Sequence[int]) -> list[str]:
    """The dotted names of the layers that are asked for, or else of the activations that give planes."""
    if layers is not None:
        asked = [layers] if isinstance(layers, (str, Module)) else list(layers)
        names = [known(model, layer, "gallery") for layer in asked]
    else:
        names = [row.name for row in active_layers(model, shape)]
    if not names:
        what = (
            "got no layer"
            if layers is not None
            else f"no layer of this {type(model).__name__} gives planes (N, K, h, w)"
        )
        raise ValueError(f"gallery: {what}; name one or more, such as layers=['{next(iter(model._modules), '')}']")
    return names


def numbers(model: Module, layer: str, shape: Sequence[int], channels: Any, dtype: Any = None) -> list[int]:
    """Which channels of a layer are meant: all, the first so many, or those of these numbers, in order."""
    count = activations(model, zeros(1, *shape, dtype=dtype), layer).shape[1]
    if channels is None:
        return list(range(count))
    if isinstance(channels, (int, float, np.number)):
        at_least_one(channels, "gallery: channels")
        return list(range(min(channels, count)))
    if isinstance(channels, str) or not len(channels):
        raise ValueError(f"gallery: channels: expected how many, or a list of numbers, got {channels!r}")
    for k in channels:
        inside(k, count, "channel", f"layer {layer!r} gives {counted(count, 'channel')}")
    return [int(k) for k in channels]


def counted(n: int, what: str) -> str:
    """A number of things: "1 channel", "16 channels"."""
    return f"{n} {what}" + ("" if n == 1 else "s")


def times(ratio: Any) -> str:
    """In words how many times the best picture's value the renderings reach, in the median of those that have one."""
    there = ratio[np.isfinite(ratio)]
    return (
        f"renderings reach {np.median(there):.1f} times the best picture (median)"
        if len(there)
        else "no picture excites any"
    )
