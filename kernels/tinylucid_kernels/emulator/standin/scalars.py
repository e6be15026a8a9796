"""What the emulated GPU computes with: numbers, element types, and no warnings."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

SCALARS = frozenset((float, int, bool, complex))
CODES = "?bhilqBHILQefdFD"  # of the element types that CuPy has
quiet = partial(np.errstate, all="ignore")  # a GPU does not warn of overflow, or of 0 / 0


def supported(dtype: np.dtype) -> np.dtype:
    """The dtype, if CuPy has it; ValueError if not."""
    if dtype.char not in CODES:
        raise ValueError(f"Unsupported dtype {dtype}")
    return dtype


def unsupported(x: Any) -> TypeError:
    """CuPy's error for an argument that is neither an array on the GPU nor a number."""
    return TypeError(f"Unsupported type {type(x)}")
