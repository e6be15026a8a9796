"""Batch normalisation by the statistics of the batch (Ioffe and Szegedy, 2015), and its gradient.

y = weight · (x − mean) / √(var + eps) + bias,   mean and var over all axes but the channels (axis 1)
"""

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
