"""MNIST and CIFAR-10 from the binary files their authors publish. Nothing in them is executed: no pickle is opened.

MNIST: Y. LeCun, C. Cortes, C. Burges, The MNIST database of handwritten digits (1998), CC BY-SA 3.0. CIFAR-10: A. Krizhevsky,
Learning multiple layers of features from tiny images (2009), published for research without a licence of its own.
"""

from __future__ import annotations

import gzip
import math
import os
import struct
import tarfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..dtypes import float32, int64
from .dataset import ArrayDataset, Preprocess, Splits, as_float
from .fetch import fetch

MNIST_URL = "https://ossci-datasets.s3.amazonaws.com/mnist/"  # a mirror: the authors ask to leave their own page alone
MNIST_FILES = {  # and their MD5 digests
    "train-images-idx3-ubyte.gz": "f68b3c2dcbeaaa9fbdd348bbdeb94873",
    "train-labels-idx1-ubyte.gz": "d53e105ee54ea40749a09fcbcd1e9432",
    "t10k-images-idx3-ubyte.gz": "9fb629c4189551a2d022fa330f9573f3",
    "t10k-labels-idx1-ubyte.gz": "ec29112dd5afa0611ce80d1b7f02629c",
}
CIFAR_URL = "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz"
CIFAR_MD5 = "c32a1d4ab5d03f1284b67883e8d87530"
CIFAR_FOLDER = "cifar-10-batches-bin"
CIFAR_FILES = (*(f"data_batch_{k}.bin" for k in range(1, 6)), "test_batch.bin")
CIFAR_CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
RECORD = 1 + 3 * 32 * 32  # bytes of a picture in CIFAR-10: its class, then red, green and blue row by row


def mnist(root: str | os.PathLike, download: bool = False) -> Splits:
    """Handwritten digits, 28×28 and grey, from MNIST's four files in the folder ``root``, packed (.gz) or unpacked.

    Returns (train, test), 60,000 and 10,000 pictures: x (N, 1, 28, 28) float32, (x − 0.1307) / 0.3081 of x in [0, 1]
    (the training pictures' mean and deviation), ink bright on dark; y (N,) int64, the digit. ``download`` fetches files
    that are missing (11 MB) and checks their published digests; files that are there are read without a network.
    Raises FileNotFoundError for missing files, OSError if they cannot be fetched, ValueError for damaged ones.
    """
    root = Path(root)
    missing = [name for name in MNIST_FILES if not any(path.exists() for path in spellings(root, name))]
    if missing and not download:
        raise FileNotFoundError(
            f"mnist: no {', '.join(missing)} in {root} (nor the same without .gz); "
            f"mnist({str(root)!r}, download=True) fetches what is missing from {MNIST_URL}"
        )
    for name in missing:
        fetch(MNIST_URL + name, root / name, MNIST_FILES[name])
    names, how = tuple(str(k) for k in range(10)), Preprocess(28, False, (0.1307,), (0.3081,))
    found = [next(path for path in spellings(root, name) if path.exists()) for name in MNIST_FILES]
    parts = []
    for images, labels in (found[:2], found[2:]):
        x, y = read_idx(images, 3), read_idx(labels, 1)
        if x.shape[1:] != (28, 28):
            raise ValueError(f"{images}: expected pictures of 28×28 pixels, got {x.shape[1]}×{x.shape[2]}")
        if len(x) != len(y):
            raise ValueError(f"{labels}: holds {len(y)} labels for the {len(x)} pictures of {images.name}")
        parts.append(prepared(x[:, None], y, names, how, labels))
    return Splits(*parts)


def spellings(root: Path, name: str) -> tuple[Path, Path]:
    """A packed file, or else the same one unpacked."""
    return root / name, root / name.removesuffix(".gz")


def read_idx(path: Path, dimensions: int) -> Any:
    """The bytes in an idx file, uint8 of so many dimensions.

    The format: 0, 0, 8 (for bytes), the number of dimensions, then each size as four bytes, most significant first, then
    the numbers. Raises ValueError, naming the file, if it is something else, cut off, or longer than it says.
    """
    try:
        raw = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    except EOFError as error:
        raise ValueError(f"{path}: is cut off: the packed data do not come to an end; fetch it again") from error
    except (gzip.BadGzipFile, zlib.error) as error:
        raise ValueError(f"{path}: is no whole gzip file ({error}); fetch it again") from error
    magic, start = bytes([0, 0, 8, dimensions]), 4 + 4 * dimensions
    if raw[:4] != magic[: len(raw[:4])]:
        raise ValueError(
            f"{path}: is no such idx file: expected to begin with {magic.hex(' ')}, got {raw[:4].hex(' ')}"
        )
    if len(raw) < start:
        raise ValueError(
            f"{path}: is cut off: holds {len(raw)} bytes, and its header alone has {start}; fetch it again"
        )
    sizes = struct.unpack(f">{dimensions}I", raw[4:start])
    if len(raw) - start != math.prod(sizes):
        how = "is cut off" if len(raw) - start < math.prod(sizes) else "is too long"
        counted = "×".join(map(str, sizes))
        raise ValueError(f"{path}: {how}: {len(raw) - start} bytes follow a header that promises {counted}")
    return np.frombuffer(raw, np.uint8, offset=start).reshape(sizes)


def cifar10(root: str | os.PathLike, download: bool = False) -> Splits:
    """Photographs of ten things, 32×32 in colour, from CIFAR-10's binary version in the folder ``root``.

    Read from ``cifar-10-binary.tar.gz``, without unpacking it, or from its six .bin files in ``root`` or in
    ``root/cifar-10-batches-bin``. Returns (train, test), 50,000 and 10,000 pictures: x (N, 3, 32, 32) float32, of x in
    [0, 1] minus the training pictures' mean over their deviation, channel by channel; y (N,) int64. In memory they take
    740 MB. ``download`` fetches the archive (170 MB) if nothing is there, and checks its published digest.
    Raises FileNotFoundError for missing files, OSError if it cannot be fetched, ValueError for damaged ones.
    """
    root = Path(root)
    archive = root / CIFAR_URL.rsplit("/", 1)[-1]
    folder = next((f for f in (root / CIFAR_FOLDER, root) if any((f / name).exists() for name in CIFAR_FILES)), None)
    if not folder and not archive.exists():
        if not download:
            pickled = any((root / name).exists() for name in ("cifar-10-python.tar.gz", "cifar-10-batches-py"))
            raise FileNotFoundError(
                f"cifar10: neither {archive.name} nor {CIFAR_FILES[0]} … {CIFAR_FILES[-1]} in {root}; "
                + ("the Python version that is there is made of pickles, which are never opened; " if pickled else "")
                + f"cifar10({str(root)!r}, download=True) fetches {CIFAR_URL}"
            )
        fetch(CIFAR_URL, archive, CIFAR_MD5)
    raw = from_folder(folder) if folder else from_archive(archive)
    where = folder or archive
    missing = [name for name in CIFAR_FILES if name not in raw]
    if missing:
        raise FileNotFoundError(f"cifar10: no {', '.join(missing)} in {where}")
    how = Preprocess(32, True, (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616))
    parts = []
    for names in (CIFAR_FILES[:-1], CIFAR_FILES[-1:]):
        records = np.concatenate([read_records(raw.pop(name), where / name) for name in names])
        parts.append(prepared(records[:, 1:].reshape(-1, 3, 32, 32), records[:, 0], CIFAR_CLASSES, how, where))
    return Splits(*parts)


def from_folder(folder: Path) -> dict[str, bytes]:
    """The bytes of CIFAR-10's files that lie in a folder."""
    return {name: (folder / name).read_bytes() for name in CIFAR_FILES if (folder / name).exists()}


def from_archive(path: Path) -> dict[str, bytes]:
    """The bytes of CIFAR-10's files in its archive, read in one pass; nothing is written. ValueError if it is damaged."""
    wanted, found = {f"{CIFAR_FOLDER}/{name}": name for name in CIFAR_FILES}, {}
    try:
        with tarfile.open(path, "r:gz") as archive:
            for member in archive:
                file = archive.extractfile(member) if member.name in wanted and member.isfile() else None
                if file:
                    found[wanted[member.name]] = file.read()
    except (tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise ValueError(f"{path}: is cut off or no .tar.gz archive ({error}); fetch it again") from error
    return found


def read_records(raw: bytes, path: Path) -> Any:
    """CIFAR-10's records (N, 3073), uint8. ValueError, naming the file, unless they are whole."""
    if len(raw) % RECORD or not raw:
        raise ValueError(f"{path}: is cut off or no file of CIFAR-10: {len(raw)} bytes are not some times {RECORD}")
    return np.frombuffer(raw, np.uint8).reshape(-1, RECORD)


def prepared(x: Any, y: Any, classes: Sequence[str], how: Preprocess, path: Path) -> ArrayDataset:
    """The dataset of pictures x (N, C, H, W), uint8, and their classes y (N,), normalised some thousand at a time."""
    if y.size and y.max() >= len(classes):
        raise ValueError(f"{path}: is damaged: it holds class {y.max()}, and there are only {len(classes)} classes")
    normalized = np.empty(x.shape, float32)
    for k in range(0, len(x), 4096):  # all at once would take four times the memory for a while
        normalized[k : k + 4096] = how.normalized(as_float(x[k : k + 4096]))
    return ArrayDataset(normalized, y.astype(int64), classes, how)
