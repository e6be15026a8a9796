"""Guided backpropagation and the deconvnet: the gradient, but what is negative stops at each ReLU."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..gallery import Maps, giving
from ..ops import relu
from ..scopes import backward_rules
from ..tensor import Tensor
from .common import beside, pixels, recording, score
from .gradients import slope
from .passing import calls_between


@giving(Maps)
def guided_backprop(model: Callable[[Any], Any], x: Any, target: Any) -> Any:
    """The gradient with the ReLU's rule g·1[x > 0]·1[g > 0], shaped like x (Springenberg et al., 2015).

    What is handed back passes a ReLU only where the ReLU passed and where it speaks for the answer. It holds for every
    call of F.relu, in a layer or not, and for no other activation. Model, x, target and errors as in gradient, and
    ValueError for a model in which no ReLU runs.
    """
    return rectified(model, x, target, guided, "guided_backprop")


@giving(Maps)
def deconvnet(model: Callable[[Any], Any], x: Any, target: Any) -> Any:
    """The gradient with the ReLU's rule g·1[g > 0], shaped like x (Zeiler and Fergus, 2014).

    A ReLU lets pass what speaks for the answer, whether it passed anything itself or not. Otherwise as guided_backprop.
    """
    return rectified(model, x, target, deconvolved, "deconvnet")


def guided(g, out):
    """g·1[x > 0]·1[g > 0]; out > 0 where x > 0."""
    return g * ((out > 0) & (g > 0))


def deconvolved(g):
    """g·1[g > 0]."""
    return g * (g > 0)


def rectified(model: Callable, x: Any, target: Any, rule: Callable, name: str) -> Any:
    """The gradient with ``rule`` in the place of the ReLU's own; ValueError if no ReLU lies between x and the target."""
    model, leaf = beside(model, x), Tensor(pixels(x), requires_grad=True)
    with recording(model), backward_rules({relu: rule}):
        numbers = score(model, leaf, target)
        calls = calls_between(leaf, numbers)
        if calls and not any(n.op is relu.op for n, _ in calls):
            raise ValueError(
                f"{name}: no ReLU runs between x and the target, so there is nothing to rectify; use gradient"
            )
        return slope(numbers, leaf, "x")
