"""What the real CuPy has: its names, and the parameters of its functions and methods, kept in ``names.json``.

``python -m tinylucid_kernels.emulator.standin`` writes the file anew from the CuPy that is installed; no GPU is needed.
The file says which version it was.
"""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Sequence
from functools import cache, reduce
from importlib import import_module
from pathlib import Path
from typing import Any

FILE = Path(__file__).with_name("names.json")
MODULES = ("cupy", "cupy.fft", "cupy.lib.stride_tricks", "cupy.linalg")


@cache
def stored() -> dict[str, Any]:
    """The file: ``version``, and by the name of a module or class what is in it (see :func:`described`)."""
    return json.loads(FILE.read_text(encoding="utf-8"))


def installed() -> dict[str, Any]:
    """The same, of the CuPy that is installed."""
    cupy = import_module("cupy")
    modules = {name: reduce(getattr, name.split(".")[1:], cupy) for name in MODULES}
    found: dict[str, Any] = {"version": cupy.__version__}
    for name, thing in {**modules, "cupy.ndarray": cupy.ndarray}.items():
        public = [n for n in sorted(dir(thing)) if not n.startswith("_")]
        found[name] = {n: described(getattr(thing, n)) for n in public}
    return found


def described(thing: Any) -> list[str] | str | None:
    """The names of a function's parameters, those after a "*" by keyword only; "ufunc"; None for anything else."""
    if type(thing).__name__ == "ufunc":
        return "ufunc"
    if isinstance(thing, type) or not callable(thing):
        return None
    try:
        parameters = list(inspect.signature(thing).parameters.values())
    except (TypeError, ValueError):  # compiled: the first line of its documentation has the signature
        return written(thing)
    return in_order([(stars(p) + p.name, p.kind is p.KEYWORD_ONLY) for p in parameters])


def stars(p: inspect.Parameter) -> str:
    """The stars before ``*args`` and ``**kwargs``."""
    return "*" if p.kind is p.VAR_POSITIONAL else "**" if p.kind is p.VAR_KEYWORD else ""


def in_order(parameters: Sequence[tuple[str, bool]]) -> list[str]:
    """The names without self, and a "*" before the first that goes by keyword only."""
    names: list[str] = []
    for name, keyword_only in parameters:
        if keyword_only and not any(n.startswith("*") for n in names):
            names.append("*")
        names.append(name)
    return names[1:] if names[:1] == ["self"] else names


def written(thing: Any) -> list[str] | None:
    """The parameters that the documentation's first line gives: ``ndarray.sum(self, axis=None, ...)``."""
    line = re.match(r"[\w.]+\((.*)\)( -> \w+)?$", (thing.__doc__ or "").split("\n")[0])
    if not line:
        return None
    words = [p.split("=")[0].split()[-1] for p in line[1].split(", ") if p]
    return in_order([(w, False) for w in words])


def as_text(names: dict[str, Any]) -> str:
    """JSON with one name a line, so that a new version of CuPy makes a readable diff."""
    parts = [f'"version": {json.dumps(names["version"])}']
    for name, things in names.items():
        if name != "version":
            lines = ",\n".join(f"{json.dumps(n)}: {json.dumps(d)}" for n, d in things.items())
            parts.append(f"{json.dumps(name)}: {{\n{lines}\n}}")
    return "{\n" + ",\n".join(parts) + "\n}\n"
