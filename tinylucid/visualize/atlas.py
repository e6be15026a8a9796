"""A small activation atlas: what a layer gives at places of many pictures, like beside like, and what it stands for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..explain.common import at_least_one
from ..nn import Module
from ..random import Generator
from .data import checked_data, of_classes, palette, preparation
from .objectives import direction
from .views import BATCH, POWER, STEPS, View, laid_out, planes, rendered

FEWEST = 10  # vectors that an atlas needs
COMPONENTS, NEIGHBOURS = 50, 30  # of PCA before t-SNE, and t-SNE's perplexity at most
EDGES = (
    0.5,
    99.5,
)  # percentiles of the coordinates that the atlas reaches to; what lies beyond is in the outermost cells


@dataclass(frozen=True, eq=False)
class Atlas(View):
    """Cells (h, w), each with its rendering (C, s, s), how many vectors lie in it, and the class of most of them, −1 where none is drawn.

    ``points`` (N, 2) is where each vector lies, x to the right and y down, in 0 … 1, and ``cells`` (N, 2) in which row and column;
    ``pictures`` (N,) is the picture it was taken from and ``places`` (N, 2) at which row and column of the layer's planes.
    """

    figure = "atlas"
    layer: str
    names: tuple[str, ...]
    renderings: Any
    counts: Any
    classes: Any
    points: Any
    cells: Any
    pictures: Any
    places: Any


def atlas(
    model: Module,
    data: Any,
    layer: str,
    *,
    cells: int = 8,
    places: int = 1,
    fewest: int = 3,
    size: int | None = None,
    steps: int = STEPS,
    rng: Generator | None = None,
) -> Atlas:
    """What a layer tells apart, as a map (Carter et al., "Activation atlas", 2019): similar vectors lie side by side.

    Of each picture of ``data`` (x as the model is given them, y, classes and preprocess) the layer's vectors (K,) at
    ``places`` random places, no two the same, are laid out in two dimensions, by t-SNE of their principal components (scikit-learn),
    and over a grid of cells × cells. In each cell with at least ``fewest`` of them the direction from the mean of all to their mean is
    rendered. ``size``: of a rendering, by default that of a picture. ``steps`` as in render; ``rng`` draws the places
    and the start (default: seed 0). Raises ValueError for a layer without planes, for fewer than 10 vectors, for more places
    than there are, and where no cell holds enough or all vectors are the same.
    """
    x, y, rng = checked_data(data, "atlas"), of_classes(data, "atlas"), rng or Generator(0)
    check(x, cells, places, fewest)
    for number, name in ((steps, "steps"), (1 if size is None else size, "size")):  # before t-SNE, which takes long
        at_least_one(number, f"atlas: {name}")
    vectors, where = picked(model, x, layer, places, rng)
    mean = vectors.mean(0)
    if not np.ptp(vectors, axis=0).any():
        raise ValueError(
            f"atlas: layer {layer!r} gives the same for all pictures, so there is nothing to lay out; name another"
        )
    points = spread_out(vectors - mean)
    at = np.minimum((points * cells).astype(int), cells - 1)[:, ::-1]  # y is the row
    flat = at[:, 0] * cells + at[:, 1]
    counts = np.bincount(flat, minlength=cells**2)
    drawn = np.flatnonzero(counts >= fewest)
    if not drawn.size:
        raise ValueError(
            f"atlas: no cell holds {fewest} of the {len(flat)} vectors; give more pictures, or fewer cells than {cells}"
        )
    of_class = np.repeat(y, places)
    goals = [direction(layer, vectors[flat == k].mean(0) - mean, POWER) for k in drawn]
    pictures = rendered(model, goals, x, size, preparation(data), steps, rng, colors=palette(data))
    classes = np.full(cells**2, -1)
    classes[drawn] = [np.bincount(of_class[flat == k]).argmax() for k in drawn]
    table = counts.reshape(cells, cells)
    names = tuple(data.classes) or tuple(f"class {k}" for k in range(y.max() + 1))
    return Atlas(
        layer,
        names,
        laid_out(pictures, table >= fewest),
        table,
        classes.reshape(cells, cells),
        points,
        at,
        np.repeat(np.arange(len(x)), places),
        where,
    )


def check(x: Any, cells: int, places: int, fewest: int) -> None:
    """ValueError for numbers that are none, for a single cell, and for fewer than 10 vectors."""
    for number, name in ((cells, "cells"), (places, "places"), (fewest, "fewest")):
        at_least_one(number, f"atlas: {name}")
    if cells == 1:
        raise ValueError(
            "atlas: expected 2 cells a side or more, got 1: one cell holds all, and nothing to tell it from"
        )
    if len(x) * places < FEWEST:
        raise ValueError(
            f"atlas: {len(x)} pictures give {len(x) * places} vectors, expected {FEWEST} or more; give more pictures"
        )


def picked(model: Module, x: Any, layer: str, places: int, rng: Generator) -> tuple[Any, Any]:
    """A layer's vectors (N·places, K) at random places of each picture, and their rows and columns (N·places, 2)."""
    vectors, where = [], []
    for start in range(0, len(x), BATCH):
        a = planes(model, x[start : start + BATCH], layer, "atlas")
        n, k, h, w = a.shape
        if places > h * w:
            raise ValueError(
                f"atlas: layer {layer!r} gives planes of {h} × {w}, {h * w} places, expected at least {places}"
            )
        index = np.argsort(rng.uniform((n, h * w)), axis=1)[:, :places]
        vectors.append(np.take_along_axis(a.reshape(n, k, h * w), index[:, None], 2).transpose(0, 2, 1).reshape(-1, k))
        where.append(np.stack(np.divmod(index.ravel(), w), 1))
    return np.concatenate(vectors), np.concatenate(where)


def spread_out(vectors: Any) -> Any:
    """Vectors (N, K) as points (N, 2) in 0 … 1, near where they are alike."""
    from sklearn.decomposition import PCA
    from sklearn.manifold import TSNE

    n, k = vectors.shape
    few = PCA(min(COMPONENTS, n, k), svd_solver="full").fit_transform(vectors)
    perplexity = min(NEIGHBOURS, (n - 1) / 3)
    start = few[:, :2] if few.shape[1] > 1 else np.repeat(few, 2, 1)
    flat = TSNE(perplexity=perplexity, init=1e-4 * start / start[:, 0].std()).fit_transform(few)
    low, high = np.percentile(flat, EDGES, axis=0)
    return np.clip((flat - low) / np.maximum(high - low, np.finfo(flat.dtype).tiny), 0, 1)
