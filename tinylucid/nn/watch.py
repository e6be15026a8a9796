"""Seeing what the layers of a net give while it runs."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from .module import Module


@contextlib.contextmanager
def watched(layers: Iterable[tuple[str, Module]], note: Callable[[str, Any], None]) -> Iterator[None]:
    """In the ``with``, ``note(name, out)`` is called for what each of the (name, module) gives, run for run.

    What is noted may be written into by a later layer: copy what you keep. No hook stays, after an exception neither.
    """

    def hook(name: str) -> Callable:
        def noted(module: Module, args: tuple, out: Any) -> None:  # None: the layer's output stays what it is
            note(name, out)

        return noted

    with contextlib.ExitStack() as hooks:
        for name, module in layers:
            hooks.callback(module.register_forward_hook(hook(name)))
        yield
