"""Drawn pictures with nothing left unknown: one shape among distractors, its class, its exact pixels and its box.

Made for questions that photographs leave open: does an explanation point at the pixels that decide? And with a tag
planted on one class: does it show that the net looks at the tag and not at the shape?
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..dtypes import float32, int64
from ..random import Generator
from .dataset import ArrayDataset, Preprocess, Splits
from .drawing import SHAPES, picture

MAGENTA, YELLOW = (1, 0, 1), (1, 1, 0)


class ShapeDataset(ArrayDataset):
    """Pictures with a class each, and where the shape is: ``masks`` (N, H, W) bool, ``boxes`` (N, 4) int64.

    A mask holds the pixels in which the shape is seen: what a line or the tag covers is left out. A box is
    (x0, y0, x1, y1): the mask lies in columns x0 … x1 − 1 and rows y0 … y1 − 1, and touches all four sides. Raises
    ValueError for masks that do not fit the pictures.
    """

    def __init__(
        self, x: Any, y: Any, masks: Any, classes: Sequence[str] = (), preprocess: Preprocess | None = None
    ) -> None:
        super().__init__(x, y, classes, preprocess)
        self.masks: Any = np.asarray(masks, bool)
        if self.masks.shape != (len(self.x), *self.x.shape[2:]):
            raise ValueError(f"ShapeDataset: pictures {self.x.shape} need a mask each, got masks {self.masks.shape}")

    @property
    def boxes(self) -> Any:
        """(N, 4) int64: x0, y0, x1, y1 of each mask; four zeros where nothing is seen of the shape."""
        columns, rows = self.masks.any(1), self.masks.any(2)
        (x0, x1), (y0, y1) = ((v.argmax(1), (v.shape[1] - v[:, ::-1].argmax(1)) * v.any(1)) for v in (columns, rows))
        return np.stack([x0, y0, x1, y1], 1).astype(int64)

    def subset(self, indices: Any) -> ShapeDataset:
        """The pictures of these numbers, with their masks, as a dataset of its own."""
        x, y, masks = self.x[indices], self.y[indices], self.masks[indices]
        return ShapeDataset(x, y, masks, self.classes, self.preprocess)

    def segmentation(self) -> ArrayDataset:
        """The same pictures with a class a pixel: y (N, H, W) int64, 0 background, k + 1 where a shape of class k is seen."""
        y = self.masks * (self.y[:, None, None] + 1)
        return ArrayDataset(self.x, y, ("background", *self.classes), self.preprocess)


def shapes(seed: int = 0, train: int = 2000, test: int = 500, size: int = 64, tag: str | None = None) -> Splits:
    """Drawn pictures of six shapes, with exact masks and boxes: circle, ring, square, triangle, cross, star.

    Returns (train, test), each a ShapeDataset: x (N, 3, size, size) float32 in [0, 1]; y (N,) int64, the classes in
    turn; ``masks``; ``boxes``; ``segmentation()`` for a class a pixel. Each picture shows one shape of any place, angle,
    size (the same for all classes) and colour, entirely inside; behind it stripes, shades, a line and smaller things of
    no class; before it a line; over all, grain. ``tag`` names a class whose pictures get a chequered tag in the upper
    left corner, in both parts: see tag_box; without it the same pictures come, to see what a net does then.
    A picture is a function of (seed, part, number): fewer pictures are the first of the same ones.
    Raises ValueError for a number of pictures below 1, a size outside 32 … 512 and an unknown class.
    """
    for name, n, low, high in (("train", train, 1, 2**20), ("test", test, 1, 2**20), ("size", size, 32, 512)):
        if not isinstance(n, (int, np.integer)) or not low <= n <= high:
            raise ValueError(f"shapes: {name} must be an integer from {low} to {high}, got {n!r}")
    if tag is not None and tag not in SHAPES:
        raise ValueError(f"shapes: tag must be None or a class, one of {', '.join(SHAPES)}; got {tag!r}")
    rng, names = Generator(seed), tuple(SHAPES)
    parts = []
    for part, n in enumerate((train, test)):
        x, masks = np.empty((n, 3, size, size), float32), np.empty((n, size, size), bool)
        for i in range(n):
            rng.set_state((rng.seed, (part << 40) + (i << 20)))  # every picture has its stretch of the stream
            x[i], masks[i] = picture(rng, names[i % len(names)], size)
        parts.append(ShapeDataset(x, np.arange(n, dtype=int64) % len(names), masks, names, Preprocess(size)))
    if tag is not None:
        for data in parts:
            plant(data, names.index(tag))
    return Splits(*parts)


def tag_box(size: int) -> tuple[int, int, int, int]:
    """Where the tag is in pictures of that size: (x0, y0, x1, y1), columns x0 … x1 − 1 and rows y0 … y1 − 1."""
    return 1, 1, 1 + 2 * (size // 16), 1 + 2 * (size // 16)


def plant(data: ShapeDataset, k: int) -> None:
    """The tag on all pictures of class k: two by two fields, magenta and yellow. Nothing is seen of a shape behind it."""
    x0, y0, x1, y1 = tag_box(data.x.shape[-1])
    color = np.empty((3, 2, 2), float32)
    color[:, [0, 1], [0, 1]], color[:, [0, 1], [1, 0]] = np.transpose([MAGENTA] * 2), np.transpose([YELLOW] * 2)
    data.x[data.y == k, :, y0:y1, x0:x1] = color.repeat((y1 - y0) // 2, 1).repeat((x1 - x0) // 2, 2)
    data.masks[data.y == k, y0:y1, x0:x1] = False
