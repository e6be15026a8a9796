"""Solution 9 · Convolution as a matrix product, and its adjoint.

y[n, o, p, q] = Σ_cij weight[o, c, i, j] · x[n, c, p + i, q + j]: with (c, i, j) as one index k and (p, q) as one index m
this is y[n, o, m] = Σ_k weight[o, k] · columns[n, k, m], (O, C·kh·kw) times (C·kh·kw, P·Q).

im2col copies. A copy passes its gradient to the pixel that it was copied from, and a pixel that stands in several columns
(up to kh·kw) gets the sum: ∂x[n, c, p + i, q + j] += g[n, (c, i, j), (p, q)] for all of them.

For a fixed (i, j) the pixels x[:, :, i : i + P, j : j + Q] are all different, so whole slices can be copied, and added, at once.
"""

import numpy as np


def im2col(x, kh, kw):
    """columns (N, C·kh·kw, P·Q): each window of kh rows and kw columns as a column."""
    n, c, h, w = x.shape
    columns = np.zeros((n, c, kh, kw, h - kh + 1, w - kw + 1))
    for i in range(kh):
        for j in range(kw):
            columns[:, :, i, j] = x[:, :, i : i + h - kh + 1, j : j + w - kw + 1]
    return columns.reshape(n, c * kh * kw, -1)


def forward(x, weight):
    """y (N, O, P, Q), by one matrix product (np.matmul, or @, multiplies a stack of N matrices at once)."""
    n, _, h, w = x.shape
    o, _, kh, kw = weight.shape
    return (weight.reshape(o, -1) @ im2col(x, kh, kw)).reshape(n, o, h - kh + 1, w - kw + 1)


def col2im(g, shape, kh, kw):
    """The gradient for x, of that shape (N, C, H, W), from g = ∂L/∂columns."""
    n, c, h, w = shape
    g = g.reshape(n, c, kh, kw, h - kh + 1, w - kw + 1)
    gx = np.zeros(shape)
    for i in range(kh):
        for j in range(kw):
            gx[:, :, i : i + h - kh + 1, j : j + w - kw + 1] += g[:, :, i, j]
    return gx
