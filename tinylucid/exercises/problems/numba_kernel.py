"""Exercise 24 · A kernel compiled by Numba: depthwise convolution.

Python's loops are slow because each step asks what its operands are. Numba asks once: with @njit above it a function of
arrays and loops becomes machine code for the dtypes that it is called with, when it is first called.

Each channel c of each picture n is filtered by its own kernel w[c] of 3 × 3 numbers (depthwise convolution: MobileNet,
2017), laid on as it is, not flipped; beyond its edges a picture is 0:

    y[n, c, p, q] = Σ_i Σ_j w[c, i, j] · x[n, c, p + i − 1, q + j − 1],   i, j = 0, 1, 2

Write it as loops over numbers. Three things are different from NumPy:
- an index is not checked: x[…, H, …] reads whatever lies behind, and x[…, −1, …] is the last row, not a 0 beyond the first;
- y has the dtype of x, float32 or float64: a float32 that turns into a float64 takes twice the memory, and time;
- no @njit(parallel=True) here: it takes seconds to compile, and pays only where there is much to do.

Derive: for a pixel in a corner, at an edge and inside, which of the nine products lie on the picture? From that, between
which bounds i and j run for any p and q.
Shapes: x (N, C, H, W), w (C, 3, 3), y (N, C, H, W), all of one dtype; H and W may be 1, then a kernel is larger than the
picture.

    tinylucid exercise check numba_kernel
"""

import numpy as np
from numba import njit


@njit
def depthwise(x, w):
    """y (N, C, H, W), each channel filtered by its own 3 × 3 kernel."""
    raise NotImplementedError
