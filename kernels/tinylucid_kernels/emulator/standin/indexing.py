"""Reading and writing elements: as CuPy does, and refusing what CuPy would get silently wrong.

CuPy wraps an index array's numbers around where they are too large (NumPy's IndexError stands here), cuts off a fraction in
an index, and leaves open which value is kept where an index array names an element twice.
"""

from __future__ import annotations

from types import EllipsisType, NoneType
from typing import Any

import numpy as np

from . import graph
from .scalars import SCALARS, quiet

BASIC = (int, slice, NoneType, EllipsisType, np.integer)


def arrays(*parts: Any) -> list:
    """The arrays on the GPU in an index, and a value that is one."""
    return [p for part in parts for p in (part if type(part) is tuple else (part,)) if hasattr(p, "_a")]


class Memory:
    """The memory of an array on the GPU, without keeping that array: whether somebody does shows when a graph is launched."""

    def __init__(self, x: Any) -> None:
        self._a = x._a


def loose(part: Any) -> Any:
    """An index or a value with arrays on the GPU replaced by their memory."""
    if type(part) is tuple:
        return tuple(map(loose, part))
    return Memory(part) if hasattr(part, "_a") else part


def refuse_if_captured(key: Any) -> None:
    """RuntimeError while a graph is captured, for a Boolean index: CuPy looks how many elements it names."""
    for part in key if type(key) is tuple else (key,):
        if getattr(getattr(part, "dtype", None), "kind", "") == "b":
            graph.host_is_asked("reading by a Boolean array")
        elif isinstance(part, (list, np.ndarray)) and np.ndim(part):
            graph.host_is_asked("an index array of the host")


def prepare(key: Any) -> tuple[tuple, bool]:
    """The key as a tuple for NumPy, and whether index arrays are in it. Arrays of the host may index."""
    parts = key if type(key) is tuple else (key,)
    advanced, found = False, []
    for part in parts:
        if not isinstance(part, BASIC) or part is True or part is False:
            advanced = True
            part = getattr(part, "_a", part)
        found.append(part)
    return tuple(found), advanced


def read(a: np.ndarray, key: Any) -> np.ndarray:
    """a[key]: a view, also of a single element; a copy where index arrays choose."""
    if type(key) is int:
        return a[key, ...]
    parts, advanced = prepare(key)
    if advanced:
        return np.asarray(a[parts])
    return a[parts] if any(p is ... for p in parts) else a[(*parts, ...)]


def write(a: np.ndarray, key: Any, value: Any) -> None:
    """a[key] = value, which is a number or an array on the GPU."""
    parts, advanced = prepare(key)
    if hasattr(value, "_a"):  # on the GPU
        value = value._a
        if advanced and value.size > 1:
            places = np.arange(a.size).reshape(a.shape)[parts]
            if np.unique(places).size < places.size:
                raise ValueError("an element is assigned twice; CuPy does not say which value it keeps")
    elif type(value) not in SCALARS and not isinstance(value, np.generic) and np.shape(value):
        raise ValueError(f"non-scalar {type(value).__module__}.{type(value).__name__} cannot be used for fill")
    with quiet():
        a[parts] = value
