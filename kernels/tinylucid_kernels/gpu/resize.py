"""Resizing pictures, and sampling them at the places of a grid: gathers of up to four neighbours, and their gradients."""

from math import prod

from .driver import cupy
from .launch import cover, kernel
from .product import countable

PLANES, MOST = 8, 65535  # planes for which a place is computed once; blocks in a grid's second direction
MODES = {"zeros": 0, "border": 1, "reflection": 2}


def resize(x, size, mode, align_corners, scale):
    """y (N, C, *size): rows, then columns, each a mean (1 − t)·x[low] + t·x[high] of two neighbours; "nearest": t = 0.

    ``mode`` is "nearest" or "bilinear", ``scale`` how many source pixels one step of the result is (rows, columns).
    """
    countable(prod(x.shape[2:]), prod(size))
    y = cupy().empty((*x.shape[:2], *size), x.dtype)
    planes, how = prod(x.shape[:2]), (*scale, mode == "nearest", align_corners)
    (across,), block = cover(prod(size))
    grid = (across, min(-(-planes // PLANES), MOST))
    kernel("resize.cu", "resize", x.dtype)(grid, block, x, y, *x.shape[2:], *size, *how, planes)
    return y


def resize_backward(g, size, mode, align_corners, scale):
    """The adjoint of resize: (N, C, *size), each g added to the pixels it was a mean of, by their shares."""
    for axis in (2, 3):
        places, pixels, inner = g.shape[axis], size[axis - 2], prod(g.shape[axis + 1 :])
        x = cupy().empty((*g.shape[:axis], pixels, *g.shape[axis + 1 :]), g.dtype)
        how = (scale[axis - 2], mode == "nearest", align_corners)
        kernel("resize.cu", "resize_backward", g.dtype)(*cover(x.size), g, x, places, pixels, inner, *how, x.size)
        g = x
    return g


def grid_sample(x, grid, padding_mode, align_corners):
    """y[n, :, p, q] = Σ share_y · share_x · x[n, :, row, column] over the four pixels around grid[n, p, q]; outside is 0.

    ``padding_mode``: "zeros", "border" or "reflection". A place of NaN gives NaN.
    """
    y = cupy().empty((*x.shape[:2], *grid.shape[1:3]), x.dtype)
    how = (*x.shape[1:], prod(grid.shape[1:3]), MODES[padding_mode], align_corners)
    kernel("grid.cu", "grid_sample", x.dtype)(*cover(y.size), x, grid, y, *how, y.size)
    return y


def grid_sample_backward(g, x, grid, padding_mode, align_corners):
    """∂(Σ g·y)/∂x, each g added to the four pixels by their shares; and ∂/∂grid, from how the shares move with the place.

    A place of NaN adds nothing to ∂x.
    """
    gx, ggrid = cupy().empty(x.shape, x.dtype), cupy().empty(grid.shape, grid.dtype)
    how = (*x.shape[1:], prod(grid.shape[1:3]), MODES[padding_mode], align_corners)
    planes, places = prod(x.shape[:2]), prod(grid.shape[:3])
    kernel("grid.cu", "grid_sample_picture", x.dtype)(*cover(32 * planes), g, grid, gx, *how, planes)
    kernel("grid.cu", "grid_sample_grid", x.dtype)(*cover(places), g, x, grid, ggrid, *how, places)
    return gx, ggrid
