"""Between the emulated GPU's arrays and the NumPy arrays inside them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from . import arrays

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


def convert(x: Any, inputs: list) -> Any:
    """The argument(s) for NumPy, arrays on the GPU replaced by the NumPy arrays inside, and added to ``inputs``."""
    kind = type(x)
    if kind is arrays.ndarray:
        inputs.append(x)
        return x._a
    if kind is tuple or kind is list:
        return kind([convert(v, inputs) for v in x])
    if kind is dict:
        return {k: convert(v, inputs) for k, v in x.items()}
    if isinstance(x, np.ndarray):
        raise unsupported(x)
    return x


def wrap(result: Any, inputs: Sequence) -> Any:
    """NumPy's result(s) on the GPU: one of the inputs if it is one, a view of it if it shares its memory, else a new array."""
    if isinstance(result, np.generic):
        result = np.asarray(result)
    if type(result) is np.ndarray:
        x = arrays.ndarray.__new__(arrays.ndarray)
        x._pool = None
        if result.base is None or not inputs:
            for given in inputs:
                if given._a is result:
                    return given
            x._own(result)
            return x
        memory = root(result)
        for given in inputs:
            if given._a is result:
                return given
            if root(given._a) is memory:
                x._a, x.base = result, given if given.base is None else given.base
                return x
        x._own(result)
        return x
    if isinstance(result, (tuple, list)):
        values = [wrap(v, inputs) for v in result]
        return type(result)._make(values) if hasattr(result, "_make") else type(result)(values)
    return result


def root(a: np.ndarray) -> np.ndarray:
    """The array that owns a view's memory."""
    while type(a.base) is np.ndarray:
        a = a.base
    return a
