"""Pictures larger than memory: a net for pixels is asked tile by tile, and the answers flow into each other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from .. import devices
from ..data.dataset import as_float
from ..nn.module import mode
from ..patience import patience
from ..scopes import no_grad
from ..train.judge import answered


def tiled(model: Callable[[Any], Any], x: Any, *, tile: int = 256, overlap: int = 64) -> Any:
    """The model's logits (N, K, H, W) for pictures x (N, C, H, W), from squares of ``tile`` pixels a side, an array.

    Neighbouring tiles share ``overlap`` pixels. In the outer thirds of those, where a tile's own edge is seen, it does not count;
    over the third in between one tile's weight falls to 0 as the other's rises (a cosine), and all weights sum to 1. So the
    answer is that of the whole picture, but for rounding, where the net sees no further than a third of the overlap. For that
    tiles start at multiples of the largest power of two in tile − overlap (of 256 − 64 it is 64): a net that halves the
    picture up to six times finds the same squares there. The last tiles may be smaller, but no smaller than the overlap.

    At a time one tile passes through the net, in eval mode, without recording; besides, the result needs room, N·K·H·W numbers,
    but not the pictures: they may be a memory map of a file, or bytes, of which each tile by itself is made [0, 1]. On a
    terminal a bar shows how far it is after 2 seconds. Raises ValueError for an overlap that is not from 3 to half of the tile,
    and for a net whose answer is not as large as the tile.
    """
    x = devices.host(x)
    if x.ndim != 4 or 0 in x.shape:
        raise ValueError(f"tiled: expected pictures x (N, C, H, W), got {x.shape}; x[None] makes a batch of one")
    for name, value in (("tile", tile), ("overlap", overlap)):
        if not isinstance(value, (int, np.integer)):
            raise ValueError(f"tiled: {name} must be a whole number of pixels, got {value!r}")
    if not 3 <= overlap <= tile // 2:
        raise ValueError(
            f"tiled: overlap must be from 3 pixels to half of the tile's {tile}, {tile // 2}, got {overlap}; "
            "as a rule a quarter of the tile"
        )
    rows, columns = (list(spans(length, tile, overlap)) for length in x.shape[2:])
    falls, result = [weights(s, n, overlap) for s, n in zip((rows, columns), x.shape[2:])], None
    with mode(model, training=False), no_grad(), patience("tiled", len(x) * len(rows) * len(columns)) as bar:
        for k in range(len(x)):
            for down, i in zip(falls[0], rows):
                for across, j in zip(falls[1], columns):
                    logits = asked(model, np.ascontiguousarray(as_float(x[k : k + 1, :, i, j])))
                    if result is None:
                        result = np.zeros((len(x), logits.shape[1], *x.shape[2:]), logits.dtype)
                    result[k, :, i, j] += logits[0] * (down[:, None] * across).astype(logits.dtype)
                    bar(1)
    return result


def spans(length: int, tile: int, overlap: int) -> Iterator[slice]:
    """Where tiles lie along an axis: the last one ends with the picture, and is shorter or overlaps more."""
    step = tile - overlap
    grid = step & -step  # the largest power of two that divides it
    last = max(0, -(-(length - tile) // grid) * grid)
    for start in [*range(0, last, step), last]:
        yield slice(start, min(start + tile, length))


def weights(places: list[slice], length: int, overlap: int) -> list[Any]:
    """How much each tile counts at its pixels along an axis: 0 in the outer third of an overlap, a cosine's flank, then 1."""
    dead, found = overlap // 3, []
    for place in places:
        inside = np.arange(place.stop - place.start) + 0.5
        weight = np.ones_like(inside)
        for edge, at_edge in ((inside, place.start == 0), (inside[::-1], place.stop == length)):
            if not at_edge:
                rise = np.clip((edge - dead) / (overlap - 2 * dead), 0, 1)
                weight = weight * (1 - np.cos(np.pi * rise)) / 2
        found.append(weight)
    total = np.zeros(length)
    for place, weight in zip(places, found):
        total[place] += weight
    return [weight / total[place] for place, weight in zip(places, found)]


def asked(model: Any, x: Any) -> Any:
    """The logits of one tile, an array; ValueError unless they are as large as it."""
    logits = devices.host(answered(model, x))
    if logits.ndim != 4 or logits.shape[2:] != x.shape[2:]:
        raise ValueError(
            f"tiled: expected logits (1, K, {x.shape[2]}, {x.shape[3]}) of a tile {x.shape}, got {logits.shape}; "
            "it needs a net that gives every pixel a class"
        )
    return logits
