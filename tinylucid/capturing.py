"""Whole steps as one CUDA graph: a small net's step is some hundred launches, each of which takes Python longer than the GPU.

A graph holds the launches of one run with their arguments, and repeats them in one call. So all that a step works on keeps its
place: the batch is copied to where the first one lay, intermediate results lie in a memory pool that lives as long as the graph,
and what changes from step to step is read from the device (tinylucid_kernels/gpu/replay.py).
"""

from __future__ import annotations

import contextlib
import dis
import functools
import traceback
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

import numpy as np
from tinylucid_kernels.gpu import driver, product, replay
from tinylucid_kernels.gpu.replay import NotCapturable

from . import devices, dtypes
from .scopes import thread
from .tensor import Tensor

PLAIN = (int, float, bool, str, bytes, type(None))
HERE = Path(__file__).parent
MOST = 16  # graphs of one step: each keeps the memory of its own


class Captured:
    """A step that is replayed as a CUDA graph; see :func:`tinylucid.cuda.capture`. ``reason``: why it is not, or ""."""

    def __init__(self, function: Callable[..., Any]) -> None:
        if not callable(function):
            raise TypeError(f"capture: expected a function, the whole step, got {function!r}; leave out the brackets")
        functools.update_wrapper(self, function)
        self.function, self.reason, self.anew = function, "", 0
        self.graphs: dict[Any, Graph | list] = {}  # a list: the modules of the one run so far; the next is captured

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, instance: Any, owner: type | None = None) -> Captured:
        """As a method: each instance has steps of its own."""
        if instance is None:
            return self
        bound = Captured(self.function.__get__(instance))
        vars(instance)[self.name] = bound  # from now on found without this detour
        return bound

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """What the function gives, tensors detached; by a replay from the third time on that arguments of this kind come."""
        arguments, names = [as_input(a) for a in (*args, *kwargs.values())], tuple(kwargs)
        if not self.reason and not driver.is_available():
            self.give_up("there is no GPU; tinylucid info says why")
        if replay.recording is not None and not self.reason:
            raise NotCapturable("a step that is captured calls another one that is")
        key = (*in_force(), *names, *map(kind_of, arguments))
        graph = self.graphs.get(key)
        if isinstance(graph, Graph) and (changed := graph.recording.stale()):
            graph = None  # begin again with a run of its own
            self.anew += 1
            if self.anew == MOST:
                self.give_up(f"{changed} changed {MOST} times, each time it was captured anew")
        elif graph is None and len(self.graphs) == MOST:
            self.give_up(f"more than {MOST} kinds of arguments came, {[kind_of(a) for a in arguments]} last")
        if isinstance(graph, list):
            try:
                graph = self.graphs[key] = Graph(self.function, arguments, names, graph)
            except NotCapturable as error:
                self.give_up(str(error))
        if isinstance(graph, Graph):
            return graph.run(arguments)
        modules: list[Any] = []
        with telling(modules.append):
            result = self.eagerly(arguments, names)
        if not self.reason:
            self.graphs[key] = modules
        return result

    def eagerly(self, arguments: list[Any], names: tuple[str, ...]) -> Any:
        """What the function gives, without a graph; the last arguments have names."""
        if driver.is_available():
            there = lambda a: each_tensor(a, lambda array: devices.put(array, "cuda"))
            arguments = [a if isinstance(a, PLAIN) or devices.of(a) == "cuda" else there(a) for a in arguments]
        return each_tensor(called(self.function, arguments, names), lambda a: a)

    def give_up(self, reason: str) -> None:
        """Run eagerly from now on, and say so once."""
        self.reason = reason
        self.graphs.clear()
        warnings.warn(f"tl.cuda.capture: {name_of(self.function)} runs eagerly: {reason}", stacklevel=3)


class Graph:
    """One step, captured for arguments of one kind."""

    def __init__(
        self, function: Callable[..., Any], arguments: list[Any], names: tuple[str, ...], modules: list[Any]
    ) -> None:
        self.gpu = devices.module()
        self.pool = (
            self.gpu.cuda.MemoryPool()
        )  # of the step's results, whose memory nobody else gets while the graph lives
        with self.gpu.cuda.using_allocator(self.pool.malloc):
            self.inputs = [static(self.gpu, a) for a in arguments]
            self.recording = replay.Recording()
            self.outside = outside(function)
            for what, read, *_ in self.outside:
                self.recording.fact(what, partial(identity, read))
            for module in modules:
                self.recording.watch(module)
            try:
                self.graph = self.capture(function, names)
                self.check()
            except BaseException as error:
                self.undo()
                if isinstance(error, Exception):
                    raise NotCapturable(why(error)) from error
                raise
        self.grads = [(tensor, tensor._grad) for tensor, _ in self.recording.grads.values()]
        self.fresh = True

    def capture(self, function: Callable[..., Any], names: tuple[str, ...]) -> Any:
        """The graph of what the function asks the GPU for; nothing is done yet."""
        stream = self.gpu.cuda.Stream(non_blocking=True)
        with stream, recorded_by(self.recording), telling(self.recording.watch):
            stream.begin_capture()
            try:
                self.result = called(function, self.inputs, names)
                self.recording.end()
            except BaseException:
                with contextlib.suppress(Exception):  # the capture may have become invalid
                    stream.end_capture()
                raise
            return stream.end_capture()

    def check(self) -> None:
        """NotCapturable where a module is on the CPU, or the step puts other tensors in the place of its own: a replay would not."""
        for module in self.recording.modules:
            if any(devices.of(t) == "cpu" for t in module._parameters.values() if t is not None):
                raise NotCapturable(f"a {type(module).__name__} is on the CPU; model.to('cuda') moves it")
        if any(isinstance(place, Tensor) and place.version[0] for place in self.inputs):
            raise NotCapturable(
                "it changes an argument in place, and a replay would change the graph's copy; x = x.clone() first"
            )
        if changed := self.recording.stale():
            raise NotCapturable(f"{changed} changed during the step, and a replay would not change it")

    def undo(self) -> None:
        """The host as it was before the capture."""
        self.recording.move(-1)
        for tensor, before in self.recording.grads.values():
            tensor._grad = before
        for tensor, array in self.recording.tensors:
            tensor.data = array
        for _, read, before, put in self.outside:
            if read() is not before:
                put(before)

    def run(self, arguments: list[Any]) -> Any:
        """One run with these arguments; copies of what it gives."""
        for place, given in zip(self.inputs, arguments):
            fill(place, given)
        if self.fresh:  # the host has counted this run during the capture
            self.recording.begin()
            self.fresh = False
        else:
            self.recording.refresh()
            self.recording.move(1)
        self.graph.launch()
        self.recording.edited()
        for tensor, grad in self.grads:  # another graph, or a step without one, may have put others there
            tensor._grad = grad
        return copied(self.result)


@contextlib.contextmanager
def recorded_by(recording: replay.Recording) -> Iterator[None]:
    """In the ``with``, a step is being captured: counters and settings come from the device."""
    replay.recording = recording
    try:
        yield
    finally:
        replay.recording = None


@contextlib.contextmanager
def telling(listener: Callable[[Any], None]) -> Iterator[None]:
    """In the ``with``, the listener hears of each module that is called."""
    before, replay.called = replay.called, listener
    try:
        yield
    finally:
        replay.called = before


# --- arguments and results --------------------------------------------------------------------------------------------


def as_input(a: Any) -> Any:
    """An argument; TypeError for what no graph can be made for, ValueError for one that requires a gradient."""
    if isinstance(a, Tensor):
        if a.requires_grad:
            raise ValueError(
                "capture: an argument requires a gradient, which would end in the graph's copy of it; let the step make "
                "a leaf, x = x.detach().requires_grad_(), and return tl.grad(…)"
            )
        return a
    if devices.is_array(a) or hasattr(a, "__cuda_array_interface__"):
        return devices.as_array(a)
    if isinstance(a, np.generic):
        return np.asarray(a)  # so that another value needs no other graph
    if isinstance(a, PLAIN):
        return a
    raise TypeError(
        f"capture: arguments are tensors, arrays, numbers or strings, got {type(a).__name__}; give each tensor by itself"
    )


def outside(function: Any) -> list[tuple[str, Callable[[], Any], Any, Callable[[Any], None]]]:
    """The variables that a step takes from around it: what each is, how to read it, what it holds, and how to put that back.

    Modules, functions and classes are left out: nobody puts another in their place.
    """
    code, found = getattr(function, "__code__", None), []
    for name, cell in zip(code.co_freevars, function.__closure__ or ()) if code else ():
        with contextlib.suppress(ValueError):  # it may be empty yet
            found.append(
                (
                    name,
                    partial(getattr, cell, "cell_contents"),
                    cell.cell_contents,
                    partial(setattr, cell, "cell_contents"),
                )
            )
    names = {i.argval for i in dis.get_instructions(code) if i.opname == "LOAD_GLOBAL"} if code else set()
    for name in sorted(names & set(function.__globals__ if code else ())):
        there = function.__globals__
        found.append((name, partial(there.get, name), there[name], partial(there.__setitem__, name)))
    return [
        (f"the variable {name!r}", read, value, put)
        for name, read, value, put in found
        if not isinstance(value, (ModuleType, FunctionType, type))
    ]


def identity(read: Callable[[], Any]) -> Any:
    """A number or a string as it is, of anything else which one it is."""
    value = read()
    return (type(value), value) if isinstance(value, PLAIN) else id(value)


def in_force() -> tuple[Any, ...]:
    """What besides its arguments decides on what a step asks the GPU for."""
    state = thread.state
    rules = [(op, *((rule.pull, rule.layers) for rule in rules)) for op, rules in state.rules.items()]
    return state.recording, state.anomaly, dtypes.default, product.precision, *rules


def called(function: Callable, arguments: list[Any], names: tuple[str, ...]) -> Any:
    """What a function gives for arguments of which the last have names."""
    count = len(arguments) - len(names)
    return function(*arguments[:count], **dict(zip(names, arguments[count:])))


def kind_of(a: Any) -> Any:
    """What a graph is made for: shape and dtype of an array, or the value itself."""
    if isinstance(a, Tensor) or devices.is_array(a):
        return "tensor" if isinstance(a, Tensor) else "array", a.shape, str(a.dtype)
    return type(a).__name__, a


def static(gpu: Any, a: Any) -> Any:
    """Where the graph reads an argument: an array of its own; numbers as they are."""
    if isinstance(a, Tensor):
        return Tensor(gpu.empty(a.shape, a.dtype))
    return gpu.empty(a.shape, a.dtype) if devices.is_array(a) else a


def fill(place: Any, given: Any) -> None:
    """The argument of this run to where the graph reads it."""
    if isinstance(place, Tensor) or devices.is_array(place):
        place, given = devices.raw(place), devices.raw(given)
        if isinstance(given, np.ndarray):
            place.set(np.asarray(given, order="C"))
        else:
            place[...] = given


def each_tensor(result: Any, change: Callable[[Any], Any]) -> Any:
    """A result with ``change`` made to each tensor and array in it, within tuples, lists and dicts too."""
    if isinstance(result, Tensor):
        return Tensor(change(result.data))
    if devices.is_array(result):
        return change(result)
    if isinstance(result, (tuple, list)):
        values = [each_tensor(v, change) for v in result]
        return type(result)._make(values) if hasattr(result, "_make") else type(result)(values)
    return {k: each_tensor(v, change) for k, v in result.items()} if isinstance(result, dict) else result


def copied(result: Any) -> Any:
    """With memory of its own: the next replay writes into the graph's."""
    return each_tensor(result, lambda a: a.copy())


# --- why not ----------------------------------------------------------------------------------------------------------


def why(error: Exception) -> str:
    """Why a capture failed, with the line of the step that is to blame."""
    frames = [f for f in traceback.extract_tb(error.__traceback__) if not is_inside(f.filename)]
    where = f" in line {frames[-1].lineno} of {Path(frames[-1].filename).name} ({frames[-1].line})" if frames else ""
    if isinstance(error, NotCapturable):
        return f"{error}{where and ':' + where}"
    if isinstance(error, (RuntimeError, NotImplementedError)):
        return (
            f"the host is asked something{where}, but a graph runs without it ({error}). Return tensors from the step, "
            "and look at them afterwards; bring the batch to the GPU before"
        )
    return f"{type(error).__name__}{where}: {error}"


def is_inside(file: str) -> bool:
    """Whether a file is the engine's, its kernels' or CuPy's."""
    parts = Path(file).parts
    return HERE in Path(file).parents or "tinylucid_kernels" in parts or "cupy" in parts or file.startswith("<")


def name_of(function: Any) -> str:
    """What a function is called."""
    return getattr(function, "__name__", type(function).__name__)
