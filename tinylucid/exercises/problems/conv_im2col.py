"""Exercise 9 · Convolution as a matrix product, and its adjoint.

Loops in Python are slow, a matrix product is fast. So every window of x is written into a column of a matrix ("image to
column"), and the kernels are the rows of another:

    columns[n, (c·kh + i)·kw + j, p·Q + q] = x[n, c, p + i, q + j]
    y = weight, each kernel as one row, times columns.

The numbers of a window thus stand in the order C, kh, kw (j moves fastest), and the windows in the order P, Q (q moves
fastest), with P = H − kh + 1 and Q = W − kw + 1: the order in which NumPy's reshape reads (C, kh, kw) and (P, Q).
As in the exercise before, stride 1, no padding, and the kernel is not flipped.

Derive: (1) the shapes of the three matrices of the product. (2) The adjoint of im2col: given g = ∂L/∂columns, what is
∂L/∂x? In how many columns does one pixel stand?
Shapes: x (N, C, H, W); columns and g (N, C·kh·kw, P·Q); weight (O, C, kh, kw); y (N, O, P, Q).

    tinylucid exercise check conv_im2col
"""

import numpy as np


def im2col(x, kh, kw):
    """columns (N, C·kh·kw, P·Q): each window of kh rows and kw columns as a column."""
    raise NotImplementedError


def forward(x, weight):
    """y (N, O, P, Q), by one matrix product (np.matmul, or @, multiplies a stack of N matrices at once)."""
    raise NotImplementedError


def col2im(g, shape, kh, kw):
    """The gradient for x, of that shape (N, C, H, W), from g = ∂L/∂columns."""
    raise NotImplementedError
