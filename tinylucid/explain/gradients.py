"""Attribution by gradients: which way, and how strongly, each pixel moves a class's logit."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from .. import dtypes
from ..autograd import grad
from ..nn import Module
from ..scopes import enable_grad
from ..tensor import Tensor


def gradient(model: Callable[[Any], Any], x: Any, target: Any) -> Any:
    """∂ logit[target] / ∂x, an array shaped like x and in its dtype, signed (Simonyan et al., 2014, section 3).

    ``model`` maps x (N, …), a floating array or Tensor, to logits (N, K); ``target`` is a class for all pictures or one
    each, (N,), in 0 … K − 1. A Module runs in eval mode, and its modes, gradients and statistics stay as they were.
    Raises TypeError for a dtype that has no gradient, ValueError for a target that does not fit, RuntimeError for logits
    that do not depend on x.
    """
    pixels = Tensor(x.data if isinstance(x, Tensor) else np.asarray(x))
    dtypes.check_floating(pixels.data, "gradient")
    classes = targets(target, pixels.shape)
    pixels.requires_grad = True
    with evaluating(model), enable_grad():
        logits = model(pixels)
        (slope,) = grad(logits, pixels, one_hot(classes, logits))
    return slope.data  # type: ignore[union-attr]


def targets(target: Any, shape: tuple[int, ...]) -> Any:
    """``target`` as one class number a picture (N,), for pictures of this shape (N, …)."""
    if not shape:
        raise ValueError("gradient: expected pictures x (N, …), got a single number")
    classes = np.asarray(target.data if isinstance(target, Tensor) else target)
    if classes.dtype.kind not in "iu" or classes.shape not in ((), shape[:1]):
        raise ValueError(
            f"gradient: target must be one class number, or one for each of the {shape[0]} pictures of x {shape}; "
            f"got {classes.dtype} of shape {classes.shape}"
        )
    return np.broadcast_to(classes, shape[:1])


def one_hot(classes: Any, logits: Any) -> Any:
    """1 at each picture's class, else 0, shaped like the logits (N, K); ValueError where the classes do not fit them."""
    if logits.ndim != 2 or logits.shape[0] != len(classes):
        raise ValueError(f"gradient: expected logits ({len(classes)}, K) from the model, got {logits.shape}")
    k = logits.shape[1]
    outside = classes[(classes < 0) | (classes >= k)]
    if outside.size:
        raise ValueError(f"gradient: target {outside[0]} is outside 0 … {k - 1}; the model gives {k} logits")
    return (classes[:, None] == np.arange(k)).astype(logits.dtype)


@contextlib.contextmanager
def evaluating(model: Any) -> Iterator[None]:
    """Eval mode for the duration of a ``with``; afterwards every module is in the mode it was in."""
    modes = [(module, module.training) for module in model.modules()] if isinstance(model, Module) else []
    try:
        for module, _ in modes:
            module.training = False
        yield
    finally:
        for module, mode in modes:
            module.training = mode
