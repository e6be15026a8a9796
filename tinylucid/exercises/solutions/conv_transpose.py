"""Solution 13 · Transposed convolution.

The kernel of row h covers the rows h·stride, …, h·stride + kh − 1 before cutting. With h up to H − 1 that makes
(H − 1)·stride + kh rows, and P = (H − 1)·stride + kh − 2·padding of them are kept; Q alike.

x[n, c, h, w] was multiplied by weight[c, o, i, j] and added to y at row h·stride − padding + i and column w·stride − padding + j. With
g being 0 where y was cut off,

    ∂L/∂x[n, c, h, w] = Σ_o Σ_ij weight[c, o, i, j] · g[n, o, h·stride − padding + i, w·stride − padding + j]
    ∂L/∂weight[c, o, i, j] = Σ_n Σ_hw x[n, c, h, w] · g[n, o, h·stride − padding + i, w·stride − padding + j].

The first is conv2d of g with this weight, stride and padding: the two are each other's gradient, hence the name. What was cut off
becomes padding: zeros round g.
"""

import numpy as np


def forward(x, weight, stride, padding):
    """y (N, O, P, Q)."""
    n, _, h, w = x.shape
    _, o, kh, kw = weight.shape
    y = np.zeros((n, o, (h - 1) * stride + kh, (w - 1) * stride + kw))
    for n, c, h, w in np.ndindex(*x.shape):
        y[window(n, h, w, weight, stride)] += x[n, c, h, w] * weight[c]
    return y[:, :, padding : y.shape[2] - padding, padding : y.shape[3] - padding]


def backward(g, x, weight, stride, padding):
    """The gradients for x and weight, a tuple of two arrays, from g = ∂L/∂y."""
    g = np.pad(g, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    gx, gw = np.zeros_like(x), np.zeros_like(weight)
    for n, c, h, w in np.ndindex(*x.shape):
        here = g[window(n, h, w, weight, stride)]
        gx[n, c, h, w] = (weight[c] * here).sum()
        gw[c] += x[n, c, h, w] * here
    return gx, gw


def window(n, h, w, weight, stride):
    """Where the kernel of x[n, :, h, w] lies in the picture that is not cut yet, as an index."""
    kh, kw = weight.shape[2:]
    return n, slice(None), slice(h * stride, h * stride + kh), slice(w * stride, w * stride + kw)
