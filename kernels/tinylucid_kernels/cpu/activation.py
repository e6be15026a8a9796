"""The rectifier and its gradient, and dropout's product, on all cores: one pass over memory. Selections, so SIMD."""

import numpy as np

from .jit import jit
from .threads import spread

RUN = 1 << 14  # elements an item


@jit
def relu_items(first, last, x, y):
    """Item k: RUN elements of max(x, 0)."""
    x, y, zero = x[first * RUN : last * RUN], y[first * RUN : last * RUN], x.dtype.type(0)
    for k in range(x.size):
        y[k] = zero if x[k] <= zero else x[k]


@jit
def gate_items(first, last, x, by, y):
    """Item k: RUN elements of x where by > 0, else 0."""
    here, zero = slice(first * RUN, last * RUN), x.dtype.type(0)
    x, by, y = x[here], by[here], y[here]
    for k in range(x.size):
        y[k] = x[k] if by[k] > zero else zero


@jit
def kept_items(first, last, x, mask, scale, y):
    """Item k: RUN elements of x·scale or x·0."""
    here, zero = slice(first * RUN, last * RUN), x.dtype.type(0)
    x, mask, y = x[here], mask[here], y[here]
    for k in range(x.size):
        y[k] = x[k] * (scale if mask[k] else zero)


def relu(x):
    """max(x, 0); NaN stays NaN."""
    y = np.empty_like(x)
    spread(relu_items, -(-x.size // RUN), 4 * x.size, x.ravel(), y.ravel())
    return y


def gate(x, by):
    """x where ``by`` > 0, else 0: what relu lets through, for its gradient."""
    y = np.empty_like(x)
    spread(gate_items, -(-x.size // RUN), 4 * x.size, x.ravel(), by.ravel(), y.ravel())
    return y


def scale_kept(x, mask, scale):
    """x·scale where the booleans ``mask`` hold, else x·0: dropout once its mask is drawn, and its gradient."""
    y = np.empty_like(x)
    flat = x.ravel(), mask.ravel(), x.dtype.type(scale), y.ravel()
    spread(kept_items, -(-x.size // RUN), x.size, *flat)
    return y
