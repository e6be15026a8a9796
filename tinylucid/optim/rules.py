"""Optimisers: parameters step against their gradients, in place, by rules that stand in the kernels."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from tinylucid_kernels import of
from tinylucid_kernels.gpu import replay

from .optimizer import Optimizer


class SGD(Optimizer):
    """v ← momentum·v + (1 − dampening)·(g + weight_decay·p);  p ← p − lr·v (Nesterov: p − lr·(g + momentum·v))."""

    takes = ("lr", "momentum", "dampening", "nesterov")

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        momentum: float = 0.0,
        dampening: float = 0.0,
        weight_decay: float = 0.0,
        nesterov: bool = False,
    ) -> None:
        if nesterov and (momentum <= 0 or dampening != 0):
            raise ValueError(
                f"SGD: nesterov needs a momentum and no dampening, got {momentum} and {dampening}; give momentum=0.9"
            )
        settings = {"lr": lr, "momentum": momentum, "dampening": dampening, "weight_decay": weight_decay}
        super().__init__(params, {**settings, "nesterov": nesterov})

    def update(self, p: Any, g: Any, state: dict[str, Any], group: dict[str, Any]) -> None:
        """One parameter's step, on arrays, in place."""
        if group["weight_decay"]:
            g = g + group["weight_decay"] * p
        dampening = group["dampening"] if "velocity" in state else 0.0  # the first velocity is the gradient
        if group["momentum"] and "velocity" not in state:
            state["velocity"] = np.zeros_like(p)
        of(p).sgd(p, g, state.get("velocity"), group["lr"], group["momentum"], dampening, group["nesterov"])


class Adam(Optimizer):
    """p ← p − lr · m̂ / (√v̂ + eps), m and v running means of g and g² (Kingma and Ba, 2015).

    ``weight_decay`` adds weight_decay·p to the gradient; AdamW decays p itself.
    """

    decoupled, takes = False, ("lr", "betas", "eps")

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay})

    def update(self, p: Any, g: Any, state: dict[str, Any], group: dict[str, Any]) -> None:
        """One parameter's step, on arrays, in place."""
        if not state:
            state.update(step=0, exp_avg=np.zeros_like(p), exp_avg_sq=np.zeros_like(p))
        state["step"] += 1
        step, recording = state["step"], replay.recording
        if recording is not None:
            step = self.counted(recording, state)
        if group["weight_decay"] and self.decoupled:
            if recording is None:
                p *= 1 - group["lr"] * group["weight_decay"]
            else:
                shrink = lambda: 1 - group["lr"] * group["weight_decay"]
                p *= recording.scalar(("shrink", *recording.following[0]), shrink, p)
        elif group["weight_decay"]:
            g = g + group["weight_decay"] * p
        averages = state["exp_avg"], state["exp_avg_sq"]
        of(p).adam(p, g, *averages, step, group["lr"], *group["betas"], group["eps"])

    def counted(self, recording: Any, state: dict[str, Any]) -> Any:
        """In a step that is captured as a graph: the device's count of the steps, one for all that have taken as many."""
        earlier = recording.once(("steps", id(state)), list)  # its counters: one run may step several times
        key, ahead = (*recording.following[0], state["step"], len(earlier)), len(earlier) + 1
        counter = recording.counter(key, state["step"], lambda: state["step"] + ahead)
        earlier.append(counter)
        counter.moves.append(lambda times: state.update(step=state["step"] + times) if "step" in state else None)
        for each in earlier:
            each.by = ahead
        first = recording.once(("step", counter), lambda: state)
        recording.fact("how many steps each parameter has taken", lambda: state["step"] == first["step"])
        return counter


class AdamW(Adam):
    """Adam whose weight decay shrinks the parameters directly: p ← p·(1 − lr·weight_decay) (Loshchilov and Hutter, 2019)."""

    decoupled, live = True, ("weight_decay",)

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
    ) -> None:
        super().__init__(params, lr, betas, eps, weight_decay)


class RMSprop(Optimizer):
    """p ← p − lr·g / (√v + eps), v a running mean of g² (Tieleman and Hinton, 2012).

    ``centered`` subtracts the squared running mean of g from v (Graves, 2013); ``momentum`` lets the steps run on,
    b ← momentum·b + step; ``weight_decay`` adds weight_decay·p to the gradient.
    """

    takes = ("lr", "alpha", "momentum", "eps")

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        momentum: float = 0.0,
        centered: bool = False,
    ) -> None:
        settings = {"lr": lr, "alpha": alpha, "eps": eps, "weight_decay": weight_decay}
        super().__init__(params, {**settings, "momentum": momentum, "centered": centered})

    def update(self, p: Any, g: Any, state: dict[str, Any], group: dict[str, Any]) -> None:
        """One parameter's step, on arrays, in place."""
        wanted = {"square_avg": True, "grad_avg": group["centered"], "momentum_buffer": group["momentum"]}
        for name, is_wanted in wanted.items():
            if is_wanted and name not in state:
                state[name] = np.zeros_like(p)
        if group["weight_decay"]:
            g = g + group["weight_decay"] * p
        averages = [state[name] if is_wanted else None for name, is_wanted in wanted.items()]
        of(p).rmsprop(p, g, *averages, group["lr"], group["alpha"], group["momentum"], group["eps"])
