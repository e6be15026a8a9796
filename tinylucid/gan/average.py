"""The average of a generator over its training, which draws steadier than the generator of any one step."""

from __future__ import annotations

import copy
from typing import Any

from tinylucid_kernels.gpu.replay import changed

from ..nn import Module
from ..scopes import no_grad

AVERAGED = ("running_mean", "running_var")  # buffers that are averaged as the weights are; others are copied


class Average:
    """``model``, a copy of the generator: a ← d·a + (1 − d)·w for every weight w after each step, in eval mode.

    d = min(decay, (1 + t)/(10 + t)) after t steps: at first the average forgets fast, since the first generators draw nothing.
    The running statistics of batch norm are averaged likewise: those of the last step do not belong to averaged weights.
    Source: Polyak and Juditsky, 1992; for GANs Yazıcı et al., 2019, and Karras et al., 2018.
    """

    def __init__(self, generator: Module, decay: float) -> None:
        if not isinstance(decay, (int, float)) or not 0 <= decay < 1:
            raise ValueError(f"Average: decay must be at least 0 and below 1, got {decay!r}; usual is 0.999")
        self.model, self.decay, self.steps = copy.deepcopy(generator).eval(), decay, 0
        for parameter in self.model.parameters():
            parameter.requires_grad = False

    def update(self, generator: Module) -> None:
        """After a step of the generator."""
        decay = min(self.decay, (1 + self.steps) / (10 + self.steps))
        self.steps += 1
        with no_grad():
            for mine, its in zip(self.model.parameters(), generator.parameters()):
                mix(mine, its, decay)
            for (name, kept), (_, buffer) in zip(self.model.named_buffers(), generator.named_buffers()):
                mix(kept, buffer, decay if name.rpartition(".")[2] in AVERAGED else 0)


def mix(mine: Any, its: Any, decay: float) -> None:
    """mine ← decay·mine + (1 − decay)·its, in place; a copy where decay is 0."""
    mine.data[...] = its.data if not decay else mine.data + (its.data - mine.data) * mine.dtype.type(1 - decay)
    changed(mine.version)
