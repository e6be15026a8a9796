"""tl.cuda: whether there is a GPU, and what a program that uses one asks of it besides arithmetic."""

from __future__ import annotations

from . import devices

__all__ = ["empty_cache", "is_available", "synchronize"]

is_available = devices.is_available


def synchronize() -> None:
    """Wait until the GPU has done all that it was asked to: it works on while Python goes on, so time nothing without this."""
    devices.module().cuda.Device().synchronize()


def empty_cache() -> None:
    """Give memory that was freed, but kept for the next arrays, back to other programs."""
    devices.module().get_default_memory_pool().free_all_blocks()
