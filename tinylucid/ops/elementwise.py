"""Powers, exponentials and waves: smooth functions of each element."""

import numpy as np

from .arithmetic import arithmetic, smooth
from .choice import where
from .compare import equal, logical_and


@arithmetic
def _power(x, *, exponent):
    return x**exponent


@_power.rule
def _(g, x, exponent):
    if exponent == 0:
        return g * 0.0
    return g * (x * 2 if exponent == 2 else _power(x, exponent=exponent - 1) * exponent)


@smooth
def _power_tensor(x, y):
    return x**y


@_power_tensor.rule
def _(g, need, x, y, out):
    nothing = logical_and(equal(x, 0), equal(y, 0))  # ∂(0⁰)/∂x is 0, not 0 · 0⁻¹
    gx = g * (y * _power_tensor(x, where(nothing, 1.0, y - 1))) if need[0] else None
    gy = g * where(equal(x, 0), 0.0, out * log(where(equal(x, 0), 1.0, x))) if need[1] else None
    return gx, gy


def pow(input, exponent):
    """x^exponent, the exponent a number or a tensor;  ∂x = g·e·x^(e−1), ∂e = g·x^e·log x (0 where x = 0)."""
    exponent = exponent.item() if isinstance(exponent, np.generic) else exponent
    if isinstance(exponent, int) or (isinstance(exponent, float) and input.dtype.kind == "f"):
        return _power(input, exponent=exponent)
    return _power_tensor(input if hasattr(input, "dtype") else np.asarray(input, exponent.dtype), exponent)


@smooth
def exp(x):
    """eˣ;  ∂x = g·eˣ."""
    return np.exp(x)


@exp.rule
def _(g, out):
    return g * out


@smooth
def log(x):
    """Natural logarithm, −inf at 0 and NaN below;  ∂x = g/x."""
    return np.log(x)


@log.rule
def _(g, x):
    return g / x


@smooth
def sqrt(x):
    """√x;  ∂x = g / (2√x), infinite at 0."""
    return np.sqrt(x)


@sqrt.rule
def _(g, out):
    return g / (out * 2)


@smooth
def sin(x):
    """sin x, x in radians;  ∂x = g·cos x."""
    return np.sin(x)


@sin.rule
def _(g, x):
    return g * cos(x)


@smooth
def cos(x):
    """cos x, x in radians;  ∂x = −g·sin x."""
    return np.cos(x)


@cos.rule
def _(g, x):
    return -g * sin(x)


@smooth
def tanh(x):
    """tanh x;  ∂x = g·(1 − tanh² x)."""
    return np.tanh(x)


@tanh.rule
def _(g, out):
    return g * (1 - out * out)
