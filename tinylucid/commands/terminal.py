"""How the commands look: words for a person, plain where no terminal is, JSON for a script."""

from __future__ import annotations

import json
import os
import shutil
import sys
import unicodedata
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

BOLD, DIM, GOOD, BAD = "1", "2", "34", "31"  # blue and red: apart for colour-blind eyes too


def plain() -> bool:
    """Whether stdout is no terminal, or one that wants no colours (https://no-color.org)."""
    return not sys.stdout.isatty() or bool(os.environ.get("NO_COLOR")) or os.environ.get("TERM") == "dumb"


def styled(text: str, style: str) -> str:
    """The text in a style, on a terminal that wants one."""
    return text if plain() else f"\033[{style}m{text}\033[0m"


def program() -> str:
    """How to call this program here: by its name where the shell finds that, else as it was called now."""
    called = sys.argv[0]
    return "tinylucid" if shutil.which("tinylucid") or Path(called).name != "tinylucid" else called


def heading(text: str) -> None:
    """A line that begins a part of the answer."""
    print(styled(text, BOLD))


def table(rows: Iterable[Sequence[Any]], head: Sequence[str] = ()) -> None:
    """Rows in columns, words to the left and numbers to the right."""
    lines = [[printable(str(cell)) for cell in row] for row in rows]
    shown = [list(head), *lines] if head else lines
    if not lines:
        return
    widths = [max(len(row[k]) for row in shown) for k in range(len(lines[0]))]
    number = [all(is_number(row[k]) for row in lines) for k in range(len(widths))]
    for row in shown:
        cells = (cell.rjust(w) if right else cell.ljust(w) for cell, w, right in zip(row, widths, number))
        line = "  " + "  ".join(cells).rstrip()
        print(styled(line, DIM) if head and row is shown[0] else line)


def is_number(cell: str) -> bool:
    """Whether a cell is a number, a share, or the dash of one that has no value."""
    try:
        float(cell.rstrip("%"))
    except ValueError:
        return cell in ("", "–")
    return True


def print_json(answer: Any) -> None:
    """The answer for a script: one JSON value, in which what has no value is null; escaped if the encoding needs it."""
    text = json.dumps(finite(answer), ensure_ascii=False, indent=2)
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        text = json.dumps(finite(answer), indent=2)
    print(text)


def finite(answer: Any) -> Any:
    """The same with None for NaN and infinity, which JSON does not have."""
    if isinstance(answer, dict):
        return {str(key): finite(value) for key, value in answer.items()}
    if isinstance(answer, (list, tuple)):
        return [finite(value) for value in answer]
    if isinstance(answer, float) and not abs(answer) < float("inf"):
        return None
    return answer


def printable(text: str) -> str:
    """A text in one line: control characters, and bytes of a file's name that are no letters, as escapes."""
    return "".join(ascii(c)[1:-1] if unicodedata.category(c) in ("Cc", "Cs") else c for c in text)


def complain(message: str) -> int:
    """One line on stderr; returns exit code 2."""
    print("tinylucid: " + printable(" ".join(message.split())), file=sys.stderr)
    return 2
