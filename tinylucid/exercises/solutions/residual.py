"""Solution 16 · A residual block.

With s = x + F and r = relu(a): ∂L/∂s = g where s > 0, else 0. s is a sum, so x (the shortcut) and F (the branch) both get all
of it. F = r·W2ᵀ is a dense layer: ∂L/∂W2 = (∂L/∂s)ᵀ·r and ∂L/∂r = ∂L/∂s·W2; ∂L/∂a is that where a > 0; and a = x·W1ᵀ gives
∂L/∂W1 = (∂L/∂a)ᵀ·x and the branch's share of ∂L/∂x, ∂L/∂a·W1, to which the shortcut's is added. With the shortcut some of
the gradient arrives at x however small the weights are: that is why deep residual networks can be trained.
"""

import numpy as np


def forward(x, w1, w2):
    """y (N, D)."""
    return np.maximum(x + np.maximum(x @ w1.T, 0) @ w2.T, 0)


def backward(g, x, w1, w2):
    """The gradients for x, w1 and w2, a tuple of three arrays, from g = ∂L/∂y."""
    a = x @ w1.T
    r = np.maximum(a, 0)
    gs = g * (x + r @ w2.T > 0)
    ga = (gs @ w2) * (a > 0)
    return gs + ga @ w1, ga.T @ x, gs.T @ r
