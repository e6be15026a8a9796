"""``cupy.cuda`` for one emulated GPU. Everything is done when it is asked for, so streams and events only keep the rules."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import Any

from . import graph, memory
from .graph import Graph as Graph
from .memory import MemoryPool as MemoryPool
from .memory import set_allocator as set_allocator
from .memory import using_allocator as using_allocator


class CUDARuntimeError(RuntimeError):
    """What CUDA refuses."""


def is_available() -> bool:
    """Whether there is a GPU: the emulated one."""
    return True


class Device:
    """The GPU of that number; there is one, 0."""

    compute_capability = "80"

    def __init__(self, device: int | Device | None = None) -> None:
        self.id: int = device.id if isinstance(device, Device) else int(device or 0)

    def __eq__(self, other: object) -> bool:
        return self.id == other.id if isinstance(other, Device) else NotImplemented

    def __hash__(self) -> int:
        return self.id

    def __repr__(self) -> str:
        return f"<CUDA Device {self.id}>"

    def __int__(self) -> int:
        return self.id

    def __enter__(self) -> Device:
        self.use()
        return self

    def __exit__(self, *error: Any) -> None:
        pass

    def use(self) -> None:
        """Make it the current one."""
        if self.id != 0:
            raise CUDARuntimeError("cudaErrorInvalidDevice: invalid device ordinal")

    def synchronize(self) -> None:
        """Wait until all is done."""
        graph.host_is_asked("waiting")
        self.use()

    @property
    def mem_info(self) -> tuple[int, int]:
        """Free and total bytes."""
        return runtime.memGetInfo()


class Event:
    """A point in a stream, with its time."""

    done = True

    def __init__(self, block: bool = False, disable_timing: bool = False, interprocess: bool = False) -> None:
        self.timed, self.seconds = not disable_timing, None

    def record(self, stream: Stream | None = None) -> None:
        """The point is now."""
        self.seconds = time.perf_counter()  # type: ignore[assignment]

    def synchronize(self) -> None:
        """Wait until the point is reached."""
        graph.host_is_asked("waiting")


def get_elapsed_time(start_event: Event, end_event: Event) -> float:
    """Milliseconds between two recorded events."""
    for event in (start_event, end_event):
        if event.seconds is None or not event.timed:
            raise CUDARuntimeError("cudaErrorInvalidResourceHandle: invalid resource handle")
    return (end_event.seconds - start_event.seconds) * 1000  # type: ignore[operator]


class Stream:
    """A queue of work."""

    null: Stream
    done = True

    def __init__(
        self, null: bool = False, non_blocking: bool = False, ptds: bool = False, priority: int | None = None
    ) -> None:
        self.is_non_blocking, self.is_default = non_blocking, null
        self.before = [] if null else [Stream.null]

    def __enter__(self) -> Stream:
        self.before.append(graph.Streams.current)
        graph.Streams.current = self
        return self

    def __exit__(self, *error: Any) -> None:
        graph.Streams.current = self.before.pop()

    def use(self) -> Stream:
        """Make it the current one."""
        graph.Streams.current = self
        return self

    def synchronize(self) -> None:
        """Wait until all is done."""
        graph.host_is_asked("waiting")

    def begin_capture(self, mode: int | None = None) -> None:
        """From now on write down what this stream is asked for, instead of doing it."""
        if self.is_default:
            raise RuntimeError("cannot capture on the default (legacy) stream")
        if graph.Streams.current is not self:
            raise RuntimeError("capture a stream while it is the current one: what goes to another is not in the graph")
        graph.begin()

    def end_capture(self) -> Graph:
        """The graph of what was asked for."""
        return graph.end()

    def is_capturing(self) -> bool:
        """Whether it writes down what it is asked for."""
        return graph.Tape.current is not None and graph.Tape.current.stream is self

    def record(self, event: Event | None = None) -> Event:
        """An event at this point."""
        event = event or Event()
        event.record(self)
        return event

    def wait_event(self, event: Event) -> None:
        """What follows waits for the event."""


Stream.null = graph.Streams.current = Stream(null=True)


def get_current_stream() -> Stream:
    """The stream that work goes to."""
    return graph.Streams.current


def _properties(device: int) -> dict[str, Any]:
    return {
        "name": b"emulated on the CPU", "major": 8, "minor": 0, "totalGlobalMem": memory.CAPACITY, "warpSize": 32,
        "maxThreadsPerBlock": 1024, "sharedMemPerBlock": 48 * 1024, "multiProcessorCount": 1,
    }  # fmt: skip


runtime = SimpleNamespace(
    CUDARuntimeError=CUDARuntimeError,
    getDevice=lambda: 0,
    getDeviceCount=lambda: 1,
    driverGetVersion=lambda: 13020,
    runtimeGetVersion=lambda: 13020,
    getDeviceProperties=_properties,
    memGetInfo=lambda: (memory.CAPACITY - memory.reserved(), memory.CAPACITY),
    deviceSynchronize=lambda: graph.host_is_asked("waiting"),
)
