"""Memory: what a net's training needs at most beside PyTorch's, and what many steps leave behind.

``python -m benchmarks.memory LIBRARY NET`` and ``python -m benchmarks.memory growth`` print it as JSON.
"""

from __future__ import annotations

import gc
import json
import os
import sys
from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec

from . import nets
from .rows import Figure
from .timing import spread
from .worker import fresh

GROUP, GROWTH = "memory", "growth over 9,000 steps of the dense net"
NAMES = (*(f"peak memory, {net.name}" for net in nets.NETS), GROWTH)
STEPS = 5


def figures(wanted: set[str], quick: bool) -> Iterator[Figure]:
    """Those that are wanted."""
    for net, name in zip(nets.NETS, NAMES):
        if name in wanted and find_spec("torch"):
            rounds = [{library: fresh("benchmarks.memory", library, net.name) for library in ("tinylucid", "torch")}
                      for _ in range(1 if quick else 3)]  # fmt: skip
            ratio = spread([a["torch"]["grown"] / a["tinylucid"]["grown"] for a in rounds])
            said = [f"{who} {rounds[0][key]['grown']:.0f} of {rounds[0][key]['all']:.0f}" for who, key in
                    (("ours", "tinylucid"), ("PyTorch's", "torch"))]  # fmt: skip
            yield Figure(GROUP, name, ratio, "", ("≥", 1.0), f"PyTorch's / ours; {', '.join(said)} MiB")
    if GROWTH in wanted:
        found = fresh("benchmarks.memory", "growth")
        note = f"{found['objects']:+d} objects, {found['blocks']:+d} blocks of Python's allocator"
        yield Figure(GROUP, GROWTH, spread([found["bytes"] / 2**20]), "MiB", ("≤", 1.0), note)


def peak(library: str, net: nets.Net) -> dict[str, float]:
    """MiB that training a net takes beyond what the process held before, and of the process in all.

    Before, it has imported the library and made a step with two pictures, so that all code is there.
    """
    module = import_module(library)
    nets.step(module, net, (2, *net.shape[1:]))()
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
