"""Tensor's methods and operators. They are registered on Tensor here, so that ``tensor.py`` imports nothing above it."""

from __future__ import annotations

import builtins
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from tinylucid_kernels.gpu.replay import changed

from .. import devices, dtypes
from ..autograd import backward
from ..scopes import explained, thread
from ..tensor import Array, Tensor
from . import activation, arithmetic, choice, compare, dense, elementwise, indexing, join, reduce
from . import shape as shapes


def edited(x: Any, other: Any, recorded: Callable, ufunc: np.ufunc) -> Any:
    """x after ``x += other`` or its like: ``recorded`` while recording, else ``ufunc`` into x's memory, in x's dtype."""
    write = lambda v: ufunc(x.data, v, out=x.data, casting="same_kind")
    return x.assign(other, lambda: recorded(x, other), write)


class TensorMethods:
    """What a NumPy or PyTorch user reaches for. ``x += y`` and ``x[i] = y`` change x and all views of its memory.

    While recording they are differentiable: x becomes the result of a new operation (so the arrays saved before
    stay as they were). Where that would lose the edit, on a leaf that requires a gradient or when views share
    the memory, they raise RuntimeError.
    """

    data: Array
    tracked: bool

    # --- the graph ---------------------------------------------------------------------------------------

    backward = backward

    @property
    def grad_fn(self: Any) -> Any:
        """The operation that made this tensor, None for a leaf."""
        return self.node and self.node.op

    @property
    def is_leaf(self: Any) -> bool:
        """Whether no recorded operation made this tensor."""
        return self.node is None

    def requires_grad_(self: Any, requires_grad: bool = True) -> Any:
        """Set ``requires_grad``; returns self."""
        self.requires_grad = requires_grad
        return self

    def detach(self: Any) -> Any:
        """A leaf that shares the memory and requires no gradient."""
        t = Tensor(self.data)
        t.version = self.version
        t.version[1] = True
        return t

    def register_hook(self: Any, hook: Callable) -> Callable[[], None]:
        """Call ``hook(gradient)`` when this tensor's gradient is complete; what it returns, if anything, replaces it.

        Returns a function that removes the hook. Raises RuntimeError if no gradient would ever come.
        """
        if not self.tracked:
            raise RuntimeError("register_hook: no gradient comes here, so it would never be called; set requires_grad")
        holder = self.node or self
        hooks = holder.hooks = holder.hooks or []
        hooks.append(hook)
        return lambda: hooks.remove(hook) if hook in hooks else None

    def retain_grad(self: Any) -> None:
        """Keep this tensor's gradient in ``grad`` after backward, also if it is no leaf."""
        if self.node is not None:
            me, rank = weakref.ref(self), self.node.rank  # the node must not hold its own result

            def keep(g: Any) -> None:
                tensor = me()
                if tensor is not None and tensor.node.rank == rank:  # not edited in place since
                    tensor.grad = g.clone() if tensor.grad is None else tensor.grad + g

            self.register_hook(keep)

    # --- the values ----------------------------------------------------------------------------------------

    @property
    def shape(self) -> tuple[int, ...]:
        """The sizes of the axes."""
        return self.data.shape

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return self.data.ndim

    @property
    def dtype(self) -> Any:
        """The type of the elements."""
        return self.data.dtype

    @property
    def size(self) -> int:
        """The number of elements, as in NumPy: rules run on arrays and tensors alike (PyTorch: numel())."""
        return self.data.size

    @property
    def T(self: Any) -> Any:
        """The axes in reverse order; a view."""
        return shapes.permute(self, *range(self.ndim)[::-1])

    def dim(self) -> int:
        """The number of axes."""
        return self.data.ndim

    def float(self: Any) -> Any:
        """In float32."""
        return self.to(dtypes.float32)

    def double(self: Any) -> Any:
        """In float64."""
        return self.to(dtypes.float64)

    def long(self: Any) -> Any:
        """In int64."""
        return self.to(dtypes.int64)

    def numel(self) -> int:
        """The number of elements."""
        return self.data.size

    def item(self) -> Any:
        """The single element as a Python number; ValueError for more or fewer."""
        if self.data.size != 1:
            raise ValueError(f"item: expected one element, this tensor has shape {self.shape}; use tolist()")
        return self.data.item()

    def tolist(self) -> Any:
        """The values as nested lists of Python numbers."""
        return self.data.tolist()

    def numpy(self) -> Array:
        """The NumPy array itself, sharing memory.

        Raises RuntimeError for a tensor that requires a gradient (detach() it first), TypeError for one on the GPU (cpu() first).
        """
        if self.tracked:
            raise RuntimeError(
                "numpy: this tensor requires a gradient, which an array would lose; use x.detach().numpy()"
            )
        if self.device != "cpu":
            raise TypeError("numpy: this tensor is on the GPU, which no NumPy array can share; use x.cpu().numpy()")
        return self.data

    @property
    def device(self) -> str:
        """Where the values are: "cpu" or "cuda"."""
        return devices.of(self.data)

    def cpu(self: Any) -> Any:
        """On the CPU."""
        return self.to("cpu")

    def cuda(self: Any) -> Any:
        """On the GPU."""
        return self.to("cuda")

    def to(self: Any, target: Any) -> Any:
        """In another dtype, or on another device, "cpu" or "cuda" (both differentiable); itself if nothing changes.

        Raises RuntimeError, with what to do, where there is no GPU.
        """
        device, dtype = devices.device_or_dtype(target, "to")
        if device:
            return self if device == self.device else arithmetic.move(self, device=device)
        dtypes.supported(np.empty(0, dtype), "to")
        if dtype.kind != "f":
            return Tensor(self.data.astype(dtype))  # integers have no gradient
        return self if dtype == self.dtype else arithmetic.cast(self, dtype=dtype)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        return np.array(self.numpy(), dtype=dtype, copy=copy)

    def __repr__(self: Any) -> str:
        values = np.array2string(devices.host(self), separator=", ", prefix="tensor(", precision=4, threshold=200)
        where = "" if self.device == "cpu" else f", device={self.device!r}"
        extra = f", grad_fn=<{self.node.op.__name__}>" if self.node else ", requires_grad=True" if self.tracked else ""
        return f"tensor({values}, dtype={self.dtype}{where}{extra})"

    def __len__(self) -> int:
        if not self.data.ndim:
            raise TypeError("len: expected at least one axis, got a 0-d tensor; x.item() is its number")
        return self.data.shape[0]

    def __iter__(self: Any) -> Iterator:
        return (self[k] for k in range(len(self)))

    def __bool__(self) -> bool:
        if self.data.size != 1:
            raise ValueError(
                f"the truth of a tensor of shape {self.shape} is ambiguous, one element has one; use .all() or .any() of x.numpy()"
            )
        return bool(self.data)

    def __format__(self, spec: str) -> str:
        return format(self.item(), spec) if self.data.size == 1 and spec else repr(self)

    def __float__(self) -> Any:
        return builtins.float(self.item())

    def __int__(self) -> int:
        return int(self.item())

    def __index__(self) -> int:
        if self.data.dtype.kind not in "iu":
            raise TypeError(f"index: only integer tensors of one element serve, this is {self.dtype}; use int(x)")
        return int(self.item())

    # --- in place --------------------------------------------------------------------------------------------

    def assign(self: Any, value: Any, recorded: Callable[[], Any], write: Callable[[Any], None]) -> Any:
        """One in-place edit: ``write(array)`` now, or while recording make self the result of ``recorded()``."""
        if thread.state.recording and (self.tracked or (isinstance(value, Tensor) and value.tracked)):
            if self.tracked and self.node is None:
                raise RuntimeError(
                    "in-place edit of a leaf that requires a gradient: do it under tl.no_grad(), or on x.clone()"
                )
            if self.version[1]:
                raise RuntimeError(
                    "in-place edit of memory that a view shares cannot be recorded: edit x = x.clone() instead"
                )
            t = recorded()
            if (t.shape, t.dtype) != (self.shape, self.dtype):
                raise ValueError(f"in-place edit would turn {self.shape} {self.dtype} into {t.shape} {t.dtype}")
            retained = self.node is not None and any(hook.__name__ == "keep" for hook in self.node.hooks or ())
            self.data, self.node, self.tracked, self.version = t.data, t.node, t.tracked, t.version
            if retained:
                self.retain_grad()  # of the new value, as in PyTorch
        else:
            if isinstance(value, Tensor) and value.device != self.device:
                raise devices.mixed("in-place edit", (self, value))
            array = devices.raw(value)
            try:
                write(devices.beside(array, self) if devices.is_array(array) else array)
            except (ValueError, IndexError, TypeError) as error:
                raise explained(error, "in-place edit", [self, array]) from error
            changed(self.version)
        return self

    def __setitem__(self: Any, key: Any, value: Any) -> None:
        key = indexing.plain_index(key)

        def write(v: Any) -> None:
            if self.device == "cpu":
                self.data[key] = v
            else:  # where an index names a place twice, the last write counts
                self.data[...] = indexing.put_into(self.data, v, key).data

        self.assign(value, lambda: indexing.put_into(self, value, key), write)

    def __iadd__(self: Any, other: Any) -> Any:  # type: ignore[misc]
        return edited(self, other, arithmetic.add, np.add)

    def __isub__(self: Any, other: Any) -> Any:  # type: ignore[misc]
        return edited(self, other, arithmetic.sub, np.subtract)

    def __imul__(self: Any, other: Any) -> Any:  # type: ignore[misc]
        return edited(self, other, arithmetic.mul, np.multiply)

    def __itruediv__(self: Any, other: Any) -> Any:  # type: ignore[misc]
        return edited(self, other, arithmetic.div, np.divide)

    def __ipow__(self: Any, other: Any) -> Any:
        return edited(self, other, elementwise.pow, np.power)

    # --- operators ---------------------------------------------------------------------------------------------

    __add__, __sub__, __mul__, __truediv__ = arithmetic.add, arithmetic.sub, arithmetic.mul, arithmetic.div
    __pow__, __matmul__, __neg__, __abs__ = elementwise.pow, dense.matmul, arithmetic.neg, choice.abs

    def __radd__(self, other: Any) -> Any:
        return arithmetic.add(other, self)

    def __rsub__(self, other: Any) -> Any:
        return arithmetic.sub(other, self)

    def __rmul__(self, other: Any) -> Any:
        return arithmetic.mul(other, self)

    def __rtruediv__(self, other: Any) -> Any:
        return arithmetic.div(other, self)

    def __rpow__(self, other: Any) -> Any:
        return elementwise.pow(other, self)

    def __rmatmul__(self, other: Any) -> Any:
        return dense.matmul(other, self)

    def __pos__(self) -> Any:
        return self

    def __getitem__(self, key: Any) -> Any:
        return indexing.index(self, key)

    def __invert__(self) -> Any:
        return Tensor(~self.data)

    __eq__, __ne__ = compare.equal, compare.not_equal
    __gt__, __ge__, __lt__, __le__ = compare.greater, compare.greater_equal, compare.less, compare.less_equal
    __and__, __or__ = compare.logical_and, compare.logical_or

    # --- operations that are also methods, under the same names -------------------------------------------------

    abs, exp, log, sqrt, sin, cos = (
        choice.abs,
        elementwise.exp,
        elementwise.log,
        elementwise.sqrt,
        elementwise.sin,
        elementwise.cos,
    )
    tanh, sigmoid, relu, sign, pow = (
        elementwise.tanh,
        activation.sigmoid,
        activation.relu,
        choice.sign,
        elementwise.pow,
    )
    maximum, minimum = choice.maximum, choice.minimum
    clip = clamp = choice.clip
    sum, mean, var, std, max, min = reduce.sum, reduce.mean, reduce.var, reduce.std, reduce.max, reduce.min
    argmax, argmin, logsumexp = reduce.argmax, reduce.argmin, reduce.logsumexp
    softmax, log_softmax = reduce.softmax, reduce.log_softmax
    matmul = dense.matmul
    reshape = view = shapes.reshape
    flatten, squeeze, unsqueeze = shapes.flatten, shapes.squeeze, shapes.unsqueeze
    permute, transpose, expand, sum_to_size = shapes.permute, shapes.transpose, shapes.expand, shapes.sum_to_size
    gather, split, clone = indexing.gather, join.split, shapes.clone


for name, member in vars(TensorMethods).items():
    if callable(member) or isinstance(member, property):
        setattr(Tensor, name, member)
