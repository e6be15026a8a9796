"""Exercise 14 · Bilinear resizing.

Pictures of another size, as in PyTorch's interpolate with mode="bilinear" and align_corners=False. A picture of H rows is
cut into P rows of height H/P; the middle of row p of the result lies, counted in rows of x, at

    r = (p + ½) · H/P − ½,   at least 0 and at most H − 1,

which is i = ⌊r⌋ rows down and t = r − i of the way on to row i + 1. Columns alike: column q lies at j and u of the way on to
j + 1. The result is the mean of the four pixels around, by their nearness:

    y[n, c, p, q] = (1 − t) · (1 − u) · x[n, c, i,     j] + (1 − t) · u · x[n, c, i,     j + 1]
                  +      t  · (1 − u) · x[n, c, i + 1, j] +      t  · u · x[n, c, i + 1, j + 1]

On the last row t = 0, and there is no row i + 1: take any that there is. Likewise on the last column.

Derive: y is linear in x: by how much does y[n, c, p, q] change when x[n, c, k, l] does? Turn it round: which numbers of g
reach the pixel x[n, c, k, l], and with which factor?
Shapes: x (N, C, H, W), size (P, Q), y and g (N, C, P, Q). All sizes are at least 1; P may be larger than H, smaller, or
no multiple of it, and Q/W another factor than P/H. Smaller pictures are made by the same formula: pixels that no place is
near are not used.

    tinylucid exercise check bilinear
"""

import numpy as np


def forward(x, size):
    """y (N, C, P, Q), x resized to size (P, Q)."""
    raise NotImplementedError


def backward(g, x, size):
    """The gradient for x, from g = ∂L/∂y."""
    raise NotImplementedError
