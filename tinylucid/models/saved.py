"""Nets by name, and files that say which net they hold, what its answers mean and how its pictures were prepared."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from .. import io
from ..data import Preprocess
from ..nn import Module
from .dcgan import dcgan_discriminator, dcgan_generator
from .dense_gan import dense_discriminator, dense_generator
from .fcn import fcn8s, fcn16s, fcn32s
from .lenet import lenet
from .resnet import resnet, resnet18
from .segnet import segnet
from .separable import separable
from .skip_net import skip_net
from .texture_net import texture_net
from .vgg import vgg

Builders = dict[str, Callable[..., Module]]
CLASSIFIERS: Builders = {
    f.__name__: f for f in (lenet, resnet, resnet18, separable, texture_net, vgg)
}  # a class a picture
SEGMENTERS: Builders = {f.__name__: f for f in (fcn32s, fcn16s, fcn8s, segnet, skip_net)}  # a class a pixel
GANS: Builders = {f.__name__: f for f in (dcgan_discriminator, dcgan_generator, dense_discriminator, dense_generator)}
NAMES: Builders = {**CLASSIFIERS, **SEGMENTERS, **GANS}
ABOUT = ("architecture", "classes", "preprocess")  # the metadata's keys that are written and read here


class Saved(NamedTuple):
    """What a file of a model holds; ``metadata`` is what else was given when it was saved."""

    model: Module
    classes: tuple[str, ...]
    preprocess: Preprocess | None
    metadata: dict[str, Any]


def build(name: str, **arguments: Any) -> Module:
    """The net of that name, with ``model.architecture = {"name": …, "arguments": …}``, defaults included, noted on it.

    Raises ValueError with the names there are, TypeError with the arguments that the net takes.
    """
    if name not in NAMES:
        close = difflib.get_close_matches(str(name), NAMES, 1)
        hint = f"did you mean {close[0]!r}? " if close else ""
        raise ValueError(f"there is no model {name!r}; {hint}there are {', '.join(NAMES)}")
    signature = inspect.signature(NAMES[name])
    try:
        bound = signature.bind(**arguments)
    except TypeError as error:
        takes = ", ".join(f"{p.name}={p.default!r}" for p in signature.parameters.values())
        raise TypeError(f"{name}: {error}; it takes {takes}") from None
    bound.apply_defaults()
    model = NAMES[name](**bound.arguments)
    model.architecture = {"name": name, "arguments": dict(bound.arguments)}
    return model


def about(model: Module, classes: Sequence[str] = (), preprocess: Preprocess | None = None) -> dict[str, Any]:
    """The metadata from which ``load`` builds the net again: its architecture (if it is from ``build``), classes, preparation."""
    return {
        "architecture": getattr(model, "architecture", None),
        "classes": list(classes),
        "preprocess": None if preprocess is None else preprocess.to_dict(),
    }


def save(
    model: Module,
    path: Any,
    classes: Sequence[str] = (),
    preprocess: Preprocess | None = None,
    metadata: Mapping[str, Any] | None = None,
) -> None:
    """Write a model with the names of its classes and how its pictures were prepared, for ``load``; see tl.save.

    A model that is not from ``build`` is written too, but only tl.load reads it: its architecture has no name.
    Raises ValueError for metadata under one of the names used here.
    """
    taken = [key for key in ABOUT if key in (metadata or {})]
    if taken:
        raise ValueError(f"models.save: metadata must not have the names {', '.join(ABOUT)}, got {', '.join(taken)}")
    io.save(model, path, {**about(model, classes, preprocess), **(metadata or {})})


def load(path: Any) -> Saved:
    """The model of a file, built anew, with its weights, in eval mode; classes, preparation and other metadata.

    Entries whose names begin with "//", such as an optimiser's, are left out. Raises what tl.load raises, and FileError for a
    file without a known architecture, or with weights that do not fit it.
    """
    state = io.load(path)
    metadata = state.metadata
    model = _built(path, metadata.get("architecture"), sum(a.size for a in state.values()))
    try:
        model.load_state_dict(state)
    except RuntimeError as error:
        raise io.FileError(path, f"its weights are not those of the architecture it names: {error}") from error
    classes, preprocess = metadata.get("classes") or [], metadata.get("preprocess")
    try:
        prepared = None if preprocess is None else Preprocess.from_dict(preprocess)
    except (TypeError, AttributeError) as error:
        raise io.FileError(path, f"its metadata 'preprocess' is not what tl.data.Preprocess takes: {error}") from error
    if not isinstance(classes, list) or not all(isinstance(name, str) for name in classes):
        raise io.FileError(path, f"its metadata 'classes' must be a list of names, got {str(classes)[:80]}")
    return Saved(model.eval(), tuple(classes), prepared, {k: v for k, v in metadata.items() if k not in ABOUT})


def _built(path: Any, architecture: Any, numbers: int) -> Module:
    """The net that a file's metadata names, not yet with its weights, of which the file has so many."""
    if architecture is None:
        raise io.FileError(
            path,
            "names no architecture (the model was not made by tl.models.build, or another program wrote it); "
            "make the model yourself and use model.load_state_dict(tl.load(path))",
        )
    try:
        arguments = dict(architecture["arguments"])
        if any(isinstance(value, int) and value > numbers for value in arguments.values()):
            raise ValueError(f"{arguments} would be larger than the file")  # before memory is taken for it
        return build(architecture["name"], **arguments)
    except (KeyError, TypeError, ValueError) as error:
        raise io.FileError(path, f"its metadata names an architecture that cannot be built: {error}") from error
