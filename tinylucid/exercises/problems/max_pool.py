"""Exercise 7 · Max-pooling, with ties and overlapping windows.

y[n, c, p, q] is the largest number of the window of x[n, c] that begins at row p·stride and column q·stride and has
size × size pixels. Windows that would reach over the edge are left out.

Derive: which pixels does y[n, c, p, q] depend on, and how? Of equal numbers in a window the first in row-major order
(left to right, then down) is the winner.
Shapes: x (N, C, H, W); y and g (N, C, P, Q) with P = (H − size) // stride + 1 and Q alike; size and stride are integers.
With stride < size the windows overlap, and one pixel may win several of them.

    tinylucid exercise check max_pool
"""

import numpy as np


def forward(x, size, stride):
    """y (N, C, P, Q), the largest number of each window."""
    raise NotImplementedError


def backward(g, x, size, stride):
    """The gradient for x, from g = ∂L/∂y."""
    raise NotImplementedError
