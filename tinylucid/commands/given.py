"""What the arguments stand for: a trained net, pictures as it wants them, classes and layers by name."""

from __future__ import annotations

import difflib
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from .. import models
from ..data import PictureError, Preprocess, read_picture
from ..data.dataset import as_float
from ..nn import Module


def trained(path: str) -> Any:
    """The net of a checkpoint with its classes and preprocess; ValueError where it cannot tell how to read a picture."""
    saved = models.load(path)
    if saved.preprocess is None:
        raise ValueError(
            f"{path} does not say how its pictures were prepared; save it with tl.models.save(…, preprocess=…)"
        )
    return saved


def pictures(paths: Sequence[str], how: Preprocess) -> tuple[Any, list[str], dict[str, str]]:
    """x (N, C, size, size) of the pictures that can be read, their paths, and of each other path what is wrong."""
    x, read, wrong = [], [], {}
    for path in paths:
        try:
            x.append(read_picture(path, how.size, how.color))
            read.append(path)
        except (PictureError, OSError) as error:
            wrong[path] = reason(error)
    empty = np.zeros((0, how.channels, how.size, how.size), np.uint8)
    return how.normalized(as_float(np.stack(x) if x else empty)), read, wrong


def reason(error: Exception) -> str:
    """An error in one line, with the file it is about."""
    if isinstance(error, OSError) and error.filename:
        return f"{error.filename}: {error.strerror}"
    return str(error)


def class_number(name: str, classes: Sequence[str]) -> int:
    """Which class is meant by a name or a number; ValueError with the list of classes."""
    if name in classes:
        return list(classes).index(name)
    if name.isdecimal() and int(name) < len(classes):
        return int(name)
    raise ValueError(f"no class {name!r}{meant(name, classes)}; there are: {listed(classes)}")


def layer_name(model: Module, name: str) -> str:
    """The dotted name of a layer that the model has; ValueError with the list of layers."""
    names = [key for key, _ in model.named_modules() if key]
    if name not in names:
        raise ValueError(f"no layer {name!r}{meant(name, names)}; there are: {listed(names)}")
    return name


def meant(name: str, names: Sequence[str]) -> str:
    """A guess at what was meant, as part of a sentence."""
    close = difflib.get_close_matches(name, names, 1)
    return f", perhaps {close[0]!r}" if close else ""


def listed(names: Sequence[str], most: int = 40) -> str:
    """The names, the first ones of very many."""
    return ", ".join(names[:most]) + (f", … ({len(names)} in all)" if len(names) > most else "")


def writable_folder(path: str | Path) -> Path:
    """The folder, made if need be; OSError where it cannot be made or written to."""
    folder = Path(path)
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder):
        return folder
