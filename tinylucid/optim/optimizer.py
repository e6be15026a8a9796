"""What optimisers share: groups of parameters with settings, their state, saving it; and clipping gradients.

Parameter groups are PyTorch's: a list of dicts with ``params`` and settings of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from tinylucid_kernels.gpu import replay
from tinylucid_kernels.gpu.replay import changed

from .. import devices
from ..tensor import Tensor

LIMITS: dict[
    str, tuple[float, float, Any]
] = {  # what a setting may be: from the first, below the second; and what is usual
    "alpha": (0, 1, 0.99),
    "betas": (0, 1, (0.9, 0.999)),
    "eps": (0, np.inf, 1e-8),
    "lr": (0, np.inf, 1e-2),
    "momentum": (0, np.inf, 0.9),
    "weight_decay": (0, np.inf, 0),
}
FOLLOWED = ("params", "lr", "initial_lr", "betas", "momentum")  # what a captured step gets anew at each replay


class Optimizer:
    """Groups of parameters, their settings and state; ``step`` updates every parameter that has a gradient."""

    takes: tuple[str, ...] = ()  # settings that the kernel takes, which may change from step to step
    live: tuple[str, ...] = ()  # settings besides the rate, betas and momentum that a captured step follows

    def __init__(self, params: Iterable[Any], defaults: dict[str, Any]) -> None:
        self.defaults = defaults
        self.param_groups: list[dict[str, Any]] = []
        self.state: dict[Tensor, dict[str, Any]] = {}
        if isinstance(params, Tensor) or not isinstance(params, Iterable):
            got = (
                "one tensor; put it into a list"
                if isinstance(params, Tensor)
                else f"a {type(params).__name__}; call it"
            )
            raise TypeError(f"optimiser: expected an iterable of tensors or groups, e.g. model.parameters(), got {got}")
        groups = list(params)
        if not groups:
            raise ValueError(
                "optimiser: got no parameters, expected one or more; was the generator model.parameters() used up before? Call it anew"
            )
        for group in groups if isinstance(groups[0], dict) else [{"params": groups}]:
            self.add_param_group(group)

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add parameters with settings of their own; raises for no tensors, non-leaves and duplicates."""
        unknown = set(param_group) - set(self.defaults) - {"params"}
        if unknown:
            raise TypeError(
                f"optimiser: unknown settings {sorted(unknown)}; there are {sorted(self.defaults)}; write one of these"
            )
        if "params" not in param_group:
            raise ValueError(f"optimiser: a group needs 'params', got only {sorted(param_group)}")
        params = param_group["params"]
        params = [params] if isinstance(params, Tensor) else list(params)
        known = {id(p) for g in self.param_groups for p in g["params"]}
        for k, p in enumerate(params):
            if not isinstance(p, Tensor) or p.dtype.kind != "f":
                got = f"a {type(p).__name__}" if isinstance(p, tuple) else f"{p!r:.80}"
                raise TypeError(
                    f"optimiser: parameter {k} must be a floating Tensor, got {got}; give model.parameters()"
                )
            if p.node is not None:
                raise ValueError(
                    f"optimiser: parameter {k} is no leaf but the result of {p.node.op.__name__}; optimise what it was made of"
                )
            if id(p) in known:
                raise ValueError(
                    f"optimiser: parameter {k} of shape {p.shape} appears twice; each may stand in one group, once"
                )
            known.add(id(p))
        new = {**self.defaults, **param_group, "params": params}
        for name, value in new.items():
            if name not in LIMITS:
                continue
            low, high, usual = LIMITS[name]
            values = value if name == "betas" and isinstance(value, (tuple, list)) else (value,)
            if not all(isinstance(v, (int, float)) and low <= v < high for v in values):
                raise ValueError(f"optimiser: {name} must be in [{low}, {high}), got {value!r}; usual is {usual}")
        self.param_groups.append(new)

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget all gradients, or make those that are there zero."""
        for group in self.param_groups:
            for p in group["params"]:
                p._grad = None if set_to_none or p._grad is None else Tensor(np.zeros_like(p.data))
                if replay.recording is not None:
                    replay.recording.gradient(p, None)

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update every parameter that has a gradient; returns what ``closure``, called first, returns."""
        loss = closure() if closure is not None else None
        for k, group in enumerate(self.param_groups):
            for p in group["params"]:
                if p._grad is None:
                    continue
                state = self.state.get(p)
                if state is None:
                    state = self.state[p] = {}
                if devices.gpu_type is not None:  # a model may have moved to another device since the last step
                    state.update({name: devices.beside(v, p) for name, v in state.items() if devices.is_array(v)})
                if replay.recording is None:
                    self.update(p.data, p._grad.data, state, group)
                    p.version[0] += 1
                else:
                    self.update_followed(replay.recording, k, p, p._grad, state)
                    changed(p.version)
        return loss

    def update_followed(self, recording: Any, k: int, p: Tensor, grad: Tensor, state: dict[str, Any]) -> None:
        """One parameter's step, captured as part of a graph, which gets the settings of group k anew at each replay."""
        group, names = self.param_groups[k], set(state)
        recording.following = (self, k), lambda: self.numbers(group)
        made_before = id(p) not in recording.grads  # then the gradient must stay where it is
        lies = lambda: (id(p.data), made_before and (p._grad is grad and id(grad.data)))
        others = [name for name in group if name not in FOLLOWED and name not in self.live]
        kept = lambda: self.state.get(p) is state and [id(v) for v in state.values() if devices.is_array(v)]
        used = lambda: [bool(group.get(name)) for name in ("momentum", "weight_decay")]
        fixed = lambda: (lies(), kept(), used(), *map(group.get, others))
        recording.fact("the parameters or the settings of an optimiser", fixed)
        groups = lambda: [(id(g), *map(id, g["params"])) for g in self.param_groups]
        recording.once(("groups", self), lambda: recording.fact("the groups of an optimiser", groups))
        self.update(p.data, grad.data, state, group)
        if len(state) > len(names):
            for name in set(state) - names:
                del state[name]
            raise replay.NotCapturable("an optimiser begins with a parameter, whose state is made once")

    def numbers(self, group: dict[str, Any]) -> tuple[Any, ...]:
        """The settings of a group that the kernel takes, in order."""
        values = [group[name] for name in self.takes]
        return tuple([n for v in values for n in (v if isinstance(v, (tuple, list)) else (v,))])

    def update(self, p: Any, g: Any, state: dict[str, Any], group: dict[str, Any]) -> None:
        """One parameter's step, on arrays, in place."""
        raise NotImplementedError(f"{type(self).__name__} defines no update(self, p, g, state, group)")

    def state_dict(self) -> dict[str, Any]:
        """Settings of every group and state of every parameter, by the parameter's number; arrays are copies."""
        numbers = {p: k for k, p in enumerate(p for group in self.param_groups for p in group["params"])}
        copy = lambda state: {name: value.copy() if hasattr(value, "copy") else value for name, value in state.items()}
        groups = [{**group, "params": [numbers[p] for p in group["params"]]} for group in self.param_groups]
        return {"state": {numbers[p]: copy(state) for p, state in self.state.items()}, "param_groups": groups}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take back what state_dict gave; ValueError if the groups have other sizes."""
        params = [p for group in self.param_groups for p in group["params"]]
        sizes = [len(group["params"]) for group in self.param_groups]
        if "param_groups" not in state_dict:
            names = ", ".join(list(state_dict)[:3])
            raise ValueError(
                f"load_state_dict: expected 'param_groups', got {names}; give what optimizer.state_dict() returned"
            )
        came = [len(group["params"]) for group in state_dict["param_groups"]]
        if sizes != came:
            raise ValueError(
                f"load_state_dict: groups of {came} parameters do not fit this optimiser's {sizes}; make it of the same ones"
            )
        for group, saved in zip(self.param_groups, state_dict["param_groups"]):
            group.update({name: value for name, value in saved.items() if name != "params"})
        self.state = {
            params[k]: {
                name: devices.beside(v.copy(), params[k]) if hasattr(v, "copy") else v for name, v in state.items()
            }
            for k, state in state_dict["state"].items()
        }


def clip_grad_norm_(parameters: Any, max_norm: float, *, error_if_nonfinite: bool = False) -> Any:
    """Scale all gradients by max_norm / norm if their common norm √Σ g² exceeds max_norm; returns the norm before.

    In a step that is captured as a graph the norm is a tensor, at which nobody looks.
    Raises RuntimeError for a NaN or infinite norm if ``error_if_nonfinite`` (Pascanu et al., 2013).
    """
    tensors = [parameters] if isinstance(parameters, Tensor) else list(parameters)
    if not all(isinstance(p, Tensor) for p in tensors):
        raise TypeError(f"clip_grad_norm_: expected tensors, got {type(tensors[0]).__name__}; give model.parameters()")
    grads = [p._grad for p in tensors if p._grad is not None]
    # not np.vdot: BLAS splits long sums by how many threads there are, and so would the last bits of training
    squares = [np.square(g.data, dtype=np.float64).sum() for g in grads]
    if replay.recording is not None and grads:
        if error_if_nonfinite:
            raise replay.NotCapturable(
                "clip_grad_norm_(error_if_nonfinite=True) looks at the norm: look at what it returns"
            )
        return clipped_there(grads, squares, max_norm)
    norm = float(np.sqrt(sum(map(float, squares))))
    if error_if_nonfinite and not np.isfinite(norm):
        raise RuntimeError(
            f"clip_grad_norm_: the norm of the gradients is {norm}; tl.detect_anomaly() finds where it comes from"
        )
    scale = max_norm / (norm + 1e-6)
    if not scale >= 1:  # NaN too, so that a NaN norm shows in every gradient
        for g in grads:
            g.data *= scale
            changed(g.version)
    return norm


def clipped_there(grads: list[Tensor], squares: list[Any], max_norm: float) -> Tensor:
    """The same without the host, to the same bits: what need not shrink is multiplied by 1."""
    norm = np.sqrt(sum(squares))
    if max_norm == np.inf:  # only the norm is asked for
        return Tensor(norm)
    scale = max_norm / (norm + 1e-6)
    scale = np.where(scale >= 1, 1.0, scale)
    for g in grads:
        g.data *= scale.astype(g.dtype)
        changed(g.version)
    return Tensor(norm)
