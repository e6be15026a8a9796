"""Downloading a published file: it appears under its name only when whole, and only with the published digest."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPException
from pathlib import Path

BLOCK = 1 << 16  # bytes at a time
PATIENCE = 30  # seconds without a word from the server


def fetch(url: str, path: Path, md5: str) -> None:
    """Download ``url`` to ``path``, if what comes has the MD5 digest that was published (hexadecimal).

    Written beside it under another name and renamed at the end, so ``path`` is never half a file; shows a progress bar.
    Raises OSError if the server cannot be reached or breaks off, ValueError for another digest; nothing is left then.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        found = receive(url, part)
        if found != md5:
            raise ValueError(f"{url}: what came has the MD5 digest {found}, published is {md5}; it was thrown away")
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def receive(url: str, path: Path) -> str:
    """Write what a server sends to a file; returns its MD5 digest."""
    from urllib.request import urlopen

    from tqdm import tqdm

    digest, size = hashlib.md5(usedforsecurity=False), 0
    with reaching(url):
        source = urlopen(url, timeout=PATIENCE)
    with source, path.open("wb") as file:
        total = int(source.headers.get("Content-Length") or 0)
        with tqdm(desc=url.rsplit("/", 1)[-1], total=total or None, unit="B", unit_scale=True, disable=None) as bar:
            while True:
                with reaching(url):
                    block = source.read(BLOCK)
                if not block:
                    break
                file.write(block)
                digest.update(block)
                size += len(block)
                bar.update(len(block))
        file.flush()
        os.fsync(file.fileno())
    if size < total:
        raise OSError(f"{url}: the connection ended after {size} of {total} bytes; try again")
    return digest.hexdigest()


@contextmanager
def reaching(url: str) -> Iterator[None]:
    """One error, which names the address, for all that may go wrong on the way to a server."""
    try:
        yield
    except (OSError, HTTPException) as error:
        raise OSError(f"{url}: could not be fetched: {error or type(error).__name__}") from error
