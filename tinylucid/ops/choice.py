"""Choices, element by element: functions that are one thing on one side of a kink and another on the other."""

import numpy as np

from .. import devices, dtypes
from ..scopes import here
from ..tensor import Tensor
from .arithmetic import arithmetic, cast
from .compare import equal, greater, less


@arithmetic
def abs(x):
    """y = |x|;  ∂x = g·sign(x), 0 at 0.

    Shapes: x (…) → y (…).
    Derivation: y = x where x > 0 and −x where x < 0, so ∂y/∂x is 1 or −1: the sign of x. At 0 the slopes of the two
        sides disagree; any number between them is a subgradient, and the rule takes their mean, 0.
    Source: calculus; Goodfellow, Bengio and Courville, "Deep learning", 2016, section 6.3, on kinks.
    Exercise: relu.
    """
    return np.abs(x)


@abs.rule
def _(g, x):
    return g * sign(x)


@arithmetic
def sign(x):
    """y = −1 where x < 0, 0 where x = 0, 1 where x > 0;  ∂x = 0.

    Shapes: x (…) → y (…).
    Derivation: y is constant on both sides of 0, so ∂y/∂x = 0 there; at 0 it jumps and has no slope. So no gradient
        goes to x: the rule returns None, which stands for zeros.
    Source: calculus, the derivative of a constant.
    Exercise: relu.
    """
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
    """y = min(max(x, min), max), x limited to two numbers (also ``clamp``);  ∂x = g where min ≤ x ≤ max, else 0.

    Either bound may be None. Raises ValueError without any, TypeError for bounds that are no numbers.

    Shapes: x (…) → y (…).
    Derivation: between the bounds y = x and ∂y/∂x = 1; beyond them y is a bound, a constant, and ∂y/∂x = 0. On a bound
        both slopes are subgradients; the rule takes 1, so what has reached a bound can still be moved back inside.
    Source: calculus, piece by piece.
    Exercise: relu.
    """
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
    """z = max(x, y), element by element;  the gradient goes to the larger, half to each where they are equal.

    Shapes: x and y of shapes that broadcast → z of the shape that they share.
    Derivation: z = x where x > y, so there ∂z/∂x = 1 and ∂z/∂y = 0; where y is larger it is the other way round.
        Everywhere z = (x + y + |x − y|)/2; where x = y the slope of |·| counts as 0, as in abs, and ½ is left for each.
    Source: calculus, piece by piece.
    Exercise: relu.
    """
    return np.maximum(x, y)


@maximum.rule
def _(g, x, y):
    return _share(g, greater(x, y), equal(x, y))


@arithmetic
def minimum(x, y):
    """z = min(x, y), element by element;  the gradient goes to the smaller, half to each where they are equal.

    Shapes: x and y of shapes that broadcast → z of the shape that they share.
    Derivation: z = x where x < y, so there ∂z/∂x = 1 and ∂z/∂y = 0; where y is smaller it is the other way round.
        Everywhere z = (x + y − |x − y|)/2, of which ½ is left for each where x = y, as in maximum.
    Source: calculus, piece by piece.
    Exercise: relu.
    """
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
    """z = input where the boolean ``condition`` holds, else other;  each gets g where it was chosen, else 0.

    Shapes: condition, input and other of shapes that broadcast → z of the shape that they share.
    Derivation: z = c·input + (1 − c)·other with c = 1 where the condition holds, else 0. The condition is a constant,
        so ∂z/∂input = c and ∂z/∂other = 1 − c. The rule chooses g or 0 rather than multiply, since 0 · inf would be
        NaN.
    Source: calculus, piece by piece.
    Exercise: relu.
    """
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
