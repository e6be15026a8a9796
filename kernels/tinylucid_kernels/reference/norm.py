"""Normalisation, and its gradient: of a channel by the batch (Ioffe and Szegedy, 2015), of a group of channels by each picture.

y = weight · (x − mean) / √(var + eps) + bias,   weight and bias a number for each channel (axis 1)

Batch norm's mean and var are over all axes but the channels; group norm's (Wu and He, 2018) over a picture's group of channels.
"""

import math

import numpy as np


def channels(a, x):
    """(C,) shaped to broadcast along axis 1 of x."""
    return a.reshape(-1, *(1,) * (x.ndim - 2))


def batch_norm(x, weight, bias, eps):
    """y like x, and mean, var (biased), inv_std = 1/√(var + eps), each (C,)."""
    axes = (0, *range(2, x.ndim))
    mean = x.mean(axes)
    y = x - channels(mean, x)
    var = (y * y).mean(axes)
    inv_std = 1 / np.sqrt(var + eps)
    y *= channels(weight * inv_std, x)
    y += channels(bias, x)
    return y, mean, var, inv_std


def batch_norm_backward(g, x, weight, mean, inv_std):
    """∂x, ∂weight, ∂bias, where mean and inv_std are those of x itself, and move with it (the paper, section 3):

    ∂x = weight · inv_std · (g − mean(g) − x̂ · mean(g · x̂)),   x̂ = (x − mean) · inv_std
    """
    axes = (0, *range(2, x.ndim))
    x_hat = x - channels(mean, x)
    x_hat *= channels(inv_std, x)
    g_bias, g_weight = g.sum(axes), (g * x_hat).sum(axes)
    m = x.size // x.shape[1]
    x_hat *= channels(-g_weight / m, x)  # from here on in place, x_hat becomes ∂x
    x_hat += g
    x_hat -= channels(g_bias / m, x)
    x_hat *= channels(weight * inv_std, x)
    return x_hat, g_weight, g_bias


def batch_norm_fixed(x, weight, bias, mean, inv_std):
    """y = (x − mean) · inv_std · weight + bias with constants mean and inv_std, each (C,): batch norm in evaluation."""
    return (x - channels(mean, x)) * channels(weight * inv_std, x) + channels(bias, x)


def follow(running, batch, momentum, scale):
    """running ← (1 − momentum) · running + momentum · scale · batch, in place: statistics that follow those of the batches."""
    running *= 1 - momentum
    running += momentum * (batch * scale)


def in_groups(x, groups):
    """(N, C, …) as (N, groups, elements of a group)."""
    return x.reshape(len(x), groups, math.prod(x.shape[1:]) // groups)


def group_norm(x, weight, bias, groups, eps):
    """y like x, and mean, var (biased), inv_std = 1/√(var + eps), each (N, groups)."""
    rows = in_groups(x, groups)
    m = max(rows.shape[2], 1)  # of nothing the mean is 0
    mean = rows.sum(2) / m
    y = rows - mean[..., None]
    var = (y * y).sum(2) / m
    inv_std = 1 / np.sqrt(var + eps)
    y *= inv_std[..., None]
    return y.reshape(x.shape) * channels(weight, x) + channels(bias, x), mean, var, inv_std


def group_norm_backward(g, x, weight, mean, inv_std):
    """∂x, ∂weight, ∂bias, where mean and inv_std are those of x itself, and move with it; as in batch norm, with h = weight · g,

    ∂x = inv_std · (h − mean(h) − x̂ · mean(h · x̂)),   x̂ = (x − mean) · inv_std,   means over a picture's group of channels
    """
    groups, places = mean.shape[1], tuple(range(2, x.ndim))
    x_hat = (in_groups(x, groups) - mean[..., None]) * inv_std[..., None]
    sums, against = g.sum(places), (g * x_hat.reshape(x.shape)).sum(places)  # of each picture's channels
    over_group = lambda a: in_groups(a * weight, groups).sum(2, keepdims=True) / max(x_hat.shape[2], 1)
    gx = in_groups(g * channels(weight, x), groups)
    gx = (gx - over_group(sums) - x_hat * over_group(against)) * inv_std[..., None]
    return gx.reshape(x.shape), against.sum(0), sums.sum(0)
