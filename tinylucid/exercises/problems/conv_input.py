"""Exercise 10 · The gradient of a convolution in its input.

    y[n, o, p, q] = Σ_c Σ_i Σ_j weight[o, c, i, j] · x[n, c, p + i, q + j]

with stride 1 and no padding, as in conv_loops. Given g = ∂L/∂y, find ∂L/∂x.

Derive: which numbers of y was x[n, c, r, s] used for, and with which weight each time? Then the sum over all of them. Mind
the pixels near the edge, which fewer windows reach, and that every output channel has used x.
It can be written in two ways: each number of g gives something to the pixels of its window; or ∂x is itself a convolution, of
g with a border of zeros. For the second derive how wide that border is, and what becomes of the kernel.
Shapes: x (N, C, H, W), of which only the shape is needed; weight (O, C, kh, kw); g (N, O, P, Q) with P = H − kh + 1 and
Q = W − kw + 1; the gradient has the shape of x.

    tinylucid exercise check conv_input
"""

import numpy as np


def backward(g, x, weight):
    """The gradient for x, from g = ∂L/∂y."""
    raise NotImplementedError
