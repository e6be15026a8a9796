"""The NumPy function beside a kernel: what it takes, and what it returns for a case."""

from __future__ import annotations

import inspect
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from . import Unable
from .cases import Case
from .plan import Plan


def starting(plans: list[Plan]) -> str:
    """A file of NumPy functions to fill in."""
    text = "import numpy as np\n"
    for plan in plans:
        inputs = [name for name in plan.codes if name not in plan.outputs and name not in plan.sizes]
        returned = ", ".join(plan.outputs)
        example = next((name for name in inputs if plan.codes[name][0] == "C"), "...")
        taken = ", ".join(inputs or plan.outputs)
        text += f"\n\ndef {plan.kernel.name}({taken}):\n"
        text += f'    """What {returned} should be."""\n    return {example}  # instead of this\n'
    return text


def function_of(plan: Plan, module: Any, path: Path) -> Callable:
    """The function of the kernel's name, in the module of a file; Unable if it is not there or takes what the kernel has not."""
    name = plan.kernel.name
    function = getattr(module, name, None)
    if not inspect.isfunction(function):
        there = [k for k, v in vars(module).items() if inspect.isfunction(v) and v.__module__ == module.__name__]
        has = f"it has {', '.join(there)}" if there else "it has none"
        raise Unable(f"{path} needs a function {name}, of the kernel's name; {has}. For example", starting([plan]))
    known = [*plan.codes, *(size for size in plan.sizes if size not in plan.codes)]
    for parameter in inspect.signature(function).parameters.values():
        if parameter.name not in known and parameter.default is inspect.Parameter.empty:
            raise Unable(
                f"{path}, {name}: its parameter {parameter.name} is none of the kernel's, which are {', '.join(known)}. "
                "It takes those that it needs, by the same names"
            )
    return function


def expected(plan: Plan, function: Callable, case: Case) -> dict[str, np.ndarray]:
    """What each output should be, in float64 or int64; Unable where the function fails or returns something else."""
    name = plan.kernel.name
    taken = [p for p in inspect.signature(function).parameters if p in case.values or p in case.sizes]
    given = {p: wide(case.values.get(p, case.sizes.get(p))) for p in taken}
    before = {p: a.copy() for p, a in given.items() if isinstance(a, np.ndarray)}
    try:
        with np.errstate(all="ignore"):
            returned = function(**given)
    except Exception as error:  # anything can be wrong with code that is not ours
        last = traceback.extract_tb(error.__traceback__)[-1]
        shapes = ", ".join(
            f"{p}{list(a.shape)}" if isinstance(a, np.ndarray) else f"{p} = {a}" for p, a in given.items()
        )
        raise Unable(
            f"{name} in Python fails for {shapes}: {type(error).__name__}: {error} ({Path(last.filename).name}, line {last.lineno}). "
            f"{out_of_range(plan)}".strip(),
            *[f"// values: {index} = 0 to n - 1" for index in whole_arrays(plan)[:1]],
        ) from error
    if returned is None:
        raise Unable(f"{name} in Python returns nothing: end it with return {', '.join(plan.outputs)}")
    results = list(returned) if isinstance(returned, tuple) else [returned]
    fresh = [output for output in plan.outputs if output not in taken]
    names = plan.outputs if len(results) == len(plan.outputs) else fresh
    if len(results) != len(names):
        raise Unable(
            f"{name} in Python returns {len(results)} arrays, but the kernel may write to {len(plan.outputs)}: "
            f"{', '.join(plan.outputs)}. Return these in this order, and write const before the parameters that are only read"
        )
    wanted = {output: before[output] for output in plan.outputs if output in before}
    return wanted | {output: fitting(plan, case, output, result) for output, result in zip(names, results)}


def whole_arrays(plan: Plan) -> list[str]:
    """The arrays of whole numbers, of which no comment says from where to where they go."""
    return [name for name, code in plan.codes.items() if code[:2] in ("Ci", "Cu") and name not in plan.ranges]


def out_of_range(plan: Plan) -> str:
    """What to write if an array holds indices."""
    indices = whole_arrays(plan)
    return (
        f"{indices[0]} holds numbers from 0 to 9; if they are indices, say in a comment above the kernel"
        if indices
        else ""
    )


def wide(value: Any) -> Any:
    """An argument for the function: in double precision, so that it is the better of the two, and its own copy."""
    if not isinstance(value, np.ndarray):
        return value.item() if isinstance(value, np.generic) else value
    return value.astype(np.float64 if value.dtype.kind == "f" else np.int64)


def fitting(plan: Plan, case: Case, output: str, result: Any) -> np.ndarray:
    """A result as an array with as many elements as the output has."""
    try:
        array = np.asarray(result)
        array = array.astype(np.int64 if array.dtype.kind in "biu" else np.float64)
    except (TypeError, ValueError):
        raise Unable(
            f"{plan.kernel.name} in Python returns a {type(result).__name__} for {output}, expected an array"
        ) from None
    expected = case.values[output].size
    if array.size != expected:
        axes = "".join(f"[{text}]" for text in plan.lengths[output])
        raise Unable(
            f"{plan.kernel.name} in Python returns {array.size} numbers for {output}, which has {expected} for {case.in_words()}. "
            f"If {output}{axes} is not its size, say it in a comment above the kernel",
            f"// sizes: {', '.join(a + ''.join(f'[{t}]' for t in axes) for a, axes in plan.lengths.items())}",
        )
    return array
