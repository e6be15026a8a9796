"""Resizing pictures, and sampling them at the places of a grid, on all cores.

Resizing is linear in rows and in columns: y = A · x · Bᵀ, where each row of A (and B) has one or two entries, the *shares*
of the pixels that a place is a mean of. The adjoint is Aᵀ · y · B: the same loop with the shares turned around,
so that a pixel gathers from all places that took from it, and nothing is scattered. The shares of an axis are
computed once, then planes (n, c) go through the loop. Compare ``reference/resize.py``: ``place`` is the same there.
"""

import numpy as np

from .jit import inlined, jit
from .threads import spread

MODES = {"zeros": 0, "border": 1, "reflection": 2}


def shares(size, out, mode, align_corners, scale, dtype):
    """Which pixels along an axis of ``size`` each of ``out`` places is a mean of, and by which shares: two arrays (1 or 2, out).

    nearest: pixel ⌊p·scale⌋, rounded to float32 first. bilinear: the pixels around p·scale with align_corners, else around
    (p + ½)·scale − ½, not before the first pixel and not beyond the last.
    """
    p = np.arange(out)
    if mode == "nearest":
        low = np.minimum(np.floor((p * scale).astype(np.float32)).astype(int), size - 1)
        return low[None], np.ones((1, out), dtype)
    at = p * scale if align_corners else np.maximum((p + 0.5) * scale - 0.5, 0)
    low = np.minimum(np.floor(at).astype(int), size - 1)
    t = np.minimum(at - low, 1).astype(dtype)
    return np.stack([low, np.minimum(low + 1, size - 1)]), np.stack([1 - t, t])


def turned(pixel, share, size):
    """The transposed shares: for each of ``size`` pixels the places that took from it, filled up with place ``out`` of share 0."""
    out = pixel.shape[1]
    order = np.argsort(pixel, axis=None, kind="stable")
    pixel = pixel.ravel()[order]
    rank = np.arange(order.size) - np.searchsorted(pixel, pixel)  # its number among the takers of the same pixel
    place = np.full((rank.max(initial=0) + 1, size), out)
    its_share = np.zeros(place.shape, share.dtype)
    place[rank, pixel], its_share[rank, pixel] = order % max(out, 1), share.ravel()[order]
    return place, its_share


@jit
def resize_items(first, last, x, y, row, row_share, column, column_share):
    """Item k: y[k] = A · x[k] · Bᵀ; a row at a time, so that the product with A is SIMD and stays in the first cache."""
    w = x.shape[2]
    line = np.empty(w + 1, x.dtype)  # the last stays 0, for the places that fill up
    for k in range(first, last):
        for p in range(y.shape[1]):
            line[:] = 0
            for n in range(row.shape[0]):
                if row[n, p] < x.shape[1]:
                    source, share = x[k, row[n, p]], row_share[n, p]
                    for j in range(w):
                        line[j] += share * source[j]
            out = y[k, p]
            out[:] = 0
            for n in range(column.shape[0]):
                for q in range(out.size):
                    out[q] += column_share[n, q] * line[column[n, q]]


def resized(x, size, rows, columns):
    """y (N, C, *size) of the formula above; ``rows`` and ``columns`` are pairs of indices and shares."""
    (n, c, h, w), y = x.shape, np.empty((*x.shape[:2], *size), x.dtype)
    planes = x.reshape(n * c, h, w), y.reshape(n * c, *size)
    spread(resize_items, n * c, 2 * (x.size + y.size), *planes, *rows, *columns)
    return y


def resize(x, size, mode, align_corners, scale):
    """y (N, C, *size): rows, then columns, each a mean (1 − t)·x[low] + t·x[high] of two neighbours; "nearest": t = 0.

    ``mode`` is "nearest" or "bilinear", ``scale`` how many source pixels one step of the result is (rows, columns).
    """
    return resized(x, size, *(shares(x.shape[k + 2], size[k], mode, align_corners, scale[k], x.dtype) for k in (0, 1)))


def resize_backward(g, size, mode, align_corners, scale):
    """The adjoint of resize: (N, C, *size), each g added to the pixels it was a mean of, by their shares."""
    taken = (shares(size[k], g.shape[k + 2], mode, align_corners, scale[k], g.dtype) for k in (0, 1))
    return resized(g, size, *(turned(index, share, size[k]) for k, (index, share) in enumerate(taken)))


@inlined
def place(c, size, mode, align_corners):
    """Where a coordinate c falls: the pixel below it, its distance t from there, and the slope ∂t/∂c; in c's dtype throughout.

    ``mode`` is a number of MODES. NaN falls outside, at distance NaN.
    """
    kind = type(c)
    end, zero = kind(size - 1), kind(0)
    half = kind((size - 1 if align_corners else size) / 2)
    edge = kind(0 if align_corners else -0.5)
    at, slope = (c + kind(1)) * half + edge, half
    if mode == 2:  # mirrored at the edges, as often as needed
        from_edge = at - edge
        turns = np.floor(abs(from_edge) / (half + half)) if half > zero else zero
        rest = abs(from_edge) - turns * (half + half)
        odd = turns - kind(2) * np.floor(turns / kind(2)) == kind(1)
        at = (half + half - rest if odd else rest) + edge
        slope = -half if odd != (from_edge < zero) else half
    if mode != 0:
        slope = slope if (at > zero) & (at < end) else zero
        at = zero if at < zero else end if at > end else at
    two = kind(2)  # outside is outside, however far, and stays an integer
    at = -two if at < -two else end + two if at > end + two else at
    return (int(np.floor(at)), at - np.floor(at), slope) if at == at else (-2, at, slope)


@inlined
def places(grid, size, mode, align_corners, low, t, slope):
    """What ``place`` says of a row of places (Q, 2): the column of each in low[0], t[0], slope[0], its row in …[1]."""
    for q in range(grid.shape[0]):
        for k in range(2):
            low[k, q], t[k, q], slope[k, q] = place(grid[q, k], size[3 - k], mode, align_corners)


@jit
def sample_items(first, last, x, grid, y, mode, align_corners):
    """Item (n, p): a row of places in picture n; they are worked out once, then each channel is sampled there.

    What is outside is left out, not multiplied by 0: LLVM takes 0 · NaN in a product that it may reorder for 0.
    """
    (h, w), (rows, count), one = x.shape[2:], grid.shape[1:3], x.dtype.type(1)
    low, t, slope = np.empty((2, count), np.int64), np.empty((2, count), x.dtype), np.empty((2, count), x.dtype)
    for item in range(first, last):
        n, p = item // rows, item % rows
        places(grid[n, p], x.shape, mode, align_corners, low, t, slope)
        for c in range(x.shape[1]):
            plane, out = x[n, c], y[n, c, p]
            for q in range(count):
                left, top, tx, ty = low[0, q], low[1, q], t[0, q], t[1, q]
                nowhere = (tx != tx) | (ty != ty)
                total = tx + ty if nowhere else one - one
                for i in range(2):
                    for j in range(2):
                        if (0 <= top + i < h) & (0 <= left + j < w):
                            total += plane[top + i, left + j] * ((ty if i else one - ty) * (tx if j else one - tx))
                out[q] = total


@jit
def gradient_items(first, last, g, x, grid, gx, ggrid, mode, align_corners):
    """Item n, the adjoint: picture n's ∂x, each g added to its four pixels by their shares, and ∂grid, how the shares move."""
    (h, w), count, one = x.shape[2:], grid.shape[2], x.dtype.type(1)
    low, t, slope = np.empty((2, count), np.int64), np.empty((2, count), x.dtype), np.empty((2, count), x.dtype)
    for n in range(first, last):
        gx[n] = 0
        for p in range(grid.shape[1]):
            places(grid[n, p], x.shape, mode, align_corners, low, t, slope)
            along = ggrid[n, p]
            for q in range(count):  # a coordinate of NaN makes the other's share NaN
                tx, ty = t[0, q], t[1, q]
                along[q, 0], along[q, 1] = ty if ty != ty else one - one, tx if tx != tx else one - one
            for c in range(x.shape[1]):
                plane, gplane, up = x[n, c], gx[n, c], g[n, c, p]
                for q in range(count):
                    left, top, tx, ty = low[0, q], low[1, q], t[0, q], t[1, q]
                    for i in range(2):
                        for j in range(2):
                            if (0 <= top + i < h) & (0 <= left + j < w):
                                share_y, share_x = ty if i else one - ty, tx if j else one - tx
                                gplane[top + i, left + j] += up[q] * (share_y * share_x)
                                weight = up[q] * plane[top + i, left + j]
                                along[q, 0] += weight * share_y * (slope[0, q] if j else -slope[0, q])
                                along[q, 1] += weight * share_x * (slope[1, q] if i else -slope[1, q])


def grid_sample(x, grid, padding_mode, align_corners):
    """y[n, :, p, q] = Σ share_y · share_x · x[n, :, row, column] over the four pixels around grid[n, p, q]; outside is 0.

    ``padding_mode``: "zeros", "border" or "reflection". A place of NaN gives NaN.
    """
    y = np.empty((*x.shape[:2], *grid.shape[1:3]), x.dtype)
    items, work = grid.shape[0] * grid.shape[1], 20 * grid.size + 4 * y.size
    spread(sample_items, items, work, x, grid, y, MODES[padding_mode], bool(align_corners))
    return y


def grid_sample_backward(g, x, grid, padding_mode, align_corners):
    """∂(Σ g·y)/∂x, each g added to the four pixels by their shares; and ∂/∂grid, from how the shares move with the place.

    A place of NaN adds nothing to ∂x.
    """
    gx, ggrid = np.empty_like(x), np.empty_like(grid)
    arrays = g, x, grid, gx, ggrid
    spread(gradient_items, len(x), 20 * grid.size + 8 * g.size, *arrays, MODES[padding_mode], bool(align_corners))
    return gx, ggrid
