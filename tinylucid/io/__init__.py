"""tl.io: arrays by name in .safetensors and .npz files, with metadata; nothing in a file is ever executed."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import numpy as np

from .. import devices
from ..nn import Module
from ..tensor import Tensor
from . import npz, tensors
from .atomic import replacing
from .state import FileError, State, check_dtype, check_name, to_notes

__all__ = ["FileError", "State", "load", "save"]

FORMATS = {".safetensors": tensors, ".npz": npz}


def save(model_or_mapping: Module | Mapping[str, Any], path: Any, metadata: Mapping[str, Any] | None = None) -> None:
    """Write a Module's state_dict, or arrays or tensors by name, as .safetensors or .npz, whichever ``path`` ends with.

    ``metadata`` is kept as JSON does it: tuples come back as lists, keys as strings. The file appears whole or not at all: on
    a full disk or Ctrl-C an older one stays as it was. Raises FileError for what the formats cannot keep, OSError for
    the disk's own troubles.
    """
    format = _format(path)
    if os.path.isdir(path):
        raise FileError(path, "is a folder; give the name of a file in it")
    state = model_or_mapping.state_dict() if isinstance(model_or_mapping, Module) else model_or_mapping
    if not isinstance(state, Mapping):
        raise TypeError(f"save: expected a Module or arrays by name, got {type(state).__name__}; give a dict")
    arrays = {name: _array(path, name, value) for name, value in state.items()}
    notes = to_notes(path, metadata or {}, arrays)
    with replacing(path) as file:
        format.write(file, arrays, notes)


def load(path: Any) -> State:
    """The arrays of a .safetensors or .npz file by name, in memory of their own, with ``.metadata``.

    Files of other programs are read too; their metadata is as it stands there. Raises FileNotFoundError, and FileError for a
    file that is empty, truncated, damaged, hostile, of a newer version or of another kind: each says which.
    """
    if os.path.isdir(path):
        raise FileError(path, "is a folder, expected a file; give the name of one in it")
    if os.path.exists(path) and not os.path.isfile(path):
        raise FileError(path, "is a device or a pipe, expected a file")
    with open(path, "rb") as file:
        format = _format(path)
        if not os.fstat(file.fileno()).st_size:
            raise FileError(
                path, "is empty, expected arrays: its writing was cut short; save it again, or take another copy"
            )
        return format.read(file, path)


def _format(path: Any) -> Any:
    """The module for files with this ending."""
    if not isinstance(path, (str, os.PathLike)):
        got = f"expected the path of a file, got {type(path).__name__}"
        raise TypeError(f"tl.save and tl.load: {got}; the path stands behind what is saved: tl.save(model, path)")
    ending = os.path.splitext(os.fspath(path))[1].lower()
    if ending not in FORMATS:
        torch = ending in (".pt", ".pth", ".bin")
        do = "write it from PyTorch by safetensors.torch.save_file" if torch else "choose one of these"
        raise FileError(path, f"ends with {ending!r}, expected {' or '.join(FORMATS)}; {do}")
    return FORMATS[ending]


def _array(path: Any, name: Any, value: Any) -> np.ndarray:
    """A value to be saved as an array, row by row, in this machine's byte order."""
    check_name(path, name)
    array = devices.host(value)
    check_dtype(path, name, array.dtype.newbyteorder("="))
    return array.astype(array.dtype.newbyteorder("="), order="C", copy=False)
