"""Features: which pixels are hidden together, given as numbers or found as superpixels."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import devices
from .common import at_least_one, planes


def superpixels(x: Any, n: int = 50) -> Any:
    """About n connected patches of like colour: whole numbers (N, H, W), from 0 in each picture (Achanta et al., 2012, SLIC).

    Pictures x (N, C, H, W) of any range: each is stretched to [0, 1] before its colours are compared, three channels as
    red, green and blue, by how unlike they look. A picture in which there is nothing to tell apart, of one colour
    or of noise, is cut into a grid. ValueError for n below 1, and for NaN and infinite pixels.
    """
    from skimage.segmentation import slic

    x = planes(x)
    at_least_one(n, "superpixels: n")
    found = np.zeros((len(x), *x.shape[2:]), int)
    for i, picture in enumerate(x.astype(float)):
        if not np.isfinite(picture).all():
            raise ValueError(f"superpixels: picture {i} has pixels that are NaN or infinite")
        compactness = 20 if len(picture) == 3 else 0.2  # slic stretches; three channels become Lab, which goes to 100
        patches = slic(picture, n_segments=n, compactness=compactness, start_label=0, channel_axis=0)
        found[i] = numbered(patches if len(np.unique(patches)) > n / 4 else grid(n, *patches.shape))
    return found


def grid(n: int, height: int, width: int) -> Any:
    """About n rectangles side by side, as whole numbers (height, width): at most one a pixel."""
    rows = min(height, max(1, round((n * height / width) ** 0.5)))
    columns = min(width, max(1, round(n / rows)))
    return (np.arange(height) * rows // height)[:, None] * columns + np.arange(width) * columns // width


def labelled(features: Any, x: Any) -> Any:
    """``features`` of pictures x, (H, W) or (N, H, W), as (N, H, W): numbered 0 … S − 1 in each picture, S its own."""
    given = devices.host(features)
    n, _, *size = x.shape
    if given.dtype.kind not in "iub" or given.shape not in (tuple(size), (n, *size)):
        raise ValueError(
            f"explain: features are whole numbers ({size[0]}, {size[1]}) or ({n}, {size[0]}, {size[1]}), one for each pixel; "
            f"got {given.dtype} of shape {given.shape}"
        )
    found = np.zeros((n, *size), int)
    for i, one in enumerate(np.broadcast_to(given, found.shape)):
        found[i] = numbered(one)
    return found


def numbered(labels: Any) -> Any:
    """The labels' ranks, 0 … S − 1, in place of the labels."""
    return np.unique(labels, return_inverse=True)[1].reshape(labels.shape)


def counts(labels: Any) -> Any:
    """How many features each picture has, (N,), from labels (N, H, W)."""
    return labels.max((1, 2), initial=-1) + 1


def painted(numbers: Any, labels: Any) -> Any:
    """Maps (N, H, W) in which each pixel has its feature's number, from numbers (N, S)."""
    return numbers[np.arange(len(labels))[:, None, None], labels]
