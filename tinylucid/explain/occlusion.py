"""Occlusion: how much of the answer goes when one part of the picture is hidden."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np

from ..gallery import Maps, giving
from ..ops.conv import pair
from .baseline import averaged
from .common import beside, planes, values
from .features import counts, labelled, painted
from .hide import answers, differ

Size = int | tuple[int, int]


@giving(Maps)
def occlusion(
    model: Callable[[Any], Any],
    x: Any,
    target: Any,
    *,
    window: Size,
    stride: Size | None = None,
    baseline: Any = "mean",
    batch_size: int = 64,
) -> Any:
    """f(x) − f(x with a window hidden), a pixel's mean over the windows that cover it, (N, H, W) (Zeiler and Fergus, 2014).

    A window of ``window`` pixels, a number or (rows, columns), starts at every ``stride`` pixels (by default ``window``: side
    by side); the last may reach over the edge, so that every pixel is covered. ``baseline`` stands in the window: by default
    "mean", each picture's mean colour, since a black window is itself something to see; otherwise as in
    integrated_gradients. ``batch_size``: pictures a pass, at least those of x. Model, x (N, C, H, W), target and errors as in
    gradient (but no gradient is needed): what differs by rounding alone counts as 0, so that a picture of one colour, beside
    its own mean, has a map of 0. ValueError for a window larger than the picture or a stride larger than the
    window, which would leave pixels that are never hidden.
    """
    model, x = beside(model, x), planes(x)
    size = x.shape[2:]
    window, stride = checked(window, stride, size)
    starts = [range(0, -(-(n - w) // s) * s + 1, s) for n, w, s in zip(size, window, stride)]
    places = [(slice(i, i + window[0]), slice(j, j + window[1])) for i, j in product(*starts)]
    whole = values(model, x, target)

    def one(b: Any) -> Any:
        total, covered = np.zeros((len(x), *size)), np.zeros(size)
        keeps = (without(place, size) for place in places)
        found = answers(model, x, target, keeps, b, batch_size, "occlusion", len(places))
        for answer, place in zip(found, places):
            total[:, *place] += fallen(whole, answer)[:, None, None]
            covered[place] += 1
        return total / covered

    return averaged(one, baseline, x)


def checked(window: Size, stride: Size | None, size: tuple[int, ...]) -> tuple[tuple[int, int], tuple[int, int]]:
    """Window and stride as (rows, columns) that fit pictures of ``size``; ValueError where they do not."""
    w = pair(window, "window", 1, "occlusion")
    s = w if stride is None else pair(stride, "stride", 1, "occlusion")
    if w[0] > size[0] or w[1] > size[1]:
        raise ValueError(f"occlusion: a window of {w} is larger than the pictures, {tuple(size)}; give a smaller one")
    if s[0] > w[0] or s[1] > w[1]:
        raise ValueError(
            f"occlusion: stride {s} is larger than the window {w}, so pixels between would never be hidden; make it at most {w}"
        )
    return w, s


def fallen(whole: Any, answer: Any) -> Any:
    """whole − answer, 0 where they differ by rounding alone."""
    return np.where(differ(whole, answer, whole.dtype), whole - answer, 0)


def without(place: Any, size: tuple[int, ...]) -> Any:
    """What is kept where ``place`` is hidden: (H, W), False there and True elsewhere."""
    keep = np.ones(size, bool)
    keep[place] = False
    return keep


@giving(Maps)
def feature_ablation(
    model: Callable[[Any], Any],
    x: Any,
    target: Any,
    *,
    features: Any = None,
    baseline: Any = "mean",
    batch_size: int = 64,
) -> Any:
    """f(x) − f(x without the pixel's feature), (N, H, W): what each feature's absence alone costs the answer.

    ``features`` are whole numbers (H, W) or (N, H, W); the pixels of one number are one feature and are hidden together, as
    superpixels(x) gives them. By default each pixel is a feature of its own, all its channels together: H·W answers a
    picture. Otherwise as occlusion; ValueError for features that do not fit.
    """
    model, x = beside(model, x), planes(x)
    height, width = x.shape[2:]
    labels = labelled(np.arange(height * width).reshape(height, width) if features is None else features, x)
    n = int(counts(labels).max(initial=0))
    whole = values(model, x, target)

    def one(b: Any) -> Any:
        keeps = (labels != s for s in range(n))
        found = list(answers(model, x, target, keeps, b, batch_size, "feature_ablation", n))
        return painted(fallen(whole[:, None], np.array(found, x.dtype).reshape(n, len(x)).T), labels)

    return averaged(one, baseline, x)
