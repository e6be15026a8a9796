"""Trying a task: many cases by hypothesis, then the smallest that fails, then what is probably wrong."""

from __future__ import annotations

import contextlib
import math
import time
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Flaky

from . import truth
from .observe import Outcome, observe
from .task import Exercise, Task
from .verdict import verdict

CASES = 40
SECONDS = 1.2  # for the cases after the first, and again for making a failing one smaller: a check takes 5 s at most


class Enough(BaseException):
    """The time is over: not an Exception, so that hypothesis lets it pass."""


def try_all(exercise: Exercise, module: Any) -> list[dict[str, Any]]:
    """How each task went. Of an exercise whose first functions are wrong the others are tried all the same."""
    return [try_task(task, module) for task in exercise.tasks]


def try_task(task: Task, module: Any) -> dict[str, Any]:
    """How a task went, as plain data: its function, a status ("right" or what is wrong), and the words of the verdict."""
    outcomes = run(task, module, generate=True)
    bad = [o for o in outcomes if o.status != "right"]
    if not bad:
        return {"function": task.function, "status": "right", "failed": f"0 of {len(outcomes)} cases"}
    if bad[0].status == "unwritten":
        return {"function": task.function, "status": "unwritten", "cause": "unwritten", "text": bad[0].text}
    return verdict(task, outcomes, smallest(task, module, bad))


def smallest(task: Task, module: Any, bad: list[Outcome]) -> Outcome:
    """The smallest case that fails in the way most do: with a wrong value rather than an exception, if there are both."""
    rank = lambda o: (o.status == "raised", sum(getattr(a, "size", 1) for a in o.arguments.values()))
    first = min(bad, key=rank)
    shrunk = [o for o in run(task, module, generate=False, status=first.status) if o.status == first.status]
    return min([first, *shrunk], key=lambda o: rank(o)[1])


def run(task: Task, module: Any, generate: bool, status: str = "") -> list[Outcome]:
    """The cases that were tried: drawn ones, or, from a failing one of that status, ever smaller ones."""
    seen: list[Outcome] = []
    end = math.inf  # until the first case, with which something may have to be compiled, is over

    @settings(
        max_examples=CASES,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate] if generate else [Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
        report_multiple_bugs=False,
    )
    @given(st.data())
    def case(data: Any) -> None:
        nonlocal end
        arguments = task.cases(data.draw)  # before Enough: hypothesis wants the same draws each time
        if time.perf_counter() > end:
            raise Enough
        seen.append(observe(task, module, truth.with_upstream(task, arguments)))
        end = min(end, time.perf_counter() + SECONDS)
        if seen[-1].status == "unwritten":
            raise Enough
        assert generate or seen[-1].status != status

    # Flaky: the function gives now this, now that (np.empty, random numbers)
    with contextlib.suppress(AssertionError, Enough, Flaky):
        case()
    return seen
