"""Learning rate schedules: after each epoch, or each batch, ``step`` sets the rate of every parameter group.

Each is a closed form lr(t) of the initial rate and of t, the number of steps so far: what the rate was just before does
not matter.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Iterable
from typing import Any

from .optimizer import Optimizer


class LRScheduler:
    """The optimiser, the initial rates, and t = ``last_epoch``; a schedule defines ``get_lr``.

    The first rates are set when it is made. With ``last_epoch`` it goes on after that epoch, with the groups'
    ``initial_lr``: raises KeyError if they have none. TypeError for what is no optimiser.
    """

    def __init__(self, optimizer: Optimizer, last_epoch: int = -1) -> None:
        groups = groups_of(optimizer, type(self).__name__)
        for k, group in enumerate(groups):
            if last_epoch == -1:
                group.setdefault("initial_lr", group["lr"])
            elif "initial_lr" not in group:
                raise KeyError(
                    f"{type(self).__name__}: last_epoch={last_epoch} goes on with a schedule, but group {k} has no"
                    " 'initial_lr'; load the optimiser's state first"
                )
        self.optimizer, self.last_epoch = optimizer, last_epoch
        self.base_lrs = [float(group["initial_lr"]) for group in groups]
        self.step()

    def get_lr(self) -> list[float]:
        """The rates at t = last_epoch, one a group."""
        raise NotImplementedError(f"{type(self).__name__} defines no get_lr(self)")

    def step(self) -> None:
        """Count one more epoch (or batch) and set the rates; call it after ``optimizer.step()``."""
        self.last_epoch += 1
        self._last_lr = self.get_lr()
        for group, lr in zip(self.optimizer.param_groups, self._last_lr):
            group["lr"] = lr

    def get_last_lr(self) -> list[float]:
        """The rates that were set last, one a group."""
        return self._last_lr

    def state_dict(self) -> dict[str, Any]:
        """Everything but the optimiser and functions."""
        return {name: value for name, value in vars(self).items() if name not in ("optimizer", "lr_lambdas")}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take back what state_dict gave; the rates now in force come with the optimiser's own state."""
        vars(self).update(state_dict)


class LambdaLR(LRScheduler):
    """lr(t) = lr₀ · lr_lambda(t); one function for all groups, or a list with one for each.

    Raises ValueError for another number of functions than groups.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        lr_lambda: Callable[[int], float] | list[Callable[[int], float]],
        last_epoch: int = -1,
    ) -> None:
        self.lr_lambdas = each(lr_lambda, optimizer, "LambdaLR", "lr_lambda")
        wrong = [f for f in self.lr_lambdas if not callable(f)]
        if wrong:
            raise TypeError(f"LambdaLR: lr_lambda must be a function of the step, got {wrong[0]!r}; write lambda t: …")
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        """The formula above."""
        return [lr * factor(self.last_epoch) for lr, factor in zip(self.base_lrs, self.lr_lambdas)]


class StepLR(LRScheduler):
    """lr(t) = lr₀ · gamma^⌊t / step_size⌋; ValueError for step_size < 1."""

    def __init__(self, optimizer: Optimizer, step_size: int, gamma: float = 0.1, last_epoch: int = -1) -> None:
        if step_size < 1:
            raise ValueError(
                f"StepLR: step_size must be at least 1, got {step_size}; give how many steps one rate lasts"
            )
        self.step_size, self.gamma = step_size, gamma
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        """The formula above."""
        return [lr * self.gamma ** (self.last_epoch // self.step_size) for lr in self.base_lrs]


class MultiStepLR(LRScheduler):
    """lr(t) = lr₀ · gamma^(how many milestones are ≤ t)."""

    def __init__(
        self, optimizer: Optimizer, milestones: Iterable[int], gamma: float = 0.1, last_epoch: int = -1
    ) -> None:
        if not isinstance(milestones, Iterable):
            raise TypeError(
                f"MultiStepLR: milestones must be a list of steps, got {milestones!r}; write [{milestones!r}]"
            )
        self.milestones, self.gamma = sorted(milestones), gamma
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        """The formula above."""
        passed = bisect_right(self.milestones, self.last_epoch)
        return [lr * self.gamma**passed for lr in self.base_lrs]


class CosineAnnealingLR(LRScheduler):
    """lr(t) = eta_min + (lr₀ − eta_min)·(1 + cos(π·t / T_max)) / 2 (Loshchilov and Hutter, 2017, without restarts).

    From lr₀ at 0 to eta_min at T_max, and up again beyond. ValueError for T_max < 1.
    """

    def __init__(self, optimizer: Optimizer, T_max: int, eta_min: float = 0.0, last_epoch: int = -1) -> None:
        if T_max < 1:
            raise ValueError(
                f"CosineAnnealingLR: T_max must be at least 1, got {T_max}; give how many steps there will be"
            )
        self.T_max, self.eta_min = T_max, eta_min
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        """The formula above."""
        return [cosine(lr, self.eta_min, self.last_epoch / self.T_max) for lr in self.base_lrs]


class OneCycleLR(LRScheduler):
    """One cycle over all steps (Smith and Topin, 2018): from max_lr / div_factor up to max_lr, then down to almost 0.

    The way up takes the fraction ``pct_start`` of ``total_steps`` (or epochs · steps_per_epoch), the way down ends at
    max_lr / (div_factor · final_div_factor); with ``three_phase`` it goes down as fast as up, then to the end. Both are
    half cosines, or straight lines with ``anneal_strategy="linear"``. With ``cycle_momentum`` the momentum (SGD,
    RMSprop) or beta1 (Adam) goes the other way, from max_momentum to base_momentum and back. ``max_lr`` and the
    momenta may be lists, one number a group. Raises ValueError for settings out of range, an optimiser without momentum to
    cycle, and steps beyond total_steps.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        max_lr: float | list[float],
        total_steps: int | None = None,
        epochs: int | None = None,
        steps_per_epoch: int | None = None,
        pct_start: float = 0.3,
        anneal_strategy: str = "cos",
        cycle_momentum: bool = True,
        base_momentum: float | list[float] = 0.85,
        max_momentum: float | list[float] = 0.95,
        div_factor: float = 25.0,
        final_div_factor: float = 1e4,
        three_phase: bool = False,
        last_epoch: int = -1,
    ) -> None:
        if total_steps is None:
            if epochs is None or steps_per_epoch is None:
                raise ValueError(
                    f"OneCycleLR: expected its length, got epochs={epochs}; give total_steps, or epochs and steps_per_epoch"
                )
            total_steps = epochs * steps_per_epoch
        if total_steps < 1:
            raise ValueError(f"OneCycleLR: the cycle must have at least one step, got {total_steps}")
        if not 0 <= pct_start <= 1:
            raise ValueError(f"OneCycleLR: pct_start must be in [0, 1], got {pct_start}")
        if anneal_strategy not in ("cos", "linear"):
            raise ValueError(f"OneCycleLR: anneal_strategy must be 'cos' or 'linear', got {anneal_strategy!r}")
        self.total_steps, self.anneal_strategy, self.cycle_momentum = total_steps, anneal_strategy, cycle_momentum
        max_lrs = each(max_lr, optimizer, "OneCycleLR", "max_lr")
        if cycle_momentum and not {"momentum", "betas"} & set(optimizer.defaults):
            raise ValueError("OneCycleLR: this optimiser has no momentum to cycle; pass cycle_momentum=False")
        low, high = (
            each(m, optimizer, "OneCycleLR", name)
            for m, name in ((base_momentum, "base_momentum"), (max_momentum, "max_momentum"))
        )
        up = pct_start * total_steps - 1  # when the top is reached
        self.ends = [up, 2 * up, total_steps - 1] if three_phase else [up, total_steps - 1]
        back = int(three_phase)  # whether there is a stop at the height of the start, before the last
        self.stops = [[m / div_factor, m, *[m / div_factor] * back, m / div_factor / final_div_factor] for m in max_lrs]
        self.momenta = [[b, a, *[b] * back, b] for a, b in zip(low, high)]
        if last_epoch == -1:
            for group, stops in zip(optimizer.param_groups, self.stops):
                group["initial_lr"] = stops[0]
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        """The point of the cycle at t; what lies after its last step is as that step."""
        if self.last_epoch > self.total_steps:
            raise ValueError(
                f"OneCycleLR: step {self.last_epoch} is beyond the {self.total_steps} steps of the cycle; give it as many as there will be"
            )
        if self.cycle_momentum:
            for group, stops in zip(self.optimizer.param_groups, self.momenta):
                if "betas" in group:
                    group["betas"] = (self._between(stops), *group["betas"][1:])
                else:
                    group["momentum"] = self._between(stops)
        return [self._between(stops) for stops in self.stops]

    def _between(self, stops: list[float]) -> float:
        """Where the way from stop to stop has led by now."""
        phase = next((k for k, end in enumerate(self.ends[:-1]) if self.last_epoch <= end), len(self.ends) - 1)
        start, end = self.ends[phase - 1] if phase else 0, self.ends[phase]
        way = min((self.last_epoch - start) / (end - start), 1.0) if end > start else 1.0
        first, last = stops[phase : phase + 2]
        return cosine(first, last, way) if self.anneal_strategy == "cos" else first + (last - first) * way


def cosine(first: float, last: float, way: float) -> float:
    """From first (way = 0) to last (way = 1) along half a cosine."""
    return last + (first - last) * (1 + math.cos(math.pi * way)) / 2


def groups_of(optimizer: Any, schedule: str) -> list[dict[str, Any]]:
    """The optimiser's groups; TypeError for what is no optimiser."""
    if not isinstance(optimizer, Optimizer):
        raise TypeError(f"{schedule}: expected an optimiser, got {type(optimizer).__name__}; make one: tl.optim.SGD(…)")
    return optimizer.param_groups


def each(setting: Any, optimizer: Optimizer, schedule: str, name: str) -> list[Any]:
    """A setting for each of the optimiser's groups: a list as it is, anything else repeated."""
    groups = len(groups_of(optimizer, schedule))
    if not isinstance(setting, (list, tuple)):
        return [setting] * groups
    if len(setting) != groups:
        raise ValueError(f"{schedule}: {name} has {len(setting)} entries, the optimiser {groups} groups; give one each")
    return list(setting)
