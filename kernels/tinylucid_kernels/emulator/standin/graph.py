"""Capturing work into a graph: what a stream is asked for while it captures is written down, not done, and done at each launch.

CuPy refuses copies from and to the host then, cuBLAS, and what must know a result to know a shape. This is stricter where CuPy
would go wrong in silence: an array that the graph reads must still be there when it is launched, and so must the memory pool
that its own arrays are from, which is therefore not the default one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any
from weakref import ref

from . import memory
from .scalars import quiet

BLAS = {"dot", "einsum", "inner", "kron", "matmul", "tensordot", "vdot"}
LOOKS = {  # at results, to know how large what it returns is
    "argwhere", "array_equal", "bincount", "compress", "delete", "extract", "flatnonzero", "histogram", "nonzero", "repeat",
    "trim_zeros", "unique",
}  # fmt: skip


class Tape:
    """What has been captured so far, which arrays of before it works on, and which it made."""

    current: Tape | None = None

    def __init__(self, stream: Any) -> None:
        self.stream = stream
        self.nodes: list[Callable[[], None]] = []
        self.made: dict[int, Any] = {}  # the memory of its own arrays, kept so that no other gets its number
        self.before: dict[int, Any] = {}  # weak references to the arrays that are not the graph's own

    def note(self, arrays: Iterable[Any]) -> None:
        """These arrays are worked on."""
        for x in arrays:
            owner = x if x.base is None else x.base
            if id(owner._a) not in self.made:
                self.before[id(owner)] = ref(owner)


class Graph:
    """Captured work, done at each launch."""

    def __init__(self, tape: Tape) -> None:
        self.nodes, self.before = tape.nodes, list(tape.before.values())
        self.pool = ref(memory.Current.pool)

    def launch(self, stream: Any = None) -> None:
        """Do it all, in order."""
        if Tape.current is not None:
            raise RuntimeError("a graph cannot be launched while another is captured")
        if self.pool() is None:
            raise RuntimeError("the memory pool that the graph's arrays are from is gone; keep it as long as the graph")
        if any(array() is None for array in self.before):
            raise RuntimeError("an array that the graph works on is gone; keep it as long as the graph")
        with quiet():
            for node in self.nodes:
                node()

    def upload(self, stream: Any = None) -> None:
        """Make ready for the first launch."""


class Streams:
    """The stream that work goes to."""

    current: Any = None


def active() -> Tape | None:
    """The tape, if work goes to the stream that is captured; what another is asked for is done at once."""
    tape = Tape.current
    return tape if tape is not None and tape.stream is Streams.current else None


def host_is_asked(what: str) -> None:
    """RuntimeError while a graph is captured, for what needs the host."""
    if active() is not None:
        raise RuntimeError(f"the stream is capturing: {what} is not possible then")


def library_is_asked(name: str) -> None:
    """CuPy's error while a graph is captured, for a function that calls cuBLAS, and for one that looks at results."""
    if active() is None:
        return
    if name in BLAS:
        raise NotImplementedError(f"calling cuBLAS ({name}) during stream capture is currently unsupported")
    if name in LOOKS:
        host_is_asked(f"{name}, which looks at its result,")


def allocated(x: Any) -> None:
    """A new array, of the graph's own pool."""
    tape = active()
    if tape is not None:
        if memory.Current.pool is memory.default:
            raise RuntimeError(
                "the stream is capturing: new arrays must come from a pool that is kept with the graph (using_allocator)"
            )
        tape.made[id(x._a)] = x._a


def change(work: Callable[[], Any], arrays: Iterable[Any]) -> None:
    """Change arrays in place: now, or at each launch."""
    tape = active()
    if tape is None:
        work()
        return
    tape.note(arrays)
    tape.nodes.append(work)


def begin() -> None:
    """Capture the current stream from now on."""
    if Tape.current is not None:
        raise RuntimeError("a stream is capturing already")
    Tape.current = Tape(Streams.current)


def end() -> Graph:
    """The graph of all that was asked for since."""
    tape, Tape.current = Tape.current, None
    if tape is None:
        raise RuntimeError("cudaErrorIllegalState: the stream is not capturing")
    return Graph(tape)
