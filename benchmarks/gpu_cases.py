"""The sections of the GPU's benchmark, the most important first, each with the seconds that it may take."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np
from tinylucid_kernels import of
from tinylucid_kernels.gpu import driver, launch

import tinylucid as tl
from tinylucid.nn import functional as F

from . import gpu_plan, nets
from .gpu_peaks import peaks
from .gpu_plan import CONVOLUTIONS, LARGE, NUMBERS, PARTS, TENSOR_CORES, flops, named
from .gpu_rows import BESIDE, EMULATED, Row, array, lent, timed, torch

BATCHES = (2,) if EMULATED else (64, 512)
NETS = (nets.LENET, nets.DENSE, nets.VGG)


class Section(NamedTuple):
    """Rows under a name, and by when, counted from its beginning, its last row must have begun."""

    name: str
    seconds: float
    rows: Callable[[], Iterator[Row]]


def launches() -> Iterator[Row]:
    """What Python costs until the GPU has its work: CuPy's own launch, ours, and recorded operations."""
    x = tl.ones(8, device="cuda", requires_grad=True)
    a = x.data
    relu, out = launch.kernel("activation.cu", "relu", a.dtype), driver.cupy().empty_like(a)
    given = ((1,), (256,), (a, out, np.int64(8)))
    calls = (lambda: relu.raw(*given), lambda: relu((1,), (256,), a, out, 8), lambda: tl.relu(x), lambda: x + x)
    for case, call in zip(gpu_plan.LAUNCHES, calls):
        yield Row(case, python_time(call) * 1e3)


def python_time(call: Callable[[], Any]) -> float:
    """Seconds of a call until it returns: the least of five runs, which the GPU does not hold up."""
    found, times = [], 2 if EMULATED else 500
    for _ in range(2 if EMULATED else 6):
        driver.cupy().cuda.runtime.deviceSynchronize()
        start = perf_counter()
        for _ in range(times):
            call()
        found.append((perf_counter() - start) / times)
    return min(found[1:])


def steps() -> Iterator[Row]:
    """Whole training steps, launched one kernel after the other."""
    for net, size in sizes():
        theirs = nets.step(torch, net, size, "cuda") if BESIDE else None
        yield Row(f"step, {net.name}, batch {size[0]}", *timed(nets.step(tl, net, size, "cuda"), theirs, 3, wait=True))


def captured_steps() -> Iterator[Row]:
    """Whole training steps as one CUDA graph, beside PyTorch's usual step and beside a graph of it."""
    for net, size in sizes():
        step = tl.cuda.capture(nets.step(tl, net, size, "cuda"))
        theirs = nets.step(torch, net, size, "cuda") if BESIDE else None
        for _ in range(3):  # run, recorded, replayed
            step()
        if step.reason:
            raise RuntimeError(f"the step of {net.name} runs eagerly: {step.reason}")
        case = f"{net.name}, batch {size[0]}"
        yield Row(f"captured step, {case}", *timed(step, theirs, 10, wait=True))
        graph = torch_graph(net, size) if BESIDE else None
        yield Row(f"captured step beside PyTorch's graph, {case}", *timed(step, graph, 10, wait=True))


def sizes() -> Iterator[tuple[nets.Net, tuple[int, ...]]]:
    """The nets and the shapes of their batches."""
    for net in NETS:
        for n in BATCHES:
            yield net, (n, 3, 8, 8) if EMULATED and net is nets.VGG else (n, *net.shape[1:])


def torch_graph(net: nets.Net, size: tuple[int, ...]) -> Callable[[], Any]:
    """The step of nets.step in PyTorch as its own CUDA graph, by the recipe of its documentation."""
    made = nets.model(torch, net).to("cuda")
    optimiser = torch.optim.Adam(made.parameters(), lr=1e-3, capturable=True)
    x, y = (torch.tensor(a).to("cuda") for a in nets.batch(net, size))

    def train() -> None:
        optimiser.zero_grad(set_to_none=True)
        torch.nn.functional.cross_entropy(made(x), y).backward()
        optimiser.step()

    beside = torch.cuda.Stream()
    beside.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(beside):
        for _ in range(3):
            train()
    torch.cuda.current_stream().wait_stream(beside)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        train()
    return graph.replay


def layers() -> Iterator[Row]:
    """What moves memory and computes little."""
    n, c, side = (2, 3, 4) if EMULATED else (gpu_plan.SIZE[0], *gpu_plan.SIZE[1:3])
    x, ones = array(n, c, side, side), driver.cupy().ones(c, np.float32)
    k, numbers = of(x), 1 << 8 if EMULATED else NUMBERS
    y, mean, _, inv_std = k.batch_norm(x, ones, ones, 1e-5)
    halves = ((2, 2), (2, 2), (0, 0), (1, 1))
    pooled, index = k.max_pool2d(x, *halves)
    p = tl.Tensor(array(numbers), requires_grad=True)
    p.grad = tl.Tensor(array(numbers))
    adam, f = tl.optim.Adam([p], lr=1e-3), torch.nn.functional if BESIDE else None
    theirs: dict[str, Callable] = {}
    if BESIDE:
        tx, ty, tones, tpooled, tindex = (lent(a) for a in (x, y, ones, pooled, index))
        ops = torch.ops.aten
        theirs = {
            "relu": lambda: f.relu(tx),
            "its gradient": lambda: ops.threshold_backward(ty, tx, 0),
            "batch norm": lambda: f.batch_norm(tx, None, None, tones, tones, True),
            "batch norm in evaluation": lambda: f.batch_norm(tx, tones, tones, tones, tones, False),
            "max pool 2×2": lambda: f.max_pool2d(tx, 2, return_indices=True),
            "its gradient, max pool": lambda: ops.max_pool2d_with_indices_backward(
                tpooled, tx, [2, 2], [2, 2], [0, 0], [1, 1], False, tindex
            ),
            "dropout": lambda: f.dropout(tx, 0.5),
        }
    ours = {
        "relu": lambda: k.relu(x),
        "its gradient": lambda: k.gate(y, x),
        "batch norm": lambda: k.batch_norm(x, ones, ones, 1e-5),
        "its gradient, batch norm": lambda: k.batch_norm_backward(y, x, ones, mean, inv_std),
        "batch norm in evaluation": lambda: k.batch_norm_fixed(x, ones, ones, mean, inv_std),
        "max pool 2×2": lambda: k.max_pool2d(x, *halves),
        "its gradient, max pool": lambda: k.pool_scatter(pooled, index, (side, side)),
        "dropout": lambda: F.dropout(tl.Tensor(x), 0.5),
        "Adam": adam.step,
    }
    for case, call in ours.items():
        moved = gpu_plan.MOVED[case][0] * (p.data.nbytes if case == "Adam" else x.nbytes)
        yield Row(case, *timed(call, theirs.get(case)), moved, "byte")


def convolutions(cases: Any, unit: str = "FLOP", how: str = "") -> Iterator[Row]:
    """Each convolution, forward and both gradients."""
    for case in list(cases)[:1] if EMULATED else cases:
        c, side, o, kernel, stride, groups = (2, 6, 3, 3, 1, 1) if EMULATED else case
        for n in reversed(BATCHES):
            x, w = array(n, c, side, side), array(o, c // groups, kernel, kernel)
            form = ((stride, stride), (kernel // 2, kernel // 2), (1, 1), groups)
            g = of(x).conv2d(x, w, None, *form)
            ours = (
                lambda x=x, w=w, form=form: of(x).conv2d(x, w, None, *form),
                lambda x=x, w=w, g=g, form=form: of(x).conv2d_input(g, w, x.shape, *form),
                lambda x=x, w=w, g=g, form=form: of(x).conv2d_weight(x, g, w.shape, *form),
            )
            for part, mine, theirs in zip(PARTS, ours, torch_convolution(x, w, g, *form)):
                work = flops((c, side, o, kernel, stride, groups), n)
                yield Row(named(part, (c, side, o, kernel, stride, groups), n, how), *timed(mine, theirs), work, unit)


def torch_convolution(x: Any, w: Any, g: Any, stride: Any, padding: Any, dilation: Any, groups: int) -> tuple:
    """The three in PyTorch, or None where it is missing."""
    if not BESIDE:
        return None, None, None
    x, w, g = map(lent, (x, w, g))
    back = lambda mask: torch.ops.aten.convolution_backward(
        g, x, w, None, stride, padding, dilation, False, [0, 0], groups, mask
    )
    forward = lambda: torch.nn.functional.conv2d(x, w, None, stride, padding, dilation, groups)
    return forward, lambda: back([True, False, False]), lambda: back([False, True, False])


@contextmanager
def precision(name: str) -> Iterator[None]:
    """Products in float32 ("highest") or TF32 ("high"), in both libraries alike."""
    if BESIDE:
        torch.backends.cudnn.benchmark = True
        torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = name == "high"
    if name == "high":
        tl.set_float32_matmul_precision(name)
    try:
        yield
    finally:
        if name == "high":
            tl.set_float32_matmul_precision("highest")


def on_tensor_cores() -> Iterator[Row]:
    """The larger convolutions in TF32."""
    with precision("high"):
        yield from convolutions(TENSOR_CORES, "TF32 FLOP", ", TF32")


def plain(rows: Callable[[], Iterator[Row]]) -> Callable[[], Iterator[Row]]:
    """The rows of a section that computes in float32."""

    def within() -> Iterator[Row]:
        with precision("highest"):
            yield from rows()

    return within


SECTIONS = (
    Section("peaks", 20, peaks),
    Section("launches", 10, launches),
    Section("captured steps", 80, plain(captured_steps)),
    Section("steps", 50, plain(steps)),
    Section("memory", 40, layers),
    Section("large convolutions", 40, plain(lambda: convolutions([LARGE]))),
    Section("convolutions in TF32", 60, on_tensor_cores),
    Section("convolutions", 120, plain(lambda: convolutions([case for case in CONVOLUTIONS if case != LARGE]))),
)
