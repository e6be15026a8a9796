"""Whether a map's numbers are the changes of the answer that they claim to be, and whether they hold still."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ... import devices
from ...dtypes import float64
from ...random import Generator
from ..baseline import baselines
from ..common import Method, at_least_one, beside, check_method, pixels, planes, sweep, values
from ..hide import answers
from .maps import flat, full_maps, plane_maps, value_range


def infidelity(
    model: Callable,
    x: Any,
    target: Any,
    maps: Any,
    *,
    n: int = 64,
    level: float = 0.15,
    rng: Generator | None = None,
    batch_size: int = 64,
) -> Any:
    """E_I (Σ I·φ − (f(x) − f(x − I)))², one number a picture (N,); 0 is perfect (Yeh et al., 2019, equation 1).

    φ are the maps, shaped like x, in logits per unit of x as the gradient is. I = σ·ε, ε ~ N(0, 1), σ = level · (max x −
    min x) of each picture; the mean is over n draws of ε by ``rng``, by default Generator(0), the same for all pictures.
    ``batch_size``: pictures a pass, at least those of x. Raises ValueError for maps of another shape or with NaN, for n
    below 1 or a negative level, and as gradient does for model, x and target.
    """
    model, x, rng = beside(model, x), pixels(x), rng or Generator(0)
    maps = full_maps(maps, x)
    at_least_one(n, "infidelity: n")
    sigma = share(level, "infidelity: level") * value_range(x)
    noise = [rng.normal(x.shape[1:], x.dtype) for _ in range(n)]
    before = values(model, x, target)
    after = sweep(values, model, (x - sigma * e for e in noise), target, len(x), batch_size, "infidelity", n)
    said = ((sigma * e * maps).sum(tuple(range(1, x.ndim))) for e in noise)
    return np.mean([(s - (before - f)) ** 2 for s, f in zip(said, after)], 0)


def max_sensitivity(
    model: Callable,
    x: Any,
    target: Any,
    method: Method,
    *,
    n: int = 16,
    radius: float = 0.02,
    rng: Generator | None = None,
    batch_size: int = 64,
) -> Any:
    """max_δ ‖φ(x + δ) − φ(x)‖ / ‖φ(x)‖, one number a picture (N,); 0 holds still (Yeh et al., 2019, definition 2).

    φ(x) = method(model, x, target); δ is uniform between ±radius · (max x − min x) of each picture, the most of n draws by
    ``rng``, by default Generator(0), the same shares for all pictures. Where φ(x) is zero everywhere the number is 0 if it
    stays so and infinite otherwise. ``method`` is as for smoothgrad. Raises ValueError for n below 1 or a negative radius,
    and what the method raises.
    """
    model, x, rng = beside(model, x), pixels(x), rng or Generator(0)
    check_method(method, "max_sensitivity")
    at_least_one(n, "max_sensitivity: n")
    reach = share(radius, "max_sensitivity: radius") * value_range(x)
    near = (x + reach * (2 * rng.uniform(x.shape[1:], float64).astype(x.dtype) - 1) for _ in range(n))
    at_x = devices.host(method(model, x, target))
    size, most = norm(at_x), np.zeros(len(x), at_x.dtype)
    for maps in sweep(method, model, near, target, len(x), batch_size, "max-sensitivity", n):
        change = norm(maps - at_x)
        undefined = np.where(change > 0, np.inf, 0).astype(at_x.dtype)
        most = np.maximum(most, np.divide(change, size, out=undefined, where=size > 0))
    return most


def sensitivity_n(
    model: Callable,
    x: Any,
    target: Any,
    maps: Any,
    *,
    size: int,
    n: int = 100,
    baseline: Any = "mean",
    rng: Generator | None = None,
    batch_size: int = 64,
) -> Any:
    """corr over sets S of Σ_{i∈S} φᵢ and f(x) − f(x without S), one number a picture (N,) (Ancona et al., 2018, section 4).

    The n sets of ``size`` places are drawn by ``rng``, by default Generator(0), the same for all pictures; x without S has
    the baseline there, in all channels. 1 for maps that share out the change of a linear answer; NaN where one of the two
    is the same for all sets, up to rounding. maps, baseline, batch_size and errors as in deletion, and ValueError for a
    size outside 1 … H·W or n below 2.
    """
    model, x = beside(model, x), planes(x)
    maps = flat(plane_maps(maps, x))
    sets, changes = without(model, x, target, size, n, baseline, rng, batch_size)
    return correlation(set_sums(maps, sets), changes)


def without(
    model: Callable, x: Any, target: Any, size: int, n: int, baseline: Any, rng: Generator | None, batch_size: int
) -> tuple[Any, Any]:
    """n random sets of ``size`` places (n, size), and by how much the answer falls without each of them (N, n)."""
    places, rng = x.shape[2] * x.shape[3], rng or Generator(0)
    if not isinstance(n, (int, np.integer)) or n < 2:
        raise ValueError(f"sensitivity_n: n must be a whole number of at least 2, got {n!r}")
    if not isinstance(size, (int, np.integer)) or not 1 <= size <= places:
        raise ValueError(f"sensitivity_n: size must be from 1 to the {places} places of a picture, got {size!r}")
    sets = np.stack([np.sort(rng.permutation(places)[:size]) for _ in range(n)])

    def keeps() -> Iterator[Any]:
        for each in sets:
            keep = np.ones(places, bool)
            keep[each] = False
            yield keep.reshape(x.shape[2:])

    before = values(model, x, target)
    after = np.zeros((n, len(x)), before.dtype)
    starts = baselines(baseline, x)
    for b in starts:
        after += np.stack(list(answers(model, x, target, keeps(), b, batch_size, "sensitivity-n", n)))
    changes = before - after / len(starts)
    noise = 64 * np.finfo(before.dtype).eps * np.maximum(abs(before), 1)  # what a pass of another size may differ by
    return sets, np.where(np.ptp(changes, 0) > noise, changes, 0).T


def set_sums(maps: Any, sets: Any) -> Any:
    """The sum of each picture's map (N, H·W) over each set: (N, n)."""
    return np.stack([maps[:, each].sum(1) for each in sets], 1)


def correlation(a: Any, b: Any) -> Any:
    """Pearson's correlation of the rows of a and b (N, n): (N,), NaN where a row is constant."""
    vary = (np.ptp(a, 1) > 0) & (np.ptp(b, 1) > 0)
    a, b = (v - v.mean(1, keepdims=True) for v in (a.astype(float64), b.astype(float64)))
    scale = np.sqrt((a * a).sum(1) * (b * b).sum(1))
    return np.clip(np.divide((a * b).sum(1), scale, out=np.full(len(a), np.nan), where=vary & (scale > 0)), -1, 1)


def share(value: float, name: str) -> float:
    """A share of the picture's range; ValueError for a negative one."""
    if not 0 <= value < np.inf:
        raise ValueError(f"{name} must be at least 0 (a share of the picture's range), got {value!r}")
    return value


def norm(maps: Any) -> Any:
    """√Σ φ² of each map."""
    return np.sqrt((maps * maps).sum(tuple(range(1, maps.ndim))))
