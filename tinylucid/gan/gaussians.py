"""The simplest generators, to hold a net against: one normal distribution over all pixels, and one for each class.

They know every mean and every covariance of the training pictures, and nothing else. The one for each class is taken for the
right digit 99 times out of 100, so that being recognised proves little.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..data import ArrayDataset
from ..dtypes import float64
from ..random import Generator


def pixel_gaussian(train: ArrayDataset, n: int, rng: Generator) -> Any:
    """n pictures (n, C, H, W) of the normal distribution with the training pixels' mean and covariance, cut to [0, 1]."""
    return normal_like(train.x, n, rng)


def class_gaussian(train: ArrayDataset, y: Any, rng: Generator) -> Any:
    """A picture for each class number of y (N,), of the normal distribution of that class's training pictures, cut to [0, 1].

    Raises ValueError for a class that has no training picture.
    """
    y = np.asarray(y)
    x = np.empty((len(y), *train.x.shape[1:]), train.x.dtype)
    for k in np.unique(y):
        x[y == k] = normal_like(train.x[train.y == k], int((y == k).sum()), rng, f" of class {k}")
    return x


def normal_like(x: Any, n: int, rng: Generator, of: str = "") -> Any:
    """n draws of the normal distribution with the mean and covariance (÷ M − 1) of x (M, …), cut to [0, 1].

    μ + Σᵢ zᵢ (xᵢ − μ) / √(M − 1) with standard normal z has that covariance, which so is never formed: for pictures of
    64×64 in colour it would have 150 million entries.
    """
    if len(x) < 2:
        raise ValueError(f"normal_like: a covariance needs two pictures{of} or more, got {len(x)}; give more data")
    flat = x.reshape(len(x), -1)
    mean = flat.mean(0)
    z = rng.normal((n, len(x)), float64).astype(x.dtype)
    drawn = mean + z @ (flat - mean) / math.sqrt(len(x) - 1)
    return drawn.clip(0, 1).astype(x.dtype).reshape(n, *x.shape[1:])
