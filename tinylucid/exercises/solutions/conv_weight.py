"""Solution 11 · The gradients of a convolution in its weight and bias.

weight[o, c, i, j] was used for every picture and at every place, for y[n, o, p, q], where it met x[n, c, p + i, q + j]. bias[o] was
added to each of these y. So

    ∂L/∂weight[o, c, i, j] = Σ_n Σ_pq g[n, o, p, q] · x[n, c, p + i, q + j]
    ∂L/∂bias[o]            = Σ_n Σ_pq g[n, o, p, q].

The first is the convolution of x with g as the kernel, P × Q large and not flipped, with the pictures n in the place of the channels.
"""

import numpy as np


def backward(g, x, weight, bias):
    """The gradients for weight and bias, a tuple of two arrays, from g = ∂L/∂y."""
    kh, kw = weight.shape[2:]
    gw = np.zeros_like(weight)
    for n, o, p, q in np.ndindex(*g.shape):
        gw[o] += g[n, o, p, q] * x[n, :, p : p + kh, q : q + kw]
    return gw, g.sum((0, 2, 3))
