"""``smoothgrad(capture=True)``: the gradient of many versions of a picture, each pass replayed as one CUDA graph."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .. import devices
from ..autograd import grad
from ..cuda import capture
from ..nn.module import Module, device_of
from ..ops import where
from ..tensor import Tensor
from .common import asked, classes_of, recording
from .gradients import gradient


class Replayed:
    """As :func:`.gradient`, for passes of one model and one kind of target, to the same bits."""

    def __init__(self, model: Module) -> None:
        self.model = model
        # by the pictures of a pass, as a target that is a function knows how many there are; 0: by class numbers
        self.steps: dict[int, Any] = {0: capture(self.slope_of_classes)}

    def __call__(self, model: Any, x: Any, target: Any) -> Any:
        """The maps; what is not finite or does not fit is done again without a graph, which says what is wrong."""
        kind, arguments = (len(x), [x]) if callable(target) else (0, [x, classes_of(target, len(x)).astype(np.int64)])
        if kind not in self.steps:
            self.steps[kind] = capture(lambda pictures: self.slope(pictures, target))
        with recording(self.model):
            numbers, found = self.steps[kind](*arguments)
        if found is None or not np.isfinite(devices.host(numbers)).all():
            return gradient(model, x, target)
        return devices.host(found)

    def slope_of_classes(self, x: Any, classes: Any) -> tuple[Any, Any]:
        """The logits of these classes, and their gradients by the pictures; NaN for a class that there is not."""
        return self.slope(x, lambda logits: chosen(logits, classes))

    def slope(self, x: Any, target: Callable) -> tuple[Any, Any]:
        """The numbers that are explained, and their gradients by the pictures."""
        leaf = Tensor(x, requires_grad=True)
        numbers = asked(target, self.model(leaf), len(x))
        if not numbers.requires_grad:
            return numbers, None
        return numbers, grad(numbers, leaf, np.ones_like(numbers.data), allow_unused=True)[0]


def chosen(logits: Tensor, classes: Any) -> Tensor:
    """Each row's logit of its class: what is not of the class counts as 0, so that nobody looks where classes are."""
    mine = devices.namespace(logits).arange(logits.shape[1]) == classes[:, None]
    nobody = devices.namespace(logits).where(mine.any(1), 0, np.nan).astype(logits.dtype)
    return where(mine, logits, 0.0).sum(1) + nobody


def replayed(model: Any, method: Any) -> Replayed:
    """The method, replayed; ValueError for another than the gradient, and for a model that is not on the GPU."""
    if method is not gradient:
        raise ValueError(
            "explain: capture=True replays the gradient, method=tl.explain.gradient; others look at what they get"
        )
    if not isinstance(model, Module) or device_of(model) != "cuda":
        raise ValueError(
            "explain: capture=True replays passes as graphs of the GPU: give a Module that is there, model.to('cuda')"
        )
    return Replayed(model)
