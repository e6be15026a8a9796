"""Solution 7 · Max-pooling, with ties and overlapping windows.

y is the winner's value, so ∂y/∂x is 1 for the winner and 0 for the others: each g goes to the winner of its window, and a
pixel that wins several windows gets the sum.
"""

import numpy as np


def forward(x, size, stride):
    """y (N, C, P, Q), the largest number of each window."""
    n, c, h, w = x.shape
    y = np.zeros((n, c, (h - size) // stride + 1, (w - size) // stride + 1))
    for p in range(y.shape[2]):
        for q in range(y.shape[3]):
            y[:, :, p, q] = x[:, :, p * stride : p * stride + size, q * stride : q * stride + size].max((2, 3))
    return y


def backward(g, x, size, stride):
    """The gradient for x, from g = ∂L/∂y."""
    gx = np.zeros_like(x)
    for n, c, p, q in np.ndindex(*g.shape):
        window = x[n, c, p * stride : p * stride + size, q * stride : q * stride + size]
        i, j = np.divmod(window.argmax(), size)  # argmax names the first of equals in row-major order
        gx[n, c, p * stride + i, q * stride + j] += g[n, c, p, q]
    return gx
