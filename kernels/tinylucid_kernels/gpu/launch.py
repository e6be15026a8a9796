"""Launching CUDA kernels through CuPy so that a mistake is an error, not a wrong number.

CuPy hands a kernel whatever it is given: a Python float as 8 bytes where the kernel reads 4, an array's bits as another type,
a view's memory without its strides, and a grid of 0 blocks as 1. So each call goes through a :class:`Kernel`, which has read the
kernel's signature in its source: it casts scalars to the C types, and refuses an array of another dtype, with gaps, or on
another device, and a wrong number of arguments.

The sources are written for ``real``, which is compiled as float or double.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from operator import index
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from .driver import array_type, cupy

HERE = Path(__file__).parent
C_TYPES = {
    "bool": np.bool_,
    "unsigned char": np.uint8,
    "int": np.int32,
    "unsigned": np.uint32,
    "long long": np.int64,
    "unsigned long long": np.uint64,
    "float": np.float32,
    "double": np.float64,
}
REAL = {np.dtype(np.float32): "float", np.dtype(np.float64): "double"}
OPTIONS = ("-std=c++17", "-ftz=true")


class Parameter(NamedTuple):
    """One parameter of a kernel: its name, its element type, and whether it is an array."""

    name: str
    dtype: np.dtype
    is_array: bool


class Kernel:
    """A compiled kernel, called as ``kernel(grid, block, *args)``; arrays may be None where the kernel allows it.

    Raises TypeError for a wrong number of arguments, a wrong dtype, and an array with gaps or on another device.
    """

    def __init__(self, raw: Any, name: str, parameters: Sequence[Parameter]) -> None:
        self.raw, self.name, self.parameters, self.array_type = raw, name, parameters, array_type()
        numbers = [(k, p.dtype) for k, p in enumerate(parameters) if not p.is_array]
        self.arrays = [(k, p.dtype) for k, p in enumerate(parameters) if p.is_array]
        self.integers = [(k, dtype.type) for k, dtype in numbers if dtype.kind in "iu"]
        self.others = [(k, dtype.type) for k, dtype in numbers if dtype.kind not in "iu"]

    def __call__(self, grid: tuple[int, ...], block: tuple[int, ...], *args: Any) -> None:
        if len(args) != len(self.parameters):
            expected = ", ".join(p.name for p in self.parameters)
            raise TypeError(f"kernel {self.name}: takes {len(self.parameters)} arguments ({expected}), got {len(args)}")
        given, kind, one = [*args], self.array_type, one_device()
        for k, dtype in self.arrays:  # a step that launches fifty kernels waits for these lines: the usual case first
            a = args[k]
            if not (one and type(a) is kind and a.dtype is dtype and a._c_contiguous):
                given[k] = self.array(self.parameters[k], a)
        for k, cast in self.integers:
            given[k] = cast(index(args[k]))  # no fraction is cut off
        for k, cast in self.others:
            given[k] = cast(args[k])
        if min(grid) > 0:  # nothing to compute is nothing to launch; CuPy would launch one block
            self.raw(grid, block, tuple(given))

    def array(self, p: Parameter, a: Any) -> Any:
        """What CuPy is handed for an array that is not quite the usual one; TypeError where it does not fit."""
        if a is None:
            return np.uint64(0)
        here = cupy().cuda.Device()
        if isinstance(a, self.array_type) and a.dtype == p.dtype and a._c_contiguous and a.device == here:
            return a
        raise TypeError(f"kernel {self.name}, {p.name}: {unfit(p, a, here)}")


@functools.cache
def one_device() -> bool:
    """Whether there is one GPU only: then every array is on it."""
    return cupy().cuda.runtime.getDeviceCount() == 1


def unfit(p: Parameter, a: Any, here: Any) -> str:
    """Why a kernel cannot take an array."""
    if not isinstance(a, array_type()):
        return f"expected an array on the GPU, got {type(a).__module__}.{type(a).__name__}"
    if a.dtype != p.dtype:
        return f"expected {p.dtype}, got {a.dtype} {a.shape}"
    if not a._c_contiguous:
        return f"expected memory without gaps, got {a.shape} with strides {a.strides}"
    return f"the array is on {a.device}, the kernel would run on {here}"


@functools.cache
def kernel(file: str, name: str, dtype: Any, **defines: int) -> Kernel:
    """The kernel of that name in a ``.cu`` file, compiled for arrays of that floating dtype, with ``#define``s; kept."""
    if np.dtype(dtype) not in REAL:
        raise TypeError(f"kernel {name}: computes on float32 and float64, got {np.dtype(dtype)}")
    options = (*OPTIONS, f"-Dreal={REAL[np.dtype(dtype)]}", *(f"-D{k}={v}" for k, v in sorted(defines.items())))
    text = source(file)
    parameters = signature(text, name, np.dtype(dtype))
    return Kernel(module(text, options).get_function(name), name, parameters)


@functools.cache
def module(text: str, options: tuple[str, ...]) -> Any:
    """A source compiled with these options: all of its kernels."""
    return cupy().RawModule(code=text, options=options)


@functools.cache
def source(file: str) -> str:
    """A source with the files it includes pasted in: CuPy's cache on disk would not notice that one of those changed."""
    lines = [f'#line 1 "{file}"']
    for number, line in enumerate((HERE / file).read_text().splitlines(), 1):
        include = re.match(r'#include "([^"]+)"', line)
        lines += [source(include[1]), f'#line {number + 1} "{file}"'] if include else [line]
    return "\n".join(lines)


def signature(text: str, name: str, dtype: np.dtype) -> list[Parameter]:
    """The parameters of a kernel as its source declares them; ``real`` is that dtype."""
    found = re.search(r"__global__\s+void\s+(?:__launch_bounds__\([^)]*\)\s*)?" + name + r"\s*\(([^)]*)\)", text)
    if not found:
        raise KeyError(f"there is no kernel {name}")
    types: dict[str, Any] = {**C_TYPES, "real": dtype}
    parameters = []
    for declared in found[1].split(","):
        words = re.sub(r"\bconst\b|\b__restrict__\b|\*", " ", declared).split()
        parameters.append(Parameter(words[-1], np.dtype(types[" ".join(words[:-1])]), "*" in declared))
    return parameters


def cover(size: int, block: int = 256, each: int = 1) -> tuple[tuple[int], tuple[int]]:
    """Grid and block of a kernel whose threads take so many elements ``each``."""
    return (-(-size // (block * each)),), (block,)
