"""Measuring on a machine whose speed drifts: everything takes turns in short blocks, and medians are compared.

A block is a function that does some work and returns the seconds that one unit of it took.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Hashable, Mapping, Sequence
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np

Block = Callable[[], float]


class Spread(NamedTuple):
    """The quartiles of a list of measurements."""

    low: float
    median: float
    high: float

    def __format__(self, style: str) -> str:
        low, median, high = (format(value, style) for value in self)
        return f"{median} ({low} … {high})"


def spread(values: Sequence[float] | np.ndarray) -> Spread:
    """The quartiles of measurements that may hold outliers."""
    return Spread(*(float(q) for q in np.percentile(values, (25, 50, 75))))


def take_turns(
    blocks: Mapping[Any, Block], rounds: int, limit: float = np.inf, warm: int = 3, least: int = 3
) -> dict[Any, np.ndarray]:
    """Seconds of every block in every round, for as many rounds as begin within ``limit`` seconds, at least ``least``.

    Each round starts with another block, so that none always follows one; the first ``warm`` rounds do not count.
    """
    names, end = list(blocks), perf_counter() + limit
    seconds: dict[Hashable, list[float]] = {name: [] for name in names}
    for k in range(warm + rounds):
        if k >= warm + least and perf_counter() > end:
            break
        for j in range(len(names)):
            name = names[(k + j) % len(names)]
            seconds[name].append(blocks[name]())
    return {name: np.array(taken[warm:]) for name, taken in seconds.items()}


def repeated(function: Callable[[], object], times: int) -> Block:
    """A block that calls ``function`` so many times; the call itself is counted, so it should be small beside it."""
    turns = range(times)

    def block() -> float:
        start = perf_counter()
        for _ in turns:
            function()
        return (perf_counter() - start) / times

    return block


def busy_elsewhere() -> float:
    """Seconds of CPU time that all other programs have used since the machine started; NaN where it does not say.

    Processes of ours count as others until they have ended.
    """
    try:
        with open("/proc/stat") as file:
            user, nice, system, _idle, _wait, irq, soft, steal = map(int, file.readline().split()[1:9])
    except (OSError, ValueError):
        return float("nan")
    return (user + nice + system + irq + soft + steal) / os.sysconf("SC_CLK_TCK") - sum(os.times()[:4])
