"""Solution 5 · Batch normalisation.

Write s = 1/√(var + eps), x̂ = (x − mean)·s and ĝ = g·weight, the gradient for x̂; all of one channel. From
y = weight·x̂ + bias, ∂L/∂weight = Σ g·x̂ and ∂L/∂bias = Σ g. Evaluation: x̂ is linear in x, so ∂L/∂x = ĝ·s.

Training adds two paths. Through the mean: ∂x̂_j/∂mean = −s, and ∂mean/∂x_i = 1/m, together −s · mean(ĝ). Through the variance:
∂x̂_j/∂var = (x_j − mean) · (−½)(var + eps)^−³⁄₂ = −½ x̂_j s², and ∂var/∂x_i = 2 (x_i − mean)/m = 2 x̂_i/(s·m) (the mean's part
in it is 0, since Σ (x_j − mean) = 0), together −s · x̂_i · mean(ĝ·x̂). The sum is s · (ĝ − mean(ĝ) − x̂ · mean(ĝ·x̂)).
"""

import numpy as np

AXES = (0, 2, 3)


def along(a):
    """(C,) so that it broadcasts along axis 1."""
    return a.reshape(1, -1, 1, 1)


def normalised(x, running_mean, running_var, training, eps):
    """x̂ and s = 1/√(var + eps)."""
    mean, var = (x.mean(AXES), x.var(AXES)) if training else (running_mean, running_var)
    s = along(1 / np.sqrt(var + eps))
    return (x - along(mean)) * s, s


def forward(x, weight, bias, running_mean, running_var, training, eps):
    """y (N, C, H, W)."""
    x_hat, _ = normalised(x, running_mean, running_var, training, eps)
    return along(weight) * x_hat + along(bias)


def running(x, running_mean, running_var, momentum):
    """The running mean and variance after a batch x in training, a tuple of two new arrays (C,)."""
    mean, var = x.mean(AXES), x.var(AXES, ddof=1)
    return (1 - momentum) * running_mean + momentum * mean, (1 - momentum) * running_var + momentum * var


def backward(g, x, weight, bias, running_mean, running_var, training, eps):
    """The gradients for x, weight and bias, a tuple of three arrays."""
    x_hat, s = normalised(x, running_mean, running_var, training, eps)
    g_hat = g * along(weight)
    gx = g_hat
    if training:
        gx = g_hat - g_hat.mean(AXES, keepdims=True) - x_hat * (g_hat * x_hat).mean(AXES, keepdims=True)
    return s * gx, (g * x_hat).sum(AXES), g.sum(AXES)
