"""Every differentiable operation as a case: a function and inputs drawn by hypothesis, for all tests that run over them.

A case is a function of hypothesis' ``draw``; it returns (function, inputs). Values come from a drawn seed, so that
shrinking works on shapes and arguments. Inputs stay clear of kinks (relu, abs: |x| ≥ 0.05; maxima: distinct values).
"""

import numpy as np
from hypothesis import strategies as st

import tinylucid as tl

F = tl.nn.functional
CASES = {}
LINEAR = set()  # cases whose function is linear in its first input


def case(function=None, *, linear=False):
    """Register a case under its name."""
    if function is None:
        return lambda f: case(f, linear=linear)
    CASES[function.__name__] = function
    if linear:
        LINEAR.add(function.__name__)
    return function


def sides(draw, count, low=1, high=4):
    """Sizes of axes, size 1 included."""
    return tuple(draw(st.integers(low, high)) for _ in range(count))


def shapes(draw, low=0, high=3):
    """A shape of up to three axes, 0-d included."""
    return sides(draw, draw(st.integers(low, high)))


def values(draw, shape, kind="normal"):
    """An array of that shape: normal, away from zero, positive, or all distinct."""
    rng = np.random.default_rng(draw(st.integers(0, 2**31)))
    x = rng.standard_normal(shape)
    if kind == "nonzero":
        x = np.where(x < 0, -1, 1) * (0.05 + np.abs(x))
    elif kind == "positive":
        x = 0.3 + np.abs(x)
    elif kind == "distinct":
        x = (rng.permutation(x.size).reshape(shape) - x.size / 2) * 0.1
    return np.asarray(x)


def broadcastable(draw):
    """Two shapes that broadcast: axes of size 1, missing leading axes, 0-d."""
    full = shapes(draw)
    both = [tuple(1 if draw(st.booleans()) else n for n in full)[draw(st.integers(0, len(full))) :] for _ in range(2)]
    return [full[len(full) - len(b) :] if draw(st.booleans()) else b for b in both]


def unary(name, function, kind="normal", low=0):
    """Register a function of one tensor of any shape."""

    def build(draw):
        return function, [values(draw, shapes(draw, low), kind)]

    CASES[name] = build


def binary(name, function, kinds=("normal", "normal")):
    """Register a function of two tensors that broadcast."""

    def build(draw):
        a, b = broadcastable(draw)
        return function, [values(draw, a, kinds[0]), values(draw, b, kinds[1])]

    CASES[name] = build


def windows(draw, h, w, dilated=True):
    """kernel (rows ≠ columns often), stride, padding up to kernel − 1, dilation; small enough for an h × w picture."""
    kernel = sides(draw, 2, 1, 3)
    padding = tuple(draw(st.integers(0, k - 1)) for k in kernel)
    dilation = tuple(
        draw(st.integers(1, 2 if dilated and 2 * (k - 1) < n + 2 * p else 1))
        for k, p, n in zip(kernel, padding, (h, w))
    )
    kernel = tuple(k if d * (k - 1) < n + 2 * p else 1 for k, p, n, d in zip(kernel, padding, (h, w), dilation))
    return kernel, sides(draw, 2, 1, 3), tuple(min(p, k - 1) for p, k in zip(padding, kernel)), dilation
