"""Launching a kernel of a compiled library, and saying what went wrong in words: which thread, which line, which array."""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Sequence
from typing import Any

import numpy as np

from .compile import CompileError as CompileError
from .compile import Library, runtime
from .compile import build as build
from .fault import Fault, Report, Words
from .memory import Guarded, guard

CODES = {
    "f4": "float32", "f8": "float64", "i1": "int8", "u1": "uint8", "i2": "int16", "u2": "uint16",
    "i4": "int32", "u4": "uint32", "i8": "int64", "u8": "uint64",
}  # fmt: skip
MOST_ARRAYS = 64
lock = threading.Lock()


class LaunchError(RuntimeError):
    """A kernel cannot be launched so, or did what a GPU would not survive (or worse, would let pass): ``fault`` has its parts."""

    fault: Fault | None = None


class Launch(ctypes.Structure):
    """``struct Launch`` of runtime.h."""

    _fields_ = (
        ("grid", ctypes.c_uint * 3),
        ("block", ctypes.c_uint * 3),
        ("order", ctypes.c_int),
        ("check", ctypes.c_int),
        ("count", ctypes.c_int),
        ("unset", ctypes.c_int),
        ("milliseconds", ctypes.c_int),
        ("kernel", ctypes.c_void_p),
        ("arguments", ctypes.c_void_p),
        ("memory", ctypes.c_void_p * 3),
        ("shared_unit", ctypes.c_int),
        ("arrays", ctypes.c_int),
        ("first", ctypes.c_uint64 * MOST_ARRAYS),
        ("last", ctypes.c_uint64 * MOST_ARRAYS),
        ("unit", ctypes.c_int * MOST_ARRAYS),
        ("argument", ctypes.c_int * MOST_ARRAYS),
    )


def signature(library: Library, name: str) -> list[str]:
    """The types of a kernel's parameters: "f4" a float, "i8" a long long; "Pf4" a pointer to floats, "Cf4" to const floats."""
    first = library.function(f"emu_signature_{name}", ctypes.c_void_p)()
    codes: list[str] = []
    while code := ctypes.string_at(first + 4 * len(codes), 4).rstrip(b"\0"):
        codes.append(code.decode())
    return codes


def launch(
    library: Library,
    name: str,
    grid: Sequence[int],
    block: Sequence[int],
    args: Sequence[Any],
    shared_mem: int = 0,
    order: int = 0,
    seconds: float = 0,
    unset: bool = False,
) -> None:
    """Run a kernel. Arguments are NumPy arrays (the memory of the GPU) and NumPy scalars of the kernel's types.

    ``order``: blocks and threads run forwards (0), backwards (1), or at random with that seed. ``seconds``: of computing, after
    which it is stopped (0: never). ``unset`` lets it read shared memory that nobody has written. Raises :class:`LaunchError`.
    """
    grid, block = three(grid), three(block)
    refuse(library, name, grid, block, args, shared_mem)
    copies, holder = guard(args)
    report = Report()
    words = Words(library, name, args, copies, holder)
    try:
        with lock:
            failed = run(library, name, grid, block, args, copies, holder, order, seconds, unset, report)
        if failed:
            fault = words.fault(report)
            error = LaunchError(words.sentence(fault, report.address))
            error.fault = fault
            raise error
        for copy in copies:
            if copy.is_smashed():
                raise LaunchError(f"{name}: bytes just before or behind {words.arrays(copy)} were overwritten")
            copy.copy_back()
    finally:
        for copy in copies:
            copy.release()


def three(dimensions: Sequence[int]) -> tuple[int, int, int]:
    """A grid or a block with all its dimensions."""
    x, y, z = (*dimensions, 1, 1)[:3]
    return int(x), int(y), int(z)


def refuse(
    library: Library, name: str, grid: Sequence[int], block: Sequence[int], args: Sequence[Any], shared_mem: int
) -> None:
    """LaunchError for what no GPU launches, and for what is not emulated."""
    if name not in library.names:
        raise LaunchError(f"there is no kernel {name}; there are {', '.join(library.names)}")
    codes = signature(library, name)
    if len(codes) != len(args):
        raise LaunchError(f"{name} takes {len(codes)} arguments, {len(args)} given")
    for code, a, parameter in zip(codes, args, library.names[name]):
        if not isinstance(a, np.ndarray) and a.itemsize != (8 if code[0] in "PC" else int(code[1])):
            raise LaunchError(f"{name}, {parameter}: a {a.dtype} is not a {code}")
    bound = library.function(f"emu_bound_{name}")()
    if not (min(block) > 0 and max(block) <= 1024 and np.prod(block) <= 1024 and block[2] <= 64):
        raise LaunchError(f"{name}: a block of {block} threads; a GPU takes up to 1024, 64 of them in z")
    if np.prod(block) > bound:
        raise LaunchError(f"{name}: a block of {block} threads; __launch_bounds__ allows {bound}")
    if not (min(grid) > 0 and grid[0] < 2**31 and max(grid[1:]) < 2**16):
        raise LaunchError(f"{name}: a grid of {grid} blocks; a GPU takes 1 to 2147483647, 65535, 65535")
    if shared_mem:
        raise LaunchError(f"{name}: dynamic shared memory is not emulated, got shared_mem={shared_mem}")


def run(
    library: Library,
    name: str,
    grid: Sequence[int],
    block: Sequence[int],
    args: Sequence[Any],
    copies: list[Guarded],
    holder: dict[int, Guarded],
    order: int,
    seconds: float,
    unset: bool,
    report: Report,
) -> bool:
    """Hand it all to the runtime; whether it failed."""
    cells = (ctypes.c_uint64 * len(args))()  # the arguments, as a kernel's call passes them: 8 bytes at most
    pointers = (ctypes.c_void_p * len(args))(*(ctypes.addressof(cells) + 8 * i for i in range(len(args))))
    for i, a in enumerate(args):
        if i in holder:
            cells[i] = holder[i].address + a.__array_interface__["data"][0] - holder[i].first
        elif not isinstance(a, np.ndarray):
            ctypes.memmove(ctypes.addressof(cells) + 8 * i, a.tobytes(), a.itemsize)
    memory = library.function("emu_memory", ctypes.POINTER(ctypes.c_void_p))()
    what = Launch((*grid,), (*block,), order, library.check, library.count, unset, round(1000 * seconds))
    what.kernel = ctypes.cast(library.function(f"emu_call_{name}"), ctypes.c_void_p).value
    what.arguments = ctypes.addressof(pointers)
    what.memory[:] = memory[:3]
    what.shared_unit, what.arrays = library.shared_unit, len(copies)
    for k, copy in enumerate(copies):
        what.first[k], what.last[k] = copy.address, copy.address + copy.size
        inside = [i for i, c in holder.items() if c is copy]
        what.unit[k], what.argument[k] = min(args[i].itemsize for i in inside), min(inside)
    return bool(runtime().emu_launch(ctypes.byref(what), ctypes.byref(report)))
