"""Wrong solutions that no diagnosis was made for."""

import itertools
import math
from collections import deque


def backward__breadth_first(y):
    """more than once | order"""
    found, queue = {y: 1.0}, deque([y])
    done = set()
    while queue:
        value = queue.popleft()
        if value in done:
            continue
        done.add(value)
        value.grad += found[value]
        for parent, slope in value.parents:
            found[parent] = found.get(parent, 0.0) + found[value] * slope
            queue.append(parent)


class Value__power_by_dividing:
    """ZeroDivisionError | only where there is a power"""

    count = itertools.count()

    def __init__(self, data, parents=()):
        self.data = data
        self.grad = 0.0
        self.parents = parents
        self.number = next(Value__power_by_dividing.count)

    def __add__(self, other):
        other = wrapped(other)
        return Value__power_by_dividing(self.data + other.data, ((self, 1.0), (other, 1.0)))

    __radd__ = __add__

    def __neg__(self):
        return self * -1

    def __sub__(self, other):
        return self + (-wrapped(other))

    def __rsub__(self, other):
        return wrapped(other) + (-self)

    def __mul__(self, other):
        other = wrapped(other)
        return Value__power_by_dividing(self.data * other.data, ((self, other.data), (other, self.data)))

    __rmul__ = __mul__

    def __pow__(self, n):
        out = self.data**n
        return Value__power_by_dividing(out, ((self, n * out / self.data),))

    def exp(self):
        e = math.exp(self.data)
        return Value__power_by_dividing(e, ((self, e),))

    def tanh(self):
        t = math.tanh(self.data)
        return Value__power_by_dividing(t, ((self, 1 - t * t),))


def wrapped(x):
    """A number as a Value."""
    return x if isinstance(x, Value__power_by_dividing) else Value__power_by_dividing(x)
