"""One picture file, of any kind, size and mode, as bytes of one size; or one error that says what is wrong with it."""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import Any

import numpy as np


class PictureError(ValueError):
    """A picture file that cannot be read; the message names it and says why, in one line."""


def read_picture(path: str | Path, size: int = 32, color: bool = True) -> Any:
    """The picture in a file as uint8 (C, size, size), C 3 (red, green, blue) or 1 (grey), from the middle of it.

    The shorter side becomes ``size`` pixels, antialiased, and what is over on the longer side is cut off on both ends. The
    camera's orientation (EXIF) is applied, transparency is laid over white, 16-bit values are scaled by 1/257, and of an
    animation the first frame is taken; grey is 0.299 red + 0.587 green + 0.114 blue. Raises PictureError for a
    file that is missing, empty, damaged, no picture, or larger than Pillow allows (179 million pixels), and ValueError for a
    size below 1.
    """
    from PIL import Image

    if not isinstance(size, (int, np.integer)) or size < 1:
        raise ValueError(f"read_picture: size must be an integer ≥ 1, got {size!r}")
    if not any(f[2] is Image.DecompressionBombWarning for f in warnings.filters):
        # above half the limit Pillow warns; a photograph of 10,000 × 10,000 pixels is welcome
        warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)
    try:
        with Image.open(path) as picture:
            picture.draft(
                None, (2 * size, 2 * size)
            )  # a JPEG is decoded at a half, quarter or eighth if that is enough
            return squared(picture, size, color)
    except Exception as error:  # damaged files raise many kinds
        raise PictureError(f"cannot read {path}: {why(error, path)}") from error


def read_whole(path: str | Path, color: bool = True) -> Any:
    """The whole picture in a file as uint8 (C, H, W), as large as it is; otherwise as read_picture."""
    from PIL import Image

    try:
        with Image.open(path) as picture:
            return planes(upright(picture, color))
    except Exception as error:  # damaged files raise many kinds
        raise PictureError(f"cannot read {path}: {why(error, path)}") from error


def why(error: Exception, path: str | Path) -> str:
    """What is wrong with a picture file that Pillow could not read, in one line."""
    from PIL import Image, UnidentifiedImageError

    if isinstance(error, UnidentifiedImageError):
        return "it is no picture of a known kind; save it as PNG or JPEG" if os.path.getsize(path) else "it is empty"
    if isinstance(error, Image.DecompressionBombError):
        return f"it has more than {2 * (Image.MAX_IMAGE_PIXELS or 0) // 10**6} million pixels"
    reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return " ".join(reason.split())


def squared(picture: Any, size: int, color: bool) -> Any:
    """A Pillow image as bytes (C, size, size): upright, in colour or grey, its middle square antialiased to the size."""
    from PIL import Image

    picture = upright(picture, color)
    w, h = picture.size
    side = min(w, h)
    box = ((w - side) / 2, (h - side) / 2, (w + side) / 2, (h + side) / 2)
    return planes(picture.resize((size, size), Image.Resampling.BILINEAR, box, reducing_gap=2.0))


def upright(picture: Any, color: bool) -> Any:
    """A Pillow image as the camera held it, of 8 bits a channel, in colour or grey."""
    from PIL import ImageOps

    ImageOps.exif_transpose(picture, in_place=True)
    picture, mode = eight_bits(picture), "RGB" if color else "L"
    return picture if picture.mode == mode else picture.convert(mode)


def planes(picture: Any) -> Any:
    """A Pillow image of 8 bits as bytes (C, H, W)."""
    return np.ascontiguousarray(np.atleast_3d(np.asarray(picture)).transpose(2, 0, 1))


def eight_bits(picture: Any) -> Any:
    """A Pillow image of any mode as one of 8 bits a channel without transparency; ValueError for values of unknown range."""
    from PIL import Image

    if picture.mode.startswith("I"):  # I;16 and its kin, and I, which holds 16 bits in PGM files and older Pillows' PNG
        values = np.asarray(picture).astype(np.int64)
        if values.min() < 0 or values.max() > 65535:
            raise ValueError(f"32-bit values from {values.min()} to {values.max()}; expected 0 … 65535")
        return Image.fromarray(((values + 128) // 257).astype(np.uint8))
    if picture.mode == "F":
        values = np.asarray(picture)
        if not (values.min() >= 0 and values.max() <= 1):
            raise ValueError(f"floating values from {values.min()} to {values.max()}; expected 0 … 1")
        return Image.fromarray(np.round(values * 255).astype(np.uint8))
    if picture.has_transparency_data:
        picture = picture.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture)
    return picture
