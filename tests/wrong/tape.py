"""Ways to get exercise tape wrong, and other ways to get it right."""

import itertools
import math

import numpy as np


class Node:
    """A tape as people write it first: each value with its parents and slopes."""

    count = itertools.count()

    def __init__(self, data, parents=()):
        self.data, self.grad, self.parents, self.number = data, 0.0, parents, next(Node.count)

    def __add__(self, other):
        other = self.of(other)
        return type(self)(self.data + other.data, ((self, 1.0), (other, 1.0)))

    def __mul__(self, other):
        other = self.of(other)
        return type(self)(self.data * other.data, ((self, other.data), (other, self.data)))

    def __pow__(self, n):
        return type(self)(self.data**n, ((self, n * self.data ** (n - 1)),))

    def __neg__(self):
        return self * -1

    def __sub__(self, other):
        return self + -self.of(other)

    def __rsub__(self, other):
        return self.of(other) - self

    def exp(self):
        return type(self)(math.exp(self.data), ((self, math.exp(self.data)),))

    def tanh(self):
        return type(self)(math.tanh(self.data), ((self, 1 - math.tanh(self.data) ** 2),))

    __radd__, __rmul__ = __add__, __mul__

    @classmethod
    def of(cls, x):
        return x if isinstance(x, Node) else cls(x)


class Value__right_parents_and_slopes(Node):
    """right"""


class Value__constants_on_the_left_forgotten(Node):
    """unsupported operand type(s) for -: 'int' and | __rsub__"""

    def __rsub__(self, other):
        return NotImplemented


class Value__no_product(Node):
    """unsupported operand type(s) for *: 'Value__no_product' and | Python calls __mul__"""

    def __mul__(self, other):
        return NotImplemented

    def __neg__(self):
        return type(self)(-self.data, ((self, -1.0),))


class Value__no_numbers(Node):
    """raises AttributeError | 'int' object has no attribute 'data'"""

    @classmethod
    def of(cls, x):
        return x if isinstance(x.data, float) else cls(x.data)


class Value__left_is_right(Node):
    """Your data of each line is wrong | 2 - a is not a - 2"""

    def __rsub__(self, other):
        return self - other


class Value__in_place(Node):
    """wrong only where there"""

    def __add__(self, other):
        self.data += self.of(other).data
        return self

    __radd__ = __add__


class Value__minus_slope(Node):
    """wrong | there is a −"""

    def __sub__(self, other):
        other = self.of(other)
        return type(self)(self.data - other.data, ((self, 1.0), (other, 1.0)))


class Value__own_value(Node):
    """there is a *"""

    def __mul__(self, other):
        other = self.of(other)
        return type(self)(self.data * other.data, ((self, self.data), (other, other.data)))

    def __neg__(self):
        return type(self)(-self.data, ((self, -1.0),))

    __rmul__ = __mul__


class Value__power(Node):
    """there is a power"""

    def __pow__(self, n):
        return type(self)(self.data**n, ((self, n * self.data**n),))


class Value__negative_power(Node):
    """there is a negative power"""

    def __pow__(self, n):
        return type(self)(self.data**n, ((self, abs(n) * self.data ** (n - 1)),))


class Value__tanh(Node):
    """there is a tanh"""

    def tanh(self):
        return type(self)(math.tanh(self.data), ((self, 1 - math.tanh(self.data)),))


class Value__exp(Node):
    """there is an exp"""

    def exp(self):
        return type(self)(math.exp(self.data), ((self, self.data),))


class Value__dictionary_of_parents(Node):
    """both operands, as in a * a"""

    def __init__(self, data, parents=()):
        super().__init__(data, tuple(dict(parents).items()))


def below(y):
    """The values that y depends on and y itself, the last made first."""
    found, waiting = {y}, [y]
    while waiting:
        for parent, _ in waiting.pop().parents:
            if parent not in found:
                found.add(parent)
                waiting.append(parent)
    return sorted(found, key=lambda v: v.number, reverse=True)


def backward__assigned(y):
    """used more than once | gradients add up, += and not ="""
    y.grad = 1.0
    for value in below(y):
        for parent, slope in value.parents:
            parent.grad = value.grad * slope


def backward__kept_between(y):
    """hand on once more | its own share | keep the gradients of one call apart"""
    y.grad = 1.0
    for value in below(y):
        for parent, slope in value.parents:
            parent.grad += value.grad * slope


def backward__begins_anew(y):
    """after one call: a second one adds to what"""
    for value in below(y):
        value.grad = 0.0
    backward__kept_between(y)


def backward__no_seed(y):
    """all zero"""
    for value in below(y):
        for parent, slope in value.parents:
            parent.grad += value.grad * slope


def backward__forward_order(y):
    """values between the leaves and y"""
    gradients = dict.fromkeys(below(y), 0.0) | {y: 1.0}
    for value in reversed(below(y)):
        for parent, slope in value.parents:
            gradients[parent] += gradients[value] * slope
    for value, g in gradients.items():
        value.grad += g


def backward__handed_on_too_early(y):
    """only after all that use it have handed on to it | last made to the first"""
    gradients, waiting, seen = {y: 1.0}, [y], set()
    while waiting:
        value = waiting.pop()
        if value in seen:
            continue
        seen.add(value)
        for parent, slope in value.parents:
            gradients[parent] = gradients.get(parent, 0.0) + gradients[value] * slope
            waiting.append(parent)
    for value, g in gradients.items():
        value.grad += g


def backward__breadth_first(y):
    """only after all that use it have handed on to it | last made to the first"""
    gradients, waiting = {y: 1.0}, [y]
    for value in waiting:
        for parent, slope in value.parents:
            if parent not in gradients:
                waiting.append(parent)
            gradients[parent] = gradients.get(parent, 0.0) + gradients[value] * slope
    for value, g in gradients.items():
        value.grad += g


def backward__kept_in_y_too(y):
    """hand on once more | or y itself"""
    y.grad += 1.0
    for value in below(y):
        for parent, slope in value.parents:
            parent.grad += value.grad * slope


def backward__counted_twice(y):
    """only after all that use it have handed on to it, and only once"""
    gradients, waiting = {y: 1.0}, [y]
    while waiting:
        value = waiting.pop()
        for parent, slope in value.parents:
            gradients[parent] = gradients.get(parent, 0.0) + gradients[value] * slope
            waiting.append(parent)
    for value, g in gradients.items():
        value.grad += g


def backward__recursive(y):
    """RecursionError (line | 5,000 values | without recursion"""
    order, seen = [], set()

    def visit(value):
        if value not in seen:
            seen.add(value)
            for parent, _ in value.parents:
                visit(parent)
            order.append(value)

    visit(y)
    gradients = dict.fromkeys(order, 0.0) | {y: 1.0}
    for value in reversed(order):
        value.grad += gradients[value]
        for parent, slope in value.parents:
            gradients[parent] += gradients[value] * slope


def backward__only_the_last_step(y):
    """values between the leaves and y"""
    for parent, slope in y.parents:
        parent.grad += slope


def backward__right_by_counting_uses(y):
    """right"""
    uses = dict.fromkeys(below(y), 0)
    for value in uses:
        for parent, _ in value.parents:
            uses[parent] += 1
    gradients, ready = dict.fromkeys(uses, 0.0) | {y: 1.0}, [y]
    while ready:
        value = ready.pop()
        value.grad = value.grad + np.float64(gradients[value])
        for parent, slope in value.parents:
            gradients[parent] += gradients[value] * slope
            uses[parent] -= 1
            if not uses[parent]:
                ready.append(parent)


def backward__right_in_grad_itself(y):
    """right"""
    inner = [value for value in below(y) if value.parents]
    for value in inner:
        value.grad = 0.0
    y.grad += 1.0
    for value in inner:
        for parent, slope in value.parents:
            parent.grad += value.grad * slope
