"""What the net still answers when the places a map calls relevant are taken away, or when only they are shown."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ...dtypes import float64
from ...random import Generator
from ..baseline import baselines
from ..common import at_least_one, beside, planes
from ..hide import answers
from .maps import plane_maps, ranks, value_range


class Curve(NamedTuple):
    """``fractions`` (S + 1,) of the places, from 0 to 1; ``answers`` (N, S + 1) there; ``area`` (N,) under each curve."""

    fractions: Any
    answers: Any
    area: Any


class Flipping(NamedTuple):
    """``fractions`` (S + 1,) of the regions that are replaced; ``answers`` (N, S + 1) then; ``aopc`` (N,)."""

    fractions: Any
    answers: Any
    aopc: Any


def deletion(
    model: Callable,
    x: Any,
    target: Any,
    maps: Any,
    *,
    baseline: Any = "mean",
    steps: int = 32,
    batch_size: int = 64,
) -> Curve:
    """The answer while the most relevant places go first; a small ``area`` speaks for the maps (Petsiuk et al., 2018).

    After step k the k/steps of the places with the largest values, rounded to whole places, are hidden by ``baseline`` in
    all channels; of equal values the first in row-major order goes first. ``fractions`` are those really hidden, 0 and 1
    included; fewer places than ``steps`` go one by one. ``area`` is the trapezoid over them, in the answer's own units.
    maps: shaped like x (N, C, H, W), channels then summed, or planes (N, H, W). baseline as in integrated_gradients, over a
    list of them the mean of the answers. ``batch_size``: pictures a pass, at least those of x. Raises ValueError for maps
    that do not fit or hold NaN and for steps below 1, and as gradient does for model, x and target.
    """
    model, x = beside(model, x), planes(x)
    hidden = whole_places(x, steps, "deletion")
    rank = ranks(plane_maps(maps, x))
    return curve(hidden, hiding(model, x, target, rank, hidden, baseline, batch_size, "deletion"))


def insertion(
    model: Callable,
    x: Any,
    target: Any,
    maps: Any,
    *,
    baseline: Any = "mean",
    steps: int = 32,
    batch_size: int = 64,
) -> Curve:
    """The answer while the most relevant places come first; a large ``area`` speaks for the maps (Petsiuk et al., 2018).

    From the baseline alone to the picture: this is the deletion of the least relevant first, read backwards, so that
    ``fractions`` are those shown. Arguments, ties and errors as in deletion.
    """
    model, x = beside(model, x), planes(x)
    hidden = whole_places(x, steps, "insertion")
    least_first = hidden[-1] - 1 - ranks(plane_maps(maps, x))
    found = hiding(model, x, target, least_first, hidden, baseline, batch_size, "insertion")
    return curve(hidden[-1] - hidden[::-1], found[:, ::-1])


def pixel_flipping(
    model: Callable,
    x: Any,
    target: Any,
    maps: Any,
    *,
    region: int = 4,
    steps: int | None = None,
    rng: Generator | None = None,
    batch_size: int = 64,
) -> Flipping:
    """The answer while region after region, the most relevant first, becomes noise (Bach et al., 2015; Samek et al., 2017).

    aopc = 1/(S + 1) · Σₖ₌₀..S f(x⁰) − f(xᵏ), large for good maps (Samek et al., equation 12): in xᵏ the k regions of
    region × region pixels with the largest sums are uniform noise between the picture's least and largest value. Regions at
    the right and lower edges may be smaller; of equal sums the first in row-major order goes first. ``steps`` S: how many
    regions go, by default all. ``rng`` draws the noise, by default Generator(0), the same shares of the range for all
    pictures. Other arguments and errors as in deletion, and ValueError for a region below 1.
    """
    model, x, rng = beside(model, x), planes(x), rng or Generator(0)
    at_least_one(region, "pixel_flipping: region")
    rows, columns = (np.arange(side) // region for side in x.shape[2:])
    sums = np.add.reduceat(plane_maps(maps, x), np.arange(0, x.shape[2], region), axis=1)
    sums = np.add.reduceat(sums, np.arange(0, x.shape[3], region), axis=2)
    count = sums.shape[1] * sums.shape[2]
    if steps is not None:
        at_least_one(steps, "pixel_flipping: steps")
    gone = np.arange(min(steps or count, count) + 1)
    shares = rng.uniform(x.shape[1:], float64)
    noise = x.min((1, 2, 3), keepdims=True) + value_range(x) * shares.astype(x.dtype)
    rank = ranks(sums)[:, rows[:, None], columns]
    found = hiding(model, x, target, rank, gone, noise, batch_size, "pixel flipping")
    return Flipping(gone / count, found, (found[:, :1] - found).mean(1))


def whole_places(x: Any, steps: int, name: str) -> Any:
    """How many places are hidden after each step: from none to all of them, in (nearly) equal steps."""
    at_least_one(steps, f"{name}: steps")
    places = x.shape[2] * x.shape[3]
    return np.unique(np.linspace(0, places, steps + 1).round().astype(int))


def hiding(
    model: Callable, x: Any, target: Any, rank: Any, counts: Any, baseline: Any, batch_size: int, what: str
) -> Any:
    """The answers (N, S + 1) where the places of rank below each of ``counts`` are hidden."""
    starts = baselines(baseline, x)
    total = np.zeros((len(counts), len(x)), x.dtype)
    for b in starts:
        keeps = (rank >= count for count in counts)
        total += np.stack(list(answers(model, x, target, keeps, b, batch_size, what, len(counts))))
    return total.T / len(starts)


def curve(counts: Any, found: Any) -> Curve:
    """The curve of answers over counts of places, the last of which is all of them, and its area."""
    fractions = counts / counts[-1]
    return Curve(fractions, found, np.trapezoid(found, fractions, axis=1))
