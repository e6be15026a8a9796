"""Trying a kernel: many cases by hypothesis, each in three orders of blocks and threads, then the smallest that fails."""

from __future__ import annotations

import contextlib
import inspect
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np
from hypothesis import given, seed
from hypothesis import strategies as st
from hypothesis.errors import Flaky, Unsatisfiable
from tinylucid_kernels.emulator.compile import Library
from tinylucid_kernels.emulator.fault import Fault
from tinylucid_kernels.emulator.launch import LaunchError, launch

from ..exercises.drawn import Draw, search
from ..exercises.verdict import text as written
from ..patience import patience
from . import Unable, numbers, words
from .cases import Case, drawn, untouched
from .plan import Plan, plan
from .source import Kernel, Source
from .twin import expected, function_of

CASES = 60
FEW = 6  # cases that fail before the search for the smallest begins
SECONDS = 2.0  # of computing in one launch, until it is taken to loop for ever
PRINTED = 1000  # bytes of what a kernel prints in the smallest case that are shown
ORDERS = {0: "forwards", 1: "backwards", 2: "in a random order"}
KINDS = [*(kind for kind, _ in words.KINDS), "order", "never written", "numbers"]  # the first is the one to tell


class Outcome(NamedTuple):
    """What happened in a case: a ``kind`` of KINDS or "right"; a fault, or of one output what was given and what is right."""

    kind: str
    case: Case
    fault: Fault | None = None
    name: str = ""
    given: np.ndarray | None = None
    wanted: np.ndarray | None = None
    says: str = ""


def check(source: Source, module: Any, path: Path) -> list[dict[str, Any]]:
    """What is found of each kernel of a file, beside the functions of the Python file at ``path``, as plain data."""
    return [check_kernel(source, kernel, module, path) for kernel in source.kernels]


def check_kernel(source: Source, kernel: Kernel, module: Any, path: Path) -> dict[str, Any]:
    """What is found of a kernel, in float and in double if it is written for both."""
    found: dict[str, Any] = {}
    for real in source.reals:
        library = source.library(real)
        planned = plan(kernel, library)
        function = function_of(planned, module, path)
        found = judged(planned, source, library, function) | {"kernel": kernel.name, "real": real}
        if found["status"] == "wrong":
            return found
    return found


def judged(plan: Plan, source: Source, library: Library, function: Callable) -> dict[str, Any]:
    """The verdict on one compiled kernel."""
    with kept_quiet():
        outcomes = run(plan, library, function)
    bad = [o for o in outcomes if o.kind != "right"]
    if not bad:
        return {"status": "right", "kind": "", "text": "", "case": [], "printed": "", "cases": len(outcomes)}
    worst = min(bad, key=lambda o: KINDS.index(o.kind)).kind
    with kept_quiet():
        shrunk = [o for o in run(plan, library, function, worst) if o.kind == worst]
    least = shrunk[-1] if shrunk else next(o for o in bad if o.kind == worst)
    alike = [o for o in bad if o.kind == worst and o.name == least.name]
    with kept_quiet() as printed:
        launched(plan, library, least.case, 0)
        printed.seek(0)
        said = printed.read(PRINTED).decode("utf-8", "replace")
    return {
        "status": "wrong",
        "kind": worst,
        "text": sentence(least, alike, plan, source, library) + with_which_blocks(plan, outcomes, alike),
        "case": shown(least),
        "printed": said,
        "cases": len(outcomes),
    }


@contextlib.contextmanager
def kept_quiet() -> Iterator[IO[bytes]]:
    """What kernels print, on each of many launches, goes into a file."""
    sys.stdout.flush()
    before = os.dup(1)
    with tempfile.TemporaryFile() as file:
        os.dup2(file.fileno(), 1)
        try:
            yield file
        finally:
            os.dup2(before, 1)
            os.close(before)


def with_which_blocks(plan: Plan, outcomes: list[Outcome], alike: list[Outcome]) -> str:
    """Whether only blocks of one size do it, where the check chose the sizes."""
    right, wrong = ({o.case.block[0] for o in some} for some in ([o for o in outcomes if o.kind == "right"], alike))
    if plan.block or alike[0].kind != "numbers" or len(right - wrong) < 2 or len(wrong) != 1 or len(alike) < 4:
        return ""
    return (
        f" It is right with blocks of {', '.join(map(str, sorted(right - wrong)))} threads and wrong with {min(wrong)}: does it need "
        "a power of 2, or one number of threads? If it is always started alike, say so in a comment above it:"
        "\n    // launch: grid (n + 255) / 256, block 256"
    )


def run(plan: Plan, library: Library, function: Callable, failing: str = "") -> list[Outcome]:
    """The cases that were tried: drawn ones until some fail, or, from one that is ``failing`` in that way, ever smaller ones."""
    seen: list[Outcome] = []
    taken = list(inspect.signature(function).parameters)

    @seed(0)
    @search(CASES, failing)
    @given(st.data())
    def one(data: Any) -> None:
        if (not failing and sum(o.kind != "right" for o in seen) >= FEW) or "time" in [o.kind for o in seen]:
            return
        case = drawn(plan, Draw(data.draw), taken)
        more(1)
        seen.append(tried(plan, library, function, case))
        assert not failing or seen[-1].kind != failing

    with patience(plan.kernel.name, None if failing else CASES) as more, contextlib.suppress(AssertionError, Flaky):
        try:
            one()
        except Unsatisfiable:
            raise Unable(f"// values: of {plan.kernel.name} leave no sizes to try") from None
    return seen


def tried(plan: Plan, library: Library, function: Callable, case: Case) -> Outcome:
    """What happens in a case."""
    wanted = expected(plan, function, case)
    results: list[dict[str, np.ndarray]] = []
    for order in ORDERS:
        found = launched(plan, library, case, order)
        if isinstance(found, Fault):
            return faulty(plan, library, case, order, found)
        results.append(found)
    first = results[0]
    for name in plan.outputs:
        wrong = numbers.wrong_elements(first[name], wanted[name]) if name in wanted else np.empty(0, int)
        if name in case.marked and untouched(first[name]).flat[wrong].any():
            return never_written(plan, library, case, name, first[name], wanted[name])
        for order, other in zip([*ORDERS][1:], results[1:]):
            if numbers.wrong_elements(first[name], other[name]).size:
                return in_another_order(plan, case, name, first[name], other[name], ORDERS[order])
        if wrong.size:
            return Outcome("numbers", case, None, name, first[name], wanted[name])
    return Outcome("right", case)


def faulty(plan: Plan, library: Library, case: Case, order: int, fault: Fault) -> Outcome:
    """The outcome of a fault; if shared memory was read too early, the race with the thread that writes it later."""
    if words.kind_of(fault) == "unwritten":
        later = launched(plan, library, case, order, unset=True)
        if isinstance(later, Fault) and words.kind_of(later) == "race":
            fault = later
    return Outcome(words.kind_of(fault), case, fault)


def launched(
    plan: Plan, library: Library, case: Case, order: int, unset: bool = False
) -> dict[str, np.ndarray] | Fault:
    """The outputs after a launch, or its fault."""
    arguments = {name: a.copy() if isinstance(a, np.ndarray) else a for name, a in case.values.items()}
    try:
        launch(library, plan.kernel.name, case.grid, case.block, [*arguments.values()], 0, order, SECONDS, unset)
    except LaunchError as error:
        if error.fault is None:  # no GPU launches it so
            raise Unable(f"{error} (for {case.in_words()})") from error
        return error.fault
    return {name: arguments[name] for name in plan.outputs}


def in_another_order(plan: Plan, case: Case, name: str, one: np.ndarray, other: np.ndarray, order: str) -> Outcome:
    """The result is not the same in every order."""
    k = int(numbers.wrong_elements(one, other)[0])
    says = (
        f"The result depends on the order in which blocks and threads run, and a GPU runs them in any: "
        f"{numbers.element(plan, name, k, case)} is {numbers.short(one.flat[k])} if they run forwards "
        f"and {numbers.short(other.flat[k])} {order}."
    )
    return Outcome("order", case, None, name, one, other, says)


def never_written(
    plan: Plan, library: Library, case: Case, name: str, given: np.ndarray, wanted: np.ndarray
) -> Outcome:
    """Elements that still hold the mark: no thread came there, or one added to what was there."""
    wrong = numbers.wrong_elements(given, wanted)
    still = untouched(given).ravel()
    element = numbers.element(plan, name, int(wrong[still[wrong]][0]), case)
    cleared = case._replace(values={**case.values, name: np.zeros_like(case.values[name])})
    again = launched(plan, library, cleared, 0)
    if isinstance(again, dict) and is_added(again[name].ravel(), wanted, still, wrong):
        says = (
            f"{element} is added to, but nothing was put there before: an array of a GPU does not begin as 0. Set it in the kernel; "
            f"or, if whoever starts the kernel clears it, say so in a comment above it:\n    // start: {name} = 0"
        )
    else:
        says = (
            f"{element} is never written: {still.sum()} of {still.size} elements are left out, for {case.in_words()}."
        )
        if "blockIdx" not in plan.kernel.body:
            says += f" blockIdx is used nowhere, so that each block does the same work. Usually: {words.INDEX}"
        elif not plan.grid:
            says += (
                f" Here each element has a thread, {case.grid[0]} × {case.block[0]} of them; if it is to be started otherwise, "
                "say so in a comment above it:\n    // launch: grid (n + 255) / 256, block 256"
            )
    return Outcome("never written", case, None, name, given, wanted, says)


def is_added(cleared: np.ndarray, wanted: np.ndarray, still: np.ndarray, wrong: np.ndarray) -> bool:
    """Whether a kernel adds to what is there: it is right on an array of zeros, and not since it leaves zeros alone."""
    return not numbers.wrong_elements(cleared, wanted).size and bool(cleared[still].any() or not still[wrong].all())


def sentence(least: Outcome, alike: list[Outcome], plan: Plan, source: Source, library: Library) -> str:
    """What is wrong."""
    if least.fault is not None:
        return words.told(least.fault, plan, source, library, least.case)
    if least.says:
        return least.says
    assert least.given is not None
    assert least.wanted is not None
    said = numbers.difference(plan, least.name, least.given, least.wanted, least.case)
    results = [(o.case, o.given, o.wanted) for o in [*alike, least] if o.given is not None and o.wanted is not None]
    why = source.suspicion(plan.kernel) or numbers.cause(plan, least.name, results)
    return f"Wrong numbers: {said}. {why}".rstrip()


def shown(outcome: Outcome) -> list[tuple[str, str]]:
    """The smallest case: what went in, and, if it ended, what came out and what is right."""
    case = outcome.case
    lines = [("sizes", case.in_words())]
    lines += [
        (name, written(v)) for name, v in case.values.items() if name not in case.marked and name not in case.sizes
    ]
    marks = outcome.kind == "never written" and outcome.given is not None and outcome.given.dtype.kind != "f"
    if outcome.given is not None and outcome.wanted is not None and outcome.kind != "order" and not marks:
        given = outcome.given.reshape(outcome.wanted.shape)  # what was never written is NaN
        lines += [
            (f"your {outcome.name}", written(given)),
            (f"right {outcome.name}", written(np.asarray(np.round(outcome.wanted, 6)))),
        ]
    return lines
