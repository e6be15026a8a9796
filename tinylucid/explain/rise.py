"""RISE: the mean answer of those randomly masked pictures in which a pixel is seen."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import tee
from typing import Any

import numpy as np

from ..gallery import Maps, giving
from ..ops import interpolate
from ..random import Generator
from .baseline import averaged
from .common import at_least_one, beside, planes
from .hide import answers


@giving(Maps)
def rise(
    model: Callable[[Any], Any],
    x: Any,
    target: Any,
    *,
    n: int = 1000,
    grid: int = 7,
    p: float = 0.5,
    baseline: Any = "mean",
    rng: Generator | None = None,
    batch_size: int = 64,
) -> Any:
    """Σₘ f(x hidden by Mₘ) · Mₘ / Σₘ Mₘ over n random masks M, (N, H, W) (Petsiuk et al., 2018, equation 6).

    A mask is ``grid`` × ``grid`` places, each kept with probability ``p``, enlarged bilinearly and shifted by less than a
    place. The map is in units of the answer and not centred on 0: what matters lies above the rest, and how far depends on
    ``p``. A pixel that no mask keeps (few masks, small p) gets the mean answer, as if it did not matter. ``rng`` draws the
    masks, by default Generator(0), the same for all pictures. ``baseline`` stands where a mask is 0, and otherwise as
    occlusion; ValueError for n or grid below 1 and p outside (0, 1].
    """
    model, x, rng = beside(model, x), planes(x), rng or Generator(0)
    at_least_one(n, "rise: n")
    at_least_one(grid, "rise: grid")
    if not 0 < p <= 1:
        raise ValueError(f"rise: p, the chance that a place is kept, must be above 0 and at most 1, got {p!r}")
    kept = rng.uniform((n, grid, grid), np.float64) < p
    shifts = rng.uniform((n, 2), np.float64)

    def one(b: Any) -> Any:
        masks, again = tee(enlarged(kept.astype(x.dtype), shifts, x.shape[2:]))
        return seen(answers(model, x, target, masks, b, batch_size, "rise", n), again)

    return averaged(one, baseline, x)


def enlarged(grids: Any, shifts: Any, size: tuple[int, ...]) -> Iterator[Any]:
    """Masks (H, W) of grids (n, g, g), one after the other: g + 1 places large, cut out at ``shifts`` (n, 2) of a place."""
    g = grids.shape[1]
    cell = [-(-k // g) for k in size]
    for grid, shift in zip(grids, shifts):
        large = interpolate(grid[None, None], [(g + 1) * c for c in cell], mode="bilinear")[0, 0]
        i, j = (int(s * c) for s, c in zip(shift, cell))
        yield large[i : i + size[0], j : j + size[1]]


def seen(answers: Iterable[Any], masks: Iterable[Any]) -> Any:
    """Σₘ answerₘ · Mₘ / Σₘ Mₘ, (N, H, W), of answers (N,) and masks (H, W); the mean answer where Σₘ Mₘ is 0."""
    total, weight, plain, n = 0.0, 0.0, 0.0, 0
    for answer, mask in zip(answers, masks):
        answer = answer.astype(float)[:, None, None]
        total, weight, plain, n = total + answer * mask, weight + mask.astype(float), plain + answer, n + 1
    return np.where(weight > 0, total / np.where(weight > 0, weight, 1), plain / n)
