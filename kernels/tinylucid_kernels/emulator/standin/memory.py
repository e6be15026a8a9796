"""The emulated GPU's memory: nothing is stored here, but it is counted as CuPy's pool counts it, and it can run out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from weakref import WeakSet

CAPACITY = 16 * 2**30  # bytes of the emulated GPU
UNIT = 512  # CuPy gives out memory in multiples of this


class OutOfMemoryError(MemoryError):
    """The pool's limit or the GPU's memory is exhausted."""

    def __init__(self, size: int, total: int, limit: int = 0) -> None:
        text = f"Out of memory allocating {size:,} bytes (allocated so far: {total:,} bytes"
        super().__init__(text + (f", limit set to: {limit:,} bytes)." if limit else ")."))


class MemoryPool:
    """The counters of CuPy's memory pool: what arrays hold, and what the pool keeps for the next ones."""

    def __init__(self, allocator: Any = None) -> None:
        self.used = self.total = self.limit = 0
        pools.add(self)

    def take(self, nbytes: int) -> int:
        """Count a new array; the bytes it occupies, to be given back. OutOfMemoryError beyond the limit."""
        size = -(-nbytes // UNIT) * UNIT
        used = self.used + size
        if used > self.total:
            if (self.limit and used > self.limit) or used + reserved() - self.total > CAPACITY:
                raise OutOfMemoryError(size, self.total, self.limit)
            self.total = used
        self.used = used
        return size

    def give_back(self, size: int) -> None:
        """An array is gone; the pool keeps its memory."""
        self.used -= size

    def malloc(self, size: int) -> Any:
        """Names this pool in ``set_allocator(pool.malloc)``; raw memory is not emulated."""
        raise NotImplementedError("the emulated GPU has arrays only, no raw memory")

    def used_bytes(self) -> int:
        """Bytes that arrays hold."""
        return self.used

    def total_bytes(self) -> int:
        """Bytes that the pool has taken from the GPU."""
        return self.total

    def free_bytes(self) -> int:
        """Bytes that the pool keeps for the next arrays."""
        return self.total - self.used

    def free_all_blocks(self, stream: Any = None) -> None:
        """Give what no array holds back to the GPU."""
        self.total = self.used

    def set_limit(self, size: int | None = None, fraction: float | None = None) -> None:
        """At most so many bytes, or this fraction of the GPU's memory; 0: no limit."""
        if size is not None and fraction is not None:
            raise ValueError("size and fraction cannot be specified at one time")
        if (size or 0) < 0 or not 0 <= (fraction or 0) <= 1:
            raise ValueError(f"memory limit out of range: {size or fraction}")
        self.limit = size or int((fraction or 0) * CAPACITY)

    def get_limit(self) -> int:
        """The limit in bytes; 0: none."""
        return self.limit


pools: WeakSet[MemoryPool] = WeakSet()
default = MemoryPool()


class Current:
    """The pool that new arrays are counted in."""

    pool = default


def reserved() -> int:
    """Bytes that all pools have taken from the GPU."""
    return sum(pool.total for pool in pools)


def get_default_memory_pool() -> MemoryPool:
    """The pool that arrays come from unless another was set."""
    return default


def set_allocator(allocator: Callable | None = None) -> None:
    """``set_allocator(pool.malloc)``: new arrays are counted in that pool; None: in the default one."""
    Current.pool = default if allocator is None else allocator.__self__  # type: ignore[attr-defined]


@contextmanager
def using_allocator(allocator: Callable | None = None) -> Iterator[None]:
    """``with using_allocator(pool.malloc):`` inside, new arrays are counted in that pool."""
    before = Current.pool
    set_allocator(allocator)
    try:
        yield
    finally:
        Current.pool = before
