"""What recording and differentiating an operation cost in Python, on top of the arithmetic.

``python -m benchmarks.overhead ROUNDS`` prints quartiles in microseconds as JSON.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from time import perf_counter

import numpy as np

import tinylucid as tl

from .rows import Figure
from .timing import Block, Spread, repeated, spread, take_turns
from .worker import fresh

GROUP = "overhead"
BOUNDS = {"forward": 1.5, "backward": 2.5}  # microseconds
NAMES = tuple(f"overhead of an operation, {direction}" for direction in BOUNDS)
CALLS, CHAIN = 200, 300  # units in a block of forward and of backward


def figures(wanted: set[str], quick: bool) -> Iterator[Figure]:
    """Those that are wanted."""
    if not wanted & set(NAMES):
        return
    found = fresh("benchmarks.overhead", "250" if quick else "2000")
    for name, (direction, bound) in zip(NAMES, BOUNDS.items()):
        if name in wanted:
            note = f"beside np.add's {found['numpy']:.2f}"
            yield Figure(GROUP, name, Spread(*found[direction]), "µs", ("≤", bound), note)


def blocks() -> dict[str, Block]:
    """np.add, the recorded addition of 4×4 numbers, and backward through a chain of additions."""
    a = tl.zeros(4, 4, requires_grad=True)  # zeros: doubled 300 times they stay finite
    x, g = a.data, np.zeros((4, 4), np.float32)

    def backward() -> float:
        y = a
        for _ in range(CHAIN):
            y = y + y
        a.grad = None
        start = perf_counter()
        y.backward(g)
        return (perf_counter() - start) / CHAIN

    return {
        "numpy": repeated(lambda: np.add(x, x), CALLS),
        "forward": repeated(lambda: a + a, CALLS),
        "backward": backward,
    }


def measured(rounds: int) -> dict[str, object]:
    """Microseconds: np.add's median, and the quartiles of what forward and backward take beyond it."""
    seconds = take_turns(blocks(), rounds)
    numpy = seconds["numpy"]
    return {"numpy": 1e6 * float(np.median(numpy))} | {k: spread(1e6 * (seconds[k] - numpy)) for k in BOUNDS}


if __name__ == "__main__":
    print(json.dumps(measured(int(sys.argv[1]))))
