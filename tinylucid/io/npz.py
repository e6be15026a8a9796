"""The .npz format: a zip archive with a .npy file an array (numpy.savez), the metadata as a text beside them.

Read without ever unpickling, and no member is unpacked before its declared size has been believed.
"""

from __future__ import annotations

import io
import json
import os
import struct
import zipfile
import zlib
from collections.abc import Mapping
from typing import Any, BinaryIO

import numpy as np

from .state import NOTES, PICKLE, FileError, State, check_dtype, check_name, finished, from_json, from_notes, looks_like

FREE, RATIO = 1_000_000, 100  # bytes that any file may unpack to, and bytes for each of its own beyond
BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    NotImplementedError,
    RuntimeError,
    ValueError,
    LookupError,
)


def write(file: BinaryIO, arrays: Mapping[str, np.ndarray], notes: dict[str, str]) -> None:
    """Write arrays and notes, stored and not compressed: trained weights hardly compress."""
    with zipfile.ZipFile(file, "w") as archive:
        for name, array in {NOTES: np.array(json.dumps(notes)), **arrays}.items():
            with archive.open(zipfile.ZipInfo(f"{name}.npy"), "w", force_zip64=True) as member:
                np.lib.format.write_array(member, array, allow_pickle=False)


def read(file: BinaryIO, path: Any) -> State:
    """The arrays and metadata of a file; FileError if anything about it is not as it must be."""
    head = file.read(16)
    if not head.startswith(b"PK"):
        raise FileError(path, f"is no .npz file, but {looks_like(head)}; give the file that tl.save wrote")
    try:
        with zipfile.ZipFile(file) as archive:
            members = _members(archive, os.fstat(file.fileno()).st_size, path)
            arrays = {name: _array(archive.read(member), name, path) for name, member in members.items()}
    except FileError:
        raise
    except BROKEN as error:
        raise FileError(path, f"is truncated or damaged: {str(error)[:80]}") from error
    notes = from_json(path, str(arrays.pop(NOTES)), "metadata") if NOTES in arrays else {}
    if not isinstance(notes, dict) or not all(isinstance(value, str) for value in notes.values()):
        raise FileError(path, "is damaged: its metadata must be texts by name")
    return State(arrays, from_notes(path, notes, arrays))


def _members(archive: zipfile.ZipFile, size: int, path: Any) -> dict[str, zipfile.ZipInfo]:
    """The arrays' members by name, once all are known to be honest about their sizes."""
    found: dict[str, zipfile.ZipInfo] = {}
    if not archive.infolist():
        raise FileError(path, "is no .npz file: it holds no array")
    for member in archive.infolist():
        name = member.filename.removesuffix(".npy")
        if name.endswith("data.pkl"):
            raise FileError(path, PICKLE)
        if name == member.filename:
            raise FileError(path, f"is no .npz file: it holds {name!r}, which is no array")
        if name in found or member.header_offset < 0 or member.flag_bits & 1:
            raise FileError(path, f"is damaged: entry {name!r} stands twice, or nowhere, or is encrypted")
        if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise FileError(
                path, f"entry {name!r} is compressed by another method than NumPy's; save it with numpy.savez"
            )
        if name != NOTES:
            check_name(path, name)
        found[name] = member
    total = sum(member.file_size for member in found.values())
    if total > FREE + RATIO * size:
        raise FileError(
            path,
            f"would unpack to {total} bytes from {size}: a zip bomb, or all zeros; use numpy.savez without compression",
        )
    return found


def _array(raw: bytes, name: str, path: Any) -> np.ndarray:
    """The array of a .npy file in memory."""
    stream = io.BytesIO(raw)
    version = np.lib.format.read_magic(stream)
    if version not in ((1, 0), (2, 0)):
        raise FileError(path, f"entry {name!r} is of .npy version {version}, expected 1.0 or 2.0")
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    try:
        shape, fortran, dtype = read(stream)
    except Exception as error:  # whatever NumPy's parsers of a text raise
        raise FileError(path, f"is damaged: entry {name!r} has no valid header") from error
    if dtype.hasobject:
        raise FileError(
            path,
            f"entry {name!r} holds Python objects: reading them can run code, expected numbers; save plain arrays",
        )
    if name != NOTES:
        check_dtype(path, name, dtype.newbyteorder("="))
    elif dtype.kind != "U" or shape != ():
        raise FileError(path, "is damaged: its metadata is no text")
    return finished(path, name, bytearray(stream.read()), dtype, shape, "F" if fortran else "C")
