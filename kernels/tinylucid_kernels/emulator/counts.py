"""What a launch of a counting build asked of memory, line by line: ``counts(library, name)``."""

from __future__ import annotations

import ctypes
from typing import NamedTuple

from .compile import Library, runtime


class Row(ctypes.Structure):
    """``struct Count`` of count.cpp."""

    _fields_ = (
        ("code", ctypes.c_uint64),
        ("kind", ctypes.c_int32),
        ("array", ctypes.c_int32),
        ("requests", ctypes.c_uint64),
        ("cost", ctypes.c_uint64),
        ("fewest", ctypes.c_uint64),
        ("most", ctypes.c_uint64),
        ("step", ctypes.c_int64),
        ("where", ctypes.c_uint64),
        ("even", ctypes.c_uint32),
        ("size", ctypes.c_uint32),
    )


class Count(NamedTuple):
    """What the warps asked for at one instruction: ``cost`` is in sectors of 32 bytes, in turns, or how often lanes parted."""

    line: str  # "file.cu:7"
    kind: str  # "read", "write", "atomic" or "branch"
    array: int  # which of the arguments; -1: shared memory, or a branch
    shared: str  # the shared variable, or ""
    requests: int
    cost: int
    fewest: int  # that it could have cost
    most: int  # what the dearest request cost
    step: int | None  # bytes between neighbouring lanes in the dearest request; None: not the same between all
    size: int  # bytes that a lane asks for


def counts(library: Library) -> list[Count]:
    """What was counted in the last launch of a library that was built with ``count``."""
    first = ctypes.POINTER(Row)()
    memory = library.function("emu_memory", ctypes.POINTER(ctypes.c_void_p))()
    shared = memory[1] - memory[0]
    rows = [first[k] for k in range(runtime().emu_counts(ctypes.byref(first)))]
    return [
        Count(
            library.line(r.code),
            ("read", "write", "atomic", "branch")[r.kind],
            r.array,
            variable[0] if r.kind < 3 and r.array < 0 and (variable := library.variable(shared + r.where)) else "",
            r.requests,
            r.cost,
            r.fewest,
            r.most,
            r.step if r.even else None,
            r.size,
        )
        for r in rows
    ]
