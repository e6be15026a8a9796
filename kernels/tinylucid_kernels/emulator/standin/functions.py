"""CuPy's functions under their names, computed by NumPy's of the same name, with CuPy's parameters only."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial, reduce
from typing import Any

import numpy as np

from . import graph
from .arrays import compute, convert, module, ndarray, poison, wrap
from .names import stored
from .scalars import SCALARS, quiet, supported, unsupported

AT = {"add", "subtract", "maximum", "minimum", "bitwise_and", "bitwise_or", "bitwise_xor"}  # CuPy's scattering ufuncs
REDUCE = {"add", "multiply"}  # its reducing and accumulating ones
NUMBERS = {"allclose", "array_equal", "array_equiv", "count_nonzero"}  # Python numbers of NumPy's, arrays of CuPy's
WITHOUT_ARRAYS = {
    "arange", "bartlett", "base_repr", "binary_repr", "blackman", "broadcast_shapes", "can_cast", "diag_indices", "eye", "fftfreq",
    "geomspace", "hamming", "hanning", "identity", "indices", "isscalar", "kaiser", "linspace", "logspace", "mask_indices",
    "promote_types", "result_type", "rfftfreq", "tri", "tril_indices", "triu_indices",
}  # fmt: skip


class Ufunc:
    """An elementwise function of arrays on the GPU and numbers."""

    def __init__(self, name: str) -> None:
        self.__name__, self.ufunc = name, getattr(np, name)

    def __repr__(self) -> str:
        return f"<ufunc 'cupy_{self.__name__}'>"

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        graph.library_is_asked(self.__name__)
        given = [x._a if type(x) is ndarray else number(x) for x in args]
        arrays = [x for x in args if type(x) is ndarray]
        if not kwargs:
            if len(args) > self.ufunc.nin:  # a place for the result
                graph.change(lambda: calm(self.ufunc, given, {}), arrays)
                return args[self.ufunc.nin]
            return compute(lambda: self.ufunc(*given), arrays)
        if not KEYWORDS.issuperset(kwargs):
            raise TypeError(f"Wrong arguments {kwargs}")
        out = kwargs.pop("out", None)
        if out is not None and not isinstance(out, (ndarray, tuple)):
            raise unsupported(out)
        if out is None:
            return compute(lambda: self.ufunc(*given, **kwargs), arrays)
        kwargs["out"] = convert(out, arrays)
        graph.change(lambda: calm(self.ufunc, given, kwargs), arrays)
        return out[0] if isinstance(out, tuple) and len(out) == 1 else out

    def at(self, a: ndarray, indices: Any, b: Any = None) -> None:
        """Apply in place to the elements at these indices, each as often as it is named."""
        self.only(AT, "at")
        inputs = [a]
        given = convert((indices, b), inputs)
        graph.change(partial(calm, self.ufunc.at, [a._a, *given], {}), inputs)

    def reduce(
        self, array: ndarray, axis: Any = 0, dtype: Any = None, out: Any = None, keepdims: bool = False
    ) -> ndarray:
        """The sum or product along axes."""
        self.only(REDUCE, "reduce")
        return (array.sum if self.__name__ == "add" else array.prod)(axis, dtype, out, keepdims)  # type: ignore[attr-defined]

    def accumulate(self, array: ndarray, axis: int = 0, dtype: Any = None, out: Any = None) -> ndarray:
        """The sums or products up to each element."""
        self.only(REDUCE, "accumulate")
        return (array.cumsum if self.__name__ == "add" else array.cumprod)(axis, dtype, out)  # type: ignore[attr-defined]

    def outer(self, a: ndarray, b: ndarray, **kwargs: Any) -> ndarray:
        """All pairs of elements."""
        return self(a[(..., *[None] * b._a.ndim)], b, **kwargs)

    def only(self, names: set[str], method: str) -> None:
        """Raise CuPy's error unless it has that method for this function."""
        if self.__name__ not in names:
            raise NotImplementedError(f"`cupy_{self.__name__}.{method}` is not supported yet")


KEYWORDS = {"out", "dtype", "casting"}


def calm(function: Callable, args: Any, kwargs: dict) -> Any:
    """What a function of NumPy's gives, without warnings."""
    with quiet():
        return function(*args, **kwargs)


def number(x: Any) -> Any:
    """A number that a kernel can take; TypeError for anything else."""
    if type(x) in SCALARS or isinstance(x, np.generic):
        return x
    raise unsupported(x)


class Function:
    """A function of arrays on the GPU; it refuses arrays of the host, and parameters that CuPy's does not have."""

    def __init__(self, name: str, function: Callable, parameters: list[str]) -> None:
        self.__name__, self.function = name, function
        positional = parameters[: parameters.index("*")] if "*" in parameters else parameters
        self.most = sys.maxsize if any(p.startswith("*") for p in positional) else len(positional)
        self.any_keyword = any(p.startswith("**") for p in parameters)
        self.accepted = frozenset(p for p in parameters if not p.startswith("*"))
        self.without_arrays = name in WITHOUT_ARRAYS
        self.numbers = name in NUMBERS

    def __repr__(self) -> str:
        return f"<function {self.__name__}>"

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if len(args) > self.most:
            raise TypeError(f"{self.__name__}() takes at most {self.most} positional arguments, {len(args)} were given")
        if not self.any_keyword and not self.accepted.issuperset(kwargs):
            unknown = ", ".join(sorted(set(kwargs) - self.accepted))
            raise TypeError(f"{self.__name__}() got an unexpected keyword argument {unknown!r}")
        graph.library_is_asked("nonzero" if self.__name__ == "where" and len(args) == 1 else self.__name__)
        inputs: list = []
        given, named = convert(args, inputs), convert(kwargs, inputs)
        if not inputs and not self.without_arrays:
            raise TypeError(f"{self.__name__}() got no cupy.ndarray")
        if self.__name__ == "copyto" or isinstance(kwargs.get("out"), ndarray):
            graph.change(lambda: calm(self.function, given, named), inputs)
            return kwargs.get("out")
        whole = np.asarray if self.numbers else lambda result: result
        return compute(lambda: whole(self.function(*given, **named)), inputs)


class Module:
    """A module of CuPy, such as ``cupy.linalg``: the functions in it, looked up when first asked for."""

    def __init__(self, path: str) -> None:
        self.__name__, self.numpy = path, reduce(getattr, path.split(".")[1:], np)

    def __getattr__(self, name: str) -> Any:
        found = look_up(self.__name__, name, self.numpy)
        setattr(self, name, found)
        return found


def look_up(module: str, name: str, numpy: Any) -> Any:
    """What a module of CuPy has under that name; AttributeError if it has nothing."""
    names = stored()[module]
    if name not in names:
        raise AttributeError(f"module {module!r} has no attribute {name!r}")
    if not hasattr(numpy, name):
        raise NotImplementedError(f"{module}.{name} is not emulated: NumPy has no such function")
    parameters = names[name]
    if parameters == "ufunc":
        return Ufunc(name)
    if parameters is None:
        found = getattr(numpy, name)
        if name in ("s_", "index_exp", "ndindex", "newaxis") or isinstance(found, float) or is_dtype(found):
            return found
        raise NotImplementedError(f"{module}.{name} is not emulated")
    return Function(name, getattr(numpy, name), parameters)


def is_dtype(thing: Any) -> bool:
    """Whether that is an element type, or a class about those."""
    return isinstance(thing, type) and (issubclass(thing, (np.generic, np.dtype)) or thing in (np.finfo, np.iinfo))


# making arrays, also from those of the host


def array(
    obj: Any, dtype: Any = None, copy: bool = True, order: Any = "K", subok: bool = False, ndmin: int = 0,
    *, blocking: bool = False,
) -> ndarray:  # fmt: skip
    """A new array on the GPU from one of the host, one on the GPU, numbers, or nested lists of one kind of those."""
    inputs: list = []
    if type(obj) is not np.ndarray:
        obj = nested(obj, inputs)
    if not inputs:
        graph.host_is_asked("a copy from the host")
    make = lambda: np.array(obj, dtype, copy=copy or (None if inputs else True), order=order, ndmin=ndmin)
    made = compute(make, inputs)
    supported(made.dtype)
    return made


def nested(obj: Any, inputs: list) -> Any:
    """Lists for NumPy; if one element is on the GPU, then all must be."""
    if isinstance(obj, (list, tuple)):
        before = len(inputs)
        found = [nested(v, inputs) for v in obj]
        if inputs[before:] and not all(isinstance(v, (ndarray, list, tuple)) for v in obj):
            found = [np.asarray(v) for v in obj]  # raises as NumPy does: no implicit conversion
        return found
    return obj if isinstance(obj, np.ndarray) else convert(obj, inputs)


def asarray(
    a: Any, dtype: Any = None, order: Any = None, *, copy: bool | None = None, blocking: bool = False
) -> ndarray:
    """The array itself if it is on the GPU already and fits, else a new one."""
    return array(a, dtype, bool(copy), "K" if order is None else order)


def asnumpy(a: Any, stream: Any = None, order: Any = "C", out: Any = None, *, blocking: bool = True) -> np.ndarray:
    """A copy on the host."""
    return a.get(stream, order, out) if isinstance(a, ndarray) else np.asarray(a, order=order)


def empty(shape: Any, dtype: Any = float, order: Any = "C") -> ndarray:
    """An array with whatever was in memory: NaN, or the largest integer, so that reading it before writing shows."""
    return poison(ndarray(shape, dtype, order=order))


def empty_like(
    prototype: ndarray, dtype: Any = None, order: Any = "K", subok: None = None, shape: Any = None
) -> ndarray:
    """An array of the same shape and dtype, with whatever was in memory."""
    if type(prototype) is not ndarray:
        raise unsupported(prototype)
    return poison(wrap(np.empty_like(prototype._a, dtype, order, shape=shape), ()))


def zeros(shape: Any, dtype: Any = float, order: Any = "C") -> ndarray:
    """An array of zeros."""
    return compute(lambda: np.zeros(shape, supported(np.dtype(dtype)), order), ())


def ones(shape: Any, dtype: Any = float, order: Any = "C") -> ndarray:
    """An array of ones."""
    return compute(lambda: np.ones(shape, supported(np.dtype(dtype)), order), ())


def full(shape: Any, fill_value: Any, dtype: Any = None, order: Any = "C") -> ndarray:
    """An array of one number, which may be on the GPU."""
    inputs: list = []
    value = convert(fill_value, inputs) if type(fill_value) is ndarray else number(fill_value)
    return compute(lambda: np.full(shape, value, dtype, order), inputs)


def take(a: ndarray, indices: Any, axis: int | None = None, out: Any = None) -> ndarray:
    """The elements at these indices, which the host may hold."""
    return a.take(array(indices), axis, out)  # type: ignore[attr-defined]


def get_array_module(*args: Any) -> Any:
    """This module if one of the arguments is on the GPU, else NumPy."""
    return module() if any(isinstance(a, ndarray) for a in args) else np
