"""Comparisons: elementwise, with a bool tensor as the result and no gradient."""

import numpy as np

from ..scopes import here
from ..tensor import Tensor


def comparison(compare, symbol):
    """A NumPy comparison as a function of tensors, arrays and numbers."""

    def call(x, y):
        raw = [a.data if isinstance(a, Tensor) else a for a in (x, y)]
        try:
            out = compare(*raw)
        except ValueError:
            shapes = " and ".join(str(np.shape(a)) for a in raw)
            raise ValueError(f"{here(symbol)}: shapes {shapes} do not broadcast") from None
        return out if raw[0] is x and raw[1] is y else Tensor(np.asarray(out))

    call.__name__ = call.__qualname__ = compare.__name__
    call.__doc__ = f"x {symbol} y, elementwise: a bool tensor, which has no gradient."
    return call


equal, not_equal = comparison(np.equal, "=="), comparison(np.not_equal, "!=")
greater, greater_equal = comparison(np.greater, ">"), comparison(np.greater_equal, ">=")
less, less_equal = comparison(np.less, "<"), comparison(np.less_equal, "<=")
logical_and, logical_or = comparison(np.logical_and, "and"), comparison(np.logical_or, "or")
