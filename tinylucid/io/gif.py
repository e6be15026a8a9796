"""A film of pictures as a GIF file."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, BinaryIO

import numpy as np

SMALLEST = 128  # pixels a side: smaller pictures are shown enlarged by a whole number
PAUSE, LAST = 80, 2000  # milliseconds that a frame stays, and the last one


def write_gif(file: BinaryIO, frames: Sequence[Any], columns: int = 5, last: int = LAST) -> None:
    """Frames, each of pictures (N, C, H, W) in [0, 1], grey or RGB, side by side, to a file open for writing.

    The pictures stand in rows of ``columns``, in the same place in each frame; the last one stays for ``last``
    milliseconds. It plays again and again.
    """
    from PIL import Image

    write_film(file, [Image.fromarray(side_by_side(x, columns)) for x in frames], last)


def write_film(file: BinaryIO, film: Sequence[Any], last: int = LAST) -> None:
    """The same of frames that are pictures of PIL already."""
    pauses = [PAUSE] * (len(film) - 1) + [last]
    film[0].save(file, format="GIF", save_all=True, append_images=film[1:], duration=pauses, loop=0)


def side_by_side(x: Any, columns: int) -> Any:
    """Pictures (N, C, H, W) in [0, 1] as one picture of bytes, (h, w) grey or (h, w, 3), a white line around each."""
    n, c, h, w = x.shape
    times = max(1, math.ceil(SMALLEST / max(h, w)))
    cells = np.repeat(np.repeat(np.clip(x, 0, 1), times, 2), times, 3)
    cells = np.pad((255 * cells).round().astype(np.uint8), ((0, 0), (0, 0), (1, 1), (1, 1)), constant_values=255)
    across = min(columns, n)
    down = math.ceil(n / across)
    page = np.full((down * across, *cells.shape[1:]), 255, np.uint8)
    page[:n] = cells
    rows = page.reshape(down, across, c, *cells.shape[2:]).transpose(0, 3, 1, 4, 2)
    whole = rows.reshape(down * cells.shape[2], across * cells.shape[3], c)
    return whole[:, :, 0] if c == 1 else whole
