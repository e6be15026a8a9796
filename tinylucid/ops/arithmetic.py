"""Arithmetic, element by element; and an array's dtype and device, which a gradient is brought back to.

Rules return the gradient in the output's shape; the core sums it where an input was broadcast.
"""

from .. import devices
from ..tensor import operation


@operation
def cast(x, *, dtype):
    """y = x in another dtype;  ∂x = g in x's own."""
    return x.astype(dtype), {"source": x.dtype}


@cast.rule
def _(g, source):
    return cast(g, dtype=source)


@operation
def move(x, *, device):
    """y = x on another device;  ∂x = g on x's own."""
    return devices.put(x, device), {"source": devices.of(x)}


@move.rule
def _(g, source):
    return move(g, device=source)


arithmetic = operation(broadcasts=True, dtypes="same")  # integers stay integers
smooth = operation(broadcasts=True, dtypes="float")  # integers become the default floating dtype


@arithmetic
def add(x, y):
    """z = x + y;  ∂x = g, ∂y = g.

    Shapes: x and y of shapes that broadcast → z of the shape that they share.
    Derivation: ∂z/∂x = 1 and ∂z/∂y = 1, so each term gets g whole. An element of x that was broadcast stands in several
        elements of z; the loss moves through each of them, so its gradient is the sum of their g, by sum_to_size.
    Source: calculus, the sum rule; broadcasting: Harris et al., "Array programming with NumPy", 2020.
    Exercise: add.
    """
    return x + y


@add.rule
def _(g):
    return g, g


@arithmetic
def sub(x, y):
    """z = x − y;  ∂x = g, ∂y = −g.

    Shapes: x and y of shapes that broadcast → z of the shape that they share.
    Derivation: z = x + (−1)·y, so ∂z/∂x = 1 and ∂z/∂y = −1; where x or y was broadcast, gradients add as in add.
    Source: calculus, the sum rule.
    Exercise: add.
    """
    return x - y


@sub.rule
def _(g, need):
    return g, -g if need[1] else None


@arithmetic
def mul(x, y):
    """z = x·y, element by element;  ∂x = g·y, ∂y = g·x.

    Shapes: x and y of shapes that broadcast → z of the shape that they share.
    Derivation: (x + h)·y = x·y + h·y: as x moves by h, z moves by h·y, so ∂z/∂x = y; likewise ∂z/∂y = x. For x·x both
        gradients arrive at x and add up to g·2x.
    Source: calculus, the product rule.
    Exercise: tape.
    """
    return x * y


@mul.rule
def _(g, need, x, y):
    return g * y if need[0] else None, g * x if need[1] else None


@smooth
def div(x, y):
    """z = x / y, element by element, also of integers;  ∂x = g/y, ∂y = −g·x/y².

    Shapes: x and y of shapes that broadcast → z of the shape that they share.
    Derivation: z·y = x. By x: ∂z/∂x·y = 1, so ∂z/∂x = 1/y. By y, with the product rule: ∂z/∂y·y + z = 0, so
        ∂z/∂y = −z/y = −x/y²; the rule has z at hand and divides it by y.
    Source: calculus, the quotient rule.
    Exercise: tape.
    """
    return x / y


@div.rule
def _(g, need, y, out):
    return g / y if need[0] else None, -g * out / y if need[1] else None


@arithmetic
def neg(x):
    """y = −x;  ∂x = −g.

    Shapes: x (…) → y (…).
    Derivation: y = (−1)·x, so ∂y/∂x = −1 and the chain rule gives ∂x = g·(−1).
    Source: calculus, a constant factor.
    Exercise: tape.
    """
    return -x


@neg.rule
def _(g):
    return -g
