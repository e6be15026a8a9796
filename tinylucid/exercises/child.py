"""The process that runs a learner's file: ``python -m tinylucid.exercises.child NAME FILE RESULT``.

It may loop for ever, print, crash or run out of memory: the process that waits for it (checker.py) says so.
"""

from __future__ import annotations

import builtins
import faulthandler
import importlib.util
import json
import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tinylucid_kernels import kernels

MEMORY = 6 * 2**30  # bytes that a learner's file may ask for
PRINTED = 8 * 2**20  # bytes that it may print

ALWAYS = (
    "abc",
    "cmath",
    "collections",
    "contextlib",
    "copy",
    "dataclasses",
    "enum",
    "fractions",
    "functools",
    "heapq",
    "itertools",
    "math",
    "numpy",
    "operator",
    "pprint",
    "random",
    "statistics",
    "time",
    "typing",
    "__future__",
)


class Refused(ImportError):
    """An import that would give the answer away, or that the exercise is not about."""


def load(name: str, path: Path, allowed: tuple[str, ...]) -> Any:
    """The learner's file as a module that may import only what is allowed."""
    spec = importlib.util.spec_from_file_location(f"exercise_{name}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    module.__dict__["__builtins__"] = {**vars(builtins), "__import__": guarded(allowed)}
    sys.modules[module.__name__] = module  # where dataclasses and Numba's cache look for it
    spec.loader.exec_module(module)
    return module


def guarded(allowed: tuple[str, ...]) -> Callable[..., Any]:
    """``__import__``, for a file that may import only what is allowed; what those modules import is their business."""

    def guard(name: str, *rest: Any, **more: Any) -> Any:
        if not any(name == known or name.startswith(known + ".") for known in (*ALWAYS, *allowed)):
            usual = ", ".join(["numpy", *allowed])
            raise Refused(f"it imports {name}: this exercise is done with {usual} and Python's own math")
        return __import__(name, *rest, **more)

    return guard


def limit() -> None:
    """A file that asks for too much memory or prints too much gets an error rather than the whole machine."""
    try:
        import resource
    except ImportError:  # Windows
        return
    for what, most in ((resource.RLIMIT_AS, MEMORY), (resource.RLIMIT_FSIZE, PRINTED)):
        hard = resource.getrlimit(what)[1]
        resource.setrlimit(what, (most if hard < 0 else min(most, hard), hard))


def checked(name: str, path: Path) -> dict[str, Any]:
    """What is found in a file, as plain data."""
    from . import exercise
    from .trial import try_all

    found = exercise(name)
    try:
        module = load(name, path, found.imports)
    except Refused as error:
        return {"status": "failed", "cause": "import", "text": f"{path.name}, line {line_of(error, path)}: {error}."}
    except NotImplementedError:
        return {"status": "unwritten", "cause": "unwritten", "text": f"{path.name} is not written yet."}
    except BaseException as error:
        return {
            "status": "failed",
            "cause": f"raised {type(error).__name__}",
            "text": f"{path.name} cannot be run: {told(error, path)}",
        }
    tasks = try_all(found, module)
    wrong = next((t for t in tasks if t["status"] not in ("right", "unwritten")), None)
    unwritten = next((t for t in tasks if t["status"] == "unwritten"), None)
    first = wrong or unwritten
    status = "passed" if first is None else "failed" if wrong else "unwritten"
    if first and first["cause"] == "unable":  # the machine lacks what the check needs: not the learner's fault
        status = "unable"
    return {
        "status": status,
        "cause": first["cause"] if first else "",
        "text": first["text"] if first else "",
        "tasks": tasks,
    }


def told(error: BaseException, path: Path) -> str:
    """An error in the learner's file, with its line."""
    if isinstance(error, SyntaxError):
        return f"line {error.lineno}: {error.msg}"
    return f"{type(error).__name__}: {error} (line {line_of(error, path)})"


def line_of(error: BaseException, path: Path) -> int | None:
    """The line of the learner's file in which an error arose."""
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
    return lines[-1] if lines else None


def main(name: str, path: str, result: str, seconds: str) -> None:
    """Check, and write what was found as JSON; where time runs out, the line that was being run."""
    with open(result + ".stack", "w") as stack:
        faulthandler.dump_traceback_later(float(seconds), exit=True, file=stack)
        limit()
        with kernels("reference"):  # nothing is compiled, so that it starts at once
            found = checked(name, Path(path))
        Path(result).write_text(json.dumps(found), encoding="utf-8")
    sys.stdout.flush()
    os._exit(0)  # whatever threads and exit handlers the learner's file left


if __name__ == "__main__":
    main(*sys.argv[1:])
