"""Small convolutional nets: whole training steps beside PyTorch's on the same cores, and the very first step."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import numpy as np

from .report import Result
from .timing import spread, take_turns

NOTES = (
    "A step: zero_grad, forward, cross-entropy, backward, Adam; batch 64, float32, the same code run by both libraries.",
    "Each library trains in a process of its own, both on all cores; they take turns, five steps each after one that does not "
    "count, so that both meet the same moods of the machine and neither its rival's waiting threads.",
    "LeNet-size: 1×28×28, two 3×3 convolutions of 16 and 32 channels, each with ReLU and max-pool, dense 1568-128-10.",
    "VGG-ish: 3×32×32, five 3×3 convolutions of 32, 32, 64, 64, 128 channels, each with batch norm and ReLU, two max-pools, "
    "global average, dropout, dense 128-10.",
    "First step: a new process, from `import tinylucid` to the end of LeNet's first training step; cold: Numba's cache is "
    "empty, so the kernels are compiled; warm: they are read from it.",
)
STEPS = 5


def lenet(nn: Any) -> Any:
    """The LeNet-size net, of either library's ``nn``."""
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(1568, 128), nn.ReLU(), nn.Linear(128, 10),
    )  # fmt: skip


def vgg(nn: Any) -> Any:
    """The VGG-ish net, of either library's ``nn``."""
    block = lambda i, o: (nn.Conv2d(i, o, 3, padding=1), nn.BatchNorm2d(o), nn.ReLU())
    return nn.Sequential(
        *block(3, 32), *block(32, 32), nn.MaxPool2d(2), *block(32, 64), *block(64, 64), nn.MaxPool2d(2), *block(64, 128),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.3), nn.Linear(128, 10),
    )  # fmt: skip


CASES = {
    "LeNet-size 64×1×28×28": (lenet, (64, 1, 28, 28), 1.3),
    "VGG-ish 64×3×32×32": (vgg, (64, 3, 32, 32), 1.0),
}


def step(library: Any, net: Callable, shape: tuple[int, ...], device: str = "cpu") -> Callable[[], Any]:
    """A function that trains the net by one step in ``library`` (tinylucid or torch) on a device, and returns the loss."""
    rng = np.random.default_rng(0)
    library.manual_seed(0)
    model = net(library.nn)
    start = [0.3 * rng.standard_normal(p.shape).astype(np.float32) / max(1, p.shape[-1]) for p in model.parameters()]
    for p, value in zip(model.parameters(), start):
        p.data[...] = library.tensor(value).data
    model.to(device)
    optimiser = library.optim.Adam(model.parameters(), lr=1e-3)
    x = library.tensor(rng.standard_normal(shape, dtype=np.float32)).to(device)
    y = library.tensor(rng.integers(0, 10, len(x))).to(device)

    def train() -> Any:
        optimiser.zero_grad()
        loss = library.nn.functional.cross_entropy(model(x), y)
        loss.backward()
        optimiser.step()
        return loss

    return train


WORKER = """
import sys
from time import perf_counter as now
from benchmarks.nets import CASES, step
if sys.argv[1] == "tinylucid":
    sys.modules["torch"] = None  # not to be loaded beside
library = __import__(sys.argv[1])
train = step(library, *CASES[sys.argv[2]][:2])
for line in sys.stdin:
    train()
    start = now()
    for _ in range(int(line)):
        train()
    print((now() - start) / int(line), flush=True)
"""


class Worker:
    """A process of its own that trains one net with one library, a few steps at a time when asked."""

    def __init__(self, library: str, case: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", WORKER, library, case],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def block(self) -> float:
        """Seconds of a step, of STEPS after one that does not count."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{STEPS}\n")
        self.process.stdin.flush()
        return float(self.process.stdout.readline())


def measure(quick: bool) -> list[Result]:
    """Every net, then the first step."""
    results = []
    libraries = {"ours": "tinylucid"} | ({} if find_spec("torch") is None else {"theirs": "torch"})
    for name, (_, _, bound) in CASES.items():
        workers = {who: Worker(library, name) for who, library in libraries.items()}
        seconds = take_turns({who: worker.block for who, worker in workers.items()}, 12 if quick else 60)
        for worker in workers.values():
            worker.process.terminate()
        ours = 1e3 * np.median(seconds["ours"])
        case = f"{name}, PyTorch's time / ours"
        if "theirs" not in seconds:
            results.append(Result(case, f"ours {ours:.1f} ms, PyTorch is not installed", f"≥ {bound}", None))
            continue
        ratio, theirs = spread(seconds["theirs"] / seconds["ours"]), 1e3 * np.median(seconds["theirs"])
        measured = f"{ratio:.2f}; {theirs:.1f} / {ours:.1f} ms"
        results.append(Result(case, measured, f"≥ {bound}", ratio.median >= bound))
    return [*results, *first_step()]


FIRST = """
from time import perf_counter as now
start = now()
import tinylucid as tl
from benchmarks.nets import CASES, step
step(tl, *CASES["LeNet-size 64×1×28×28"][:2])()
print(now() - start)
"""


def first_step() -> list[Result]:
    """LeNet's first step in a new process, with an empty cache of compiled kernels and with a filled one."""
    results = []
    with tempfile.TemporaryDirectory() as cache:
        for name, bound in (("cold", 12.0), ("warm", 1.0)):
            environment = {**os.environ, "NUMBA_CACHE_DIR": cache}
            taken = float(
                subprocess.run(
                    [sys.executable, "-c", FIRST], env=environment, capture_output=True, check=True, text=True
                ).stdout
            )
            results.append(Result(f"LeNet's first step, {name}", f"{taken:.2f} s", f"≤ {bound:g} s", taken <= bound))
    return results
