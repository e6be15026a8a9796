"""How a product C[m, n] = Σ_k A[k, m] · B[k, n] is cut into tiles and parts, and in which arithmetic it is computed.

The size of a tile depends on the GPU, for it changes no bit of the result: each element is summed in one place, in the order
of k. Parts of that sum do change bits, so they come from the sizes alone: the same numbers are added in the same order
everywhere.
"""

import functools
import math
from typing import NamedTuple

import numpy as np

from .driver import cupy
from .launch import kernel

TILES = ((128, 128), (64, 128), (64, 64), (32, 256), (32, 64), (16, 256), (16, 32))  # rows and columns of float32
SUMS = {np.dtype(np.float32): 64, np.dtype(np.float64): 32}  # of a thread at most, as in product.cuh
LARGE = 132  # multiprocessors of a large GPU, for which the parts of a sum are made
WARPS = 12  # that keep one of them busy
LONG = 256  # what a part sums at least
LIMIT = 2**31 - 2**16  # the kernels count rows, columns and terms with 32 bits; offsets in memory with 64
PRECISIONS = ("highest", "high")
precision = "highest"  # of products of float32, as tl.set_float32_matmul_precision sets it


class Tile(NamedTuple):
    """Rows and columns of a tile, the sums of each thread of its block, and how many threads those are."""

    rows: int
    columns: int
    sums: int
    threads: int

    def grid(self, m, n):
        """How many tiles lie above and beside each other."""
        return -(-m // self.rows), -(-n // self.columns)

    def warps(self, m, n, products):
        """Of all tiles together."""
        return math.prod(self.grid(m, n)) * products * self.threads // 32

    def step(self):
        """The instructions that a warp issues for eight terms, as counted in what NVIDIA's compiler makes of product.cuh: one
        for each term of each sum, six for each element that a thread brings to shared memory, and the loop."""
        return 8 * self.sums + 6 * 8 * (self.rows + self.columns) // self.threads + 70


class Cut(NamedTuple):
    """The tile, how many lie above and beside each other, and the parts of the sum over k."""

    tile: Tile
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


def here(name):
    """A property of the GPU in use."""
    return described(cupy().cuda.Device().id)[name]


def rounds_to_tf32(dtype):
    """Whether products are computed by tensor cores on operands rounded to TF32: asked for, float32, and known to the GPU."""
    return precision == "high" and np.dtype(dtype) == np.float32 and here("major") >= 8


@functools.cache
def tiles(dtype):
    """The tiles that there are: those of doubles are half as wide, but a warp has 32 lanes at least."""
    most = SUMS[np.dtype(dtype)]
    found = []
    for rows, columns in TILES:
        columns = max(32, columns * most // 64)
        sums = min(most, rows * columns // 32)
        found.append(Tile(rows, columns, sums, rows * columns // sums))
    return found


def best(m, n, products, dtype, schedulers):
    """The tile with which the busiest scheduler, of so many that issue instructions, has the fewest to issue.

    So tiles have the rows and columns that are used; they are large where there is work for all, small where there is not.
    """
    turns = lambda tile: -(-tile.warps(m, n, products) // schedulers)
    return min(tiles(dtype), key=lambda tile: turns(tile) * tile.step())


@functools.lru_cache(4096)
def cut_for(m, n, k, dtype, products, multiprocessors, long):
    """The cut for a GPU with so many multiprocessors, of four schedulers each, and into parts of at least so many terms."""
    warps = best(m, n, products, dtype, 1).warps(m, n, products)
    parts = max(1, min(-(-k // long), WARPS * LARGE // max(1, warps)))
    tile = best(m, n, products * parts, dtype, 4 * multiprocessors)
    down, across = tile.grid(m, n)
    return Cut(tile, down, across, parts)


def cut(m, n, k, dtype, products=1, whole=False):
    """The cut of so many products at once. Raises ValueError where a size passes the limit.

    Where the tiles are too few for a large GPU, the sum over k is split into parts, unless it must stay ``whole``.
    """
    countable(m, n, k)
    return cut_for(m, n, 1 if whole else k, np.dtype(dtype), products, here("multiProcessorCount"), LONG)


def compiled(file, name, dtype, tile, **defines):
    """A kernel that computes such tiles, compiled for them; ``launch(grid, *args)``."""
    tf32 = int(rounds_to_tf32(dtype))
    run = kernel(file, name, dtype, ROWS=tile.rows, COLUMNS=tile.columns, TF32=tf32, **defines)
    return lambda grid, *args: run(grid, (tile.threads,), *args)


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
