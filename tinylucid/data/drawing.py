"""How a picture of shapes() is drawn: outlines as complex numbers x + iy, filled one over the other by scikit-image."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..dtypes import float32
from ..random import Generator

Outlines = tuple[Any, ...]  # what lies inside an odd number of them is filled: the second is a hole in the first


def star(points: int, dent: float = 1.0) -> Any:
    """An outline with ``points`` tips at distance 1 and dents between them; a dent of 1 is as far out as the tips."""
    return np.exp(1j * np.pi * (np.arange(2 * points) / points - 0.5)) * np.tile([1, dent], points)


def shape(outer: Any, hole: Any = None) -> Outlines:
    """A shape of area 1, so that area does not give its class away (the shoelace formula)."""
    outlines = (outer,) if hole is None else (outer, hole)
    areas = [abs((np.conj(z) * np.roll(z, -1)).imag.sum() / 2) for z in outlines]
    side = np.sqrt(areas[0] - sum(areas[1:]))
    return tuple(z / side for z in outlines)


ROUND = star(24)
ARM = np.array([1 - 0.34j, 1 + 0.34j, 0.34 + 0.34j])  # one of a cross's four, with the corner after it
SHAPES = {
    "circle": shape(ROUND),
    "ring": shape(ROUND, 0.55 * ROUND),
    "square": shape(star(2)),
    "triangle": shape(star(3, 0.5)),
    "cross": shape(np.concatenate([1j**k * ARM for k in range(4)])),
    "star": shape(star(5, 0.4)),
}
ODDMENTS = (  # of no class
    shape(ROUND[:25]),  # half a disc
    shape(np.array([0, 2, 2 + 0.7j, 0.7 + 0.7j, 0.7 + 2j, 2j]) - 0.7 - 0.7j),  # the letter L
    shape(np.array([-2 - 0.4j, 2 - 0.4j, 2 + 0.4j, -2 + 0.4j])),  # a bar
    shape(ROUND * (1 + 0.35 * ROUND.real + 0.3 * (ROUND**3).imag)),  # a blob
)


def stamp(outlines: Outlines, size: int) -> Any:
    """The pixels inside outlines given in pixels, bool (size, size); what lies outside the picture is cut off."""
    from skimage.draw import polygon

    mask = np.zeros((size, size), bool)
    for z in outlines:
        mask[polygon(z.imag, z.real, (size, size))] ^= True
    return mask


def posed(rng: Generator, outlines: Outlines, low: float, high: float, size: int) -> Outlines:
    """A shape turned, scaled to √area between low and high of the picture's side, and put anywhere inside it."""
    scale, turn, right, down = rng.uniform((4,))
    turned = [z * (low + (high - low) * scale) * size * np.exp(2j * np.pi * turn) for z in outlines]
    reach = np.abs(turned[0]).max()
    room = size - 1 - 2 * reach
    return tuple(z + complex(reach + right * room, reach + down * room) for z in turned)


def line(rng: Generator, size: int) -> Outlines:
    """A line across the picture, from one side to the opposite one, size / 40 wide, but no thinner than unbroken."""
    u = rng.uniform((3,))
    start, end = complex(0, u[0] * size), complex(size, u[1] * size)
    if u[2] < 0.5:
        start, end = start * 1j + size, end * 1j + size  # a quarter turn: from top to bottom
    across = 1j * (end - start) / abs(end - start) * max(size / 40, 1.5) / 2
    return (np.array([start - across, end - across, end + across, start + across]),)


def ink(rng: Generator, ground: Any) -> Any:
    """A colour (3, 1) that differs from the ground's by 0.3 or more in red, in green and in blue."""
    return ((ground + 0.3 + 0.4 * rng.uniform((3,), float32)) % 1)[:, None]


def background(rng: Generator, ground: Any, size: int) -> Any:
    """Stripes over smooth shades of a colour: (3, size, size) float32, within 0.14 of it."""
    u = rng.uniform((5,), float32)
    y, x = np.arange(size, dtype=float32)[:, None] / size, np.arange(size, dtype=float32) / size
    angle, count = 2 * np.pi * u[0], 3 + 9 * u[1]
    stripes = np.sin(2 * np.pi * (count * (np.cos(angle) * x + np.sin(angle) * y) + u[2]))
    knots = rng.uniform((3, 4, 4), float32) * 2 - 1
    ramp = np.maximum(0, 1 - np.abs(3 * x[:, None] - np.arange(4, dtype=float32)))  # linear between four knots
    shades = ramp @ knots @ ramp.T
    return ground[:, None, None] + 0.06 * u[3] * stripes + (0.03 + 0.05 * u[4]) * shades


def picture(rng: Generator, name: str, size: int) -> tuple[Any, Any]:
    """One picture (3, size, size) float32 in [0, 1] of a shape, and the mask (size, size) of what is seen of it."""
    ground = 0.2 + 0.6 * rng.uniform((3,), float32)
    x = background(rng, ground, size)
    behind = [line(rng, size)]
    for _ in range(rng.integers(3, 7, ())):
        behind.append(posed(rng, ODDMENTS[rng.integers(0, len(ODDMENTS), ())], 0.07, 0.13, size))
    for thing in behind:
        x[:, stamp(thing, size)] = ink(rng, ground)
    mask = stamp(posed(rng, SHAPES[name], 0.26, 0.42, size), size)
    x[:, mask] = ink(rng, ground)
    before = stamp(line(rng, size), size)
    x[:, before] = ink(rng, ground)
    grain = (0.04 + 0.08 * rng.uniform((), float32)) * (rng.uniform((3, size, size), float32) - float32.type(0.5))
    return np.clip(x + grain, 0, 1), mask & ~before
