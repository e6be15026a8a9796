"""Launching a kernel of a compiled library, and saying what went wrong in words: which thread, which line, which array."""

from __future__ import annotations

import ctypes
import re
import subprocess
import threading
from collections.abc import Sequence
from typing import Any

import numpy as np

from .compile import CompileError as CompileError
from .compile import Library, runtime
from .compile import build as build
from .memory import Guarded, guard

CODES = {
    "f4": "float32", "f8": "float64", "i1": "int8", "u1": "uint8", "i2": "int16", "u2": "uint16",
    "i4": "int32", "u4": "uint32", "i8": "int64", "u8": "uint64",
}  # fmt: skip
MOST_ARRAYS = 64
NOWHERE = 2**64 - 1  # the address in a report that is about no address
lock = threading.Lock()


class LaunchError(RuntimeError):
    """A kernel cannot be launched so, or did what a GPU would not survive (or worse, would let pass)."""


class Launch(ctypes.Structure):
    """``struct Launch`` of runtime.h."""

    _fields_ = (
        ("grid", ctypes.c_uint * 3),
        ("block", ctypes.c_uint * 3),
        ("order", ctypes.c_int),
        ("check", ctypes.c_int),
        ("kernel", ctypes.c_void_p),
        ("arguments", ctypes.c_void_p),
        ("memory", ctypes.c_void_p * 3),
        ("shared_unit", ctypes.c_int),
        ("arrays", ctypes.c_int),
        ("first", ctypes.c_uint64 * MOST_ARRAYS),
        ("last", ctypes.c_uint64 * MOST_ARRAYS),
        ("unit", ctypes.c_int * MOST_ARRAYS),
    )


class Report(ctypes.Structure):
    """``struct Report`` of runtime.h."""

    _fields_ = (
        ("message", ctypes.c_char * 512),
        ("address", ctypes.c_uint64),
        ("code", ctypes.c_uint64),
        ("other_code", ctypes.c_uint64),
        ("base", ctypes.c_uint64),
        ("has_thread", ctypes.c_int),
        ("block", ctypes.c_uint * 3),
        ("thread", ctypes.c_uint * 3),
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
) -> None:
    """Run a kernel. Arguments are NumPy arrays (the memory of the GPU) and NumPy scalars of the kernel's types.

    ``order``: blocks and threads run forwards (0), backwards (1), or at random with that seed. Raises :class:`LaunchError`.
    """
    grid, block = three(grid), three(block)
    refuse(library, name, grid, block, args, shared_mem)
    copies, holder = guard(args)
    report = Report()
    words = Words(library, name, args, copies, holder)
    try:
        with lock:
            failed = run(library, name, grid, block, args, copies, holder, order, report)
        if failed:
            raise LaunchError(words.fault(report))
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
    what = Launch((*grid,), (*block,), order, library.check)
    what.kernel = ctypes.cast(library.function(f"emu_call_{name}"), ctypes.c_void_p).value
    what.arguments = ctypes.addressof(pointers)
    what.memory[:] = memory[:3]
    what.shared_unit, what.arrays = library.shared_unit, len(copies)
    for k, copy in enumerate(copies):
        what.first[k], what.last[k] = copy.address, copy.address + copy.size
        what.unit[k] = min(args[i].itemsize for i, c in holder.items() if c is copy)
    return bool(runtime().emu_launch(ctypes.byref(what), ctypes.byref(report)))


class Words:
    """What to call things in the message about a launch that failed."""

    def __init__(
        self, library: Library, name: str, args: Sequence[Any], copies: list[Guarded], holder: dict[int, Guarded]
    ) -> None:
        self.library, self.name, self.args, self.copies, self.holder = library, name, args, copies, holder

    def fault(self, report: Report) -> str:
        """All that is known about a fault."""
        text = report.message.decode(errors="replace")
        if report.address != NOWHERE:
            text += f", {self.place(report.address)}"
        if line := self.line(report.code, report.base):
            text += f" [{line}]"
        if report.other_code:
            text += f" [the other: {self.line(report.other_code, report.base)}]"
        who = (
            f"{self.name}, block {tuple(report.block)}, thread {tuple(report.thread)}"
            if report.has_thread
            else self.name
        )
        return f"{who}: {text}"

    def arrays(self, copy: Guarded) -> str:
        """The arguments that lie in a copy."""
        parameters = self.library.names[self.name]
        return " and ".join(
            f"argument {i + 1} ({parameters[i]}), {self.args[i].dtype} {self.args[i].shape}"
            for i, c in sorted(self.holder.items())
            if c is copy
        )

    def place(self, address: int) -> str:
        """Where an address lies, seen from the nearest array."""
        memory = self.library.function("emu_memory", ctypes.POINTER(ctypes.c_void_p))()
        if memory[1] <= address < memory[2]:
            return self.variable(address - memory[0])
        near = min(self.copies, key=lambda c: c.distance(address), default=None)
        if near is None or near.distance(address) > 2**40 or address < 2**16:
            missing = [
                p
                for p, a in zip(self.library.names[self.name], self.args)
                if not isinstance(a, np.ndarray) or not a.size
            ]
            return f"at address {address:#x}" + (f" (no memory: {', '.join(missing)})" if address < 2**16 else "")
        end = near.address + near.size
        if address >= end:
            return f"{f'{address - end} bytes' if address > end else 'just'} past the end of {self.arrays(near)}"
        if address < near.address:
            return f"{near.address - address} bytes before {self.arrays(near)}"
        return f"byte {address - near.address} of {self.arrays(near)}"

    def variable(self, offset: int) -> str:
        """The shared variable at an offset of the library."""
        listed = subprocess.run(["nm", "-SC", str(self.library.path)], capture_output=True, text=True).stdout
        for start, size, symbol in re.findall(r"^(\w+) (\w+) [bB] (.*)$", listed, re.M):
            inside = offset - int(start, 16)
            if 0 <= inside < int(size, 16):
                return f"byte {inside} of the shared variable {symbol.split('::')[-1]}"
        return "between the shared variables"

    def line(self, code: int, base: int) -> str:
        """File and line of an instruction: the innermost that is not one of our headers."""
        if not code or not base:
            return ""
        command = ["addr2line", "-i", "-e", str(self.library.path), hex(code - base)]
        listed = subprocess.run(command, capture_output=True, text=True).stdout
        frames = [frame.split(" ")[0].rsplit("/", 1)[-1] for frame in listed.splitlines()]
        return next((f for f in frames if not f.startswith(("cuda.h:", "cuda_math.h:", "entry.h:", "?"))), "")
