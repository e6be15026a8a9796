"""Mosaics of the photographed surfaces: which texture is at each pixel? Real textures with labels that are exact."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..dtypes import float32, float64, int64
from ..random import Generator
from .dataset import ArrayDataset, Preprocess, Splits
from .textures import LUMINANCE, SIZE, SURFACES, textures

PATCHES = 600, 100  # of each class to choose from, for training and test; with fewer a net learns patches, not textures
APART = 15 / 64  # how far two regions' seeds are apart at least, of the picture's side


def texture_mosaic(seed: int = 0, train: int = 2000, test: int = 100, size: int = 64, color: bool = True) -> Splits:
    """Pictures of three to five regions, each of another of the ten surfaces, and the class of every pixel.

    Returns (train, test): x (N, 3, size, size) float32 in [0, 1], or without ``color`` (N, 1, size, size), each picture
    (x − mean) / (std + 0.02); y (N, size, size) int64 in 0 … 9. A pixel belongs to the nearest of the regions' seeds
    (Voronoi), which are 15 pixels apart at 64; each region shows a patch of ``textures()``, mirrored to the size of the
    picture. Training and test patches come from parts of the photographs that do not overlap, and as there each class is
    one photograph: this is not the segmentation of materials at large. A picture is a function of (seed, part, number):
    fewer pictures are the first of the same ones. Raises ValueError for a number below 1 and a size outside 32 … 512.
    """
    for name, n, low, high in (("train", train, 1, 2**20), ("test", test, 1, 2**20), ("size", size, 32, 512)):
        if not isinstance(n, (int, np.integer)) or not low <= n <= high:
            raise ValueError(f"texture_mosaic: {name} must be an integer from {low} to {high}, got {n!r}")
    rng, how = Generator(seed), Preprocess(int(size), color, per_picture=not color)
    names = tuple(SURFACES)
    parts = []
    for part, (patches, n) in enumerate(zip(textures(seed, *PATCHES, color=True), (train, test))):
        tiles = patches.x if color else np.einsum("nchw,c->nhw", patches.x, LUMINANCE)[:, None]
        tiles = tiles.reshape(len(names), -1, *tiles.shape[1:])
        x, y = np.empty((n, how.channels, size, size), float32), np.empty((n, size, size), int64)
        for i in range(n):
            rng.set_state((rng.seed, ((64 + part) << 40) + (i << 20)))  # behind the stretches of textures()
            x[i], y[i] = mosaic(rng, tiles, size)
        parts.append(ArrayDataset(how.normalized(x), y, names, how))
    return Splits(*parts)


def mosaic(rng: Generator, tiles: Any, size: int) -> tuple[Any, Any]:
    """One picture (C, size, size), and its classes (size, size), of tiles (classes, patches, C, 32, 32)."""
    seeds = scattered(rng, int(rng.integers(3, 6, ())), APART) * size
    classes = rng.permutation(len(tiles))[: len(seeds)]
    chosen = tiles[classes, rng.integers(0, tiles.shape[1], (len(seeds),))]
    pixel = np.arange(size)
    distance = (pixel[:, None] - seeds[:, 0, None, None]) ** 2 + (pixel - seeds[:, 1, None, None]) ** 2
    region = distance.argmin(0)
    inside = np.minimum(pixel % (2 * SIZE), 2 * SIZE - 1 - pixel % (2 * SIZE))  # 0, 1, … 31, 31, 30, … 0, 0, 1, …
    return chosen[region, :, inside[:, None], inside].transpose(2, 0, 1), classes[region]


def scattered(rng: Generator, n: int, apart: float) -> Any:
    """n points (n, 2) in the unit square, no two nearer than ``apart``: drawn one by one, and again where one is too near."""
    points = np.empty((0, 2))
    while len(points) < n:
        point = rng.uniform((1, 2), float64)
        if (np.hypot(*(points - point).T) >= apart).all():
            points = np.concatenate([points, point])
    return points
