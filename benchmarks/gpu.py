"""``python -m benchmarks.gpu``: the GPU, beside PyTorch where it is installed, in at most eight minutes; a short table last.

Where there is no GPU it says so and writes nothing. With TINYLUCID_GPU=emulated it runs through, on tiny shapes, to see that it
runs: an emulated GPU has no speed, so no figure is shown.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np
from tinylucid_kernels import of
from tinylucid_kernels.gpu import driver

import tinylucid as tl
from tinylucid.nn import functional as F

from . import machine, nets, report

EMULATED = os.environ.get("TINYLUCID_GPU") == "emulated"
BATCHES = (2,) if EMULATED else (64, 512)
ROUNDS = 1 if EMULATED else 15
BUDGET = 450.0  # seconds; what has not begun by then is not measured
CONVOLUTIONS = (  # channels, side, out channels, kernel, stride, groups: those of the CPU's benchmark and a ResNet's
    (1, 28, 16, 3, 1, 1), (16, 14, 32, 3, 1, 1), (32, 32, 32, 3, 1, 1), (64, 16, 64, 3, 1, 1), (64, 8, 128, 3, 1, 1),
    (32, 32, 64, 3, 2, 1), (64, 16, 128, 1, 1, 1), (64, 16, 64, 5, 1, 1), (64, 32, 64, 3, 1, 64), (64, 56, 64, 3, 1, 1),
)  # fmt: skip
NOTES = (
    "Times are medians of blocks between two events on the GPU, float32 without TF32 in both libraries, after one block that does "
    "not count; ours and PyTorch's take turns. Ratio: PyTorch's time over ours.",
    "Training steps are those of the CPU's benchmark (benchmarks/nets.py). Bandwidth-bound layers are told in bytes that must be "
    "moved, over the time, as a share of the rate at which the GPU copies 256 MB.",
)

try:
    import torch
except ImportError:
    torch = None  # type: ignore[assignment]


class Row(NamedTuple):
    """One case: milliseconds of ours and of PyTorch (None: not measured), and what the work amounts to."""

    case: str
    ours: float
    theirs: float | None
    rate: str

    def cells(self) -> tuple[str, ...]:
        """The columns of the table."""
        if EMULATED:
            return self.case, "not measured", "not measured", "", ""
        theirs, ratio = ("—", "—") if self.theirs is None else (f"{self.theirs:.3f}", f"{self.theirs / self.ours:.2f}")
        return self.case, f"{self.ours:.3f}", theirs, ratio, self.rate


def timed(
    ours: Callable[[], Any], theirs: Callable[[], Any] | None = None, times: int = 10
) -> tuple[float, float | None]:
    """Milliseconds of a call of each, medians of blocks of so many calls that take turns."""
    cuda, found = driver.cupy().cuda, ([], [])  # type: tuple[Any, tuple[list[float], list[float]]]
    for k in range(ROUNDS + 1):
        for call, kept in zip((ours, theirs), found):
            if call is None:
                continue
            start, end = cuda.Event(), cuda.Event()
            start.record()
            for _ in range(1 if EMULATED else times):
                call()
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


def copy_rate() -> float:
    """Bytes a second, read and written, of a large copy."""
    n = 1 << (10 if EMULATED else 26)
    x = driver.cupy().empty(n, np.float32)
    y = driver.cupy().empty_like(x)
    milliseconds, _ = timed(lambda: driver.cupy().copyto(y, x))
    return float("nan") if EMULATED else 8 * n / milliseconds * 1e3


def steps() -> Iterator[Row]:
    """Whole training steps of the small nets."""
    for net in (nets.LENET, nets.VGG):
        for n in BATCHES:
            size = (n, *net.shape[1:])
            theirs = nets.step(torch, net, size, "cuda") if torch and not EMULATED else None
            found = timed(nets.step(tl, net, size, "cuda"), theirs, 3)
            yield Row(f"step, {net.name}, batch {n}", *found, f"{n / found[0]:.0f} k pictures/s" if found[0] else "")


def convolutions() -> Iterator[Row]:
    """Each convolution, forward and both gradients, in multiplications and additions a second."""
    for c, side, o, k, stride, groups in CONVOLUTIONS[:2] if EMULATED else CONVOLUTIONS:
        for n in BATCHES:
            x, w = array(n, c, side, side), array(o, c // groups, k, k)
            how = ((stride, stride), (k // 2, k // 2), (1, 1), groups)
            g = of(x).conv2d(x, w, None, *how)
            flops = 2 * g.size * w[0].size
            ours = (
                lambda x=x, w=w, how=how: of(x).conv2d(x, w, None, *how),
                lambda x=x, w=w, g=g, how=how: of(x).conv2d_input(g, w, x.shape, *how),
                lambda x=x, w=w, g=g, how=how: of(x).conv2d_weight(x, g, w.shape, *how),
            )
            for part, mine, theirs in zip(("forward", "∂x", "∂w"), ours, torch_convolution(x, w, g, *how)):
                found = timed(mine, theirs)
                rate = f"{flops / found[0] / 1e9:.1f} TFLOP/s" if found[0] else ""
                yield Row(f"conv {part}, {n}×{c}×{side}², {o} {k}×{k}/{stride}, groups {groups}", *found, rate)


def torch_convolution(x: Any, w: Any, g: Any, stride: Any, padding: Any, dilation: Any, groups: int) -> tuple:
    """The three in PyTorch, or None where it is missing."""
    if not torch or EMULATED:
        return None, None, None
    x, w, g = map(lent, (x, w, g))
    back = lambda mask: torch.ops.aten.convolution_backward(
        g, x, w, None, stride, padding, dilation, False, [0, 0], groups, mask
    )
    forward = lambda: torch.nn.functional.conv2d(x, w, None, stride, padding, dilation, groups)
    return forward, lambda: back([True, False, False]), lambda: back([False, True, False])


def layers(copies: float) -> Iterator[Row]:
    """What moves memory and computes little: the share of the copy rate that it reaches."""
    n, c, side = (2, 3, 4) if EMULATED else (512, 64, 32)
    x, ones = array(n, c, side, side), driver.cupy().ones(c, np.float32)
    k, bytes_ = of(x), x.nbytes
    y, mean, _, inv_std = k.batch_norm(x, ones, ones, 1e-5)
    pooled, index = k.max_pool2d(x, (2, 2), (2, 2), (0, 0), (1, 1))
    p, (m, v) = array(1 << (8 if EMULATED else 24)), driver.cupy().zeros((2, 1 << (8 if EMULATED else 24)), np.float32)
    theirs: dict[str, Callable] = {}
    if torch and not EMULATED:
        tx, tones, tindex, f = lent(x), lent(ones), lent(index), torch.nn.functional
        theirs = {
            "relu": lambda: f.relu(tx),
            "batch norm": lambda: f.batch_norm(tx, None, None, tones, tones, True),
            "batch norm in evaluation": lambda: f.batch_norm(tx, tones, tones, tones, tones, False),
            "max pool 2×2": lambda: f.max_pool2d(tx, 2, return_indices=True),
            "its gradient": lambda: torch.ops.aten.max_pool2d_with_indices_backward(
                lent(pooled), tx, [2, 2], [2, 2], [0, 0], [1, 1], False, tindex
            ),
            "dropout": lambda: f.dropout(tx, 0.5),
        }
    ours = {
        "relu": (lambda: k.relu(x), 2 * bytes_),
        "batch norm": (lambda: k.batch_norm(x, ones, ones, 1e-5), 4 * bytes_),
        "its gradient, batch norm": (lambda: k.batch_norm_backward(y, x, ones, mean, inv_std), 5 * bytes_),
        "batch norm in evaluation": (lambda: k.batch_norm_fixed(x, ones, ones, mean, inv_std), 2 * bytes_),
        "max pool 2×2": (lambda: k.max_pool2d(x, (2, 2), (2, 2), (0, 0), (1, 1)), bytes_ * 7 // 4),
        "its gradient": (lambda: k.pool_scatter(pooled, index, (side, side)), bytes_ * 7 // 4),
        "dropout": (lambda: F.dropout(tl.Tensor(x), 0.5), 2 * bytes_),
        "Adam": (lambda: k.adam(p, p, m, v, 1, 1e-3, 0.9, 0.999, 1e-8), 7 * p.nbytes),
    }
    for name, (call, moved) in ours.items():
        found = timed(call, theirs.get(name))
        share = f"{moved / found[0] * 1e3 / copies:.0%} of the copy rate" if found[0] else ""
        yield Row(name, *found, share)


def overhead() -> Iterator[Row]:
    """What Python costs until the GPU has its work: a small operation, recorded."""
    x = tl.ones(8, device="cuda", requires_grad=True)
    start, calls = perf_counter(), 10 if EMULATED else 2000
    for _ in range(calls):
        x + x
    taken = (perf_counter() - start) / calls
    yield Row("x + x of 8 numbers, recorded", taken * 1e3, None, f"{taken * 1e6:.1f} µs of Python")


def measure(budget: float) -> tuple[list[Row], float]:
    """All rows that begin within the budget, and the copy rate."""
    if torch and not EMULATED:
        torch.backends.cudnn.benchmark = True
        torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False
    end, rows, copies = perf_counter() + budget, [], copy_rate()
    for part in (steps(), layers(copies), overhead(), convolutions()):
        for row in part:
            rows.append(row)
            print("  ".join(row.cells()), flush=True)
            if perf_counter() > end:
                print(f"{budget:.0f} seconds are over: the rest is not measured")
                return rows, copies
    return rows, copies


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gpu", description="Time the GPU kernels and nets.")
    parser.add_argument("--budget", type=float, default=BUDGET, help="seconds (%(default)s)")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results", help="where gpu.md is written")
    options = parser.parse_args()
    if not driver.is_available():
        raise SystemExit(f"not measured: {dict(driver.described())['gpu']}")
    rows, copies = measure(options.budget)
    text = report.columns([("case", "ours, ms", "PyTorch, ms", "ratio", "rate"), *(row.cells() for row in rows)])
    print("\n" + text)
    if EMULATED:
        return print("an emulated GPU has no speed: nothing is written")
    about = [*machine.described().items(), *driver.described(), ("copy rate", f"{copies / 1e9:.0f} GB/s")]
    head = "\n".join(f"- {name}: {value}" for name, value in about)
    notes = "\n".join(f"- {note}" for note in NOTES)
    parts = ["# GPU", head, "Written by `python -m benchmarks.gpu`.", text, notes]
    (options.out / "gpu.md").write_text("\n\n".join(parts) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
