"""coins(): a photograph of 24 Greek coins, and which of its pixels are coin; a bundled picture with a class a pixel."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..dtypes import float32, int64
from ..random import Generator
from .dataset import ArrayDataset, Preprocess, Splits, as_float

ROW = 149  # between the upper twelve coins and the lower: rows 145 … 155 show none
DARK, BRIGHT, SMALLEST = 30, 150, 100  # surely background, surely coin (of 255); pixels of what is no speck


def coins() -> Splits:
    """The upper half of the photograph, 12 coins, to learn from, and the lower half, 12 others, to judge by.

    Returns (train, test), one picture each: x (1, 1, 149, 384) and (1, 1, 154, 384) float32 in [0, 1], grey; y (1, H, W) int64:
    0 background, 1 coin. The light falls from one side: the background at the top left is as bright as coins at the bottom, so
    that no threshold is right everywhere. The masks are made, not drawn by hand: from each place's steepness (Sobel) water rises
    out of what is surely background and surely coin until it meets (watershed); holes are filled, specks below 100 pixels
    dropped. ``crops`` cuts pictures to learn from out of the one. Source: scikit-image's coins, from the Brooklyn Museum.
    """
    import skimage.data

    picture = skimage.data.coins()
    y = mask(picture).astype(int64)
    x = as_float(picture)[None].astype(float32)
    halves = slice(None, ROW), slice(ROW, None)
    how = Preprocess(64, color=False)
    return Splits(*(ArrayDataset(x[None, :, half], y[None, half], ("background", "coin"), how) for half in halves))


def mask(picture: Any) -> Any:
    """Where the coins are in the photograph (H, W) of bytes, (H, W) bool."""
    from scipy.ndimage import binary_fill_holes, label
    from skimage.filters import sobel
    from skimage.segmentation import watershed

    sure = np.zeros(picture.shape, int64)
    sure[picture < DARK], sure[picture > BRIGHT] = 1, 2
    parts, _ = label(binary_fill_holes(watershed(sobel(picture), sure) == 2))
    large = np.bincount(parts.ravel()) >= SMALLEST
    large[0] = False
    return large[parts]


def crops(data: ArrayDataset, n: int, size: int = 64, seed: int = 0) -> ArrayDataset:
    """n squares of ``size`` pixels from anywhere in pictures with masks (N, H, W), by ``seed``: a dataset like theirs.

    Fewer squares are the first of the same ones. Raises ValueError for a number below 1 and a size that the pictures have not.
    """
    h, w = data.y.shape[1:]
    if not isinstance(n, (int, np.integer)) or n < 1:
        raise ValueError(f"crops: n must be an integer ≥ 1, got {n!r}")
    if not isinstance(size, (int, np.integer)) or not 1 <= size <= min(h, w):
        raise ValueError(
            f"crops: size must be an integer from 1 to {min(h, w)}, as the pictures are {(h, w)}, got {size!r}"
        )
    u = Generator(seed).uniform((n, 3), np.float64)
    which, top, left = (
        (u[:, k] * room).astype(int64) for k, room in enumerate((len(data), h - size + 1, w - size + 1))
    )
    inside = np.arange(size)
    rows, columns = (top[:, None] + inside)[:, :, None], (left[:, None] + inside)[:, None, :]
    x = np.moveaxis(data.x, 1, -1)[which[:, None, None], rows, columns]
    return ArrayDataset(
        np.moveaxis(x, -1, 1).copy(), data.y[which[:, None, None], rows, columns], data.classes, data.preprocess
    )
