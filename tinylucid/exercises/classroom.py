"""A teacher's class: each folder's exercises checked anew, and the mistakes that were made on the way."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from tqdm import tqdm

from . import NAMES
from .checker import check
from .folder import FOLDER, Event, count, events


def classroom(folders: Sequence[Path]) -> list[dict[str, Any]]:
    """For each folder: who, the exercises that pass, those that do not with the words for it, tries, hints, mistakes.

    Each file that is there is checked anew; tries, hints, solutions seen and former mistakes are what the progress files say.
    Raises ValueError for a folder that is not there.
    """
    homes = [home(folder) for folder in folders]
    tasks = [(k, name) for k, folder in enumerate(homes) for name in NAMES if (folder / f"{name}.py").is_file()]
    with (
        ThreadPoolExecutor(os.cpu_count()) as pool,
        tqdm(total=len(tasks), desc="check", unit=" files", disable=None, leave=False) as bar,
    ):

        def one(task: tuple[int, str]) -> dict[str, Any]:
            found = check(task[1], homes[task[0]] / f"{task[1]}.py")
            bar.update()
            return found

        results = list(pool.map(one, tasks))
    return [
        student(folder, homes[k], [r for (j, _), r in zip(tasks, results) if j == k])
        for k, folder in enumerate(folders)
    ]


def home(folder: Path) -> Path:
    """Where in a learner's folder the exercises are."""
    if not folder.is_dir():
        raise ValueError(
            f"{folder}: no such folder; expected one for each learner, with the files of the exercises in it"
        )
    inner = folder / FOLDER
    return inner if inner.is_dir() else folder


def student(folder: Path, home: Path, results: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """One learner's row."""
    past = events(home)
    name = folder.resolve().parent.name if folder.resolve().name == FOLDER else folder.resolve().name
    return {
        "who": name,
        "passed": [r["name"] for r in results if r["status"] == "passed"],
        "failed": {r["name"]: {"cause": r["cause"], "text": r["text"]} for r in results if r["status"] == "failed"},
        "unwritten": [r["name"] for r in results if r["status"] == "unwritten"],
        "unable": [r["name"] for r in results if r["status"] == "unable"],
        "tries": {r["name"]: tries for r in results if (tries := tried(past, r["name"]))},
        "hints": {r["name"]: n for r in results if (n := count(past, r["name"], "hint"))},
        "solutions": [r["name"] for r in results if count(past, r["name"], "solution")],
        "mistakes": sorted({f"{e.name}: {e.cause}" for e in past if e.what == "failed"}
                           | {f"{r['name']}: {r['cause']}" for r in results if r["status"] == "failed"}),
    }  # fmt: skip


def tried(past: Sequence[Event], name: str) -> int:
    """How many checks the progress file tells of."""
    return count(list(past), name, "passed") + count(list(past), name, "failed")


def mistakes(rows: Sequence[dict[str, Any]]) -> list[tuple[str, int]]:
    """(exercise and mistake, how many learners made it), the most frequent first."""
    found = Counter(mistake for row in rows for mistake in row["mistakes"])
    return sorted(found.items(), key=lambda pair: (-pair[1], pair[0]))
