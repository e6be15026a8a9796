"""Counting what is segmented: which things were found, and what was taken for one."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from .. import devices

OVERLAP = 0.5  # of a thing and what was found, intersection over union, to be the same


class Count(NamedTuple):
    """How many things there are, how many of them were found, and how many were found that are none."""

    things: int
    found: int
    false: int


def count(predicted: Any, y: Any, k: int = 1, smallest: int = 100) -> Count:
    """The things of class k in masks (N, H, W) or (H, W): pixels that touch, at a corner too, and are at least ``smallest`` in number.

    A thing is found if a predicted one overlaps it by an intersection over union of 0.5 or more; a predicted one that overlaps none
    so far is false. Raises ValueError for shapes that differ.
    """
    from skimage.measure import label

    predicted, y = devices.host(predicted), devices.host(y)
    if predicted.shape != y.shape or y.ndim not in (2, 3):
        raise ValueError(
            f"count: expected masks (N, H, W) of one shape, got predicted {predicted.shape} and y {y.shape};"
            " use logits.argmax(1) for logits"
        )
    things = found = false = 0
    for ours, true in zip(*(a.reshape(-1, *y.shape[-2:]) == k for a in (predicted, y))):
        a, b = label(ours), label(true)
        pairs = np.zeros((a.max() + 1, b.max() + 1), np.int64)
        np.add.at(pairs, (a, b), 1)
        sizes = pairs.sum(1)[1:, None], pairs.sum(0)[1:]
        same = pairs[1:, 1:] >= OVERLAP * (sizes[0] + sizes[1] - pairs[1:, 1:])
        large, real = sizes[0][:, 0] >= smallest, sizes[1] >= smallest
        things += int(real.sum())
        found += int((same.any(0) & real).sum())
        false += int((~same.any(1) & large).sum())
    return Count(things, found, false)
