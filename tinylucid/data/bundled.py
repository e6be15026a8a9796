"""Small real data sets that come with scikit-learn and scikit-image: handwritten digits, and faces among other things."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..dtypes import float32, int64
from ..nn.functional import interpolate
from ..random import Generator
from .dataset import ArrayDataset, Preprocess, Splits, as_float, split

FACE_SIZE = 32  # rows and columns of a picture of faces(), which has 25 as it comes


def digits(seed: int = 0, test_fraction: float = 0.25, size: int = 8) -> Splits:
    """Handwritten digits, 8×8 and grey: the 1,797 that come with scikit-learn, split by ``seed`` class by class.

    Returns (train, test): x (N, 1, size, size) float32 in [0, 1], ink 1 on paper 0; y (N,) int64, the digit. A ``size``
    above 8 is drawn by bilinear interpolation. The 43 writers are not named, so the same hand may be on both sides.
    Raises ValueError for a fraction outside (0, 1) and a size below 8.
    Source: E. Alpaydin and C. Kaynak, Optical Recognition of Handwritten Digits (1998), its test part; CC BY 4.0.
    """
    from sklearn.datasets import load_digits

    if not isinstance(size, (int, np.integer)) or size < 8:
        raise ValueError(
            f"digits: size must be an integer ≥ 8, which is how small the digits come, got {size!r}; leave it out for 8"
        )
    if not 0 < test_fraction < 1:
        raise ValueError(f"digits: test_fraction must be between 0 and 1, got {test_fraction!r}; 0.2 is a fifth")
    found = load_digits()
    x = (found.images[:, None] / 16).astype(float32)  # seventeen steps of grey: ink in 4×4 pixels of the scan
    if size > 8:
        x = interpolate(x, size=int(size), mode="bilinear")
    names = tuple(str(k) for k in range(10))
    data = ArrayDataset(x, found.target.astype(int64), names, Preprocess(int(size), color=False))
    return split(data, 1 - test_fraction, seed)


def faces(seed: int = 0, train_per_class: int = 10) -> Splits:
    """Is it a face? 100 faces and 100 cut-outs of backgrounds, 32×32 and grey, which come with scikit-image.

    Returns (train, test): ``train_per_class`` of each class drawn by ``seed`` to learn from, all others to judge by;
    x (N, 1, 32, 32) float32, each picture (x − mean) / (std + 0.02); y (N,) int64: 0 other, 1 face. The pictures are
    25×25 and mirrored at their edges up to 32. Many backgrounds have a black corner, where the photograph ended, and no
    face has one: a net may look at that. Asking for fewer gives the first of the same ones. Raises ValueError unless
    1 ≤ train_per_class ≤ 99. Source: lfw_subset, after G. Huang et al., Labeled Faces in the Wild (2007).
    """
    import skimage.data

    if not isinstance(train_per_class, (int, np.integer)) or not 1 <= train_per_class <= 99:
        raise ValueError(f"faces: train_per_class must be an integer from 1 to 99, got {train_per_class!r}")
    how = Preprocess(FACE_SIZE, color=False, per_picture=True)
    found = as_float(skimage.data.lfw_subset()).astype(float32)  # faces first
    before = (FACE_SIZE - found.shape[1]) // 2
    around = before, FACE_SIZE - found.shape[1] - before
    x = np.pad(found, ((0, 0), around, around), mode="reflect")[:, None]
    data = ArrayDataset(how.normalized(x), (np.arange(200) < 100).astype(int64), ("other", "face"), how)
    rng = Generator(seed)
    order = [100 * k + rng.permutation(100) for k in range(2)]  # each class by itself
    return Splits(
        *(data.subset(interleaved(order, part)) for part in (slice(train_per_class), slice(train_per_class, 100)))
    )


def interleaved(order: list[Any], part: slice) -> Any:
    """That part of every class's numbers, class after class in turn, so that the first pictures are not all of one."""
    return np.stack([numbers[part] for numbers in order], 1).ravel()
