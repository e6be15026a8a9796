"""Making tensors: from data, constants, ranges and random numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from . import devices, dtypes
from .ops.shape import sizes, tensor_like
from .random import Generator, default_generator
from .tensor import Tensor


def tensor(data: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """A tensor with a copy of ``data``: an array, a number, or nested lists.

    Python floats get the default dtype, integers int64, arrays keep their own. ``device`` is "cpu" or "cuda"; without it what is on the
    GPU stays there, and all else goes to the default device. Raises TypeError for ragged or
    non-numeric data, an unsupported dtype, and an integer tensor that should require a gradient, and RuntimeError for
    tensors that require a gradient, which a copy would lose.
    """
    data = unwrapped(data)
    on_gpu = devices.of(data) == "cuda"
    try:
        array = data.copy() if on_gpu else np.array(data)
    except ValueError as error:
        raise TypeError(
            "tensor: expected numbers in a regular shape, got rows of different lengths; pad the short ones"
        ) from error
    if array.dtype.kind not in "biuf":
        raise TypeError(
            f"tensor: expected numbers, got {type(data).__name__} that reads as {array.dtype}; float(text) makes a number"
        )
    if dtype is None and array.dtype == dtypes.float64 and not hasattr(first(data), "dtype"):
        dtype = dtypes.default
    if device is None and on_gpu:
        device = "cuda"
    return placed(array if dtype is None else array.astype(dtype), device, "tensor", requires_grad)


def placed(array: Any, device: Any, where: str, requires_grad: bool = False) -> Tensor:
    """A tensor of an array, on a device, or on the default one."""
    device = devices.default if device is None else devices.known(device, where)
    return Tensor(devices.put(array, device), requires_grad)


def unwrapped(data: Any) -> Any:
    """The arrays of tensors in nested lists."""
    if isinstance(data, Tensor):
        if data.tracked:
            raise RuntimeError(
                "tensor: this data requires a gradient, which a copy would lose; use x.clone() or tl.stack(xs), or x.detach() first"
            )
        return data.data
    inner = lambda x: devices.host(x) if devices.of(x) == "cuda" else x
    return [inner(unwrapped(x)) for x in data] if isinstance(data, (list, tuple)) else data


def first(data: Any) -> Any:
    """The first element of nested lists that is no list."""
    while isinstance(data, (list, tuple)) and len(data):
        data = data[0]
    return data


def full(size: Any, fill_value: float, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """A tensor of that shape with every element ``fill_value``: bool, int64 or the default dtype, as the value is."""
    size = sizes(size if isinstance(size, tuple) else (size,))
    return filled("full", size, fill_value, dtype, device, requires_grad)


def filled(where: str, size: tuple, value: float, dtype: Any, device: Any, requires_grad: bool) -> Tensor:
    """``full`` for all that make constants, each under its own name in messages."""
    if dtype is None and isinstance(value, float):
        dtype = dtypes.default
    try:
        array = np.full(size, value, dtype)
    except (TypeError, ValueError) as error:
        kind = ValueError if isinstance(error, ValueError) else TypeError
        raise kind(
            f"{where}: expected sizes that are integers ≥ 0, got {size} ({error}); write {where}(2, 3)"
        ) from None
    return placed(array, device, where, requires_grad)


def zeros(*shape: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """A tensor of zeros: ``zeros(2, 3)`` or ``zeros((2, 3))``."""
    return filled("zeros", sizes(shape), 0.0, dtype, device, requires_grad)


def ones(*shape: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """A tensor of ones: ``ones(2, 3)`` or ``ones((2, 3))``."""
    return filled("ones", sizes(shape), 1.0, dtype, device, requires_grad)


def zeros_like(input: Any) -> Tensor:
    """Zeros of x's shape and dtype, on its device."""
    return zeros(tensor_like(input, "zeros_like").shape, dtype=input.dtype, device=devices.of(input))


def ones_like(input: Any) -> Tensor:
    """Ones of x's shape and dtype, on its device."""
    return ones(tensor_like(input, "ones_like").shape, dtype=input.dtype, device=devices.of(input))


def arange(*bounds: float, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """start, start + step, … below end: ``arange(end)``, ``arange(start, end)`` or ``arange(start, end, step)``.

    Raises ValueError where steps do not lead from start to end, TypeError for no bounds or too many.
    """
    if not 1 <= len(bounds) <= 3:
        raise TypeError(f"arange: expected end, or start and end, or start, end and step; got {len(bounds)} arguments")
    start, end, step = (0, *bounds, 1) if len(bounds) == 1 else (*bounds, 1)[:3]
    if not step or not (end - start) * step >= 0:
        raise ValueError(f"arange: steps of {step} do not lead from {start} to {end}; give a step of the other sign")
    if dtype is None:
        dtype = dtypes.int64 if all(isinstance(b, (int, np.integer)) for b in bounds) else dtypes.default
    return placed(np.arange(*bounds).astype(dtype), device, "arange", requires_grad)


def rand(
    *shape: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False, rng: Generator | None = None
) -> Tensor:
    """Uniform random numbers in [0, 1) from ``rng`` (default: the generator of manual_seed)."""
    return placed((rng or default_generator).uniform(sizes(shape), dtype), device, "rand", requires_grad)


def randn(
    *shape: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False, rng: Generator | None = None
) -> Tensor:
    """Standard normal random numbers from ``rng`` (default: the generator of manual_seed)."""
    return placed((rng or default_generator).normal(sizes(shape), dtype), device, "randn", requires_grad)
