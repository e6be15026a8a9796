"""``render(capture=True)``: what the net does in a step, forward and backward, replayed as one CUDA graph.

The picture and its transforms stay outside: they are drawn anew each step, and are a few launches of some hundred.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..autograd import grad
from ..cuda import capture
from ..nn import Module
from ..nn.module import device_of
from ..tensor import Tensor
from .measure import values
from .objective import Objective
from .seen import Sight


class Replayed:
    """The net's part of one render's steps; while ReLU has another rule, as in the first of them, by another graph."""

    def __init__(self, look: Sight, goals: list[Objective], normalize: Callable | None) -> None:
        self.look, self.goals, self.normalize = look, goals, normalize
        self.step = capture(self.slopes)

    def slopes(self, x: Tensor, picture: Tensor) -> tuple[Any, ...]:
        """The objectives' numbers, and the gradients of −Σ numbers by what the net is given and by the picture; None for neither."""
        leaves = [Tensor(t.data, requires_grad=True) for t in (x, picture)]
        given = leaves[0] if self.normalize is None else self.normalize(leaves[0])
        numbers = values(self.look, self.goals, given, leaves[1])
        if not numbers.requires_grad:
            return numbers, None, None
        return numbers, *grad(-numbers.sum(), leaves, allow_unused=True)

    def __call__(self, x: Any, picture: Any, parameters: list[Tensor]) -> tuple[Tensor, Sequence[Any]]:
        """The numbers, and the gradients by the picture's parameters, which an optimiser descends."""
        numbers, *slopes = self.step(x.detach(), picture.detach())
        found = [(t, s) for t, s in zip((x, picture), slopes) if s is not None and t.requires_grad]
        if not found:
            return numbers, [None] * len(parameters)
        outputs, gradients = zip(*found)
        return numbers, grad(list(outputs), parameters, list(gradients), allow_unused=True)


def replayed(model: Module, *parts: Any) -> Replayed:
    """The net's part of a render's steps as a graph; ValueError where the net is not on the GPU."""
    if device_of(model) != "cuda":
        raise ValueError(
            "render: capture=True replays steps as graphs of the GPU, but the model is on the CPU: model.to('cuda')"
        )
    return Replayed(*parts)
