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
