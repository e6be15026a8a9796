"""NumPy's functions called with a Tensor: operators are ours, anything else is refused, since it would not be recorded."""

from collections.abc import Callable
from typing import Any

import numpy as np

from ..tensor import Tensor
from . import arithmetic, compare, dense, elementwise

OPERATORS: dict[Any, Callable[..., Any]] = {  # array * tensor is np.multiply(array, tensor), and so on
    np.add: arithmetic.add,
    np.subtract: arithmetic.sub,
    np.multiply: arithmetic.mul,
    np.divide: arithmetic.div,
    np.power: elementwise.pow,
    np.matmul: dense.matmul,
    np.equal: compare.equal,
    np.not_equal: compare.not_equal,
    np.less: compare.less,
    np.less_equal: compare.less_equal,
    np.greater: compare.greater,
    np.greater_equal: compare.greater_equal,
    np.bitwise_and: compare.logical_and,
    np.bitwise_or: compare.logical_or,
}


def answer(self: Tensor, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
    """An operator's result; TypeError, with what to write, for another function and for ``array += tensor``."""
    if ufunc in OPERATORS and method == "__call__" and not kwargs:
        return OPERATORS[ufunc](*inputs)
    from . import __all__ as ours  # here, since it imports this room

    name = ufunc.__name__
    do = f"tl.{name}(x) or x.detach().numpy()" if name in ours else "x.detach().numpy()"
    if "out" in kwargs:
        do = "array = array + x, in place of +="
    raise TypeError(f"np.{name}: expected arrays, got a Tensor, which NumPy would not record; write {do}")


class Answering:
    """``answer`` for NumPy, which asks the class; None for CuPy, which asks the tensor, and so leaves operators to it."""

    def __get__(self, tensor: Tensor | None, owner: type) -> Callable[..., Any] | None:
        return answer if tensor is None else None


Tensor.__array_ufunc__ = Answering()  # type: ignore[attr-defined]
