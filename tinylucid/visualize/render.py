"""Rendering: the gradient of an objective is climbed until the picture shows what the net looks for."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from .. import devices
from ..autograd import grad
from ..explain.common import at_least_one, recording
from ..gallery import Pictures, giving
from ..nn import Module
from ..nn.module import device_of
from ..ops import relu
from ..optim import Adam
from ..random import Generator
from ..scopes import backward_rules, no_grad
from ..tensor import Tensor
from .film import filming
from .measure import checked, sight, values
from .objective import Objective
from .parametrise import Parametrisation, generator
from .replayed import replayed
from .seen import Sight
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
    lr: float | None = None,
    patience: int | None = None,
    gif: str | Path | None = None,
    rng: Generator | None = None,
    capture: bool = False,
) -> Any:
    """The pictures (N, C, H, W), a NumPy array, that ``objective`` is large for: Adam's ascent (Olah et al., 2017).

    p ← p + lr · Adam(∂/∂p Σ objective(model(normalize(T(picture(p)))))),  T a new draw of the transforms each step.
    Of M objectives each gets N/M of the parametrisation's N pictures, in order, all in one batch; its parameters are changed, on
    the model's device, where they stay.
    ``transforms``: by default wobble of the picture's smaller side; () for none. ``normalize``: how pictures become the
    model's input, as in a dataset's preprocess.normalized. ``lr``: by default the parametrisation's. ``patience``: stop
    before ``steps`` once the mean objective of that many steps is no larger than that of as many before. ``gif``: a file
    that shows how the pictures came about. ``rng`` draws the transforms (default: seed 0), so the same start gives the
    same pictures. ``capture``: on a GPU, replay net and ``normalize`` as a CUDA graph (tl.cuda.capture), to the same bits.
    In the first 16 steps the gradient passes dead ReLUs. The model runs in eval mode, no further than the objective looks; its
    modes, gradients and statistics stay as they were. Raises ValueError for objectives, layers, counts and pictures that do not
    fit, TypeError for what is of another kind or dtype, RuntimeError for an objective that does not depend on the picture,
    FloatingPointError for one that is NaN or infinite, OSError where the file cannot be written.
    """
    of_kind(picture, transforms, normalize)
    goals, rng = checked(model, objective, picture.shape[0]), generator(rng, "render")
    at_least_one(steps, "render: steps")
    at_least_one(1 if patience is None else patience, "render: patience")
    seen_through = wobble(min(picture.shape[2:])) if transforms is None else transforms
    for p in picture.parameters:
        p.data = devices.put(p.data, device_of(model))
    optimizer, look = Adam(picture.parameters, lr=picture.lr if lr is None else lr), sight(model, goals)
    seek = replayed(model, look, goals, normalize) if capture else partial(downhill, look, goals, normalize)
    climbed: list[float] = []
    with recording(model), filming(gif, picture, steps) as film, progress(steps) as bar:
        for step in range(steps):
            with backward_rules({relu: wake}) if step < AWAKENING else contextlib.nullcontext():
                drawn = picture()
                x = through(seen_through, drawn, rng)
                numbers, slopes = seek(x, drawn, picture.parameters)
                climbed.append(finite(numbers, goals, step))
                check(slopes)
            for p, slope in zip(picture.parameters, slopes):
                p.grad = slope
            film(step, drawn)
            optimizer.step()
            bar.set_postfix_str(f"objective {climbed[-1]:.3g}", refresh=False)
            bar.update()
            if patience is not None and level(climbed[AWAKENING:], patience):
                break
        optimizer.zero_grad()
        with no_grad():
            x = picture()
            film(None, x)
            return devices.host(x)


def of_kind(picture: Any, transforms: Any, normalize: Any) -> None:
    """TypeError for what is no parametrisation, no list of functions or None, and no function or None."""
    if not isinstance(picture, Parametrisation):
        raise TypeError(
            f"render: picture: expected a parametrisation, such as fourier((1, 3, 32, 32)), got {type(picture).__name__}; "
            "it may start from a picture: pixel(x.shape, start=x)"
        )
    if not isinstance(transforms, (list, tuple, type(None))) or not all(map(callable, transforms or ())):
        raise TypeError(f"render: transforms: expected a list, such as [jitter(4)], or () for none, got {transforms!r}")
    if normalize is not None and not callable(normalize):
        raise TypeError(
            f"render: normalize: expected a function of pictures, such as data.preprocess.normalized, got {normalize!r}"
        )


def progress(steps: int) -> Any:
    """A bar of the steps, on a terminal."""
    return tqdm(total=steps, desc="render", unit=" steps", disable=None, leave=False)


def level(climbed: list[float], patience: int) -> bool:
    """Whether the mean of the last ``patience`` numbers is no larger than that of as many before."""
    before, last = climbed[-2 * patience : -patience], climbed[-patience:]
    return len(before) == patience and sum(last) <= sum(before)


def finite(numbers: Tensor, goals: list[Objective], step: int) -> float:
    """The numbers' mean; FloatingPointError, naming the objective, unless all are finite."""
    found = devices.host(numbers)
    broken = ~np.isfinite(found)
    if broken.any():
        k = int(broken.argmax())
        raise FloatingPointError(
            f"render: {goals[k * len(goals) // len(broken)]} is {found[k]} at step {step}; "
            "tl.detect_anomaly() finds where it began"
        )
    return float(found.mean())


def downhill(
    look: Sight, goals: list[Objective], normalize: Callable | None, x: Any, drawn: Tensor, parameters: list[Tensor]
) -> tuple[Tensor, Sequence[Any]]:
    """The objectives' numbers, and the gradient of −Σ numbers, which an optimiser descends; None where there is none."""
    numbers = values(look, goals, x if normalize is None else normalize(x), drawn)
    with np.errstate(all="ignore"):  # what is not finite is told afterwards
        return numbers, grad(-numbers.sum(), parameters, allow_unused=True) if numbers.requires_grad else (None,)


def check(slopes: Sequence[Any]) -> None:
    """RuntimeError where there is no gradient."""
    if any(s is None for s in slopes):
        raise RuntimeError("render: the objective does not depend on the picture; does the model detach?")


def wake(g: Any, out: Any) -> Any:
    """ReLU's rule, but a picture to which it gives nothing gets all that would make its ReLUs larger.

    g is the gradient of what is to become small, so a unit that is off should go up where g < 0  (Lucid's redirected ReLU).
    """
    plain = g * (out > 0)
    dead = ~plain.reshape(len(plain), -1).any(1)
    dead = dead.reshape(-1, *(1,) * (plain.ndim - 1))
    return np.where(dead & (g < 0), g, plain)
