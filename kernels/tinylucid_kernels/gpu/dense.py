"""Matrix products as tiles (dense.cu): the dense layer, and batched matmul."""

import math

import numpy as np

from .driver import cupy
from .product import compiled, cut, in_parts


def stored(a):
    """The matrices ``a`` as memory without gaps, and whether that memory holds them transposed."""
    if a.flags.c_contiguous:
        return a, False
    if a.swapaxes(-1, -2).flags.c_contiguous:
        return a.swapaxes(-1, -2), True
    return cupy().ascontiguousarray(a), False


def stack(a, batch):
    """(…, i, j) as one matrix (1, i, j) if it serves for the whole batch, else as one for each of it: (B, i, j)."""
    leading, matrix = a.shape[:-2], a.shape[-2:]
    if math.prod(leading) == 1:
        return a.reshape(1, *matrix)
    if leading != batch:  # repeated in an order that no single step through memory gives
        a = cupy().broadcast_to(a, (*batch, *matrix))
    return a.reshape(math.prod(batch), *matrix)


def product(x, y, bias, count, shape):
    """z[b, i, j] = Σ_k x[b, i, k] · y[b, k, j] + bias[j], as an array of that shape; x and y hold ``count`` matrices, or 1 for all."""
    (m, k), n = x.shape[1:], y.shape[2]
    if y.shape[1] != k:
        raise ValueError(f"a matrix ({m}, {k}) cannot be multiplied by one ({y.shape[1]}, {n})")
    (x, x_flipped), (y, y_flipped) = stored(x), stored(y)
    x_step, y_step = (a[0].size if len(a) > 1 else 0 for a in (x, y))
    plan = cut(m, n, k, x.dtype, count)
    run = compiled("dense.cu", "matmul", x.dtype, plan.tile, X_ALONG_K=int(not x_flipped), Y_ALONG_K=int(y_flipped))
    grid = (count * plan.down, plan.across, plan.parts)
    fill = lambda sums: run(grid, x, y, bias, sums, x_step, y_step, plan.down, m, n, k)
    return in_parts(fill, plan.parts, shape, x.dtype)


def matmul(x, y):
    """z[…, i, j] = Σ_k x[…, i, k] · y[…, k, j]; leading axes broadcast, vectors as in NumPy."""
    if x.ndim == 1:
        z = matmul(x[None], y)
        return z.reshape(*z.shape[:-2], *z.shape[-1:]) if y.ndim > 1 else z.reshape(())
    if y.ndim == 1:
        z = matmul(x, y[:, None])
        return z.reshape(z.shape[:-1])
    m, n = x.shape[-2], y.shape[-1]
    if y.ndim == 2 and x.flags.c_contiguous:  # one matrix for all: the rows of all x are one tall matrix
        return product(x.reshape(1, math.prod(x.shape[:-1]), x.shape[-1]), y[None], None, 1, (*x.shape[:-1], n))
    batch = np.broadcast_shapes(x.shape[:-2], y.shape[:-2])
    return product(stack(x, batch), stack(y, batch), None, math.prod(batch), (*batch, m, n))


def linear(x, weight, bias):
    """y[n, o] = Σ_i x[n, i] · w[o, i] + b[o]; x (N, I), weight (O, I), bias (O,) or None."""
    if bias is not None:
        bias = cupy().ascontiguousarray(bias)
    return product(x[None], weight.T[None], bias, 1, (len(x), len(weight)))


def linear_grads(g, x, weight, x_wanted, weight_wanted, bias_wanted):
    """What linear's inputs get from the gradient g (N, O) of its result: g w, gᵀ x and Σ_n g[n], None where not wanted."""
    return (
        matmul(g, weight) if x_wanted else None,
        matmul(g.T, x) if weight_wanted else None,
        g.sum(0) if bias_wanted else None,
    )
