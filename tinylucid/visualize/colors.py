"""Colour: what is painted, mixed into the channels of a picture as they vary together in photographs.

In photographs red, green and blue rise and fall together. Climbed each by itself they give garish pictures that no data set
holds; so three uncorrelated channels are climbed instead, and mixed (Olah et al., "Feature visualization", 2017).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import devices
from ..ops import matmul

LUCID = np.array(
    [[0.26, 0.09, 0.02], [0.27, 0.0, -0.05], [0.27, -0.09, 0.03]]
)  # of ImageNet: brightness, blue to red, green
PHOTOGRAPHS = LUCID / np.linalg.norm(LUCID, axis=0).max()
FAINTEST = 0.01  # of the longest column is what any is at least, so that the matrix has an inverse


def color_matrix(x: Any) -> Any:
    """The matrix M (C, C) that mixes uncorrelated channels into such as those of pictures x (N, C, H, W).

    M = U √Λ / max √λ,  U Λ Uᵀ the covariance of the pixels' channels, its eigenvalues λ falling from column to column: the
    first is how pixels differ most, as a rule in brightness. No column is shorter than a hundredth of the longest, which
    grey pictures in RGB would otherwise have; and in each the first number at least half as large as the largest is
    positive, so that the same pictures give the same matrix. An array in the dtype of x. Raises ValueError for fewer than two pixels, for
    numbers that are not finite, and where all pixels are the same.
    """
    x = devices.host(x)
    if x.ndim != 4 or not x.size or x[:, 0].size < 2:
        raise ValueError(f"color_matrix: expected pictures (N, C, H, W) with two pixels or more, got {x.shape}")
    pixels = np.moveaxis(x, 1, 0).reshape(x.shape[1], -1)
    if not np.isfinite(pixels).all():
        raise ValueError("color_matrix: the pictures have numbers that are NaN or infinite; what prepared them?")
    if (pixels == pixels[:, :1]).all():
        raise ValueError(
            "color_matrix: all pixels are the same, so nothing can be learned of colour; give other pictures"
        )
    values, vectors = np.linalg.eigh(np.cov(pixels.astype(np.float64)).reshape(len(pixels), -1))
    lengths = np.sqrt(np.maximum(values[::-1], FAINTEST**2 * values[-1]) / values[-1])
    vectors = vectors[:, ::-1]
    loud = (np.abs(vectors) >= np.abs(vectors).max(0) / 2).argmax(0)  # no near tie decides, as among (1, 0, −1)
    signs = np.sign(vectors[loud, np.arange(len(vectors))])
    return (vectors * signs * lengths).astype(x.dtype if x.dtype.kind == "f" else np.float32)


def checked(colors: Any, channels: int) -> Any:
    """``colors`` as a matrix in float64, of photographs for None and 3 channels, or None; ValueError for what is no (C, C)."""
    if colors is None:
        return PHOTOGRAPHS if channels == 3 else None
    found = devices.host(colors)
    if found.dtype.kind not in "biuf":
        raise TypeError(f"visualize: colors: expected a matrix, as color_matrix(x) gives, got {type(colors).__name__}")
    matrix = np.asarray(found, np.float64)
    right = (channels, channels)
    if matrix.shape != right or not np.isfinite(matrix).all() or not matrix.any():
        raise ValueError(
            f"visualize: colors mixes {channels} channels, expected a matrix {right} of finite numbers, not all 0, as "
            f"color_matrix(x) gives, got {matrix.tolist() if matrix.shape == right else matrix.shape}"
        )
    return matrix


def mixed(matrix: Any, z: Any) -> Any:
    """The matrix (C, C) times the channels of each pixel of z (N, C, H, W); z itself for no matrix."""
    return z if matrix is None else matmul(matrix, z.reshape(*z.shape[:2], -1)).reshape(z.shape)


def reach(matrix: Any) -> float:
    """How far a channel of the picture moves at most when one that is painted moves by 1."""
    return 1.0 if matrix is None else float(np.abs(matrix).max())


def unmixed(matrix: Any, y: Any) -> Any:
    """The z that mixed makes y of, arrays; ValueError where the matrix has no inverse."""
    if matrix is not None and np.linalg.matrix_rank(matrix) < len(matrix):
        raise ValueError(
            "visualize: start cannot be unmixed, since the matrix colors has no inverse; leave out one of them"
        )
    return mixed(None if matrix is None else np.linalg.inv(matrix), y)
