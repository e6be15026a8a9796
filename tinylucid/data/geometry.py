"""Moving the pixels of pictures (N, C, H, W) and of their masks (N, H, W), each picture by its own amount.

Where a moved picture is not covered by the original, it goes on as in a mirror; its mask is −100 there, which
``F.cross_entropy`` ignores, since nobody labelled those pixels.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .textures import dihedral

UNKNOWN = -100  # the class number that losses ignore


def mirrored(x: Any, yes: Any) -> Any:
    """Pictures or masks (N, …, W), left and right exchanged where yes (N,)."""
    out = x.copy()
    out[yes] = x[yes][..., ::-1]
    return out


def turned(x: Any, pose: Any) -> Any:
    """Square pictures (N, C, H, H) or masks (N, H, H), each in one of eight poses (N,); ValueError unless square."""
    if x.shape[-1] != x.shape[-2]:
        raise ValueError(f"Augment: dihedral turns square pictures only, got {x.shape[-2]} × {x.shape[-1]} pixels")
    return dihedral(x, pose) if x.ndim == 4 else dihedral(x[:, None], pose)[:, 0]


def windows(x: Any, pad: int, top: Any, left: Any) -> Any:
    """Each picture or mask padded by ``pad`` pixels all round, then cut to its size from row top (N,), column left (N,)."""
    h, w = x.shape[-2:]
    if x.ndim == 4 and pad >= min(h, w):
        raise ValueError(f"Augment: pad_crop={pad} needs pictures of more than {pad} pixels a side, got {h} × {w}")
    margins = [(0, 0)] * (x.ndim - 2) + [(pad, pad)] * 2
    if x.ndim == 4:
        padded = np.pad(x, margins, "reflect")
    else:
        padded = np.pad(x, margins, constant_values=UNKNOWN)
    views = np.lib.stride_tricks.sliding_window_view(padded, (h, w), (-2, -1))  # (N, …, 2·pad + 1, 2·pad + 1, H, W)
    return views[np.arange(len(x)), ..., top, left, :, :]


def sources(shape: tuple[int, ...], angle: Any, factor: Any) -> Any:
    """Where each pixel comes from when pictures are turned by angle (N,) and magnified by factor (N,) about their middle.

    source = R(−angle)·(pixel − middle) / factor + middle; angles in radians, counter-clockwise as one looks at it. Returns
    rows and columns, (2, N, H, W).
    """
    h, w = shape[-2:]
    y, x = np.arange(h)[:, None] - (h - 1) / 2, np.arange(w) - (w - 1) / 2
    cos, sin = ((f(angle) / factor)[:, None, None] for f in (np.cos, np.sin))
    return np.stack([cos * y + sin * x + (h - 1) / 2, cos * x - sin * y + (w - 1) / 2])


def folded(at: Any, size: int) -> Any:
    """Places along an axis, folded back into 0 … size − 1 by mirrors in the centres of the outermost pixels."""
    if size == 1:
        return np.zeros_like(at)
    span = size - 1
    return span - np.abs(span - (at - 2 * span * np.floor(at / (2 * span))))  # np.remainder takes twenty times as long


def sampled(x: Any, at: Any) -> Any:
    """Pictures (N, C, H, W) at the rows and columns at (2, N, H, W): the weighted mean of the four pixels around."""
    c, h, w = x.shape[1:]
    below, right = w * (h > 1), int(w > 1)
    out = np.empty_like(x)
    for picture, rows, columns, new in zip(x.reshape(-1, c, h * w), folded(at[0], h), folded(at[1], w), out):
        # one after another, since the arrays of a whole batch leave the cache
        top = np.minimum(rows.astype(np.intp), max(h - 2, 0))
        left = np.minimum(columns.astype(np.intp), max(w - 2, 0))
        ty, tx = (rows - top).astype(x.dtype), (columns - left).astype(x.dtype)
        first = top * w + left
        upper, lower = (picture.take(k, 1) * (1 - tx) + picture.take(k + right, 1) * tx for k in (first, first + below))
        new[...] = upper * (1 - ty) + lower * ty
    return out


def nearest(mask: Any, at: Any) -> Any:
    """Masks (N, H, W) at the rows and columns at (2, N, H, W): the pixel that holds each place, −100 outside."""
    n, h, w = mask.shape
    row, column = np.floor(at + 0.5).astype(np.intp)
    inside = (row >= 0) & (row < h) & (column >= 0) & (column < w)
    found = mask[np.arange(n)[:, None, None], row * inside, column * inside]
    return np.where(inside, found, UNKNOWN)
