"""DeepLIFT: the change of the answer from a baseline to the picture, shared out exactly, in one pass there and one back.

Pictures and baselines run through the net as one batch, [x; b]. Handed back is the multiplier m of each array: how much the
answer changed for each unit that the array changed, Δf = Σ m·Δa with Δa = a(x) − a(b). Both halves of the batch hold
it. A linear operation's multiplier is its gradient; the rules here are for the others, and each one is exact.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..gallery import Maps, giving
from ..ops.arithmetic import div, mul
from ..ops.dense import _matmul
from ..ops.pool import _pool_gather, _pool_scatter
from ..scopes import backward_rules, here
from ..tensor import Tensor
from .baseline import averaged
from .common import beside, pixels, recording, repeated, score
from .gradients import slope
from .passing import KINKED, MAX_POOLS, SMOOTH, Call, calls_between, is_linear, refuse_others

HALF_THE_DIGITS = {np.dtype(kind): np.finfo(kind).eps ** 0.5 for kind in (np.float32, np.float64)}


@giving(Maps)
def deeplift(model: Callable[[Any], Any], x: Any, target: Any, *, baseline: Any = 0) -> Any:
    """(x − b)·m, shaped like x, m by the rescale rule: it sums to f(x) − f(b) exactly (Shrikumar et al., 2017).

    Elementwise y(x): m_x = m_y·Δy/Δx. A max pool's window: Δy goes to x's winner if the largest value rose, else to b's.
    A product x·y: Δx times the mean of y, and Δy times the mean of x. Where a flat baseline makes many places of a window
    equal, to half their digits, the first of them is b's winner.
    ``baseline`` b says what "nothing there" is, as in integrated_gradients; over several the maps are averaged. Model, x,
    target and errors as in gradient, and ValueError for a baseline that does not fit; RuntimeError for an operation
    without a rule (softmax, layer norm, …), for a model that treats pictures differently by what it sees (where, max over
    an axis), of which no multiplier is true, and for a function of the logits that does more than add and scale them.
    """
    model, x = beside(model, x), pixels(x)
    return averaged(lambda b: (x - b) * multipliers(model, x, b, target), baseline, x)


def multipliers(model: Callable, x: Any, b: Any, target: Any) -> Any:
    """m of the pictures x with the baselines b, shaped like x."""
    pairs = Tensor(np.concatenate([x, b]), requires_grad=True)
    with recording(model), backward_rules(RULES):
        numbers = score(model, pairs, repeated(target, len(x), 2))
        calls = calls_between(pairs, numbers)
        refuse_others(calls, "deeplift", RULES)
        keep_apart(calls, len(pairs))
        m, of_b = halves(slope(numbers, pairs, "x"))
    if np.abs(m - of_b).max(initial=0) > HALF_THE_DIGITS[x.dtype] * np.abs(m).max(initial=0):
        raise RuntimeError(
            "deeplift: the model treats a picture and its baseline differently by what it sees in them (where, max over an "
            "axis), or moves the axis of pictures, so no multiplier is true; use integrated_gradients"
        )
    return m


def keep_apart(calls: list[Call], rows: int) -> None:
    """RuntimeError for a call that is not linear and whose first axis does not hold all pictures and baselines."""
    for call in calls:
        n, _ = call
        if not is_linear(call) and (not n.shape or n.shape[0] % max(rows, 1)):
            raise RuntimeError(
                f"{here(n.op.__name__, n.layer)}: deeplift: its result {n.shape} does not hold the {rows} pictures and "
                "baselines along its first axis; the model must keep pictures apart, and a function of the logits may only "
                "add and scale them"
            )


# --- the rules --------------------------------------------------------------------------------------------------------


class Rescaled:
    """m·Δy/Δx, the backward rule of an elementwise y(x); where Δx or Δy is lost in rounding the mean of the two slopes."""

    def __init__(self, operation: Any) -> None:
        self.plain = operation.op.own_rule
        self.wants = ("g", "x", "out", *self.plain.wants)

    def __call__(self, g: Any, x: Any, out: Any, *saved: Any) -> Any:
        (x1, x0), (y1, y0) = halves(x), halves(out)
        dx, dy = x1 - x0, y1 - y0
        given = {**dict(zip(self.plain.wants, saved)), "g": np.ones_like(out)}
        with np.errstate(divide="ignore", invalid="ignore"):
            slopes = self.plain.pull(*given.values())
        d1, d0 = halves(np.where(np.isfinite(slopes), slopes, 0))  # √ and log at 0
        tiny = np.finfo(x.dtype).eps ** (2 / 3)
        lost = np.abs(dx) <= tiny * larger(x1, x0)
        lost |= np.maximum(np.abs(dy), np.abs(dx) * larger(d1, d0)) <= tiny * larger(y1, y0)
        return g * both(np.where(lost, (d1 + d0) / 2, dy / np.where(lost, 1, dx)))


class Pooled:
    """Of each window Δy, at x's winner if y rose, else at b's: there |Δx| ≥ |Δy|, so the multiplier is m·Δy/Δx, in 0 … 1."""

    def __init__(self, operation: Any) -> None:
        self.pool = operation.op
        self.wants = ("g", "x", "out", "index", *self.pool.keywords)

    def __call__(self, g: Any, x: Any, out: Any, index: Any, *settings: Any) -> Any:
        (x1, x0), (y1, y0), (i1, i0) = halves(x), halves(out), halves(index)
        change = lambda i: _pool_gather(x1, index=i) - _pool_gather(x0, index=i)
        dy, steady = y1 - y0, self.winners(rounded(x0), settings)
        fell_too = change(steady) <= dy * (1 - HALF_THE_DIGITS[x.dtype])  # so that its multiplier is in 0 … 1 as well
        i = np.where(dy > 0, i1, np.where(fell_too, steady, i0))
        dx = change(i)
        share = np.where(dx == 0, 1, dy / np.where(dx == 0, 1, dx))
        return _pool_scatter(g * both(share), index=both(i), size=x.shape[2:])

    def winners(self, x: Any, settings: Any) -> Any:
        """The index of each window's largest value."""
        return self.pool.apply((x,), dict(zip(self.pool.keywords, settings)))[1]["index"]


def rounded(x: Any) -> Any:
    """Planes to half their digits: in a flat baseline places that differ by rounding alone are equal, and the first one wins.

    Else the last digits would choose, which depend on what else is in the batch.
    """
    largest = np.where(np.isfinite(x), np.abs(x), 0).max((2, 3), keepdims=True)
    step = HALF_THE_DIGITS[x.dtype] * np.where(largest == 0, 1, largest)
    return (np.round(x / step) * step).astype(x.dtype, copy=False)


def product(operation: Any) -> Callable:
    """Δ(xy) = Δx·ȳ + x̄·Δy, x̄ and ȳ the means of the two runs: the plain rule at the means; so too for matrices."""
    plain = operation.op.own_rule.pull

    def pull(g, need, x, y):
        return plain(g, need, *((middle(x), middle(y)) if need[0] and need[1] else (x, y)))

    return pull


def quotient(g, need, x, y):
    """Δ(x/y) = Δx·mean(1/y) + x̄·Δ(1/y), with Δ(1/y) = −Δy/(y₁·y₀)."""
    if not need[1]:
        return g / y, None
    y1, y0 = halves(y)
    return g * middle(1 / y) if need[0] else None, -g * (middle(x) if need[0] else x) / both(y1 * y0)


RULES: dict[Any, Callable] = {
    **{f: Rescaled(f) for f in (*KINKED, *SMOOTH)},
    **{f: Pooled(f) for f in MAX_POOLS},
    **{f: product(f) for f in (mul, _matmul)},
    div: quotient,
}


def halves(a: Any) -> tuple[Any, Any]:
    """What belongs to the pictures, and what to their baselines."""
    if not a.ndim or len(a) % 2:
        raise RuntimeError(
            f"deeplift: an array of shape {a.shape} has no axis of pictures; does the model mix pictures?"
        )
    return a[: len(a) // 2], a[len(a) // 2 :]


def both(a: Any) -> Any:
    """The same for the pictures and for their baselines."""
    return np.concatenate([a, a])


def middle(a: Any) -> Any:
    """The mean of pictures and baselines, for both."""
    a1, a0 = halves(a)
    return both((a1 + a0) / 2)


def larger(a: Any, b: Any) -> Any:
    """The larger magnitude of the two."""
    return np.maximum(np.abs(a), np.abs(b))
