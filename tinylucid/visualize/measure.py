"""What objectives are for pictures, and what layers give for them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .. import devices
from ..data import ArrayDataset
from ..explain.common import at_least_one
from ..nn import Module
from ..nn.module import device_of, mode
from ..ops import concatenate
from ..scopes import no_grad
from ..tensor import Tensor
from .objective import Objective
from .seen import Seen, Sight


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
    if isinstance(x, (str, ArrayDataset)):
        raise TypeError(f"measure: expected pictures x (N, C, H, W), got {type(x).__name__}; of data take data.x")
    x = Tensor(devices.host(x)).to(device_of(model))
    goals = checked(model, objective, len(x))
    with mode(model, False), no_grad():
        return devices.host(values(sight(model, goals), goals, x if normalize is None else normalize(x), x))


def activations(
    model: Module,
    x: Any,
    layer: str,
    *,
    normalize: Callable[[Tensor], Any] | None = None,
    batch_size: int = 250,
) -> Any:
    """What a layer gives for pictures x (N, C, H, W), an array (N, K, …): a target for style, caricature and inversion.

    The layer by its dotted name in model.named_modules(). The model runs in eval mode, no further than that layer,
    ``batch_size`` pictures at a time, and nothing is recorded. ``normalize`` as in render. Raises ValueError for no
    pictures, for a batch_size below 1, and for a layer that there is not, that does not run, or that gives no Tensor
    (N, K, …).
    """
    checked(model, [], 0)
    at_least_one(batch_size, "activations: batch_size")
    if isinstance(x, (str, ArrayDataset)):
        raise TypeError(f"activations: expected pictures x (N, C, H, W), got {type(x).__name__}; of data take data.x")
    x = devices.host(x)
    if x.ndim == 0 or not len(x):
        raise ValueError(f"activations: expected at least one picture x (N, C, H, W), got {x.shape}")
    look, found = Sight(model, [layer]), []
    with mode(model, False), no_grad():
        for start in range(0, len(x), batch_size):
            some = Tensor(x[start : start + batch_size]).to(device_of(model))
            seen = look(some if normalize is None else normalize(some), some)
            found.append(devices.host(seen.layer(layer)))
    return np.concatenate(found)


def checked(model: Any, objective: Any, n: int) -> list[Objective]:
    """The objectives as a list; errors where they are none, or do not share n pictures evenly."""
    if not isinstance(model, Module):
        raise TypeError(f"visualize: expected a Module, whose layers have names, got {type(model).__name__}")
    goals = list(objective) if isinstance(objective, (list, tuple)) else [objective]
    wrong = [type(g).__name__ for g in goals if not isinstance(g, Objective)]
    if wrong:
        raise TypeError(f"visualize: expected objectives, such as logit(3), got {wrong[0]}")
    if n and (not goals or n % len(goals)):
        raise ValueError(f"visualize: {n} pictures cannot be shared evenly by {len(goals)} objectives")
    return goals


def sight(model: Module, goals: list[Objective]) -> Sight:
    """The model, looked at where the objectives want it."""
    return Sight(model, frozenset().union(*(g.layers for g in goals)))


def values(look: Sight, goals: list[Objective], x: Any, picture: Tensor) -> Tensor:
    """Each objective's numbers for its share of the pictures, (N,); x is what the model is given of them."""
    seen = look(x, picture)
    if len(goals) == 1:
        return one_each(goals[0], seen, len(picture))
    share = len(picture) // len(goals)
    return concatenate([one_each(g, seen.rows(k * share, (k + 1) * share), share) for k, g in enumerate(goals)])


def one_each(goal: Objective, seen: Seen, n: int) -> Tensor:
    """The objective's value, checked to be one number a picture."""
    value = goal.value(seen)
    if not isinstance(value, Tensor) or value.shape != (n,):
        kind = f"shape {value.shape}" if isinstance(value, Tensor) else type(value).__name__
        raise ValueError(f"visualize: {goal} gives {kind}, expected one number for each of {n} pictures, ({n},)")
    return value
