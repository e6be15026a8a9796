"""Solution 6 · Dropout.

With a factor s for the kept ones, y is expected to be (1 − p)·s·x + p·0, which is x for s = 1/(1 − p). For given u, y is
linear in x: the slope is s where x is kept, 0 where it is dropped, and 1 in evaluation. So ∂L/∂x is g after the same mask
and the same factor: dropout of g with the same u.
"""

import numpy as np


def forward(x, u, p, training):
    """y, of the shape of x."""
    return np.where(u >= p, x / (1 - p), 0) if training else x


def backward(g, x, u, p, training):
    """The gradient for x, from g = ∂L/∂y."""
    return forward(g, u, p, training)
