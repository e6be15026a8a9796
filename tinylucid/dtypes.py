"""Which element types exist, which one is the default, and how the inputs of one operation come to share one.

float32 never turns into float64 by itself. NumPy would promote ``float32 · float64 scalar``, ``float32 · int64``
and ``int64 / int64``; here constants take the tensor's dtype, integers become the floating dtype they meet,
and two floating tensors of different dtypes are an error.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

float32, float64 = np.dtype("float32"), np.dtype("float64")
uint8, int32, int64 = np.dtype("uint8"), np.dtype("int32"), np.dtype("int64")
bool_ = np.dtype("bool")
default = float32


def set_default_dtype(dtype: Any) -> None:
    """Make float32 or float64 the dtype of new tensors made from Python floats, and of parameters."""
    global default
    chosen = np.dtype(dtype)
    if chosen not in (float32, float64):
        raise TypeError(f"set_default_dtype: expected float32 or float64, got {chosen}")
    default = chosen


def get_default_dtype() -> np.dtype:
    """The dtype of new tensors made from Python floats: float32 unless set_default_dtype changed it."""
    return default


def supported(array: Any, where: str) -> Any:
    """The array itself, or a TypeError that names the dtypes this engine computes with."""
    if array.dtype not in (float32, float64) and array.dtype.kind not in "biu":
        raise TypeError(
            f"{where}: dtype {array.dtype} is not supported; convert to float32, float64, an integer type or bool"
        )
    return array


def check_floating(array: Any, where: str) -> None:
    """Raise TypeError unless the array is float32 or float64: only those have gradients."""
    if array.dtype not in (float32, float64):
        raise TypeError(
            f"{where}: only float32 and float64 tensors have gradients, this one is {array.dtype}; use .to(tl.float32)"
        )


def common(tensors: Sequence[Any], constants: Sequence[Any], floating: bool, where: str) -> np.dtype:
    """The one dtype in which an operation on these inputs computes.

    ``tensors`` and ``constants`` are arrays (or Python numbers); ``floating`` says that the operation has no
    integer form (division, exp). A tensor decides before a constant, an axis before a 0-d tensor.
    """
    kind = lambda c: (c if hasattr(c, "dtype") else np.asarray(c)).dtype.kind
    for c in constants:
        if kind(c) not in "biuf":
            raise TypeError(f"{where}: expected a tensor or numbers, got {c!r}; convert it, such as by float(...)")
    floating_tensors = [a for a in tensors if a.dtype.kind == "f"]
    floats = {a.dtype: a.shape for a in reversed([a for a in floating_tensors if a.ndim] or floating_tensors)}
    if len(floats) > 1:
        met = " and ".join(f"{dtype} {shape}" for dtype, shape in floats.items())
        raise TypeError(
            f"{where}: {met} tensors met, expected one dtype; convert one with .to(...), nothing is promoted in silence"
        )
    if floats:
        return next(iter(floats))
    if floating or any(kind(c) == "f" for c in constants):
        return default
    highest = [a for a in tensors if a.dtype.kind != "b"] or list(tensors)  # an integer decides before a bool
    deciding = [a for a in highest if a.ndim] or highest
    return np.result_type(*[a.dtype for a in deciding], *[c for c in constants if not isinstance(c, (bool, int))])
