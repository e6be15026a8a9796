"""Recording: Tensors that remember how they were computed, and the Operations that make them remember.

  Tensor      an array, and the recorded call (a Node) that made it
  Operation   a function of arrays with a rule for its gradient; called with a Tensor it records a Node

Arrays compute, Tensors record: an Operation called with arrays alone is a plain function of arrays. How the
record is read backwards is the next room: ``autograd.py``.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from itertools import count
from typing import TYPE_CHECKING, Any

import numpy as np
from tinylucid_kernels.gpu import replay

from . import anomaly, devices, dtypes
from .dtypes import float32, float64
from .scopes import Rule, State, explained, here, thread

if TYPE_CHECKING:  # the methods that ops/ registers when it is imported, so that editors and mypy know them
    from .ops.methods import TensorMethods as Methods
else:
    Methods = object

Array = Any  # a NumPy array; on a GPU a CuPy one
clock = count()
OUT, SHAPES = -1, -2  # in place of an input's number: the result, and the shapes of all inputs
new = object.__new__  # skips __init__: this is the engine's hottest line
PLAIN = (float, int, bool, type(None))  # inputs that never change the dtype of the array they meet


class Tensor(Methods):
    """An array that can remember how it was computed.

    ``data`` is the array, ``node`` the recorded call that made it (None for a leaf). ``version`` is ``[edits so
    far, whether a view shares the memory]``, one list for all views of one memory: a saved array whose count
    moved before backward is an error, not a wrong gradient. ``Tensor(array)`` shares memory; ``tl.tensor`` copies.
    """

    __slots__ = ("__weakref__", "_grad", "data", "hooks", "node", "tracked", "version")
    __hash__ = object.__hash__  # by identity, since == compares values

    def __init__(self, data: Array, requires_grad: bool = False) -> None:
        if isinstance(data, Tensor) or not hasattr(data, "dtype"):
            raise TypeError(f"Tensor(data) wraps an array, got {type(data).__name__}; tl.tensor(data) converts lists")
        self.data, self.version = dtypes.supported(devices.as_array(data), "Tensor"), [0, False]
        self.node: Node | None = None
        self.tracked, self.hooks = False, None
        self._grad: Tensor | None = None
        self.requires_grad = requires_grad

    @property
    def requires_grad(self) -> bool:
        """Whether operations on this tensor are recorded; settable on a leaf of floating dtype."""
        return self.tracked

    @requires_grad.setter
    def requires_grad(self, value: bool) -> None:
        if value:
            dtypes.check_floating(self.data, "requires_grad=True")
        elif self.node is not None:
            raise RuntimeError(
                "requires_grad can be switched off on leaves only; x.detach() is a leaf that shares x's data"
            )
        self.tracked = bool(value)

    @property
    def grad(self) -> Tensor | None:
        """What ``backward()`` accumulated here, of this tensor's shape and dtype; None before."""
        return self._grad

    @grad.setter
    def grad(self, value: Tensor | None) -> None:
        if value is not None:
            x, g = self.data, value.data if isinstance(value, Tensor) else None
            if type(g) is not type(x) or g.shape != x.shape or g.dtype != x.dtype:
                raise TypeError(f"grad: expected None or a Tensor of shape {x.shape} and {x.dtype}, got {value!r}")
            if replay.recording is not None:
                replay.recording.gradient(self, self._grad)
        self._grad = value


class Node:
    """One recorded call: its parents and what its rule wants, never its own result, so no reference cycles."""

    __slots__ = ("hooks", "layer", "op", "parents", "rank", "saved", "shape", "trace", "versions")
    op: Operation
    parents: Sequence[Any]  # for each input the Node or leaf Tensor it came from, None for a constant
    saved: Any  # {name: what the rule will want}; None once released
    versions: Sequence[tuple[str, list, int]]  # of each saved tensor: its name, its version, the edits it had
    shape: tuple[int, ...]  # of the result
    rank: int  # when it was recorded
    layer: str  # in which layer
    hooks: list[Callable] | None
    trace: anomaly.Trace | None


class Operation:
    """A differentiable function of arrays: ``@operation`` on the forward, ``@name.rule`` on the backward.

    The forward's positional parameters are its array inputs, its keywords constants; it returns the result, or
    ``(result, {name: array})`` with indices, masks or statistics for the rule. The rule returns one gradient an
    input (None for zero). Its parameter names say what is saved, nothing else is: ``g`` the gradient of the
    result, ``need`` which inputs want one, ``shapes`` of the inputs, ``out`` the result, inputs, keywords, extras.

    ``broadcasts``: gradients are summed over the axes an input was broadcast along. ``dtypes``: "same" or
    "float", how the inputs come to share one dtype. ``view``: the result may share the first input's memory.
    """

    def __init__(self, forward: Callable, broadcasts: bool = False, dtypes: str = "", view: bool = False) -> None:
        self.forward, self.__name__ = forward, getattr(forward, "__name__", "").strip("_")
        code = getattr(forward, "__code__", None)
        if code is None or forward.__defaults__ or dtypes not in ("", "same", "float"):
            raise TypeError(
                "operation: expected a Python function, constants after * and no defaults before, dtypes '', 'same' or 'float'; "
                f"got {self.__name__ or forward!r}"
            )
        self.inputs = code.co_varnames[: code.co_argcount]
        reserved = {"g", "need", "out", "shapes"} & set(self.inputs)
        if reserved:
            raise TypeError(
                f"operation {self.__name__}: {sorted(reserved)} mean something to rules; name the inputs otherwise"
            )
        self.keywords = code.co_varnames[code.co_argcount : code.co_argcount + code.co_kwonlyargcount]
        self.broadcasts, self.dtypes, self.view = broadcasts, dtypes, view
        self.twin = self.own_rule = None  # type: Any
        self.saves: tuple[tuple[str, int], ...] = ()

    def rule(self, pull: Callable) -> Callable:
        """Name the backward rule (decorator)."""
        self.own_rule = Rule(pull)
        self.saves = self.what_to_save(self.own_rule.wants)
        return pull

    def fused(self, twin: Callable) -> Callable:
        """Name the twin (decorator): the same function in elementary operations; its inputs are saved too."""
        self.twin = twin
        self.saves = self.what_to_save(self.own_rule.wants if self.own_rule else ())
        return twin

    def what_to_save(self, wants: Sequence[str]) -> tuple[tuple[str, int], ...]:
        """Of the names a rule asks for, those that a node must keep, with the input's number; a twin needs all inputs."""
        inputs = [(name, k) for k, name in enumerate(self.inputs) if self.twin or name in wants]
        return (*inputs, *((name, k) for name, k in (("out", OUT), ("shapes", SHAPES)) if name in wants))

    def __repr__(self) -> str:
        return f"<operation {self.__name__}>"

    def apply(self, args: tuple, kw: dict) -> tuple[Any, dict | None]:
        """The result of a call, recorded if an input requires a gradient, and what its forward returned besides."""
        if devices.gpu_type is not None and not devices.as_usual(args, kw):
            args, kw = devices.together(here(self.__name__), args, kw)
        arrays: list[Any] = []
        parents: list[Any] = []
        live, dtype, odd = False, None, False
        for a in args:
            if isinstance(a, Tensor):
                x = a.data
                arrays.append(x)
                if x.dtype is not dtype:
                    odd, dtype = odd or dtype is not None, x.dtype
                if a.tracked:
                    live = True
                    parents.append(a.node or a)
                else:
                    parents.append(None)
            else:
                if type(a) is np.ndarray:
                    odd = True
                elif type(a) not in PLAIN:
                    odd, a = True, devices.plain(a)
                arrays.append(a)
                parents.append(None)
        if self.dtypes and dtype is not None and (odd or (dtype is not float32 and dtype is not float64)):
            unified = unify(self, args)
            if unified:
                return self.apply(unified, kw)
        try:
            out, extra = self.forward(*arrays, **kw) if kw else self.forward(*arrays), None
        except (ValueError, IndexError, TypeError, MemoryError) as error:
            raise explained(error, self.__name__, arrays) from error
        if type(out) is tuple:
            out, extra = out
        if dtype is None:
            return out, extra
        if type(out) is not np.ndarray:
            out = devices.as_array(out)  # NumPy reduces to scalars, which would promote what they meet
        t = new(Tensor)
        t.data, t._grad, t.hooks = out, None, None
        if self.view and (out is (x := arrays[0]) or (out.base is not None and (out.base is x or out.base is x.base))):
            t.version = args[0].version
            t.version[1] = True
        else:
            t.version = [0, False]
        state = thread.state
        if state.anomaly:
            anomaly.check_result(here(self.__name__), arrays, out)
        if live and state.recording:
            t.tracked = True
            if extra:
                kw.update(extra)  # kw is this call's own dict
            self.record(state, t, args, arrays, parents, kw)
        else:
            t.node, t.tracked = None, False
        return t, extra

    def record(self, state: State, t: Tensor, args: tuple, arrays: list, parents: list, saved: dict) -> None:
        """Hang a Node on the result ``t``; ``saved`` holds the keywords and what the forward returned besides.

        The arrays that a rule wants are added to it, each with the count of edits it had.
        """
        n = t.node = Node()
        n.op, n.parents, n.saved = self, parents, saved
        n.shape, n.rank, n.layer = t.data.shape, next(clock), state.layer
        n.hooks = n.trace = None
        n.versions = versions = []
        names: Sequence[tuple[str, int]] = self.saves
        if state.rules:
            names = [*names, *(name for r in state.rules.get(self, ()) for name in self.what_to_save(r.wants))]
        for name, k in names:
            if k == SHAPES:
                saved[name] = [np.shape(a) for a in arrays]
                continue
            saved[name], source = (arrays[k], args[k]) if k >= 0 else (t.data, t)
            if isinstance(source, Tensor):
                versions.append((name, source.version, source.version[0]))
        if state.anomaly:
            n.trace = anomaly.Trace(saved)


def operation(forward: Callable | None = None, **traits: Any) -> Any:
    """Turn a forward function into a recorded one (decorator, with or without traits of :class:`Operation`).

    The result is a plain function, so that it binds as a method and costs one call; its ``.op`` is the Operation.
    """
    if forward is None:
        return lambda function: operation(function, **traits)
    op = Operation(forward, **traits)
    apply = op.apply

    def call(*args: Any, **kw: Any) -> Any:
        return apply(args, kw)[0]

    call = functools.wraps(forward)(call)
    call.op, call.rule, call.fused = op, op.rule, op.fused  # type: ignore[attr-defined]
    return call


def unify(op: Operation, args: tuple) -> tuple | None:
    """The inputs in the one dtype that ``op`` computes in, array constants as tensors; None if they are already."""
    arrays = [a.data for a in args if isinstance(a, Tensor)]
    constants = [a for a in args if not isinstance(a, Tensor) and a is not None]
    dtype = dtypes.common(arrays, constants, op.dtypes == "float", here(op.__name__))
    if all(a.dtype == dtype for a in arrays) and all(type(c) in PLAIN for c in constants):
        return None
    constant = lambda c: c if type(c) in PLAIN else Tensor(devices.as_array(c).astype(dtype))
    return tuple(a.to(dtype) if isinstance(a, Tensor) else constant(a) for a in args)
