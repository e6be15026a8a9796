"""Your own pictures: a folder with a folder for each class."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..dtypes import float32, float64, int64
from .dataset import ArrayDataset, Preprocess, Splits, split
from .picture import PictureError, read_picture

EXTENSIONS = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm")
TRAIN, VALIDATION = "train", ("val", "valid", "validation", "test")  # folders of data that is split already
LAYOUT = "expected a folder for each class: FOLDER/cat/1.png, FOLDER/dog/1.png, …"
CHUNK = 1024  # pictures that are computed with at a time, so that temporary arrays stay small


class ImageFolder:
    """Picture files with their class numbers, read when asked for: ``data[i]`` is (float32 (C, size, size), class number).

    Made by ``image_folder``. ``paths`` (list of str), ``y`` int64 (N,), ``classes``, ``preprocess``. Reading raises
    PictureError for a damaged file.
    """

    def __init__(self, paths: list[str], y: Any, classes: Sequence[str], preprocess: Preprocess) -> None:
        self.paths, self.y, self.classes, self.preprocess = paths, y, tuple(classes), preprocess

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, i: int) -> tuple[Any, Any]:
        return self.preprocess.read(self.paths[i])[0], self.y[i]

    def load(self, progress: bool = False) -> ArrayDataset:
        """All of them in memory; files that cannot be read are left out and named in one warning.

        ``progress`` shows a bar. Raises ValueError if none of the pictures of a class can be read.
        """
        return normalized(self.bytes(progress), self.preprocess)

    def bytes(self, progress: bool = False) -> ArrayDataset:
        """The same as they are stored, uint8 (N, C, size, size), not normalised."""
        from tqdm import tqdm

        how = self.preprocess
        kept: list[int] = []
        errors: list[str] = []
        x = np.empty((len(self), how.channels, how.size, how.size), np.uint8)
        for i, path in enumerate(tqdm(self.paths, "reading", unit=" pictures", disable=None if progress else True)):
            try:
                x[len(kept)] = read_picture(path, how.size, how.color)
                kept.append(i)
            except PictureError as error:
                errors.append(str(error))
        self._report(self.y[kept], errors)
        return ArrayDataset(x[: len(kept)], self.y[kept], self.classes, Preprocess(how.size, how.color))

    def _report(self, y: Any, errors: list[str]) -> None:
        """Warn of the files that could not be read, unless a class has no other."""
        some = "; ".join(errors[:3]) + (f"; and {len(errors) - 3} more" if len(errors) > 3 else "")
        if lost := [self.classes[k] for k in np.setdiff1d(self.y, y)]:
            raise ValueError(f"none of the pictures of {listed(lost)} can be read: {some}")
        if errors:
            warnings.warn(f"{len(errors)} of {len(self)} pictures are left out: {some}", stacklevel=4)

    def __repr__(self) -> str:
        return f"ImageFolder({len(self)} pictures, {len(self.classes)} classes: {listed(self.classes)})"


def image_folder(
    path: str | Path,
    size: int = 32,
    color: bool = True,
    preprocess: Preprocess | None = None,
    classes: Sequence[str] | None = None,
) -> ImageFolder:
    """The pictures in a folder that holds a folder for each class; class names are the folders', sorted.

    Folders in a class's folder belong to it. Hidden files and files that are no pictures by name are passed over. Nothing
    is read yet: see ``ImageFolder``, and ``read_picture`` for what becomes of a file. ``preprocess`` takes the place of
    size and color. ``classes`` are the names that a model knows, in its order: other folders are an error then, and a
    missing one a warning. Raises ValueError, one line, for a folder that does not exist or is not laid out so.
    """
    if not isinstance(size, (int, np.integer)) or size < 1:
        raise ValueError(f"image_folder: size must be an integer ≥ 1, got {size!r}; pictures become squares: size=64")
    names, loose = contents(path)
    check_layout(path, names, loose)
    files = {name: pictures(os.path.join(path, name)) for name in names}
    empty = [name for name in names if not files[name]]
    if len(empty) == len(names):
        raise ValueError(f"image_folder: no pictures ({', '.join(EXTENSIONS)}) in {path}")
    if classes is None:
        if empty:
            raise ValueError(f"image_folder: no pictures in {listed(empty)} of {path}; add some or remove the folder")
        if len(names) == 1:
            raise ValueError(
                f"image_folder: only one class in {path} ({names[0]}); there is nothing to tell apart: add a folder for another"
            )
    elif unknown := [name for name in names if name not in classes and files[name]]:
        raise ValueError(f"image_folder: unknown classes in {path}: {listed(unknown)}; known are {listed(classes)}")
    else:
        warn_of_missing([name for name in classes if not files.get(name)], path)
    classes = tuple(names if classes is None else classes)
    y = np.arange(len(classes), dtype=int64).repeat([len(files.get(name, ())) for name in classes])
    paths = [file for name in classes for file in files.get(name, ())]
    return ImageFolder(paths, y, classes, preprocess or Preprocess(size, color))


def image_splits(
    path: str | Path,
    size: int = 32,
    color: bool = True,
    preprocess: Preprocess | None = None,
    fraction: float = 0.8,
    seed: int = 0,
    progress: bool = False,
) -> Splits:
    """Your own pictures in memory, to train and to judge by, normalised by the training pictures' mean and std a channel.

    If ``path`` holds train/ and val/ (or valid/, validation/, test/), each with a folder for each class, those; a class that
    val/ lacks is a warning, one that only val/ has an error. Else ``fraction`` of each class of ``path``, by ``seed``, and
    the rest. ``preprocess``, if given, says size, colour and normalisation instead. Raises ValueError where no picture
    is left to judge by, and as ``image_folder`` and ``load``.
    """
    below = [os.path.join(path, name) for name in VALIDATION if os.path.isdir(os.path.join(path, name))]
    if below and os.path.isdir(os.path.join(path, TRAIN)):
        train = image_folder(os.path.join(path, TRAIN), size, color, preprocess)
        test = image_folder(below[0], size, color, preprocess, train.classes)
        parts = Splits(train.bytes(progress), test.bytes(progress))
    else:
        parts = split(image_folder(path, size, color, preprocess).bytes(progress), fraction, seed)
        if not len(parts.test):
            raise ValueError(f"image_splits: {path} has one picture a class, so none is left to judge by; add some")
        lacking = np.setdiff1d(parts.train.y, parts.test.y)
        warn_of_missing([parts.train.classes[k] for k in lacking], f"the part of {path} to judge by")
    if preprocess is None:
        preprocess = Preprocess(size, color, *per_channel(parts.train))
    return Splits(*(normalized(part, preprocess) for part in parts))


def per_channel(data: ArrayDataset) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """(mean, std) of each channel of all pictures: ``Preprocess(size, color, *per_channel(train))``.

    Bytes count as [0, 1]. Summed in float64, around the mean, by parts. A channel that is the same everywhere gets std 1.
    """
    x = data.x
    if x.ndim != 4 or not x.size:
        raise ValueError(f"per_channel: expected pictures (N, C, H, W), at least one, got shape {x.shape}")
    parts = [x[k : k + CHUNK] for k in range(0, len(x), CHUNK)]
    count, unit = x.size / x.shape[1], 255 if x.dtype == np.uint8 else 1
    mean = sum(part.sum((0, 2, 3), dtype=float64) for part in parts) / count
    around = mean[:, None, None]
    variance = sum(((part.astype(float64) - around) ** 2).sum((0, 2, 3)) for part in parts) / count
    std = np.sqrt(variance) / unit
    return tuple((mean / unit).tolist()), tuple(np.where(std > 0, std, 1).tolist())


def normalized(data: ArrayDataset, how: Preprocess) -> ArrayDataset:
    """A dataset of bytes as float32, prepared as ``how`` says."""
    x = np.empty(data.x.shape, float32)
    for k in range(0, len(x), CHUNK):
        x[k : k + CHUNK] = how.normalized(data.x[k : k + CHUNK])
    return ArrayDataset(x, data.y, data.classes, how)


def contents(path: str | Path) -> tuple[list[str], bool]:
    """The names of the folders in a folder, sorted, and whether pictures lie beside them; ValueError if it is no folder."""
    if not os.path.isdir(path):
        what = "is a file, not a folder" if os.path.exists(path) else "does not exist"
        raise ValueError(f"image_folder: {path} {what}; {LAYOUT}")
    with os.scandir(path) as entries:
        seen = [(entry.name, entry.is_dir()) for entry in entries if not entry.name.startswith(".")]
    loose = any(not is_folder and name.lower().endswith(EXTENSIONS) for name, is_folder in seen)
    return sorted(name for name, is_folder in seen if is_folder), loose


def check_layout(path: str | Path, names: list[str], loose: bool) -> None:
    """ValueError unless the names can be classes."""
    if not names:
        found = "its pictures lie in no class's folder" if loose else "it holds no folders"
        raise ValueError(f"image_folder: {path}: {found}; {LAYOUT}")
    if TRAIN in names and any(name in names for name in VALIDATION):
        raise ValueError(
            f"image_folder: {path} holds {listed(names)}, which are no classes; give one of these folders, or read all by"
            " tl.data.image_splits"
        )
    if loose:
        warnings.warn(f"pictures directly in {path} are left out: they lie in no class's folder", stacklevel=3)


def pictures(folder: str) -> list[str]:
    """The picture files in a folder and the folders in it, sorted; each folder once, wherever links lead."""
    found, waiting, seen = [], [folder], set()
    while waiting:
        here = waiting.pop()
        if (real := os.path.realpath(here)) in seen:
            continue
        seen.add(real)
        with os.scandir(here) as entries:
            for entry in entries:
                if entry.name.startswith("."):
                    continue
                if entry.is_dir():
                    waiting.append(entry.path)
                elif entry.name.lower().endswith(EXTENSIONS) and entry.is_file():
                    found.append(entry.path)
    return sorted(found)


def warn_of_missing(names: Sequence[str], where: str | Path) -> None:
    """Warn that a class has no picture there."""
    if names:
        warnings.warn(f"no pictures of {listed(names)} in {where}", stacklevel=3)


def listed(names: Sequence[str]) -> str:
    """The first ten of the names, for a message."""
    return ", ".join(names[:10]) + (f", … ({len(names)} in all)" if len(names) > 10 else "")
