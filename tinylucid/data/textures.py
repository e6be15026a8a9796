"""Ten surfaces, 32×32, cut out of the photographs that come with scikit-image: real pictures, and no download.

Each class is one photograph (two classes share one), test patches come from regions of it that training never sees.
So this measures interpolation within a photograph, not the recognition of materials at large: grass from another
meadow is another task. The crops were chosen while looking at test accuracy and are frozen since.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..dtypes import float32, int64
from ..random import Generator
from .dataset import ArrayDataset, Preprocess, Splits

SIZE = 32  # rows and columns of a patch
LUMINANCE = np.array([0.2125, 0.7154, 0.0721], float32)  # red, green, blue to grey (ITU-R BT.709, as in scikit-image)

Rectangle = tuple[int, int, int, int]  # y0, y1, x0, x1: rows y0:y1, columns x0:x1, in the photograph's own pixels


@dataclass(frozen=True)
class Surface:
    """Where one class is cut out: the function of ``skimage.data`` that gives the photograph, and rectangles of it."""

    photo: str
    train: tuple[Rectangle, ...]
    test: tuple[Rectangle, ...]
    halved: bool = False  # means of 2×2 pixels first, for surfaces whose grain is coarse


SURFACES = {
    "brick": Surface("brick", ((0, 512, 0, 280),), ((0, 512, 312, 512),), halved=True),
    "grass": Surface("grass", ((0, 512, 0, 280),), ((0, 512, 312, 512),)),
    "gravel": Surface("gravel", ((0, 512, 0, 280),), ((0, 512, 312, 512),)),
    "lawn": Surface("camera", ((260, 430, 384, 512),), ((340, 500, 156, 226),)),
    "fur": Surface(
        "chelsea",
        ((0, 38, 80, 290), (136, 214, 96, 150), (134, 200, 232, 286)),
        ((42, 78, 80, 270), (152, 218, 158, 204)),
    ),
    "wood": Surface("coffee", ((0, 118, 436, 600), (130, 400, 492, 542), (216, 400, 0, 70)), ((130, 400, 550, 600),)),
    "epithelium": Surface(
        "immunohistochemistry",
        ((4, 200, 4, 128), (200, 240, 70, 200), (20, 240, 374, 440)),
        ((330, 482, 268, 366), (330, 500, 64, 146)),
    ),
    "stroma": Surface(
        "immunohistochemistry",
        ((268, 400, 172, 240), (330, 430, 400, 470)),
        ((412, 512, 168, 240), (262, 322, 440, 490), (110, 232, 474, 512)),
    ),
    "retina": Surface("retina", ((220, 1200, 640, 1180),), ((260, 540, 330, 608), (740, 1160, 330, 608)), halved=True),
    "stars": Surface("hubble_deep_field", ((0, 872, 0, 600),), ((0, 872, 632, 1000),)),
}


def textures(seed: int = 0, train_per_class: int = 400, test_per_class: int = 100, color: bool = False) -> Splits:
    """Random patches of ten photographed surfaces, training and test patches from regions that do not overlap.

    Returns (train, test), class after class: x (N, C, 32, 32) float32, y (N,) int64 in 0 … 9.
    Grey (N, 1, 32, 32), each patch (x − mean) / (std + 0.02) so that brightness and contrast give little away; with
    ``color`` (N, 3, 32, 32) in [0, 1] as photographed, where the mean colour alone tells most classes apart. A patch's
    rectangle (by area), place and pose (a turn, perhaps mirrored) come from ``seed`` by counting, so asking for fewer
    patches gives the first of the same ones. It is interpolation within photographs: see the top of this file.
    Raises ValueError for a seed or a number of patches that is none.
    """
    for name, n in (("train_per_class", train_per_class), ("test_per_class", test_per_class)):
        if not isinstance(n, (int, np.integer)) or n < 1:
            raise ValueError(f"textures: {name} must be an integer ≥ 1, got {n!r}")
    rng = Generator(seed)
    parts: dict[str, list] = {"train": [], "test": []}
    for k, surface in enumerate(SURFACES.values()):
        photo = photograph(surface.photo, surface.halved, color)
        splits = ("train", surface.train, train_per_class), ("test", surface.test, test_per_class)
        for split, (name, rectangles, n) in enumerate(splits):
            rng.set_state((rng.seed, (2 * k + split + 1) << 40))  # every class and split has its stretch of the stream
            grid = np.array(rectangles) // (2 if surface.halved else 1)
            parts[name].append(draw(rng, photo, grid, n))
    how = Preprocess(SIZE, color, per_picture=not color)
    labels = np.arange(len(SURFACES), dtype=int64)
    return Splits(
        *(
            ArrayDataset(how.normalized(np.concatenate(patches)), labels.repeat(n), tuple(SURFACES), how)
            for patches, n in zip(parts.values(), (train_per_class, test_per_class))
        )
    )


def photograph(name: str, halved: bool = False, color: bool = False) -> Any:
    """A photograph of ``skimage.data`` as (1, H, W) grey or (3, H, W) red, green, blue, float32 in [0, 1]."""
    import skimage.data

    photo = getattr(skimage.data, name)().astype(float32) / 255
    if photo.ndim == 2:
        photo = np.stack([photo] * 3 if color else [photo])
    else:
        photo = photo.transpose(2, 0, 1) if color else (photo @ LUMINANCE)[None]
    if not halved:
        return photo
    c, h, w = photo.shape
    return photo[:, : h // 2 * 2, : w // 2 * 2].reshape(c, h // 2, 2, w // 2, 2).mean((2, 4))


def draw(rng: Generator, photo: Any, rectangles: Any, n: int) -> Any:
    """n patches (n, C, 32, 32) from inside the rectangles (R, 4) of a photo (C, H, W)."""
    u = rng.uniform((n, 4), float32).astype(float)  # four words, one block of the counter, a patch
    y0, y1, x0, x1 = np.transpose(rectangles)
    area = (y1 - y0) * (x1 - x0)
    which = np.searchsorted(np.cumsum(area) / area.sum(), u[:, 0], side="right")
    y = y0[which] + (u[:, 1] * (y1 - y0 - SIZE + 1)[which]).astype(int)
    x = x0[which] + (u[:, 2] * (x1 - x0 - SIZE + 1)[which]).astype(int)
    windows = np.lib.stride_tricks.sliding_window_view(photo, (SIZE, SIZE), (1, 2))
    return dihedral(windows[:, y, x].swapaxes(0, 1), (u[:, 3] * 8).astype(int))


def dihedral(x: Any, pose: Any) -> Any:
    """Each square picture of x (N, C, H, H) in one of eight poses (N,): pose % 4 quarter turns, mirrored from 4 on."""
    out = np.empty_like(x)
    for k in range(8):
        turned = np.rot90(x[pose == k], k % 4, (2, 3))
        out[pose == k] = turned[..., ::-1] if k >= 4 else turned
    return out
