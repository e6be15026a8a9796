"""The sum of a function of the errors d = x − target, and its gradient, on all cores: a parabola near 0, lines beyond it.

    e(d) = square · d²   where |d| ≤ beta,   |d| − less   elsewhere

What makes it fast: x and target are read once, and nothing is written between.
"""

import numpy as np

from .jit import jit
from .threads import spread

RUN = 1 << 12  # elements an item


@jit
def distance_items(first, last, x, target, beta, square, less, parts):
    """Item k: the sum of e(d) over RUN elements."""
    for k in range(first, last):
        a, b, total = x[k * RUN : (k + 1) * RUN], target[k * RUN : (k + 1) * RUN], x.dtype.type(0)
        for i in range(a.size):
            d = a[i] - b[i]
            total += abs(d) - less if abs(d) > beta else d * d * square
        parts[k] = total


@jit
def distance_backward_items(first, last, g, x, target, beta, twice, gx):
    """Item k: RUN elements of g·e′(d), g a number."""
    here = slice(first * RUN, last * RUN)
    x, target, gx = x[here], target[here], gx[here]
    for i in range(x.size):
        d = x[i] - target[i]
        gx[i] = (g if d > beta else -g) if abs(d) > beta else g * (d * twice)


def distance_loss(x, target, beta, square, less):
    """Σ e(x − target) over all elements, a number."""
    kind, parts = x.dtype.type, np.empty(-(-x.size // RUN), x.dtype)
    numbers = kind(beta), kind(square), kind(less)
    spread(distance_items, parts.size, x.size // 2, x.ravel(), target.ravel(), *numbers, parts)
    return np.add.reduce(parts)


def distance_loss_backward(g, x, target, beta, square):
    """Its gradient, g·e′(x − target), like x: 2·square·d or the sign of d; g is of one element."""
    kind, gx = x.dtype.type, np.empty_like(x)
    arrays = x.ravel(), target.ravel(), kind(beta), kind(2 * square), gx.ravel()
    spread(distance_backward_items, -(-x.size // RUN), x.size, kind(g.item()), *arrays)
    return gx
