"""Solution 1 · Adding, with broadcasting.

∂y_k/∂a_j is 1 where y_k was made from a_j, else 0, so ∂L/∂a_j = Σ_k g_k over all k that a_j was used for: the gradient is
summed over the axes along which a was repeated.
"""

import numpy as np


def forward(a, b):
    """y = a + b."""
    return a + b


def backward(g, a, b):
    """The gradients for a and b, a tuple of two arrays."""
    return sum_to(g, np.shape(a)), sum_to(g, np.shape(b))


def sum_to(g, shape):
    """g summed over the axes along which an array of this shape was repeated."""
    g = g.sum(axis=tuple(range(g.ndim - len(shape))))  # axes that were put in front
    once = tuple(k for k, n in enumerate(shape) if n == 1)
    return g.sum(axis=once, keepdims=True)
