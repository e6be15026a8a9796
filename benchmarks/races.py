"""The races: every case in each library, on two threads and on one, all in turns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from typing import NamedTuple

import numpy as np

from .case import Case, floor
from .machine import Speeds
from .rows import Figure, Race, Row
from .timing import spread, take_turns
from .worker import Failure, Worker

ALIKE = 0.05  # how far results of the same work may differ: dropout draws other numbers in each library
SPEEDUP = 1.75  # what two threads should be over one, of a convolutional net


class Pace(NamedTuple):
    """How long to measure: seconds of a block, rounds, and seconds after which a case gets no further ones."""

    block: float
    rounds: int
    limit: float


FULL, QUICK = Pace(0.01, 21, 8.0), Pace(0.003, 3, 0.12)


def rivals(quick: bool) -> list[str]:
    """The libraries that are installed; a quick run leaves out JAX, which compiles every case for a second."""
    names = ("tinylucid", "torch") if quick else ("tinylucid", "torch", "jax")
    return [name for name in names if find_spec(name)]


class Field:
    """The workers of a run, a process for each library and number of threads."""

    def __init__(self, libraries: Sequence[str], threads: Sequence[int]) -> None:
        self.workers = {(library, n): Worker(library, n) for library in libraries for n in threads}

    def __enter__(self) -> Field:
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self.workers.values():
            worker.close()

    def race(self, case: Case, pace: Pace, speeds: Speeds) -> Iterator[Row]:
        """The case's race, and for a convolutional net in training what the second thread brings."""
        floors = {threads: floor(case.works, *speed) for threads, speed in speeds.items()}
        try:
            seconds = self.times(case, pace)
        except Failure as failure:
            self.replace_ended()
            yield Race(case.group, case.name, case.bound, {}, {}, floors, f"failed: {failure}")
            return
        ratios = {
            f"{library} {n}": spread(taken / seconds["tinylucid", n])
            for (library, n), taken in seconds.items()
            if library != "tinylucid"
        }
        times = {f"{library} {n}": spread(taken) for (library, n), taken in seconds.items()}
        yield Race(case.group, case.name, case.bound, times, ratios, floors)
        if case.group == "train" and ("tinylucid", 2) in seconds:
            gain = spread(seconds["tinylucid", 1] / seconds["tinylucid", 2])
            bound = ("≥", SPEEDUP) if any(work.flops > 1e7 for work in case.works) else None
            yield Figure(case.group, f"{case.name}: two threads over one", gain, bound=bound)

    def replace_ended(self) -> None:
        """New processes for those that broke down, so that the next cases have theirs."""
        for who, worker in self.workers.items():
            if worker.process.poll() is not None:
                worker.close()
                self.workers[who] = Worker(*who)

    def times(self, case: Case, pace: Pace) -> dict[tuple[str, int], np.ndarray]:
        """Seconds of a call for each library and number of threads, a number a round."""
        ready = {who: worker for who, worker in self.workers.items() if who[0] != "jax" or case.jaxed}
        with ThreadPoolExecutor(len(ready)) as pool:  # what is not timed, side by side
            built = pool.map(lambda worker: worker.ask(case=case.name)["size"], ready.values())
            same_work(dict(zip(ready, built)))
        for worker in ready.values():
            worker.ask(block=pace.block)
        return take_turns({who: worker.block for who, worker in ready.items()}, pace.rounds, pace.limit, warm=0)


def same_work(sizes: dict[tuple[str, int], float]) -> None:
    """Failure unless the results are about equally large."""
    ours = next(iter(sizes.values()))
    for (library, _), size in sizes.items():
        if not np.isclose(size, ours, rtol=ALIKE, atol=0, equal_nan=True):
            raise Failure(f"{library}'s result is of size {size:.4g}, ours of {ours:.4g}: that is not the same work")
