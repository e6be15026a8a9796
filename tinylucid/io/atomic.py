"""Writing a file so that at every moment either the old one or the new one is there, whole."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator
from typing import Any, BinaryIO


@contextlib.contextmanager
def replacing(path: Any) -> Iterator[BinaryIO]:
    """A file to write in the ``with``; at its end it is on the disk and takes the place of ``path``.

    If anything goes wrong (a full disk, no permission, Ctrl-C), nothing of it stays, and an older file is as it was.
    Raises OSError naming ``path``.
    """
    target = os.path.realpath(path)  # a link stays a link: what it leads to is replaced
    folder = os.path.dirname(target)
    temporary = os.path.join(folder, f".tinylucid-{os.getpid()}-{threading.get_ident()}.tmp")
    try:
        with open(temporary, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, target)
    except BaseException as error:
        with contextlib.suppress(OSError):
            os.remove(temporary)
        if isinstance(error, OSError) and error.errno:
            kept = ", the file there is as it was" if os.path.exists(target) else ""
            do = "" if os.path.isdir(folder) else "; make its folder first"
            raise OSError(
                error.errno, f"{os.strerror(error.errno)} (nothing was saved{kept}{do})", str(path)
            ) from error
        raise
    with contextlib.suppress(OSError):  # a file system that cannot sync a folder has saved the file all the same
        _sync(folder)


def _sync(folder: str) -> None:
    """Bring the renaming itself to the disk."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
