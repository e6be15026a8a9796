"""Solution 10 · The gradient of a convolution in its input.

x[n, c, r, s] was used for y[n, o, p, q] if r = p + i and s = q + j for some number (i, j) of the kernel, and then with
weight[o, c, i, j]. So

    ∂L/∂x[n, c, r, s] = Σ_o Σ_ij weight[o, c, i, j] · g[n, o, r − i, s − j],    g being 0 outside.

Read from g: each g[n, o, p, q] adds g · weight[o] to the pixels of its window. That is what stands below.
Read from x: g is run through backwards while weight is run through forwards. With i' = kh − 1 − i it is a convolution of g, inside
kh − 1 rows and kw − 1 columns of zeros on each side, with the kernel turned by 180 degrees and its axes O and C exchanged.
"""

import numpy as np


def backward(g, x, weight):
    """The gradient for x, from g = ∂L/∂y."""
    kh, kw = weight.shape[2:]
    gx = np.zeros_like(x)
    for n, o, p, q in np.ndindex(*g.shape):
        gx[n, :, p : p + kh, q : q + kw] += g[n, o, p, q] * weight[o]
    return gx
