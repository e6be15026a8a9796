"""Memory: what a net's training needs at most beside PyTorch's, and what many steps leave behind.

``python -m benchmarks.memory LIBRARY NET`` and ``python -m benchmarks.memory growth`` print it as JSON.
"""

from __future__ import annotations

import ctypes
import gc
import json
import os
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from importlib.util import find_spec

from . import nets
from .machine import cores
from .rows import Figure
from .timing import spread
from .worker import fresh

GROUP, GROWTH = "memory", "growth over 9,000 steps of the dense net"
NAMES = (*(f"peak memory, {net.name}" for net in nets.NETS), GROWTH)
STEPS, LEAST = 5, 0.1  # training steps; MiB that are told from none


def figures(wanted: set[str], quick: bool) -> Iterator[Figure]:
    """Those that are wanted; memory does not mind company, so as many processes run as there are cores."""
    chosen = [(net, name) for net, name in zip(nets.NETS, NAMES) if name in wanted and find_spec("torch")]
    with ThreadPoolExecutor(cores()) as pool:
        asked = [
            [[pool.submit(fresh, "benchmarks.memory", who, net.name) for who in ("tinylucid", "torch")]
             for _ in range(1 if quick else 3)]
            for net, _ in chosen
        ]  # fmt: skip
        growing = [pool.submit(fresh, "benchmarks.memory", "growth") for name in (GROWTH,) if name in wanted]
        for (_, name), rounds in zip(chosen, asked):
            yield beside(name, [[one.result() for one in pair] for pair in rounds])
    for found in (one.result() for one in growing):
        note = f"{found['objects']:+d} objects, {found['blocks']:+d} blocks of Python's allocator"
        yield Figure(GROUP, GROWTH, spread([found["bytes"] / 2**20]), "MiB", ("≤", 1.0), note)


def beside(name: str, rounds: list[list[dict[str, float]]]) -> Figure:
    """PyTorch's growth over ours, and both in MiB with those of the whole process."""
    ratio = spread([max(theirs["grown"], LEAST) / max(ours["grown"], LEAST) for ours, theirs in rounds])
    said = [f"{who} {one['grown']:.1f} of {one['all']:.0f}" for who, one in zip(("ours", "PyTorch's"), rounds[0])]
    return Figure(GROUP, name, ratio, "", ("≥", 1.0), f"PyTorch's / ours; {', '.join(said)} MiB")


def peak(library: str, net: nets.Net) -> dict[str, float]:
    """MiB that training a net takes beyond what the process held before, and of the process in all.

    Before, it has imported the library and made a step with two pictures, so that all code is there, and given back what was free.
    """
    module = import_module(library)
    nets.step(module, net, (2, *net.shape[1:]))()
    ctypes.CDLL(None).malloc_trim(0)
    before = held("VmRSS")
    step = nets.step(module, net)
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")  # the highest so far is forgotten
    for _ in range(STEPS):
        step()
    return {"grown": held("VmHWM") - before, "all": held("VmHWM")}


def held(name: str) -> float:
    """MiB of this process: VmRSS now, VmHWM at most."""
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) / 1024 for line in file if line.startswith(name))


def growth(first: int = 1_000, last: int = 10_000) -> dict[str, int]:
    """What is left behind by training steps while nobody collects garbage: there should be none to collect."""
    step = nets.step(import_module("tinylucid"), nets.DENSE)
    in_use()  # asking takes memory the first time
    gc.collect()
    gc.disable()
    for _ in range(first):
        step()
    before = in_use()
    for _ in range(last - first):
        step()
    return {name: b - a for name, a, b in zip(("objects", "blocks", "bytes"), before, in_use())}


def in_use() -> tuple[int, int, int]:
    """Live objects that could form a cycle, memory blocks of Python's allocator, bytes that the process holds."""
    with open("/proc/self/statm") as file:
        size = int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return len(gc.get_objects()), sys.getallocatedblocks(), size


if __name__ == "__main__":
    if sys.argv[1] == "growth":
        print(json.dumps(growth()))
    else:
        print(json.dumps(peak(sys.argv[1], next(net for net in nets.NETS if net.name == sys.argv[2]))))
