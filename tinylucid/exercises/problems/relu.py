"""Exercise 3 · ReLU.

y = max(x, 0), element by element.

Derive: the slope of y in x, for x above and below 0. At 0 itself there is none: PyTorch and this engine take 0, and so
shall you.
Shapes: x may have any shape; y, g and the gradient have the same.

    tinylucid exercise check relu
"""

import numpy as np


def forward(x):
    """y = max(x, 0)."""
    raise NotImplementedError


def backward(g, x):
    """The gradient for x, from g = ∂L/∂y."""
    raise NotImplementedError
