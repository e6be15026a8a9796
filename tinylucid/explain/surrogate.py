"""A linear model in place of the net: random features are hidden, and the answers are fitted by a sum over those kept."""

from __future__ import annotations

from collections.abc import Callable
from math import comb
from typing import Any

import numpy as np

from ..gallery import Maps, giving
from ..random import Generator
from .baseline import averaged
from .common import at_least_one, beside, planes, values
from .features import counts, labelled, painted, superpixels
from .hide import answers, differ


@giving(Maps)
def lime(
    model: Callable[[Any], Any],
    x: Any,
    target: Any,
    *,
    features: Any = None,
    n: int = 1000,
    width: float = 0.25,
    baseline: Any = "mean",
    rng: Generator | None = None,
    batch_size: int = 64,
) -> Any:
    """Each pixel its feature's βₛ of the line that fits the answers near the picture, (N, H, W) (Ribeiro et al., 2016).

    min Σₖ exp(−D(zₖ)²/width²) (f(x hidden by zₖ) − c − Σₛ βₛ zₖₛ)² + Σₛ βₛ²,  D(z) = 1 − √(Σₛ zₛ / S)
    over n samples z of {0, 1}^S, each feature kept (1) or hidden with chance ½; D is the cosine distance from z to the whole
    picture, and a smaller ``width`` listens to samples with little hidden. ``features`` are whole numbers (H, W) or
    (N, H, W), by default superpixels(x). ``rng`` draws z, by default Generator(0), alike for all pictures. ``baseline`` stands
    where hidden; otherwise as occlusion. ValueError for n below 1, features that do not fit, and a width that is not positive
    or so small that no sample counts.
    """
    model, x, rng = beside(model, x), planes(x), rng or Generator(0)
    at_least_one(n, "lime: n")
    if not 0 < width < np.inf:
        raise ValueError(f"lime: width must be above 0, got {width!r}")
    labels = labelled(superpixels(x) if features is None else features, x)
    sizes = counts(labels)
    z = (rng.uniform((sizes.max(initial=0), n), np.float64) < 0.5).T  # so that a picture's z is the same in every batch
    near = [np.exp(-((1 - np.sqrt(z[:, :s].mean(1))) ** 2) / width**2) for s in sizes]
    if any(w.sum() < 1e-12 for w in near):
        raise ValueError(f"lime: none of {n} samples is within width {width} of the whole picture; enlarge it")
    whole = values(model, x, target).astype(float)

    def one(b: Any) -> Any:
        y = asked(model, x, target, whole, labels, [z[:, :s] for s in sizes], b, batch_size, "lime")
        return painted(stacked([ridge(z[:, :s], y[i] - whole[i], near[i]) for i, s in enumerate(sizes)]), labels)

    return averaged(one, baseline, x)


def ridge(z: Any, y: Any, weights: Any, alpha: float = 1.0) -> Any:
    """β of min Σₖ weightsₖ (yₖ − c − zₖ·β)² + alpha |β|²; the intercept c is free of the penalty."""
    share = weights / weights.sum()
    z, y = z - share @ z, y - share @ y
    return np.linalg.solve((z.T * weights) @ z + alpha * np.eye(z.shape[1]), (z.T * weights) @ y)


@giving(Maps)
def kernel_shap(
    model: Callable[[Any], Any],
    x: Any,
    target: Any,
    *,
    features: Any = None,
    n: int = 500,
    baseline: Any = "mean",
    rng: Generator | None = None,
    batch_size: int = 64,
) -> Any:
    """Each pixel its feature's Shapley value φₛ, (N, H, W): Σₛ φₛ = f(x) − f(b) (Lundberg and Lee, 2017, theorem 2).

    min Σ_z π(z) (f(x hidden by z) − f(b) − Σₛ φₛ zₛ)²,  π(z) = (S − 1) / (C(S, |z|) · |z| · (S − |z|)),  under that sum
    over all coalitions z of {0, 1}^S but the empty and the whole, if there are no more than n: then φ is exact. Otherwise
    over n that are drawn in proportion to π, each followed by its complement. The sum holds always, to rounding: count each
    feature once, since all its pixels have the same φ. Features that the drawn coalitions do not tell apart share equally.
    ``features`` and ``rng`` as in lime. ``baseline`` b stands where hidden; otherwise as occlusion. ValueError for features
    that do not fit and n below 2(S − 1), too few for S features.
    """
    model, x, rng = beside(model, x), planes(x), rng or Generator(0)
    at_least_one(n, "kernel_shap: n")
    labels = labelled(superpixels(x) if features is None else features, x)
    sizes = counts(labels)
    pairs = -(-n // 2)
    size, order = rng.uniform((pairs,), np.float64), rng.uniform((sizes.max(initial=0), pairs), np.float64)
    drawn = [coalitions(s, n, size, order[:s].T) for s in sizes]
    whole = values(model, x, target).astype(float)

    def one(b: Any) -> Any:
        nothing = values(model, b, target).astype(float)
        nothing = np.where(differ(nothing, whole, x.dtype), nothing, whole)
        y = asked(model, x, target, whole, labels, [z for z, _ in drawn], b, batch_size, "kernel_shap")
        phi = [shapley(z, w, y[i], nothing[i], whole[i]) for i, (z, w) in enumerate(drawn)]
        return painted(stacked(phi), labels)

    return averaged(one, baseline, x)


def coalitions(s: int, n: int, size: Any, order: Any) -> tuple[Any, Any]:
    """Coalitions (K, s) of s features, True where kept, and their weights (K,): all if there are at most n, else n drawn.

    ``size`` (P,) and ``order`` (P, s) are uniform in [0, 1): the kept are the features that come first in the order.
    """
    if 2 ** int(s) - 2 <= n:
        z = (np.arange(1, 2 ** int(s) - 1)[:, None] >> np.arange(s)) & 1 == 1
        return z, kernel(s)[z.sum(1) - 1]
    if n < 2 * (s - 1):
        raise ValueError(
            f"kernel_shap: {n} coalitions cannot tell {s} features apart; n must be at least {2 * (s - 1)}"
        )
    k = np.arange(1, s)
    chance = np.cumsum(1 / (k * (s - k)))  # of the sizes 1 … s − 1, π summed over all coalitions of a size
    kept = 1 + np.searchsorted(chance / chance[-1], size, side="right")
    z = order.argsort(1).argsort(1) < kept[:, None]
    return np.stack([z, ~z], 1).reshape(-1, s)[:n], np.ones(n)


def kernel(s: int) -> Any:
    """π of a coalition of 1 … s − 1 of s features, (s − 1,)."""
    return np.array([(s - 1) / (comb(s, k) * k * (s - k)) for k in range(1, s)])


def shapley(z: Any, weights: Any, y: Any, nothing: Any, whole: Any) -> Any:
    """φ (S,) of min Σₖ weightsₖ (yₖ − nothing − zₖ·φ)² under Σ φ = whole − nothing; the one nearest to equal shares.

    With φ = share + ψ, share = (whole − nothing)/S and Σ ψ = 0, z·ψ is (z − mean z)·ψ; and then the shortest ψ has sum 0.
    """
    s = z.shape[1]
    share, root = (whole - nothing) / s, np.sqrt(weights)
    centred = z - z.mean(1, keepdims=True)
    rest = y - nothing - z.sum(1) * share
    psi = np.linalg.lstsq(root[:, None] * centred, root * rest, rcond=1e-10)[0]
    return share + psi - psi.mean()


def asked(
    model: Callable, x: Any, target: Any, whole: Any, labels: Any, z: list[Any], b: Any, batch_size: int, what: str
) -> Any:
    """For each picture i the answers (Kᵢ,), in float64, of which the k-th keeps its feature s if z[i][k, s]."""
    n, most = max(map(len, z), default=0), max((a.shape[1] for a in z), default=0)
    keep = np.ones((len(x), n, most), bool)
    for i, a in enumerate(z):
        keep[i, : len(a), : a.shape[1]] = a
    keeps = (painted(keep[:, k], labels) for k in range(n))
    y = np.array(list(answers(model, x, target, keeps, b, batch_size, what, n)), float).reshape(n, len(x))
    y = np.where(differ(y, whole, x.dtype), y, whole)  # what changes by rounding alone does not change
    return [y[: len(a), i] for i, a in enumerate(z)]


def stacked(rows: list[Any]) -> Any:
    """Rows of unlike length as one array, 0 where they end."""
    out = np.zeros((len(rows), max(map(len, rows), default=0)))
    for i, row in enumerate(rows):
        out[i, : len(row)] = row
    return out
