"""The nets of the benchmark, described once: a list of layers that builds the module, counts its work and draws its weights.

``jaxed`` reads the same lists. Names and arguments of ``nn`` are PyTorch's in both libraries.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any, NamedTuple

import numpy as np

from .case import Work, numbers

Shape = tuple[int, ...]


class Conv(NamedTuple):
    """A convolution that keeps the size but for its stride."""

    into: int
    out: int
    kernel: int = 3
    stride: int = 1
    groups: int = 1
    bias: bool = True

    def module(self, nn: Any) -> Any:
        """The layer in either library's ``nn``."""
        how = {"padding": self.kernel // 2, "groups": self.groups, "bias": self.bias}
        return nn.Conv2d(self.into, self.out, self.kernel, self.stride, **how)

    def weights(self) -> list[Shape]:
        """The shapes of its parameters, in order."""
        return [(self.out, self.into // self.groups, self.kernel, self.kernel), *([(self.out,)] if self.bias else [])]

    def after(self, shape: Shape) -> Shape:
        """The shape that comes out."""
        n, _, *size = shape
        return (n, self.out, *((s - 1) // self.stride + 1 for s in size))

    def flops(self, shape: Shape) -> int:
        """Multiplications and additions of the direct algorithm."""
        return 2 * prod(self.after(shape)) * prod(self.weights()[0][1:])


class Linear(NamedTuple):
    """A dense layer."""

    into: int
    out: int

    def module(self, nn: Any) -> Any:
        """The layer in either library's ``nn``."""
        return nn.Linear(self.into, self.out)

    def weights(self) -> list[Shape]:
        """The shapes of its parameters, in order."""
        return [(self.out, self.into), (self.out,)]

    def after(self, shape: Shape) -> Shape:
        """The shape that comes out."""
        return (shape[0], self.out)

    def flops(self, shape: Shape) -> int:
        """Multiplications and additions."""
        return 2 * shape[0] * self.into * self.out


class Layer(NamedTuple):
    """Any other layer: nn.``kind``(*arguments)."""

    kind: str
    arguments: tuple[Any, ...] = ()

    def module(self, nn: Any) -> Any:
        """The layer in either library's ``nn``."""
        return getattr(nn, self.kind)(*self.arguments)

    def weights(self) -> list[Shape]:
        """The shapes of its parameters, in order."""
        return [(self.arguments[0],)] * 2 if self.kind == "BatchNorm2d" else []

    def after(self, shape: Shape) -> Shape:
        """The shape that comes out."""
        n, c, *size = shape if len(shape) == 4 else (*shape, 1)
        if self.kind == "MaxPool2d":
            return (n, c, *(s // 2 for s in size))
        if self.kind == "AdaptiveAvgPool2d":
            return (n, c, 1, 1)
        return (n, c * prod(size)) if self.kind == "Flatten" else shape

    def flops(self, shape: Shape) -> int:
        """Few beside those of convolutions and dense layers: not counted."""
        return 0


class Residual(NamedTuple):
    """relu(main(x) + short(x)), where short may be nothing."""

    main: tuple[Any, ...]
    short: tuple[Any, ...] = ()

    def module(self, nn: Any) -> Any:
        """The layer in either library's ``nn``."""

        class Block(nn.Module):
            def __init__(self, main: Any, short: Any) -> None:
                super().__init__()
                self.main, self.short, self.relu = main, short, nn.ReLU()

            def forward(self, x: Any) -> Any:
                return self.relu(self.main(x) + self.short(x))

        return Block(sequence(nn, self.main), sequence(nn, self.short))

    def weights(self) -> list[Shape]:
        """The shapes of its parameters, in order."""
        return [shape for layer in (*self.main, *self.short) for shape in layer.weights()]

    def after(self, shape: Shape) -> Shape:
        """The shape that comes out."""
        for layer in self.main:
            shape = layer.after(shape)
        return shape


def sequence(nn: Any, layers: Sequence[Any]) -> Any:
    """The layers one after the other, as a module."""
    return nn.Sequential(*(layer.module(nn) for layer in layers))


def normed(conv: Conv) -> tuple[Any, ...]:
    """A convolution, batch norm and ReLU."""
    return (conv, Layer("BatchNorm2d", (conv.out,)), RELU)


def residual(into: int, out: int, stride: int) -> Residual:
    """A basic block of a ResNet, with a 1×1 convolution beside it where the shapes differ."""
    main = (*normed(Conv(into, out, stride=stride, bias=False)), *normed(Conv(out, out, bias=False))[:2])
    return Residual(main, () if into == out else normed(Conv(into, out, 1, stride, bias=False))[:2])


def separable(into: int, out: int, stride: int) -> tuple[Any, ...]:
    """A convolution of each channel by itself and one across channels, each with batch norm and ReLU."""
    return (*normed(Conv(into, into, 3, stride, into, bias=False)), *normed(Conv(into, out, 1, bias=False)))


class Net(NamedTuple):
    """A net, its layers, what it is fed in training, and its bounds."""

    name: str
    layers: tuple[Any, ...]
    shape: Shape
    bound: float


RELU, POOL, FLAT = Layer("ReLU"), Layer("MaxPool2d", (2,)), Layer("Flatten")
MEAN = (Layer("AdaptiveAvgPool2d", (1,)), FLAT)
DENSE = Net("dense 64-32-10", (Linear(64, 32), RELU, Linear(32, 10)), (32, 64), 4.0)
LENET = Net(
    "LeNet-size",
    (Conv(1, 16), RELU, POOL, Conv(16, 32), RELU, POOL, FLAT, Linear(1568, 128), RELU, Linear(128, 10)),
    (64, 1, 28, 28),
    2.5,
)
VGG = Net(
    "VGG-ish",
    (
        *normed(Conv(3, 32)), *normed(Conv(32, 32)), POOL, *normed(Conv(32, 64)), *normed(Conv(64, 64)), POOL,
        *normed(Conv(64, 128)), *MEAN, Layer("Dropout", (0.3,)), Linear(128, 10),
    ),
    (64, 3, 32, 32),
    2.0,
)  # fmt: skip
RESNET = Net(
    "ResNet-8",
    (
        *normed(Conv(3, 16, bias=False)), residual(16, 16, 1), residual(16, 32, 2), residual(32, 64, 2),
        *MEAN, Linear(64, 10),
    ),
    (64, 3, 32, 32),
    1.5,
)  # fmt: skip
SEPARABLE = Net(
    "depthwise-separable",
    (
        *normed(Conv(3, 32, bias=False)), *separable(32, 64, 1), *separable(64, 128, 2), *separable(128, 128, 1),
        *separable(128, 256, 2), *separable(256, 256, 1), *MEAN, Linear(256, 10),
    ),
    (64, 3, 32, 32),
    2.0,
)  # fmt: skip
NETS = (DENSE, LENET, VGG, RESNET, SEPARABLE)


def flat(layers: Sequence[Any], shape: Shape) -> list[tuple[Any, Shape]]:
    """Each single layer with the shape that goes in, those of residual blocks included."""
    found: list[tuple[Any, Shape]] = []
    for layer in layers:
        if isinstance(layer, Residual):
            found += [*flat(layer.main, shape), *flat(layer.short, shape)]
        else:
            found.append((layer, shape))
        shape = layer.after(shape)
    return found


def works(net: Net, shape: Shape, training: bool) -> tuple[Work, ...]:
    """What each layer must do: read its input and weights and write its output, once for each product that it makes.

    Layers that a perfect program would do in passing (ReLU, dropout, flattening) cost nothing. In training come the
    gradients by weights and, but for the first layer, by the input, and Adam's seven numbers a parameter.
    """
    found = []
    for k, (layer, before) in enumerate(flat(net.layers, shape)):
        if isinstance(layer, Layer) and layer.kind in ("ReLU", "Flatten", "Dropout"):
            continue
        moved = numbers(before, layer.after(before), *layer.weights())
        passes = 1 + training * (bool(layer.weights()) + (k > 0)) if layer.flops(before) else 1 + training
        found += [Work(layer.flops(before), moved)] * passes
    if training:
        found.append(Work(0, 7 * numbers(*(w for layer in net.layers for w in layer.weights()))))
    return tuple(found)


def weights(net: Net) -> list[np.ndarray]:
    """The parameters that every library begins with, in order: weights by He et al., 2015, norms 1, all else 0."""
    rng, found = np.random.default_rng(0), []
    for layer, _ in flat(net.layers, net.shape):
        for k, shape in enumerate(layer.weights()):
            if len(shape) > 1:
                found.append(rng.standard_normal(shape, np.float32) * np.float32((2 / prod(shape[1:])) ** 0.5))
            else:
                found.append(np.full(shape, float(k == 0), np.float32))
    return found


def model(library: Any, net: Net) -> Any:
    """The net in ``library`` (tinylucid or torch), with these weights."""
    library.manual_seed(0)
    made = sequence(library.nn, net.layers)
    for p, value in zip(made.parameters(), weights(net), strict=True):
        p.data[...] = library.tensor(value).data
    return made


def batch(net: Net, shape: Shape | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Random pictures and their labels."""
    shape, rng = shape or net.shape, np.random.default_rng(1)
    return rng.standard_normal(shape, dtype=np.float32), rng.integers(0, 10, shape[0])


def step(library: Any, net: Net, shape: Shape | None = None, device: str = "cpu") -> Callable[[], Any]:
    """A function that trains the net by one step on a device, and returns the loss."""
    made = model(library, net).to(device)
    optimiser = library.optim.Adam(made.parameters(), lr=1e-3)
    x, y = (library.tensor(a).to(device) for a in batch(net, shape))

    def train() -> Any:
        optimiser.zero_grad()
        loss = library.nn.functional.cross_entropy(made(x), y)
        loss.backward()
        optimiser.step()
        return loss

    return train


def inference(library: Any, net: Net, n: int) -> Callable[[], Any]:
    """A function that gives the logits of n pictures, recording nothing."""
    made = model(library, net).eval()
    x = library.tensor(batch(net, (n, *net.shape[1:]))[0])

    def infer() -> Any:
        with library.no_grad():
            return made(x)

    return infer
