"""What the arguments stand for: a trained net, pictures as it wants them, classes and layers by name."""

from __future__ import annotations

import difflib
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from .. import models
from ..data import PictureError, Preprocess
from ..io.atomic import replacing
from ..nn import Module
from ..train import predict
from .terminal import printable


def loaded(path: str) -> tuple[Any, tuple[int, ...]]:
    """The net of a checkpoint, with numbers for classes that it does not name, and the shape of its answer to a picture.

    ValueError for one that does not say how to read a picture, or whose net does not fit what it says.
    """
    saved = models.load(path)
    how = saved.preprocess
    if how is None:
        raise ValueError(
            f"{path} does not say how its pictures were prepared; save it with tl.models.save(…, preprocess=…)"
        )
    try:
        blank = np.zeros((1, how.channels, how.size, how.size), np.float32)
        shape = predict(saved.model, how.normalized(blank)).shape
    except (TypeError, ValueError) as error:
        raise ValueError(f"{path}: its net does not take pictures prepared as it says, {how}: {error}") from error
    return saved._replace(classes=saved.classes or tuple(map(str, range(shape[1] if len(shape) > 1 else 0)))), shape


def trained(path: str) -> Any:
    """The net of a checkpoint that names pictures, its classes and preprocess; ValueError as loaded, and for another net."""
    saved, shape = loaded(path)
    if len(shape) != 2 or len(saved.classes) != shape[1]:
        raise ValueError(f"{path}: a picture's answer has shape {shape[1:]}, which is not one number for each of its"
                         f" {len(saved.classes)} classes")  # fmt: skip
    return saved


def pictures(paths: Sequence[str], how: Preprocess) -> tuple[Any, list[str], dict[str, str]]:
    """x (N, C, size, size) of the pictures that can be read, their paths, and of each other path what is wrong."""
    x = [np.zeros((0, how.channels, how.size, how.size), np.float32)]
    read, wrong = [], {}
    for path in paths:
        try:
            x.append(how.read(path))
            read.append(path)
        except PictureError as error:
            wrong[path] = str(error)
    return np.concatenate(x), read, wrong


def class_number(name: str, classes: Sequence[str]) -> int:
    """Which class is meant by a name or a number; ValueError with the list of classes."""
    if name in classes:
        return list(classes).index(name)
    if name.isdecimal() and int(name) < len(classes):
        return int(name)
    raise ValueError(f"no class {name!r}{meant(name, classes)}; there are: {listed(classes)}")


def layer_name(model: Module, name: str) -> str:
    """The dotted name of a layer, given by that or by kind and number; ValueError with the list of both."""
    short = numbered(model)
    by_kind = {nick: key for key, nick in short.items()}
    names = [key for key, _ in model.named_modules() if key]
    if name in names:
        return name
    if name in by_kind:
        return by_kind[name]
    both = [f"{key} ({short[key]})" if short.get(key, key) != key else key for key in names]
    raise ValueError(f"no layer {name!r}{meant(name, [*names, *by_kind])}; there are: {listed(both)}")


def numbered(model: Module) -> dict[str, str]:
    """Of each layer without layers inside its kind and which of that kind it is, from 1: "3" -> "conv2"."""
    counts: dict[str, int] = {}
    names = {}
    for key, module in model.named_modules():
        if key and not module._modules:
            kind = type(module).__name__.lower().removesuffix("1d").removesuffix("2d")
            counts[kind] = counts.get(kind, 0) + 1
            names[key] = f"{kind}{counts[kind]}"
    return names


def meant(name: str, names: Sequence[str]) -> str:
    """A guess at what was meant, as part of a sentence."""
    close = difflib.get_close_matches(name, names, 1)
    return f", perhaps {close[0]!r}" if close else ""


def listed(names: Sequence[str], most: int = 40) -> str:
    """The names, the first ones of very many."""
    return ", ".join(names[:most]) + (f", … ({len(names)} in all)" if len(names) > most else "")


def writable_folder(path: str | Path) -> Path:
    """The folder, made if need be; ValueError where it cannot be made or written to."""
    folder = Path(path)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return folder
    except OSError as error:
        why = "it is no folder" if os.path.exists(folder) and not os.path.isdir(folder) else error.strerror
        raise ValueError(f"nothing can be saved in {folder}: {why}; give another folder by --out") from error


def keep(figure: Any, path: Path, said: bool = True) -> None:
    """Write a figure, whole or not at all, and print where it is if that is ``said``; OSError where it cannot be written."""
    with replacing(path) as file:
        figure.savefig(file, format="png")
    if said:
        print(printable(str(path)))
