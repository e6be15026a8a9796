"""Objectives that compare: with a reference picture (style, caricature, inversion), or pictures with each other (diversity).

A ``target`` is what ``activations(model, x, layer)`` gives for a reference picture, (1, K, …) or (K, …), an array that goes
along to the model's device and dtype. Each is relative to it, so that several layers count alike when they are added.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..tensor import Tensor
from .objective import Objective
from .objectives import TINY, along, named, planes, raised, reference
from .seen import Seen

NO_PLANES = "name a layer that comes before they are flattened"


def style(layer: str, target: Any) -> Objective:
    """−‖G − G*‖² / ‖G*‖²,  G = A Aᵀ / hw: which channels of a layer (N, K, h, w) answer together, wherever that is.

    A (K, hw) is what the layer gives for a picture, G (K, K) its Gram matrix, and G* that of the ``target`` (N*, K, h*, w*) or
    (K, h*, w*), whose size may be another (Gatys, Ecker and Bethge, "Image style transfer", 2016); of several pictures,
    such as those of a class, the mean of theirs. At most 0, which is reached by a single reference picture, and −1 for a
    layer that gives nothing; to be added, usually of several layers:
    ``sum(style(name, activations(model, x, name)) for name in names)``. Raises ValueError for a layer without planes and
    for a target of another number of channels, all zero or not finite.
    """
    named(layer)
    target = reference(target, "style: target")
    if target.ndim not in (3, 4):
        raise ValueError(
            f"visualize: style: expected a target (N, K, h, w) or (K, h, w), got {target.shape}; {NO_PLANES}"
        )
    a = np.moveaxis(target, -3, 0).reshape(target.shape[-3], -1)  # (K, all places of all pictures)
    wanted = a @ a.T / a.shape[1]
    whole = float((wanted**2).sum())

    def value(seen: Seen) -> Tensor:
        g = gram(planes(seen, layer, NO_PLANES))
        if g.shape[1] != len(wanted):
            raise ValueError(
                f"visualize: style: the target has {len(wanted)} channels, but layer {layer!r} gives {g.shape[1]}; "
                f"take it from there, by activations(model, x, {layer!r})"
            )
        return -((g - wanted) ** 2).sum((1, 2)) / whole

    return Objective(f"style({layer!r}, target)", value, frozenset([layer]))


def caricature(layer: str, target: Any, power: float = 1) -> Objective:
    """⟨a, a*⟩ / ‖a*‖² · max(cos(a, a*), 0.1)^power: what a layer finds in the reference picture, and more of it than there.

    a is all that the layer gives for a picture, a* the ``target``, of the same shape (Lucid's recipe of caricatures; Olah et
    al., "The building blocks of interpretability", 2018). 1 for the reference picture, 2 for one that has twice as much
    of it; to be added. A larger ``power`` wants less of anything else. Raises ValueError for a target of several
    pictures, of another shape than the layer gives, all zero or not finite, and for a power below 0.
    """
    named(layer)
    raised(power, "caricature")
    target = reference(target, "caricature: target")
    norm = float(np.linalg.norm(target))

    def value(seen: Seen) -> Tensor:
        a = seen.layer(layer)
        wanted = fitting(target, a, layer, "caricature")
        return along(a.flatten(1), wanted.ravel() / norm, power) / norm

    return Objective(f"caricature({layer!r}, target, {power:g})", value, frozenset([layer]))


def inversion(layer: str, target: Any) -> Objective:
    """−‖a − a*‖² / ‖a*‖²: a picture for which a layer gives what it gives for the reference picture; how else it looks is free.

    a and ``target`` as for caricature (Mahendran and Vedaldi, "Understanding deep image representations by inverting
    them", 2015). At most 0, which is reached by the reference picture, and −1 for a layer that gives nothing; to be
    added. What then differs from the reference picture is what the layer has lost of it; render it with few
    transforms, or none, since they move it. Errors as for caricature.
    """
    named(layer)
    target = reference(target, "inversion: target")
    whole = float((target**2).sum())

    def value(seen: Seen) -> Tensor:
        a = seen.layer(layer)
        return -((a - fitting(target, a, layer, "inversion")) ** 2).flatten(1).sum(1) / whole

    return Objective(f"inversion({layer!r}, target)", value, frozenset([layer]))


def diversity(layer: str) -> Objective:
    """How unlike the other pictures of the same objective each one is: − the mean of ⟨G, G'⟩ / ‖G‖‖G'‖ over the others' G'.

    G (K, K) is a picture's Gram matrix as in style, (N, K, h, w) what the layer gives (Olah, Mordvintsev and Schubert, "Feature
    visualization", 2017). From −1, all alike, to 1, and after a ReLU never above 0; to be added: ``logit(3) + 10 *
    diversity(layer)`` shows several kinds of what a class is to the net, where 10 is a third of what the logit reaches
    alone; much less changes nothing, much more forgets the class. Of several objectives each compares its own share of
    the pictures. Raises ValueError for a layer without planes and for a single picture.
    """
    named(layer)

    def value(seen: Seen) -> Tensor:
        g = gram(planes(seen, layer, NO_PLANES)).flatten(1)
        n = len(g)
        if n < 2:
            raise ValueError(
                "visualize: diversity compares the pictures that an objective has, expected at least 2, got 1; "
                "render more of them, such as fourier((4, 1, 32, 32))"
            )
        u = g / ((g * g).sum(1, keepdim=True) + TINY) ** 0.5
        others = np.ones((n, n)) - np.eye(n)
        return -(u @ u.T * others).sum(1) / (n - 1)

    return Objective(f"diversity({layer!r})", value, frozenset([layer]))


def gram(a: Tensor) -> Any:
    """A Aᵀ / hw, (N, K, K): the mean over the places of each product of two channels, of a (N, K, h, w)."""
    a = a.flatten(2)
    return a @ a.transpose(1, 2) / a.shape[2]


def single(target: np.ndarray, ndim: int, where: str) -> np.ndarray:
    """The one reference picture's (K, …), of ``ndim`` axes, in a target that may have one axis more; ValueError for several."""
    if target.ndim != ndim + 1:
        return target
    if len(target) != 1:
        raise ValueError(
            f"visualize: {where}: the target {target.shape} is of {len(target)} pictures, expected one; "
            "choose one of them, such as target[0]"
        )
    return target[0]


def fitting(target: np.ndarray, a: Tensor, layer: str, where: str) -> np.ndarray:
    """The target as large as what the layer gives for a picture; ValueError, with both shapes, where it is not."""
    wanted = single(target, a.ndim - 1, where)
    if wanted.shape != a.shape[1:]:
        raise ValueError(
            f"visualize: {where}: the target is {wanted.shape}, but layer {layer!r} gives {a.shape[1:]} for a picture; take it "
            f"by activations(model, x, {layer!r}) of a picture as large as the rendered one"
        )
    return wanted
