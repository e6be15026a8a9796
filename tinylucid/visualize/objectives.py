"""Objectives of classes, channels, places, layers and directions: what a rendered picture should excite."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import devices
from ..ops import maximum
from ..tensor import Tensor
from .objective import Objective
from .seen import Seen

FLOOR = 0.1  # the least cosine: places and pictures that point elsewhere keep a slope
TINY = 1e-30  # beneath a square root: where all is zero the slope is zero, and no 0/0


def logit(k: int) -> Objective:
    """What the model answers for class k, before any softmax; of an answer (N, K, h, w) its mean over the places."""
    numbered(k, "class")

    def value(seen: Seen) -> Tensor:
        z = seen.logits
        if not isinstance(z, Tensor) or z.ndim < 2:
            kind = f"shape {z.shape}" if isinstance(z, Tensor) else type(z).__name__
            raise ValueError(f"visualize: the model gives {kind}, expected a Tensor of logits (N, K)")
        inside(k, z.shape[1], "class", f"the model gives {z.shape[1]} logits")
        return z[:, k] if z.ndim == 2 else z[:, k].mean(tuple(range(1, z.ndim - 1)))

    return Objective(f"logit({k})", value)


def channel(layer: str, k: int) -> Objective:
    """The mean over the plane of channel k of what a layer gives; the layer by its dotted name in model.named_modules()."""
    named(layer)
    numbered(k, "channel")

    def value(seen: Seen) -> Tensor:
        means = seen.channels(layer)
        inside(k, means.shape[1], "channel", f"layer {layer!r} gives {means.shape[1]} channels")
        return means[:, k]

    return Objective(f"channel({layer!r}, {k})", value, frozenset([layer]))


def neuron(layer: str, k: int, y: int, x: int) -> Objective:
    """Channel k of what a layer gives (N, K, h, w), at row y and column x."""
    named(layer)
    numbered(k, "channel")

    def value(seen: Seen) -> Tensor:
        out = planes(seen, layer, f"use channel({layer!r}, {k})")
        for number, size, kind in zip((k, y, x), out.shape[1:], ("channel", "row", "column")):
            inside(
                number, size, kind, f"layer {layer!r} gives {out.shape[1]} channels of {out.shape[2]} × {out.shape[3]}"
            )
        return out[:, k, y, x]

    return Objective(f"neuron({layer!r}, {k}, {y}, {x})", value, frozenset([layer]))


def layer(name: str) -> Objective:
    """The mean of the squares of what a layer gives (N, K, …): whatever it finds in a picture, more of it.

    To be added. With pictures to start from this is DeepDream (Mordvintsev, Olah and Tyka, 2015).
    """
    named(name)

    def value(seen: Seen) -> Tensor:
        a = seen.layer(name).flatten(1)
        return (a * a).mean(1)

    return Objective(f"layer({name!r})", value, frozenset([name]))


def direction(layer: str, v: Any, power: float = 0) -> Objective:
    """How far what a layer gives goes along v: the mean over its places of ⟨a, u⟩ · max(cos(a, u), 0.1)^power, u = v/‖v‖.

    v (K,), one number for each of the K channels, on any device; a (K,) what the layer gives at one place. Of v only its
    direction counts, so ``direction(layer, v)`` of the k-th unit vector is ``channel(layer, k)``. To be added. A ``power``
    above 0 wants little else besides: without it, a loud answer that v has some part in does too (Lucid's
    direction and cossim_pow; Carter et al., "Activation atlas", 2019). Raises ValueError for a v that is not (K,), is
    all zero or not finite, and for a power below 0.
    """
    named(layer)
    raised(power, "direction")
    v = reference(v, "direction: v")
    if v.ndim != 1:
        raise ValueError(f"visualize: direction: expected v (K,), one number a channel, got {v.shape}")
    u = v[:, None] / np.linalg.norm(v)

    def value(seen: Seen) -> Tensor:
        a = seen.layer(layer)
        if a.shape[1] != len(u):
            raise ValueError(
                f"visualize: direction: v has {len(u)} numbers, but layer {layer!r} gives {a.shape[1]} channels; "
                "give one number a channel"
            )
        return along(a.reshape(*a.shape[:2], -1), u, power).mean(1)

    return Objective(f"direction({layer!r}, v, {power:g})", value, frozenset([layer]))


def along(a: Tensor, u: Any, power: float) -> Tensor:
    """⟨a, u⟩ · max(cos(a, u), 0.1)^power for a (N, K, …) over its second axis, where u is of length 1."""
    dots = (a * u).sum(1)
    if power == 0:
        return dots
    cosines = dots / ((a * a).sum(1) + TINY) ** 0.5
    return dots * maximum(cosines, FLOOR) ** power


def planes(seen: Seen, layer: str, instead: str) -> Tensor:
    """What a layer gives, (N, K, h, w); ValueError, with what to do instead, for one without planes."""
    out = seen.layer(layer)
    if out.ndim != 4:
        raise ValueError(f"visualize: layer {layer!r} gives {out.shape}, no planes; {instead}")
    return out


def reference(numbers: Any, what: str) -> np.ndarray:
    """A copy, in float64, of numbers on any device; errors unless all are finite and some are not zero."""
    found = devices.host(numbers)
    if found.dtype.kind not in "biuf":
        raise TypeError(f"visualize: {what}: expected an array of numbers, got {type(numbers).__name__}")
    if not np.isfinite(found).all():
        raise ValueError(
            f"visualize: {what} {found.shape} is not finite: {found[~np.isfinite(found)][0]} is in it; look at how it was made"
        )
    if not found.any():
        raise ValueError(f"visualize: {what} {found.shape} is all zero, which is like nothing; give another one")
    return devices.fixed(np.array(found, np.float64))


def raised(power: Any, where: str) -> None:
    """ValueError unless ``power`` is a finite number of at least 0."""
    if not isinstance(power, (int, float, np.number)) or not 0 <= power < np.inf:
        raise ValueError(f"visualize: {where}: expected a power of at least 0, got {power!r}")


def numbered(k: Any, kind: str) -> None:
    """TypeError unless k is a whole number."""
    if not isinstance(k, (int, np.integer)):
        of_class = f", such as classes.index({k!r})" if kind == "class" and isinstance(k, str) else ""
        raise TypeError(f"visualize: a {kind} is given by its number{of_class}, got {k!r}")


def named(layer: Any) -> None:
    """TypeError unless a layer is given by its name."""
    if not isinstance(layer, str):
        raise TypeError(
            f"visualize: a layer is given by its dotted name in model.named_modules(), got a {type(layer).__name__}; write channel('0', 3)"
        )


def inside(k: int, n: int, kind: str, what_there_is: str) -> None:
    """ValueError unless k is one of 0 … n − 1."""
    if not isinstance(k, (int, np.integer)) or not 0 <= k < n:
        raise ValueError(f"visualize: {kind} {k!r} is not one of 0 … {n - 1}: {what_there_is}; count from 0")
