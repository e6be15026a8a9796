"""Comparisons: elementwise, with a bool tensor as the result and no gradient."""

import numpy as np

from .. import devices
from ..scopes import here
from ..tensor import Tensor

DOC = """z = x {symbol} y, element by element: a bool tensor, which has no gradient.

    Shapes: x and y of shapes that broadcast → z of the shape that they share.
    Derivation: z is True or False: as x moves a little it stays the same, until it jumps. So ∂z/∂x is 0 or does not
        exist, and there is no gradient. As a mask, z multiplies or chooses as a constant.
    Source: Harris et al., "Array programming with NumPy", 2020.
    Exercise: relu.
    """


def comparison(compare, symbol):
    """A NumPy comparison as a function of tensors, arrays and numbers."""

    def call(x, y):
        pair = (x, y) if devices.gpu_type is None else devices.together(here(symbol), (x, y), {})[0]
        raw = [a.data if isinstance(a, Tensor) else a for a in pair]
        try:
            out = compare(*raw)
        except ValueError:
            shapes = " and ".join(str(np.shape(a)) for a in raw)
            raise ValueError(
                f"{here(symbol)}: shapes {shapes} do not broadcast: from the right, sizes must be equal or 1; reshape one"
            ) from None
        return Tensor(devices.as_array(out)) if isinstance(x, Tensor) or isinstance(y, Tensor) else out

    call.__name__ = call.__qualname__ = compare.__name__
    call.__doc__ = DOC.format(symbol=symbol)
    return call


equal, not_equal = comparison(np.equal, "=="), comparison(np.not_equal, "!=")
greater, greater_equal = comparison(np.greater, ">"), comparison(np.greater_equal, ">=")
less, less_equal = comparison(np.less, "<"), comparison(np.less_equal, "<=")
logical_and, logical_or = comparison(np.logical_and, "and"), comparison(np.logical_or, "or")
