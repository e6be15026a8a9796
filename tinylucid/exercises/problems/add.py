"""Exercise 1 · Adding, with broadcasting.

y = a + b. NumPy repeats the smaller of the two until the shapes match: a row (3,) is added to each row of a (4, 3).

Here and in the exercises after it, L is any number that is computed from y further on, such as a net's loss. How L changes
with each number of y is given, g = ∂L/∂y; backward makes of it how L changes with each number that y was made of, ∂L/∂a and
∂L/∂b, by the chain rule: ∂L/∂a is the sum, over all numbers of y, of g there times the slope of y there in a.

Derive: how y changes when one number of a changes, and when one number of b does, and from that the gradients
∂L/∂a and ∂L/∂b.
Shapes: a and b may have any shapes that NumPy broadcasts, such as (4, 3) and (3,), or (2, 1) and (1, 5); y and g have
the shape of a + b; a gradient has the shape of what it is the gradient of.

    tinylucid exercise check add
"""

import numpy as np


def forward(a, b):
    """y = a + b."""
    return a + b


def backward(g, a, b):
    """The gradients for a and b, a tuple of two arrays, from g = ∂L/∂y."""
    raise NotImplementedError
