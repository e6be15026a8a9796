"""Parametrisations: what is moved to change a picture, and the range that the picture stays in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from .. import devices
from ..ops import sigmoid
from ..ops.fft import irfft2, rfft2
from ..random import Generator, floating
from ..tensor import Tensor
from . import colors as color

EVEN = 32  # pixels: a wave as long as that, or as the whole of a smaller picture, moves alike whatever the decay
SPREAD = 0.01  # standard deviation of the parameters at the start: nearly even grey, and no two pictures the same
RATE = 0.02  # of climbing, where channels are not mixed
EDGE = 0.01  # of the range from low to high: nearer to its ends the sigmoid is so flat that a start could hardly move
ROUNDING = 1e-5  # of the range, by which a start may lie outside it


@dataclass(frozen=True)
class Parametrisation:
    """Pictures (N, C, H, W) = low + (high − low) · sigmoid(M · paint(*parameters)), between low and high whatever is painted.

    ``parameters`` are leaf tensors of N rows each, row n for picture n; ``colors`` is M (C, C), which mixes the channels
    of each pixel, or None for none; calling it gives the pictures, a Tensor.
    """

    parameters: list[Tensor]
    paint: Callable[..., Any]
    shape: tuple[int, int, int, int]
    low: Any
    high: Any
    lr: float = RATE  # at which render usually climbs
    colors: Any = None

    def __call__(self) -> Tensor:
        return self.low + (self.high - self.low) * sigmoid(color.mixed(self.colors, self.paint(*self.parameters)))


def pixel(
    shape: tuple[int, int, int, int],
    low: Any = 0.0,
    high: Any = 1.0,
    *,
    start: Any = None,
    colors: Any = None,
    rng: Generator | None = None,
    dtype: Any = None,
) -> Parametrisation:
    """Each pixel by itself: pictures of ``shape`` (N, C, H, W), the parameters as large, drawn by ``rng`` (default: seed 0).

    ``low`` and ``high``: what a pixel may be, a number or one a channel. ``start``: pictures of that shape to begin with,
    instead of noise, as for DeepDream; what is nearer to low or high than 1 % of the range begins there. ``colors``: a
    matrix (C, C) that mixes the channels before they are squeezed between low and high, such as color_matrix learns
    from pictures; by default three channels are mixed as in photographs, and others not; ``np.eye(3)`` mixes nothing.
    The smaller steps of mixed channels are, the larger ``lr``. Raises ValueError for a shape without pixels, a range, a
    start or a matrix that is none. Climbing the gradient this way tends to give noise; see fourier.
    """
    size, kind = checked(shape), floating(dtype, "visualize")
    limit, colors = limits(low, high, size[1]), color.checked(colors, size[1])
    z = noise(size, rng, kind) if start is None else leaf(unpainted(start, size, limit, colors), kind)
    return Parametrisation([z], lambda z: z, size, *limit, RATE / color.reach(colors), colors)


def fourier(
    shape: tuple[int, int, int, int],
    low: Any = 0.0,
    high: Any = 1.0,
    *,
    decay: float = 1.0,
    start: Any = None,
    colors: Any = None,
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
    size, kind = checked(shape), floating(dtype, "visualize")
    if not isinstance(decay, (int, float, np.number)) or not np.isfinite(decay):
        raise ValueError(f"fourier: decay: expected a number, usually 1 or 2, got {decay!r}")
    h, w = size[2:]
    cycles = np.maximum(np.hypot(np.fft.fftfreq(h)[:, None], np.fft.rfftfreq(w)), 1 / max(h, w))
    scale = (np.sqrt(h * w) / cycles * (1 / (cycles * min(EVEN, max(h, w)))) ** (decay - 1))[..., None]
    limit, colors = limits(low, high, size[1]), color.checked(colors, size[1])
    if start is None:
        spectra = noise((*size[:2], h, w // 2 + 1, 2), rng, kind)
    else:
        spectra = leaf(rfft2(unpainted(start, size, limit, colors)) / scale, kind)
    scale = scale.astype(kind)
    return Parametrisation(
        [spectra], lambda s: irfft2(scale * s, (h, w)), size, *limit, RATE / color.reach(colors), colors
    )


def noise(shape: tuple[int, ...], rng: Generator | None, dtype: Any) -> Tensor:
    """A leaf of normal numbers, drawn picture by picture, so that the first ones do not depend on how many follow."""
    rng = generator(rng, "visualize")
    return leaf(SPREAD * np.stack([rng.normal(shape[1:], dtype) for _ in range(shape[0])]), dtype)


def generator(rng: Any, who: str) -> Generator:
    """``rng``, or for None one of seed 0; TypeError for what is no tl.Generator."""
    if not isinstance(rng, (Generator, type(None))):
        raise TypeError(f"{who}: rng: expected a tl.Generator, such as tl.Generator(7), got {type(rng).__name__}")
    return rng or Generator(0)


def leaf(z: Any, dtype: Any) -> Tensor:
    """A parameter."""
    return Tensor(z.astype(dtype), requires_grad=True)


def unpainted(x: Any, size: tuple[int, ...], limit: tuple[Any, Any], colors: Any) -> Any:
    """What is to be painted, before mixing and sigmoid, for pictures x; ValueError where they do not fit."""
    given, (low, high) = devices.host(x), limit
    if given.dtype.kind not in "biuf":
        raise TypeError(f"visualize: start: expected an array of pictures, got {type(x).__name__}; tl.data reads files")
    x = np.asarray(given, np.float64)
    if x.shape != size:
        raise ValueError(f"visualize: start must be pictures of the same shape {size}, got {x.shape}")
    share = (x - low) / (high - low)
    off = ~((share >= -ROUNDING) & (share <= 1 + ROUNDING))  # NaN too
    if off.any():
        c = int(off.argmax()) // (size[2] * size[3]) % size[1]
        between = " … ".join(f"{float(np.broadcast_to(end, (size[1], 1, 1))[c, 0, 0]):g}" for end in limit)
        raise ValueError(
            f"visualize: start has to lie between low and high, {between} in channel {c}, got {x[off][0]} there; "
            "give low and high, or pictures as they look rather than as they are prepared for the net"
        )
    share = share.clip(EDGE, 1 - EDGE)
    return color.unmixed(colors, np.log(share / (1 - share)))


def checked(shape: Any) -> tuple[int, int, int, int]:
    """``shape`` as (N, C, H, W); ValueError where it is none of a picture."""
    size = tuple(shape) if isinstance(shape, (list, tuple, np.ndarray)) else ()
    if len(size) != 4 or not all(isinstance(n, (int, np.integer)) and n >= 1 for n in size):
        raise ValueError(f"visualize: expected the shape (N, C, H, W) of pictures, each at least 1, got {shape!r}")
    return size


def limits(low: Any, high: Any, channels: int) -> tuple[Any, Any]:
    """low and high, shaped (C, 1, 1) or (1, 1, 1); ValueError unless low < high, both finite."""
    both = []
    for value in (low, high):
        found = np.asarray(value)
        if found.dtype.kind not in "biuf" or found.shape not in ((), (channels,)):
            what = repr(value) if found.ndim < 2 else f"an array {found.shape}; pictures to begin with go to start="
            raise ValueError(
                f"visualize: low and high are one number, or one for each of {channels} channels, got {what}"
            )
        array = found.astype(np.float64)
        both.append(array.reshape(-1, 1, 1))
    if not (np.isfinite(both[0]) & np.isfinite(both[1]) & (both[0] < both[1])).all():
        raise ValueError(f"visualize: expected finite low < high, got low {low!r} and high {high!r}")
    return both[0], both[1]
