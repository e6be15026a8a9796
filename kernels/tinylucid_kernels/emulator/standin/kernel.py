"""``cupy.RawKernel`` and ``RawModule``: the kernel runs on the emulated GPU.

CuPy hands over whatever it is given; here an argument of the wrong type, an array with gaps and an empty grid are refused.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import settings
from ..launch import CODES, build, launch, signature
from . import graph
from .arrays import ndarray


class RawKernel:
    """A kernel of a CUDA source, compiled when first called: ``kernel(grid, block, args)``, all tuples."""

    def __init__(
        self, code: str, name: str, options: tuple[str, ...] = (), backend: str = "nvrtc", **kwargs: bool
    ) -> None:
        if type(options) is not tuple:
            raise TypeError(f"Argument 'options' has incorrect type (expected tuple, got {type(options).__name__})")
        if backend != "nvrtc" or kwargs:
            raise NotImplementedError("the emulated GPU knows RawKernel(code, name, options)")
        self.code, self.name, self.options = code, name, options

    def __call__(
        self, grid: tuple[int, ...], block: tuple[int, ...], args: tuple, *, shared_mem: int = 0, stream: Any = None
    ) -> None:
        if type(grid) is not tuple or type(block) is not tuple or type(args) is not tuple:
            raise TypeError(
                f"kernel {self.name}: grid, block and args must be tuples, got {grid!r}, {block!r}, {type(args)}"
            )
        if min(*grid, *block, 1) < 1:
            raise ValueError(
                f"kernel {self.name}: grid {grid} of blocks {block} is empty; CuPy would launch a thread all the same"
            )
        library = build(self.code, self.options, settings.check)
        if self.name not in library.names:
            raise AttributeError(f'there is no kernel {self.name}; is it declared extern "C" __global__?')
        codes = signature(library, self.name)
        if len(codes) != len(args):
            raise TypeError(
                f"kernel {self.name}: takes {len(codes)} arguments, got {len(args)}; CuPy would read beyond them"
            )
        given = [self.argument(p, code, a) for p, code, a in zip(library.names[self.name], codes, args)]
        work = lambda: launch(library, self.name, grid, block, given, shared_mem, settings.order)
        graph.change(work, [a for a in args if type(a) is ndarray])

    def argument(self, parameter: str, code: str, a: Any) -> Any:
        """What the emulation is handed for a parameter: the NumPy array inside, or the NumPy scalar."""
        where = f"kernel {self.name}, {parameter}"
        pointer, dtype = code[0] in "PC", np.dtype(CODES[code.lstrip("PC")])
        if not pointer:
            if not isinstance(a, np.generic) or a.dtype != dtype:
                raise TypeError(f"{where}: expected numpy.{dtype}, got {type(a).__name__}; CuPy would pass its bytes")
            return a
        if a is None or (isinstance(a, np.uint64) and a == 0):
            return np.uint64(0)
        if not isinstance(a, ndarray):
            raise TypeError(f"{where}: expected a cupy.ndarray, got {type(a)}")
        if a._a.dtype != dtype and not (a._a.dtype == bool and dtype.itemsize == 1):
            raise TypeError(
                f"{where}: expected {dtype}, got an array of {a._a.dtype}; CuPy would reinterpret its bytes"
            )
        if not a._a.flags.c_contiguous:
            raise TypeError(f"{where}: the array is not contiguous; CuPy would ignore its strides {a._a.strides}")
        return a._a


class RawModule:
    """A CUDA source; ``get_function(name)`` gives its kernels."""

    def __init__(self, *, code: str, options: tuple[str, ...] = (), backend: str = "nvrtc", **kwargs: bool) -> None:
        RawKernel(code, "", options, backend, **kwargs)  # refuses what it does not know
        self.code, self.options = code, options

    def get_function(self, name: str) -> RawKernel:
        """The kernel of that name."""
        return RawKernel(self.code, name, self.options)
