"""Choices, element by element: functions that are one thing on one side of a kink and another on the other."""

import numpy as np

from .. import devices, dtypes
from ..scopes import here
from ..tensor import Tensor
from .arithmetic import arithmetic, cast
from .compare import equal, greater, less


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
        raise TypeError(f"{here('where')}: the condition must be bool, got {condition.dtype}; write e.g. x > 0")
    return _where(input, other, condition=condition)
