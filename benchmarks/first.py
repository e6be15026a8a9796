"""The beginning: importing, and the very first training step, with an empty cache of compiled kernels and with a filled one.

``python -m benchmarks.first import PACKAGE`` and ``python -m benchmarks.first step`` print the seconds that it takes.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from importlib import import_module
from time import perf_counter

from .rows import Figure
from .timing import spread, take_turns
from .worker import fresh

GROUP = "start"
IMPORT, COLD, WARM = "import, beyond that of numpy", "LeNet's first step, cold", "LeNet's first step, warm"
NAMES = (IMPORT, COLD, WARM)


def figures(wanted: set[str], quick: bool) -> Iterator[Figure]:
    """Those that are wanted."""
    if IMPORT in wanted:
        blocks = {name: lambda name=name: fresh("benchmarks.first", "import", name) for name in ("numpy", "tinylucid")}
        taken = take_turns(blocks, 3 if quick else 11, warm=1)
        yield Figure(GROUP, IMPORT, spread(taken["tinylucid"] - taken["numpy"]), "s", ("≤", 0.3))
    if not {COLD, WARM} & wanted:
        return
    cold, warm = [], []
    for _ in range(1 if quick else 3):
        with tempfile.TemporaryDirectory() as cache:
            cold.append(fresh("benchmarks.first", "step", NUMBA_CACHE_DIR=cache))
            warm += [fresh("benchmarks.first", "step", NUMBA_CACHE_DIR=cache) for _ in range(3)]
    for name, seconds, bound in ((COLD, cold, 8.0), (WARM, warm, 0.8)):
        if name in wanted:
            yield Figure(GROUP, name, spread(seconds), "s", ("≤", bound))


def step() -> float:
    """Seconds from ``import tinylucid`` to the end of LeNet's first training step."""
    start = perf_counter()
    import tinylucid

    from . import nets

    nets.step(tinylucid, nets.LENET)()
    return perf_counter() - start


def importing(package: str) -> float:
    """Seconds of an import."""
    start = perf_counter()
    import_module(package)
    return perf_counter() - start


if __name__ == "__main__":
    print(step() if sys.argv[1] == "step" else importing(sys.argv[2]))
