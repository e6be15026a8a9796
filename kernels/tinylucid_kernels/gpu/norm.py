"""Batch normalisation by the statistics of the batch, and its gradient: each channel is shared by several blocks.

y = weight · (x − mean) / √(var + eps) + bias,   mean and var over all axes but the channels (axis 1)
"""

import math

from .driver import cupy
from .launch import kernel

THREADS, SEGMENT = 256, 1024  # of a block; elements of a row that it takes at a time, as in norm.cu
BLOCKS = 1024  # about what a large GPU keeps running at once


def shared(x):
    """How the channels of x are shared out: grid, block, and x's sizes (N, C, L). It depends on nothing but the shape."""
    n, channels, *rest = x.shape
    length = math.prod(rest)
    width = min(THREADS, 1 << max(length - 1, 0).bit_length())  # threads along a row, a power of two
    segments = n * -(-length // SEGMENT)
    turns = -(-segments * width // THREADS)  # a block does THREADS / width segments at a time
    parts = max(1, min(turns, BLOCKS // max(channels, 1)))
    return (channels * parts,), (width, THREADS // width), (n, channels, length)


def batch_norm(x, weight, bias, eps):
    """y like x, and mean, var (biased), inv_std = 1/√(var + eps), each (C,)."""
    grid, block, sizes = shared(x)
    y = cupy().empty_like(x)
    mean, var, inv_std = cupy().empty((3, x.shape[1]), x.dtype)
    sums, squares = cupy().empty((2, *grid), x.dtype)
    run = lambda name, *args: kernel("norm.cu", name, x.dtype)(grid, block, *args, *sizes)
    run("sum_parts", x, sums)
    run("square_parts", x, sums, mean, squares)
    run("normalise", x, weight, bias, mean, squares, y, var, inv_std, eps)
    return y, mean, var, inv_std


def batch_norm_backward(g, x, weight, mean, inv_std):
    """∂x, ∂weight, ∂bias, where mean and inv_std are those of x itself, and move with it (Ioffe and Szegedy, 2015):

    ∂x = weight · inv_std · (g − mean(g) − x̂ · mean(g · x̂)),   x̂ = (x − mean) · inv_std
    """
    grid, block, sizes = shared(x)
    gx = cupy().empty_like(x)
    g_weight, g_bias = cupy().empty((2, x.shape[1]), x.dtype)
    sums, against = cupy().empty((2, *grid), x.dtype)
    run = lambda name, *args: kernel("norm.cu", name, x.dtype)(grid, block, *args, *sizes)
    run("gradient_parts", g, x, mean, inv_std, sums, against)
    run("gradient", g, x, weight, mean, inv_std, sums, against, gx, g_weight, g_bias)
    return gx, g_weight, g_bias


def batch_norm_fixed(x, weight, bias, mean, inv_std):
    """y = (x − mean) · inv_std · weight + bias with constants mean and inv_std, each (C,): batch norm in evaluation."""
    grid, block, sizes = shared(x)
    y = cupy().empty_like(x)
    kernel("norm.cu", "normalise_fixed", x.dtype)(grid, block, x, weight, bias, mean, inv_std, y, *sizes)
    return y
