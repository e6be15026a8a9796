"""A strict stand-in for the ``cupy`` module: arrays lie in NumPy, kernels run on the emulated GPU.

It has the names and parameters that the real CuPy has (``standin/names.json`` says of which version), refuses what that
refuses, and also what that would get silently wrong. Streams, and their capture into graphs, keep the rules; there is
nothing to win by them here.
"""

from __future__ import annotations

from typing import Any as _Any

import numpy as _numpy

from .standin import cuda
from .standin import functions as _functions
from .standin import operators as _operators
from .standin.arrays import ndarray
from .standin.functions import array, asarray, asnumpy, empty, empty_like, full, get_array_module, ones, take, zeros
from .standin.functions import asarray as asanyarray
from .standin.kernel import RawKernel, RawModule
from .standin.memory import get_default_memory_pool
from .standin.names import stored as _stored

__all__ = [
    "RawKernel", "RawModule", "array", "asanyarray", "asarray", "asnumpy", "cuda", "empty", "empty_like", "full",
    "get_array_module", "get_default_memory_pool", "ndarray", "ones", "take", "zeros",
]  # fmt: skip
_operators.equip()
__version__ = _stored()["version"]
fft, linalg = _functions.Module("cupy.fft"), _functions.Module("cupy.linalg")


class lib:
    """``cupy.lib``, which holds a module."""

    stride_tricks = _functions.Module("cupy.lib.stride_tricks")


def __getattr__(name: str) -> _Any:
    found = _functions.look_up("cupy", name, _numpy)
    globals()[name] = found  # from now on found without this detour
    return found
