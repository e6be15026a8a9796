"""Changes of real and generated pictures alike, which the generator's gradient passes through.

With few pictures a discriminator learns them by heart. Changed ones it cannot, and as the generated pictures are changed in the
same way, the generator has no reason to draw changes (differentiable augmentation: Zhao et al., 2020).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .. import devices
from ..ops import pad
from ..random import Generator


@dataclass(frozen=True)
class Alike:
    """Random changes of each picture (N, C, H, W) by itself, for ``tl.gan.fit(augment=…)``; each is off unless given.

    - ``flip``: left and right exchanged, half the time.
    - ``shift``: moved by up to that share of its sides, 0 beyond its edge.
    - ``brightness``: plus or minus up to that much, the same for every pixel.
    - ``cutout``: a square of that share of its sides, anywhere, is 0.

    Raises ValueError for shares outside [0, 1] and a brightness below 0.
    """

    flip: bool = False
    shift: float = 0.0
    brightness: float = 0.0
    cutout: float = 0.0

    def __post_init__(self) -> None:
        if not isinstance(self.flip, (bool, np.bool_)):
            raise ValueError(f"Alike: flip must be True or False, got {self.flip!r}; write Alike(flip=True)")
        for name in ("shift", "cutout"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"Alike: {name} must be a share of the picture, 0 … 1, got {getattr(self, name)!r}")
        if not self.brightness >= 0:
            raise ValueError(f"Alike: brightness must be at least 0, got {self.brightness!r}")

    def __call__(self, x: Any, rng: Generator) -> Any:
        """Pictures x (N, C, H, W), an array or a Tensor, after changes drawn from ``rng``."""
        n, _, h, w = x.shape
        if self.brightness:
            more = self.brightness * (2 * rng.uniform((n, 1, 1, 1), x.dtype) - 1)
            x = x + devices.beside(more, x)
        if self.flip or self.shift:
            x = moved(x, rng, self.flip, round(self.shift * h), round(self.shift * w))
        if self.cutout:
            x = x * devices.beside(open_windows(rng, x, round(self.cutout * h), round(self.cutout * w)), x)
        return x


def moved(x: Any, rng: Generator, flip: bool, down: int, right: int) -> Any:
    """Pictures moved by up to so many pixels, and mirrored half the time with ``flip``: y[n, c, i, j] = x[n, c, i + aₙ, ±j + bₙ]."""
    n, c, h, w = x.shape
    dy, dx = rng.integers(0, 2 * down + 1, (n,)), rng.integers(0, 2 * right + 1, (n,))
    rows = dy[:, None] + np.arange(h)
    columns = dx[:, None] + np.arange(w)
    if flip:
        columns = np.where(rng.uniform((n,))[:, None] < 0.5, columns[:, ::-1], columns)
    framed = pad(x, (right, right, down, down))
    index = (
        np.arange(n)[:, None, None, None],
        np.arange(c)[:, None, None],
        rows[:, None, :, None],
        columns[:, None, None],
    )
    return framed[index]


def open_windows(rng: Generator, x: Any, high: int, wide: int) -> Any:
    """(N, 1, H, W) of ones with a rectangle of zeros in each, of which at least the middle lies in the picture."""
    n, _, h, w = x.shape
    top, left = (rng.integers(0, size, (n,)) - side // 2 for size, side in ((h, high), (w, wide)))
    rows, columns = (np.arange(size) - start[:, None] for size, start in ((h, top), (w, left)))
    hole = ((rows >= 0) & (rows < high))[:, :, None] & ((columns >= 0) & (columns < wide))[:, None]
    return (~hole[:, None]).astype(x.dtype)
