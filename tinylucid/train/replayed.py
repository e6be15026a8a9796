"""``fit(capture=True)``: a step's gradient, and its update, each replayed as one CUDA graph; between them the host looks at the loss."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from .. import devices
from ..cuda import capture
from ..metrics import hits
from ..nn import Module
from ..nn.module import device_of
from ..optim import Optimizer, clip_grad_norm_
from ..tensor import Tensor
from .judge import counted
from .step import Batches, Before, Step, checked_gradients


class Replayed:
    """The steps of one run; as :func:`.step.checked_gradients` and ``optimizer.step``, to the same bits."""

    def __init__(
        self, model: Module, optimizer: Optimizer, loss: Callable[[Any, Any], Any], max_norm: float | None
    ) -> None:
        self.model, self.optimizer, self.loss, self.max_norm = model, optimizer, loss, max_norm
        self.before: dict[tuple, Before] = {}  # buffers before the step, kept by the graph for pictures of that shape
        self.gradient, self.kind = capture(self.gradient_of), ()  # type: Any, tuple
        self.update = capture(self.update_of)

    def gradient_of(self, x: Any, y: Any) -> tuple[Tensor, Tensor, Any]:
        """Set the gradients to those of a batch, clipped; returns loss, logits and norm."""
        self.before[x.shape] = Before([self.model])
        self.model.zero_grad()
        self.optimizer.zero_grad()
        logits = self.model(Tensor(x))
        value = self.loss(logits, y)
        value.backward()
        stepped = [p for group in self.optimizer.param_groups for p in group["params"]]
        return value, logits, clip_grad_norm_(stepped, math.inf if self.max_norm is None else self.max_norm)

    def update_of(self, kind: str) -> None:
        """The optimiser's step with the gradients of a batch of that kind."""
        self.optimizer.step()

    def gradients(self, batches: Batches) -> Step:
        """As checked_gradients, for one batch; what is not finite is done again without a graph, which finds where it began."""
        (x, y), self.kind = batches.window[0], np.shape(batches.window[0][0])
        counters = Before([])
        with np.errstate(all="ignore"):
            value, logits, norm = self.gradient(x, y)
        mean, norm = float(value.item()), float(norm)
        if not (math.isfinite(mean) and math.isfinite(norm)):
            self.before[self.kind].put_back_buffers()
            counters.put_back()
            return checked_gradients(self.model, self.optimizer, self.loss, batches, self.max_norm)
        marks = hits(devices.host(logits), y)
        return Step(mean, max(counted(y), 1), int(np.count_nonzero(marks)), marks.size, len(x), norm)

    def step(self) -> None:
        """The update."""
        self.update(str(self.kind))


def replayed(
    model: Module, optimizer: Optimizer, loss: Callable[[Any, Any], Any], max_norm: float | None, accumulate: int
) -> Replayed:
    """The steps of a run as graphs; ValueError where they cannot be."""
    if device_of(model) != "cuda":
        raise ValueError(
            "fit: capture=True replays steps as graphs of the GPU, but the model is on the CPU: model.to('cuda')"
        )
    if accumulate != 1:
        raise ValueError(
            f"fit: capture=True makes a step of each batch, got accumulate={accumulate}; use larger batches"
        )
    return Replayed(model, optimizer, loss, max_norm)
