"""The emulated GPU: CUDA kernels run on the CPU, with every mistake that a GPU would hide reported by line, block and thread."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


class Settings:
    """In which order blocks and threads run (0: forwards, 1: backwards, else at random by that seed), and whether accesses are checked."""

    order, check = 0, False


settings = Settings()


@contextmanager
def running(order: int = 0, check: bool = False) -> Iterator[None]:
    """``with running(order=2, check=True):`` kernels run in that order, each access to memory checked for races and bounds."""
    if not isinstance(order, int) or order < 0:
        raise ValueError(f"running: order must be 0 (forwards), 1 (backwards) or a seed from 2 on, got {order!r}")
    before = settings.order, settings.check
    settings.order, settings.check = order, check
    try:
        yield
    finally:
        settings.order, settings.check = before
