"""What a net remembers of each class: a picture made of the stuff that its pictures are made of, as the net tells stuff apart."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..data import ArrayDataset
from ..explain.common import at_least_one
from ..gallery import Pictures, giving
from ..nn import Module
from ..nn.module import check_model
from .data import checked_data, count, known_class, of_classes, palette
from .likeness import style
from .many import active_layers, exciting
from .measure import activations
from .objective import Objective
from .objectives import logit
from .transforms import jitter, pad

EXAMPLES = 60  # pictures of a class, whose Gram matrices are averaged
PUSH = 0.005  # of the logit, beside likenesses between −1 and 0: of two pictures that are as like, the clearer


@giving(Pictures)
def remembered(
    model: Module,
    data: ArrayDataset,
    classes: int | Sequence[int] | None = None,
    *,
    size: int | None = None,
    steps: int = 512,
    seed: int = 0,
) -> Any:
    """A picture (C, size, size) of each class in which what the net finds occurs together as in the class's pictures.

    Large for Σ_l style(l, activations of the class's first 60 pictures) + 0.005 · logit, l the activation layers with planes:
    texture synthesis (Gatys et al., "Texture synthesis using convolutional neural networks", 2015) with the net's own
    layers, pushed towards the class. Where ``logit`` alone shows what the net answers most strongly to, often an exaggeration,
    this shows how much of a class it has kept: enough that people, and other nets, know it again. ``classes``: numbers, by
    default all, or one. ``size``: pixels a side, by default as the data. Returns an array (K, C, size, size) in [0, 1]. Raises
    TypeError for what is no Module or ArrayDataset, ValueError for classes that there are not or that have no picture,
    and for a net without planes.
    """
    check_model(model, "remembered")
    x, y = checked_data(data, "remembered"), of_classes(data, "remembered")
    shape = (x.shape[1], *(x.shape[2:] if size is None else (size, size)))
    at_least_one(1 if size is None else size, "remembered: size")
    at_least_one(steps, "remembered: steps")
    names = [row.name for row in active_layers(model, x.shape[1:])]
    if not names:
        raise ValueError("remembered: no layer of this model gives planes (N, K, h, w); render its logits instead")
    asked = [classes] if isinstance(classes, (int, np.integer, str)) else classes
    asked = [known_class(k, data, "remembered") for k in (range(count(data)) if asked is None else asked)]
    if not asked:
        raise ValueError("remembered: got no class; give one or more, or leave classes out for all")
    goals = [likeness(model, x[y == k][:EXAMPLES], k, names) for k in asked]
    shift = min(shape[1:]) // 16
    way = {"decay": 2, "colors": palette(data), "steps": steps, "seed": seed, "dtype": x.dtype}
    way["transforms"] = [pad(shift), jitter(2 * shift)]  # a turn would blur the grain
    return exciting(model, goals, shape, data.preprocess, **way)


def likeness(model: Module, x: Any, k: int, names: Sequence[str]) -> Objective:
    """Likeness to the pictures x, layer by layer, and a little of class k's logit."""
    goal = PUSH * logit(k)
    for name in names:
        goal = goal + style(name, activations(model, x, name))
    return goal
