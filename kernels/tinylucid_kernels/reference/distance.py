"""The sum of a function of the errors d = x − target, and its gradient: a parabola near 0, lines beyond it.

    e(d) = square · d²   where |d| ≤ beta,   |d| − less   elsewhere

Squared errors are all parabola (beta infinite), absolute errors all lines (beta 0), and Huber's loss is both.
"""

import numpy as np


def errors(x, target, beta):
    """d = x − target; the same with 0 where |d| > beta, so that nothing overflows which is not asked for; and where that is."""
    d = x - target
    far = np.abs(d) > beta
    return d, np.where(far, x.dtype.type(0), d), far


def distance_loss(x, target, beta, square, less):
    """Σ e(x − target) over all elements, a number."""
    d, near, far = errors(x, target, beta)
    return np.where(far, np.abs(d) - less, near * near * square).sum(dtype=x.dtype)


def distance_loss_backward(g, x, target, beta, square):
    """Its gradient, g·e′(x − target), like x: 2·square·d or the sign of d; g is of one element."""
    d, near, far = errors(x, target, beta)
    return g.reshape(()) * np.where(far, np.sign(d), near * (2 * square))
