"""The .safetensors format: 8 bytes with the length of a JSON header, the header, then the arrays' bytes without a gap.

The header is {name: {"dtype": "F32", "shape": [2, 3], "data_offsets": [from, to]}, "__metadata__": {text: text}}
(https://github.com/huggingface/safetensors). It is read here, and every word of it doubted, so that each kind of bad file
has its own message and no memory is taken on a file's word. Nothing in it can be executed.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any, BinaryIO, NamedTuple

import numpy as np

from .state import NOTES, FileError, State, check_dtype, check_name, finished, from_json, from_notes, looks_like

LONGEST = 100_000_000  # bytes of a header, as in the safetensors package
TYPES = {f"{letter}{8 * n}": np.dtype(f"<{letter.lower()}{n}") for letter in "IU" for n in (1, 2, 4, 8)}
TYPES |= {"BOOL": np.dtype("bool"), "F32": np.dtype("<f4"), "F64": np.dtype("<f8")}
CODES = {dtype: code for code, dtype in TYPES.items()}
OTHERS = {"F16": "float16", "BF16": "bfloat16"}  # by the names that their users know


class Entry(NamedTuple):
    """Where an array lies: bytes start … stop after the header."""

    start: int
    stop: int
    name: str
    dtype: np.dtype
    shape: tuple[int, ...]


def write(file: BinaryIO, arrays: Mapping[str, np.ndarray], notes: dict[str, str]) -> None:
    """Write arrays and notes; the larger numbers first, so that all are aligned in memory that is mapped from the file."""
    header: dict[str, Any] = {NOTES: notes}
    at, order = 0, sorted(arrays, key=lambda name: (-arrays[name].itemsize, name))
    for name in order:
        a = arrays[name]
        offsets = [at, at := at + a.nbytes]
        header[name] = {"dtype": CODES[a.dtype.newbyteorder("<")], "shape": a.shape, "data_offsets": offsets}
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    file.write(len(text).to_bytes(8, "little") + text)
    for name in order:
        file.write(arrays[name].astype(arrays[name].dtype.newbyteorder("<"), copy=False).data)


def read(file: BinaryIO, path: Any) -> State:
    """The arrays and metadata of a file; FileError if anything about it is not as it must be."""
    size = os.fstat(file.fileno()).st_size
    header, start = _header(file, size, path)
    notes = header.pop(NOTES, {})
    if not isinstance(notes, dict) or not all(isinstance(value, str) for value in notes.values()):
        raise FileError(path, "is damaged: its metadata must be texts by name")
    entries = sorted(_entry(path, name, fields) for name, fields in header.items())
    _check_cover(path, entries, size - start)
    arrays = {}
    for entry in entries:
        raw = bytearray(entry.stop - entry.start)
        if file.readinto(raw) < len(raw):  # type: ignore[attr-defined]
            raise FileError(path, "became shorter while it was read")
        arrays[entry.name] = finished(path, entry.name, raw, entry.dtype, entry.shape)
    return State(arrays, from_notes(path, notes, arrays))


def _header(file: BinaryIO, size: int, path: Any) -> tuple[dict[str, Any], int]:
    """The header of a file of ``size`` bytes, and how many bytes come before the arrays."""
    head = file.read(16)
    length = int.from_bytes(head[:8], "little")
    if length > LONGEST or head[8:9] not in (b"{", b""):
        raise FileError(path, f"is no .safetensors file, but {looks_like(head)}; give the file that tl.save wrote")
    if 8 + length > size or length < 2:
        raise FileError(
            path, f"is truncated: its header should have {length} bytes, but only {max(size - 8, 0)} are there"
        )
    file.seek(8)
    header = from_json(path, file.read(length), "header")
    if not isinstance(header, dict):
        raise FileError(path, "is damaged: its header is no JSON object")
    return header, 8 + length


def _entry(path: Any, name: str, fields: Any) -> Entry:
    """One array's line of the header, if it makes sense."""
    check_name(path, name)
    try:
        code, shape, (start, stop) = fields["dtype"], tuple(fields["shape"]), fields["data_offsets"]
        whole = isinstance(code, str) and all(type(n) is int and n >= 0 for n in (*shape, start, stop - start))
    except (KeyError, TypeError, ValueError):
        whole = False
    if not whole:
        raise FileError(
            path, f"is damaged: entry {name!r} needs a dtype, a shape and data_offsets, got {str(fields)[:80]}"
        )
    if code not in TYPES:
        check_dtype(path, name, OTHERS.get(code, code))
    return Entry(start, stop, name, TYPES[code], shape)


def _check_cover(path: Any, entries: list[Entry], size: int) -> None:
    """The entries, in order, must cover the bytes after the header without gap, overlap or rest."""
    at = 0
    for entry in entries:
        if entry.start != at:
            raise FileError(
                path, f"is damaged: entry {entry.name!r} starts at byte {entry.start} of the data, expected {at}"
            )
        at = entry.stop
    if at > size:
        raise FileError(path, f"is truncated: its arrays should have {at} bytes, but only {size} are there")
    if at < size:
        raise FileError(path, f"is damaged: {size - at} bytes follow the last array")
