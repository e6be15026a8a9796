"""Arithmetic, element by element; and an array's dtype and device, which a gradient is brought back to.

Rules return the gradient in the output's shape; the core sums it where an input was broadcast.
"""

from .. import devices
from ..tensor import operation


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
