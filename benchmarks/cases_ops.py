"""Single operations: convolutions in each direction, pooling, norms, losses, forward and backward, and optimiser steps."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from math import prod
from typing import Any, NamedTuple

import numpy as np

from . import nets
from .case import Case, Work, numbers

Shape = tuple[int, ...]
PICTURES = ((64, 16, 28, 28), (64, 32, 32, 32))  # as in the LeNet-size and the VGG-ish net

DRAWN = 1 << 16  # numbers drawn for an array, then again and again: drawing millions takes longer than measuring


class Labels(NamedTuple):
    """An input of class labels."""

    shape: Shape
    classes: int


class Chances(NamedTuple):
    """An input of numbers between 0 and 1."""

    shape: Shape


def drawn(what: Any, rng: np.random.Generator) -> np.ndarray:
    """The array that a shape, Labels or Chances stand for."""
    if isinstance(what, Labels):
        return rng.integers(0, what.classes, what.shape)
    shape, draw = (what.shape, rng.random) if isinstance(what, Chances) else (what, rng.standard_normal)
    return np.resize(draw(min(prod(shape), DRAWN), dtype=np.float32), shape)


def forward(call: Callable[..., Any], inputs: tuple[Any, ...], wanted: tuple[int, ...], library: Any) -> Any:
    """A function that computes call(F, *inputs), recorded for the gradients of those ``wanted``, as in training."""
    rng = np.random.default_rng(0)
    given = [library.tensor(drawn(what, rng)) for what in inputs]
    for k in wanted:
        given[k].requires_grad = True
    return partial(call, library.nn.functional, *given)


def backward(call: Callable[..., Any], inputs: tuple[Any, ...], wanted: tuple[int, ...], library: Any) -> Any:
    """A function that computes the gradients by the inputs ``wanted``, from the record of one forward pass."""
    compute = forward(call, inputs, wanted, library)
    y, xs = compute(), [compute.args[1 + k] for k in wanted]
    g = library.tensor(drawn(tuple(y.shape), np.random.default_rng(1)))
    return lambda: library.autograd.grad(y, xs, g, retain_graph=True)[0]


# --- convolutions ------------------------------------------------------------------------------------------------


class Convolution(NamedTuple):
    """A convolution of n pictures of c channels, ``size`` × ``size``, to ``out`` channels; or one transposed."""

    n: int
    c: int
    size: int
    out: int
    kernel: int = 3
    stride: int = 1
    dilation: int = 1
    groups: int = 1
    transposed: bool = False

    @property
    def padding(self) -> int:
        """Half the kernel; of a transposed one so much that it enlarges by the stride."""
        return (self.kernel - self.stride) // 2 if self.transposed else self.dilation * (self.kernel // 2)

    @property
    def shapes(self) -> tuple[Shape, Shape, Shape]:
        """Of the input, the weight and the output."""
        x, per_group = (self.n, self.c, self.size, self.size), self.c // self.groups
        kernel = (self.kernel, self.kernel)
        if self.transposed:
            side = self.size * self.stride
            return x, (self.c, self.out // self.groups, *kernel), (self.n, self.out, side, side)
        side = (self.size - 1) // self.stride + 1
        return x, (self.out, per_group, *kernel), (self.n, self.out, side, side)

    @property
    def flops(self) -> int:
        """Multiplications and additions of the direct algorithm, the same in all three directions."""
        x, w, y = self.shapes
        return 2 * prod(x if self.transposed else y) * prod(w[1:])

    @property
    def name(self) -> str:
        """Its shape and what is special about it."""
        kind = ["transposed"] if self.transposed else []
        kind.append(f"{self.kernel}×{self.kernel}")
        kind += [f"/{self.stride}"] if self.stride > 1 else []
        kind += [f"dilation {self.dilation}"] if self.dilation > 1 else []
        if self.groups > 1:
            kind.append("depthwise" if self.groups == self.c == self.out else f"groups {self.groups}")
        return f"{self.n}×{self.c}×{self.size}² → {self.out}, {' '.join(kind).replace(' /', '/')}"

    def call(self, F: Any, x: Any, w: Any) -> Any:
        """The convolution in either library's functional; no bias: norms follow, and its gradient is a sum."""
        how = {"stride": self.stride, "padding": self.padding, "dilation": self.dilation, "groups": self.groups}
        return (F.conv_transpose2d if self.transposed else F.conv2d)(x, w, **how)


CONVOLUTIONS = (
    Convolution(64, 1, 28, 16), Convolution(64, 3, 32, 32), Convolution(64, 16, 14, 32), Convolution(64, 16, 32, 16),
    Convolution(64, 32, 32, 32), Convolution(64, 64, 16, 64), Convolution(64, 64, 8, 128), Convolution(1, 64, 16, 64),
    Convolution(64, 16, 16, 32, 5), Convolution(64, 32, 32, 64, stride=2), Convolution(64, 32, 16, 32, dilation=2),
    Convolution(64, 64, 16, 64, groups=4), Convolution(64, 64, 16, 64, groups=64),
    Convolution(64, 64, 32, 64, stride=2, groups=64), Convolution(64, 64, 16, 128, 1), Convolution(64, 64, 32, 64, 1, 2),
    Convolution(64, 64, 8, 32, 4, 2, transposed=True), Convolution(64, 32, 16, 16, 2, 2, transposed=True),
)  # fmt: skip


def convolutions() -> Iterator[Case]:
    """Each convolution forward, and its gradients by the input and by the weight."""
    for conv in CONVOLUTIONS:
        inputs, works = conv.shapes[:2], (Work(conv.flops, numbers(*conv.shapes)),)
        for direction, make, wanted in (("forward", forward, (0, 1)), ("∂x", backward, (0,)), ("∂w", backward, (1,))):
            jaxed = ("convolution", conv, direction)
            yield Case(
                "conv", f"conv {conv.name}, {direction}", partial(make, conv.call, inputs, wanted), works, 1.0, jaxed
            )


# --- pooling, norms, losses --------------------------------------------------------------------------------------


def both(
    group: str, name: str, call: Callable[..., Any], *inputs: Any, out: Shape, wanted: tuple[int, ...] = (0,), saved: bool = True,
    bound: float | None = 1.0, flops: float = 0,
) -> Iterator[Case]:  # fmt: skip
    """A case forward and one backward; ``saved``: whether the gradient needs the inputs, so that they must be read."""
    shapes = [getattr(what, "shape", what) for what in inputs]
    works = (Work(flops, numbers(*shapes, out)),)
    yield Case(group, f"{name}, forward", partial(forward, call, inputs, wanted), works, bound)
    read = shapes if saved else []
    works = (
        Work(flops * len([k for k in wanted if len(shapes[k]) > 1]), numbers(*read, out, *(shapes[k] for k in wanted))),
    )
    yield Case(group, f"{name}, backward", partial(backward, call, inputs, wanted), works, bound)


def described(shape: Shape) -> str:
    """A shape for a name."""
    return "×".join(map(str, shape))


def pooling() -> Iterator[Case]:
    """Each kind of pooling on each size of picture."""
    for shape in PICTURES:
        n, c, h, w = shape
        half, one = (n, c, h // 2, w // 2), (n, c, 1, 1)
        kinds: tuple[tuple[str, Callable[..., Any], Shape], ...] = (
            ("max pool 2×2", lambda F, x: F.max_pool2d(x, 2), half),
            ("max pool 3×3/2", lambda F, x: F.max_pool2d(x, 3, 2, 1), half),
            ("average pool 2×2", lambda F, x: F.avg_pool2d(x, 2), half),
            ("global average", lambda F, x: F.adaptive_avg_pool2d(x, 1), one),
            ("adaptive average to 3×3", lambda F, x: F.adaptive_avg_pool2d(x, 3), (n, c, 3, 3)),
            ("adaptive max to 3×3", lambda F, x: F.adaptive_max_pool2d(x, 3), (n, c, 3, 3)),
        )
        for name, call, out in kinds:
            yield from both("pool", f"{name} {described(shape)}", call, shape, out=out, saved=False)


def norms() -> Iterator[Case]:
    """Batch norm in training and evaluation, group and layer norm, dropout."""

    def fixed(F: Any, x: Any, w: Any, b: Any, mean: Any, var: Any) -> Any:
        return F.batch_norm(x, mean, var, w, b, False)

    for shape in PICTURES:
        c, name = (shape[1],), described(shape)
        train = lambda F, x, w, b: F.batch_norm(x, None, None, w, b, True)
        yield from both("norm", f"batch norm {name}", train, shape, c, c, out=shape, wanted=(0, 1, 2))
        yield from both(
            "norm", f"batch norm in evaluation {name}", fixed, shape, c, c, c, Chances(c), out=shape, wanted=(0, 1, 2)
        )
        group = lambda F, x, w, b: F.group_norm(x, 4, w, b)
        yield from both("norm", f"group norm {name}", group, shape, c, c, out=shape, wanted=(0, 1, 2))
        drop = lambda F, x: F.dropout(x, 0.3)
        yield from both("norm", f"dropout {name}", drop, shape, out=shape, saved=False)
    layer = lambda F, x, w, b: F.layer_norm(x, (256,), w, b)
    yield from both(
        "norm", "layer norm 1024×256", layer, (1024, 256), (256,), (256,), out=(1024, 256), wanted=(0, 1, 2)
    )
    yield from both("norm", "dropout 64×128", lambda F, x: F.dropout(x, 0.3), (64, 128), out=(64, 128), saved=False)


def losses() -> Iterator[Case]:
    """Each loss, the mean over its numbers."""
    rows, wide, small = (64, 10), (64, 1000), (64, 100)
    cross_entropy = lambda F, x, y: F.cross_entropy(x, y)
    some: tuple[tuple[str, Callable[..., Any], Shape, Any], ...] = (
        ("cross-entropy", cross_entropy, rows, Labels((64,), 10)),
        ("cross-entropy", cross_entropy, (512, 100), Labels((512,), 100)),
        ("cross-entropy", cross_entropy, (16, 10, 32, 32), Labels((16, 32, 32), 10)),
        ("nll", lambda F, x, y: F.nll_loss(x, y), rows, Labels((64,), 10)),
        ("mse", lambda F, x, y: F.mse_loss(x, y), wide, wide),
        ("l1", lambda F, x, y: F.l1_loss(x, y), wide, wide),
        ("smooth l1", lambda F, x, y: F.smooth_l1_loss(x, y), wide, wide),
        ("bce with logits", lambda F, x, y: F.binary_cross_entropy_with_logits(x, y), small, Chances(small)),
        ("kl", lambda F, x, y: F.kl_div(x, y, reduction="batchmean"), small, Chances(small)),
    )
    for name, call, shape, target in some:
        yield from both("loss", f"{name} {described(shape)}", call, shape, target, out=())


def dense() -> Iterator[Case]:
    """Dense layers and ReLU, for which nothing is asked: most of their time is the BLAS's or the memory's."""
    for n, into, out in ((32, 64, 32), (64, 1568, 128), (256, 512, 512)):
        call = lambda F, x, w, b: F.linear(x, w, b)
        shapes = ((n, into), (out, into), (out,))
        flops = 2 * n * into * out
        name = f"linear {n}×{into} → {out}"
        yield from both("dense", name, call, *shapes, out=(n, out), wanted=(0, 1, 2), bound=None, flops=flops)
    for shape in PICTURES:
        yield from both("dense", f"relu {described(shape)}", lambda F, x: F.relu(x), shape, out=shape, bound=None)


# --- optimisers --------------------------------------------------------------------------------------------------

RULES: tuple[
    tuple[str, str, dict[str, float], int], ...
] = (  # name, class, arguments, numbers read and written a parameter
    ("SGD", "SGD", {"lr": 1e-2}, 3),
    ("momentum", "SGD", {"lr": 1e-2, "momentum": 0.9}, 5),
    ("Adam", "Adam", {}, 7),
    ("AdamW", "AdamW", {}, 7),
    ("RMSprop", "RMSprop", {"lr": 1e-3}, 5),
)


def updates(rule: str, how: dict[str, float], shapes: tuple[Shape, ...], library: Any) -> Callable[[], Any]:
    """A function that makes one step with gradients that stay."""
    rng = np.random.default_rng(0)
    parameters = [library.nn.Parameter(library.tensor(drawn(shape, rng))) for shape in shapes]
    for p in parameters:
        p.grad = library.tensor(drawn(tuple(p.shape), rng))
    optimiser = getattr(library.optim, rule)(parameters, **how)

    def step() -> Any:
        optimiser.step()
        return parameters[0]

    return step


def optimisers() -> Iterator[Case]:
    """Each rule on LeNet's parameters and on a million in one."""
    lenet = tuple(shape for layer in nets.LENET.layers for shape in layer.weights())
    for which, shapes in (("LeNet-size", lenet), ("1000×1000", ((1000, 1000),))):
        for name, rule, how, touched in RULES:
            works = (Work(0, touched * numbers(*shapes)),)
            yield Case("optim", f"{name} {which}", partial(updates, rule, how, shapes), works)


def cases() -> Iterator[Case]:
    """All of them."""
    for some in (convolutions, pooling, norms, losses, dense, optimisers):
        yield from some()
