"""Parametrisations: what is moved to change a picture, and the range that the picture stays in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..ops import sigmoid
from ..ops.fft import irfft2
from ..random import Generator
from ..tensor import Tensor

EVEN = 32  # pixels: a wave as long as that, or as the whole of a smaller picture, moves alike whatever the decay
SPREAD = 0.01  # standard deviation of the parameters at the start: nearly even grey, and no two pictures the same


@dataclass(frozen=True)
class Parametrisation:
    """Pictures (N, C, H, W) = low + (high − low) · sigmoid(paint(*parameters)), between low and high whatever is painted.

    ``parameters`` are leaf tensors of N rows each, row n for picture n; calling it gives the pictures, a Tensor.
    """

    parameters: list[Tensor]
    paint: Callable[..., Any]
    shape: tuple[int, int, int, int]
    low: Any
    high: Any
    lr: float = 0.02  # the rate at which render usually climbs

    def __call__(self) -> Tensor:
        return self.low + (self.high - self.low) * sigmoid(self.paint(*self.parameters))


def pixel(
    shape: tuple[int, int, int, int],
    low: Any = 0.0,
    high: Any = 1.0,
    *,
    rng: Generator | None = None,
    dtype: Any = None,
) -> Parametrisation:
    """Each pixel by itself: pictures of ``shape`` (N, C, H, W), the parameters as large, drawn by ``rng`` (default: seed 0).

    ``low`` and ``high``: what a pixel may be, a number or one a channel. Raises ValueError for a shape without pixels and
    for a range that is none. Climbing the gradient this way tends to give noise; see fourier.
    """
    size = checked(shape)
    return Parametrisation([start(size, rng, dtype)], lambda z: z, size, *limits(low, high, size[1], dtype))


def fourier(
    shape: tuple[int, int, int, int],
    low: Any = 0.0,
    high: Any = 1.0,
    *,
    decay: float = 1.0,
    rng: Generator | None = None,
    dtype: Any = None,
) -> Parametrisation:
    """Waves: the parameters are spectra (N, C, H, W//2 + 1, 2), (real, imaginary), scaled so that coarse waves move first.

    picture = irfft2(√(HW) / f · (1 / ℓf)^(decay − 1) · S),  f the cycles a pixel of a wave, at least 1/max(H, W), and ℓ = 32
    pixels, or max(H, W) where that is less. With
    ``decay`` 1 (Olah et al., "Feature visualization", 2017) all scales of a picture change at a like speed, as in
    photographs, so climbing the gradient gives less noise than pixel by pixel. With 2 coarse waves come first: the
    picture of a class is recognised by other nets far more often, and fine grain, where it is what a channel wants,
    comes later. Arguments and errors otherwise as for pixel.
    """
    size = checked(shape)
    h, w = size[2:]
    cycles = np.maximum(np.hypot(np.fft.fftfreq(h)[:, None], np.fft.rfftfreq(w)), 1 / max(h, w))
    spectra = start((*size[:2], h, w // 2 + 1, 2), rng, dtype)
    scale = (np.sqrt(h * w) / cycles * (1 / (cycles * min(EVEN, max(h, w)))) ** (decay - 1))[..., None].astype(
        spectra.dtype
    )
    limit = limits(low, high, size[1], dtype)
    return Parametrisation([spectra], lambda s: irfft2(scale * s, (h, w)), size, *limit)


def start(shape: tuple[int, ...], rng: Generator | None, dtype: Any) -> Tensor:
    """A leaf of normal numbers, drawn picture by picture, so that the first ones do not depend on how many follow."""
    rng = rng or Generator(0)
    return Tensor(SPREAD * np.stack([rng.normal(shape[1:], dtype) for _ in range(shape[0])]), requires_grad=True)


def checked(shape: Any) -> tuple[int, int, int, int]:
    """``shape`` as (N, C, H, W); ValueError where it is none of a picture."""
    size = tuple(shape)
    if len(size) != 4 or not all(isinstance(n, (int, np.integer)) and n >= 1 for n in size):
        raise ValueError(f"visualize: expected the shape (N, C, H, W) of pictures, each at least 1, got {shape!r}")
    return size


def limits(low: Any, high: Any, channels: int, dtype: Any) -> tuple[Any, Any]:
    """low and high, shaped (C, 1, 1) or a single number; ValueError unless low < high, both finite."""
    both = []
    for value in (low, high):
        array = np.asarray(value, np.float64)
        if array.shape not in ((), (channels,)):
            raise ValueError(
                f"visualize: low and high are one number, or one for each of {channels} channels, got {value!r}"
            )
        both.append(array.reshape(-1, 1, 1))
    if not (np.isfinite(both[0]) & np.isfinite(both[1]) & (both[0] < both[1])).all():
        raise ValueError(f"visualize: expected finite low < high, got low {low!r} and high {high!r}")
    kind = start((1, 1), None, dtype).dtype
    return both[0].astype(kind), both[1].astype(kind)
