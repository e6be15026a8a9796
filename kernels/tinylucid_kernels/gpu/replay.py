"""What a captured step needs fresh at each replay: a graph repeats its launches with the arguments of the first time.

So an argument that changes from step to step lies on the device, and kernels get its address: counters (the number of an
optimiser's step, the offset of random numbers), which the graph moves on by itself, and settings (the learning rate), which
the host writes when they have changed. The host has counters of its own, which go on with each replay; where the two differ,
because a checkpoint was loaded or a step ran without the graph, the device gets the host's.

While a step is being captured, ``replay.recording`` is its Recording; else it is None, and nothing here is used. ``called`` hears of
each module that is called, in the run before and in the capture, so that one that changes is noticed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .driver import cupy
from .launch import cover, kernel

MOST = 256  # counters, and rows of settings, of one step
WIDE = 8  # settings of a row
SETTINGS = (bool, int, float, str, tuple, type(None))  # attributes of a module that kernels get numbers from
recording: Recording | None = None
called: Callable[[Any], None] | None = None
# each runs what only captured steps launch, once before: loading a kernel may be refused during a capture
ready: list[Callable[[], Any]] = []


class NotCapturable(RuntimeError):
    """A step cannot be replayed as a graph; the message says why."""


class Counter:
    """An integer that each run of the step moves on, on the device at ``place`` and on the host behind ``read`` and ``moves``."""

    def __init__(self, place: Any, first: int, read: Callable[[], int]) -> None:
        self.place, self.first, self.read = place, first, read
        self.by = 0  # how far a run moves it
        self.moves: list[Callable[[int], None]] = []


class Recording:
    """The counters, settings and facts of one step that is being captured, and what of the host its capture has changed."""

    def __init__(self) -> None:
        gpu = cupy()
        self.device_counters, self.device_by = gpu.empty(MOST, np.uint64), gpu.empty(MOST, np.uint64)
        self.device_settings = gpu.empty((MOST, WIDE), np.float64)
        self.counters: dict[Any, Counter] = {}
        self.settings: dict[Any, tuple[Any, Callable[[], Sequence[float]]]] = {}
        self.facts: list[tuple[str, Callable[[], Any], Any]] = []
        self.made: dict[Any, Any] = {}  # what is worked out once a step
        self.kept: list[Any] = []  # arrays that the graph reads and nobody else holds
        self.modules: list[Any] = []  # that are called
        self.tensors: list[tuple[Any, Any]] = []  # of modules, and their arrays
        self.following: Any = None  # whose settings the next kernel of an optimiser takes: a key, and how to read them
        self.versions: list[list] = []  # of tensors that the step changes in place
        self.grads: dict[int, tuple[Any, Any]] = {}  # tensors that got a gradient, and what they had before
        self.held: tuple[list[int], list[list[float]]] = [], []  # counters and settings, as the device has them
        for launch in ready:
            launch()

    # --- while the step is captured ---------------------------------------------------------------------------

    def counter(self, key: Any, first: int, read: Callable[[], int]) -> Counter:
        """The counter of that key; a new one begins at ``first``, which is ``read()`` before each later run."""
        if key not in self.counters:
            k = len(self.counters)
            if k == MOST:
                raise NotCapturable(f"it counts more than {MOST} things")
            self.counters[key] = Counter(self.device_counters[k : k + 1], first, read)
        return self.counters[key]

    def follow(self, key: Any, read: Callable[[], Sequence[float]]) -> Any:
        """Where the device has the settings that ``read`` gives: a float64 array, written anew when they have changed."""
        if key not in self.settings:
            k = len(self.settings)
            if k == MOST:
                raise NotCapturable(f"it has more than {MOST} groups of settings")
            self.settings[key] = self.device_settings[k], read
        return self.settings[key][0]

    def constant(self, a: Any) -> Any:
        """A number or an array of the host for the GPU; NotCapturable for an array that may hold something else the next time."""
        if isinstance(a, np.generic):
            return cupy().full((), a, a.dtype)
        if a.flags.writeable:
            raise NotCapturable(
                f"an array of the host, {a.dtype} {a.shape}, goes to the GPU in each run, and may be another one the next time: "
                "make it an argument, or bring it there before; if it never changes, a.setflags(write=False) says so"
            )
        with cupy().cuda.Stream(non_blocking=True) as aside:  # not a part of the graph
            there = cupy().asarray(a)
            aside.synchronize()
        self.kept.append(there)
        return there

    def scalar(self, key: Any, read: Callable[[], float], like: Any) -> Any:
        """A number that ``read`` gives, followed: an array of one element in the dtype of ``like``."""
        place = self.follow(key, lambda: (read(),))
        return self.once((key, like.dtype), lambda: place[0].astype(like.dtype))

    def once(self, key: Any, make: Callable[[], Any]) -> Any:
        """What ``make`` gives, launched once in the step."""
        if key not in self.made:
            self.made[key] = make()
        return self.made[key]

    def fact(self, what: str, read: Callable[[], Any]) -> None:
        """The graph holds only as long as this stays as it is."""
        self.facts.append((what, read, read()))

    def watch(self, module: Any) -> None:
        """A module is called: the graph holds as long as its mode, its numbers and its parts stay, and the memory of its tensors."""
        if any(module is known for known in self.modules):
            return
        self.modules.append(module)
        tensors = lambda: [t for t in (*module._parameters.values(), *module._buffers.values()) if t is not None]
        self.tensors += [(t, t.data) for t in tensors()]
        own, hooks = vars(module), (module._forward_pre_hooks, module._forward_hooks)
        names = [name for name, value in own.items() if isinstance(value, SETTINGS) or callable(value)]
        values = lambda: [*map(own.get, names)]
        self.fact(  # types first: what has become an array is not compared with what it was
            f"the mode, the settings or the tensors of a {type(module).__name__}",
            lambda: ([*map(type, values())], values(), [(id(t), id(t.data), t.tracked) for t in tensors()]),
        )
        parts = lambda: [[*kind.values()] for kind in (module._modules, *hooks)]
        self.fact(f"the layers or the hooks of a {type(module).__name__}", parts)
        for part in module._modules.values():  # a list of layers is never called
            self.watch(part)

    def changed(self, version: list) -> None:
        """A tensor with that version is changed in place by each run."""
        if all(version is not known for known in self.versions):
            self.versions.append(version)

    def gradient(self, tensor: Any, before: Any) -> None:
        """A tensor gets a gradient; NotCapturable where it adds to one of an earlier run, which the graph would not find again."""
        if id(tensor) not in self.grads:
            if before is not None:
                raise NotCapturable(
                    "gradients add to those of the step before: call optimizer.zero_grad() (or model.zero_grad()) inside the step"
                )
            self.grads[id(tensor)] = tensor, before

    def end(self) -> None:
        """The last node of the graph: counters move on."""
        hooks = lambda: [tensor.hooks and [*tensor.hooks] for tensor, _ in self.grads.values()]
        self.fact("the hooks of a tensor", hooks)
        if self.counters:
            advance(self.device_counters, self.device_by, len(self.counters))

    # --- afterwards -------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Before the first run: the device gets what the capture began with."""
        by = np.zeros(MOST, np.uint64)
        by[: len(self.counters)] = [c.by for c in self.counters.values()]
        self.device_by.set(by)
        self.write([c.first for c in self.counters.values()])

    def refresh(self) -> None:
        """Before a later run: the device gets what has changed on the host."""
        self.write([c.read() for c in self.counters.values()])

    def write(self, counts: list[int]) -> None:
        """Counters and settings, where the device has others; then the device moves the counters on by itself."""
        settings = [list(read()) for _, read in self.settings.values()]
        if counts != self.held[0]:
            whole = np.zeros(MOST, np.uint64)
            whole[: len(counts)] = counts
            self.device_counters.set(whole)
        if settings != self.held[1]:
            table = np.zeros((MOST, WIDE))
            for row, values in zip(table, settings):
                row[: len(values)] = values
            self.device_settings.set(table)
        self.held = [n + c.by for n, c in zip(counts, self.counters.values())], settings

    def move(self, times: int) -> None:
        """The host's counters go on by so many runs, or back."""
        for counter in self.counters.values():
            for go in counter.moves:
                go(times)

    def edited(self) -> None:
        """What the step changes in place has changed, so that a record of before is not differentiated with it."""
        for version in self.versions:
            version[0] += 1

    def stale(self) -> str:
        """Which fact is no longer so; "" if all are."""
        return next((what for what, read, then in self.facts if read() != then), "")


def advance(counters: Any, by: Any, count: int) -> None:
    """Each of the first ``count`` counters moves on."""
    kernel("replay.cu", "advance", np.float32)(*cover(MOST), counters, by, count)


ready.append(lambda: advance(cupy().zeros(MOST, np.uint64), cupy().zeros(MOST, np.uint64), 0))


def changed(version: list) -> None:
    """A tensor is changed in place: one more edit of its memory."""
    version[0] += 1
    if recording is not None:
        recording.changed(version)
