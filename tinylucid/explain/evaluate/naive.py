"""Maps that know nothing of the net: what every method must beat before it may be believed."""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np

from ...random import Generator
from ..common import planes


def random_map(model: Any, x: Any, target: Any, *, rng: Generator | None = None) -> Any:
    """Uniform noise in [0, 1), planes (N, H, W) in the dtype of x (N, C, H, W): the map of chance.

    ``rng``, by default Generator(0), and the picture's own bytes choose its noise, so that a picture has the same map in
    every batch, and two pictures have two. Neither model nor target is looked at.
    """
    x = planes(x)
    seed = int((rng or Generator(0)).integers(0, 2**31, ())) << 32
    streams = (Generator(seed + zlib.crc32(one.tobytes())) for one in x)
    return np.stack([s.uniform(x.shape[2:], x.dtype) for s in streams]) if len(x) else x.mean(1)


def edges(model: Any, x: Any, target: Any) -> Any:
    """√(sx² + sy²), s Sobel's differences of the mean of the channels: planes (N, H, W), edges continued.

    What the eye takes for a good explanation of almost any picture (Adebayo et al., 2018, section 5). Neither model nor
    target is looked at.
    """
    from scipy.ndimage import sobel

    x = planes(x)
    grey = x.mean(1)
    slopes = [[sobel(one, axis, mode="nearest") for one in grey] for axis in (0, 1)]  # of a batch it would mix pictures
    return np.hypot(*np.reshape(slopes, (2, *grey.shape))).astype(x.dtype, copy=False)
