"""Normalisation, and its gradient: of a channel by the batch, of a group of channels by each picture.

y = weight · (x − mean) / √(var + eps) + bias,   weight and bias a number for each channel (axis 1)

What makes it fast: one channel of a batch (64·32·32 numbers: 256 KB) stays in the core's cache while it is read three times, and
so does a picture's group of channels.
Rows are summed in the array's dtype (SIMD), the sums of rows in float64.
"""

import math

import numpy as np

from .jit import jit
from .threads import spread


@jit
def forward_items(first, last, x, weight, bias, eps, y, mean, var, inv_std):
    """Item c: mean, then the mean of squared differences from it, then y; x and y as (N, C, L)."""
    zero, m = x.dtype.type(0), x.shape[0] * x.shape[2]
    for c in range(first, last):
        total = 0.0
        for n in range(x.shape[0]):
            row, s = x[n, c], zero
            for i in range(row.size):
                s += row[i]
            total += s
        mean[c] = total / m
        centre, total = mean[c], 0.0
        for n in range(x.shape[0]):
            row, s = x[n, c], zero
            for i in range(row.size):
                s += (row[i] - centre) * (row[i] - centre)
            total += s
        var[c] = total / m
        inv_std[c] = 1 / np.sqrt(total / m + eps)
        scale, shift = weight[c] * inv_std[c], bias[c]
        for n in range(x.shape[0]):
            row, out = x[n, c], y[n, c]
            for i in range(row.size):
                out[i] = (row[i] - centre) * scale + shift


@jit
def backward_items(first, last, g, x, weight, mean, inv_std, gx, g_weight, g_bias):
    """Item c: the sums Σ g and Σ g·(x − mean), then ∂x; arrays as (N, C, L)."""
    zero, m = x.dtype.type(0), x.shape[0] * x.shape[2]
    for c in range(first, last):
        centre, total, against = mean[c], 0.0, 0.0
        for n in range(x.shape[0]):
            row, up, s, t = x[n, c], g[n, c], zero, zero
            for i in range(row.size):
                s += up[i]
                t += up[i] * (row[i] - centre)
            total += s
            against += t
        g_bias[c] = total
        g_weight[c] = against * inv_std[c]
        scale = weight[c] * inv_std[c]
        shift, slope = g_bias[c] / m, g_weight[c] * inv_std[c] / m
        shift, slope = x.dtype.type(shift), x.dtype.type(slope)
        for n in range(x.shape[0]):
            row, up, out = x[n, c], g[n, c], gx[n, c]
            for i in range(row.size):
                out[i] = (up[i] - shift - (row[i] - centre) * slope) * scale


@jit
def fixed_items(first, last, x, scale, shift, mean, y):
    """Item (n, c): one plane of (x − mean) · scale + shift; x and y as (N, C, L)."""
    for item in range(first, last):
        n, c = item // x.shape[1], item % x.shape[1]
        row, out, a, b, centre = x[n, c], y[n, c], scale[c], shift[c], mean[c]
        for i in range(row.size):
            out[i] = (row[i] - centre) * a + b


@jit
def follow_items(first, last, running, batch, keep, momentum, scale):
    """Item c: the statistics of channel c. ``keep`` = 1 − momentum is a number of its own, as in optim.py."""
    kind = running.dtype.type
    keep, momentum, scale = kind(keep), kind(momentum), kind(scale)
    for c in range(first, last):
        running[c] = keep * running[c] + momentum * (batch[c] * scale)


def follow(running, batch, momentum, scale):
    """running ← (1 − momentum) · running + momentum · scale · batch, in place: statistics that follow those of the batches."""
    packed = np.asarray(running, order="C")
    numbers = 1.0 - momentum, float(momentum), float(scale)
    spread(follow_items, packed.size, 3 * packed.size, packed.reshape(-1), batch.ravel(), *numbers)
    if packed is not running:  # which has gaps
        running[...] = packed


@jit
def group_items(first, last, x, weight, bias, eps, y, mean, var, inv_std):
    """Item n: the groups of picture n, each as forward_items does a channel; x and y as (N, C, L)."""
    zero, groups = x.dtype.type(0), mean.shape[1]
    each = x.shape[1] // groups
    m = max(each * x.shape[2], 1)
    for n in range(first, last):
        for group in range(groups):
            total = 0.0
            for c in range(group * each, group * each + each):
                row, s = x[n, c], zero
                for i in range(row.size):
                    s += row[i]
                total += s
            mean[n, group] = total / m
            centre, total = mean[n, group], 0.0
            for c in range(group * each, group * each + each):
                row, s = x[n, c], zero
                for i in range(row.size):
                    s += (row[i] - centre) * (row[i] - centre)
                total += s
            var[n, group] = total / m
            inv_std[n, group] = 1 / np.sqrt(total / m + eps)
            for c in range(group * each, group * each + each):
                row, out, scale, shift = x[n, c], y[n, c], weight[c] * inv_std[n, group], bias[c]
                for i in range(row.size):
                    out[i] = (row[i] - centre) * scale + shift


@jit
def group_backward_items(first, last, g, x, weight, mean, inv_std, gx, sums, against):
    """Item n: each channel's Σ g and Σ g·x̂ in picture n, and from those of a group its ∂x; arrays as (N, C, L)."""
    zero, groups = x.dtype.type(0), mean.shape[1]
    each = x.shape[1] // groups
    m = max(each * x.shape[2], 1)
    for n in range(first, last):
        for group in range(groups):
            centre, inverse, total, slope = mean[n, group], inv_std[n, group], 0.0, 0.0
            for c in range(group * each, group * each + each):
                row, up, s, t = x[n, c], g[n, c], zero, zero
                for i in range(row.size):
                    s += up[i]
                    t += up[i] * (row[i] - centre)
                sums[n, c], against[n, c] = s, t * inverse
                total += s * weight[c]
                slope += against[n, c] * weight[c]
            shift, tilt = x.dtype.type(total / m), x.dtype.type(slope * inverse / m)
            for c in range(group * each, group * each + each):
                row, up, out, scale = x[n, c], g[n, c], gx[n, c], weight[c]
                for i in range(row.size):
                    out[i] = (up[i] * scale - shift - (row[i] - centre) * tilt) * inverse


@jit
def row_items(first, last, x, weight, bias, eps, y, mean, var, inv_std):
    """Item n: row n of x (N, C), one group without pixels, whose weights change from number to number: layer norm."""
    zero, m = x.dtype.type(0), x.shape[1]
    for n in range(first, last):
        row, out, s, t = x[n], y[n], zero, zero
        for i in range(m):
            s += row[i]
        mean[n, 0] = s / m
        centre = mean[n, 0]
        for i in range(m):
            t += (row[i] - centre) * (row[i] - centre)
        var[n, 0] = t / m
        inv_std[n, 0] = 1 / np.sqrt(t / m + eps)
        inverse = inv_std[n, 0]
        for i in range(m):
            out[i] = (row[i] - centre) * inverse * weight[i] + bias[i]


@jit
def row_backward_items(first, last, g, x, weight, mean, inv_std, gx, sums, against):
    """Item b: block b of rows of x (N, C), their ∂x, and what they add to Σ g and Σ g·x̂, (blocks, C)."""
    zero, m, parts = x.dtype.type(0), x.shape[1], len(sums)
    for b in range(first, last):
        by_bias, by_weight = sums[b], against[b]
        for i in range(m):
            by_bias[i], by_weight[i] = zero, zero
        for n in range(b * len(x) // parts, (b + 1) * len(x) // parts):
            row, up, out, centre, inverse, s, t = x[n], g[n], gx[n], mean[n, 0], inv_std[n, 0], zero, zero
            for i in range(m):
                s += up[i] * weight[i]
                t += up[i] * weight[i] * ((row[i] - centre) * inverse)
            for i in range(m):
                by_bias[i] += up[i]
            for i in range(m):
                by_weight[i] += up[i] * ((row[i] - centre) * inverse)
            shift, tilt = x.dtype.type(s / m), x.dtype.type(t * inverse / m)
            for i in range(m):
                out[i] = (up[i] * weight[i] - shift - (row[i] - centre) * tilt) * inverse


def flat(x):
    """(N, C, …) as (N, C, L)."""
    n, c, *rest = x.shape
    return x.reshape(n, c, math.prod(rest))


def rows(x):
    """(N, C, 1, …) as (N, C)."""
    return x.reshape(x.shape[:2])


def batch_norm(x, weight, bias, eps):
    """y like x, and mean, var (biased), inv_std = 1/√(var + eps), each (C,)."""
    y = np.empty_like(x)
    mean, var, inv_std = np.empty((3, x.shape[1]), x.dtype)
    spread(forward_items, x.shape[1], 6 * x.size, flat(x), weight, bias, eps, flat(y), mean, var, inv_std)
    return y, mean, var, inv_std


def batch_norm_backward(g, x, weight, mean, inv_std):
    """∂x, ∂weight, ∂bias, where mean and inv_std are those of x itself, and move with it (Ioffe and Szegedy, 2015):

    ∂x = weight · inv_std · (g − mean(g) − x̂ · mean(g · x̂)),   x̂ = (x − mean) · inv_std
    """
    gx = np.empty_like(x)
    g_weight, g_bias = np.empty((2, x.shape[1]), x.dtype)
    arrays = flat(g), flat(x), weight, mean, inv_std, flat(gx), g_weight, g_bias
    spread(backward_items, x.shape[1], 8 * x.size, *arrays)
    return gx, g_weight, g_bias


def batch_norm_fixed(x, weight, bias, mean, inv_std):
    """y = (x − mean) · inv_std · weight + bias with constants mean and inv_std, each (C,): batch norm in evaluation."""
    y = np.empty_like(x)
    spread(fixed_items, x.shape[0] * x.shape[1], 4 * x.size, flat(x), weight * inv_std, bias, mean, flat(y))
    return y


def blocks(x):
    """Into how many blocks of rows layer norm's ∂weight is split, each to add up a share of it: by the shape, not the threads."""
    return max(1, min(16, len(x), x.size >> 14))


def group_norm(x, weight, bias, groups, eps):
    """y like x, and mean, var (biased), inv_std = 1/√(var + eps), each (N, groups)."""
    y, pixels = np.empty_like(x), groups > 1 or math.prod(x.shape[2:]) != 1
    mean, var, inv_std = np.empty((3, len(x), groups), x.dtype)
    body, seen = (group_items, flat) if pixels else (row_items, rows)
    spread(body, len(x), 6 * x.size, seen(x), weight, bias, eps, seen(y), mean, var, inv_std)
    return y, mean, var, inv_std


def group_norm_backward(g, x, weight, mean, inv_std):
    """∂x, ∂weight, ∂bias, where mean and inv_std are those of x itself, and move with it; as in batch norm, with h = weight · g,

    ∂x = inv_std · (h − mean(h) − x̂ · mean(h · x̂)),   x̂ = (x − mean) · inv_std,   means over a picture's group of channels
    """
    gx, pixels = np.empty_like(x), mean.shape[1] > 1 or math.prod(x.shape[2:]) != 1
    body, seen, parts = (group_backward_items, flat, len(x)) if pixels else (row_backward_items, rows, blocks(x))
    sums, against = np.empty((2, parts, x.shape[1]), x.dtype)
    spread(body, parts, 8 * x.size, seen(g), seen(x), weight, mean, inv_std, seen(gx), sums, against)
    return gx, *((against[0], sums[0]) if parts == 1 else (np.add.reduce(against), np.add.reduce(sums)))
