"""The strongest path from a class back through the layers: which channel of each speaks most for the next one's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .. import devices
from ..autograd import grad
from ..explain.common import at_least_one, recording
from ..explain.layers import known, restarted
from ..nn import Module
from ..nn.module import device_of
from ..random import Generator
from ..tensor import Tensor
from .data import checked_data, known_class, of_classes, palette, preparation
from .many import active_layers
from .measure import measure, sight
from .objective import Objective
from .objectives import channel, logit
from .views import BATCH, STEPS, View, rendered


@dataclass(frozen=True, eq=False)
class Path(View):
    """The layers from the first to the last, of each the channel on the path, its share (L,), and what all its channels add, L arrays (K,).

    ``renderings`` (L + 1, C, s, s) and ``best`` (L + 1, B, C, H, W), the pictures of the data that excite it most, as they
    look: of each channel, and at the end of the class.
    """

    figure = "path"
    target: int
    name: str
    layers: tuple[str, ...]
    channels: Any
    shares: Any
    contributions: tuple[Any, ...]
    renderings: Any
    best: Any


def path(
    model: Module,
    data: Any,
    target: int,
    *,
    layers: Sequence[str] | None = None,
    pictures: int = 3,
    size: int | None = None,
    steps: int = STEPS,
    rng: Generator | None = None,
) -> Path:
    """From a class back through the layers: the channel of each that adds most to the next one's, over the class's pictures.

    A channel k of what a layer gives, a (N, K, h, w), adds mean_n Σ_{y, x} a · ∂s/∂a to a number s: from the last layer
    to the logit of ``target``, from each other one to the mean of the channel that was found in the layer after it. In
    a net of ReLUs without biases, what the channels add sums to s. Its share is that of all that is added above 0.
    ``data``: pictures x as the model is given them, y, classes and preprocess, such as data.train. ``layers``: names,
    the first first; by default the activation layers that give planes of more than one place. ``pictures``: of the data,
    shown for each step.
    ``size``, ``steps`` and ``rng`` as in render. Raises ValueError for a class that there is not or that has no picture, layers that
    give no planes, and where nothing in a layer adds anything above 0.
    """
    x, y = checked_data(data, "path"), of_classes(data, "path")
    at_least_one(pictures, "path: pictures")
    some = x[y == known_class(target, data, "path")]
    asked = [layers] if isinstance(layers, str) else layers
    names = active(model, x.shape[1:]) if asked is None else [known(model, name, "path") for name in asked]
    if not names:
        raise ValueError("path: got no layer; name one or more, or leave layers out for all activations")
    goals, shares, sums = [logit(target)], list[Any](), list[Any]()
    for name in reversed(names):
        added = contributions(model, goals[0], some, name)
        k = int(added.argmax())
        if not added[k] > 0:
            raise ValueError(f"path: no channel of layer {name!r} adds anything to {goals[0]}; name other layers")
        goals.insert(0, channel(name, k))
        shares.insert(0, added[k] / added[added > 0].sum())
        sums.insert(0, added)
    drawn = {"size": size, "normalize": preparation(data), "steps": steps, "rng": rng, "colors": palette(data)}
    views = [
        rendered(model, goals[:-1], some, **drawn),
        rendered(model, goals[-1:], some, decay=2.0, **drawn),  # a class is recognised better so
    ]
    return Path(
        int(target),
        data.classes[target] if data.classes else f"class {target}",
        tuple(names),
        np.array([added.argmax() for added in sums]),
        np.array(shares),
        tuple(sums),
        np.concatenate(views),
        np.stack([data.shown(strongest(model, goal, x, pictures)) for goal in goals]),
    )


def active(model: Module, shape: Sequence[int]) -> list[str]:
    """The activation layers that give planes of more than one place, in the order in which they run last; ValueError for none."""
    names = [row.name for row in active_layers(model, shape) if (row.output_shape or ())[2:] != (1, 1)]
    if not names:
        raise ValueError(
            "path: no layer of this model gives planes (N, K, h, w) of more than one place; name layers that do"
        )
    return names


def contributions(model: Module, goal: Objective, x: Any, layer: str) -> Any:
    """What each channel of a layer adds to the goal, Σ a · ∂s/∂a over its planes, the mean over pictures x: (K,)."""
    total: Any = 0.0
    for start in range(0, len(x), BATCH):
        some = Tensor(x[start : start + BATCH]).to(device_of(model))
        with recording(model), restarted(model.get_submodule(layer), layer, "path") as runs:
            numbers = goal.value(sight(model, [goal])(some, some))
            slopes = grad(numbers.sum(), runs, allow_unused=True) if runs and numbers.requires_grad else ()
        added = [devices.host((a * g).sum((0, 2, 3))) for a, g in zip(runs, slopes) if g is not None]
        if not added:
            raise ValueError(
                f"path: {goal} does not depend on layer {layer!r}; name layers in the order in which they run"
            )
        total = total + added[-1]
    return total / len(x)


def strongest(model: Module, goal: Objective, x: Any, count: int) -> Any:
    """The numbers of the pictures x that the goal is largest for, the largest first."""
    found = np.concatenate([measure(model, goal, x[k : k + BATCH]) for k in range(0, len(x), BATCH)])
    return np.argsort(-found, kind="stable")[:count]
