"""A learner's own folder: the files that were started, and a plain file of what happened."""

from __future__ import annotations

import warnings
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from . import HERE

FOLDER, PROGRESS = "tinylucid-exercises", "progress.txt"


class Event(NamedTuple):
    """A line of the progress file."""

    when: str
    name: str
    what: str  # "started", "passed", "failed", "hint 2", "solution"
    cause: str


def chosen(folder: str | None) -> Path:
    """The folder that was asked for; else the one we are in, if it is a learner's; else the usual one below it."""
    if folder is not None:
        return Path(folder)
    return Path() if Path(PROGRESS).is_file() else Path(FOLDER)


def start(name: str, folder: Path) -> Path:
    """Copy the exercise's file there; ValueError if it is there already, so that nothing is lost."""
    target = folder / f"{name}.py"
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"{folder} is a file; --folder names a folder")
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with target.open("x", encoding="utf-8") as file:
            file.write((HERE / "problems" / f"{name}.py").read_text(encoding="utf-8"))
    except FileExistsError:
        raise ValueError(f"{target} is there already, and stays as it is; rename or remove it to start anew") from None
    note(folder, name, "started")
    return target


def written(name: str, folder: Path) -> Path:
    """The learner's file; ValueError if there is none."""
    path = folder / f"{name}.py"
    if not path.is_file():
        raise ValueError(
            f"{path} is not there; `tinylucid exercise start {name}` puts it there (--folder names another folder)"
        )
    return path


def note(folder: Path, name: str, what: str, cause: str = "") -> None:
    """Add a line to the progress file."""
    line = f"{datetime.now():%Y-%m-%d %H:%M}\t{name}\t{what}\t{' '.join(cause.split())}".rstrip()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / PROGRESS).open("a", encoding="utf-8") as file:
            file.write(line + "\n")
    except OSError as error:  # the answer matters more than the record of it
        warnings.warn(f"{folder / PROGRESS} cannot be written, so this is not kept: {error.strerror}", UserWarning)


def events(folder: Path) -> list[Event]:
    """What the progress file says; lines that someone broke are left out."""
    path = folder / PROGRESS
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines() if path.is_file() else []
    split = [line.split("\t") for line in lines if line.count("\t") >= 2]
    return [Event(when, name, what, "".join(cause[:1])) for when, name, what, *cause in split if name]


def count(found: list[Event], name: str, what: str) -> int:
    """How often something happened."""
    return sum(e.name == name and e.what.startswith(what) for e in found)
