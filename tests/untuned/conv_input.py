"""Wrong solutions that no diagnosis was made for."""

import numpy as np


def backward__turned_upside_down_only(g, x, weight):
    """weight with its columns in reverse order"""
    kh, kw = weight.shape[2:]
    padded = np.pad(g, ((0, 0), (0, 0), (kh - 1, kh - 1), (kw - 1, kw - 1)))
    flipped = weight[:, :, ::-1]
    gx = np.zeros_like(x)
    for n, c, r, s in np.ndindex(*x.shape):
        gx[n, c, r, s] = np.sum(padded[n, :, r : r + kh, s : s + kw] * flipped[:, c])
    return gx


def backward__sums_before_it_multiplies(g, x, weight):
    """several output channels | right elsewhere"""
    kh, kw = weight.shape[2:]
    gx = np.zeros_like(x)
    for p in range(g.shape[2]):
        for q in range(g.shape[3]):
            here = g[:, :, p, q].sum(axis=1)
            gx[:, :, p : p + kh, q : q + kw] += here[:, None, None, None] * weight.sum(axis=0)
    return gx
