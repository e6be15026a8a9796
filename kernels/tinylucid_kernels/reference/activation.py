"""The rectifier and its gradient, and dropout's product: elementwise, with kernels, since nets spend their memory traffic there."""

import numpy as np


def relu(x):
    """max(x, 0); NaN stays NaN."""
    return np.maximum(x, 0)


def gate(x, by):
    """x where ``by`` > 0, else 0: what relu lets through, for its gradient."""
    return np.where(by > 0, x, x.dtype.type(0))


def scale_kept(x, mask, scale):
    """x·scale where the booleans ``mask`` hold, else x·0: dropout once its mask is drawn, and its gradient."""
    return x * mask * x.dtype.type(scale)
