"""Resizing pictures, and sampling them at the places of a grid: gathers of up to four neighbours, and their gradients.

Shapes: x (N, C, H, W), y and g (N, C, P, Q), grid (N, P, Q, 2) with (column, row) in each place; −1 and 1 stand for the
centres of the outermost pixels with ``align_corners``, for their outer edges without.
"""

import numpy as np


def neighbours(size, out, mode, align_corners, scale):
    """For ``out`` places along an axis of ``size`` pixels, ``scale`` apart: the pixels below and above, and the share of above.

    nearest: place p takes pixel ⌊p·scale⌋, rounded to float32 first, so that 2.9999999 is 3 (as in PyTorch). bilinear: place p
    lies at p·scale with align_corners, else at (p + ½)·scale − ½, not before the first pixel and not beyond the last.
    """
    p = np.arange(out)
    if mode == "nearest":
        low = np.minimum(np.floor((p * scale).astype(np.float32)).astype(int), size - 1)
        return low, low, np.zeros(out)
    at = p * scale if align_corners else np.maximum((p + 0.5) * scale - 0.5, 0)
    low = np.minimum(np.floor(at).astype(int), size - 1)
    return low, np.minimum(low + 1, size - 1), np.minimum(at - low, 1)


def resize(x, size, mode, align_corners, scale):
    """y (N, C, *size): rows, then columns, each a mean (1 − t)·x[low] + t·x[high] of two neighbours; "nearest": t = 0.

    ``mode`` is "nearest" or "bilinear", ``scale`` how many source pixels one step of the result is (rows, columns).
    """
    for axis in (2, 3):
        low, high, t = neighbours(x.shape[axis], size[axis - 2], mode, align_corners, scale[axis - 2])
        t = t.astype(x.dtype).reshape(-1, *(1,) * (3 - axis))
        x = x.take(low, axis) if mode == "nearest" else x.take(low, axis) * (1 - t) + x.take(high, axis) * t
    return x


def resize_backward(g, size, mode, align_corners, scale):
    """The adjoint of resize: (N, C, *size), each g added to the pixels it was a mean of, by their shares."""
    for axis in (2, 3):
        low, high, t = neighbours(size[axis - 2], g.shape[axis], mode, align_corners, scale[axis - 2])
        g = np.moveaxis(g, axis, 0)
        t = t.astype(g.dtype)
        out = np.zeros((size[axis - 2], *g.shape[1:]), g.dtype)
        for p in range(len(g)):  # one after another: several places may take from the same pixel
            out[low[p]] += (1 - t[p]) * g[p]
            if mode != "nearest":
                out[high[p]] += t[p] * g[p]
        g = np.moveaxis(out, 0, axis)
    return np.ascontiguousarray(g)


def place(c, size, padding_mode, align_corners):
    """Where a coordinate c falls: the pixel below it, its distance t from there, and the slope ∂t/∂c.

    "border" moves what is outside to the edge, "reflection" mirrors it there as often as needed, "zeros" leaves it
    outside. NaN falls outside, at distance NaN.
    """
    half = (size - 1 if align_corners else size) / 2
    edge = 0 if align_corners else -0.5  # the first edge; the other is 2·half away
    at, slope = (c + 1) * half + edge, np.full(c.shape, half)
    if padding_mode == "reflection":
        from_edge = at - edge
        turns = np.floor(np.abs(from_edge) / (2 * half)) if half else np.zeros(c.shape)
        rest = np.abs(from_edge) - turns * (2 * half)
        odd = turns % 2 == 1
        at = np.where(odd, 2 * half - rest, rest) + edge
        slope = np.where(odd != (from_edge < 0), -half, half)
    if padding_mode != "zeros":
        slope = np.where((at > 0) & (at < size - 1), slope, 0)
        at = np.clip(at, 0, size - 1)
    at = np.clip(at, -2, size + 1)  # outside is outside, however far, and stays an integer
    low = np.floor(np.where(at == at, at, -2)).astype(int)
    return low, (at - low).astype(c.dtype), slope.astype(c.dtype)


def corners(grid, size, padding_mode, align_corners):
    """For each place of the grid the four pixels around it: row, column, inside or not, and the two shares; and the slopes."""
    (left, tx, slope_x), (top, ty, slope_y) = (
        place(grid[..., k], n, padding_mode, align_corners) for k, n in ((0, size[1]), (1, size[0]))
    )
    four = []
    for i, share_y in ((0, 1 - ty), (1, ty)):
        for j, share_x in ((0, 1 - tx), (1, tx)):
            row, column = top + i, left + j
            inside = (row >= 0) & (row < size[0]) & (column >= 0) & (column < size[1])
            four.append((row * inside, column * inside, inside, share_y, share_x))
    return four, slope_x, slope_y


def grid_sample(x, grid, padding_mode, align_corners):
    """y[n, :, p, q] = Σ share_y · share_x · x[n, :, row, column] over the four pixels around grid[n, p, q]; outside is 0.

    ``padding_mode``: "zeros", "border" or "reflection". A place of NaN gives NaN.
    """
    four, _, _ = corners(grid, x.shape[2:], padding_mode, align_corners)
    picture = np.arange(len(x))[:, None, None]
    y = np.zeros((*grid.shape[:3], x.shape[1]), x.dtype)  # (N, P, Q, C): a place's channels together
    for row, column, inside, share_y, share_x in four:
        y += np.where(inside[..., None], x[picture, :, row, column], 0) * (share_y * share_x)[..., None]
    return np.ascontiguousarray(y.transpose(0, 3, 1, 2))


def grid_sample_backward(g, x, grid, padding_mode, align_corners):
    """∂(Σ g·y)/∂x, each g added to the four pixels by their shares; and ∂/∂grid, from how the shares move with the place.

    A place of NaN adds nothing to ∂x.
    """
    four, slope_x, slope_y = corners(grid, x.shape[2:], padding_mode, align_corners)
    picture = np.arange(len(x))[:, None, None]
    g = g.transpose(0, 2, 3, 1)
    gx, ggrid = np.zeros((len(x), *x.shape[2:], x.shape[1]), x.dtype), np.zeros_like(grid)
    for k, (row, column, inside, share_y, share_x) in enumerate(four):
        share = share_y * share_x
        at = (np.broadcast_to(picture, share.shape)[inside], row[inside], column[inside])
        np.add.at(gx, at, g[inside] * share[inside][:, None])
        weight = np.where(inside[..., None], g * x[picture, :, row, column], 0).sum(-1)
        ggrid[..., 0] += weight * share_y * slope_x * (1 if k % 2 else -1)
        ggrid[..., 1] += weight * share_x * slope_y * (1 if k // 2 else -1)
    return np.ascontiguousarray(gx.transpose(0, 3, 1, 2)), ggrid
