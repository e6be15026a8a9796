"""What is right: the engine's function, and its gradient by finite differences."""

from __future__ import annotations

from zlib import crc32

import numpy as np

from ..autograd import grad
from ..check.compare import Check
from ..check.subject import Subject
from ..devices import host
from ..tensor import Tensor
from .task import Arguments, Task, as_tuple

DIRECTIONS = 2  # along which each gradient is held against finite differences


def right(task: Task, arguments: Arguments) -> dict[str, np.ndarray]:
    """The right results by name."""
    return by_differences(task, arguments) if task.gradient else by_oracle(task, arguments)


def quickly(task: Task, arguments: Arguments) -> dict[str, np.ndarray]:
    """The same without finite differences."""
    return by_autograd(task, arguments) if task.gradient else by_oracle(task, arguments)


def with_upstream(task: Task, arguments: Arguments) -> Arguments:
    """The arguments of the learner's function: before those that were drawn the upstream gradients, random, in each case others."""
    arguments = {k: np.asarray(a) if isinstance(a, np.generic) else a for k, a in arguments.items()}
    if not task.gradient:
        return arguments
    rng = np.random.default_rng(crc32(repr(arguments).encode()))
    ys = as_tuple(task.oracle(*arguments.values()))
    gs = {u: np.round(rng.standard_normal(np.shape(y)), 2) for u, y in zip(task.upstream, ys)}
    return {u: np.asarray(np.where(g == 0, 0.5, g)) for u, g in gs.items()} | arguments


def outputs(task: Task, arguments: Arguments) -> tuple[np.ndarray, ...]:
    """What the function gives whose gradient is asked for."""
    return tuple(np.asarray(host(y)) for y in as_tuple(task.oracle(*arguments.values())))


def by_oracle(task: Task, arguments: Arguments) -> dict[str, np.ndarray]:
    """The oracle's values."""
    return {name: np.asarray(host(y)) for name, y in zip(task.results, as_tuple(task.oracle(*arguments.values())))}


def own_arguments(task: Task, arguments: Arguments) -> Arguments:
    """The arguments without the upstream gradients."""
    return {k: a for k, a in arguments.items() if not task.gradient or k not in task.upstream}


def leaves_of(task: Task, arguments: Arguments, recorded: bool) -> Arguments:
    """The oracle's arguments, those that have a gradient as tensors."""
    taken = own_arguments(task, arguments)
    return {k: Tensor(a.astype(float), requires_grad=recorded) if k in task.results else a for k, a in taken.items()}


def by_autograd(task: Task, arguments: Arguments) -> dict[str, np.ndarray]:
    """The engine's own gradients: at ties and kinks its contract."""
    leaves = leaves_of(task, arguments, recorded=True)
    ys = list(as_tuple(task.oracle(*leaves.values())))
    us = [arguments[u] for u in task.upstream]
    live = [k for k, y in enumerate(ys) if isinstance(y, Tensor) and y.requires_grad]
    asked = [leaves[name] for name in task.results]
    gs = grad([ys[k] for k in live], asked, [us[k] for k in live], allow_unused=True)
    return {name: np.zeros(leaves[name].shape) if g is None else host(g) for name, g in zip(task.results, gs)}


def by_differences(task: Task, arguments: Arguments) -> dict[str, np.ndarray]:
    """The engine's gradients, held against central differences along random directions; where those disagree, differences alone.

    At a kink, where differences cannot tell, the engine's contract stays.
    """
    found, leaves = by_autograd(task, arguments), leaves_of(task, arguments, recorded=False)
    tensors = [leaves[name] for name in task.results]
    constant = lambda y: y if isinstance(y, Tensor) else Tensor(np.asarray(y))
    call = lambda: [constant(y) for y in as_tuple(task.oracle(*leaves.values()))]
    check = Check(Subject(call, tensors, list(task.results), []))
    check.upstream = [arguments[u] for u in task.upstream]
    for k, (name, g) in enumerate(found.items()):
        for _ in range(DIRECTIONS):
            direction = check.rng.normal(g.shape, np.float64) * check.scaled(k)
            slope, error, kink = check.slope(k, direction)
            if not kink and abs((g * direction).sum() - slope) > 10 * error + 1e-6 * np.abs(g * direction).sum():
                found[name] = check.numeric(k)[0]
                break
    return found
