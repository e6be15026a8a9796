"""Normalisation, and its gradient: of a channel by the batch, of a group of channels by each picture.

y = weight · (x − mean) / √(var + eps) + bias,   weight and bias a number for each channel (axis 1)

Each channel is shared by several blocks. A picture's group of channels is to the same kernels a channel of a batch of one, and
what is left, weight and bias, is elementwise.
"""

import math

from .driver import cupy
from .launch import cover, kernel

THREADS, SEGMENT = 256, 1024  # of a block; elements of a row that it takes at a time, four a thread, as in norm.cu
BLOCKS = 660  # what a large GPU keeps running at once: five a multiprocessor


def shared(x):
    """How the channels of x are shared out: grid, block, and x's sizes (N, C, L). It depends on nothing but the shape."""
    n, channels, *rest = x.shape
    length = math.prod(rest)
    width = min(THREADS, 1 << max(-(-length // 4) - 1, 0).bit_length())  # threads along a row, a power of two
    segments = n * -(-length // SEGMENT)
    turns = -(-segments * width // THREADS)  # a block does THREADS / width segments at a time
    parts = max(1, min(-(-turns // 2), BLOCKS // max(channels, 1)))  # and two such turns, one behind the other
    return (channels * parts,), (width, THREADS // width), (n, channels, length)


def batch_norm(x, weight, bias, eps):
    """y like x, and mean, var (biased), inv_std = 1/√(var + eps), each (C,)."""
    grid, block, sizes = shared(x)
    y = cupy().empty_like(x)
    mean, var, inv_std = cupy().empty((3, x.shape[1]), x.dtype)
    parts = cupy().empty((3, *grid), x.dtype)
    run = lambda name, *args: kernel("norm.cu", name, x.dtype)(grid, block, *args, *sizes)
    run("moment_parts", x, parts)
    run("normalise", x, weight, bias, parts, y, mean, var, inv_std, eps)
    return y, mean, var, inv_std


def batch_norm_backward(g, x, weight, mean, inv_std):
    """∂x, ∂weight, ∂bias, where mean and inv_std are those of x itself, and move with it (Ioffe and Szegedy, 2015):

    ∂x = weight · inv_std · (g − mean(g) − x̂ · mean(g · x̂)),   x̂ = (x − mean) · inv_std
    """
    grid, block, sizes = shared(x)
    gx = cupy().empty_like(x)
    g_weight, g_bias = (cupy().empty(x.shape[1], x.dtype) for _ in range(2))  # not parts of one: a view would be copied
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


def follow(running, batch, momentum, scale):
    """running ← (1 − momentum) · running + momentum · scale · batch, in place: statistics that follow those of the batches."""
    packed, batch = map(cupy().ascontiguousarray, (running, batch))
    numbers = 1 - momentum, momentum, scale, packed.size
    kernel("norm.cu", "follow", packed.dtype)(*cover(packed.size), packed, batch, *numbers)
    if packed is not running:  # which has gaps
        running[...] = packed


def in_groups(x, groups):
    """(N, C, …) as a batch of one, whose channels are the groups of all pictures."""
    return x.reshape(1, len(x) * groups, math.prod(x.shape[1:]) // groups)


def channels(a, x):
    """(C,) shaped to broadcast along axis 1 of x."""
    return a.reshape(-1, *(1,) * (x.ndim - 2))


def group_norm(x, weight, bias, groups, eps):
    """y like x, and mean, var (biased), inv_std = 1/√(var + eps), each (N, groups)."""
    ones, zeros = cupy().ones(len(x) * groups, x.dtype), cupy().zeros(len(x) * groups, x.dtype)
    y, *found = batch_norm(in_groups(x, groups), ones, zeros, eps)
    return y.reshape(x.shape) * channels(weight, x) + channels(bias, x), *(a.reshape(len(x), groups) for a in found)


def group_norm_backward(g, x, weight, mean, inv_std):
    """∂x, ∂weight, ∂bias, where mean and inv_std are those of x itself, and move with it; as in batch norm, with h = weight · g,

    ∂x = inv_std · (h − mean(h) − x̂ · mean(h · x̂)),   x̂ = (x − mean) · inv_std,   means over a picture's group of channels
    """
    groups, axes = mean.shape[1], (0, *range(2, x.ndim))
    rows, mean, inv_std = in_groups(x, groups), mean.reshape(-1), inv_std.reshape(-1)
    h = in_groups(g * channels(weight, x), groups)
    gx, *_ = batch_norm_backward(h, rows, cupy().ones_like(mean), mean, inv_std)
    x_hat = ((rows - mean[:, None]) * inv_std[:, None]).reshape(x.shape)
    return gx.reshape(x.shape), (g * x_hat).sum(axes), g.sum(axes)
