"""Small random changes that do not change what a picture shows, so that a net sees more than there is.

Every number is a function of (seed, epoch, index of the picture): a picture is changed alike in whichever batch it comes,
and another way in the next epoch.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from ..dtypes import float32, float64, int64
from . import geometry, keyed
from .dataset import as_float

# which of a picture's uniform numbers decides what: fixed, so that one setting leaves the draws of the others alone
FLIP, POSE, TOP, LEFT, ANGLE, FACTOR, BRIGHTNESS, CONTRAST, HOLE_ROW, HOLE_COLUMN, SHARE, PARTNER = range(12)


@dataclass(frozen=True, repr=False)
class Augment:
    """Random changes of pictures, in this order; each is off unless given. For a ``DataLoader``, or called by itself.

    - ``rotate``: by up to that many degrees; ``scale=(low, high)``: magnified by a factor in between, about the middle.
      One bilinear warp.
    - ``pad_crop``: moved by up to that many pixels: padded, then cut to the old size (as He et al., 2015, for CIFAR-10).
    - ``flip``: left and right exchanged, half the time. ``dihedral``: one of the eight poses of a square picture.
    - ``contrast``: the distance from the picture's mean times 1 ± up to that much; ``brightness``: plus or minus up to
      that much, the same for every pixel. In the units of the input, normalised or not; nothing is clipped.
    - ``noise``: plus normal noise of that standard deviation.
    - ``cutout``: a square of that many pixels a side, anywhere, shows only each channel's mean (DeVries and Taylor, 2017).
    - ``mixup``: λ·picture + (1 − λ)·partner, and so its label, λ from Beta(mixup, mixup) (Zhang et al., 2018).

    Rotate, scale, pad_crop, flip and dihedral move masks y (N, H, W) too, by the nearest pixel. What lies outside of a
    picture mirrors it, and is −100 in its mask (ignored by losses). The others leave masks alone, mixup refuses them. Boxes
    are not moved. A mixup partner is from the same batch (the next in a random order of its pictures), so it depends on
    which pictures are in the batch; all else depends on (seed, epoch, index) alone. Raises ValueError for a setting out of
    its range.
    """

    flip: bool = False
    dihedral: bool = False
    pad_crop: int = 0
    rotate: float = 0.0
    scale: tuple[float, float] = (1.0, 1.0)
    brightness: float = 0.0
    contrast: float = 0.0
    noise: float = 0.0
    cutout: int = 0
    mixup: float = 0.0

    def __post_init__(self) -> None:
        for name in ("flip", "dihedral"):
            self._expect(name, isinstance(getattr(self, name), (bool, np.bool_)), "True or False")
        for name in ("pad_crop", "cutout"):
            self._expect(name, whole(getattr(self, name)), "a whole number of pixels, at least 0")
        for name, high, what in (
            ("rotate", 180, "degrees from 0 to 180"),
            ("brightness", math.inf, "a number, at least 0"),
            ("contrast", 1, "a number from 0 to 1"),
            ("noise", math.inf, "a standard deviation, at least 0"),
            ("mixup", math.inf, "the parameter of a Beta distribution, at least 0 (0: off)"),
        ):
            value = getattr(self, name)
            self._expect(name, number(value) and 0 <= value <= high, what)
        pair = self.scale if isinstance(self.scale, (tuple, list)) else ()
        good = len(pair) == 2 and all(number(v) for v in pair) and 0 < pair[0] <= pair[1]
        self._expect("scale", good, "two factors (low, high), 0 < low ≤ high")

    def _expect(self, name: str, good: Any, what: str) -> None:
        if not good:
            raise ValueError(f"Augment: {name} must be {what}; got {getattr(self, name)!r}")

    def __repr__(self) -> str:
        given = ((f.name, getattr(self, f.name)) for f in fields(self) if getattr(self, f.name) != f.default)
        return f"Augment({', '.join(f'{name}={value!r}' for name, value in given)})"

    def __call__(
        self, x: Any, y: Any, index: Any, *, epoch: int = 0, seed: int = 0, classes: int = 0
    ) -> tuple[Any, Any]:
        """Pictures x (N, C, H, W) and targets y (class numbers (N,) or masks (N, H, W)), changed; index (N,): which they are.

        With mixup y becomes shares (N, classes), float32. Neither x nor y is written to.
        """
        x, y = as_float(np.asarray(x)), np.asarray(y)
        if x.ndim != 4:
            raise ValueError(f"Augment: expected pictures (N, C, H, W), got shape {x.shape}")
        if not len(x) == len(y) == len(index):
            raise ValueError(
                f"Augment: {len(x)} pictures need as many targets and numbers, got {len(y)} and {len(index)}"
            )
        u = keyed.uniform(keyed.words(seed, epoch, index, keyed.SETTINGS, 3)).T
        x = self._moved(x, u)
        if y.ndim == 3:
            y = self._moved(y.astype(int64, copy=False), u)
        x = self._coloured(x, u)
        if self.noise:
            x = x + self.noise * normal(seed, epoch, index, x.shape).astype(x.dtype)
        if self.cutout:
            x = holed(x, self.cutout, u[HOLE_ROW], u[HOLE_COLUMN])
        if self.mixup:
            x, y = mixed(x, one_hot(y, classes), beta(self.mixup, u[SHARE]), u[PARTNER])
        return x, y

    def _moved(self, x: Any, u: Any) -> Any:
        """Pictures or masks after the geometric changes."""
        if self.rotate or tuple(self.scale) != (1, 1):
            angle = np.deg2rad(self.rotate) * (2 * u[ANGLE] - 1)
            factor = self.scale[0] + (self.scale[1] - self.scale[0]) * u[FACTOR]
            at = geometry.sources(x.shape, angle, factor)
            x = geometry.sampled(x, at) if x.ndim == 4 else geometry.nearest(x, at)
        if self.pad_crop:
            top, left = ((u[k] * (2 * self.pad_crop + 1)).astype(int64) for k in (TOP, LEFT))
            x = geometry.windows(x, self.pad_crop, top, left)
        if self.flip:
            x = geometry.mirrored(x, u[FLIP] < 0.5)
        if self.dihedral:
            x = geometry.turned(x, (u[POSE] * 8).astype(int64))
        return x

    def _coloured(self, x: Any, u: Any) -> Any:
        """mean + (x − mean)·(1 ± contrast) ± brightness, one amount a picture."""
        if self.contrast:
            mean = x.mean((1, 2, 3), keepdims=True)
            x = mean + (x - mean) * each(1 + self.contrast * (2 * u[CONTRAST] - 1), x)
        if self.brightness:
            x = x + each(self.brightness * (2 * u[BRIGHTNESS] - 1), x)
        return x


def number(value: Any) -> bool:
    """Whether it is a finite real number."""
    if isinstance(value, bool) or not isinstance(value, (int, float, np.integer, np.floating)):
        return False
    return math.isfinite(value)


def whole(value: Any) -> bool:
    """Whether it is an integer ≥ 0."""
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool) and int(value) >= 0


def each(amount: Any, x: Any) -> Any:
    """One number a picture (N,), in the dtype of the pictures x (N, …) and ready to meet them."""
    return amount.astype(x.dtype).reshape(-1, *(1,) * (x.ndim - 1))


def normal(seed: int, epoch: int, index: Any, shape: tuple[int, ...]) -> Any:
    """Standard normal numbers of that shape (N, …), by √(−2 log u)·(cos, sin)(2πv) (Box and Muller, 1958), float32."""
    count = math.prod(shape[1:])
    drawn = (keyed.words(seed, epoch, index, keyed.NOISE, -(-count // 4)) >> 8).astype(float32) * float32.type(2.0**-24)
    u, v = drawn[:, 0::2], drawn[:, 1::2]
    radius, angle = np.sqrt(-2 * np.log(1 - u)), float32.type(2 * math.pi) * v
    return np.concatenate([radius * np.cos(angle), radius * np.sin(angle)], 1)[:, :count].reshape(shape)


def holed(x: Any, side: int, u: Any, v: Any) -> Any:
    """Pictures (N, C, H, W), each with a square of its channels' means whose middle is at the shares u, v (N,) of its sides."""
    h, w = x.shape[2:]

    def covered(size: int, share: Any) -> Any:  # (N, size)
        return np.abs(np.arange(size) - np.floor(share * size)[:, None] - (side % 2 - 1) / 2) < side / 2

    hole = covered(h, u)[:, None, :, None] & covered(w, v)[:, None, None, :]
    return np.where(hole, x.mean((2, 3), keepdims=True), x)


def beta(a: float, u: Any) -> Any:
    """Numbers of the distribution Beta(a, a) from uniform ones (N,), by the inverse of its distribution function."""
    from scipy.special import betaincinv

    return betaincinv(a, a, u)


def mixed(x: Any, y: Any, share: Any, u: Any) -> tuple[Any, Any]:
    """share·picture + (1 − share)·partner, for pictures and labels; the partner is the next in the order of u (N,)."""
    by_u = np.argsort(u, kind="stable")
    partner = np.empty_like(by_u)
    partner[by_u] = np.roll(by_u, -1)
    a, b = each(share, x), each(share, y)
    return a * x + (1 - a) * x[partner], b * y + (1 - b) * y[partner]


def one_hot(y: Any, classes: int) -> Any:
    """Class numbers (N,) as shares of each class (N, K), float32; shares stay shares. ValueError for what mixup cannot mix."""
    if y.ndim == 2 and y.dtype in (float32, float64):
        return y
    if y.ndim != 1 or y.dtype.kind not in "iu":
        raise ValueError(f"Augment: mixup mixes class numbers (N,), not targets of shape {y.shape} and dtype {y.dtype}")
    if not classes:
        raise ValueError(
            "Augment: mixup must know how many classes there are; give the dataset its classes: names, in its attribute "
            "`classes`, as of ArrayDataset(x, y, classes)"
        )
    if y.size and not 0 <= y.min() <= y.max() < classes:
        raise ValueError(f"Augment: mixup expects class numbers 0 … {classes - 1}, got {y.min()} … {y.max()}")
    return (y[:, None] == np.arange(classes)).astype(float32)
