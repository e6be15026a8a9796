"""What the GPU's benchmark times, what each case cannot be faster than, what we expect of it, and what it is to reach.

The predictions were written before any of these kernels ran on a GPU, for an NVIDIA H200: from a kernel's bytes at the rate at
which that card copied (measured), its multiplications at the peak that we expect of it, and the share that kernels.README says
and why. They stay as they are once figures stand beside them.
"""

from __future__ import annotations

from math import prod
from typing import NamedTuple

RATES = {"byte": 4128e9, "FLOP": 60e12, "TF32 FLOP": 300e12}  # a second, on an H200: measured; predicted; predicted


class Bar(NamedTuple):
    """What a case is to reach: ``factor`` of the floor's rate, times PyTorch's speed, or so many microseconds at most."""

    words: str
    of: str
    factor: float


class Plan(NamedTuple):
    """A case: its work and in which unit, the milliseconds predicted for an H200, and its bar."""

    work: float
    unit: str
    predicted: float
    bar: Bar | None = None

    @property
    def floor(self) -> float | None:
        """Milliseconds, at the rates of an H200."""
        return self.work / RATES[self.unit] * 1e3 if self.unit else None


COPY, PEAK = Bar("≥ 80 % of the copy rate", "floor", 0.8), Bar("≥ 55 % of the FFMA peak", "floor", 0.55)
LAUNCH = Bar("≤ 8 µs", "µs", 8)
THRICE, GRAPH = Bar("≥ 3 × PyTorch", "PyTorch", 3), Bar("≥ 1.2 × its CUDA graph", "PyTorch", 1.2)
MOST = Bar("≥ 0.7 × PyTorch", "PyTorch", 0.7)

CONVOLUTIONS = {  # channels, side, out channels, kernel, stride, groups: the share of the FFMA peak predicted at batch 64 and 512
    (64, 56, 64, 3, 1, 1): (0.62, 0.64),
    (64, 16, 64, 5, 1, 1): (0.48, 0.58), (64, 16, 64, 3, 1, 1): (0.42, 0.55), (64, 8, 128, 3, 1, 1): (0.25, 0.52),
    (32, 32, 32, 3, 1, 1): (0.30, 0.35), (32, 32, 64, 3, 2, 1): (0.25, 0.45), (64, 16, 128, 1, 1, 1): (0.15, 0.35),
    (16, 14, 32, 3, 1, 1): (0.10, 0.30), (1, 28, 16, 3, 1, 1): (0.02, 0.05), (64, 32, 64, 3, 1, 64): (0.03, 0.035),
}  # fmt: skip
LARGE = (64, 56, 64, 3, 1, 1)
TENSOR_CORES = {LARGE: 0.28, (64, 16, 64, 5, 1, 1): 0.26, (64, 16, 64, 3, 1, 1): 0.22}  # of the TF32 peak, at batch 512
SIZE = (512, 64, 32, 32)  # of what moves memory
NUMBERS = 1 << 24  # of a parameter
MOVED = {  # numbers of four bytes that must be moved, as a share of the picture's or the parameter's; of the copy rate predicted
    "relu": (2, 0.90), "its gradient": (3, 0.90), "batch norm": (3, 0.82), "its gradient, batch norm": (5, 0.85),
    "batch norm in evaluation": (2, 0.88), "max pool 2×2": (1.75, 0.84), "its gradient, max pool": (1.75, 0.80),
    "dropout": (2.25, 0.80), "Adam": (7, 0.95),
}  # fmt: skip
STEPS = {  # net: milliseconds of a captured step at batch 64 and 512, and of an eager one
    "LeNet-size": ((0.20, 0.65), (1.6, 1.6)), "dense 64-32-10": ((0.07, 0.08), (0.8, 0.8)), "VGG-ish": ((1.3, 8.5), (5.0, 8.6)),
}  # fmt: skip
LAUNCHES = {  # microseconds
    "a launch: CuPy's raw kernel": (3.2, None), "a launch: ours, arguments checked": (4.0, LAUNCH),
    "relu of 8 numbers, recorded": (7.8, LAUNCH), "x + x of 8 numbers, recorded": (7.5, LAUNCH),
}  # fmt: skip
PARTS = ("forward", "∂x", "∂w")


def flops(case: tuple[int, ...], n: int) -> float:
    """Multiplications and additions of a convolution; each direction has as many."""
    c, side, o, kernel, stride, groups = case
    return 2 * n * o * ((side - 1) // stride + 1) ** 2 * (c // groups) * kernel**2


def named(part: str, case: tuple[int, ...], n: int, how: str = "") -> str:
    """What a convolution is called in the tables."""
    c, side, o, kernel, stride, groups = case
    return f"conv {part}, {n}×{c}×{side}², {o} {kernel}×{kernel}/{stride}, groups {groups}{how}"


def plans() -> dict[str, Plan]:
    """Every case."""
    found = {case: Plan(0, "", micro / 1e3, bar) for case, (micro, bar) in LAUNCHES.items()}
    for net, times in STEPS.items():
        for captured, eager, n in zip(*times, (64, 512)):
            found[f"step, {net}, batch {n}"] = Plan(0, "", eager, MOST if net == "VGG-ish" else None)
            found[f"captured step, {net}, batch {n}"] = Plan(0, "", captured, MOST if net == "VGG-ish" else THRICE)
            if net != "VGG-ish":
                found[f"captured step beside PyTorch's graph, {net}, batch {n}"] = Plan(0, "", captured, GRAPH)
    for case, (times_read, share) in MOVED.items():
        moved = 4 * times_read * (NUMBERS if case == "Adam" else prod(SIZE))
        found[case] = Plan(moved, "byte", moved / RATES["byte"] / share * 1e3, COPY)
    for how, unit, cases in (("", "FLOP", CONVOLUTIONS), (", TF32", "TF32 FLOP", TENSOR_CORES)):
        for case in cases:
            for part in PARTS:
                for k, n in enumerate((64, 512)):
                    work = flops(case, n)
                    share = CONVOLUTIONS[case][k] if not how else TENSOR_CORES[case] * (1 if n == 512 else 0.7)
                    bar = PEAK if case == LARGE and not how else None
                    found[named(part, case, n, how)] = Plan(work, unit, work / RATES[unit] / share * 1e3, bar)
    return found


PLANS = plans()
