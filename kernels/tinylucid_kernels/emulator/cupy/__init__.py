"""A strict stand-in for the ``cupy`` module: arrays lie in NumPy, kernels run on the emulated GPU.

It has the names and parameters that the real CuPy has (``names.json`` says of which version), refuses what that refuses, and
also what that would get silently wrong. Streams are emulated, their capture into graphs is not.
"""

from __future__ import annotations

from typing import Any

import numpy as _numpy

from . import cuda, functions
from .array import ndarray
from .functions import (
    Module,
    array,
    asarray,
    asnumpy,
    empty,
    empty_like,
    full,
    get_array_module,
    ones,
    take,
    zeros,
)
from .functions import asarray as asanyarray
from .kernel import RawKernel, RawModule
from .memory import get_default_memory_pool
from .names import stored as _stored

__version__ = _stored()["version"]
fft, linalg = Module("cupy.fft"), Module("cupy.linalg")


class lib:
    """``cupy.lib``, which holds a module."""

    stride_tricks = Module("cupy.lib.stride_tricks")


def __getattr__(name: str) -> Any:
    found = functions.look_up("cupy", name, _numpy)
    globals()[name] = found  # from now on found without this detour
    return found
