"""Exercise 12 · Convolution with stride and padding.

Before it is convolved, the picture gets ``padding`` rows and columns of zeros on each of its four sides, and the windows
begin ``stride`` rows, and ``stride`` columns, apart:

    y[n, o, p, q] = Σ_c Σ_i Σ_j weight[o, c, i, j] · x[n, c, p·stride − padding + i, q·stride − padding + j],

x being 0 outside. Windows that would reach over the end of the padded picture are left out, so some last rows or columns
may be in no window at all.

Derive: how many windows there are, P × Q; then, as in conv_input and conv_weight, which y each pixel and each weight was used
for, and the two gradients. What is the gradient of a pixel that no window reaches? What becomes of the gradient of the zeros?
Shapes: x (N, C, H, W); weight (O, C, kh, kw); stride ≥ 1 and padding ≥ 0 are integers; y and g (N, O, P, Q); each gradient
has the shape of what it is the gradient of, whatever H, W, stride and padding are.

    tinylucid exercise check conv_stride
"""

import numpy as np


def forward(x, weight, stride, padding):
    """y (N, O, P, Q)."""
    raise NotImplementedError


def backward(g, x, weight, stride, padding):
    """The gradients for x and weight, a tuple of two arrays, from g = ∂L/∂y."""
    raise NotImplementedError
