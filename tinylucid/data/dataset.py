"""What data is here: pictures with their targets, how the pictures were prepared, and training data apart from test data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from .. import devices
from ..dtypes import float32, int64
from ..ops import mean, std
from ..random import Generator
from .picture import read_picture

SOFT = 0.02  # added to a picture's standard deviation, so that the faint noise of an even picture is not blown up


@dataclass(frozen=True)
class Preprocess:
    """How a picture becomes an input: ``size`` × ``size`` pixels, grey or colour, in [0, 1], then normalised.

    (x − mean) / std with one number a channel, or (x − mean) / (std + 0.02) of each picture by itself with
    ``per_picture``; neither if all three are left out. Kept in every saved model, so that a picture that comes later is
    prepared as the training pictures were.
    """

    size: int
    color: bool = True
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    per_picture: bool = False

    @property
    def channels(self) -> int:
        """3 in colour, 1 in grey."""
        return 3 if self.color else 1

    def read(self, *paths: str | Path) -> Any:
        """The pictures in files as the net wants them, float32 (N, C, size, size); PictureError for one that is none."""
        return self.normalized(np.stack([read_picture(path, self.size, self.color) for path in paths]))

    def normalized(self, x: Any) -> Any:
        """Pictures x (…, C, H, W) in [0, 1], or bytes 0 … 255, as the net wants them; of a Tensor a Tensor, with a gradient."""
        x = as_float(x)
        if self.per_picture:
            axes = (-3, -2, -1)
            return (x - mean(x, axes, keepdim=True)) / (std(x, axes, correction=0, keepdim=True) + SOFT)
        if not self.mean:
            return x
        middle, spread = (devices.fixed(np.asarray(v, x.dtype)[:, None, None]) for v in (self.mean, self.std))
        return (x - middle) / spread

    def shown(self, x: Any) -> Any:
        """Normalised pictures (…, C, H, W) to look at, in [0, 1].

        Of ``per_picture`` the range is lost: colours are stretched over [0, 1], and grey ones when they are drawn.
        """
        if self.per_picture and self.color:
            low, high = (pick(x, axis=(-3, -2, -1), keepdims=True) for pick in (np.min, np.max))
            return (x - low) / np.maximum(high - low, 1e-6)
        if self.per_picture or not self.mean:
            return x
        mean, std = (np.asarray(v, x.dtype)[:, None, None] for v in (self.mean, self.std))
        return np.clip(x * std + mean, 0, 1)

    def to_dict(self) -> dict[str, Any]:
        """As plain values, for a file."""
        return asdict(self)

    @classmethod
    def from_dict(cls, fields: dict[str, Any]) -> Preprocess:
        """Back from to_dict, or from the JSON of it."""
        values: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in fields.items()}
        return cls(**values)


class ArrayDataset:
    """Pictures x (N, C, H, W) and targets y, one a picture, in memory.

    y is a class number (N,), or a mask of class numbers (N, H, W) for segmentation. ``data[i]`` is the pair (x[i], y[i]);
    i may be an integer, a slice or an array of numbers. Raises ValueError for arrays of different lengths and for class
    numbers outside ``classes``.
    """

    def __init__(self, x: Any, y: Any, classes: Sequence[str] = (), preprocess: Preprocess | None = None) -> None:
        self.x, self.y = devices.host(x), devices.host(y)
        self.classes, self.preprocess = tuple(classes), preprocess
        if not self.x.ndim or self.x.shape[:1] != self.y.shape[:1]:
            raise ValueError(
                f"ArrayDataset: x {self.x.shape} and y {self.y.shape} must have the same length; give one target a picture"
            )
        if classes and self.y.dtype.kind in "iu" and self.y.size and self.y.max() >= len(self.classes):
            raise ValueError(
                f"ArrayDataset: y holds class {self.y.max()}, but there are only {len(self.classes)} classes; count from 0"
            )

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, i: Any) -> tuple[Any, Any]:
        return self.x[i], self.y[i]

    def subset(self, indices: Any) -> ArrayDataset:
        """The pictures of these numbers, as a dataset of its own."""
        return ArrayDataset(self.x[indices], self.y[indices], self.classes, self.preprocess)

    def shown(self, indices: Any = slice(None)) -> Any:
        """The pictures of these numbers, or all, as they look: see Preprocess.shown."""
        x = self.x[indices]
        return self.preprocess.shown(x) if self.preprocess else x

    def __repr__(self) -> str:
        names = ", ".join(self.classes[:5]) + (", …" if len(self.classes) > 5 else "")
        return f"{type(self).__name__}({len(self)} pictures {self.x.shape[1:]}, {len(self.classes)} classes: {names})"


class Splits(NamedTuple):
    """Data to learn from and data to judge by: ``train, test = tl.data.digits()``."""

    train: ArrayDataset
    test: ArrayDataset


def stratified(y: Any, fraction: float, seed: int = 0) -> tuple[Any, Any]:
    """Numbers of pictures for (training, test): ``fraction`` of each class to the first, by ``seed``, both in order.

    A class of two or more is on both sides. y: class numbers (N,). Raises ValueError for a fraction outside (0, 1).
    """
    if not 0 < fraction < 1:
        raise ValueError(f"stratified: fraction must be between 0 and 1, got {fraction}")
    y, rng = np.asarray(y), Generator(seed)
    first: list[Any] = []
    for k in np.unique(y):
        members = np.flatnonzero(y == k)
        n = min(max(round(fraction * len(members)), 1), max(len(members) - 1, 1))
        first.append(members[rng.permutation(len(members))[:n]])
    chosen = np.sort(np.concatenate(first)) if first else np.empty(0, int64)
    return chosen, np.setdiff1d(np.arange(len(y)), chosen)


def split(data: ArrayDataset, fraction: float = 0.8, seed: int = 0) -> Splits:
    """A dataset in two, ``fraction`` of each class for training, by ``seed``."""
    train, test = stratified(data.y, fraction, seed)
    return Splits(data.subset(train), data.subset(test))


def as_float(x: Any) -> Any:
    """Pictures of bytes 0 … 255 as float32 in [0, 1]; others as they are."""
    return x.astype(float32) / 255 if x.dtype == np.uint8 else x
