"""Pooling on all cores: max with the place of each winner, average, and their adjoints, a plane (n, c) at a time.

    y[p, q] = max or mean of x[i, j],   i in the rows of window p, j in the columns of window q

The rows and columns, cut to the picture, are computed once, of sliding windows or of adaptive ones: the loops do not care
which. A plane stays in the core's cache, and none writes into another's, so nothing is added across threads. Compare
``reference/pool.py``, which goes over the window's taps instead.
"""

import numpy as np

from .jit import inlined, jit
from .lanes import LANES
from .threads import spread
from .vectors import deal, release, scratch


def out_size(size, kernel_size, stride, padding, dilation):
    """How many windows fit, rows and columns."""
    return [
        (n + 2 * pad - d * (k - 1) - 1) // s + 1
        for n, k, s, pad, d in zip(size, kernel_size, stride, padding, dilation)
    ]


def windows(n, out, kernel_size, stride, padding, dilation):
    """The first pixel of each of ``out`` windows along an axis of n pixels, and the end beyond its last: (2, out).

    Each has at least one pixel, since operations refuse windows that lie beside the picture.
    """
    start = np.arange(out) * stride - padding
    first = start + -(-np.maximum(-start, 0) // dilation) * dilation  # as many steps as bring it inside
    return np.stack([np.minimum(first, n - 1), np.minimum(start + dilation * (kernel_size - 1) + 1, n)])


def adaptive_windows(n, out):
    """The same for ``out`` windows that cover n pixels: ⌊p·n/out⌋ … ⌈(p+1)·n/out⌉ − 1; neighbours may share one."""
    p = np.arange(out)
    return np.stack([p * n // out, -(-(p + 1) * n // out)])


def planes(x):
    """(N, C, H, W) as (N·C, H, W)."""
    n, c, h, w = x.shape
    return x.reshape(n * c, h, w)


def flat(x):
    """(N, C, H, W) as (N·C, H·W)."""
    n, c, h, w = x.shape
    return x.reshape(n * c, h * w)


@inlined
def larger(a, b):
    """The larger of two, or the first NaN."""
    return a if (a >= b) | (a != a) else b


@jit(counted=False)
def quads_items(first, last, x, y, index):
    """Item k: the maxima of plane k's blocks of 2 × 2, the commonest pooling: the largest of four, then the first that equals it.

    The four pixels of all blocks are dealt into four runs, which SIMD compares; rows alone would be too short for it. Selections,
    not branches, which random pixels would make the processor guess wrongly half of the time.
    """
    h, w = x.shape[1:]
    rows, columns = y.shape[1:]
    size = rows * columns
    long = size + LANES  # the last vector of a run may reach beyond it
    memory, corners = scratch(x, 4 * long), scratch(index, size)
    a, b, c, d = memory[:size], memory[long:], memory[2 * long :], memory[3 * long :]
    for t in range(size):
        corners[t] = 2 * (t // columns * w + t % columns)
    pixels, results, places = x.reshape(-1), y.reshape(-1), index.reshape(-1)
    for k in range(first, last):
        for p in range(rows):
            row, start = (k * h + 2 * p) * w, p * columns
            deal(pixels, row, columns, memory, start, long + start)
            deal(pixels, row + w, columns, memory, 2 * long + start, 3 * long + start)
        out, place = results[k * size : (k + 1) * size], places[k * size : (k + 1) * size]
        for t in range(size):
            best = larger(larger(a[t], b[t]), larger(c[t], d[t]))
            at = w if (c[t] == best) | (c[t] != c[t]) else w + 1
            at = 1 if (b[t] == best) | (b[t] != b[t]) else at
            at = 0 if (a[t] == best) | (a[t] != a[t]) else at
            out[t], place[t] = best, corners[t] + at
    release(corners)
    release(memory)


@jit
def max_items(first, last, x, y, index, rows, columns, dh, dw):
    """Item k: the maxima of plane k's windows, and their places.

    First each column's maximum over the window's rows, which is SIMD and serves all windows that share it; then each
    window's over its columns, where of equals the one in the earlier row counts.
    """
    w = x.shape[2]
    line, place = np.empty(w, x.dtype), np.empty(w, np.int64)
    for k in range(first, last):
        for p in range(y.shape[1]):
            top = rows[0, p]
            for j in range(w):
                line[j], place[j] = x[k, top, j], top * w + j
            for i in range(top + dh, rows[1, p], dh):
                row = x[k, i]
                for j in range(w):
                    won = (line[j] == line[j]) & (not row[j] <= line[j])  # larger, or the first NaN
                    line[j], place[j] = row[j] if won else line[j], i * w + j if won else place[j]
            for q in range(y.shape[2]):
                best, at = line[columns[0, q]], place[columns[0, q]]
                for j in range(columns[0, q] + dw, columns[1, q], dw):
                    v, here = line[j], place[j]
                    nan = v != v
                    won = (v > best) | nan & (best == best) | ((v == best) | nan) & (here < at)
                    best, at = v if won else best, here if won else at
                y[k, p, q], index[k, p, q] = best, at


@jit
def gather_items(first, last, x, index, y):
    """Item k: y[k, t] = x[k, index[k, t]]; planes flat."""
    for k in range(first, last):
        for t in range(y.shape[1]):
            y[k, t] = x[k, index[k, t]]


@jit
def scatter_items(first, last, g, index, out, few):
    """Item k: plane k is zeroed, then each g[k, t] added at index[k, t]; planes flat, each still in the cache when it is added to.

    Where ``few`` are added all planes are zeroed at once, which the C library does past the cache.
    """
    planes = out[first:last].reshape(-1)
    for t in range(planes.size if few else 0):
        planes[t] = 0
    for k in range(first, last):
        plane = out[k]
        for t in range(0 if few else plane.size):
            plane[t] = 0
        for t in range(g.shape[1]):
            plane[index[k, t]] += g[k, t]


@jit
def mean_items(first, last, x, y, rows, columns, count):
    """Item k: plane k's windows summed and divided by ``count`` (P, Q); first by rows, which is SIMD, then by columns."""
    line = np.empty(x.shape[2], x.dtype)
    for k in range(first, last):
        for p in range(y.shape[1]):
            line[:] = 0
            for i in range(rows[0, p], rows[1, p]):
                row = x[k, i]
                for j in range(line.size):
                    line[j] += row[j]
            for q in range(y.shape[2]):
                total = x.dtype.type(0)
                for j in range(columns[0, q], columns[1, q]):
                    total += line[j]
                y[k, p, q] = total / count[p, q]


@jit
def share_items(first, last, g, x, rows, columns, count):
    """Item k, the adjoint: g[k, p, q] / count added to all pixels of its window; first along a line, then the line to its rows."""
    line = np.empty(x.shape[2], x.dtype)
    for k in range(first, last):
        x[k] = 0
        for p in range(g.shape[1]):
            line[:] = 0
            for q in range(g.shape[2]):
                share = g[k, p, q] / count[p, q]
                for j in range(columns[0, q], columns[1, q]):
                    line[j] += share
            for i in range(rows[0, p], rows[1, p]):
                row = x[k, i]
                for j in range(line.size):
                    row[j] += line[j]


def maxima(x, rows, columns, dh, dw):
    """y and index (N, C, P, Q) of windows with these rows and columns, ``dh`` and ``dw`` apart."""
    y = np.empty((*x.shape[:2], rows.shape[1], columns.shape[1]), x.dtype)
    index = np.empty(y.shape, np.int64)
    spread(
        max_items, x.shape[0] * x.shape[1], x.size + y.size, planes(x), planes(y), planes(index), rows, columns, dh, dw
    )
    return y, index


def max_pool2d(x, kernel_size, stride, padding, dilation):
    """y = the largest pixel under each window, and its ``index``; of equals the first in row-major order; NaN wins."""
    how = (kernel_size, stride, padding, dilation)
    p, q = out_size(x.shape[2:], *how)
    if (*kernel_size, *stride, *padding, *dilation) == (2, 2, 2, 2, 0, 0, 1, 1):
        y, index = np.empty((*x.shape[:2], p, q), x.dtype), np.empty((*x.shape[:2], p, q), np.int64)
        spread(quads_items, x.shape[0] * x.shape[1], x.size, planes(x), planes(y), planes(index))
        return y, index
    rows, columns = (windows(n, out, *of_axis) for n, out, *of_axis in zip(x.shape[2:], (p, q), *how))
    return maxima(x, rows, columns, *dilation)


def pool_gather(x, index):
    """y[n, c, p, q] = x[n, c] at flat place index[n, c, p, q]."""
    y = np.empty(index.shape, x.dtype)
    spread(gather_items, x.shape[0] * x.shape[1], y.size, flat(x), flat(index), flat(y))
    return y


def pool_scatter(g, index, size):
    """The adjoint of pool_gather: zeros (N, C, *size) with each g added at its place."""
    out = np.empty((*g.shape[:2], *size), g.dtype)
    spread(scatter_items, g.shape[0] * g.shape[1], out.size, flat(g), flat(index), flat(out), 16 * g.size < out.size)
    return out


def average(x, rows, columns, count):
    """y (N, C, P, Q): the sum of each window, divided by ``count``."""
    y = np.empty((*x.shape[:2], *count.shape), x.dtype)
    spread(
        mean_items, x.shape[0] * x.shape[1], x.size + y.size, planes(x), planes(y), rows, columns, count.astype(x.dtype)
    )
    return y


def share_out(g, size, rows, columns, count):
    """The adjoint of average: (N, C, *size)."""
    x = np.empty((*g.shape[:2], *size), g.dtype)
    spread(
        share_items,
        g.shape[0] * g.shape[1],
        x.size + g.size,
        planes(g),
        planes(x),
        rows,
        columns,
        count.astype(g.dtype),
    )
    return x


def sliding(size, kernel_size, stride, padding, include_pad):
    """The rows and columns of avg_pool2d's windows, and by how much each sum is divided: all of the kernel, or what is inside."""
    out = out_size(size, kernel_size, stride, padding, (1, 1))
    rows, columns = (windows(n, m, k, s, pad, 1) for n, m, k, s, pad in zip(size, out, kernel_size, stride, padding))
    whole = np.full(out, kernel_size[0] * kernel_size[1])
    return rows, columns, whole if include_pad else np.outer(rows[1] - rows[0], columns[1] - columns[0])


def adaptive(size, out):
    """The rows and columns of the adaptive windows, and how many pixels each has."""
    rows, columns = (adaptive_windows(n, m) for n, m in zip(size, out))
    return rows, columns, np.outer(rows[1] - rows[0], columns[1] - columns[0])


def avg_pool2d(x, kernel_size, stride, padding, include_pad):
    """y = the mean under each window; padded zeros count in the divisor if ``include_pad``."""
    return average(x, *sliding(x.shape[2:], kernel_size, stride, padding, include_pad))


def avg_pool2d_backward(g, size, kernel_size, stride, padding, include_pad):
    """The adjoint of avg_pool2d: each g shared equally among its window's pixels; (N, C, *size)."""
    return share_out(g, size, *sliding(size, kernel_size, stride, padding, include_pad))


def adaptive_avg_pool2d(x, size):
    """y (N, C, *size) = the mean of each window of :func:`adaptive_windows`."""
    return average(x, *adaptive(x.shape[2:], size))


def adaptive_avg_pool2d_backward(g, size):
    """The adjoint of adaptive_avg_pool2d: each g shared equally among its window's pixels; (N, C, *size)."""
    return share_out(g, size, *adaptive(size, g.shape[2:]))


def adaptive_max_pool2d(x, size):
    """y (N, C, *size) = the largest pixel of each window, and its ``index``; of equals the first in row-major order; NaN wins."""
    rows, columns, _ = adaptive(x.shape[2:], size)
    return maxima(x, rows, columns, 1, 1)
