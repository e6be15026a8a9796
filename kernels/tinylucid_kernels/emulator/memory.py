"""Memory in which a wrong address cannot hide: an array's copy that ends at an unreadable page, with canaries before it.

::

    | unreadable | canaries ... | the array | < 16 bytes of canaries | unreadable |

Reading past the end faults at once (within 16 bytes, so that vectors keep their alignment: in the plain build those few bytes
are only compared afterwards). What lies before the array is NaN to whoever reads it, and checked when the kernel ends.
"""

from __future__ import annotations

import ctypes
import functools
import mmap
from typing import Any

import numpy as np

PAGE = mmap.PAGESIZE
ALIGNMENT = 16  # of the largest vector, float4
free: dict[int, list[int]] = {}  # mapped memory that is not in use, by its pages: mapping takes longer than copying


@functools.cache
def libc() -> ctypes.CDLL:
    """The C library, for memory that Python's mmap cannot protect."""
    library = ctypes.CDLL(None, use_errno=True)
    library.mmap.restype = ctypes.c_void_p
    library.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
    library.mprotect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
    return library


def mapped(pages: int) -> int:
    """The address of so many pages, after an unreadable one and before another."""
    if free.get(pages):
        return free[pages].pop()
    flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS
    base = libc().mmap(None, (pages + 2) * PAGE, mmap.PROT_READ | mmap.PROT_WRITE, flags, -1, 0)
    if base == ctypes.c_void_p(-1).value:
        raise MemoryError(f"no {pages * PAGE} bytes for the emulated GPU")
    for page in (base, base + (pages + 1) * PAGE):
        libc().mprotect(page, PAGE, 0)
    return base + PAGE


def bytes_at(address: int, count: int) -> np.ndarray:
    """Memory as an array of bytes, not a copy."""
    return np.ctypeslib.as_array((ctypes.c_ubyte * count).from_address(address))


@functools.cache
def guard_bytes(mark: int) -> np.ndarray:
    """What lies beside an array: NaN in either precision, another one for each mark, so that a copied guard shows."""
    return np.full((PAGE + 2 * ALIGNMENT) // 4 * 2, 0xFFFF0000 | (mark + 1) * 0x0101, np.uint32).view(np.uint8)


class Guarded:
    """Bytes of host memory (``first`` to ``last``), copied to where a wrong address shows; ``address`` is the copy's."""

    def __init__(self, first: int, last: int, mark: int = 0) -> None:
        self.first, self.last, self.size, self.mark = first, last, last - first, mark
        rounded = -(-self.size // ALIGNMENT) * ALIGNMENT
        self.pages = -(-rounded // PAGE) + 1  # the page before the array holds canaries only
        self.base = mapped(self.pages)
        end = self.base + self.pages * PAGE
        self.address = end - rounded
        self.canaries = (
            bytes_at(self.base, self.address - self.base),
            bytes_at(self.address + self.size, rounded - self.size),
        )
        for canary in self.canaries:
            canary[:] = guard_bytes(mark)[: canary.size]
        ctypes.memmove(self.address, first, self.size)

    def is_smashed(self) -> bool:
        """Whether something was written beside the array."""
        return any((canary != guard_bytes(self.mark)[: canary.size]).any() for canary in self.canaries)

    def copy_back(self) -> None:
        """Give the host what the kernel wrote."""
        ctypes.memmove(self.first, self.address, self.size)

    def release(self) -> None:
        """Keep the memory for the next array of this size."""
        free.setdefault(self.pages, []).append(self.base)

    def distance(self, address: int) -> int:
        """How many bytes an address lies outside."""
        return max(self.address - address, address - (self.address + self.size - 1), 0)


def guard(args: Any) -> tuple[list[Guarded], dict[int, Guarded]]:
    """Copies of the arrays among the arguments, and which copy each argument (by its number) lies in.

    Arrays that overlap, such as one that a kernel gets twice, share a copy.
    """
    spans = []
    for i, a in enumerate(args):
        if isinstance(a, np.ndarray) and a.size:
            spans.append((*np.lib.array_utils.byte_bounds(a), i))
    groups: list[list] = []  # first byte, last byte, the arguments
    for first, last, i in sorted(spans):
        if groups and first < groups[-1][1]:
            groups[-1][1] = max(last, groups[-1][1])
            groups[-1][2].append(i)
        else:
            groups.append([first, last, [i]])
    copies = [Guarded(first, last, mark) for mark, (first, last, _) in enumerate(groups)]
    return copies, {i: copy for copy, group in zip(copies, groups) for i in group[2]}
