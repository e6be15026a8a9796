"""The table of what was measured, and the machine it was measured on."""

from __future__ import annotations

import datetime
import os
import platform
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import NamedTuple


class Result(NamedTuple):
    """One case: what was measured, what it may be, and whether it is (None: not measured)."""

    case: str
    measured: str
    bound: str
    ok: bool | None

    def cells(self) -> tuple[str, str, str, str]:
        """The four columns of the table."""
        return self.case, self.measured, self.bound, {True: "yes", False: "NO", None: "—"}[self.ok]


def table(results: Sequence[Result]) -> str:
    """The results as a table, in columns for the eye and in Markdown."""
    return columns([("case", "measured", "bound", "ok"), *(result.cells() for result in results)])


def columns(rows: Sequence[Sequence[str]]) -> str:
    """Rows of cells as a Markdown table, the first row its head."""
    widths = [max(len(row[k]) for row in rows) for k in range(len(rows[0]))]
    lines = ["| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths)) + " |" for row in rows]
    return "\n".join([lines[0], "|" + "|".join("-" * (width + 2) for width in widths) + "|", *lines[1:]])


def machine() -> list[tuple[str, str]]:
    """(name, value) of what the figures depend on."""
    versions = {"Python": platform.python_version()}
    for package in ("tinylucid", "numpy", "numba", "torch"):
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            versions[package] = "not installed"
    return [
        ("date", datetime.date.today().isoformat()),
        ("CPU", f"{processor()}, {os.cpu_count()} cores"),
        ("system", f"{platform.system()} {platform.machine()}"),
        ("versions", ", ".join(f"{name} {version}" for name, version in versions.items())),
    ]


def processor() -> str:
    """The name of the CPU, as far as the system tells."""
    try:
        with open("/proc/cpuinfo") as file:
            names = [line.partition(":")[2].strip() for line in file if line.startswith("model name")]
    except OSError:
        names = []
    return names[0] if names else platform.processor() or platform.machine()


def write(path: Path, title: str, results: Sequence[Result], notes: Sequence[str], quick: bool) -> None:
    """The table as a Markdown file, with the machine and how it was measured."""
    path.parent.mkdir(parents=True, exist_ok=True)
    parts = [
        f"# {title}",
        "\n".join(f"- {name}: {value}" for name, value in machine()),
        "Written by `python -m benchmarks"
        + (" --quick`: few repeats, so rough." if quick else "`.")
        + " In brackets the quartiles.",
        table(results),
        "\n".join(f"- {note}" for note in notes),
    ]
    path.write_text("\n\n".join(parts) + "\n", encoding="utf-8")
