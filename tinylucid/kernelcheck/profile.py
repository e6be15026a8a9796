"""Counting what a kernel asks of memory, and where the lanes of its warps part: line by line, the same each time, and no time."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from tinylucid_kernels.emulator.compile import Library
from tinylucid_kernels.emulator.counts import Count, counts
from tinylucid_kernels.emulator.fault import Fault
from tinylucid_kernels.emulator.launch import LaunchError, launch

from ..exercises.drawn import Draw
from . import PARTED, Unable, words
from .cases import Case, filled
from .plan import Plan, plan
from .source import Source

USUAL = {1: 4096, 2: 128}  # what a size is, by how many there are
REST = 64
BLOCK = 256
LARGER = 64  # than the largest case of a check may a profile be
SECONDS = 60.0
ALL_BANKS = 128  # bytes: so far apart, words lie in the same bank


def profile(source: Source, sizes: dict[str, int]) -> list[dict[str, Any]]:
    """What was counted of each kernel, as plain data: its ``case`` in words, ``rows`` by cost, ``says`` sentences on the worst.

    ``sizes``: those that are not to be the usual ones, by name.
    """
    library = source.library(source.reals[0], count=True)
    plans = [plan(kernel, library) for kernel in source.kernels]
    there = list(dict.fromkeys(name for planned in plans for name in planned.sizes))
    if strange := [name for name in sizes if name not in there]:
        raise Unable(f"--size {strange[0]}: the sizes are {', '.join(there) or 'fixed'}")
    return [profile_kernel(planned, source, library, sizes) for planned in plans]


def profile_kernel(plan: Plan, source: Source, library: Library, sizes: dict[str, int]) -> dict[str, Any]:
    """What was counted of one kernel."""
    case = the_case(plan, {name: sizes.get(name, USUAL.get(len(plan.sizes), REST)) for name in plan.sizes})
    rows = [row(plan, each) for each in merged(run(plan, source, library, case))]
    rows.sort(key=lambda r: (-r["extra"], -r["cost"], r["line"]))
    says = [text for text in map(say, rows) if text][:3]
    return {"kernel": plan.kernel.name, "case": case.in_words(), "rows": rows, "says": says}


def the_case(plan: Plan, sizes: dict[str, int]) -> Case:
    """The one case of these sizes; its numbers are the same each time."""
    cases: list[Case] = []

    @seed(0)
    @settings(
        max_examples=1, database=None, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck)
    )
    @given(st.data())
    def one(data: Any) -> None:
        cases.append(filled(plan, Draw(data.draw), sizes, () if plan.block else (BLOCK,), plan.outputs, LARGER))

    one()
    return cases[0]


def run(plan: Plan, source: Source, library: Library, case: Case) -> list[Count]:
    """What was counted in a launch."""
    try:
        launch(library, plan.kernel.name, case.grid, case.block, [*case.values.values()], 0, 0, SECONDS)
    except LaunchError as error:
        said = words.told(error.fault, plan, source, library, case) if isinstance(error.fault, Fault) else str(error)
        raise Unable(
            f"{plan.kernel.name} cannot be profiled before it is right. {said} (`cuda check` finds the smallest case)"
        ) from error
    return counts(library)


def merged(counted: list[Count]) -> list[Count]:
    """One for each line, kind and array: a line may hold several instructions."""
    found: dict[tuple, Count] = {}
    for c in counted:
        key = (c.line, c.kind, c.array, c.shared, c.size)
        if (old := found.get(key)) is not None:
            dearer = c if c.most > old.most else old
            c = dearer._replace(
                requests=old.requests + c.requests, cost=old.cost + c.cost, fewest=old.fewest + c.fewest
            )
        found[key] = c
    return [*found.values()]


def row(plan: Plan, c: Count) -> dict[str, Any]:
    """A line of the table: ``cost`` sectors, turns or partings in all, ``fewest`` the least there could be, ``extra`` what is too many."""
    what = "branch" if c.kind == "branch" else f"{c.kind} {[*plan.codes][c.array] if c.array >= 0 else c.shared}"
    unit = PARTED if c.kind == "branch" else "sectors" if c.array >= 0 else "turns"
    return {
        "line": words.number(c.line),
        "what": what,
        "unit": unit,
        "requests": c.requests,
        "cost": c.cost,
        "fewest": c.fewest,
        "extra": c.cost - c.fewest,
        "most": c.most,
        "step": c.step,
        "size": c.size,
    }


def say(r: dict[str, Any]) -> str:
    """A sentence on a line that costs more than it must; "" if it does not, or hardly."""
    line = f"line {r['line']}, {r['what']}: "
    if r["unit"] == PARTED:
        if r["cost"] * 4 < r["requests"]:
            return ""
        return (
            f"{line}in {r['cost']} of {r['requests']} arrivals the lanes of a warp go different ways, and wait for each other. "
            "Let the condition be the same for 32 neighbouring threads, where that can be."
        )
    each, least = r["cost"] / r["requests"], r["fewest"] / r["requests"]
    if each < 1.5 * least or r["step"] == r["size"]:  # the latter: lanes between take no part, which the branch tells
        return ""
    step = "" if r["step"] is None else f"neighbouring threads are {in_bytes(abs(r['step']))} apart: "
    if r["unit"] == "turns":
        advice = (
            "Lengthen the rows of the array by 1, so that they begin in other banks."
            if (r["step"] or 0) % ALL_BANKS == 0
            else "Neighbouring threads are best 4 bytes apart."
        )
        return f"{line}{step}the 32 banks of shared memory take {each:.3g} turns a request where {least:.3g} would do. {advice}"
    advice = (
        "Let threadIdx.x run along the last axis, so that they lie side by side."
        if abs(r["step"] or 0) > r["size"]
        else "Requests are cheapest where 32 threads read side by side."
    )
    return f"{line}{step}{each:.3g} sectors a request where {least:.3g} would do. {advice}"


def in_bytes(count: int) -> str:
    """A number of bytes."""
    return f"{count / 1024:g} KB" if count >= 1024 and count % 512 == 0 else f"{count} bytes"
