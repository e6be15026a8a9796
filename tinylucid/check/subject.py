"""What is checked: a call, and the leaf tensors (inputs and parameters) in which it is differentiated."""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from .. import devices
from ..nn import Module
from ..nn.module import device_of
from ..random import default_generator
from ..tensor import Tensor


def place(leaf: Tensor, array: Any) -> None:
    """Give a leaf other values, on its own device."""
    leaf.data = devices.beside(np.asarray(array), leaf)


class Subject:
    """A call to check, and the leaf tensors (inputs, parameters) in which it is differentiated."""

    def __init__(self, call: Callable[[], list[Tensor]], leaves: list[Tensor], names: list[str], buffers: list[Tensor]):
        self.leaves, self.names, self.buffers = leaves, names, buffers
        self.function, self.float32 = call, False
        self.analytic: list[np.ndarray] = []
        self.start = default_generator.get_state(), [b.data.copy() for b in buffers]

    def call(self) -> list[Tensor]:
        """The outputs, with the random counter and the buffers as they were at the start."""
        default_generator.set_state(self.start[0])
        for buffer, data in zip(self.buffers, self.start[1]):
            buffer.data[...] = data
        return self.function()


def outputs_of(result: Any) -> list[Tensor]:
    """What a function returned, as a list of tensors; TypeError if it is something else."""
    outputs = list(result) if isinstance(result, (tuple, list)) else [result]
    if not all(isinstance(y, Tensor) for y in outputs):
        kind = "None" if result is None else type(result).__name__
        raise TypeError(
            f"gradcheck: the function must return tensors, got {kind}: leave out detach() and numpy(), and return the result"
        )
    return outputs


def arguments(inputs: Any) -> list:
    """One input or several, as a list."""
    return list(inputs) if isinstance(inputs, (tuple, list)) else [inputs]


def is_checked(a: Any) -> bool:
    """Whether an argument's gradient is to be checked: a floating array, or a tensor that requires one."""
    return a.tracked if isinstance(a, Tensor) else devices.is_array(a) and a.dtype.kind == "f"


def as_leaf(a: Any, dtype: Any, device: str) -> Any:
    """An argument in another dtype: a new leaf if it is checked (an array goes to that device), a constant if floating, else itself."""
    if is_checked(a):
        array = a.data if isinstance(a, Tensor) else devices.put(a, device)
        return Tensor(array.astype(dtype, order="C"), requires_grad=True)
    return a.to(dtype) if isinstance(a, Tensor) and a.dtype.kind == "f" else a


@contextlib.contextmanager
def prepared(func: Callable, inputs: Any, dtype: Any = np.float64) -> Iterator[Subject]:
    """The call in ``dtype``, a Module's parameters and buffers too; they and the random counter are put back after."""
    given = arguments(inputs)
    args = [as_leaf(a, dtype, device_of(func)) for a in given]
    module = func if isinstance(func, Module) else Module()
    parameters = {name: p for name, p in module.named_parameters() if p.tracked}
    buffers = list(module.buffers())
    checked = [k for k, a in enumerate(given) if is_checked(a)]
    leaves, names = [args[k] for k in checked] + list(parameters.values()), argument_names(func, len(args))
    if not leaves:
        met = ", ".join(f"{a.dtype} {a.shape}" if hasattr(a, "dtype") else type(a).__name__ for a in given) or "nothing"
        raise ValueError(
            f"gradcheck: nothing to check in {met}: pass floating arrays, such as rng.normal(size=(2, 3)), or tensors "
            "with requires_grad=True"
        )
    single = any(x.dtype == np.float32 for x in [*(given[k] for k in checked), *parameters.values()])
    state, before = default_generator.get_state(), [(t, t.data) for t in [*parameters.values(), *buffers]]
    try:
        for t, data in before:
            t.data = data.astype(dtype) if data.dtype.kind == "f" else data.copy()
        subject = Subject(lambda: outputs_of(func(*args)), leaves, [*(names[k] for k in checked), *parameters], buffers)
        subject.float32 = single
        yield subject
    finally:
        for t, data in before:
            t.data = data
        default_generator.set_state(state)


def argument_names(func: Callable, count: int) -> list[str]:
    """The names of the first ``count`` arguments, "input k" where the function does not say."""
    names = []
    with contextlib.suppress(TypeError, ValueError):
        kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
        signature = inspect.signature(func.forward if isinstance(func, Module) else func)
        names = [p.name for p in signature.parameters.values() if p.kind in kinds][:count]
    return names + [f"input {k}" for k in range(len(names), count)]
