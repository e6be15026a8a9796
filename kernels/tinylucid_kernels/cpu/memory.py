"""Memory: what is freed stays with the process, so that the next step finds its pages where the last one left them.

glibc hands large freed blocks back to the system, which takes them in again, zeroed, page by page, at the first touch of the
next step: 2,600 page faults and a third of the time of a LeNet step of 13 ms. So it is told to keep up to 256 MB.
"""

import ctypes
import os
import platform

TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3  # mallopt's numbers, from malloc.h
KEPT = 256 << 20  # bytes kept where glibc would give back all but 128 KB
LARGE = 32 << 20  # blocks from this size on are the system's own all the same


def keep_freed_memory():
    """Set both thresholds, unless the environment sets any itself or the C library is another; whether it did."""
    chosen = any(name.startswith("MALLOC_") for name in os.environ) or "glibc.malloc" in os.environ.get(
        "GLIBC_TUNABLES", ""
    )
    if chosen or platform.libc_ver()[0] != "glibc":
        return False
    mallopt = ctypes.CDLL(None).mallopt
    return bool(mallopt(TRIM_THRESHOLD, KEPT) and mallopt(MMAP_THRESHOLD, LARGE))
