"""Class activation maps: where in the picture a late layer saw what speaks for the class."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ..nn import Module
from ..nn.module import mode
from ..ops import interpolate
from ..scopes import no_grad
from ..tensor import Tensor
from .common import planes, recording, score, shape_of
from .gradients import slope


def grad_cam(
    model: Module, x: Any, target: Any, *, layer: str | Module | None = None, relu: bool = True, upsample: bool = True
) -> Any:
    """ReLU(Σₖ mean(∂z/∂Aₖ) · Aₖ), A (N, K, h, w) what a layer gives, z the target's logit (Selvaraju et al., 2017).

    Pictures x (N, C, H, W) → maps (N, H, W) in x's dtype: the small maps enlarged bilinearly, each value at the middle of
    its patch of the picture; (N, h, w) without ``upsample``. Without ``relu`` the map is signed: what speaks against the
    class is negative. ``layer`` is a module of the model or its dotted name in model.named_modules(), by default the last
    to run that gives a plane of more than one place; if it runs several times the last run counts. target as in gradient.
    Raises ValueError for a layer that there is not, that is not run or gives no plane, RuntimeError for one that the
    target does not depend on, and as gradient does.
    """
    if not isinstance(model, Module):
        raise TypeError(f"grad_cam: expected a Module, whose layers have names, got {type(model).__name__}")
    x = planes(x)
    name = last_plane(model, x) if layer is None else known(model, layer)
    with recording(model), restarted(model.get_submodule(name), name) as runs:
        numbers = score(model, Tensor(x), target)
        if not runs:
            raise ValueError(f"grad_cam: layer {name!r} does not run in the model's forward pass; name another one")
        g = slope(numbers, runs[-1], f"layer {name!r}")
    a = runs[-1].data
    maps = (g.mean((2, 3), keepdims=True) * a).sum(1)
    maps = np.maximum(maps, 0) if relu else maps
    return interpolate(maps[:, None], x.shape[2:], mode="bilinear")[:, 0] if upsample else maps


def last_plane(model: Module, x: Any) -> str:
    """The name of the last layer that gives (N, K, h, w) of more than one place, the logits themselves aside."""
    ran: list[tuple[str, Any]] = []

    def note(name: str) -> Callable:
        return lambda module, args, out: ran.append((name, out))

    with contextlib.ExitStack() as hooks, mode(model, False), no_grad():
        for name, module in model.named_modules():
            hooks.callback(module.register_forward_hook(note(name)))
        logits = model(Tensor(x))
    names = [name for name, out in ran if out is not logits and is_plane(out)]
    if not names:
        raise ValueError("grad_cam: no layer of this model gives (N, K, h, w) of more than one place; use gradient")
    return names[-1]


def known(model: Module, layer: str | Module) -> str:
    """The name of ``layer``, a name or a module, if the model has it; ValueError with the names otherwise."""
    names = {name: module for name, module in model.named_modules() if name}
    for name, module in names.items():
        if layer is module or (isinstance(layer, str) and layer == name):
            return name
    what = f"a {type(layer).__name__} that is not in it" if isinstance(layer, Module) else repr(layer)
    raise ValueError(f"grad_cam: {type(model).__name__} has no layer {what}; it has: {', '.join(names)}")


@contextlib.contextmanager
def restarted(module: Module, name: str) -> Iterator[list[Tensor]]:
    """A list that gets what ``module`` gives, run for run, as leaves: the record of what follows begins there."""
    runs: list[Tensor] = []

    def restart(module: Module, args: tuple, out: Any) -> Tensor:
        if not is_plane(out):
            raise ValueError(
                f"grad_cam: layer {name!r} gives {shape_of(out)}, expected (N, K, h, w) of more than one place"
            )
        runs.append(Tensor(out.data.copy(), requires_grad=True))
        return runs[-1].clone()  # two copies, so that whoever writes in place, before or after, leaves ours alone

    remove = module.register_forward_hook(restart)
    try:
        yield runs
    finally:
        remove()


def is_plane(out: Any) -> bool:
    """Whether something is a Tensor (N, K, h, w) of more than one place."""
    return isinstance(out, Tensor) and out.ndim == 4 and out.shape[2] * out.shape[3] > 1
