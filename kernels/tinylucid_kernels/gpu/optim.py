"""One step of an optimiser on one parameter: ``p`` and its state arrays are updated in place, by one kernel.

While a step is captured as a graph, its numbers come from the device (replay.py): ``step`` is a Counter then, and the settings
are followed by whoever has set ``recording.following``.
"""

import math
from functools import lru_cache

import numpy as np

from . import replay
from .driver import cupy
from .launch import cover, kernel


def in_place(name, arrays, live, *numbers):
    """Run a kernel on (p, g, state …), None for what is not wanted; what has gaps in memory is copied and written back."""
    p, g = arrays[:2]
    packed = [a if a is None or a.flags.c_contiguous else cupy().ascontiguousarray(a) for a in arrays]
    kernel("optim.cu", name, p.dtype)(*cover(p.size), *packed, live, *numbers, p.size)
    for a, b in zip(arrays, packed):
        if a is not b and a is not g:  # nobody writes to the gradient
            a[...] = b


def followed(name, numbers):
    """Where the device has the numbers of a kernel, worked out from the optimiser's settings; None unless a step is captured."""
    recording = replay.recording
    if recording is None:
        return None
    key, read = recording.following
    return recording.follow((name, *key), lambda: numbers(*read()))


def power(base, n):
    """baseⁿ by squaring: the bits of the device's, which another way to compute it would not have."""
    result = 1.0
    while n:
        if n & 1:
            result *= base
        base *= base
        n >>= 1
    return result


@lru_cache(maxsize=16)  # all parameters of a group ask for the same
def adam_numbers(step, lr, beta1, beta2, eps):
    """(rate, β₁, β₂, 1 − β₁, 1 − β₂, eps) of a step, in float64; the corrections of the start from zero are in rate and eps."""
    correction = math.sqrt(1 - power(beta2, step))
    return lr * correction / (1 - power(beta1, step)), beta1, beta2, 1 - beta1, 1 - beta2, eps * correction


def sgd(p, g, velocity, lr, momentum, dampening, nesterov):
    """v ← momentum·v + (1 − dampening)·g;  p ← p − lr·v, or p − lr·(g + momentum·v) (Nesterov).

    ``velocity`` is None without momentum. Sutskever et al., 2013, in PyTorch's form (lr outside the velocity).
    """
    live = followed("sgd", lambda lr, momentum, dampening, _: (lr, momentum, 1 - dampening))
    in_place("sgd", (p, g, velocity), live, lr, momentum, 1 - dampening, nesterov)


def adam(p, g, m, v, step, lr, beta1, beta2, eps):
    """m ← β₁·m + (1−β₁)·g;  v ← β₂·v + (1−β₂)·g²;  p ← p − lr · m̂ / (√v̂ + eps)  (Kingma and Ba, 2015, algorithm 1).

    m̂ = m / (1 − β₁^step) and v̂ = v / (1 − β₂^step) undo the start from zero; both are numbers, so they go into lr and eps.
    """
    live, recording = None, replay.recording
    if recording is not None and isinstance(step, replay.Counter):
        place, settings = step.place, followed("adam", lambda *settings: settings)
        live = recording.once(("adam", step, *recording.following[0]), lambda: on_device(place, settings))
        step = step.first
    in_place("adam", (p, g, m, v), live, *adam_numbers(step, lr, beta1, beta2, eps))


def on_device(step, settings):
    """Where the device has what adam_numbers gives, worked out there from its own count of the steps."""
    live = cupy().empty(6, np.float64)
    kernel("optim.cu", "adam_numbers", np.float32)((1,), (1,), step, settings, live)
    return live


replay.ready.append(lambda: on_device(cupy().zeros(1, np.uint64), cupy().zeros(4)))


def rmsprop(p, g, square_avg, grad_avg, buffer, lr, alpha, momentum, eps):
    """v ← α·v + (1−α)·g²;  d = g / (√v + eps);  p ← p − lr·d (Tieleman and Hinton, 2012).

    ``square_avg`` is v. With ``grad_avg``, m ← α·m + (1−α)·g, the root is of v − m² (Graves, 2013); with ``buffer``,
    b ← momentum·b + d takes the place of d. Both are None where they are not wanted.
    """
    live = followed("rmsprop", lambda lr, alpha, momentum, eps: (lr, alpha, 1 - alpha, momentum, eps))
    in_place("rmsprop", (p, g, square_avg, grad_avg, buffer), live, lr, alpha, 1 - alpha, momentum, eps)
