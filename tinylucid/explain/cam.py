"""Class activation maps: where in the picture a late layer saw what speaks for the class.

All are sums over the channels k of a layer's planes A (N, K, h, w), weighed by what the channel means to the class. They
differ in the weight alone; g = ∂z/∂A, z the target's logit:

    grad_cam      Σₖ meanᵢⱼ(gₖ) · Aₖ                 one weight a channel: the mean slope
    grad_cam_pp   Σₖ Σᵢⱼ(αₖᵢⱼ · ReLU(gₖᵢⱼ)) · Aₖ     one weight a channel: α evens out things of unlike size
    hires_cam     Σₖ gₖ ⊙ Aₖ                         one weight a place: its own slope
    layer_cam     Σₖ ReLU(gₖ) ⊙ Aₖ                   one weight a place: its own slope, if it speaks for the class
    score_cam     Σₖ softmaxₖ(z(x ⊙ Mₖ)) · Aₖ        one weight a channel: the logit of the picture seen through its map M

guided_grad_cam lays grad_cam over the picture of guided backprop.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from .. import devices
from ..gallery import Maps, giving
from ..nn import Module
from ..nn.module import mode
from ..ops import interpolate, softmax
from ..scopes import no_grad
from .common import planes, recording
from .gradients import slope
from .hide import answers
from .layers import scored_from
from .rectified import guided_backprop


@giving(Maps)
def grad_cam(
    model: Module, x: Any, target: Any, *, layer: str | Module | None = None, relu: bool = True, upsample: bool = True
) -> Any:
    """ReLU(Σₖ mean(∂z/∂Aₖ) · Aₖ), A (N, K, h, w) what a layer gives, z the target's logit (Selvaraju et al., 2017).

    Pictures x (N, C, H, W) → maps (N, H, W) in x's dtype: the small maps enlarged bilinearly, each value at the middle of
    its patch of the picture; (N, h, w) without ``upsample``. Without ``relu`` the map is signed: what speaks against the
    class is negative. ``layer`` is a module of the model or its dotted name in model.named_modules(), by default the last
    to run that gives a plane of more than one place; if it runs several times the last run counts. target as in gradient.
    Raises TypeError for a model that is no Module, ValueError for a layer that there is not, that is not run or gives no
    plane, RuntimeError for one that the target does not depend on, and as gradient does.
    """
    a, g, placed = looked_into(model, x, target, layer, relu, upsample)
    return placed((g.mean((2, 3), keepdims=True) * a).sum(1))


@giving(Maps)
def grad_cam_pp(
    model: Module, x: Any, target: Any, *, layer: str | Module | None = None, relu: bool = True, upsample: bool = True
) -> Any:
    """ReLU(Σₖ wₖ · Aₖ), wₖ = Σᵢⱼ αₖᵢⱼ · ReLU(gₖᵢⱼ), g = ∂z/∂A: Grad-CAM++ (Chattopadhay et al., 2018).

    αₖᵢⱼ = gₖᵢⱼ² / (2gₖᵢⱼ² + ΣₐᵦAₖₐᵦ · gₖᵢⱼ³) is derived for the score exp(z), whose factor exp(z), the same for all of a
    picture, is left out of the map. It is meant for planes after a ReLU: where ΣA < 0, α grows without bound and changes
    its sign around g·ΣA = −2. Where the denominator is 0, so is α. Otherwise as grad_cam.
    """
    a, g, placed = looked_into(model, x, target, layer, relu, upsample)
    below = 2 + g * a.sum((2, 3), keepdims=True)  # over g²; where g is 0, so is ReLU(g), and α does not matter
    alpha = np.divide(1, below, out=np.zeros_like(g), where=below != 0)
    return placed(((alpha * np.maximum(g, 0)).sum((2, 3), keepdims=True) * a).sum(1))


@giving(Maps)
def hires_cam(
    model: Module, x: Any, target: Any, *, layer: str | Module | None = None, relu: bool = True, upsample: bool = True
) -> Any:
    """ReLU(Σₖ gₖ ⊙ Aₖ), g = ∂z/∂A: each place by its own slope, no mean over places (Draelos & Carin, 2020).

    Without ``relu``, and where what follows the layer is linear, it sums to the logit without its bias. As grad_cam.
    """
    a, g, placed = looked_into(model, x, target, layer, relu, upsample)
    return placed((g * a).sum(1))


@giving(Maps)
def layer_cam(
    model: Module, x: Any, target: Any, *, layer: str | Module | None = None, relu: bool = True, upsample: bool = True
) -> Any:
    """ReLU(Σₖ ReLU(gₖ) ⊙ Aₖ), g = ∂z/∂A: each place by its own slope, if that is positive (Jiang et al., 2021).

    Sharp in early layers too. After a ReLU the map has no negative part to cut off. Otherwise as grad_cam.
    """
    a, g, placed = looked_into(model, x, target, layer, relu, upsample)
    return placed((np.maximum(g, 0) * a).sum(1))


@giving(Maps)
def score_cam(
    model: Module,
    x: Any,
    target: Any,
    *,
    layer: str | Module | None = None,
    relu: bool = True,
    upsample: bool = True,
    batch_size: int = 16,
) -> Any:
    """ReLU(Σₖ wₖ · Aₖ), w = softmax over k of z(x ⊙ Mₖ): asks no gradient (Wang et al., 2020).

    Mₖ is Aₖ enlarged to the picture and stretched to [0, 1]; 0 everywhere if Aₖ is the same everywhere. One pass a channel;
    ``batch_size``: pictures a pass, at least those of x. After a ReLU the map has no negative part to cut off. Otherwise
    as grad_cam, ValueError for a batch_size below 1, and no RuntimeError: what never changes gets equal weights.
    """
    x = planes(x)
    with mode(model, False), no_grad():
        a = devices.host(scored_from(model, x, target, layer)[1])
    weights = channel_weights(model, x, target, a, batch_size)
    return finished((weights[:, :, None, None] * a).sum(1), x.shape[2:], relu, upsample)


def channel_weights(model: Callable, x: Any, target: Any, a: Any, batch_size: int) -> Any:
    """The softmax over k of z(x ⊙ Mₖ), (N, K): each row sums to 1. (A black picture's z, which the paper takes off, cancels.)"""
    masks = (unit(enlarged(a[:, k], x.shape[2:])) for k in range(a.shape[1]))
    scores = answers(model, x, target, masks, 0, batch_size, "score_cam", a.shape[1])
    return softmax(np.stack(list(scores), 1), 1)


@giving(Maps)
def guided_grad_cam(model: Module, x: Any, target: Any, *, layer: str | Module | None = None) -> Any:
    """Guided backprop ⊙ Grad-CAM enlarged, shaped like x: fine lines, where the class was seen (Selvaraju et al., 2017).

    Signed as guided_backprop is; ``layer``, target and errors as in grad_cam and guided_backprop.
    """
    x = planes(x)
    return grad_cam(model, x, target, layer=layer)[:, None] * guided_backprop(model, x, target)


def looked_into(
    model: Module, x: Any, target: Any, layer: str | Module | None, relu: bool, upsample: bool
) -> tuple[Any, Any, Callable[[Any], Any]]:
    """A and g = ∂z/∂A of the layer, (N, K, h, w), and what makes the map of a sum over channels (N, h, w)."""
    x = planes(x)
    with recording(model):
        numbers, a, name = scored_from(model, x, target, layer)
        g = slope(numbers, a, f"layer {name!r}")
    return devices.host(a), g, partial(finished, size=x.shape[2:], relu=relu, upsample=upsample)


def finished(maps: Any, size: tuple[int, int], relu: bool, upsample: bool) -> Any:
    """Maps (N, h, w) without their negative part if ``relu``, and enlarged to ``size`` if ``upsample``."""
    maps = np.maximum(maps, 0) if relu else maps
    return enlarged(maps, size) if upsample else maps


def enlarged(maps: Any, size: tuple[int, int]) -> Any:
    """Maps (N, h, w) at another size, bilinear, each value at the middle of its patch."""
    return interpolate(maps[:, None], size, mode="bilinear")[:, 0]


def unit(maps: Any) -> Any:
    """Each map (N, H, W) from its smallest value to its largest as 0 … 1; 0 where all are the same but for rounding."""
    low, high = maps.min((1, 2), keepdims=True), maps.max((1, 2), keepdims=True)
    rounding = (
        100 * np.finfo(maps.dtype).eps * np.maximum(abs(low), abs(high))
    )  # stretched, it would be a mask of noise
    return np.divide(maps - low, high - low, out=np.zeros_like(maps), where=high - low > rounding)
