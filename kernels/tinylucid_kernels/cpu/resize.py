"""Resizing pictures, and sampling them at the places of a grid, on all cores.

Resizing is linear in rows and in columns: y = A · x · Bᵀ, where each row of A (and B) has one or two entries, the *shares*
of the pixels that a place is a mean of. The adjoint is Aᵀ · y · B: the same loop with the shares turned around,
so that a pixel gathers from all places that took from it, and nothing is scattered. The shares of an axis are
computed once, then planes (n, c) go through the loop. Compare ``reference/resize.py``: ``place`` is the same there.
"""

import numpy as np

from .jit import jit
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
    line = np.zeros(w + 1, x.dtype)  # one zero more, for the places that fill up
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
    return resized(g, size, *(turned(*of_axis, size[k]) for k, of_axis in enumerate(taken)))


@jit
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


@jit
def sample_items(first, last, x, grid, y, mode, align_corners):
    """Item (n, p): a row of places in picture n; each is worked out once for all channels.

    What is outside is left out, not multiplied by 0: LLVM takes 0 · NaN in a product that it may reorder for 0.
    """
    (channels, h, w), zero, one = x.shape[1:], x.dtype.type(0), x.dtype.type(1)
    rows = grid.shape[1]
    for item in range(first, last):
        n, p = item // rows, item % rows
        for q in range(grid.shape[2]):
            left, tx, _ = place(grid[n, p, q, 0], w, mode, align_corners)
            top, ty, _ = place(grid[n, p, q, 1], h, mode, align_corners)
            nowhere = (tx != tx) | (ty != ty)
            for c in range(channels):
                total = tx + ty if nowhere else zero
                for i in range(2):
                    for j in range(2):
                        if (0 <= top + i < h) & (0 <= left + j < w):
                            share = (ty if i else one - ty) * (tx if j else one - tx)
                            total += x[n, c, top + i, left + j] * share
                y[n, c, p, q] = total


@jit
def gradient_items(first, last, g, x, grid, gx, ggrid, mode, align_corners):
    """Item n, the adjoint: picture n's ∂x, each g added to its four pixels by their shares, and ∂grid, how the shares move."""
    (channels, h, w), zero, one = x.shape[1:], x.dtype.type(0), x.dtype.type(1)
    for n in range(first, last):
        gx[n] = 0
        for p in range(grid.shape[1]):
            for q in range(grid.shape[2]):
                left, tx, slope_x = place(grid[n, p, q, 0], w, mode, align_corners)
                top, ty, slope_y = place(grid[n, p, q, 1], h, mode, align_corners)
                along_x, along_y = zero if ty == ty else ty, zero if tx == tx else tx
                for i in range(2):
                    for j in range(2):
                        if (0 <= top + i < h) & (0 <= left + j < w):
                            share_y, share_x, weight = ty if i else one - ty, tx if j else one - tx, zero
                            for c in range(channels):
                                gx[n, c, top + i, left + j] += g[n, c, p, q] * (share_y * share_x)
                                weight += g[n, c, p, q] * x[n, c, top + i, left + j]
                            along_x += weight * share_y * (slope_x if j else -slope_x)
                            along_y += weight * share_x * (slope_y if i else -slope_y)
                ggrid[n, p, q, 0], ggrid[n, p, q, 1] = along_x, along_y


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
