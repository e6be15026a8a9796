"""How a product C[m, n] = Σ_k A[k, m] · B[k, n] is cut into tiles and parts, and in which arithmetic it is computed.

The size of a tile may depend on the GPU, for it changes no bit of the result: each element is summed in one place, in the
order of k. Parts of that sum do change bits, so they come from the sizes alone: the same numbers are added in the same order
everywhere.
"""

import functools
from typing import NamedTuple

import numpy as np

from .driver import cupy
from .launch import kernel

SUMS = {np.dtype(np.float32): 64, np.dtype(np.float64): 32}  # of a thread at most, as in product.cuh
WARPS = 12 * 132  # that should be there to keep a large GPU busy: twelve for a multiprocessor
LONG = 256  # what a part sums at least
LIMIT = 2**31 - 2**16  # the kernels count rows, columns and terms with 32 bits; offsets in memory with 64
PRECISIONS = ("highest", "high")
precision = "highest"  # of products of float32, as tl.set_float32_matmul_precision sets it


class Cut(NamedTuple):
    """Rows and columns of a tile, the threads of its block, how many tiles lie above and beside each other, and the parts of
    the sum over k."""

    rows: int
    columns: int
    threads: int
    down: int
    across: int
    parts: int


def countable(*sizes):
    """Raise ValueError where a size passes the limit."""
    if max(sizes) > LIMIT:
        raise ValueError(f"{max(sizes)} is too much for the GPU's kernels, which count to {LIMIT}")


@functools.cache
def described(device):
    """What CUDA says of a GPU."""
    return cupy().cuda.runtime.getDeviceProperties(device)


def multiprocessors():
    """How many multiprocessors the GPU has that is in use."""
    return described(cupy().cuda.Device().id)["multiProcessorCount"]


def rounds_to_tf32(dtype):
    """Whether products are computed by tensor cores on operands rounded to TF32: asked for, float32, and known to the GPU."""
    asked = precision == "high" and np.dtype(dtype) == np.float32
    return asked and described(cupy().cuda.Device().id)["major"] >= 8


def cut(m, n, k, dtype, products=1):
    """The cut of so many products at once. Raises ValueError where a size passes the limit.

    A tile has 16, 32 or 64 rows, the fewest that hold all; 128 where they are used and there are such tiles enough for all
    multiprocessors. It has 128 columns (64 of doubles); low tiles have twice as many where they are used, to bring less of A
    for each, and 32 where those are all. Where the tiles are too few, the sum over k is split into parts: how many comes
    from tiles of up to 64 rows.
    """
    countable(m, n, k)
    sums = SUMS[np.dtype(dtype)]
    rows = 16 if m <= 16 else 32 if m <= 32 else 64
    columns = 2 * sums if rows == 64 or 32 < n <= 2 * sums else 32 if n <= 32 else 4 * sums
    threads = max(32, rows * columns // sums)
    across = -(-n // columns)
    warps = -(-m // rows) * across * products * threads // 32
    parts = max(1, min(-(-k // LONG), WARPS // max(1, warps)))
    if m > 64 and -(-m // 128) * across * products >= multiprocessors():
        rows, threads = 128, 2 * threads
    return Cut(rows, columns, threads, -(-m // rows), across, parts)


def compiled(file, name, dtype, tiles, **defines):
    """A kernel that computes such tiles, compiled for them; ``launch(grid, *args)``."""
    tf32 = int(rounds_to_tf32(dtype))
    run = kernel(file, name, dtype, ROWS=tiles.rows, COLUMNS=tiles.columns, TF32=tf32, **defines)
    return lambda grid, *args: run(grid, (tiles.threads,), *args)


def in_parts(launch, parts, shape, dtype):
    """What ``launch(sums)`` computes in so many parts, summed; ``launch`` fills (parts, *shape)."""
    out = cupy().empty(shape, dtype)
    sums = cupy().empty((parts, *shape), dtype) if parts > 1 else out
    launch(sums)
    if parts > 1:
        kernel("product.cu", "sum_parts", dtype)(
            (-(-out.size // 32),), (32, min(32, parts)), sums, out, parts, out.size
        )
    return out
