"""Solution 12 · Convolution with stride and padding.

The padded picture has H + 2·padding rows, and window p covers its rows p·stride, …, p·stride + kh − 1. The last of them is
H + 2·padding − 1 at most, so P = (H + 2·padding − kh) // stride + 1; Q alike.

Each y is still a sum of products of weight[o] and a window, so g goes back as before, with the windows where they now lie:

    ∂L/∂window(n, p, q) += g[n, o, p, q] · weight[o],    ∂L/∂weight[o] += g[n, o, p, q] · window(n, p, q).

The windows lie in the padded picture. Padding copies x into the middle of zeros, so ∂L/∂x is the middle of the gradient of
the padded picture; the zeros are constants, and theirs is thrown away. A pixel that no window reaches keeps 0.
"""

import numpy as np


def forward(x, weight, stride, padding):
    """y (N, O, P, Q)."""
    padded = pad(x, padding)
    kh, kw = weight.shape[2:]
    p, q = (padded.shape[2] - kh) // stride + 1, (padded.shape[3] - kw) // stride + 1
    y = np.zeros((len(x), len(weight), p, q))
    for n, o, p, q in np.ndindex(*y.shape):
        y[n, o, p, q] = (weight[o] * padded[window(n, p, q, weight, stride)]).sum()
    return y


def backward(g, x, weight, stride, padding):
    """The gradients for x and weight, a tuple of two arrays, from g = ∂L/∂y."""
    h, w = x.shape[2:]
    padded = pad(x, padding)
    gpadded, gw = np.zeros_like(padded), np.zeros_like(weight)
    for n, o, p, q in np.ndindex(*g.shape):
        here = window(n, p, q, weight, stride)
        gpadded[here] += g[n, o, p, q] * weight[o]
        gw[o] += g[n, o, p, q] * padded[here]
    return gpadded[:, :, padding : padding + h, padding : padding + w], gw


def pad(x, padding):
    """x inside zeros."""
    return np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))


def window(n, p, q, weight, stride):
    """Where the window of y[n, :, p, q] lies in the padded pictures, as an index."""
    kh, kw = weight.shape[2:]
    return n, slice(None), slice(p * stride, p * stride + kh), slice(q * stride, q * stride + kw)
