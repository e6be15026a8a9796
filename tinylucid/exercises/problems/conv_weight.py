"""Exercise 11 · The gradients of a convolution in its weight and bias.

    y[n, o, p, q] = bias[o] + Σ_c Σ_i Σ_j weight[o, c, i, j] · x[n, c, p + i, q + j]

with stride 1 and no padding, as in conv_loops. Given g = ∂L/∂y, find ∂L/∂weight and ∂L/∂bias.

Derive: which numbers of y was weight[o, c, i, j] used for, and which pixel did it meet each time? And bias[o]? Write the two
sums with all their indices. The one for weight has the form of a convolution again: what is the picture in it, and what
the kernel?
Shapes: x (N, C, H, W); weight (O, C, kh, kw) and bias (O,), of which only the shapes are needed; g (N, O, P, Q) with
P = H − kh + 1 and Q = W − kw + 1. Each gradient has the shape of what it is the gradient of.

    tinylucid exercise check conv_weight
"""

import numpy as np


def backward(g, x, weight, bias):
    """The gradients for weight and bias, a tuple of two arrays, from g = ∂L/∂y."""
    raise NotImplementedError
