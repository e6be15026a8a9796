"""Marks that the values alone carry: a factor, a sign, a turn, a sum that should vanish."""

from __future__ import annotations

import math

import numpy as np

from .evidence import CLOSE, Evidence, Finding, same, worst


def zero(e: Evidence) -> list[Finding]:
    """All zero where it should not be."""
    if np.abs(e.given).max(initial=0) or not np.abs(e.true).max(initial=0):
        return []
    why = (
        "the rule returns zeros or None, or a detach() or .data cuts the graph."
        if e.upstream
        else "nothing is computed."
    )
    return [Finding(("zero",), f"It is all zero: {why}")]


def truly_zero(e: Evidence) -> list[Finding]:
    """Something where nothing should be."""
    if np.abs(e.true).max(initial=0) >= 1e-6 * np.abs(e.given).max(initial=1e-300):
        return []
    if not e.upstream:
        return [Finding(("should be zero",), "It should be zero everywhere.")]
    text = "The true gradient is zero everywhere: the function does not depend on it, or is constant in steps (round, sign)."
    return [Finding(("should be zero",), text)]


WHOLE: dict[float, str] = {1: "", -1: "1/"}  # the powers that a factor may be of a number, in signs
ROOTS = {**WHOLE, 0.5: "√", -0.5: "1/√"}


# --- one factor everywhere --------------------------------------------------------------------------------------------


def ratio_of(given: np.ndarray, true: np.ndarray) -> float:
    """The one factor between two arrays, 0 if there is none."""
    norm = float((true * true).sum())
    ratio = float((given * true).sum()) / norm if norm else 0.0
    return ratio if ratio and np.isfinite(ratio) and same(given / ratio, true) else 0.0


def sign(e: Evidence) -> list[Finding]:
    """The wrong sign everywhere."""
    wrong = abs(ratio_of(e.given, e.true) + 1) < CLOSE
    return [Finding(("sign",), "It has the wrong sign everywhere.")] if wrong else []


def factor(e: Evidence) -> list[Finding] | None:
    """One factor everywhere that has a name: the size of an axis, an option, 2 or one half."""
    ratio = ratio_of(e.given, e.true)
    if not ratio or abs(abs(ratio) - 1) < CLOSE:
        return []
    text = f"It is off by one factor everywhere, {ratio:.6g}: a constant is lost or wrong."
    if abs(ratio - 2) < CLOSE:
        text = "It is twice what it should be everywhere: something is counted twice (or a mean over two is missing)."
    elif abs(ratio - 0.5) < CLOSE:
        text = "It is half of what it should be everywhere: an input that enters twice is counted once, or a 2 of a square is lost."
    plain, known = Finding(("factor", float(f"{ratio:.4g}")), text), named_factor(e, ratio)
    return [plain, *known] if "factor everywhere" not in text else [*known, plain]


def named_factor(e: Evidence, ratio: float) -> list[Finding]:
    """The sizes and options that a factor may be, or that it may be one over, or the root of."""
    found = []
    size, minus = abs(ratio), "minus " if ratio < 0 else ""
    for what, n in numbers(e):
        is_size = what.startswith("the ")
        for power, sign in ROOTS.items() if is_size else WHOLE.items():
            if n > 0 and abs(size - n**power) <= CLOSE * size:
                text = f"It is off by exactly {minus}{sign}{n:.6g}, {what}: {why(e, what, is_size, power)}."
                found.append(Finding(("factor", minus + sign + what.split(" (")[0]), text))
    return found


def why(e: Evidence, what: str, is_size: bool, power: float) -> str:
    """What was forgotten or done once too often, if a number to this power is the factor."""
    if not is_size:
        return "it is multiplied by it once too often" if power > 0 else f"a factor of {what} is missing"
    if e.upstream and abs(power) == 1:
        mean = "a mean divides by it and the rule does not"
        return mean if power > 0 else "the rule divides by it and the function does not"
    return "it should be divided by it" if power > 0 else "it should not be divided by it"


def numbers(e: Evidence) -> list[tuple[str, float]]:
    """The numbers that a factor may be made of, in words: sizes of axes and their products, options and one minus them."""
    found: list[tuple[str, float]] = []
    shapes = [(k, a.shape) for k, a in e.arguments.items() if isinstance(a, np.ndarray) and k not in e.upstream]
    shapes += [("the output", y.shape) for y in e.outputs]
    for name, shape in shapes:
        found += [(f"the size of axis {k} of {name} {shape}", float(n)) for k, n in enumerate(shape)]
        if len(shape) > 1:
            found.append((f"the size of all of {name} {shape}", float(math.prod(shape))))
        if len(shape) > 2:
            found.append((f"the size of the last two axes of {name} {shape}", float(math.prod(shape[-2:]))))
            every = math.prod(shape) / (shape[1] or 1)
            found.append((f"the size of all axes but axis 1 of {name} {shape}", float(every)))
    if e.upstream and e.true.size and len(e.outputs) == 1:
        used = e.outputs[0].size / e.true.size
        found.append((f"the number of times that each element of {e.name} is used", used))
    for name, value in e.arguments.items():
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            found.append((name, float(value)))
            found.append((f"{name}²", float(value) ** 2))
            if 0 < value < 1:
                found.append((f"1 − {name}", 1 - float(value)))
    return found


def some_factor(e: Evidence) -> list[Finding] | None:
    """One factor everywhere, but in each case another."""
    if e.true.size == 1:
        return None
    ratio = ratio_of(e.given, e.true)
    if not ratio or abs(ratio - 1) < CLOSE:
        return []
    return [
        Finding(
            ("factor", "varies"), f"It is off by one factor everywhere, here {ratio:.6g}, and in each case another."
        )
    ]


# --- right values, wrongly placed or shifted --------------------------------------------------------------------------


def orientation(e: Evidence) -> list[Finding] | None:
    """Transposed, backwards, or turned by 180 degrees."""
    g, true = e.given, e.true
    if g.size == 1:
        return None
    found = []
    if g.ndim >= 2 and same(g.swapaxes(-1, -2), true):
        found.append(Finding(("transposed",), "It is transposed: its last two axes are exchanged."))
    if g.ndim >= 2 and same(g[..., ::-1, ::-1], true):
        text = (
            "It is turned by 180 degrees: the kernel is flipped where it should not be, or not flipped where it should."
        )
        found.append(Finding(("turned",), text))
    if g.ndim >= 1 and same(g[..., ::-1], true):
        found.append(Finding(("backwards",), "Its last axis runs backwards."))
    return found


def rearranged(e: Evidence) -> list[Finding] | None:
    """The right numbers, in another order."""
    if e.given.size < 2 or np.unique(e.true).size < 2:
        return None
    if not same(np.sort(e.given, None), np.sort(e.true, None)):
        return []
    text = (
        "It holds the right numbers in the wrong places: a reshape where a transpose is needed, or two axes mixed up."
    )
    return [Finding(("rearranged",), text)]


def offset(e: Evidence) -> list[Finding] | None:
    """One and the same number too much everywhere."""
    if e.given.size < 2:
        return None
    difference = e.given - e.true
    if np.ptp(difference) > CLOSE * e.scale or np.ptp(e.true) <= CLOSE * e.scale:
        return []
    by = float(difference.mean())
    return [
        Finding(
            ("offset",),
            f"It is too large by the same number everywhere, {by:.6g}: something is added once too often or left out.",
        )
    ]


def power(e: Evidence) -> list[Finding] | None:
    """The square, the root, the inverse, the logarithm or the exponential of what it should be."""
    if e.given.size < 2:
        return None
    with np.errstate(all="ignore"):
        candidates = {
            "the square of what it should be": e.true**2,
            "the square root of what it should be": np.sqrt(e.true),
            "one over what it should be": 1 / e.true,
            "the logarithm of what it should be": np.log(e.true),
            "the exponential of what it should be": np.exp(e.true),
            "the size of what it should be, without its sign": np.abs(e.true),
            "0 where it should be negative, right elsewhere": np.maximum(e.true, 0),
        }
    return [Finding(("is", what), f"It is {what}.") for what, value in candidates.items() if same(e.given, value)]


def total(e: Evidence) -> list[Finding] | None:
    """Right in sum, not in its places."""
    if e.given.size < 2 or abs(e.true.sum()) <= CLOSE * np.abs(e.true).sum():
        return None
    if abs(e.given.sum() - e.true.sum()) > CLOSE * np.abs(e.true).sum():
        return []
    text = "Its total is right: nothing is lost or added, but some of it goes to the wrong places."
    return [Finding(("total",), text)]


def statistics(e: Evidence) -> list[Finding] | None:
    """The function ignores a shift of its input along some axes, the gradient does not know: batch norm's training mode."""
    g, true, top = e.given, e.true, e.scale
    if not e.upstream:
        return []
    everything = tuple(range(g.ndim))
    channelwise = [tuple(k for k in everything if k != 1)] if g.ndim >= 2 else []
    for axes in [*channelwise, *((k,) for k in everything), everything]:
        count = math.prod(g.shape[k] for k in axes)
        if count > 1 and np.abs(true.sum(axes)).max() < CLOSE * top and np.abs(g.sum(axes)).max() > 100 * CLOSE * top:
            text = (
                f"The true gradient sums to zero over axes {axes}, as where a function subtracts a mean or normalises; this one "
                "does not: probably that statistic's own dependence on the input is missing (batch norm with eval mode's rule, "
                "softmax without its sum)."
            )
            return [Finding(("statistics",), text)]
    return []


def constant_axis(e: Evidence) -> list[Finding]:
    """Constant along an axis where the true one is not: summed or averaged over one axis too many."""
    g, true, found = e.given, e.true, []
    for k in range(g.ndim):
        if (
            g.shape[k] < 2
            or np.ptp(g, k).max() >= CLOSE * np.abs(g).max()
            or np.ptp(true, k).max() <= 0.01 * np.abs(true).max()
        ):
            continue
        mean, total = true.mean(k, keepdims=True), true.sum(k, keepdims=True)
        averaged, summed = (same(g, np.broadcast_to(v, g.shape)) for v in (mean, total))
        how = "the mean" if averaged else "the sum" if summed else "one value"
        what = "the true gradient" if e.upstream else "what is right"
        text = f"It is {how} of {what} repeated along axis {k}: reduced over an axis too many."
        found.append(Finding(("reduced", k - g.ndim), text))
    return found


def at_worst(e: Evidence, what: str) -> str:
    """The element that is most wrong, in numbers."""
    index = worst(e.given, e.true)
    ratio = f"{e.given[index] / e.true[index]:.6g}" if e.true[index] else "infinite"
    where = f"{e.name}{list(index)}" if index else e.name
    return f"{where}: {what} {e.given[index]:.8g}, numeric {e.true[index]:.8g}, ratio {ratio}."
