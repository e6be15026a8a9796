"""Checking a learner's file in a process of its own, with a time limit."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import tinylucid_kernels

import tinylucid

SECONDS = 10.0  # until a file is taken to loop for ever
PRINTED = 2000  # characters of what a file prints that are shown


def check(name: str, path: Path, seconds: float = SECONDS) -> dict[str, Any]:
    """What is found in a learner's file: name, status ("passed", "failed", "unwritten", "unable"), cause, text, tasks, printed, seconds."""
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        result, printed = Path(folder) / "result.json", Path(folder) / "printed"
        command = [
            sys.executable,
            "-m",
            "tinylucid.exercises.child",
            name,
            str(path.resolve()),
            str(result),
            str(seconds),
        ]
        environment = {**os.environ, "PYTHONIOENCODING": "utf-8", "PYTHONPATH": os.pathsep.join(here())}
        with printed.open("wb") as output:
            limits = {"stdin": subprocess.DEVNULL, "stdout": output, "stderr": subprocess.STDOUT}
            process = subprocess.Popen(command, cwd=folder, env=environment, **limits)  # type: ignore[call-overload]
            try:
                code = process.wait(seconds + 5)
            except subprocess.TimeoutExpired:
                process.kill()
                code = process.wait()
            except BaseException:  # Ctrl-C
                process.kill()
                raise
        if result.is_file():
            found = json.loads(result.read_text(encoding="utf-8"))
        else:
            found = ended(path, code, Path(f"{result}.stack"), seconds)
        said = printed.read_bytes()[:PRINTED].decode("utf-8", "replace")
    return {"name": name, **found, "printed": said, "seconds": round(time.perf_counter() - start, 2)}


def here() -> list[str]:
    """Where this package and its kernels are, for the process to find them; not all of sys.path, to which anyone may have added."""
    packages = dict.fromkeys(str(Path(str(package.__file__)).parents[1]) for package in (tinylucid, tinylucid_kernels))
    return [*packages, *filter(None, [os.environ.get("PYTHONPATH")])]


def ended(path: Path, code: int, stack: Path, seconds: float) -> dict[str, Any]:
    """What to say of a file whose process came to no result."""
    told = stack.read_text(encoding="utf-8", errors="replace") if stack.is_file() else ""
    lines = re.findall(r'File "(.*)", line (\d+) in (\S+)', told)
    own = [(line, function) for file, line, function in lines if Path(file) == path.resolve()]
    if lines or told.startswith("Timeout"):  # frames that change while they are written down may be lost, or end Python
        where = f": it was in {own[0][1]}, line {own[0][0]}" if own else ""
        text = f"{path.name} took longer than {seconds:g} seconds{where}. Is there a loop that never ends?"
        return {"status": "failed", "cause": "time", "text": text}
    text = f"{path.name} ended Python (exit code {code}) before it could be checked: no exit() or os._exit() in an exercise."
    return {"status": "failed", "cause": "ended", "text": text}
