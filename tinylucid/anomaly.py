"""Anomaly mode: find the operation, layer and source line whose result or gradient is NaN.

While ``detect_anomaly()`` is on, every recorded call keeps the line of the user's code that made it and a
checksum of what it saved, so that a write behind the engine's back (through ``.data`` or ``.numpy()``) is
found too. It costs a stack walk and a pass over the data for each operation, so it is off by default.
"""

from __future__ import annotations

import os
import sys
import zlib
from typing import Any

import numpy as np

from . import devices

HOME = os.path.dirname(os.path.abspath(__file__)) + os.sep


class Trace:
    """Where a recorded call was made, and the checksums of the arrays that it saved."""

    def __init__(self, saved: dict[str, Any]) -> None:
        self.line, self.sums = calling_line(), checksums(saved)


def calling_line() -> str:
    """``file:line, in function`` of the nearest caller outside this package."""
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(HOME):
        frame = frame.f_back
    return f"{frame.f_code.co_filename}:{frame.f_lineno}, in {frame.f_code.co_name}"


def checksums(saved: dict[str, Any]) -> dict[str, int]:
    """A CRC-32 of each saved array."""
    return {
        name: zlib.crc32(np.ascontiguousarray(devices.host(a)).data.cast("B"))
        for name, a in saved.items()
        if getattr(a, "size", 0)
    }


def has_nan(array: Any) -> bool:
    """Whether a floating array holds a NaN."""
    if isinstance(array, float):
        return array != array
    return array is not None and getattr(array, "dtype", np.dtype(int)).kind == "f" and bool(np.isnan(array).any())


def check_result(call: str, inputs: list[Any], out: Any) -> None:
    """Raise RuntimeError if ``out`` holds a NaN, saying whether an input already did."""
    if has_nan(out):
        guilty = [str(k) for k, a in enumerate(inputs) if has_nan(a)]
        cause = f"input {', '.join(guilty)} already held NaN" if guilty else "no input held one"
        raise RuntimeError(f"{call}: the result holds NaN; {cause}. At {calling_line()}")


def check_saved(call: str, trace: Trace, saved: dict[str, Any]) -> None:
    """Raise RuntimeError if a saved array was written to since the forward pass."""
    changed = [name for name, now in checksums(saved).items() if trace.sums.get(name, now) != now]
    if changed:
        raise RuntimeError(
            f"{call}: {', '.join(changed)} changed since the forward pass, behind autograd's back "
            f"(a write through .data or .numpy()?). Forward pass at {trace.line}"
        )


def check_gradients(call: str, trace: Trace | None, gradients: Any) -> None:
    """Raise RuntimeError if a gradient that a rule returned holds a NaN."""
    for k, g in enumerate(gradients):
        if has_nan(devices.raw(g)):
            line = (
                f" Forward pass at {trace.line}"
                if trace
                else " Enter detect_anomaly() before the forward pass for its line."
            )
            raise RuntimeError(f"{call}: the gradient of input {k} holds NaN.{line}")
