"""What simple methods reach, to hold a segmentation against: a threshold, and a regression on each pixel alone."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..baselines import softmax_regression
from ..data import ArrayDataset
from ..metrics import IGNORED
from ..random import Generator

PIXELS = 20_000  # to learn from


def otsu(train: Any, x: Any) -> Any:
    """Masks (N, H, W) of grey pictures x (N, 1, H, W): 1 where brighter than the threshold that parts ``train`` best (Otsu, 1979).

    The threshold knows no masks: it makes the values on each side of it as alike as possible. ``train`` are pictures (M, 1, H, W).
    Raises ValueError for pictures in colour.
    """
    from skimage.filters import threshold_otsu

    for pictures in (train, x):
        if np.ndim(pictures) != 4 or np.shape(pictures)[1] != 1:
            raise ValueError(f"otsu: expected grey pictures (N, 1, H, W), got {np.shape(pictures)}")
    return (np.asarray(x)[:, 0] > threshold_otsu(np.asarray(train))).astype(np.int64)


def pixel_regression(train: ArrayDataset, x: Any, seed: int = 0) -> Any:
    """Masks (N, H, W) of pictures x (N, C, H, W) by softmax regression on the values of each pixel by itself.

    It learns from 20,000 pixels drawn by ``seed`` from ``train``, pictures with masks. Raises ValueError where no pixel counts.
    """
    values, labels = np.moveaxis(train.x, 1, -1).reshape(-1, train.x.shape[1]), train.y.reshape(-1)
    counts = np.flatnonzero(labels != IGNORED)
    if not counts.size:
        raise ValueError(f"pixel_regression: no pixel of the masks {train.y.shape} counts; expected class numbers")
    drawn = counts[Generator(seed).integers(0, len(counts), (PIXELS,))]
    asked = np.moveaxis(x, 1, -1).reshape(-1, x.shape[1])
    return softmax_regression(values[drawn], labels[drawn], asked).reshape(len(x), *x.shape[2:])
