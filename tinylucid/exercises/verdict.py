"""From many cases to a few words: what is probably wrong, in which cases, and the smallest of them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..check.diagnose import UNKNOWN, diagnose
from ..check.evidence import Evidence, Finding, worst
from .observe import Outcome
from .task import Task

CHANCE = 0.05  # of some property holding for all cases that fail, though it has nothing to do with it
ENOUGH = 3  # cases on either side before "right where …, wrong where …" is more than chance
MOST_SHOWN = 32  # elements of an array
LINES = re.compile(r"\n+")
MOST = 12  # comparisons that a diagnosis is made from


def verdict(task: Task, outcomes: Sequence[Outcome], smallest: Outcome) -> dict[str, Any]:
    """What is wrong with a task, for a person and for a script; ``smallest`` is the smallest case that fails."""
    bad = [o for o in outcomes if o.status != "right"]
    wrong = [o for o in [smallest, *varied(bad)] if o.evidence]
    names = list(dict.fromkeys(name for o in wrong for name in o.evidence))
    found = {name: cause([o.evidence[name] for o in wrong if name in o.evidence]) for name in names}
    known = {name: finding for name, finding in found.items() if finding.key != UNKNOWN} or found
    said = {smallest.key: smallest.text} if smallest.text else {}
    for finding in known.values():
        alike = [name for name in names if found[name].key == finding.key]
        said.setdefault(finding.key, lead(task, alike, finding))
    keys = list(said) or [UNKNOWN]
    where = separated(task, [*outcomes, smallest], local=UNKNOWN not in said)
    if where and not any(key[0] == "where" and key[1].partition(":")[0] in where for key in said):
        said.pop(UNKNOWN, None)
        subject = "It" if said else together(task, names) if names else task.function
        said["in which cases",] = (
            f"{subject[0].upper()}{subject[1:]} {'are' if len(names) > 1 and not said else 'is'} {where}"
        )
    other = next((o for o in bad if o.status == "raised"), smallest)
    if other.status != smallest.status:
        said[other.key] = f"In other cases {other.text}"
    return {
        "function": task.function,
        "status": smallest.status,
        "cause": in_short(keys[0]),
        "causes": [in_short(key) for key in keys],
        "text": " ".join(list(said.values())[:4]),
        "failed": f"{len(bad)} of {len(outcomes)} cases",
        "case": [] if smallest.status == "form" else shown(task, smallest, list(known)),
        "arguments": {k: a.tolist() if isinstance(a, np.ndarray) else str(a) for k, a in smallest.arguments.items()},
    }


HEADS = {  # what begins the name of a cause, for a teacher's list
    "unknown": "not recognised",
    "where": "wrong where",
    "in which cases": "wrong in some cases",
    "last": "only the last entry of",
    "first": "only the first entry of",
    "variant": "comes out",
    "parts": "a sum of parts:",
    "shape": "a wrong shape:",
    "instead": "one in the place of another:",
    "exchanged": "two returned in the wrong order, with",
    "form": "not what should be returned",
    "wrote": "writes to its argument",
    "sign": "the wrong sign",
    "zero": "all zero",
    "total": "right in sum, in the wrong places",
}


def in_short(key: tuple) -> str:
    """The name of a cause in a few words, the same in every case."""
    head, *rest = (str(k) for k in key)
    return " ".join([HEADS.get(head, head), *rest])


def varied(outcomes: Sequence[Outcome]) -> list[Outcome]:
    """Some of the cases: half of them the largest, in which little is chance, half of them any."""
    largest = sorted(outcomes, key=size, reverse=True)
    return largest[: MOST // 2] + largest[MOST // 2 :: max(1, len(largest) // (MOST // 2))]


def size(outcome: Outcome) -> int:
    """How large a case is."""
    return sum(getattr(a, "size", 1) for a in outcome.arguments.values())


def cause(evidence: Sequence[Evidence]) -> Finding:
    """What explains all of these, or, if nothing does, all but the smallest."""
    found = diagnose(evidence)
    if found.key == UNKNOWN and len(evidence) > 2:  # the smallest may fail for another reason
        found = diagnose(evidence[1:])
    return found


def lead(task: Task, names: Sequence[str], found: Finding) -> str:
    """The finding as a sentence about the learner's results."""
    what, are = together(task, names), "are" if len(names) > 1 else "is"
    what = f"{what[0].upper()}{what[1:]}"
    if found.key == ("zero",):
        return f"{what} {are} all zero."
    if found.text.startswith("It has shape"):
        first = task.result(names[0])
        return found.text.replace("It", f"{first[0].upper()}{first[1:]}", 1)
    return f"{what} {are} wrong. {found.text}"


def together(task: Task, names: Sequence[str]) -> str:
    """Several results in words."""
    if len(names) == 1:
        return task.result(names[0])
    return f"your {'gradients for ' if task.gradient else ''}{', '.join(names[:-1])} and {names[-1]}"


# --- in which cases ---------------------------------------------------------------------------------------------------


def separated(task: Task, outcomes: Sequence[Outcome], local: bool) -> str:
    """In which cases it is right and in which wrong, if one property of theirs, such as stride = 1, parts them; else "".

    With ``local`` the cause is known from the values, and properties of shapes (an axis of size 1) would only repeat it.
    """
    wrong = np.array([o.status != "right" for o in outcomes])
    if min(wrong.sum(), (~wrong).sum()) < ENOUGH:
        return ""
    for here, elsewhere, holds in properties(task, outcomes, shapes=not local):
        if (holds == wrong).all():
            return f"wrong {here}, right {elsewhere}."
        if (holds == ~wrong).all():
            return f"right {here}, wrong {elsewhere}."
    found = []
    for here, elsewhere, holds in properties(task, outcomes, shapes=False):
        # of many options one fits by chance sooner than of a few features
        chance = CHANCE if elsewhere == "elsewhere" else CHANCE / 100
        if not (wrong & ~holds).any() and holds.mean() ** wrong.sum() < chance:
            found.append((holds.mean(), f"wrong only {here}."))
        if not (wrong & holds).any() and (1 - holds.mean()) ** wrong.sum() < chance:
            text = f"right {here}, not always elsewhere." if elsewhere == "elsewhere" else f"wrong only {elsewhere}."
            found.append((1 - holds.mean(), text))
    return min(found, key=lambda pair: pair[0], default=(0, ""))[1]


def properties(task: Task, outcomes: Sequence[Outcome], shapes: bool) -> list[tuple[str, str, np.ndarray]]:
    """What may part the cases: (words where it holds, words where not, in which it holds)."""
    found = []
    features = [task.features(**o.arguments) if task.features else {} for o in outcomes]
    for words in features[0]:
        place, _, advice = words.partition(": ")
        found.append(
            (
                f"where {place}{f' ({advice})' if advice else ''}",
                "elsewhere",
                np.array([bool(f[words]) for f in features]),
            )
        )
    found += by_two_options(outcomes)
    for name, value in outcomes[0].arguments.items():
        drawn = [o.arguments[name] for o in outcomes]
        if isinstance(value, (bool, str, int)):
            found += by_option(name, drawn)
        elif isinstance(value, tuple):
            unequal = np.array([len(set(v)) > 1 for v in drawn])
            found.append((f"where {name} holds different numbers", f"where the numbers of {name} are equal", unequal))
            found += [each for k in range(len(value)) for each in by_option(f"{name}[{k}]", [v[k] for v in drawn])]
        elif isinstance(value, np.ndarray) and shapes:
            axes = min(np.ndim(v) for v in drawn)
            for k in range(axes):
                single = np.array([v.shape[v.ndim - axes + k] == 1 for v in drawn])
                found.append((f"where axis {k} of {name} has size 1", "elsewhere", single))
    return found


def by_option(name: str, drawn: list) -> list[tuple[str, str, np.ndarray]]:
    """The values of an option as properties."""
    values = sorted(set(drawn))
    if len(values) < 2:
        return []
    if len(values) == 2:
        return [(f"at {name} = {values[1]}", f"at {name} = {values[0]}", np.array([v == values[1] for v in drawn]))]
    if isinstance(values[0], (bool, str)):
        return [(f"at {name} = {v}", f"at other {name}", np.array([d == v for d in drawn])) for v in values]
    least = values[0]
    steps = [(f"at {name} > {least}", f"at {name} = {least}", np.array([v > least for v in drawn]))]
    return steps + [(f"at {name} > {t}", f"at {name} ≤ {t}", np.array([v > t for v in drawn])) for t in values[1:-1]]


def by_two_options(outcomes: Sequence[Outcome]) -> list[tuple[str, str, np.ndarray]]:
    """Which of two whole numbers is the larger one, as properties."""
    found = []
    names = [k for k, v in outcomes[0].arguments.items() if isinstance(v, int) and not isinstance(v, bool)]
    for k, one in enumerate(names):
        for other in names[k + 1 :]:
            a, b = (np.array([o.arguments[name] for o in outcomes]) for name in (one, other))
            found.append((f"where {one} = {other}", f"where {one} ≠ {other}", a == b))
            found.append((f"where {one} > {other}", f"where {one} ≤ {other}", a > b))
            found.append((f"where {one} < {other}", f"where {one} ≥ {other}", a < b))
    return found


# --- the smallest case ------------------------------------------------------------------------------------------------


def shown(task: Task, outcome: Outcome, first: Sequence[str]) -> list[tuple[str, str]]:
    """The arguments of a case, and of the result that is spoken of first what came and what is right, as Python would write it."""
    lines = [(name, text(value)) for name, value in outcome.arguments.items()]
    for name in [n for n in first if n in outcome.evidence][:1] or list(outcome.evidence)[:1]:
        e, label = outcome.evidence[name], f"∂{name}" if task.gradient else name
        lines += [(f"your {label}", text(e.given)), (f"right {label}", text(np.asarray(np.round(e.true, 6))))]
        if e.given.shape == e.true.shape and e.given.size > MOST_SHOWN:
            index = worst(np.nan_to_num(e.given), e.true)
            lines.append((f"at {list(index)}", f"yours {e.given[index]:.6g}, right {e.true[index]:.6g}"))
    return lines


def text(value: Any) -> str:
    """A value as one would write it in Python; a large array by its shape."""
    if not isinstance(value, np.ndarray):
        return f"{value:.6g}" if isinstance(value, (float, np.floating)) else str(value)
    if value.size > MOST_SHOWN:
        return f"an array of shape {value.shape}"
    if not value.size:
        return f"np.zeros({value.shape})"
    value = value + 0.0 if value.dtype.kind == "f" else value  # no −0
    plain = np.array2string(value, precision=6, suppress_small=True, separator=", ", prefix="np.array(")
    return f"np.array({re.sub(LINES, chr(10), plain)})"
