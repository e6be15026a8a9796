"""The gradient: which way, and how strongly, each pixel moves a class's logit; and what the pixels' own values make of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .. import devices
from ..autograd import grad
from ..gallery import Maps, giving
from ..tensor import Tensor
from .common import beside, pixels, recording, score


@giving(Maps)
def gradient(model: Callable[[Any], Any], x: Any, target: Any) -> Any:
    """∂ logit[target] / ∂x, an array shaped like x and in its dtype, signed (Simonyan et al., 2014, section 3).

    ``model`` maps x (N, …), a floating array or Tensor, to logits. ``target`` is a class for all pictures, one each (N,),
    or a function of the logits that gives one number a picture: ``lambda z: z[:, 3] - z[:, 5]``, or for a segmentation
    ``lambda z: z[:, 3, 8:16, 8:16].mean((1, 2))``. A Module runs in eval mode, and its modes, gradients and statistics
    stay as they were; it runs on its own device, another function on the GPU if x is there. The map is a NumPy array.
    Raises TypeError for a dtype that has no gradient, ValueError for a target that does not fit, RuntimeError for one that
    does not depend on x.
    """
    model, leaf = beside(model, x), Tensor(pixels(x), requires_grad=True)
    with recording(model):
        return slope(score(model, leaf, target), leaf, "x")


@giving(Maps)
def gradient_x_input(model: Callable[[Any], Any], x: Any, target: Any) -> Any:
    """x · ∂ logit[target] / ∂x, element by element, an array shaped like x (Shrikumar et al., 2016).

    In a net of ReLUs, pooling and layers linear in x the map and the biases' share, Σ bias · ∂z/∂bias, sum to the logit
    z; without biases the map alone does. A pixel that is 0 gets 0. Model, x, target and errors as in gradient.
    """
    return pixels(x) * gradient(model, x, target)


def slope(numbers: Tensor, leaf: Tensor, name: str) -> Any:
    """∂ Σ numbers / ∂ leaf, a NumPy array; RuntimeError if they do not depend on it."""
    ones = np.ones(numbers.shape, numbers.dtype)
    (found,) = grad(numbers, leaf, ones, allow_unused=True) if numbers.requires_grad else (None,)
    if found is None:
        raise RuntimeError(
            f"explain: the target has no gradient in {name}; does the model detach, or does the target not depend on it?"
        )
    return devices.host(found)
