"""How a product C[m, n] = Σ_k A[k, m] · B[k, n] is cut into tiles and parts: by its sizes alone, never by the GPU it meets, so
that the same numbers are added in the same order everywhere.
"""

from typing import NamedTuple

import numpy as np

from .driver import cupy
from .launch import cover, kernel

COLUMNS = {np.dtype(np.float32): 128, np.dtype(np.float64): 64}  # of a tile, as in product.cuh
THREADS = (256,)
BLOCKS = 132  # that should be there to keep a large GPU busy
LONG = 512  # what a part sums at least
LIMIT = 2**31 - 2**16  # the kernels count rows, columns and terms with 32 bits; offsets in memory with 64


class Cut(NamedTuple):
    """The height of a tile, how many tiles lie above and beside each other, and the parts of the sum over k."""

    rows: int
    down: int
    across: int
    parts: int


def countable(*sizes):
    """Raise ValueError where a size passes the limit."""
    if max(sizes) > LIMIT:
        raise ValueError(f"{max(sizes)} is too much for the GPU's kernels, which count to {LIMIT}")


def cut(m, n, k, dtype, products=1):
    """The cut of so many products at once. Raises ValueError where a size passes the limit.

    A tile has 32 rows where those are all; 128 where they are used and there are enough tiles for all multiprocessors; else
    64. Where the tiles are still too few, the sum over k is split into parts, two blocks for a multiprocessor.
    """
    countable(m, n, k)
    across = -(-n // COLUMNS[dtype])
    rows = 32 if m <= 32 else 128 if m > 64 and -(-m // 128) * across * products >= BLOCKS else 64
    down = -(-m // rows)
    tiles = max(1, down * across * products)
    return Cut(rows, down, across, max(1, min(-(-k // LONG), 2 * BLOCKS // tiles)))


def in_parts(launch, parts, shape, dtype):
    """What ``launch(sums)`` computes in so many parts, summed; ``launch`` fills (parts, *shape)."""
    out = cupy().empty(shape, dtype)
    sums = cupy().empty((parts, *shape), dtype) if parts > 1 else out
    launch(sums)
    if parts > 1:
        kernel("product.cu", "sum_parts", dtype)(*cover(out.size), sums, out, parts, out.size)
    return out
