"""A bar for what takes longer than one likes to wait, on a terminal."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator

SECONDS = 2  # that pass before a bar is shown


@contextlib.contextmanager
def patience(what: str, total: int | None) -> Iterator[Callable[[int], None]]:
    """A function to be told how many more are done; after 2 seconds, on a terminal, it draws a bar of them."""
    start, bar, done = time.perf_counter(), None, 0

    def more(count: int) -> None:
        nonlocal bar, done
        done += count
        if bar is not None:
            bar.update(count)
        elif time.perf_counter() - start > SECONDS:
            from tqdm import tqdm  # imported and made when it is wanted: a small sweep takes less time than that

            bar = tqdm(total=total, initial=done, desc=what or None, disable=None, leave=False)

    try:
        yield more
    finally:
        if bar is not None:
            bar.close()
