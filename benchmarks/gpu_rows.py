"""Timing on the GPU, and the rows of its tables."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from tinylucid_kernels.gpu import driver

import tinylucid as tl

from .gpu_plan import PLANS

EMULATED = os.environ.get("TINYLUCID_GPU") == "emulated"
ROUNDS = 1 if EMULATED else 9
HEAD = ("case", "ours, ms", "PyTorch, ms", "ratio", "floor, ms", "of the floor's rate", "predicted, ms", "to reach", "")
rates: dict[str, float] = {}  # what the card does a second at most, by unit, once it is measured

try:
    import torch
except ImportError:
    torch = None  # type: ignore[assignment]
BESIDE = torch is not None and torch.cuda.is_available() and not EMULATED


class Row(NamedTuple):
    """One case: milliseconds of ours and of PyTorch (None: not measured), the work, and the unit in which it is counted."""

    case: str
    ours: float
    theirs: float | None = None
    work: float = 0
    unit: str = ""

    def limit(self, floor: float | None) -> float | None:
        """The milliseconds that the case may take; None where it has no bar, or what that asks for is missing."""
        bar = PLANS[self.case].bar if self.case in PLANS else None
        if bar is None or bar.of == "µs":
            return bar and bar.factor / 1e3
        against = floor if bar.of == "floor" else self.theirs
        return None if against is None else against / bar.factor

    def cells(self) -> tuple[str, ...]:
        """The columns of the table."""
        plan = PLANS.get(self.case)
        expected = (f"{plan.predicted:.3f}", plan.bar.words if plan.bar else "") if plan else ("", "")
        if EMULATED:
            return self.case, "not measured", "not measured", "", "", "", *expected, ""
        theirs, ratio = ("—", "—") if self.theirs is None else (f"{self.theirs:.3f}", f"{self.theirs / self.ours:.2f}")
        floor = self.work / rates[self.unit] * 1e3 if self.unit in rates else None
        told = ("", "") if floor is None else (f"{floor:.3f}", f"{floor / self.ours:.0%}")
        limit = self.limit(floor)
        reached = (
            "—"
            if limit is None and expected[1]
            else ""
            if limit is None
            else "met"
            if self.ours <= limit
            else "not met"
        )
        return self.case, f"{self.ours:.3f}", theirs, ratio, *told, *expected, reached


def timed(
    ours: Callable[[], Any], theirs: Callable[[], Any] | None = None, times: int = 10, wait: bool = False
) -> tuple[float, float | None]:
    """Milliseconds of a call of each, medians of blocks of so many calls that take turns, the first block left out.

    ``wait`` ends a block when all streams are done: a captured step may run in one of its own.
    """
    cuda, found = driver.cupy().cuda, ([], [])  # type: tuple[Any, tuple[list[float], list[float]]]
    for k in range(ROUNDS + 1):
        for call, kept in zip((ours, theirs), found):
            if call is None:
                continue
            start, end = cuda.Event(), cuda.Event()
            start.record()
            for _ in range(1 if EMULATED else times):
                call()
            if wait:
                cuda.runtime.deviceSynchronize()
            end.record()
            end.synchronize()
            if k:
                kept.append(cuda.get_elapsed_time(start, end) / times)
    return float(np.median(found[0])), float(np.median(found[1])) if found[1] else None


def array(*shape: int) -> Any:
    """Normal numbers on the GPU."""
    return tl.randn(*shape, device="cuda").data


def lent(a: Any) -> Any:
    """The same memory as a PyTorch tensor."""
    return torch.from_dlpack(a)
