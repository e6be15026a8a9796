"""A small net that draws: each pixel's colour is a function of its place, so a picture is smooth and has no one size."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..ops import concatenate, matmul, tanh
from ..random import Generator, floating
from ..tensor import Tensor
from .parametrise import Parametrisation, checked, generator, limits

LAYERS, WIDTH = 8, 24
TURN = 0.63, 0.39, 0.31  # of u = tanh of a standard normal number: √mean(u²), mean(u²) and the standard deviation of u²
CALM = 0.8  # of the weights that would keep the variance: with 1 pictures begin as noise, with 0.5 flat
FAINT, BIAS = 0.5, 0.1  # the same of the last layer's; how much biases vary at the start


def cppn(
    shape: tuple[int, int, int, int],
    low: Any = 0.0,
    high: Any = 1.0,
    *,
    parameters: Sequence[Tensor] | None = None,
    rng: Generator | None = None,
    dtype: Any = None,
) -> Parametrisation:
    """A compositional pattern producing network: pictures of ``shape`` (N, C, H, W), each drawn by a net of its own.

    Eight layers of 24 units take the place (x, y) of a pixel's centre, the longer side running from −√3 to √3, to its
    channels, each layer by a = W z + b,  u = tanh a,  z = (u / 0.63, (u² − 0.39) / 0.31),  which has mean 0 and
    variance 1 where a has. The parameters are the weights (N, out, in) and biases (N, out, 1), layer after layer, drawn
    by ``rng`` (default: seed 0). What it draws is smooth, and the same at every size: ``parameters`` takes those of
    another, ``cppn((1, 3, 512, 512), parameters=small.parameters)``, which both then share. ``low``, ``high`` and errors
    as for pixel; ValueError or TypeError for parameters that are not of another cppn with as many pictures and channels.
    After Stanley, "Compositional pattern producing networks", 2007, and Mordvintsev et al., "Differentiable image
    parameterizations", 2018.
    """
    size = checked(shape)
    shapes: list[tuple[int, ...]] = [
        s for out, into in widths(size[1]) for s in ((size[0], out, into), (size[0], out, 1))
    ]
    leaves = drawn(shapes, rng, floating(dtype, "visualize")) if parameters is None else another(parameters, shapes)
    places = grid(*size[2:]).astype(leaves[0].dtype)

    def paint(*parameters: Tensor) -> Any:
        z: Any = places
        for weight, bias in zip(parameters[:-2:2], parameters[1:-2:2]):
            u = tanh(matmul(weight, z) + bias)
            z = concatenate([u / TURN[0], (u * u - TURN[1]) / TURN[2]], 1)
        return (matmul(parameters[-2], z) + parameters[-1]).reshape(size)

    return Parametrisation(leaves, paint, size, *limits(low, high, size[1]), lr=0.005)


def another(parameters: Any, shapes: list[tuple[int, ...]]) -> list[Tensor]:
    """The parameters as a list; errors unless they are Tensors of those shapes."""
    if not isinstance(parameters, (list, tuple)) or not all(isinstance(p, Tensor) for p in parameters):
        raise TypeError(
            f"cppn: parameters takes those of another cppn, such as small.parameters, got {type(parameters).__name__}"
        )
    if [p.shape for p in parameters] != shapes:
        (n, channels, _), found = shapes[-1], " … ".join(str(p.shape) for p in (*parameters[:1], *parameters[1:][-1:]))
        raise ValueError(
            f"cppn: expected the {len(shapes)} parameters of another cppn of {n} pictures of {channels} channels, "
            f"{shapes[0]} … {shapes[-1]}, got {len(parameters)}: {found or 'none'}"
        )
    return list(parameters)


def widths(channels: int) -> list[tuple[int, int]]:
    """(out, in) of each layer; two numbers of each unit go on."""
    return [(WIDTH, 2), *[(WIDTH, 2 * WIDTH)] * (LAYERS - 1), (channels, 2 * WIDTH)]


def grid(h: int, w: int) -> Any:
    """(x, y) of the pixels' centres, (2, H·W): from the middle, as long as the longer side is 2√3, whose variance is 1."""
    y, x = ((np.arange(n) + 0.5 - n / 2) * (2 * math.sqrt(3) / max(h, w)) for n in (h, w))
    return np.stack([a.ravel() for a in np.meshgrid(x, y)])


def drawn(shapes: list[tuple[int, ...]], rng: Generator | None, dtype: Any) -> list[Tensor]:
    """Leaves of normal numbers, drawn picture by picture: weights of variance CALM²/in, FAINT²/in of the last, biases of BIAS²."""
    rng, n = generator(rng, "cppn"), shapes[0][0]
    rows = [[rng.normal(s[1:], dtype) for s in shapes] for _ in range(n)]
    gains = [*[CALM] * LAYERS, FAINT]
    spread = [number for gain, weight in zip(gains, shapes[::2]) for number in (gain * weight[2] ** -0.5, BIAS)]
    return [
        Tensor((np.stack(numbers) * deviation).astype(dtype), requires_grad=True)
        for numbers, deviation in zip(zip(*rows), spread)
    ]
