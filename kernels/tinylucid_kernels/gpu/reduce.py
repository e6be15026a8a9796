"""Sums of rows: short ones by a warp each; a long one is shared by several blocks, as a channel is in batch normalisation."""

from .driver import cupy
from .launch import kernel
from .norm import shared

SHORT = 2048  # numbers of a row that one warp sums
ROWS = 8  # warps, and so short rows, a block


def row_sums(x):
    """y (R,): the sum of each row of x (R, L)."""
    rows, length = x.shape
    y = cupy().empty(rows, x.dtype)
    if length <= SHORT:
        kernel("reduce.cu", "short_row_sums", x.dtype)((-(-rows // ROWS),), (32, ROWS), x, y, rows, length)
        return y
    grid, block, sizes = shared(x[None])
    blocks = grid[0] // max(rows, 1)
    parts = cupy().empty((rows, blocks), x.dtype) if blocks > 1 else y
    kernel("norm.cu", "sum_parts", x.dtype)(grid, block, x, parts, *sizes)
    return parts.sum(1) if blocks > 1 else y
