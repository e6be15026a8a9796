"""Initialisation: fill a parameter in place with random numbers of the right size for its fan.

fan_in is how many inputs a unit sums, fan_out how many outputs an input feeds: for a weight (O, I, kh, kw) they are
I·kh·kw and O·kh·kw.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from tinylucid_kernels.gpu.replay import changed

from .. import devices
from ..random import Generator, default_generator
from ..tensor import Tensor


def fans(tensor: Tensor) -> tuple[int, int]:
    """(fan_in, fan_out) of a weight (O, I, …); ValueError for fewer than two axes."""
    if tensor.ndim < 2:
        raise ValueError(f"init: a fan needs a weight of at least two axes (O, I, …), got {tensor.shape}")
    field = math.prod(tensor.shape[2:])
    return tensor.shape[1] * field, tensor.shape[0] * field


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """By how much a nonlinearity shrinks the standard deviation: √2 for ReLU, 5/3 for tanh, 1 for linear and sigmoid."""
    gains = {"linear": 1.0, "conv2d": 1.0, "sigmoid": 1.0, "tanh": 5 / 3, "relu": math.sqrt(2)}
    if nonlinearity == "leaky_relu":
        return math.sqrt(2 / (1 + (0.01 if param is None else param) ** 2))
    if nonlinearity not in gains:
        raise ValueError(f"calculate_gain: expected one of {[*gains, 'leaky_relu']}, got {nonlinearity!r}")
    return gains[nonlinearity]


def _fill(tensor: Tensor, values: Any) -> Tensor:
    tensor.data[...] = devices.beside(values, tensor) if devices.is_array(values) else values
    changed(tensor.version)
    return tensor


def uniform_(tensor: Tensor, a: float = 0.0, b: float = 1.0, *, rng: Generator | None = None) -> Tensor:
    """Uniform in [a, b)."""
    return _fill(tensor, a + (b - a) * (rng or default_generator).uniform(tensor.shape, tensor.dtype))


def normal_(tensor: Tensor, mean: float = 0.0, std: float = 1.0, *, rng: Generator | None = None) -> Tensor:
    """Normal with that mean and standard deviation."""
    return _fill(tensor, mean + std * (rng or default_generator).normal(tensor.shape, tensor.dtype))


def constant_(tensor: Tensor, val: float) -> Tensor:
    """Every element ``val``."""
    return _fill(tensor, val)


def zeros_(tensor: Tensor) -> Tensor:
    """Every element 0."""
    return _fill(tensor, 0)


def ones_(tensor: Tensor) -> Tensor:
    """Every element 1."""
    return _fill(tensor, 1)


def _kaiming_std(tensor: Tensor, a: float, mode: str, nonlinearity: str) -> float:
    if mode not in ("fan_in", "fan_out"):
        raise ValueError(f"init: mode must be 'fan_in' or 'fan_out', got {mode!r}")
    return calculate_gain(nonlinearity, a) / math.sqrt(fans(tensor)[mode == "fan_out"])


def kaiming_uniform_(
    tensor: Tensor,
    a: float = 0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    *,
    rng: Generator | None = None,
) -> Tensor:
    """Uniform in ±√3·gain/√fan (He et al., 2015, equation 10): keeps the variance through ReLU layers."""
    bound = math.sqrt(3) * _kaiming_std(tensor, a, mode, nonlinearity)
    return uniform_(tensor, -bound, bound, rng=rng)


def kaiming_normal_(
    tensor: Tensor,
    a: float = 0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    *,
    rng: Generator | None = None,
) -> Tensor:
    """Normal with std gain/√fan (He et al., 2015, equation 10)."""
    return normal_(tensor, 0, _kaiming_std(tensor, a, mode, nonlinearity), rng=rng)


def xavier_uniform_(tensor: Tensor, gain: float = 1.0, *, rng: Generator | None = None) -> Tensor:
    """Uniform in ±gain·√(6/(fan_in + fan_out)) (Glorot and Bengio, 2010, equation 16)."""
    bound = gain * math.sqrt(6 / sum(fans(tensor)))
    return uniform_(tensor, -bound, bound, rng=rng)


def xavier_normal_(tensor: Tensor, gain: float = 1.0, *, rng: Generator | None = None) -> Tensor:
    """Normal with std gain·√(2/(fan_in + fan_out)) (Glorot and Bengio, 2010, equation 12)."""
    return normal_(tensor, 0, gain * math.sqrt(2 / sum(fans(tensor))), rng=rng)


def bilinear_(tensor: Tensor) -> Tensor:
    """Bilinear interpolation: a transposed convolution with this weight, stride s and padding s/2 enlarges pictures by s.

    The weight (C, 1, 2s, 2s) of groups=C, or (C, C, 2s, 2s), whose other planes become 0: each channel by itself. One tap
    is w[i] = 1 − |i + ½ − s| / s; a pixel's tent reaches to the middles of its neighbours, so that two overlap anywhere and
    sum to 1. Less than s/2 from the border one of them is missing, as if there were zeros beyond it. There is nothing
    random. Source: Long, Shelhamer and Darrell, 2015, section 3.3. ValueError for another shape.
    """
    c, each, *kernel_size = tensor.shape if tensor.ndim == 4 else (0, 0, 1)
    if each not in (1, c) or any(k % 2 for k in kernel_size):
        raise ValueError(
            "bilinear_: expected the weight (C, 1, 2s, 2s) or (C, C, 2s, 2s) of a transposed convolution, got "
            f"{tensor.shape}; make it by ConvTranspose2d(C, C, 2 * s, stride=s, padding=s // 2, groups=C, bias=False)"
        )
    rows, columns = (1 - abs(np.arange(k) + 0.5 - k / 2) / (k / 2) for k in kernel_size)
    own = np.eye(c) if each == c else np.ones((c, 1))
    return _fill(tensor, own[:, :, None, None] * (rows[:, None] * columns))
