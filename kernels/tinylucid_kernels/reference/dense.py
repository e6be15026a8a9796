"""Matrix products: the dense layer, and batched matmul."""

import numpy as np


def matmul(x, y):
    """z[…, i, j] = Σ_k x[…, i, k] · y[…, k, j]; leading axes broadcast."""
    return np.matmul(x, y)


def linear(x, weight, bias):
    """y[n, o] = Σ_i x[n, i] · w[o, i] + b[o]; x (N, I), weight (O, I), bias (O,) or None."""
    y = x @ weight.T
    if bias is not None:
        y += bias
    return y


def linear_grads(g, x, weight, x_wanted, weight_wanted, bias_wanted):
    """What linear's inputs get from the gradient g (N, O) of its result: g w, gᵀ x and Σ_n g[n], None where not wanted."""
    return (
        g @ weight if x_wanted else None,
        g.T @ x if weight_wanted else None,
        g.sum(0) if bias_wanted else None,
    )
