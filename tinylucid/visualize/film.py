"""How pictures come about: frames on the way, kept as a GIF."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from .. import devices
from ..io.atomic import replacing
from ..io.gif import write_gif
from ..tensor import Tensor
from .parametrise import Parametrisation

FRAMES = 40  # of a film; more make the file larger and show no more
FAINT = (0.5, 99.5)  # percentiles of the last picture that are black and white, where it is grey


@contextlib.contextmanager
def filming(path: Any, picture: Parametrisation, steps: int) -> Iterator[Callable[[Any, Tensor], None]]:
    """A function of (step, pictures) that keeps some 40 frames, and always the one of step None; at the end ``path`` is written.

    For no path it does nothing. Raises OSError at once where the file cannot be written, ValueError for a name
    that does not end with .gif, and for pictures that are neither grey nor RGB.
    """
    if path is None:
        yield lambda step, x: None
        return
    if not isinstance(path, (str, Path)) or Path(path).suffix.lower() != ".gif":
        raise ValueError(f"render: gif: expected the name of a file that ends with .gif, got {str(path)!r}")
    if picture.shape[1] not in (1, 3):
        raise ValueError(
            f"render: a film shows grey or RGB pictures, 1 or 3 channels, got {picture.shape}; leave out gif"
        )
    frames: list[Any] = []
    every = max(1, steps // FRAMES)

    def film(step: int | None, x: Tensor) -> None:
        if step is None or step % every == 0:
            frames.append((devices.host(x) - devices.host(picture.low)) / devices.host(picture.high - picture.low))

    with replacing(path) as file:
        yield film
        write_gif(file, stretched(frames))


def stretched(frames: list[Any]) -> list[Any]:
    """Frames of pictures (N, C, H, W); grey ones in the range that the last frame's have, so that faint ones are seen."""
    if frames[-1].shape[1] == 3:
        return frames
    low, high = np.percentile(frames[-1], FAINT, axis=(1, 2, 3), keepdims=True)
    return [(x - low) / np.maximum(high - low, 1e-6) for x in frames]
