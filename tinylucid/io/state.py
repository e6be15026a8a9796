"""What a file holds, in either format: arrays by name and metadata; and the error for a file that is not what it should be."""

from __future__ import annotations

import json
import math
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np

FORMAT, VERSION = "tinylucid", 1
NOTES = "__metadata__"  # the name under which both formats keep what is no array
DTYPES = frozenset(np.dtype(t) for t in ("?", *(f"{kind}{n}" for kind in "iu" for n in (1, 2, 4, 8)), "f4", "f8"))
PICKLE = (
    "is PyTorch's own format, a pickle: reading one can run code, so it is never opened here; "
    "in PyTorch, write the state_dict with safetensors.torch.save_file"
)
KINDS = {
    b"PK": "a zip archive, as .npz and PyTorch's .pt files are",
    b"\x80": PICKLE.removeprefix("is "),
    b"\x89PNG": "a PNG picture",
    b"\xff\xd8": "a JPEG picture",
    b"\x93NUMPY": "a single NumPy array (.npy)",
}


class FileError(ValueError):
    """A file is not what it should be: ``path: what is wrong; what to do``, in one line."""

    def __init__(self, path: Any, what: str) -> None:
        super().__init__(f"{path}: {what}")


class State(dict[str, np.ndarray]):
    """Arrays by name, as ``Module.load_state_dict`` takes them, and the ``metadata`` of the file they came from."""

    def __init__(self, arrays: Mapping[str, Any], metadata: Mapping[str, Any]) -> None:
        super().__init__(arrays)
        self.metadata = dict(metadata)


def looks_like(head: bytes) -> str:
    """What a file that begins so seems to be, for messages."""
    if head[8:9] == b"{":
        return "a .safetensors file"
    for start, kind in KINDS.items():
        if head.startswith(start):
            return kind
    return "a text" if head and all(32 <= b < 127 or b in b"\t\r\n" for b in head) else "something else"


def check_name(path: Any, name: Any) -> None:
    """FileError for a name that not both formats can keep."""
    if not isinstance(name, str) or not name or name == NOTES or "\0" in name or not name.isprintable():
        raise FileError(path, f"names are printable strings other than {NOTES!r}, got {name!r}")


def check_dtype(path: Any, name: str, dtype: Any) -> None:
    """FileError for numbers that tinylucid does not compute with; ``dtype`` may be a name that NumPy does not know."""
    if dtype not in DTYPES:
        advice = "convert it to float32 first" if "float" in str(dtype) else "only real numbers and booleans are kept"
        raise FileError(path, f"entry {name!r} is {dtype}, which tinylucid does not have; {advice}")


def finished(path: Any, name: str, raw: bytearray, dtype: np.dtype, shape: Any, order: Any = "C") -> np.ndarray:
    """The array of these bytes: in memory of its own, row by row, in this machine's byte order."""
    try:
        if any(n < 0 for n in shape) or math.prod(shape) * dtype.itemsize != len(raw):
            raise ValueError(f"which does not fill its {len(raw)} bytes")
        array = np.frombuffer(raw, dtype).reshape(shape, order=order)
    except (ValueError, OverflowError) as error:  # also an axis of 2⁷⁰ beside one of 0, or a hundred axes
        raise FileError(path, f"is damaged: entry {name!r} has shape {str(shape)[:80]}, {error}") from error
    if dtype.kind == "b":
        array = array.view(np.uint8).astype(bool)  # a byte of 2 would be neither true nor false
    return array.astype(dtype.newbyteorder("="), order="C")


def to_notes(path: Any, metadata: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> dict[str, str]:
    """What is written beside the arrays: format, version, metadata as JSON, checksum; FileError for what is no JSON."""
    for key, value in metadata.items():
        try:
            json.dumps({key: value})
        except (TypeError, ValueError, RecursionError) as error:
            raise FileError(path, f"metadata[{key!r}] is not JSON ({error}); make it plain values first") from error
    text = json.dumps(dict(metadata))
    return {"format": FORMAT, "version": str(VERSION), "metadata": text, "crc32": _checksum(text, arrays)}


def from_notes(path: Any, notes: Mapping[str, str], arrays: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """The metadata that to_notes was given, or the notes as they are in a file of another program."""
    if notes.get("format") != FORMAT:
        return dict(notes)
    version, text = notes.get("version", "")[:9], notes.get("metadata", "")
    if not version.isdecimal():
        raise FileError(path, f"is damaged: it has no valid format version, but {version!r}")
    if int(version) > VERSION:
        raise FileError(path, f"is of format version {version}, newer than the {VERSION} known here; update tinylucid")
    metadata = from_json(path, text, "metadata")
    if not isinstance(metadata, dict):
        raise FileError(path, f"is damaged: its metadata is no JSON object, but a {type(metadata).__name__}")
    if notes.get("crc32") != _checksum(text, arrays):
        raise FileError(path, "is damaged: its contents do not fit their checksum; take another copy")
    return metadata


def _checksum(text: str, arrays: Mapping[str, np.ndarray]) -> str:
    """CRC-32 of the metadata and of every array's name, dtype, shape and bytes, in the order of the names."""
    crc = zlib.crc32(text.encode(errors="replace"))
    for name, array in sorted(arrays.items()):
        crc = zlib.crc32(f"{name} {array.dtype.name} {array.shape}".encode(), crc)
        crc = zlib.crc32(array.astype(array.dtype.newbyteorder("<"), copy=False).data, crc)
    return f"{crc:08x}"


def from_json(path: Any, text: Any, what: str) -> Any:
    """The value of a JSON text of a file; FileError if it is none, or says something twice."""
    try:
        return json.loads(text, object_pairs_hook=_once)
    except (TypeError, ValueError, RecursionError) as error:
        raise FileError(path, f"is damaged: its {what} is not JSON ({str(error)[:80]})") from error


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name stands twice")
    return found
