"""The stand-in's ``cupy.ndarray``: it holds a NumPy array and lets nothing through to it that CuPy would refuse.

It is no subclass of ``numpy.ndarray``, since NumPy converts those without asking.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from functools import partial, reduce
from typing import Any

import numpy as np

from . import graph, indexing, memory
from .scalars import SCALARS, quiet, supported, unsupported


def module() -> Any:
    """The stand-in's module itself."""
    return sys.modules["tinylucid_kernels.emulator.cupy"]


IMPLICIT = (
    "Implicit conversion to a NumPy array is not allowed. Please use `.get()` to construct a NumPy array explicitly."
)


class ndarray:
    """An array on the emulated GPU. Slots: the NumPy array, the array whose memory this one views, and the pool's count."""

    __slots__ = ("__weakref__", "_a", "_pool", "_size", "base")
    _pool: memory.MemoryPool | None
    shape: Any  # these and the methods are NumPy's; ``operators`` adds them
    dtype: Any
    __array_priority__ = 100
    __hash__ = None  # type: ignore[assignment]

    def __init__(
        self, shape: Any, dtype: Any = float, memptr: None = None, strides: None = None, order: Any = "C"
    ) -> None:
        self._pool = None
        if memptr is not None or strides is not None:
            raise NotImplementedError("the emulated GPU has no pointers: ndarray(shape, dtype, order=...)")
        self._own(np.empty(shape, supported(np.dtype(dtype)), "C" if order is None else order))

    def _own(self, a: np.ndarray) -> None:
        """Hold a NumPy array that nobody else knows, counted in the current pool."""
        self._a, self.base, self._pool = a, None, None
        pool = memory.Current.pool
        graph.allocated(self)
        self._size = pool.take(a.nbytes)
        self._pool = pool

    def __del__(self) -> None:
        if self._pool is not None:
            self._pool.give_back(self._size)

    # from and to the host

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        raise TypeError(IMPLICIT)

    def get(
        self, stream: Any = None, order: Any = "C", out: np.ndarray | None = None, blocking: bool = True
    ) -> np.ndarray:
        """A copy on the host."""
        graph.host_is_asked("a copy to the host")
        if out is None:
            return self._a.copy(order)
        if not isinstance(out, np.ndarray):
            raise TypeError("Only numpy.ndarray can be obtained from cupy.ndarray")
        if out.dtype != self.dtype:
            raise TypeError(f"{out.dtype} array cannot be obtained from {self.dtype} array")
        if out.shape != self.shape:
            raise ValueError(f"Shape mismatch. Expected shape: {self.shape}, actual shape: {out.shape}")
        out[...] = self._a
        return out

    def set(self, arr: np.ndarray, stream: Any = None) -> None:
        """Copy an array of the host into this one."""
        graph.host_is_asked("a copy from the host")
        if not isinstance(arr, np.ndarray):
            raise TypeError("Only numpy.ndarray can be set to cupy.ndarray")
        if arr.dtype != self.dtype:
            raise TypeError(f"{arr.dtype} array cannot be set to {self.dtype} array")
        if arr.shape != self.shape:
            raise ValueError(f"Shape mismatch. Old shape: {self.shape}, new shape: {arr.shape}")
        if not (self._a.flags.c_contiguous or self._a.flags.f_contiguous):
            raise RuntimeError("Cannot set to non-contiguous array")
        self._a[...] = arr

    def item(self) -> Any:
        """The one element as a Python number."""
        if self._a.size != 1:
            raise ValueError("can only convert an array of size 1 to a Python scalar")
        return self.get().item()

    def tolist(self) -> Any:
        """Nested lists of Python numbers."""
        return self.get().tolist()

    def tobytes(self, order: Any = "C") -> bytes:
        """The elements as bytes."""
        return self.get().tobytes(order)

    def __float__(self) -> float:
        return float(self.get())

    def __int__(self) -> int:
        return int(self.get())

    def __complex__(self) -> complex:
        return complex(self.get())

    def __bool__(self) -> bool:
        return bool(self.get())

    def __repr__(self) -> str:
        return repr(self.get())

    def __str__(self) -> str:
        return str(self.get())

    def __format__(self, spec: str) -> str:
        return format(self.get(), spec)

    def __reduce__(self) -> tuple:
        return module().array, (self.get(),)

    def __copy__(self) -> ndarray:
        return compute(self._a.copy, [self])

    def __deepcopy__(self, memo: dict) -> ndarray:
        return compute(self._a.copy, [self])

    # what it is

    @property
    def flags(self) -> Flags:
        return Flags(self)

    @property
    def _c_contiguous(self) -> bool:  # a field of CuPy's arrays, which their flags are made from: read at each launch
        return self._a.flags.c_contiguous

    @property
    def device(self) -> Any:
        return module().cuda.Device(0)

    @property
    def T(self) -> ndarray:
        return self if self._a.ndim < 2 else wrap(self._a.T, (self,))

    # elements

    def __len__(self) -> int:
        if not self._a.ndim:
            raise TypeError("len() of unsized object")
        return len(self._a)

    def __iter__(self) -> Iterator[ndarray]:
        if not self._a.ndim:
            raise TypeError("iteration over a 0-d array")
        return (self[i] for i in range(len(self._a)))

    def __getitem__(self, key: Any) -> ndarray:
        indexing.refuse_if_captured(key)
        a, arrays, key = self._a, indexing.arrays(key), indexing.loose(key)
        return compute(lambda: indexing.read(a, key), [self, *arrays])

    def __setitem__(self, key: Any, value: Any) -> None:
        a, arrays = self._a, indexing.arrays(key, value)
        key, value = indexing.loose(key), indexing.loose(value)
        graph.change(lambda: indexing.write(a, key, value), [self, *arrays])

    def fill(self, value: Any) -> None:
        """Set every element to a number."""
        a, arrays, value = self._a, indexing.arrays(value), indexing.loose(value)
        graph.change(lambda: indexing.write(a, ..., value), [self, *arrays])

    def scatter_add(self, slices: Any, value: Any) -> None:
        """Add to the elements at these indices, each as often as it is named."""
        self._scatter(np.add, slices, value)

    def scatter_max(self, slices: Any, value: Any) -> None:
        """The larger of each element at these indices and the value."""
        self._scatter(np.maximum, slices, value)

    def scatter_min(self, slices: Any, value: Any) -> None:
        """The smaller of each element at these indices and the value."""
        self._scatter(np.minimum, slices, value)

    def _scatter(self, ufunc: np.ufunc, slices: Any, value: Any) -> None:
        """Change the elements at these indices by a function of them and the values, each as often as it is named."""
        inputs = [self]
        given = convert((slices, value), inputs)
        graph.change(partial(ufunc.at, self._a, *given), inputs)

    def sort(self, axis: int = -1, kind: Any = None) -> None:
        """Sort in place."""
        if not self._a.flags.c_contiguous:
            raise NotImplementedError("Sorting non-contiguous array is not supported.")
        graph.change(partial(self._a.sort, axis, kind), [self])

    def ptp(self, axis: Any = None, out: Any = None, keepdims: bool = False) -> ndarray:
        """The largest minus the smallest."""
        return module().ptp(self, axis, out, keepdims)

    # NumPy's functions come here when they are given such an array

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        try:
            function = getattr(module(), ufunc.__name__)
        except AttributeError:
            return NotImplemented
        outs = kwargs.get("out", ())
        if len(outs) > 1:
            raise ValueError("The 'out' parameter must have exactly one array value")
        if outs:
            kwargs["out"] = outs[0]
        operands = (*inputs[:2], *outs) if method == "at" else (*inputs, *outs) if method == "__call__" else outs
        for x in operands:
            if not isinstance(x, (ndarray, np.ndarray, np.generic)) and type(x) not in SCALARS:
                return NotImplemented
        return (function if method == "__call__" else getattr(function, method))(*inputs, **kwargs)

    def __array_function__(self, function: Callable, types: Any, args: tuple, kwargs: dict) -> Any:
        path = (*function.__module__.split(".")[1:], function.__name__)
        try:
            ours = reduce(getattr, path, module())
        except AttributeError:
            return NotImplemented
        if ours is function or any(t not in (ndarray, np.ndarray) for t in types):
            return NotImplemented
        return ours(*args, **kwargs)


class Flags:
    """What CuPy says of an array's memory; it has no other flags."""

    def __init__(self, x: ndarray) -> None:
        self.c_contiguous, self.f_contiguous = x._a.flags.c_contiguous, x._a.flags.f_contiguous
        self.owndata = x.base is None

    def __getitem__(self, name: str) -> bool:
        return vars(self)[name.lower()]

    def __repr__(self) -> str:
        return "\n".join(f"  {name.upper()} : {value}" for name, value in vars(self).items())


# between these arrays and the NumPy arrays inside


def convert(x: Any, inputs: list) -> Any:
    """The argument(s) for NumPy, arrays on the GPU replaced by the NumPy arrays inside, and added to ``inputs``."""
    kind = type(x)
    if kind is ndarray:
        inputs.append(x)
        return x._a
    if kind is tuple or kind is list:
        return kind([convert(v, inputs) for v in x])
    if kind is dict:
        return {k: convert(v, inputs) for k, v in x.items()}
    if isinstance(x, np.ndarray):
        raise unsupported(x)
    return x


def wrap(result: Any, inputs: Sequence) -> Any:
    """NumPy's result(s) on the GPU: one of the inputs if it is one, a view of it if it shares its memory, else a new array."""
    if isinstance(result, np.generic):
        result = np.asarray(result)
    if type(result) is np.ndarray:
        owner = root(result)
        x = ndarray.__new__(ndarray)
        x._pool = None
        for given in inputs:
            if given._a is result:
                return given
            if root(given._a) is owner:
                x._a, x.base = result, given if given.base is None else given.base
                return x
        x._own(result)
        return x
    if isinstance(result, (tuple, list)):
        values = [wrap(v, inputs) for v in result]
        return type(result)._make(values) if hasattr(result, "_make") else type(result)(values)
    return result


def compute(work: Callable[[], Any], inputs: Sequence) -> Any:
    """What NumPy gives, on the GPU, as :func:`wrap`. While a graph is captured this finds shapes and types only: new arrays are
    left empty, and filled at each launch.
    """
    with quiet():
        result = wrap(work(), inputs)
    tape = graph.active()
    if tape is not None:
        several = isinstance(result, (tuple, list))
        new = [(k, x) for k, x in enumerate(result if several else [result]) if is_new(x, inputs)]
        for _, x in new:
            poison(x)
        if new:
            tape.note(inputs)
            places = [(k, x._a) for k, x in new]
            tape.nodes.append(lambda: fill(places, work() if several else [work()]))
    return result


def is_new(x: Any, inputs: Sequence) -> bool:
    """Whether a result is an array with memory of its own."""
    return type(x) is ndarray and x.base is None and all(x is not given for given in inputs)


def fill(places: Sequence[tuple[int, np.ndarray]], results: Sequence) -> None:
    """Put results, by their number, where the arrays that were made for them lie."""
    for k, place in places:
        place[...] = results[k]


def poison(x: ndarray) -> ndarray:
    """The array, filled with what nobody wants: NaN or the largest integer (0 while a graph is captured, an index that fits)."""
    kind = x._a.dtype.kind
    largest = 0 if graph.active() else np.iinfo(x._a.dtype).max if kind in "iu" else True
    x._a.fill(np.nan if kind in "fc" else largest)
    return x


def root(a: np.ndarray) -> np.ndarray:
    """The array that owns a view's memory."""
    while type(a.base) is np.ndarray:
        a = a.base
    return a
