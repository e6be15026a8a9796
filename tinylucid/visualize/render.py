"""Rendering: the gradient of an objective is climbed until the picture shows what the net looks for."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from tqdm import tqdm

from .. import devices
from ..autograd import grad
from ..explain.common import recording
from ..gallery import Pictures, giving
from ..nn import Module
from ..nn.module import device_of, mode
from ..ops import concatenate, relu
from ..optim import Adam
from ..random import Generator
from ..scopes import backward_rules, no_grad
from ..tensor import Tensor
from .objectives import Objective
from .parametrise import Parametrisation
from .seen import Seen, look
from .transforms import Transform, through, wobble

AWAKENING = 16  # steps in which the gradient passes ReLUs that are dead


@giving(Pictures)
def render(
    model: Module,
    objective: Objective | Sequence[Objective],
    picture: Parametrisation,
    *,
    transforms: Sequence[Transform] | None = None,
    normalize: Callable[[Tensor], Any] | None = None,
    steps: int = 256,
    lr: float = 0.02,
    rng: Generator | None = None,
) -> Any:
    """The pictures (N, C, H, W), a NumPy array, that ``objective`` is large for: Adam's ascent (Olah et al., 2017).

    p ← p + lr · Adam(∂/∂p Σ objective(model(normalize(T(picture(p)))))),  T a new draw of the transforms each step.
    Of M objectives each gets N/M of the parametrisation's N pictures, in order, all in one batch; its parameters are changed, on
    the model's device, where they stay.
    ``transforms``: by default wobble of the picture's smaller side; () for none. ``normalize``: how pictures become the
    model's input, as in a dataset's preprocess.normalized. ``rng`` draws the transforms (default: seed 0), so the same
    start gives the same pictures. In the first 16 steps the gradient passes dead ReLUs. The model runs in eval mode; its
    modes, gradients and statistics stay as they were. Raises ValueError for objectives, layers and counts that do not fit,
    RuntimeError for an objective that does not depend on the picture, FloatingPointError for one that is NaN or infinite.
    """
    goals, rng = checked(model, objective, picture.shape[0]), rng or Generator(0)
    if not isinstance(steps, (int, np.integer)) or steps < 1:
        raise ValueError(f"render: steps must be a whole number of at least 1, got {steps!r}")
    seen_through = wobble(min(picture.shape[2:])) if transforms is None else transforms
    for p in picture.parameters:
        p.data = devices.put(p.data, device_of(model))
    optimizer = Adam(picture.parameters, lr=lr)
    with recording(model), tqdm(total=steps, desc="render", unit=" steps", disable=None, leave=False) as bar:
        for step in range(steps):
            with backward_rules({relu: wake}) if step < AWAKENING else contextlib.nullcontext():
                x = through(seen_through, picture(), rng)
                numbers = values(model, goals, x if normalize is None else normalize(x))
                finite(numbers, goals, step)
                slopes = downhill(numbers, picture.parameters)
            for p, slope in zip(picture.parameters, slopes):
                p.grad = slope
            optimizer.step()
            bar.set_postfix_str(f"objective {devices.host(numbers).mean():.3g}", refresh=False)
            bar.update()
        optimizer.zero_grad()
    with no_grad():
        return devices.host(picture())


def measure(
    model: Module,
    objective: Objective | Sequence[Objective],
    x: Any,
    *,
    normalize: Callable[[Tensor], Any] | None = None,
) -> Any:
    """What the objective is for pictures x (N, C, H, W), an array (N,); of M objectives each for its N/M of them.

    Nothing is recorded or transformed; otherwise as in render.
    """
    x = Tensor(devices.host(x)).to(device_of(model))
    goals = checked(model, objective, len(x))
    with mode(model, False), no_grad():
        return devices.host(values(model, goals, x if normalize is None else normalize(x)))


def checked(model: Any, objective: Any, n: int) -> list[Objective]:
    """The objectives as a list; errors where they are none, or do not share n pictures evenly."""
    if not isinstance(model, Module):
        raise TypeError(f"visualize: expected a Module, whose layers have names, got {type(model).__name__}")
    goals = list(objective) if isinstance(objective, (list, tuple)) else [objective]
    wrong = [type(g).__name__ for g in goals if not isinstance(g, Objective)]
    if wrong:
        raise TypeError(f"visualize: expected objectives, such as logit(3), got {wrong[0]}")
    if not goals or n % len(goals):
        raise ValueError(f"visualize: {n} pictures cannot be shared evenly by {len(goals)} objectives")
    return goals


def values(model: Module, goals: list[Objective], x: Any) -> Tensor:
    """Each objective's numbers for its share of the pictures, (N,)."""
    seen = look(model, x, frozenset().union(*(g.layers for g in goals)))
    if len(goals) == 1:
        return one_each(goals[0], seen, len(x))
    share = len(x) // len(goals)
    return concatenate([one_each(g, seen.rows(k * share, (k + 1) * share), share) for k, g in enumerate(goals)])


def one_each(goal: Objective, seen: Seen, n: int) -> Tensor:
    """The objective's value, checked to be one number a picture."""
    value = goal.value(seen)
    if not isinstance(value, Tensor) or value.shape != (n,):
        kind = f"shape {value.shape}" if isinstance(value, Tensor) else type(value).__name__
        raise ValueError(f"visualize: {goal} gives {kind}, expected one number for each of {n} pictures, ({n},)")
    return value


def finite(numbers: Tensor, goals: list[Objective], step: int) -> None:
    """FloatingPointError, naming the objective, unless all numbers are finite."""
    found = devices.host(numbers)
    broken = ~np.isfinite(found)
    if broken.any():
        k = int(broken.argmax())
        raise FloatingPointError(
            f"render: {goals[k * len(goals) // len(broken)]} is {found[k]} at step {step}; "
            "tl.detect_anomaly() finds where it began"
        )


def downhill(numbers: Tensor, parameters: list[Tensor]) -> Sequence[Any]:
    """The gradient of −Σ numbers, which an optimiser descends; RuntimeError where there is none."""
    slopes = grad(-numbers.sum(), parameters, allow_unused=True) if numbers.requires_grad else (None,)
    if any(s is None for s in slopes):
        raise RuntimeError("render: the objective does not depend on the picture; does the model detach?")
    return slopes


def wake(g: Any, out: Any) -> Any:
    """ReLU's rule, but a picture to which it gives nothing gets all that would make its ReLUs larger.

    g is the gradient of what is to become small, so a unit that is off should go up where g < 0  (Lucid's redirected ReLU).
    """
    plain = g * (out > 0)
    dead = ~plain.reshape(len(plain), -1).any(1)
    dead = dead.reshape(-1, *(1,) * (plain.ndim - 1))
    return np.where(dead & (g < 0), g, plain)
