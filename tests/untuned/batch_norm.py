"""Wrong solutions that no diagnosis was made for."""

import numpy as np


def forward__mean_of_each_pixel(x, weight, bias, running_mean, running_var, training, eps):
    """statistics over axis 0 alone | axes 0, 2 and 3"""
    if training:
        mean, var = x.mean(axis=0), x.var(axis=0)
    else:
        mean, var = running_mean.reshape(-1, 1, 1), running_var.reshape(-1, 1, 1)
    return weight.reshape(-1, 1, 1) * (x - mean) / np.sqrt(var + eps) + bias.reshape(-1, 1, 1)


def backward__wrong_power_of_the_variance(g, x, weight, bias, running_mean, running_var, training, eps):
    """x is wrong | variance"""
    axes = (0, 2, 3)
    m = x.size // x.shape[1]
    mean, var = (x.mean(axes), x.var(axes)) if training else (running_mean, running_var)
    mean, var = mean.reshape(1, -1, 1, 1), var.reshape(1, -1, 1, 1)
    std = np.sqrt(var + eps)
    xhat = (x - mean) / std
    dxhat = g * weight.reshape(1, -1, 1, 1)
    dx = dxhat / std
    if training:
        dvar = (dxhat * (x - mean) * -0.5 * (var + eps) ** -0.5).sum(axes, keepdims=True)
        dmean = (-dxhat / std).sum(axes, keepdims=True)
        dx = dx + dvar * 2 * (x - mean) / m + dmean / m
    return dx, (g * xhat).sum(axes), g.sum(axes)
