"""Sums of rows: each is shared by several blocks, as a channel is in batch normalisation, and by the same kernel."""

from .driver import cupy
from .launch import kernel
from .norm import shared


def row_sums(x):
    """y (R,): the sum of each row of x (R, L)."""
    if len(x) == 0:
        return cupy().empty(0, x.dtype)
    grid, block, sizes = shared(x[None])
    blocks = grid[0] // len(x)
    parts = cupy().empty((len(x), blocks) if blocks > 1 else len(x), x.dtype)
    kernel("norm.cu", "sum_parts", x.dtype)(grid, block, x, parts, *sizes)
    return parts.sum(1) if blocks > 1 else parts
