"""Exercise 16 · A residual block.

y = relu(x + F(x)) with F(x) = W2·relu(W1·x): what the block computes is added to its own input, which takes a shortcut past
the weights. Each row of x is one sample, so in matrices

    a = x·W1ᵀ        (N, H)
    F = relu(a)·W2ᵀ  (N, D)
    y = relu(x + F)  (N, D)

Derive: x is used twice, so its gradient is the sum of what comes back on either way. Go backwards from y: through the outer
ReLU, whose mask is that of what went into it; there the way forks into the shortcut and the branch, back through W2, the
inner ReLU and W1. The slope of ReLU at 0 is taken to be 0.
Shapes: x, y and g (N, D); w1 (H, D); w2 (D, H). All sizes are at least 1.

    tinylucid exercise check residual
"""

import numpy as np


def forward(x, w1, w2):
    """y (N, D)."""
    raise NotImplementedError


def backward(g, x, w1, w2):
    """The gradients for x, w1 and w2, a tuple of three arrays, from g = ∂L/∂y."""
    raise NotImplementedError
