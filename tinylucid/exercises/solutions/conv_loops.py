"""Solution 8 · Convolution by loops.

The kernel at p covers the rows p, …, p + kh − 1. The last of them may be H − 1 at most, so p ≤ H − kh: there are
P = H − kh + 1 places downwards, and Q = W − kw + 1 across. At each of them the formula is one sum over the window.
"""

import numpy as np


def forward(x, weight, bias):
    """y (N, O, P, Q)."""
    n, _, h, w = x.shape
    o, _, kh, kw = weight.shape
    y = np.zeros((n, o, h - kh + 1, w - kw + 1))
    for n, o, p, q in np.ndindex(*y.shape):
        y[n, o, p, q] = bias[o] + (weight[o] * x[n, :, p : p + kh, q : q + kw]).sum()
    return y
