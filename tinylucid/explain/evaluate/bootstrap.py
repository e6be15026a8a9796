"""How sure a mean over pictures is: resampling with replacement, and what is left of many comparisons."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...random import Generator

TIMES, LEVEL, SIGNIFICANT = 5000, 0.95, 0.05


def resamples(n: int, rng: Generator) -> Any:
    """How often each of n pictures is drawn in each of 5,000 samples of n, with replacement: (5000, n)."""
    drawn = rng.integers(0, n, (TIMES, n)) + n * np.arange(TIMES)[:, None]
    return np.bincount(drawn.ravel(), minlength=TIMES * n).reshape(TIMES, n).astype(np.float64)


def sample_means(values: Any, counts: Any) -> Any:
    """The mean of values (K, N), NaN left out, in each sample of counts (B, N): (B, K), NaN for nothing."""
    there = ~np.isnan(values)
    sums, sizes = counts @ np.where(there, values, 0).T, counts @ there.T.astype(float)
    return np.divide(sums, sizes, out=np.full(sums.shape, np.nan), where=sizes > 0)


def interval(values: Any, counts: Any) -> Any:
    """Mean, lower and upper end of its 95 % percentile interval, of each row of values (K, N): (K, 3), NaN for nothing."""
    found = np.full((len(values), 3), np.nan)
    means = sample_means(values, counts)
    for k in np.flatnonzero(~np.isnan(values).all(1)):
        found[k, 0] = np.nanmean(values[k])
        found[k, 1:] = np.nanquantile(means[:, k], [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return found


def p_values(differences: Any, counts: Any) -> Any:
    """Two-sided p that the mean of each row of differences (K, N) is 0: twice the share of samples on its other side.

    Never below 2¹⁻ᴺ, which N pictures that all agree can say (the sign test): a bootstrap of few pictures is too sure. NaN is
    left out; nothing gives 1.
    """
    means = np.nan_to_num(sample_means(differences, counts))
    sides = [(1 + side.sum(0)) / (1 + len(means)) for side in (means <= 0, means >= 0)]
    pictures = (~np.isnan(differences)).sum(1)
    return np.minimum(1, np.maximum(2 * np.minimum(*sides), 2.0 ** (1 - pictures)))


def holm(p: Any) -> Any:
    """p of many tests corrected, so that a false one among all those below 0.05 has a chance of 0.05 at most (Holm, 1979)."""
    p = np.asarray(p, float)
    order = np.argsort(p, kind="stable")
    raised = np.minimum(1, np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1)))
    found = np.empty_like(p)
    found[order] = raised
    return found


def near_the_best(values: Any, counts: Any) -> Any:
    """Which rows of values (K, N) have the largest mean, or one not significantly different from it by Holm: bool (K,).

    None where no row has a value.
    """
    means = interval(values, counts)[:, 0]
    if np.isnan(means).all():
        return np.zeros(len(means), bool)
    best = int(np.nanargmax(means))
    p = np.ones(len(means))
    others = np.arange(len(means)) != best
    p[others] = holm(p_values(values[others] - values[best], counts))
    return (p >= SIGNIFICANT) & ~np.isnan(means)
