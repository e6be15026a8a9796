"""What is measured: import, overhead of an operation, a training step beside PyTorch's, memory over many steps."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
from collections.abc import Callable
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np

import tinylucid as tl
from tinylucid.nn import functional as F

from .report import Result
from .timing import Block, busy_elsewhere, repeated, spread, take_turns

try:
    import torch
except ImportError:
    torch = None  # type: ignore[assignment]

NOTES = (
    "All blocks of a run take turns: np.add, forward, backward, our step, PyTorch's step, and again.",
    "Where other programs use the cores, nothing here is to be trusted, least of all PyTorch's threads, which wait for "
    "each other: its time can grow tenfold and the ratio with it. One thread suffers less.",
    "A step: zero_grad, forward of Linear(64, 32)-ReLU-Linear(32, 10), cross-entropy, backward, Adam; batch 32, float32.",
    "Overhead: `a + a` of 4×4 float32 tensors that require gradients, and backward through a chain of 300; "
    "np.add on the same arrays is subtracted.",
    "Memory: the step above with the garbage collector off, from step 1,000 to step 10,000. A block is what Python's "
    "allocator gives out; Python itself keeps up to 2,000 freed tuples of a size, a leak would be 9,000 or more.",
)
CALLS, CHAIN, STEPS = 200, 300, 10  # units in a block of forward, backward and training steps


class Repeats(NamedTuple):
    """How often things are measured."""

    imports: int = 7
    rounds: int = 2000
    limit: float = 120.0  # seconds for all rounds, where other programs slow them down


FULL, QUICK = Repeats(), Repeats(imports=3, rounds=250, limit=6.0)


def measure(repeats: Repeats) -> list[Result]:
    """Every case, ratios first."""
    start, elsewhere = perf_counter(), busy_elsewhere()
    seconds = take_turns({**overhead(), **steps()}, repeats.rounds, repeats.limit)
    share = abs(busy_elsewhere() - elsewhere) / (perf_counter() - start) / (os.cpu_count() or 1)
    return [
        *compared(seconds),
        *operations(seconds),
        imports(repeats.imports),
        memory(),
        Result(
            "cores taken by other programs meanwhile",
            f"{share:.0%}",
            "≤ 5%",
            None if np.isnan(share) else share <= 0.05,
        ),
    ]


# --- overhead of an operation ------------------------------------------------------------------------------------


def overhead() -> dict[str, Block]:
    """The blocks that show what recording and differentiating cost on top of the arithmetic."""
    a = tl.zeros(4, 4, requires_grad=True)  # zeros: doubled 300 times they stay finite
    x, g, calls = a.data, np.zeros((4, 4), np.float32), range(CALLS)

    def numpy() -> float:
        start = perf_counter()
        for _ in calls:
            np.add(x, x)
        return (perf_counter() - start) / CALLS

    def forward() -> float:
        start = perf_counter()
        for _ in calls:
            a + a
        return (perf_counter() - start) / CALLS

    def backward() -> float:
        y = a
        for _ in range(CHAIN):
            y = y + y
        a.grad = None
        start = perf_counter()
        y.backward(g)
        return (perf_counter() - start) / CHAIN

    return {"numpy": numpy, "forward": forward, "backward": backward}


def operations(seconds: dict[str, np.ndarray]) -> list[Result]:
    """Overhead of an operation, forward and backward."""
    results = []
    for name, bound in (("forward", 2.0), ("backward", 3.0)):
        cost = spread(1e6 * (seconds[name] - seconds["numpy"]))
        beside = f"{cost:.2f} µs beside np.add's {1e6 * np.median(seconds['numpy']):.2f}"
        results.append(Result(f"{name} of an operation, overhead", beside, f"≤ {bound} µs", cost.median <= bound))
    return results


# --- a training step ---------------------------------------------------------------------------------------------


def batch() -> tuple[np.ndarray, np.ndarray]:
    """32 random rows of 64 numbers, and their class labels."""
    rng = np.random.default_rng(0)
    return rng.standard_normal((32, 64), dtype=np.float32), rng.integers(0, 10, 32)


def net() -> Any:
    """The dense net 64-32-10, always the same weights."""
    tl.manual_seed(0)
    return tl.nn.Sequential(tl.nn.Linear(64, 32), tl.nn.ReLU(), tl.nn.Linear(32, 10))


def our_step() -> Callable[[], Any]:
    """A function that trains the net by one step and returns the loss."""
    model, (x, y) = net(), map(tl.tensor, batch())
    optimiser = tl.optim.Adam(model.parameters(), lr=1e-3)

    def step() -> Any:
        optimiser.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        optimiser.step()
        return loss

    return step


def their_step() -> Callable[[], Any]:
    """The very same in PyTorch, from the same weights."""
    from torch import nn

    model = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))
    model.load_state_dict({name: torch.from_numpy(t.data.copy()) for name, t in net().state_dict().items()})
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-3)
    x, y = map(torch.from_numpy, batch())

    def step() -> Any:
        optimiser.zero_grad()
        loss = nn.functional.cross_entropy(model(x), y)
        loss.backward()
        optimiser.step()
        return loss

    return step


def steps() -> dict[str, Block]:
    """The blocks of training steps, PyTorch's where it is installed."""
    blocks = {"ours": repeated(our_step(), STEPS)}
    if torch is not None:
        block, usual = repeated(their_step(), STEPS), torch.get_num_threads()

        def alone() -> float:
            torch.set_num_threads(1)
            taken = block()
            torch.set_num_threads(usual)
            return taken

        blocks |= {"theirs": block, "theirs on one thread": alone}
    return blocks


def compared(seconds: dict[str, np.ndarray]) -> list[Result]:
    """Our step beside PyTorch's, and whether both train alike."""
    name, bound, ours = "training step, PyTorch's time / ours", 2.0, seconds["ours"]
    if torch is None:
        measured = f"ours {1e6 * np.median(ours):.0f} µs, PyTorch is not installed"
        return [Result(name, measured, f"≥ {bound}", None)]
    results = []
    for which, threads in (("theirs", torch.get_num_threads()), ("theirs on one thread", 1)):
        ratio, times = spread(seconds[which] / ours), (1e6 * np.median(t) for t in (seconds[which], ours))
        measured = f"{ratio:.2f}; {' / '.join(f'{t:.0f}' for t in times)} µs"
        results.append(Result(f"{name}, threads: {threads}", measured, f"≥ {bound}", ratio.median >= bound))
    difference = disagreement(50)
    measured = f"{difference:.1e}"
    results.append(Result("largest difference of 50 losses to PyTorch's", measured, "≤ 1e-04", difference <= 1e-4))
    return results


def disagreement(n: int) -> float:
    """The largest relative difference between our losses and PyTorch's over n steps from the same weights."""
    ours, theirs = our_step(), their_step()
    losses = np.array([(ours().item(), theirs().item()) for _ in range(n)])
    return float(np.max(np.abs(losses[:, 0] - losses[:, 1]) / losses[:, 1]))


# --- import ------------------------------------------------------------------------------------------------------


def imports(times: int) -> Result:
    """Seconds that ``import tinylucid`` takes beyond ``import numpy``, each in fresh processes."""
    seconds = take_turns({name: importing(name) for name in ("numpy", "tinylucid")}, times)
    cost, bound = spread(seconds["tinylucid"] - seconds["numpy"]), 0.3
    return Result("import, beyond that of numpy", f"{cost:.3f} s", f"≤ {bound} s", cost.median <= bound)


def importing(package: str) -> Block:
    """A block that imports a package in a fresh process."""
    code = f"from time import perf_counter as now; start = now(); import {package}; print(now() - start)"

    def block() -> float:
        return float(subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True).stdout)

    return block


# --- memory ------------------------------------------------------------------------------------------------------


def memory(first: int = 1_000, last: int = 10_000) -> Result:
    """What is left behind by training steps while nobody collects garbage: there should be none to collect."""
    step = our_step()
    in_use()  # asking takes memory the first time
    gc.collect()
    gc.disable()
    try:
        before = after = in_use()
        for k in range(1, last + 1):
            step()
            if k == first:
                before = in_use()
        after = in_use()
    finally:
        gc.enable()
    objects, blocks, size = (b - a for a, b in zip(before, after))
    ok = objects <= 10 and blocks <= 2500 and size <= 2**20
    measured = f"{objects:+d} objects, {blocks:+d} blocks, {size / 2**20:+.2f} MiB (of {after[2] / 2**20:.0f})"
    return Result(f"growth over {last - first:,} steps", measured, "≤ 10, 2500, 1 MiB", ok)


def in_use() -> tuple[int, int, int]:
    """Live objects that could form a cycle, memory blocks of Python's allocator, bytes that the process holds."""
    try:
        with open("/proc/self/statm") as file:
            size = int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        size = 0  # this system does not say
    return len(gc.get_objects()), sys.getallocatedblocks(), size
