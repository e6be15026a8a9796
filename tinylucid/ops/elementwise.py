"""Elementwise operations: each output element depends on one element of each (broadcast) input.

Rules return the gradient in the output's shape; the core sums it where an input was broadcast.
"""

import numpy as np

from .. import devices, dtypes
from ..scopes import here
from ..tensor import Tensor, operation
from .compare import equal, greater, less, logical_and


@operation
def cast(x, *, dtype):
    """x in another dtype;  ∂x = g in x's own."""
    return x.astype(dtype), {"source": x.dtype}


@cast.rule
def _(g, source):
    return cast(g, dtype=source)


@operation
def move(x, *, device):
    """x on another device;  ∂x = g on x's own."""
    return devices.put(x, device), {"source": devices.of(x)}


@move.rule
def _(g, source):
    return move(g, device=source)


arithmetic = operation(broadcasts=True, dtypes="same")  # integers stay integers
smooth = operation(broadcasts=True, dtypes="float")  # integers become the default floating dtype


@arithmetic
def add(x, y):
    """x + y;  ∂x = g, ∂y = g."""
    return x + y


@add.rule
def _(g):
    return g, g


@arithmetic
def sub(x, y):
    """x − y;  ∂x = g, ∂y = −g."""
    return x - y


@sub.rule
def _(g, need):
    return g, -g if need[1] else None


@arithmetic
def mul(x, y):
    """x · y;  ∂x = g·y, ∂y = g·x."""
    return x * y


@mul.rule
def _(g, need, x, y):
    return g * y if need[0] else None, g * x if need[1] else None


@smooth
def div(x, y):
    """x / y, integers too;  ∂x = g/y, ∂y = −g·x/y²."""
    return x / y


@div.rule
def _(g, need, y, out):
    return g / y if need[0] else None, -g * out / y if need[1] else None


@arithmetic
def neg(x):
    """−x;  ∂x = −g."""
    return -x


@neg.rule
def _(g):
    return -g


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


@arithmetic
def abs(x):
    """|x|;  ∂x = g·sign(x), 0 at 0."""
    return np.abs(x)


@abs.rule
def _(g, x):
    return g * sign(x)


@arithmetic
def sign(x):
    """−1, 0 or 1;  ∂x = 0."""
    return np.sign(x)


@sign.rule
def _(g):
    return None


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


@arithmetic
def _clip(x, *, low, high):
    inside = True if low is None else x >= low
    inside = inside if high is None else inside & (x <= high)
    return np.clip(x, low, high), {"inside": inside}


@_clip.rule
def _(g, inside):
    return g * inside


def clip(input, min=None, max=None):
    """x limited to [min, max], numbers (also ``clamp``);  ∂x = g where min ≤ x ≤ max, bounds included, else 0."""
    if min is None and max is None:
        raise ValueError(f"{here('clip')}: give min, max or both")
    min, max = (bound.item() if isinstance(bound, np.generic) else bound for bound in (min, max))
    if not all(bound is None or isinstance(bound, (int, float)) for bound in (min, max)):
        raise TypeError(f"{here('clip')}: bounds must be numbers; tensors go through minimum() and maximum()")
    if input.dtype.kind != "f" and (isinstance(min, float) or isinstance(max, float)):
        input = cast(input, dtype=dtypes.default)
    return _clip(input, low=min, high=max)


@arithmetic
def maximum(x, y):
    """The larger of x and y;  the gradient goes to the larger, half to each where they are equal."""
    return np.maximum(x, y)


@maximum.rule
def _(g, x, y):
    return _share(g, greater(x, y), equal(x, y))


@arithmetic
def minimum(x, y):
    """The smaller of x and y;  the gradient goes to the smaller, half to each where they are equal."""
    return np.minimum(x, y)


@minimum.rule
def _(g, x, y):
    return _share(g, less(x, y), equal(x, y))


def _share(g, first, tie):
    gx = where(tie, g * 0.5, where(first, g, 0.0))
    return gx, g - gx


@arithmetic
def _where(x, y, *, condition):
    return np.where(condition, x, y)


@_where.rule
def _(g, need, condition):
    return (
        _where(g, 0.0, condition=condition) if need[0] else None,
        _where(0.0, g, condition=condition) if need[1] else None,
    )


def where(condition, input, other):
    """input where the boolean ``condition`` holds, else other, all three broadcast;  each gets g where it was chosen."""
    tensors = [a for a in (input, other) if isinstance(a, Tensor)]
    if isinstance(condition, Tensor) and not tensors:
        number = dtypes.default if isinstance(input, float) or isinstance(other, float) else None
        dtype = getattr(input, "dtype", getattr(other, "dtype", number))
        input = Tensor(devices.beside(input if devices.is_array(input) else np.asarray(input, dtype), condition))
    condition = devices.constant(condition, (*tensors, condition)[0], here("where"))
    if condition.dtype != bool:
        raise TypeError(
            f"{here('where')}: the condition must be bool, got {condition.dtype}; write a comparison, such as x > 0"
        )
    return _where(input, other, condition=condition)
