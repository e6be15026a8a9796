"""Trying a task: many cases by hypothesis, then the smallest that fails, then what is probably wrong."""

from __future__ import annotations

import contextlib
import math
import time
from typing import Any

import numpy as np
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from hypothesis.errors import Flaky

from . import truth
from .observe import Outcome, observe
from .task import Exercise, Task
from .verdict import size, verdict

CASES = 100
FEWEST = 25
SECONDS = 2.4  # of computing; a learner's code that is slow gets fewer cases, so that a check takes 5 s at most


def try_all(exercise: Exercise, module: Any) -> list[dict[str, Any]]:
    """How each task went. Of an exercise whose first functions are wrong the others are tried all the same."""
    return [try_task(task, module, SECONDS / len(exercise.tasks)) for task in exercise.tasks]


def try_task(task: Task, module: Any, seconds: float = SECONDS) -> dict[str, Any]:
    """How a task went, as plain data: its function, a status ("right" or what is wrong), and the words of the verdict."""
    outcomes = run(task, module, seconds)
    bad = [o for o in outcomes if o.status != "right"]
    if not bad:
        return {"function": task.function, "status": "right", "failed": f"0 of {len(outcomes)} cases"}
    if bad[0].status == "unwritten":
        return {"function": task.function, "status": "unwritten", "cause": "unwritten", "text": bad[0].text}
    found = verdict(task, outcomes, smallest(task, module, bad, seconds))
    told = [o for o in bad if o.evidence]
    if told and differs(task, module, max(told, key=size)):  # of few numbers some come out the same by chance
        words = f"{task.function} gives two results for the same arguments: no random numbers, and nothing kept from call to call."
        found |= {"text": f"{words} {found['text']}", "causes": ["random", *found["causes"]]}
    return found


def differs(task: Task, module: Any, outcome: Outcome) -> bool:
    """Whether the learner's function gives another result when it is asked again."""
    again = observe(task, module, outcome.arguments).evidence
    same = lambda name: np.array_equal(outcome.evidence[name].given, again[name].given, equal_nan=True)
    return again.keys() != outcome.evidence.keys() or not all(same(name) for name in again)


def smallest(task: Task, module: Any, bad: list[Outcome], seconds: float) -> Outcome:
    """The smallest case that fails in the way most do: with a wrong value rather than an exception, if there are both."""
    rank = lambda o: (o.status == "raised", sum(getattr(a, "size", 1) for a in o.arguments.values()))
    first = min(bad, key=rank)
    shrunk = [o for o in run(task, module, seconds / 2, first.status) if o.status == first.status]
    return min([first, *shrunk], key=lambda o: rank(o)[1])


def run(task: Task, module: Any, seconds: float, failing: str = "") -> list[Outcome]:
    """The cases that were tried: drawn ones, or, from one that is ``failing`` in that way, ever smaller ones."""
    seen: list[Outcome] = []
    end = math.inf  # until the first case, with which something may have to be compiled, is over

    @seed(0)  # without it hypothesis takes one from this source
    @settings(
        max_examples=CASES,
        database=None,
        deadline=None,
        phases=[Phase.generate, Phase.shrink] if failing else [Phase.generate],
        suppress_health_check=list(HealthCheck),
        report_multiple_bugs=False,
    )
    @given(st.data())
    def case(data: Any) -> None:
        nonlocal end
        arguments = task.cases(data.draw)
        if seen and seen[-1].status == "unwritten":
            return
        if len(seen) >= FEWEST and time.process_time() > end:  # not the clock's time: other programs change nothing
            return
        seen.append(observe(task, module, truth.with_upstream(task, arguments)))
        end = min(end, time.process_time() + seconds)
        assert not failing or seen[-1].status != failing

    with contextlib.suppress(
        AssertionError, Flaky
    ):  # flaky: time is over, or it gives now this, now that (random numbers)
        case()
    return seen
