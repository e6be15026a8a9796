"""Comparing what a kernel wrote with what is right, and guessing from the numbers what the mistake is."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from ..check.diagnose import UNKNOWN, diagnose
from ..check.evidence import Evidence
from .cases import Case
from .plan import Plan

NEVER_SET = 1e30  # in size: a local variable that was never set begins as -1.7e38


def wrong_elements(given: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """The numbers of the elements, counted through, that differ by more than rounding, which grows with the largest of all."""
    given, wanted = given.ravel(), wanted.ravel()
    if given.dtype.kind != "f" and wanted.dtype.kind != "f":
        return np.flatnonzero(given.astype(np.int64) != wanted)
    finite = np.abs(wanted[np.isfinite(wanted)])
    allowed = (1e-9 if given.dtype == np.float64 else 1e-4) * (1 + finite.max(initial=0))
    with np.errstate(all="ignore"):
        near = np.abs(given - wanted) <= allowed
    return np.flatnonzero(~(near | (given == wanted) | (np.isnan(given) & np.isnan(wanted))))


def element(plan: Plan, name: str, k: int, case: Case) -> str:
    """An element as the source writes it, with its row and column where the array has them."""
    lengths = case.values[name].shape
    where = ", ".join(f"{i}" for i in np.unravel_index(k, lengths)) if len(lengths) > 1 else ""
    return f"`{name}[{k}]`" + (f" (at [{where}])" if where else "")


def difference(plan: Plan, name: str, given: np.ndarray, wanted: np.ndarray, case: Case) -> str:
    """Which element differs first, and by what."""
    wrong = wrong_elements(given, wanted)
    k = int(wrong[0])
    more = f"; {wrong.size} of {given.size} elements are wrong" if wrong.size > 1 else ""
    return f"{element(plan, name, k, case)} is {short(given.flat[k])}, right is {short(wanted.flat[k])}{more}"


def short(number: float) -> str:
    """A number in a few digits."""
    return f"{number + 0:.6g}"


def cause(plan: Plan, name: str, results: Sequence[tuple[Case, np.ndarray, np.ndarray]]) -> str:
    """What probably makes these results (case, given, wanted) wrong; "" if nothing is recognised. The smallest comes last."""
    for recognise in (never_set, transposed, zero, whole_numbers, unchanged, shifted):
        says = [recognise(name, *result) for result in results]
        if "" not in says and any(says):
            text = [text for text in says if text][-1]
            return f"{text} {WHOLE}" if recognise is zero and divides_whole(plan) else text
    evidence = [
        Evidence(name, given.astype(np.float64).reshape(wanted.shape), wanted.astype(np.float64), arguments(case, name))
        for case, given, wanted in results
        if np.isfinite(given.astype(np.float64)).all() and np.isfinite(wanted.astype(np.float64)).all()
    ]
    found = diagnose(evidence) if evidence else None
    return "" if found is None or found.key == UNKNOWN else re.sub(r"^It ", f"`{name}` ", found.text)


WHOLE = "In C 1 / n is 0 where both are whole numbers; 1.0f / n is not."


def divides_whole(plan: Plan) -> bool:
    """Whether a kernel divides a whole number, by the looks of it."""
    whole = [r"(?<![\w.])\d+", *(rf"\b{name}" for name, code in plan.codes.items() if code[0] in "iu")]
    return bool(re.search(rf"(?:{'|'.join(whole)})\s*/\s*[a-zA-Z(]", plan.kernel.body))


def arguments(case: Case, name: str) -> dict[str, np.ndarray]:
    """The arrays that a result was computed from."""
    return {k: a.astype(np.float64) for k, a in case.values.items() if isinstance(a, np.ndarray) and k != name}


def close(given: np.ndarray, other: np.ndarray) -> bool:
    """Whether all elements agree."""
    return given.size == other.size and not wrong_elements(given, other).size


# Each looks at one result and says what it recognises, "" if that is not it, None if this result is too small to tell.


def never_set(name: str, case: Case, given: np.ndarray, wanted: np.ndarray) -> str | None:
    """Numbers that begin as nothing."""
    huge = (np.abs(given) > NEVER_SET) if given.dtype.kind == "f" else (given < -16e6) & (np.abs(wanted) < 1e6)
    return "That is what a variable holds here that was never set: does each sum begin as 0?" if huge.any() else ""


def transposed(name: str, case: Case, given: np.ndarray, wanted: np.ndarray) -> str | None:
    """Rows and columns exchanged."""
    if wanted.ndim == 2 and min(wanted.shape) < 2:
        return None
    if wanted.ndim != 2:
        return ""
    turned = close(given, wanted.T) or close(given, np.ascontiguousarray(wanted.T))
    return "It is turned: x and y, or rows and columns, are exchanged in an index." if turned else ""


def whole_numbers(name: str, case: Case, given: np.ndarray, wanted: np.ndarray) -> str | None:
    """What stands behind the point is lost."""
    if not given.any():
        return None
    cut = close(given, np.trunc(wanted))
    return (
        "What stands behind the point is cut off: an int, or a division of whole numbers (1 / 2 is 0 in C, 1.0f / 2 is 0.5)."
        if cut
        else ""
    )


def zero(name: str, case: Case, given: np.ndarray, wanted: np.ndarray) -> str | None:
    """Nothing but 0."""
    return "" if given.any() else "All of it is 0."


def unchanged(name: str, case: Case, given: np.ndarray, wanted: np.ndarray) -> str | None:
    """An argument as it was."""
    if given.size < 2:
        return None
    same = [k for k, a in case.values.items() if isinstance(a, np.ndarray) and a.size == given.size and close(given, a)]
    return f"It is {same[0]} as it was before." if same else ""


def shifted(name: str, case: Case, given: np.ndarray, wanted: np.ndarray) -> str | None:
    """Each number one place further."""
    given, wanted = given.ravel(), wanted.ravel()
    if given.size < 4:
        return None
    for by, where in ((1, "before"), (-1, "after")):
        if close(given[1:-1], np.roll(wanted, by)[1:-1]):
            return f"Each element holds what belongs to the one {where} it: an index is off by 1."
    return ""
