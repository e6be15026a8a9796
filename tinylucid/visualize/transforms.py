"""Transforms: small random changes of the picture before the net sees it, so that what excites it must be robust.

Each is a function of (pictures, rng) that is linear in the pictures; all pictures of a batch are moved alike.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..ops import affine_grid, grid_sample
from ..ops import pad as framed
from ..random import Generator
from ..tensor import Tensor

Transform = Callable[[Tensor, Generator], Any]


def pad(pixels: int) -> Transform:
    """A frame of that many pixels on each side, which mirrors the picture: (N, C, H, W) → (N, C, H + 2p, W + 2p)."""
    whole(pixels, "pad")
    return lambda x, rng: framed(x, (pixels,) * 4, mode="reflect")


def jitter(pixels: int) -> Transform:
    """A random window that many pixels smaller: (N, C, H, W) → (N, C, H − p, W − p)."""
    whole(pixels, "jitter")

    def cut(x: Tensor, rng: Generator) -> Any:
        h, w = (n - pixels for n in x.shape[2:])
        if min(h, w) < 1:
            raise ValueError(f"jitter({pixels}): pictures {x.shape} are too small to lose {pixels} pixels")
        y0, x0 = rng.integers(0, pixels + 1, (2,))
        return x[:, :, y0 : y0 + h, x0 : x0 + w]

    return cut


def rotate(degrees: float) -> Transform:
    """Turned about the middle by an angle uniform in ±degrees; what comes in at the corners is mirrored."""
    if not 0 <= degrees <= 180:
        raise ValueError(f"rotate: expected 0 … 180 degrees, got {degrees!r}")

    def turn(x: Tensor, rng: Generator) -> Any:
        angle = math.radians(between(-degrees, degrees, rng))
        stretch = x.shape[2] / x.shape[3]  # coordinates run from −1 to 1 along either side
        return sampled(x, [[math.cos(angle), -math.sin(angle) * stretch], [math.sin(angle) / stretch, math.cos(angle)]])

    return turn


def scale(low: float, high: float) -> Transform:
    """Enlarged about the middle by a factor uniform in low … high; below 1 the picture's surroundings are its mirror."""
    if not 0 < low <= high < math.inf:
        raise ValueError(f"scale: expected 0 < low ≤ high, got {low!r} and {high!r}")

    def zoom(x: Tensor, rng: Generator) -> Any:
        factor = 1 / between(low, high, rng)
        return sampled(x, [[factor, 0], [0, factor]])

    return zoom


def wobble(size: int) -> list[Transform]:
    """What pictures of ``size`` pixels are usually rendered through: shifts by up to size/16, 0.9–1.1, ±10°; the size stays.

    Pad, jitter, scale, rotate, jitter, in the order of Olah et al., 2017, with steps made to measure. Turned by less,
    pictures of 32 pixels are less often what another net takes them for; shifted or scaled by more, less of what was asked.
    """
    step = max(1, round(size / 16)) if size > 2 else 0  # a mirror of two pixels has no room for more
    return [pad(step), jitter(step), scale(0.9, 1.1), rotate(10), jitter(step)]


def through(transforms: Sequence[Transform], x: Any, rng: Generator) -> Any:
    """Pictures after one transform after another."""
    for transform in transforms:
        x = transform(x, rng)
    return x


def sampled(x: Tensor, matrix: Any) -> Any:
    """Pictures x (N, C, H, W) looked up at matrix · (x, y), coordinates from the middle."""
    theta = np.zeros((len(x), 2, 3), x.dtype)
    theta[:, :, :2] = matrix
    return grid_sample(x, affine_grid(theta, x.shape), padding_mode="reflection")


def between(low: float, high: float, rng: Generator) -> float:
    """A number uniform in low … high."""
    return low + (high - low) * float(rng.uniform((1,), np.float64)[0])


def whole(pixels: Any, name: str) -> None:
    """ValueError unless ``pixels`` is a whole number of at least 0."""
    if not isinstance(pixels, (int, np.integer)) or pixels < 0:
        raise ValueError(f"{name}: expected a whole number of pixels of at least 0, got {pixels!r}")
