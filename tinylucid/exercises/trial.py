"""Trying a task: many cases by hypothesis, then the smallest that fails, then what is probably wrong."""

from __future__ import annotations

import contextlib
import io
import math
import time
from typing import Any

import numpy as np
from hypothesis import given, seed
from hypothesis import strategies as st
from hypothesis.errors import Flaky

from ..check.diagnose import UNKNOWN
from . import truth
from .drawn import Draw, search
from .observe import Outcome, observe
from .task import Exercise, Task
from .verdict import in_short, size, verdict

CASES = 100
FEWEST = 25
FEW = 8  # cases that fail; if they are fewer, others are drawn, or the cause might be chance
SEED = 0  # of the cases: each check of a file says the same
SECONDS = 2.4  # of computing; a learner's code that is slow gets fewer cases, so that a check takes 5 s at most
PRINTED = 2000  # characters that are kept of what a function prints


class Limited(io.StringIO):
    """Keeps the first characters that are printed: a loop may print for ever."""

    def write(self, text: str) -> int:
        """Keep what there is room for."""
        super().write(text[: max(0, PRINTED - self.tell())])
        return len(text)


def try_all(exercise: Exercise, module: Any) -> list[dict[str, Any]]:
    """How each task went; a task after one that failed, and of which nothing is recognised, may fail for that reason."""
    found: list[dict[str, Any]] = []
    for task in exercise.tasks:
        one = try_task(task, module, SECONDS / len(exercise.tasks))
        wrong = [other["function"] for other in found if other["status"] not in ("right", "unwritten")]
        if wrong and one.get("causes") == [in_short(UNKNOWN)]:
            one["text"] = f"{task.function} is wrong too, perhaps since {wrong[0]} is."
        found.append(one)
    return found


def try_task(task: Task, module: Any, seconds: float = SECONDS) -> dict[str, Any]:
    """How a task went, as plain data: its function, a status ("right" or what is wrong), and the words of the verdict."""
    outcomes = run(task, module, seconds)
    if 0 < sum(o.status != "right" for o in outcomes) < FEW <= len(outcomes):
        outcomes += run(task, module, seconds / 2, seed_of_cases=SEED + 1)
    bad = [o for o in outcomes if o.status != "right"]
    if not bad:
        return {"function": task.function, "status": "right", "failed": f"0 of {len(outcomes)} cases"}
    if bad[0].status == "unwritten":
        return {"function": task.function, "status": "unwritten", "cause": "unwritten", "text": bad[0].text}
    least = smallest(task, module, bad, seconds)
    found = verdict(task, outcomes, least)
    if any(o.evidence and differs(task, module, o) for o in [least, *sorted(bad, key=size)[-3:]]):
        words = f"{task.function} gives two results for the same arguments: no random numbers, and nothing kept from call to call."
        found |= {"text": f"{words} {found['text']}", "cause": "random", "causes": ["random", *found["causes"]]}
    with contextlib.redirect_stdout(Limited()) as printed:
        observe(task, module, least.arguments)
    return found | {"printed": printed.getvalue()}


def differs(task: Task, module: Any, outcome: Outcome) -> bool:
    """Whether the learner's function gives another result when it is asked again."""
    with contextlib.redirect_stdout(Limited()):
        again = observe(task, module, outcome.arguments).evidence
    same = lambda name: np.array_equal(outcome.evidence[name].given, again[name].given, equal_nan=True)
    return again.keys() != outcome.evidence.keys() or not all(same(name) for name in again)


def smallest(task: Task, module: Any, bad: list[Outcome], seconds: float) -> Outcome:
    """The smallest case that fails in the way most do: with a wrong value rather than an exception, if there are both."""
    first = min(bad, key=lambda o: (o.status == "raised", size(o)))
    shrunk = [o for o in run(task, module, seconds / 2, first.status) if o.status == first.status]
    return min([first, *shrunk], key=size)


def run(task: Task, module: Any, seconds: float, failing: str = "", seed_of_cases: int = SEED) -> list[Outcome]:
    """The cases that were tried: drawn ones, or, from one that is ``failing`` in that way, ever smaller ones."""
    seen: list[Outcome] = []
    end = math.inf  # until the first case, with which something may have to be compiled, is over

    @seed(seed_of_cases)
    @search(CASES, failing)
    @given(st.data())
    def case(data: Any) -> None:
        nonlocal end
        arguments = task.cases(Draw(data.draw))
        if seen and seen[-1].status == "unwritten":
            return
        if len(seen) >= FEWEST and time.process_time() > end:  # not the clock's time: other programs change nothing
            return
        seen.append(observe(task, module, truth.with_upstream(task, arguments)))
        end = min(end, time.process_time() + seconds)
        assert not failing or seen[-1].status != failing

    # flaky: time is over, or the function gives now this, now that
    with contextlib.suppress(AssertionError, Flaky), contextlib.redirect_stdout(Limited()):
        case()
    return seen
