"""Choose the kernels by the type of the arrays, and see that they get what they can compute: ``of(x).conv2d(x, ...)``.

NumPy arrays are computed by the folder ``cpu`` (Numba), or by ``reference`` (plain NumPy) inside ``with
kernels("reference"):`` or under the environment variable TINYLUCID_KERNELS=reference. CuPy arrays are computed by ``gpu``;
``with kernels("gpu"):`` computes NumPy arrays there too, moved there and back with each call, to compare the folders.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from operator import attrgetter
from typing import Any

import numpy as np

NAMES = ("cpu", "reference", "gpu")
FLOATS = (np.dtype(np.float32), np.dtype(np.float64))
WRITTEN = {"adam", "follow", "rmsprop", "sgd"}  # their first arrays are updated in place
AS_THEY_ARE = {*WRITTEN, "linear", "linear_grads", "matmul"}  # the latter read transposed arrays without a copy


class Folder:
    """The kernels of one folder as attributes, each guarded by :func:`ready`; imported when the first is asked for."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __getattr__(self, name: str) -> Callable:
        if name.startswith("__"):
            raise AttributeError(name)
        kernel = getattr(import_module(f".{self.name}", __package__), name)
        if self.name == "gpu":
            from .gpu.driver import cupy

            guarded = ready(kernel, cupy().ndarray, attrgetter("_c_contiguous"), cupy().ascontiguousarray)
            function = there_and_back(guarded, cupy(), name in WRITTEN)
        else:  # writeable as well: Numba would compile once more for arrays that are not
            function = ready(kernel, np.ndarray, attrgetter("flags.carray"), lambda a: np.array(a, order="C"))
        setattr(self, name, function)  # from now on found without this detour
        return function

    def __repr__(self) -> str:
        return f"<kernels of {self.name}>"


def ready(kernel: Callable, array_type: Any, packed: Callable, copied: Callable) -> Callable:
    """The kernel, whose arrays are ``packed``, or else ``copied`` (unless it takes any layout), and if floating one dtype."""
    as_they_are = kernel.__name__ in AS_THEY_ARE

    def call(*args: Any) -> Any:
        dtype, fit = None, True
        for a in args:
            if type(a) is array_type:
                kind = a.dtype
                if kind is not dtype:
                    if dtype is None and kind in FLOATS:
                        dtype = kind
                    elif kind.kind == "f" and kind != dtype:
                        raise unfit(kernel, args)
                if not as_they_are and not packed(a):
                    fit = False
            elif a is not None:
                break  # in every kernel the arrays come first
        if fit:
            return kernel(*args)
        return kernel(*[a if type(a) is not array_type or packed(a) else copied(a) for a in args])

    return call


def there_and_back(kernel: Callable, gpu: Any, writes: bool) -> Callable:
    """A GPU kernel that also takes NumPy arrays: they are moved to the GPU, the results and what it wrote back to NumPy."""
    array_type = gpu.ndarray

    def call(*args: Any) -> Any:
        if type(args[0]) is array_type or any(isinstance(a, array_type) for a in args):
            return kernel(*args)
        moved = tuple(gpu.asarray(a) if type(a) is np.ndarray else a for a in args)
        out = kernel(*moved)
        for a, b in zip(args, moved) if writes else ():
            if type(a) is np.ndarray:
                a[...] = b.get()
        back = lambda y: y.get() if isinstance(y, array_type) else y
        return tuple(map(back, out)) if isinstance(out, tuple) else back(out)

    return call


def unfit(kernel: Callable, args: tuple) -> TypeError:
    """The one error for arrays that kernels do not compute on."""
    got = ", ".join(f"{a.dtype} {a.shape}" if hasattr(a, "dtype") else type(a).__name__ for a in args)
    return TypeError(f"kernel {kernel.__name__}: floating arrays must all be float32 or all float64, got {got}")


FOLDERS = {name: Folder(name) for name in NAMES}
GPU_TYPES: set[type] = set()  # the types of arrays that were found to be a GPU's


def folder(name: str) -> Folder:
    """The folder of that name; ValueError if there is none."""
    if name not in FOLDERS:
        where = "TINYLUCID_KERNELS" if name == os.environ.get("TINYLUCID_KERNELS") else "kernels"
        raise ValueError(f"{where}: there are {', '.join(map(repr, NAMES))}, got {name!r}")
    return FOLDERS[name]


class Chosen(threading.local):
    """The folder that computes on NumPy arrays in this thread."""

    numpy = folder(os.environ.get("TINYLUCID_KERNELS") or "cpu")


chosen = Chosen()


def of(x: Any) -> Folder:
    """The kernels that compute on arrays of x's type; TypeError if there are none."""
    if type(x) is np.ndarray:
        return chosen.numpy
    if type(x) in GPU_TYPES:
        return FOLDERS["gpu"]
    if hasattr(x, "get") and hasattr(x, "flags"):  # a CuPy array, or its stand-in's
        GPU_TYPES.add(type(x))
        return FOLDERS["gpu"]
    raise TypeError(
        f"no kernels compute on {type(x).__module__}.{type(x).__name__}; expected numpy.ndarray or cupy.ndarray"
    )


@contextmanager
def kernels(name: str) -> Iterator[None]:
    """``with kernels("reference"):`` this thread's NumPy arrays are computed by that folder: "cpu", "reference" or "gpu".

    What is recorded inside and differentiated later is differentiated by the kernels in force then.
    """
    before = chosen.numpy
    chosen.numpy = folder(name)
    try:
        yield
    finally:
        chosen.numpy = before
