"""What went wrong in a launch, in words and in parts: which thread, which line, which element of which array."""

from __future__ import annotations

import ctypes
import re
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from .compile import Library
from .memory import Guarded

NOWHERE = 2**64 - 1  # the address in a report that is about no address
Three = tuple[int, ...]


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


class Place(NamedTuple):
    """An address in an array or a shared variable: ``at`` counts elements from its start."""

    name: str
    at: tuple[int, ...]  # empty: of what size its elements are is not known, or it is a single number
    shared: bool
    outside: int  # 0 within, 1 past the end, -1 before the start

    def __str__(self) -> str:
        return self.name + "".join(f"[{i}]" for i in self.at)


class Fault(NamedTuple):
    """A fault in parts; ``line`` and ``other_line`` are "file.cu:7", or empty."""

    message: str
    kernel: str
    block: Three
    thread: Three | None  # None: no one thread is to blame
    place: Place | None
    line: str
    other_line: str


class Words:
    """What to call things in the message about a launch that failed."""

    def __init__(
        self, library: Library, name: str, args: Sequence[Any], copies: list[Guarded], holder: dict[int, Guarded]
    ) -> None:
        self.library, self.name, self.args, self.copies, self.holder = library, name, args, copies, holder

    def fault(self, report: Report) -> Fault:
        """The fault of a report, in parts."""
        return Fault(
            report.message.decode(errors="replace"),
            self.name,
            tuple(report.block),
            tuple(report.thread) if report.has_thread else None,
            None if report.address == NOWHERE else self.place(report.address),
            self.library.line(report.code - report.base) if report.base else "",
            self.library.line(report.other_code - report.base) if report.base and report.other_code else "",
        )

    def sentence(self, fault: Fault, address: int) -> str:
        """All that is known about a fault."""
        text = fault.message
        if address != NOWHERE:
            text += f", {self.where(address, fault.place)}"
        if fault.line:
            text += f" [{fault.line}]"
        if fault.other_line:
            text += f" [the other: {fault.other_line}]"
        return f"{self.name}{'' if fault.thread is None else f', block {fault.block}, thread {fault.thread}'}: {text}"

    def arrays(self, copy: Guarded) -> str:
        """The arguments that lie in a copy."""
        parameters = self.library.names[self.name]
        return " and ".join(
            f"argument {i + 1} ({parameters[i]}), {self.args[i].dtype} {self.args[i].shape}"
            for i, c in sorted(self.holder.items())
            if c is copy
        )

    def nearest(self, address: int) -> Guarded | None:
        """The array that an address lies in or near."""
        near = min(self.copies, key=lambda c: c.distance(address), default=None)
        return None if near is None or near.distance(address) > 2**40 or address < 2**16 else near

    def place(self, address: int) -> Place | None:
        """The element at an address, counted from the nearest array."""
        memory = self.library.function("emu_memory", ctypes.POINTER(ctypes.c_void_p))()
        if memory[1] <= address < memory[2]:
            name, index = self.library.variable(address - memory[0]) or ("", None)
            return Place(name, index or (), True, 0) if name else None
        near = self.nearest(address)
        if near is None:
            return None
        argument = min(i for i, copy in self.holder.items() if copy is near)
        array = self.args[argument]
        offset = address - (near.address + array.__array_interface__["data"][0] - near.first)
        outside = int(address >= near.address + near.size) - int(address < near.address)
        return Place(self.library.names[self.name][argument], (offset // array.itemsize,), False, outside)

    def where(self, address: int, place: Place | None) -> str:
        """Where an address lies, in words."""
        if place and place.shared:
            return f"the shared variable {place}"
        near = self.nearest(address)
        if near is None:
            memory = self.library.function("emu_memory", ctypes.POINTER(ctypes.c_void_p))()
            if memory[1] <= address < memory[2]:
                return "between the shared variables"
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


def other_thread(fault: Fault) -> tuple[str, str, Three, Three] | None:
    """Of a race: what the thread did and what the other did ("read", "write", "atomic"), the other's thread and block."""
    found = re.search(r"this (\w+) and a (\w+) by thread \((.*?)\) of block \((.*?)\)", fault.message)
    if not found:
        return None
    thread, block = (tuple(int(i) for i in found[k].split(",")) for k in (3, 4))
    return found[1], found[2], thread, block
