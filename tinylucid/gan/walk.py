"""A walk through a generator's latent space: pictures that turn into each other, as frames of a film."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .. import devices
from ..nn import Module
from ..nn.module import check_model, device_of, mode
from ..scopes import no_grad
from ..tensor import Tensor

SAME = 1e-6  # an angle below which two points lie in one direction


def walk(generator: Module, z: Any, y: Any = None, frames: int = 24) -> Any:
    """Pictures on the way from each point of z to the next and back to the first: (K · frames, N, C, H, W), for write_gif.

    z (K, latent): the points, at frames 0, ``frames``, 2 · ``frames`` …; the film's end joins its beginning. y (N,): class
    numbers; every frame shows the point in each of these classes, so that one sees what z means to all of them. None: for
    a generator without classes, N = 1. The generator is asked in eval mode, a frame at a time, and put back.
    Raises ValueError for z of another shape, and as path does.
    """
    check_model(generator, "walk")
    way = path(z, frames).astype(next((p.dtype for p in generator.parameters()), np.float32))
    latent = getattr(generator, "latent", way.shape[1])
    if way.shape[1] != latent:
        raise ValueError(
            f"walk: this generator takes z (K, {latent}), got {np.shape(z)}; draw rng.normal((K, {latent}))"
        )
    y = None if y is None else np.asarray(y)
    if y is not None and (y.ndim != 1 or y.dtype.kind not in "iu" or not len(y)):
        raise ValueError(f"walk: y must be class numbers (N,), such as np.arange(10), got {y.dtype} {y.shape}")
    n, place = 1 if y is None else len(y), device_of(generator)
    with mode(generator, training=False), no_grad():
        film = [generator(Tensor(devices.put(np.repeat(row[None], n, 0), place)), y) for row in way]
    return np.stack([devices.host(x) for x in film])


def path(z: Any, frames: int) -> Any:
    """Points on the way round from z[0] by z[1] … z[K − 1] back to z[0], (K · frames, D), in z's dtype.

    Between a and b, at t = 0, 1/frames …, the direction goes at even speed along the great circle,

    sin((1 − t)ω)/sin ω · a/‖a‖ + sin(tω)/sin ω · b/‖b‖ with ω the angle between them,

    and the length evenly from ‖a‖ to ‖b‖. On the straight line points would be nearer to 0 than normal draws in many
    dimensions ever are. Each z[k] is there exactly. Raises ValueError for fewer than two points, frames below 1, a point that
    is 0 or no number, and two that are opposite: no way is the shortest.
    Source: White, Sampling Generative Networks (2016).
    """
    z = devices.host(z)
    if z.ndim != 2 or len(z) < 2 or z.dtype.kind != "f":
        raise ValueError(f"walk: expected points z (K, latent) with K ≥ 2, floating, got {z.dtype} {z.shape}")
    if not isinstance(frames, (int, np.integer)) or frames < 1:
        raise ValueError(f"walk: frames from a point to the next must be an integer ≥ 1, got {frames!r}; 24 are smooth")
    length = np.linalg.norm(z.astype(np.float64), axis=1, keepdims=True)
    if not (np.isfinite(length) & (length > 0)).all():
        k = int((~(np.isfinite(length) & (length > 0))).argmax())
        raise ValueError(f"walk: point {k} of z has length {length[k, 0]:g}, so no direction; draw it by rng.normal")
    direction, t = z / length, np.arange(frames)[:, None] / frames
    way = []
    for k in range(len(z)):
        a, b = direction[k], direction[(k + 1) % len(z)]
        turned = between(a, b, t, f"points {k} and {(k + 1) % len(z)}")
        way.append((turned * ((1 - t) * length[k] + t * length[(k + 1) % len(z)])).astype(z.dtype))
        way[-1][0] = z[k]  # without rounding
    return np.concatenate(way)


def between(a: Any, b: Any, t: Any, which: str) -> Any:
    """The great circle from unit vector a to b at t (T, 1): (T, D)."""
    angle = 2 * math.atan2(np.linalg.norm(a - b), np.linalg.norm(a + b))  # exact for small and large ones alike
    if angle > math.pi - SAME:
        raise ValueError(f"walk: {which} of z are opposite, so no way between them is the shortest; put one in between")
    if angle < SAME:
        return np.repeat(a[None], len(t), 0)
    return (np.sin((1 - t) * angle) * a + np.sin(t * angle) * b) / math.sin(angle)
