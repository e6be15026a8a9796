"""Wrong solutions that no diagnosis was made for."""

import numpy as np


def forward__padding_counted_once(x, weight, stride, padding):
    """shape (1, 1, 2, 2) | padding > 0"""
    n, _, h, w = x.shape
    o, _, kh, kw = weight.shape
    p, q = (h + padding - kh) // stride + 1, (w + padding - kw) // stride + 1
    padded = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    y = np.zeros((n, o, p, q))
    for a in range(p):
        for b in range(q):
            window = padded[:, :, a * stride : a * stride + kh, b * stride : b * stride + kw]
            y[:, :, a, b] = np.tensordot(window, weight, ((1, 2, 3), (1, 2, 3)))
    return y


def backward__stride_forgotten_for_x(g, x, weight, stride, padding):
    """x is wrong | p·stride | stride > 1"""
    kh, kw = weight.shape[2:]
    h, w = x.shape[2:]
    padded = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    dpadded, dw = np.zeros_like(padded), np.zeros_like(weight)
    for n, o, p, q in np.ndindex(*g.shape):
        dw[o] += g[n, o, p, q] * padded[n, :, p * stride : p * stride + kh, q * stride : q * stride + kw]
        dpadded[n, :, p : p + kh, q : q + kw] += g[n, o, p, q] * weight[o]
    return dpadded[:, :, padding : padding + h, padding : padding + w], dw
