"""Solution 17 · The tape: automatic differentiation of your own.

Slopes: a + b: 1 and 1; a − b: 1 and −1; a · b: b and a; −a: −1; aⁿ: n·aⁿ⁻¹; exp(a): exp(a); tanh(a): 1 − tanh²(a).
Only a⁰ has the slope 0 everywhere, also at a = 0, where a⁻¹ is not defined.
If y reaches a by the values v that a was used for, ∂y/∂a = Σ_v ∂y/∂v · ∂v/∂a, so all ∂y/∂v have to be complete before a hands
on anything. A value is always made after those it is made from, so going through them from the last made to the first does it.
The gradients of one call are collected apart from .grad: else a second call would hand on those of the first once more.
"""

import itertools
import math


class Value:
    """A number, its gradient, which values it was made from with which slopes, and its number in the order in which values were made."""

    count = itertools.count()

    def __init__(self, data):
        self.data = data
        self.grad = 0.0
        self.parents = ()
        self.number = next(Value.count)

    def __add__(self, other):
        """self + other, a new Value; other is a Value or a number."""
        other = as_value(other)
        return made(self.data + other.data, (self, 1.0), (other, 1.0))

    def __radd__(self, other):
        """other + self, where other is a number: Python calls this for 2 + a."""
        return self + other

    def __sub__(self, other):
        """self - other."""
        return self + -as_value(other)

    def __rsub__(self, other):
        """other - self."""
        return as_value(other) - self

    def __mul__(self, other):
        """self * other."""
        other = as_value(other)
        return made(self.data * other.data, (self, other.data), (other, self.data))

    def __rmul__(self, other):
        """other * self."""
        return self * other

    def __neg__(self):
        """-self."""
        return made(-self.data, (self, -1.0))

    def __pow__(self, n):
        """self ** n, n a whole number."""
        return made(self.data**n, (self, n * self.data ** (n - 1) if n else 0.0))

    def exp(self):
        """e to the power of self."""
        e = math.exp(self.data)
        return made(e, (self, e))

    def tanh(self):
        """The hyperbolic tangent of self."""
        t = math.tanh(self.data)
        return made(t, (self, 1 - t**2))


def made(data, *parents):
    """A value made from others, each with the slope in it."""
    value = Value(data)
    value.parents = parents
    return value


def as_value(x):
    """A number as a Value."""
    return x if isinstance(x, Value) else Value(x)


def backward(y):
    """Add ∂y/∂a to a.grad for every value a that was made from a number and that y depends on."""
    gradients, waiting = {y: 1.0}, [y]
    while waiting:
        for parent, _ in waiting.pop().parents:
            if parent not in gradients:
                gradients[parent] = 0.0
                waiting.append(parent)
    for value in sorted(gradients, key=lambda v: v.number, reverse=True):
        value.grad += gradients[value]
        for parent, slope in value.parents:
            gradients[parent] += gradients[value] * slope
