"""Exercise 6 · Dropout.

In training, dropout sets each number of x to 0 with probability p, and multiplies those it keeps so that what is expected
of y is still x. In evaluation it does nothing: y = x. (This is called inverted dropout; the first form of it left the kept
ones as they were, and scaled in evaluation instead.)

To make it exact, the random numbers are given: u has one for each of x, uniform in [0, 1), and x is kept where u >= p.

Derive: by what the kept ones have to be multiplied, if they are kept with probability 1 − p; then the slope of each y in
its x, for those kept, for those dropped, and in evaluation. u and p do not depend on x.
Shapes: x may have any shape; u, y, g and the gradient have the same; p is a number, 0 < p < 1; training is True or False.

    tinylucid exercise check dropout
"""

import numpy as np


def forward(x, u, p, training):
    """y, of the shape of x."""
    raise NotImplementedError


def backward(g, x, u, p, training):
    """The gradient for x, from g = ∂L/∂y."""
    raise NotImplementedError
