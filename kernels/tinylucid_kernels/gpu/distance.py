"""The sum of a function of the errors d = x − target, and its gradient: one thread an element, and the sum by CuPy.

e(d) = square · d²   where |d| ≤ beta,   |d| − less   elsewhere
"""

from .driver import cupy
from .launch import cover, kernel


def distance_loss(x, target, beta, square, less):
    """Σ e(x − target) over all elements, a number."""
    e = cupy().empty_like(x)
    kernel("distance.cu", "distance_loss", x.dtype)(*cover(x.size), x, target, beta, square, less, e, x.size)
    return e.sum()


def distance_loss_backward(g, x, target, beta, square):
    """Its gradient, g·e′(x − target), like x: 2·square·d or the sign of d; g is of one element."""
    gx = cupy().empty_like(x)
    run = kernel("distance.cu", "distance_loss_backward", x.dtype)
    run(*cover(x.size), g, x, target, beta, 2 * square, gx, x.size)
    return gx
