"""One call of the learner's function, and all that can be wrong with what comes of it."""

from __future__ import annotations

import contextlib
import traceback
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from ..check.evidence import Evidence
from . import truth
from .task import Arguments, Objection, Task, plain

TOLERANCE = 2e-5  # of the largest right value: float32 will do, a mistake will not


@dataclass
class Outcome:
    """How a case went: ``status`` "right", "wrong", "raised", "form", "wrote", "unwritten"; what is wrong, and with what."""

    arguments: Arguments
    status: str
    key: tuple = ()
    text: str = ""
    evidence: dict[str, Evidence] = field(default_factory=dict)


def observe(task: Task, module: Any, arguments: Arguments) -> Outcome:
    """Call the learner's function and compare."""
    taken = {k: plain(a) for k, a in arguments.items()}
    try:
        with np.errstate(all="ignore"):
            result = task.call(module, taken) if task.call else getattr(module, task.function)(*taken.values())
    except NotImplementedError:
        return Outcome(arguments, "unwritten", ("unwritten",), f"{task.function} is not written yet.")
    except Objection as error:
        return Outcome(arguments, "form", (error.key,), str(error))
    except (Exception, SystemExit) as error:
        if not hasattr(module, task.function) and not task.call:
            return Outcome(arguments, "form", ("missing",), absent(task, module))
        return Outcome(arguments, "raised", ("raised", type(error).__name__), raised(task, module, error))
    wrote = [
        k for k, a in arguments.items() if isinstance(a, np.ndarray) and not np.array_equal(a, taken[k], equal_nan=True)
    ]
    if wrote:
        text = f"{task.function} writes to its argument {wrote[0]}, which belongs to the caller: work on {wrote[0]}.copy()."
        return Outcome(arguments, "wrote", ("wrote", wrote[0]), text)
    true = truth.right(task, arguments)
    given = formed(task, result, true)
    if isinstance(given, str):
        return Outcome(arguments, "form", ("form",), given)
    wrong = {name: evidence(task, name, given, true, arguments) for name in true if not agree(given[name], true[name])}
    return Outcome(arguments, "wrong" if wrong else "right", evidence=wrong)


def agree(given: np.ndarray, true: np.ndarray) -> bool:
    """Whether a result is right."""
    close = lambda: np.abs(given - true).max(initial=0) <= TOLERANCE * max(np.abs(true).max(initial=0), 0.1)
    return given.shape == true.shape and bool(close())  # NaN is not close


def formed(task: Task, result: Any, true: Mapping[str, np.ndarray]) -> dict[str, np.ndarray] | str:
    """The results as arrays by name, or what is wrong with their number or kind."""
    names = list(true)
    what = (
        f"the gradient{'s' if len(names) > 1 else ''} for {' and '.join(names)}"
        if task.gradient
        else " and ".join(names)
    )
    if result is None:
        return f"{task.function} returns None: is a return missing? It should return {what}."
    parts = list(result) if isinstance(result, (tuple, list)) else [result]
    if len(names) == 1 and isinstance(result, list) and not (len(result) == 1 and alike(result[0], true[names[0]])):
        parts = [result]  # numbers in a list rather than a list of results
    if len(parts) != len(names):
        return f"{task.function} returns {len(parts)} thing{'s' if len(parts) != 1 else ''}, expected {len(names)}: {what}."
    found = {}
    for name, part in zip(names, parts):
        try:
            array = np.asarray(part)
        except Exception:  # of what nobody can foresee
            array = np.asarray(None)
        if array.dtype.kind not in "fiub":
            return f"{task.function}: {task.result(name)} is {described(part)}, expected an array of numbers."
        found[name] = array.astype(float)
    return found


def alike(part: Any, true: np.ndarray) -> bool:
    """Whether something has the shape that a result should have."""
    try:
        return np.shape(part) == true.shape
    except ValueError:  # lists of unequal lengths
        return False


def described(part: Any) -> str:
    """What something is, where an array should be."""
    if part is None:
        return "None"
    return (
        f"an array of {part.dtype}"
        if isinstance(part, (np.ndarray, np.generic))
        else f"a {type(part).__name__} that is no array"
    )


def evidence(task: Task, name: str, given: Any, true: Any, arguments: Arguments) -> Evidence:
    """What a diagnosis of one result needs."""
    taken = truth.own_arguments(task, arguments)
    spoken = lambda words: dict(words(**arguments).get(name, {})) if words else {}
    variants = {}
    for what, oracle in task.variants.items():
        other = replace(task, oracle=oracle)
        refused = contextlib.suppress(ValueError, IndexError, TypeError)  # it does not take this case
        with refused, np.errstate(all="ignore"):
            variants[what] = truth.quickly(other, arguments)[name]
    fits = lambda changed: agree(given[name], truth.quickly(task, changed)[name])
    return Evidence(
        name,
        given[name],
        true[name],
        arguments if task.gradient else taken,
        task.upstream if task.gradient else (),
        truth.outputs(task, taken) if task.gradient else (),
        fits,
        {k: a for k, a in true.items() if k != name},
        spoken(task.parts),
        spoken(task.factors),
        spoken(task.places),
        variants,
        task.choices,
    )


def raised(task: Task, module: Any, error: BaseException) -> str:
    """What went wrong in the learner's code, and in which of their lines."""
    path = str(getattr(module, "__file__", ""))
    lines = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == path]
    if isinstance(error, TypeError) and not lines:
        return (
            f"{task.function} cannot be called as the exercise calls it: {error}. Keep its parameters and their order."
        )
    where = f" in line {lines[-1].lineno} of {Path(path).name}, `{lines[-1].line}`" if lines else ""
    return f"{task.function} raises {type(error).__name__}: {spoken(error)}{where}."


def absent(task: Task, module: Any) -> str:
    """That the learner's file lacks a function."""
    name = Path(str(getattr(module, "__file__", ""))).name
    return f"there is no {task.function} in {name}: keep the names of the functions that the exercise came with."


def spoken(error: BaseException) -> str:
    """What an error says, if it can."""
    try:
        return str(error)
    except Exception:  # a learner's own class may fail to
        return "(it cannot be printed)"
