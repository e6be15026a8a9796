"""tl.cuda: whether there is a GPU, and what a program that uses one asks of it besides arithmetic."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from . import devices
from .capturing import Captured

__all__ = ["capture", "empty_cache", "is_available", "synchronize"]

is_available = devices.is_available


def capture(function: Callable[..., Any]) -> Captured:
    """The step ``function``, replayed as one CUDA graph: a small net's step takes Python longer to ask for than the GPU to do.

    ::

        @tl.cuda.capture
        def train_step(x, y):
            loss = F.cross_entropy(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            return loss

        for x, y in loader:
            losses.append(train_step(x, y))

    Called with arguments of new shapes or dtypes, it runs once as it is, is captured the second time, and replayed from then
    on, to the same bits. Arguments, also by name, are tensors, arrays (those of the host are copied to the GPU) and numbers; a
    number is part of the graph, so each value needs a graph of its own. A method has graphs for each of its instances. Results
    are copies, detached. What changes from step to step is followed: the optimiser's count of steps, rate, betas and momentum,
    the random numbers of dropout. Where a module's mode, its layers, its hooks, a setting or a tensor's memory change, the
    step is captured anew. What Python does besides asking the GPU happens only the first two times: no ``print``, no list that
    grows, no number from outside that changes.

    Where a step cannot be captured, because it looks at a result (``loss.item()``), brings data from the host, changes an
    argument in place, or leaves gradients to the next, it warns and runs as it is; ``train_step.reason`` then says why, else
    it is "". Raises TypeError for arguments of another kind, ValueError for one that requires a gradient.
    """
    return Captured(function)


def synchronize() -> None:
    """Wait until the GPU has done all that it was asked to: it works on while Python goes on, so time nothing without this."""
    devices.module().cuda.Device().synchronize()


def empty_cache() -> None:
    """Give memory that was freed, but kept for the next arrays, back to other programs."""
    devices.module().get_default_memory_pool().free_all_blocks()
