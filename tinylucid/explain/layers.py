"""Layers to look into: which one is meant, and what it gives, taken as where the record of what follows begins."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from ..nn import Module
from ..nn.module import check_model, device_of, mode
from ..nn.watch import watched
from ..scopes import no_grad
from ..tensor import Tensor
from .common import score, shape_of


def scored_from(model: Module, x: Any, target: Any, layer: str | Module | None) -> tuple[Tensor, Tensor, str]:
    """The numbers to explain (N,), what the layer gives (N, K, h, w), a leaf that they are recorded from, and its name.

    Both are on the model's device.

    ``layer`` is a module of the model or its dotted name, None for the last that gives a plane; of several runs the last
    counts. Raises TypeError for a model that is no Module, ValueError for a layer that there is not, that is not run or
    that gives no plane, and as score does.
    """
    check_model(model, "explain")
    name = last_plane(model, x) if layer is None else known(model, layer)
    with restarted(model.get_submodule(name), name) as runs:
        numbers = score(model, Tensor(x), target)
    if not runs:
        raise ValueError(f"explain: layer {name!r} does not run in the model's forward pass; name another one")
    return numbers, runs[-1], name


def last_plane(model: Module, x: Any, who: str = "explain") -> str:
    """The name of the last layer that gives (N, K, h, w) of more than one place, the logits themselves aside."""
    ran: list[tuple[str, Any]] = []
    with watched(model.named_modules(), lambda name, out: ran.append((name, out))), mode(model, False), no_grad():
        logits = model(Tensor(x).to(device_of(model)))
    names = [name for name, out in ran if out is not logits and is_plane(out)]
    if not names:
        instead = "use gradient" if who == "explain" else "take a net with a convolution"
        raise ValueError(f"{who}: no layer of this model gives (N, K, h, w) of more than one place; {instead}")
    return names[-1]


def known(model: Module, layer: str | Module, who: str = "explain") -> str:
    """The name of ``layer``, a name or a module, if the model has it; ValueError with the names otherwise."""
    names = {name: module for name, module in model.named_modules() if name}
    for name, module in names.items():
        if layer is module or (isinstance(layer, str) and layer == name):
            return name
    what = f"a {type(layer).__name__} that is not in it" if isinstance(layer, Module) else repr(layer)
    raise ValueError(f"{who}: {type(model).__name__} has no layer {what}; it has: {', '.join(names)}")


@contextlib.contextmanager
def restarted(module: Module, name: str, who: str = "explain") -> Iterator[list[Tensor]]:
    """A list that gets what ``module`` gives, run for run, as leaves: the record of what follows begins there."""
    runs: list[Tensor] = []

    def restart(module: Module, args: tuple, out: Any) -> Tensor:
        if not is_plane(out):
            raise ValueError(
                f"{who}: layer {name!r} gives {shape_of(out)}, expected (N, K, h, w) of more than one place; name a convolution's"
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
