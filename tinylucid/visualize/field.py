"""Receptive fields: which pixels what a layer gives at a place can depend on, whatever the picture.

The gradient is handed back by rules that know only whether something is looked at: a ReLU lets all pass, a max-pooling looks at
its whole window, a convolution at every pixel that a weight other than 0 lies on.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .. import devices
from ..autograd import grad
from ..explain.common import recording
from ..nn import Module
from ..nn.module import device_of
from ..ops import relu
from ..ops.adaptive import _adaptive_avg_pool2d_backward, _adaptive_max_pool2d
from ..ops.choice import _clip
from ..ops.conv import _conv2d, _conv2d_input
from ..ops.pool import _max_pool2d
from ..ops.reduce import _amax, spread
from ..scopes import backward_rules
from ..tensor import Tensor
from .seen import Sight


def receptive_field(
    model: Module, x: Any, layer: str, row: int, column: int, normalize: Callable[[Tensor], Any] | None = None
) -> Any:
    """The pixels, a mask (H, W), that the layer's planes at (row, column) can depend on, for pictures as large as x (1, C, H, W).

    What ``normalize`` does before the model is no part of it.
    """
    x = Tensor(x).to(device_of(model))
    leaf = Tensor((x if normalize is None else normalize(x)).data, requires_grad=True)
    with recording(model), backward_rules(RULES):
        out = Sight(model, [layer])(leaf, leaf).layer(layer)
        (g,) = grad(out[:, :, row, column].sum(), leaf, allow_unused=True)
    return np.zeros(x.shape[2:], bool) if g is None else (devices.host(g)[0] != 0).any(0)


def passed(g: Any) -> Any:
    """Nothing is held back."""
    return g


def whether(g: Any) -> Any:
    """1 where g is not 0, else 0, in its dtype."""
    return (g != 0).astype(g.dtype)


def by_weights(
    g: Any, need: list[bool], x: Any, weight: Any, stride: Any, padding: Any, dilation: Any, groups: int
) -> Any:
    """Through a convolution: 1 for each pixel that a weight lies on. (Half is for the rounding of fast algorithms.)"""
    how = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    counts = _conv2d_input(whether(g), whether(weight), input_size=x.shape, **how)
    return (counts > 0.5).astype(g.dtype), None, None


def by_window(g: Any, shapes: Any, kernel_size: Any, stride: Any, padding: Any, dilation: Any) -> Any:
    """Through a max-pooling: 1 for each pixel of a window."""
    size = shapes[0]
    ones = devices.namespace(g).ones((size[1], 1, *kernel_size), g.dtype)
    how = {"stride": stride, "padding": padding, "dilation": dilation, "groups": size[1]}
    return (_conv2d_input(whether(g), ones, input_size=size, **how) > 0.5).astype(g.dtype)


def by_adaptive_window(g: Any, shapes: Any) -> Any:
    """Through an adaptive max-pooling."""
    return _adaptive_avg_pool2d_backward(whether(g), size=shapes[0][2:])


def by_axes(g: Any, shapes: Any, axes: Any) -> Any:
    """Through the largest over some axes."""
    return spread(whether(g), shapes[0], axes)


RULES: dict[Any, Callable] = {
    relu: passed,
    _clip: passed,
    _conv2d: by_weights,
    _max_pool2d: by_window,
    _adaptive_max_pool2d: by_adaptive_window,
    _amax: by_axes,
}
