"""What if an argument were another? A mistake is often the right answer to a slightly different question."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from .evidence import CLOSE, Evidence, Finding, same


def exchanged(e: Evidence) -> list[Finding]:
    """Two results returned in the wrong order."""
    what = "gradient of" if e.upstream else "result"
    return [
        Finding(("exchanged", name), f"It is the {what} {name}: the rule returns the two in the wrong order.")
        for name, other in e.others.items()
        if same(e.given, other)
    ]


def variant(e: Evidence) -> list[Finding]:
    """The right values of a similar function, NaN where that has NaN."""
    return [
        Finding(("variant", what), f"It is what comes out {what}.")
        for what, other in e.variants.items()
        if as_is(e.given, other)
    ]


def as_is(a: np.ndarray, b: np.ndarray) -> bool:
    """Whether two arrays agree, also in what is not finite."""
    if a.shape != b.shape:
        return False
    odd = ~np.isfinite(b)
    return np.array_equal(a[odd], b[odd], equal_nan=True) and (odd.all() or same(a[~odd], b[~odd]))


def factor(e: Evidence) -> list[Finding] | None:
    """A factor, elementwise, that is missing, or that does not belong: the upstream gradient, a slope, a scale."""
    if e.true.size == 1 or not np.abs(e.true).max(initial=0):
        return None
    found = []
    for name, array in known_factors(e).items():
        if same(e.given * array, e.true):
            if name in e.upstream:
                text = f"The upstream gradient is missing: it would be right times {name}, elementwise."
            else:
                text = f"A factor is missing: it would be right times {name}, elementwise."
            found.append(Finding(("missing factor", name), text))
        elif same(e.given, e.true * array):
            found.append(Finding(("factor too many", name), f"It is multiplied by {name} once too often, elementwise."))
    return found


def known_factors(e: Evidence) -> dict[str, np.ndarray]:
    """The arrays that may enter as factors and fit onto the right values, a channel's number onto its channel."""
    found: dict[str, np.ndarray] = {}
    slopes: dict[str, np.ndarray] = {}
    for y in e.outputs[:1]:  # the slopes of exp, of sigmoid and of tanh, and what is left of them if half is forgotten
        slopes |= {"out": y, "1 − out": 1 - y, "out·(1 − out)": y * (1 - y), "1 + out": 1 + y, "1 − out²": 1 - y * y}
    for name, array in {**e.arrays(), **e.factors, **slopes}.items():
        shape = array.shape
        if len(shape) == 1 and e.true.ndim > 2 and shape[0] == e.true.shape[1]:
            shape = (1, shape[0], *[1] * (e.true.ndim - 2))
        try:
            if np.broadcast_shapes(shape, e.true.shape) == e.true.shape:
                found[name] = array.reshape(shape)
        except ValueError:
            continue
    return found


# --- other arguments --------------------------------------------------------------------------------------------------


def arguments(e: Evidence) -> list[Finding] | None:
    """Another array in the place of an argument: turned, transposed, left out, only its last part."""
    if e.fits is None or (e.true.size == 1 and all(a.size == 1 for a in e.arrays().values())):
        return None
    return [Finding(key, text) for key, text, changed in other_arrays(e) if fits(e, changed)]


def other_arrays(e: Evidence) -> Iterator[tuple[tuple, str, dict[str, Any]]]:
    """Changes to one array or two: their key, what they mean, and the changed arguments."""
    arrays = e.arrays()
    for name, a in arrays.items():
        if a.ndim == 4:
            why = "is not flipped in the backward rule" if e.upstream else "is flipped, and should not be"
            text = f"It would be right for {name} turned by 180 degrees: the kernel {why}."
            yield ("turned", name), text, {name: a[:, :, ::-1, ::-1]}
        if a.ndim >= 2 and a.shape[-1] == a.shape[-2] > 1:
            text = f"It would be right for {name} transposed: a transpose of it is missing, or one too many."
            yield ("transposed", name), text, {name: a.swapaxes(-1, -2)}
    for name, a in arrays.items():
        for k, n in enumerate(a.shape):
            for which, kept in (("last", n - 1), ("first", 0)) if n > 1 else ():
                only = np.zeros_like(a)
                only[(slice(None),) * k + (kept,)] = a[(slice(None),) * k + (kept,)]
                why = (
                    "a later one overwrites the earlier ones: add them up (+=)"
                    if which == "last"
                    else "the others are left out"
                )
                yield (
                    (which, name, k),
                    f"It counts only the {which} entry of {name} along axis {k} (of {n}): {why}.",
                    {name: only},
                )
    for name, a in arrays.items():
        if name in e.upstream:
            yield (
                ("unused", name),
                f"The upstream gradient is not used: it would be right if {name} were all ones.",
                {name: np.ones_like(a)},
            )
        else:
            yield (
                ("left out", name),
                f"It would be right if {name} were 0: {name} is left out.",
                {name: np.zeros_like(a)},
            )
            yield (
                ("as ones", name),
                f"It would be right if {name} were 1: {name} is left out as a factor.",
                {name: np.ones_like(a)},
            )
        yield ("negative", name), f"It would be right for −{name}: {name} enters with the wrong sign.", {name: -a}
    for name, a in arrays.items():
        for other, b in arrays.items():
            if other != name and a.shape == b.shape:
                yield ("instead", name, other), f"It is what comes out with {other} where {name} belongs.", {name: b}
                if other > name:
                    yield (
                        ("swapped", name, other),
                        f"It is what comes out with {name} and {other} exchanged.",
                        {name: b, other: a},
                    )
        if a.ndim == 1 and a.size > 1 and np.abs(a).max(initial=0):
            text = f"It is what comes out with {name} scaled to length 1: its length is divided away."
            yield ("length", name), text, {name: a / np.sqrt((a * a).sum())}


def options(e: Evidence) -> list[Finding] | None:
    """Another constant in the place of an option: a stride that is not used, a mode that is the other one."""
    if e.fits is None:
        return None
    found = []
    for name, value in e.arguments.items():
        for other in other_values(value, e.choices.get(name, ())):
            if fits(e, {name: other}):
                shown = f"1 − {name}" if isinstance(value, float) and other == 1 - value else f"{other!r}"
                text = f"It is what {name} = {shown} would give, and {name} is {value!r} here: {name} is not used, or used wrongly."
                found.append(Finding(("as if", name, "not" if isinstance(value, bool) else shown), text))
    return found


def other_values(value: Any, choices: tuple) -> list[Any]:
    """What else an option may have been taken for."""
    others: list[Any] = list(choices)
    if isinstance(value, bool):
        others += [not value]
    elif isinstance(value, int):
        others += [0, 1]
    elif isinstance(value, float):
        others += [0.0, 1.0, *([1 - value] if 0 < value < 1 else [])]
    elif isinstance(value, tuple) and len(value) == 2:
        others += [value[::-1], (value[0], value[0]), (value[1], value[1]), (1, 1), (0, 0)]
    elif isinstance(value, np.ndarray) and value.dtype.kind in "iu":
        others += [value[::-1]]
    distinct: list[Any] = []
    for other in others:
        if not any(np.array_equal(other, seen) for seen in [value, *distinct]):
            distinct.append(other)
    return distinct


def fits(e: Evidence, changed: dict[str, Any]) -> bool:
    """Whether what was given is right for the changed arguments; not if they make no sense together."""
    assert e.fits is not None
    try:
        with np.errstate(all="ignore"):
            return e.fits({**e.arguments, **changed})
    except Exception:  # the function refuses such arguments, in whatever way it does
        return False


# --- a sum of known parts ---------------------------------------------------------------------------------------------


def parts(e: Evidence) -> list[Finding] | None:
    """What is right is a sum of parts; what was given has some of them, or one with the wrong sign, or twice."""
    named = {k: v for k, v in e.parts.items() if np.abs(v).max(initial=0) > CLOSE * e.scale}
    columns = np.array([np.broadcast_to(v, e.true.shape).ravel() for v in named.values()]).T
    if (
        len(named) < 2
        or len(columns) <= len(named)
        or np.linalg.matrix_rank(columns, tol=1e-3 * np.abs(columns).max()) < len(named)
    ):
        return None
    found = np.linalg.lstsq(columns, e.given.ravel(), rcond=None)[0]
    if not same((columns @ found).reshape(e.true.shape), e.given):
        return []
    counted = {name: float(c) for name, c in zip(named, found) if abs(c - 1) > 100 * CLOSE}
    if not counted:
        return []
    said = [f"{name} {amiss(c)}" for name, c in counted.items()]
    key = (f"{name} {amiss(c).partition(' by')[0]}" for name, c in counted.items())
    return [Finding(("parts", *key), f"It is a sum of parts: {', and '.join(said)}.")]


def parts_of_channels(e: Evidence) -> list[Finding] | None:
    """One part that enters with another factor in each channel (axis 1)."""
    if e.true.ndim < 3:
        return None
    found, off = [], np.moveaxis(e.given - e.true, 1, 0)
    for name, part in e.parts.items():
        planes = np.moveaxis(np.broadcast_to(part, e.true.shape), 1, 0)
        if all(np.ptp(p) > CLOSE * e.scale and parallel(o, p) for o, p in zip(off, planes)):
            found.append(
                Finding(("part", name), f"It is a sum of parts: {name} is off by a factor, in each channel another.")
            )
    return found


def parallel(a: np.ndarray, b: np.ndarray) -> bool:
    """Whether one array is a multiple of the other."""
    return same((a * b).sum() / (b * b).sum() * b, a) if np.abs(a).max(initial=0) > CLOSE * np.abs(b).max() else True


def amiss(c: float) -> str:
    """What is wrong with a part that enters c times, in words."""
    known = {0: "is missing", -1: "has the wrong sign", 2: "is counted twice", 0.5: "is counted half"}
    return next((text for value, text in known.items() if abs(c - value) < 100 * CLOSE), f"is multiplied by {c:.4g}")
