"""How far one set of vectors is from another: features of generated pictures beside those of real ones, or pixels.

All take arrays (N, D), or anything that flattens to it, and compute in float64. No one number is enough: the kernel and the
Fréchet distance say how far the two sets are apart, precision and recall whether samples are unlike real ones or real ones
missing, the nearest training picture whether a sample is only a copy.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from .. import devices

BLOCK = 2**22  # numbers in one block of distances: 32 MB


def kernel_distance(f: Any, g: Any) -> float:
    """The squared maximum mean discrepancy of f (M, D) and g (N, D) with the kernel k(x, y) = (x·y/D + 1)³, unbiased:

    Σ_{i≠j} k(fᵢ, fⱼ) / (M(M−1)) + Σ_{i≠j} k(gᵢ, gⱼ) / (N(N−1)) − 2 Σ_{ij} k(fᵢ, gⱼ) / (MN).

    0 in the mean for two draws of one distribution, so one draw gives numbers on both sides of 0; two parts of one data set
    that were split class by class are more alike than two draws, and come out a little below 0. It is in the units of the
    features (to the sixth power where they are large): compare it only in the same judge's features.
    Raises ValueError for fewer than two vectors, for different lengths, and for NaN.
    Source: Bińkowski et al., Demystifying MMD GANs (2018), who multiply it by 1000 when they print it.
    """
    f, g = both(f, g, "kernel_distance")

    def within(x: Any) -> float:
        own = ((x * x).sum(1) / x.shape[1] + 1) ** 3  # of each vector with itself
        return float((_kernel_sum(x, x) - own.sum()) / (len(x) * (len(x) - 1)))

    return within(f) + within(g) - 2 * _kernel_sum(f, g) / (len(f) * len(g))


def frechet_distance(f: Any, g: Any) -> float:
    """The squared Fréchet distance of two Gaussians with the means and covariances of f (M, D) and g (N, D):

    ‖μ − ν‖² + tr(A + B − 2 (√A B √A)^½), with covariances A and B (÷ M − 1, N − 1).

    √A B √A is symmetric, so its root's trace is a sum over roots of its eigenvalues, of which rounding may put some below
    0: those count as 0, and fewer vectors than D are no trouble. It is biased: few vectors come out too far.
    Raises ValueError for fewer than two vectors, for different lengths, and for NaN.
    Source: Heusel et al., GANs Trained by a Two Time-Scale Update Rule (2017); Dowson and Landau (1982).
    """
    f, g = both(f, g, "frechet_distance")
    a, b = (np.cov(x, rowvar=False).reshape(x.shape[1], -1) for x in (f, g))
    values, vectors = np.linalg.eigh(a)
    root = (vectors * np.sqrt(values.clip(0))) @ vectors.T
    shared = np.sqrt(np.linalg.eigvalsh(root @ b @ root).clip(0)).sum()
    between = ((f.mean(0) - g.mean(0)) ** 2).sum()
    return max(0.0, float(between + np.trace(a) + np.trace(b) - 2 * shared))


class PrecisionRecall(NamedTuple):
    """Which share of the samples lies among real ones, and which share of the real ones among samples."""

    precision: float
    recall: float


def precision_recall(real: Any, fake: Any, k: int = 3) -> PrecisionRecall:
    """Precision and recall of fake (N, D) beside real (M, D): a vector lies among a set if it is in one of the set's balls.

    Each vector of a set has a ball as large as the distance to its ``k``-th nearest other one. Samples that are unlike
    real ones lower precision, real ones that the generator never makes lower recall; copies of a few real ones have
    precision 1 and recall near 0. Both depend on how many vectors there are.
    Raises ValueError for k below 1, for fewer than k + 1 vectors, for different lengths, and for NaN.
    Source: Kynkäänniemi et al., Improved Precision and Recall Metric (2019).
    """
    if not isinstance(k, (int, np.integer)) or k < 1:
        raise ValueError(f"precision_recall: k must be an integer ≥ 1, got {k!r}; the paper has 3")
    real, fake = both(real, fake, "precision_recall", int(k) + 1)
    return PrecisionRecall(_covered(fake, real, k), _covered(real, fake, k))


class Nearest(NamedTuple):
    """For each picture the number of the nearest one, and how far that is."""

    index: Any
    distance: Any


def nearest(x: Any, train: Any) -> Nearest:
    """For each picture of x (N, …) the nearest of ``train`` (M, …) in pixels: number (N,) and Euclidean distance (N,).

    Among equals the first. By blocks, so that N·M distances are never all in memory. A sample that is nearer than held-out
    pictures usually are was perhaps learnt by heart. Raises ValueError for no picture, for different sizes, and for NaN.
    """
    x, train = both(x, train, "nearest", 1)
    index = np.concatenate([squares.argmin(1) for squares in _squares(x, train)])
    # ‖a − b‖² from products is off by rounding where a is b; a copy's distance must be 0
    rows = max(1, BLOCK // x.shape[1])
    apart = [np.linalg.norm(x[s : s + rows] - train[index[s : s + rows]], axis=1) for s in range(0, len(x), rows)]
    return Nearest(index, np.concatenate(apart))


def spread(x: Any, y: Any = None) -> Any:
    """How much the pictures x (N, …) of a class differ: each pixel's standard deviation (÷ n), and of all pixels the mean.

    One number a class: y (N,) class numbers: (classes,) up to the largest, NaN for a class of fewer than two; None: one class, (1,).
    Raises ValueError for x and y of different lengths, and for NaN.
    """
    x = rows_of(x, "spread", 1)
    y = np.zeros(len(x), int) if y is None else devices.host(y)
    if y.shape != (len(x),) or y.dtype.kind not in "iu":
        raise ValueError(f"spread: {len(x)} pictures need as many class numbers y (N,), got {y.dtype} {y.shape}")
    found = np.full(int(y.max()) + 1, np.nan)
    for k in range(len(found)):
        if (y == k).sum() > 1:
            found[k] = x[y == k].std(0).mean()
    return found


# --- what they share ---------------------------------------------------------------------------------------------------


def rows_of(x: Any, who: str, least: int) -> Any:
    """Vectors (N, D) in float64, of anything with that many rows; ValueError for fewer than ``least``, and for NaN."""
    x = devices.host(x)
    if x.ndim < 2 or len(x) < least or not x.size:
        raise ValueError(
            f"{who}: expected an array (N, D) or pictures (N, C, H, W) with N ≥ {least}, got {x.shape}; draw more"
        )
    if not np.isfinite(x).all():
        first = int(np.flatnonzero(~np.isfinite(x.reshape(len(x), -1)).all(1))[0])
        raise ValueError(
            f"{who}: number {first} of {len(x)} holds NaN or infinity; the generator has diverged, or its data"
        )
    return x.reshape(len(x), -1).astype(np.float64)


def both(f: Any, g: Any, who: str, least: int = 2) -> tuple[Any, Any]:
    """Two sets of vectors of one length."""
    f, g = rows_of(f, who, least), rows_of(g, who, least)
    if f.shape[1] != g.shape[1]:
        raise ValueError(
            f"{who}: both sets must have vectors of one length, got {f.shape[1]} and {g.shape[1]} numbers;"
            " take both from one judge's features, or pictures of one size"
        )
    return f, g


def _blocks(f: Any, g: Any) -> Any:
    """f in runs of so many rows that their distances to all of g fit a block."""
    rows = max(1, BLOCK // len(g))
    return (f[start : start + rows] for start in range(0, len(f), rows))


def _kernel_sum(f: Any, g: Any) -> float:
    return float(sum(((block @ g.T / f.shape[1] + 1) ** 3).sum() for block in _blocks(f, g)))


def _squares(f: Any, g: Any) -> Any:
    """Squared distances of f to all of g, block after block of f's rows."""
    own = (g * g).sum(1)
    return (((block * block).sum(1)[:, None] + own - 2 * block @ g.T).clip(0) for block in _blocks(f, g))


def _covered(x: Any, among: Any, k: int) -> float:
    """The share of x that lies in one of the balls of ``among``."""
    radii = np.concatenate(
        [np.partition(squares, k, 1)[:, k] for squares in _squares(among, among)]
    )  # [:, 0] is itself
    return float(np.concatenate([(squares <= radii).any(1) for squares in _squares(x, among)]).mean())
