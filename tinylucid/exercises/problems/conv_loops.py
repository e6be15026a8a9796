"""Exercise 8 · Convolution by loops.

A kernel is laid on the picture at every place where it fits, and each time the numbers that lie on each other are
multiplied and added up:

    y[n, o, p, q] = bias[o] + Σ_c Σ_i Σ_j weight[o, c, i, j] · x[n, c, p + i, q + j].

The kernel is laid on as it is, not flipped: what deep learning calls a convolution is called a cross-correlation in
mathematics.

Derive: for a picture of H rows and a kernel of kh rows, the first p and the last one at which the kernel still fits.
Shapes: x (N, C, H, W), N pictures of C channels; weight (O, C, kh, kw), a kernel of C channels for each of O output
channels; bias (O,); y (N, O, P, Q). kh and kw may differ, and may be as large as H and W.

Write it with loops, as many as you like: it need not be fast. The next exercise is about speed.

    tinylucid exercise check conv_loops
"""

import numpy as np


def forward(x, weight, bias):
    """y (N, O, P, Q)."""
    raise NotImplementedError
