"""Many objectives, rendered in batches that fit into memory; and the layers whose channels are worth looking at."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..data import Preprocess
from ..nn import Module
from ..random import Generator
from ..summary import ELEMENTWISE, Row, summary
from .objective import Objective
from .parametrise import fourier
from .render import render
from .transforms import Transform

PIXELS = 2**18  # of a batch's pictures: 256 of 32 × 32, 16 of 128 × 128


def exciting(
    model: Module,
    goals: Sequence[Objective],
    shape: Sequence[int],
    how: Preprocess | None,
    *,
    decay: float = 1.0,
    colors: Any = None,
    transforms: Sequence[Transform] | None = None,
    steps: int = 256,
    seed: int = 0,
    gif: str | Path | None = None,
    dtype: Any = None,
) -> Any:
    """The picture in [0, 1] for which each of ``goals`` is large, (N, C, H, W), of a net whose pictures ``how`` prepares.

    ``shape`` is a picture's (C, H, W), ``decay`` and ``colors`` fourier's. As many pictures at a time as have 2¹⁸ pixels; what comes out
    does not depend on that. ``gif`` shows the first batch. Otherwise as in render; ValueError for no goals.
    """
    if not goals:
        raise ValueError("exciting: expected at least one objective, such as [logit(3)], got none")
    starts, fit, drawn = Generator(seed), at_a_time(shape), []
    c, h, w = shape
    for k in range(0, len(goals), fit):
        some = goals[k : k + fit]
        picture = fourier((len(some), c, h, w), decay=decay, colors=colors, rng=starts, dtype=dtype)
        film, same = None if k else gif, Generator(seed)  # the transforms' draws, alike for all batches
        prepared = how.normalized if how else None
        drawn.append(
            render(model, some, picture, transforms=transforms, normalize=prepared, steps=steps, gif=film, rng=same)
        )
    return np.concatenate(drawn)


def at_a_time(shape: Sequence[int]) -> int:
    """How many pictures (C, H, W) are computed with at once."""
    return max(1, PIXELS // (shape[1] * shape[2]))


def active_layers(model: Module, shape: Sequence[int]) -> list[Row]:
    """The layers in which a picture (C, H, W) becomes what channels show: activations that give planes (N, K, h, w).

    A row of the summary each, in the order in which they run; of a layer that runs twice only the last run counts. Without
    any such activation all layers that give planes, so none only where no layer does.
    """
    last: dict[str, Row] = {}
    for row in summary(model, tuple(shape)).rows:
        last.pop(row.name, None)  # so that it stands where it runs last
        last[row.name] = row
    planes = [row for row in last.values() if len(row.output_shape or ()) == 4]
    active = [row for row in planes if isinstance(model.get_submodule(row.name), ELEMENTWISE)]
    return active or planes
