"""tl.summary: what a net is made of, layer by layer: shapes, parameters, arithmetic, memory."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from . import dtypes, nn, show
from .creation import zeros
from .nn.module import check_model, device_of, mode
from .random import default_generator
from .scopes import no_grad
from .tensor import Tensor

ELEMENTWISE = (nn.ReLU, nn.LeakyReLU, nn.ELU, nn.GELU, nn.SiLU, nn.Sigmoid, nn.Tanh, nn.Softplus, nn.LogSigmoid)
PADDING = (nn.ZeroPad2d, nn.ReflectionPad2d, nn.ReplicationPad2d)
MOVING = (nn.Dropout, nn.Flatten, nn.Unflatten, nn.Identity, nn.Embedding, nn.MaxUnpool2d, *PADDING)
RULES: list[tuple[Any, Callable[[Any, Any, Any], int]]] = [  # layers, and FLOPs of (layer, input, output)
    (nn.Conv2d, lambda layer, x, y: 2 * y.size * math.prod(layer.weight.shape[1:])),
    (nn.ConvTranspose2d, lambda layer, x, y: 2 * x.size * math.prod(layer.weight.shape[1:])),
    (nn.Linear, lambda layer, x, y: 2 * y.size * layer.in_features),
    ((nn.BatchNorm1d, nn.BatchNorm2d), lambda layer, x, y: 2 * y.size),
    ((nn.MaxPool2d, nn.AvgPool2d), lambda layer, x, y: y.size * int(np.broadcast_to(layer.kernel_size, 2).prod())),
    ((nn.AdaptiveAvgPool2d, nn.AdaptiveMaxPool2d), lambda layer, x, y: x.size),
    (ELEMENTWISE, lambda layer, x, y: y.size),
    (MOVING, lambda layer, x, y: 0),
]


class Row(NamedTuple):
    """One call of a layer. ``flops`` is None where there is no rule, ``output_shape`` where the layer was not called."""

    name: str
    kind: str
    output_shape: tuple[int, ...] | None
    parameters: int
    flops: int | None
    memory: int


@dataclass(frozen=True, repr=False)
class Summary:
    """The rows of a net for one input shape, and their sums; ``str()`` is the table."""

    kind: str
    input_shape: tuple[int, ...]
    dtype: Any
    rows: tuple[Row, ...]

    @property
    def parameters(self) -> int:
        """How many numbers are parameters, each counted once."""
        return sum(row.parameters for row in self.rows)

    @property
    def flops(self) -> int:
        """Floating-point operations of the layers with a rule."""
        return sum(row.flops or 0 for row in self.rows)

    @property
    def memory(self) -> int:
        """Bytes of all outputs and all parameters."""
        return sum(row.memory for row in self.rows)

    @property
    def title(self) -> str:
        """Which net this is, and for which input."""
        return f"{self.kind} for input {self.input_shape}, {self.dtype}"

    @property
    def lines(self) -> list[tuple[str, ...]]:
        """The table in words: its head, the layers, their sums."""
        lines: list[tuple[str, ...]] = [("layer", "kind", "output", "parameters", "FLOPs", "memory")]
        for row in self.rows:
            shape = "not called" if row.output_shape is None else str(row.output_shape)
            flops = "–" if row.flops is None else human(row.flops)
            parameters = f"{row.parameters:,}" if row.parameters else ""
            lines.append((row.name or "(itself)", row.kind, shape, parameters, flops, f"{human(row.memory)}B"))
        lines.append(("total", "", "", f"{self.parameters:,}", human(self.flops), f"{human(self.memory)}B"))
        return lines

    @property
    def notes(self) -> list[str]:
        """What has to be said below the table."""
        return ["– : no rule, counted as 0"] if any(row.flops is None for row in self.rows) else []

    def __str__(self) -> str:
        lines = self.lines
        widths = [max(map(len, column)) for column in zip(*lines)]
        aligned = [
            "  ".join(
                cell.ljust(w) if k < 3 else cell.rjust(w) for k, (cell, w) in enumerate(zip(line, widths))
            ).rstrip()
            for line in lines
        ]
        rule = "─" * max(map(len, aligned))
        return "\n".join([self.title, "", aligned[0], rule, *aligned[1:-1], rule, aligned[-1], *self.notes])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        head, *rows = self.lines
        return show.table(head, rows, left=3, note="   ".join([self.title, *self.notes]))


def summary(model: nn.Module, input_shape: Any) -> Summary:
    """Layers of a net in the order of their calls: name, class, output shape, parameters, FLOPs, memory (bytes).

    ``input_shape`` (N, C, H, W) or (N, F) is taken as given, (C, H, W) or (F,) is one sample: N = 1. The net runs once on zeros,
    in eval mode and without recording; its modes, buffers and the random counter stay as they were. A layer called twice has two rows,
    its parameters stand in the first, and so do parameters that layers share: sums count each once. Parameters of a module that
    has layers inside, or was never called, have a row as well. Memory is the output's and the parameters'.

    | layer | FLOPs, two a multiply-add |
    |---|---|
    | Conv2d, Linear | 2 · outputs · weights of one output (the bias's addition is in it) |
    | ConvTranspose2d | 2 · inputs · weights of one input |
    | BatchNorm1d, BatchNorm2d | 2 · outputs: scale and shift, as in eval mode |
    | MaxPool2d, AvgPool2d | outputs · pixels of the window |
    | AdaptiveAvgPool2d, AdaptiveMaxPool2d | inputs |
    | ReLU and the other activations of each number by itself | outputs |
    | Dropout, Flatten, Identity, Embedding, padding, unpooling | 0 |
    | all else, and functions called outside layers | not known: counted as 0, shown as – or not at all |

    Raises ValueError for a shape with other than 1 to 4 sizes, and for one that the net refuses, naming the layer.
    """
    check_model(model, "summary")
    shape = _batch(input_shape)
    dtype = next((p.dtype for p in model.parameters() if p.dtype.kind == "f"), dtypes.get_default_dtype())
    watch = Watch(model)
    buffers = [(b, b.data.copy()) for b in model.buffers()]
    counter = default_generator.get_state()
    remove = [m.register_forward_pre_hook(watch.before) for m in model.modules()]
    remove += [m.register_forward_hook(watch.after) for m in model.modules()]
    try:
        with no_grad(), mode(model, False):
            model(zeros(shape, dtype=dtype, device=device_of(model)))
    except Exception as error:
        raise ValueError(f"summary: input {shape} is refused by {watch.where()}: {error}") from error
    finally:
        for undo in remove:
            undo()
        for buffer, data in buffers:
            buffer.data[...] = data
        default_generator.set_state(counter)
    return Summary(type(model).__name__, shape, np.dtype(dtype), (*watch.rows, *watch.uncalled()))


class Watch:
    """What is seen while a net runs: the calls that are open, a row for each that ends, and whose parameters were counted."""

    def __init__(self, model: nn.Module) -> None:
        self.names = {module: name for name, module in model.named_modules()}
        self.open: list[nn.Module] = []
        self.rows: list[Row] = []
        self.counted: set[int] = set()

    def before(self, module: nn.Module, args: tuple) -> None:
        """A call begins."""
        self.open.append(module)

    def after(self, module: nn.Module, args: tuple, output: Any) -> None:
        """A call ends: a row, if it is a layer or has parameters of its own."""
        self.open.pop()
        if module._modules and not any(p is not None for p in module._parameters.values()):
            return
        outputs = _tensors(output)
        numbers, size = self.parameters(module)
        flops = _flops(module, args[0], outputs[0]) if args and outputs else None
        shape = outputs[0].shape if outputs else ()
        memory = size + sum(y.data.nbytes for y in outputs)
        self.rows.append(Row(self.names[module], type(module).__name__, shape, numbers, flops, memory))

    def parameters(self, module: nn.Module) -> tuple[int, int]:
        """Numbers and bytes of the module's own parameters that were not counted before."""
        own = {id(p): p for p in module._parameters.values() if p is not None and id(p) not in self.counted}
        self.counted.update(own)
        return sum(p.size for p in own.values()), sum(p.data.nbytes for p in own.values())

    def uncalled(self) -> list[Row]:
        """Rows for the modules whose parameters belong to no call."""
        found = [(name, type(module).__name__, *self.parameters(module)) for module, name in self.names.items()]
        return [Row(name, kind, None, numbers, None, size) for name, kind, numbers, size in found if numbers]

    def where(self) -> str:
        """The innermost call that is open, in words."""
        if not self.open or not self.names[self.open[-1]]:
            return "the net itself"
        return f"layer {self.names[self.open[-1]]!r} ({type(self.open[-1]).__name__})"


def _batch(shape: Any) -> tuple[int, ...]:
    """The shape with a batch dimension; ValueError for what is no shape of pictures or of rows of features."""
    sizes = tuple(shape) if isinstance(shape, (tuple, list)) else (shape,)
    if not 1 <= len(sizes) <= 4 or not all(isinstance(n, (int, np.integer)) and n > 0 for n in sizes):
        raise ValueError(
            f"summary: input_shape must be (N, C, H, W), (C, H, W), (N, F) or (F,), sizes from 1; got {shape!r}"
        )
    return (1, *map(int, sizes)) if len(sizes) % 2 else tuple(map(int, sizes))


def _tensors(output: Any) -> list[Tensor]:
    """The tensors in what a layer gives, such as the LSTM's (y, (h, c))."""
    if isinstance(output, (tuple, list)):
        return [y for part in output for y in _tensors(part)]
    return [output] if isinstance(output, Tensor) else []


def _flops(layer: nn.Module, x: Any, y: Any) -> int | None:
    """The operations of one call, None if no rule knows them."""
    return next((rule(layer, x, y) for layers, rule in RULES if isinstance(layer, layers)), None)


def human(n: int) -> str:
    """A number in three digits with a decimal prefix: 999, 1.23 k, 45.6 M."""
    for power, prefix in ((12, "T"), (9, "G"), (6, "M"), (3, "k")):
        if n >= 999.5 * 10 ** (power - 3):
            value = n / 10**power
            digits = 2 if value < 9.995 else 1 if value < 99.95 else 0
            return f"{value:.{digits}f} {prefix}"
    return f"{n} "
