"""Exercise 17 · The tape: automatic differentiation of your own.

A Value is a number that remembers how it was made, so that of

    a, b = Value(2.0), Value(-1.0)
    d = a * b
    y = 3 - d + d ** 2
    backward(y)

the last line can find a.grad = ∂y/∂a and b.grad = ∂y/∂b by the chain rule: ∂y/∂a is the sum, over all ways that lead from y
down to a, of the product of the slopes on the way. Here d is used twice, so two ways lead to it and each counts.

Derive: the slopes of a + b, a − b and a · b in a and in b, and those of −a, aⁿ (n a whole number, perhaps negative), exp(a) and
tanh(a). Then the order: a value may hand on its gradient only when all values that it was used for have handed on theirs.
What is asked:
- Of +, −, * either side may be a plain number: a + 1, 2 * a, 1 - a. A value may be used as often as one likes, also a * a.
- backward(y) adds ∂y/∂a to a.grad, which begins at 0, for every value a that was made from a number and that y depends on. As
  in PyTorch the gradients of several calls add up: after a second backward(y) a.grad is twice what it was. (What the
  .grad of values in between holds is up to you.)
- Chains are long: y = y + b five thousand times is no rare thing, and Python allows about a thousand calls within each
  other. So backward does without recursion.
Shapes: every value is a single number, a float, and so are its data and its grad.

    tinylucid exercise check tape
"""

import math


class Value:
    """A number, its gradient, and what you need to remember about how it was made."""

    def __init__(self, data):
        self.data = data
        self.grad = 0.0

    def __add__(self, other):
        """self + other, a new Value; other is a Value or a number."""
        raise NotImplementedError

    def __radd__(self, other):
        """other + self, where other is a number: Python calls this for 2 + a."""
        raise NotImplementedError

    def __sub__(self, other):
        """self - other."""
        raise NotImplementedError

    def __rsub__(self, other):
        """other - self."""
        raise NotImplementedError

    def __mul__(self, other):
        """self * other."""
        raise NotImplementedError

    def __rmul__(self, other):
        """other * self."""
        raise NotImplementedError

    def __neg__(self):
        """-self."""
        raise NotImplementedError

    def __pow__(self, n):
        """self ** n, n a whole number."""
        raise NotImplementedError

    def exp(self):
        """e to the power of self."""
        raise NotImplementedError

    def tanh(self):
        """The hyperbolic tangent of self."""
        raise NotImplementedError


def backward(y):
    """Add ∂y/∂a to a.grad for every value a that was made from a number and that y depends on."""
    raise NotImplementedError
