"""Exercise 2 · The matrix product.

y = x @ w: y_ij = Σ_k x_ik · w_kj. It is what a linear layer does: the rows of x are the samples, the columns of w the units.

Derive: which numbers of y depend on x_ik, and with what slope? Add up what the gradients g_ij = ∂L/∂y_ij of those bring
back to x_ik. Then the same for w_kj. Write both sums as matrix products again.
Shapes: x (n, k), w (k, m), y and g (n, m); the gradient for x is (n, k), that for w (k, m). Sizes may be 1, or all equal,
and then a wrong order of the factors has the right shape.

    tinylucid exercise check matmul
"""

import numpy as np


def forward(x, w):
    """y = x @ w; write it with @, or with loops."""
    raise NotImplementedError


def backward(g, x, w):
    """The gradients for x and w, a tuple of two arrays."""
    raise NotImplementedError
