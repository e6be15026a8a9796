"""Matrix products on all cores: the dense layer, and batched matmul.

Small products go to NumPy, whose BLAS computes them on the calling thread. Large ones are split into blocks of rows, each
computed by BLAS on one thread, so that all parallelism is Numba's; NumPy's BLAS would wake its own threads to fight with them.
"""

import numpy as np

from .blas import SMALL, gemm, gemm_by_flipped, gemm_flipped
from .jit import jit
from .threads import AT_ONCE, spread
from .vectors import transpose

ALONE = 1 << 18  # products up to which OpenBLAS stays on one thread (matrix · matrix)
ALONE_VECTOR = 1 << 13  # and for matrix · vector
DEEP = 256  # of the terms of a sum at a time
MANY, BAND = 24, 64  # from so many rows on it pays to turn what they are multiplied by, so many columns at a time


@jit(counted=False)
def product_items(first, last, x, y, bias, z, rows, x_flipped, y_flipped):
    """Item (batch, block): some rows of z[b] = x[b] @ y[b] + bias; an operand may be stored transposed (flipped).

    In blocks that OpenBLAS multiplies best."""
    m, n = z.shape[1:]
    depth = x.shape[1] if x_flipped else x.shape[2]
    blocks, deep = (m + rows - 1) // rows, depth if y_flipped else min(depth, DEEP)
    wide = n if y_flipped else max(16, SMALL // (rows * max(1, deep)) // 16 * 16)
    for item in range(first, last):
        b, top = item // blocks, item % blocks * rows
        end = min(m, top + rows)
        for k in range(0, max(1, depth), max(1, deep)):
            far = min(depth, k + deep)
            for j in range(0, n, wide):
                out = z[b, top:end, j : j + wide]
                if y_flipped:
                    gemm_by_flipped(x[b, top:end], y[b], out, False)
                elif x_flipped:
                    gemm_flipped(x[b, k:far, top:end], y[b, k:far, j : j + wide], out, k > 0)
                else:
                    gemm(x[b, top:end, k:far], y[b, k:far, j : j + wide], out, k > 0)
        if bias.size:
            for i in range(top, end):
                row = z[b, i]
                for j in range(n):
                    row[j] += bias[j]


@jit(counted=False)
def turn_items(first, last, a, b):
    """Item (k, block): b[k] = a[k] transposed, BAND columns of it."""
    _, m, n = a.shape
    blocks, source, target = (n + BAND - 1) // BAND, a.reshape(-1), b.reshape(-1)
    for item in range(first, last):
        k, left = item // blocks, item % blocks * BAND
        start = k * m * n + left
        transpose(source, start, n, m, min(BAND, n - left), target, k * m * n + left * m, m)


@jit
def bias_items(first, last, y, bias):
    """Item n: bias (O,) added to the row y[n]; on small ones in half the time of NumPy's broadcasting."""
    for n in range(first, last):
        row = y[n]
        for o in range(row.size):
            row[o] += bias[o]


@jit
def sum_items(first, last, g, sums):
    """Item o: sums[o] = Σ_n g[n, o], a row after the other as NumPy adds them; on small ones in a third of its time."""
    sums = sums[first:last]
    sums[:] = 0
    for n in range(g.shape[0]):
        row = g[n, first:last]
        for o in range(row.size):
            sums[o] += row[o]


def packed(a):
    """The array in C order and writeable, since Numba compiles once for each layout: itself or a copy."""
    return a if a.flags.carray else np.array(a, order="C")


def stored(a):
    """The matrices ``a`` as C-contiguous memory, and whether that memory holds them transposed."""
    if a.flags.carray:
        return a, False
    if a.swapaxes(-1, -2).flags.carray:
        return a.swapaxes(-1, -2), True
    return np.array(a, order="C"), False


def alone(m, n, k):
    """Whether NumPy's BLAS computes (m, k) @ (k, n) on the calling thread."""
    return m * n * k <= (ALONE_VECTOR if 1 in (m, n, k) else ALONE)


def product(x, y, bias):
    """x (B, m, k) @ y (B, k, n) + bias (n,), or no bias if it is empty: (B, m, n)."""
    (batch, m, k), n = x.shape, y.shape[2]
    z = np.empty((batch, m, n), x.dtype)
    rows = min(256, max(32, -(-m // 16)))
    (x, x_flipped), (y, y_flipped) = stored(x), stored(y)
    if y_flipped and (m >= MANY or x_flipped):
        y, flipped, y_flipped = np.empty((batch, k, n), y.dtype), y, False
        spread(turn_items, batch * -(-k // BAND), y.size, flipped, y)
    spread(
        product_items,
        batch * -(-m // rows),
        z.size * k // AT_ONCE,
        x,
        y,
        bias,
        z,
        rows,
        x_flipped,
        y_flipped,
        blas=True,
    )
    return z


def matmul(x, y):
    """z[…, i, j] = Σ_k x[…, i, k] · y[…, k, j]; leading axes broadcast."""
    (m, k), n = x.shape[-2:], y.shape[-1]
    if alone(m, n, k):
        return np.matmul(x, y)
    if y.ndim == 2:  # one matrix for all: the rows of all x are one tall matrix
        return product(x.reshape(1, -1, k), y[None], y[:0, 0]).reshape(*x.shape[:-1], n)
    batch = np.broadcast_shapes(x.shape[:-2], y.shape[:-2])
    x, y = (np.broadcast_to(a, (*batch, *a.shape[-2:])).reshape(-1, *a.shape[-2:]) for a in (x, y))
    return product(x, y, np.empty(0, x.dtype)).reshape(*batch, m, n)


def linear(x, weight, bias):
    """y[n, o] = Σ_i x[n, i] · w[o, i] + b[o]; x (N, I), weight (O, I), bias (O,) or None."""
    if not alone(len(x), *weight.shape):
        bias = weight[:0, 0] if bias is None else packed(bias)
        return product(x[None], weight.T[None], bias)[0]
    y = np.dot(x, weight.T)  # a quarter of a microsecond less than @
    if bias is not None:
        bias_items(0, len(y), y, packed(bias))
    return y


def linear_grads(g, x, weight, x_wanted, weight_wanted, bias_wanted):
    """What linear's inputs get from the gradient g (N, O) of its result: g w, gᵀ x and Σ_n g[n], None where not wanted."""
    times = np.dot if alone(len(x), *weight.shape) else matmul
    sums = None
    if bias_wanted:
        sums = np.empty(len(weight), g.dtype)
        sum_items(0, sums.size, packed(g), sums)
    return times(g, weight) if x_wanted else None, times(g.T, x) if weight_wanted else None, sums
