"""Ctrl-C that waits until what was begun is done."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from typing import Any


class Interrupt:
    """Whether Ctrl-C was pressed."""

    asked = False


@contextlib.contextmanager
def interruptible() -> Iterator[Interrupt]:
    """In the ``with``, the first Ctrl-C only sets ``asked``; the second raises KeyboardInterrupt at once.

    Only the main thread can listen to signals: elsewhere, and where SIGINT is ignored (as after nohup), nothing changes.
    """
    pressed, before = Interrupt(), signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or before in (None, signal.SIG_IGN):
        yield pressed
        return

    def note(number: int, frame: Any) -> None:
        if pressed.asked:
            raise KeyboardInterrupt
        pressed.asked = True

    signal.signal(signal.SIGINT, note)
    try:
        yield pressed
    finally:
        signal.signal(signal.SIGINT, before)
