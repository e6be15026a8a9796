"""Choose the kernels by the type of the arrays, and see that they get what they can compute: ``of(x).conv2d(x, ...)``.

NumPy arrays are computed by the folder ``cpu`` (Numba), or by ``reference`` (plain NumPy) inside ``with
kernels("reference"):`` or under the environment variable TINYLUCID_KERNELS=reference.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

import numpy as np

NAMES = ("cpu", "reference")
FLOATS = (np.dtype(np.float32), np.dtype(np.float64))
AS_THEY_ARE = {"adam", "linear", "matmul", "rmsprop", "sgd"}  # written in place, or read transposed without a copy


class Folder:
    """The kernels of one folder as attributes, each guarded by :func:`ready`; imported when the first is asked for."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __getattr__(self, kernel: str) -> Callable:
        if kernel.startswith("__"):
            raise AttributeError(kernel)
        function = ready(getattr(import_module(f".{self.name}", __package__), kernel), kernel not in AS_THEY_ARE)
        setattr(self, kernel, function)  # from now on found without this detour
        return function

    def __repr__(self) -> str:
        return f"<kernels of {self.name}>"


def ready(kernel: Callable, contiguous: bool) -> Callable:
    """The kernel, whose arrays it gets C-contiguous and writeable (unless it takes any layout) and, if floating, all of one dtype."""

    def call(*args: Any) -> Any:
        given, dtype = args, None
        for k, a in enumerate(given):
            if type(a) is np.ndarray:
                if a.dtype.kind == "f":
                    if dtype is None and a.dtype in FLOATS:
                        dtype = a.dtype
                    elif a.dtype != dtype:
                        raise unfit(kernel, given)
                if contiguous and not a.flags.carray:  # also read-only ones: Numba would compile once more for them
                    args = (*args[:k], np.array(a, order="C"), *args[k + 1 :])
        return kernel(*args)

    return call


def unfit(kernel: Callable, args: tuple) -> TypeError:
    """The one error for arrays that kernels do not compute on."""
    got = ", ".join(f"{a.dtype} {a.shape}" if isinstance(a, np.ndarray) else type(a).__name__ for a in args)
    return TypeError(f"kernel {kernel.__name__}: floating arrays must all be float32 or all float64, got {got}")


FOLDERS = {name: Folder(name) for name in NAMES}


def folder(name: str) -> Folder:
    """The folder of that name; ValueError if there is none."""
    if name not in FOLDERS:
        where = "TINYLUCID_KERNELS" if name == os.environ.get("TINYLUCID_KERNELS") else "kernels"
        raise ValueError(f"{where}: there are {' and '.join(map(repr, NAMES))}, got {name!r}")
    return FOLDERS[name]


class Chosen(threading.local):
    """The folder that computes on NumPy arrays in this thread."""

    numpy = folder(os.environ.get("TINYLUCID_KERNELS") or "cpu")


chosen = Chosen()


def of(x: Any) -> Folder:
    """The kernels that compute on arrays of x's type; TypeError if there are none."""
    if type(x) is np.ndarray:
        return chosen.numpy
    raise TypeError(f"no kernels compute on {type(x).__module__}.{type(x).__name__}; expected numpy.ndarray")


@contextmanager
def kernels(name: str) -> Iterator[None]:
    """``with kernels("reference"):`` this thread's NumPy arrays are computed by that folder: "cpu" or "reference".

    What is recorded inside and differentiated later is differentiated by the kernels in force then.
    """
    before = chosen.numpy
    chosen.numpy = folder(name)
    try:
        yield
    finally:
        chosen.numpy = before
