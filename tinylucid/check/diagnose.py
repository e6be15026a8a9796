"""From a wrong gradient to its probable cause: the mistakes people make leave marks that can be recognised.

``cause`` is given the analytic and the numeric gradient of one input and names the first pattern that fits.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

CLOSE = 1e-4  # of the largest numeric gradient: far above finite differences' error, far below any mistake


def worst(g: np.ndarray, numeric: np.ndarray) -> tuple[int, ...]:
    """The index of the element that is most wrong."""
    return tuple(int(i) for i in np.unravel_index(np.argmax(np.abs(g - numeric)), g.shape))


def same(a: np.ndarray, b: np.ndarray) -> bool:
    """Whether two gradients agree, to within finite differences' error."""
    return a.shape == b.shape and bool(np.abs(a - b).max(initial=0) <= CLOSE * np.abs(b).max(initial=1e-300))


def cause(
    g: np.ndarray,
    numeric: np.ndarray,
    sizes: list[tuple[str, tuple[int, ...]]],
    flipped: Iterable[tuple[str, np.ndarray]] = (),
) -> str:
    """In words, what is probably wrong with ``g``.

    ``sizes`` are (kind, shape) of all inputs and outputs, for factors that are the size of an axis; ``flipped``
    gives the true gradient for each other input turned by 180 degrees.
    """
    if not np.abs(g).max(initial=0):
        return "It is all zero: the rule returns zeros or None, or a detach() or .data cuts the graph."
    if np.abs(numeric).max(initial=0) < 1e-6 * np.abs(g).max():
        return "The true gradient is zero everywhere: the function does not depend on it, or is constant in steps (round, sign)."
    return (
        factor(g, numeric, sizes)
        or orientation(g, numeric)
        or kernel(g, numeric, flipped)
        or statistics(g, numeric)
        or constant_axis(g, numeric)
        or place(g, numeric)
        or f"{(np.abs(g - numeric) > CLOSE * np.abs(numeric).max(initial=1e-300)).mean():.0%} of its elements are wrong, "
        "by no factor, shift or turn that is recognised."
    )


def factor(g: np.ndarray, numeric: np.ndarray, sizes: list[tuple[str, tuple[int, ...]]]) -> str:
    """One factor everywhere: a sign, something counted twice, a mean that is missing."""
    norm = float((numeric * numeric).sum())
    ratio = float((g * numeric).sum()) / norm if norm else 0.0
    if not ratio or abs(ratio - 1) < CLOSE or not same(g / ratio, numeric):
        return ""
    if abs(ratio + 1) < CLOSE:
        return "It has the wrong sign everywhere."
    for power, verb in (
        (1, "a mean divides by it and the rule does not"),
        (-1, "the rule divides by it and the function does not"),
    ):
        n = ratio**power
        axes = [
            f"axis {k} of an {kind} {shape}"
            for kind, shape in sizes
            for k, size in enumerate(shape)
            if size > 2 and abs(n - size) < CLOSE * n
        ]
        wholes = [
            f"all of an {kind} {shape}"
            for kind, shape in sizes
            if np.prod(shape) > 2 and abs(n - np.prod(shape)) < CLOSE * n
        ]
        if axes or wholes:
            return (
                f"It is off by exactly {'' if power > 0 else '1/'}{round(n)}, the size of {(axes + wholes)[0]}: {verb}."
            )
    if abs(ratio - 2) < CLOSE:
        return "It is twice what it should be everywhere: something is counted twice (or a mean over two is missing)."
    if abs(ratio - 0.5) < CLOSE:
        return "It is half of what it should be everywhere: an input that enters twice is counted once, or a 2 of a square is lost."
    return f"It is off by one factor everywhere, {ratio:.6g}: a constant is lost or wrong."


def orientation(g: np.ndarray, numeric: np.ndarray) -> str:
    """Right values in the wrong places: transposed, or turned by 180 degrees."""
    if g.ndim >= 2 and same(g.swapaxes(-1, -2), numeric):
        return "It is transposed: its last two axes are exchanged."
    if g.ndim >= 2 and same(g[..., ::-1, ::-1], numeric):
        return (
            "It is turned by 180 degrees: the kernel is flipped where it should not be, or not flipped where it should."
        )
    if g.ndim >= 1 and same(g[..., ::-1], numeric):
        return "Its last axis runs backwards."
    return ""


def kernel(g: np.ndarray, numeric: np.ndarray, flipped: Iterable[tuple[str, np.ndarray]]) -> str:
    """The input gradient of a convolution whose kernel was not flipped."""
    for name, turned in flipped if g.ndim == 4 else ():
        if same(g, turned):
            return (
                f"It would be right for {name} turned by 180 degrees: the kernel is not flipped in the backward rule."
            )
    return ""


def statistics(g: np.ndarray, numeric: np.ndarray) -> str:
    """The function ignores a shift of its input along some axes, the gradient does not know: batch norm's training mode."""
    top = np.abs(numeric).max(initial=1e-300)
    everything = tuple(range(g.ndim))
    channelwise = [tuple(k for k in everything if k != 1)] if g.ndim >= 2 else []
    for axes in [*channelwise, *((k,) for k in everything), everything]:
        count = int(np.prod([g.shape[k] for k in axes]))
        if (
            count > 1
            and np.abs(numeric.sum(axes)).max() < CLOSE * top
            and np.abs(g.sum(axes)).max() > 100 * CLOSE * top
        ):
            return (
                f"The true gradient sums to zero over axes {axes}, as where a function subtracts a mean or normalises; this one "
                "does not: that statistic's own dependence on the input is missing (batch norm with eval mode's rule, "
                "softmax without its sum)."
            )
    return ""


def constant_axis(g: np.ndarray, numeric: np.ndarray) -> str:
    """Constant along an axis where the true gradient is not: summed or averaged over one axis too many."""
    for k in range(g.ndim):
        if (
            g.shape[k] > 1
            and np.ptp(g, k).max() < CLOSE * np.abs(g).max()
            and np.ptp(numeric, k).max() > 0.01 * np.abs(numeric).max()
        ):
            mean, total = numeric.mean(k, keepdims=True), numeric.sum(k, keepdims=True)
            how = (
                "the mean"
                if same(g, np.broadcast_to(mean, g.shape))
                else "the sum"
                if same(g, np.broadcast_to(total, g.shape))
                else "one value"
            )
            return f"It is {how} of the true gradient repeated along axis {k}: reduced over an axis too many."
    return ""


def place(g: np.ndarray, numeric: np.ndarray) -> str:
    """Right in most places: wrong only at the border, or only in some rows, columns, channels or samples."""
    wrong = np.abs(g - numeric) > CLOSE * np.abs(numeric).max(initial=1e-300)
    if not wrong.any():  # small ones beside large ones
        wrong = np.abs(g - numeric) > 100 * CLOSE * np.abs(numeric)
    if not wrong.any():
        return ""
    if g.ndim >= 2 and min(g.shape[-2:]) >= 3 and not wrong[..., 1:-1, 1:-1].any():
        sides = {
            "top": wrong[..., 0, :],
            "bottom": wrong[..., -1, :],
            "left": wrong[..., :, 0],
            "right": wrong[..., :, -1],
        }
        names = [name for name, side in sides.items() if side.all() or side.mean() > 0.5] or ["border"]
        where = f"at the border ({', '.join(names)})"
        return f"It is right inside and wrong {where}: a padding row or column, or an outermost one, is lost or counted wrongly."
    for k in range(g.ndim):
        bad = wrong.any(tuple(j for j in range(g.ndim) if j != k))
        if g.shape[k] > 1 and not bad.all():
            places = np.flatnonzero(bad)
            zero = "zero" if not np.abs(np.take(g, places, k)).max() else "wrong"
            where = f"{places.tolist()} along axis {k} (of {g.shape[k]})"
            return f"It is {zero} only at {where}, right elsewhere: those are left out or treated apart."
    return ""
