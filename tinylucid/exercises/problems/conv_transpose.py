"""Exercise 13 · Transposed convolution.

Where a convolution gathers a window into one number, a transposed convolution spreads one number over a window: each pixel
of x lays down its kernel, times the pixel's value, and where kernels overlap they add up,

    y[n, o, h·stride − padding + i, w·stride − padding + j] += Σ_c weight[c, o, i, j] · x[n, c, h, w]

for every pixel (h, w) and every number (i, j) of the kernel. Kernels of neighbouring pixels begin ``stride`` rows or columns
apart. Of the picture that they fill, from the first to the last, ``padding`` rows and columns are cut off on each of the four
sides: padding makes y smaller here. A number of y that no kernel reaches is 0.

Derive: the size P × Q of y. Then the gradients: which y was x[n, c, h, w] used for, with which weights? Which of the exercises
before does that look like? And for weight[c, o, i, j]?
Shapes: x (N, C, H, W); weight (C, O, kh, kw), the input's channels first, unlike conv2d; stride ≥ 1 and padding ≥ 0 are
integers; y and g (N, O, P, Q); each gradient has the shape of what it is the gradient of.

    tinylucid exercise check conv_transpose
"""

import numpy as np


def forward(x, weight, stride, padding):
    """y (N, O, P, Q)."""
    raise NotImplementedError


def backward(g, x, weight, stride, padding):
    """The gradients for x and weight, a tuple of two arrays, from g = ∂L/∂y."""
    raise NotImplementedError
