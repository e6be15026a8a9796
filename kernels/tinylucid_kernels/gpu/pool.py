"""Pooling: max with the place of each winner, average, and their adjoints, one thread an element of what is written."""

import numpy as np

from ..reference.pool import out_size
from .driver import cupy
from .launch import cover, kernel
from .product import countable

HALVES = (2, 2), (2, 2), (0, 0), (1, 1)  # the window that halves a picture


def maxima(name, x, size, *how):
    """What a kernel of maxima gives: y and ``index`` (N, C, *size)."""
    countable(x.shape[2] * x.shape[3])
    y = cupy().empty((*x.shape[:2], *size), x.dtype)
    index = cupy().empty(y.shape, np.int64)
    kernel("pool.cu", name, x.dtype)(*cover(y.size), x, y, index, *x.shape[2:], *size, *how, y.size)
    return y, index


def average(name, x, size, *how):
    """What a kernel of means gives: y (N, C, *size)."""
    y = cupy().empty((*x.shape[:2], *size), x.dtype)
    kernel("pool.cu", name, x.dtype)(*cover(y.size), x, y, *x.shape[2:], *size, *how, y.size)
    return y


def share_out(name, g, size, *how):
    """What the adjoint of a kernel of means gives: (N, C, *size)."""
    x = cupy().empty((*g.shape[:2], *size), g.dtype)
    kernel("pool.cu", name, g.dtype)(*cover(x.size), g, x, *size, *g.shape[2:], *how, x.size)
    return x


def max_pool2d(x, kernel_size, stride, padding, dilation):
    """y = the largest pixel under each window, and its ``index``; of equals the first in row-major order; NaN wins."""
    how = (kernel_size, stride, padding, dilation)
    if how == HALVES:
        return maxima("max_pool_pairs", x, out_size(x.shape[2:], *how))
    return maxima("max_pool2d", x, out_size(x.shape[2:], *how), *kernel_size, *stride, *padding, *dilation)


def pool_gather(x, index):
    """y[n, c, p, q] = x[n, c] at flat place index[n, c, p, q]."""
    y = cupy().empty(index.shape, x.dtype)
    pixels, entries = x.shape[2] * x.shape[3], index.shape[2] * index.shape[3]
    kernel("pool.cu", "pool_gather", x.dtype)(*cover(y.size), x, index, y, pixels, entries, y.size)
    return y


def pool_scatter(g, index, size):
    """The adjoint of pool_gather: zeros (N, C, *size) with each g added at its place."""
    (n, c, p, q), (h, w) = g.shape, size
    countable(h * w, p * q)
    x = cupy().empty((n, c, h, w), g.dtype)
    kernel("pool.cu", "pool_scatter", g.dtype)(*cover(32 * n * c), g, index, x, h, w, p, q, n * c)
    return x


def avg_pool2d(x, kernel_size, stride, padding, include_pad):
    """y = the mean under each window; padded zeros count in the divisor if ``include_pad``."""
    size = out_size(x.shape[2:], kernel_size, stride, padding, (1, 1))
    return average("avg_pool2d", x, size, *kernel_size, *stride, *padding, include_pad)


def avg_pool2d_backward(g, size, kernel_size, stride, padding, include_pad):
    """The adjoint of avg_pool2d: each g shared equally among its window's pixels; (N, C, *size)."""
    return share_out("avg_pool2d_backward", g, size, *kernel_size, *stride, *padding, include_pad)


def adaptive_avg_pool2d(x, size):
    """y (N, C, *size) = the mean of each window ⌊p·n/out⌋ … ⌈(p+1)·n/out⌉ − 1."""
    return average("adaptive_avg_pool2d", x, size)


def adaptive_avg_pool2d_backward(g, size):
    """The adjoint of adaptive_avg_pool2d: each g shared equally among its window's pixels; (N, C, *size)."""
    return share_out("adaptive_avg_pool2d_backward", g, size)


def adaptive_max_pool2d(x, size):
    """y (N, C, *size) = the largest pixel of each window, and its ``index``; of equals the first in row-major order; NaN wins."""
    return maxima("adaptive_max_pool2d", x, size)
