"""The operators of ``cupy.ndarray``, and those of its attributes and methods that are NumPy's with CuPy's parameters."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from . import graph
from .arrays import compute, convert, ndarray, wrap
from .names import stored
from .scalars import SCALARS, quiet, unsupported


def attribute(name: str) -> property:
    """An attribute of the NumPy array; an array among them (``real``) is a view of this one."""

    def value(self: ndarray) -> Any:
        v = getattr(self._a, name)
        return wrap(v, (self,)) if type(v) is np.ndarray else v

    return property(value)


def method(name: str, parameters: list[str]) -> Callable:
    """A method of the NumPy array, with CuPy's parameters only."""
    function, accepted = getattr(np.ndarray, name), frozenset(parameters)

    def call(self: ndarray, *args: Any, **kwargs: Any) -> Any:
        if not accepted.issuperset(kwargs):
            raise TypeError(f"{name}() got an unexpected keyword argument among {', '.join(kwargs)}")
        graph.library_is_asked(name)
        inputs = [self]
        given, named = convert(args, inputs), convert(kwargs, inputs)

        a = self._a

        def work() -> Any:
            found = function(a, *given, **named)
            if isinstance(found, np.ndarray) and type(found) is not np.ndarray:
                raise TypeError(f"{name}: CuPy knows no array of type {type(found).__name__}")  # x.view(subclass)
            return found

        return compute(work, inputs)

    call.__name__ = name
    return call


def binary(ufunc: np.ufunc, name: str) -> None:
    """``x + y``, ``y + x`` and ``x += y``."""

    def forward(self: ndarray, other: Any) -> Any:
        inputs = [self]
        if type(other) is ndarray:
            inputs.append(other)
            other = other._a
        elif type(other) not in SCALARS:
            return NotImplemented if defers(other) else ufunc(self, other)
        graph.library_is_asked(name)
        return compute(partial(ufunc, self._a, other), inputs)

    def reflected(self: ndarray, other: Any) -> Any:
        if type(other) not in SCALARS:
            return ufunc(other, self)
        return compute(partial(ufunc, other, self._a), [self])

    def in_place(self: ndarray, other: Any) -> ndarray:
        inputs = [self]
        if type(other) is ndarray:
            inputs.append(other)
            other = other._a
        elif type(other) not in SCALARS and not isinstance(other, np.generic):
            raise unsupported(other)
        graph.change(partial(quietly, ufunc, self._a, other), inputs)
        return self

    setattr(ndarray, f"__{name}__", forward)
    if name in ARITHMETIC:
        setattr(ndarray, f"__r{name}__", reflected)
        if name not in ("matmul", "divmod"):  # CuPy computes x @= y as x = x @ y
            setattr(ndarray, f"__i{name}__", in_place)


def quietly(ufunc: np.ufunc, a: np.ndarray, other: Any) -> None:
    """a ← ufunc(a, other), without warnings."""
    with quiet():
        ufunc(a, other, out=a)


def defers(other: Any) -> bool:
    """Whether Python should ask the other operand first, as it wishes."""
    if hasattr(other, "__array_ufunc__"):
        return other.__array_ufunc__ is None
    return getattr(other, "__array_priority__", 0) > ndarray.__array_priority__


def unary(ufunc: np.ufunc) -> Callable:
    """``-x``."""

    def call(self: ndarray) -> ndarray:
        return compute(partial(ufunc, self._a), [self])

    return call


ARITHMETIC = {
    "add": np.add, "sub": np.subtract, "mul": np.multiply, "truediv": np.true_divide, "floordiv": np.floor_divide,
    "mod": np.remainder, "divmod": np.divmod, "pow": np.power, "matmul": np.matmul, "lshift": np.left_shift,
    "rshift": np.right_shift, "and": np.bitwise_and, "or": np.bitwise_or, "xor": np.bitwise_xor,
}  # fmt: skip
COMPARISONS = {
    "lt": np.less, "le": np.less_equal, "gt": np.greater, "ge": np.greater_equal, "eq": np.equal, "ne": np.not_equal,
}  # fmt: skip
UNARY = {"neg": np.negative, "pos": np.positive, "abs": np.absolute, "invert": np.invert}
NOT_EMULATED = {"data", "dump", "dumps", "flat", "tofile"}


def equip() -> None:
    """Give the class its operators, and what CuPy's arrays share with NumPy's."""
    for name, ufunc in {**ARITHMETIC, **COMPARISONS}.items():
        binary(ufunc, name)
    for name, ufunc in UNARY.items():
        setattr(ndarray, f"__{name}__", unary(ufunc))
    for name, parameters in stored()["cupy.ndarray"].items():
        if not hasattr(ndarray, name) and hasattr(np.ndarray, name) and name not in NOT_EMULATED:
            setattr(ndarray, name, attribute(name) if parameters is None else method(name, parameters))
