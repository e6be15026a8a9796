"""``tinylucid exercise``: derive a gradient, write it, and be told what is wrong with it."""

from __future__ import annotations

import argparse
import shutil
import textwrap
from pathlib import Path
from typing import Any

from .. import exercises
from .arguments import add_json
from .terminal import BAD, DIM, GOOD, heading, print_json, printable, styled, table

HELP = "learn by doing: gradients to derive and write, checked with a diagnosis"
DESCRIPTION = """Exercises from adding with broadcasting to a CUDA kernel. `start` copies a file with the problem into a folder of
your own, you write its functions, `check` compares them with finite differences and says what is probably wrong, with the
smallest case that fails. The exit code of `check` is 0 if all is right and 1 if not."""
EXAMPLES = (
    "tinylucid exercise list",
    "tinylucid exercise start add",
    "tinylucid exercise check add",
    "tinylucid exercise report class/*",
)


def add(parser: argparse.ArgumentParser) -> None:
    """The command's own commands."""
    adding = parser.add_subparsers(dest="action", metavar="ACTION")
    for action, text in (
        ("list", "the exercises in order, and which are passed"),
        ("start", "copy an exercise into your folder; what is there already stays"),
        ("check", "is it right, and if not, what is probably wrong"),
        ("hint", "the next hint"),
        ("solution", "one way to solve it, with its derivation"),
        ("report", "for a class: who passed what, and which mistakes were made"),
    ):
        one = adding.add_parser(action, help=text, description=f"{text[0].upper()}{text[1:]}.")
        if action == "report":
            one.add_argument("folders", metavar="DIR", nargs="+", help="the folder of a learner; its files are run")
        elif action != "list":
            one.add_argument("name", metavar="NAME", help="of an exercise; `list` shows them")
        if action in ("list", "check", "report"):
            add_json(one)
        if action != "report":
            one.add_argument("--folder", metavar="DIR", help="where your files are (tinylucid-exercises)")


def run(arguments: argparse.Namespace) -> int:
    """Do what was asked."""
    from ..exercises.folder import chosen

    if arguments.action == "report":
        report(arguments)
        return 0
    folder = chosen(getattr(arguments, "folder", None))
    if arguments.action in (None, "list"):
        show_list(folder, getattr(arguments, "json", False))
        return 0
    name = arguments.name.removesuffix(".py")
    if name not in exercises.NAMES:
        exercises.exercise(name)  # refuses it
    if arguments.action == "check":
        return check(name, folder, arguments.json)
    {"start": start, "hint": hint, "solution": solution}[arguments.action](name, folder)
    return 0


def wrapped(text: str, indent: str = "") -> str:
    """Text as wide as the terminal, but no wider than is good to read."""
    width = min(shutil.get_terminal_size((100, 24)).columns, 100)
    return textwrap.fill(
        printable(text), width, initial_indent=indent, subsequent_indent=indent, break_long_words=False
    )


def show_list(folder: Path, as_json: bool) -> None:
    """All exercises, and how far one is."""
    from ..exercises.folder import events

    past = events(folder)
    rows: list[dict[str, Any]] = []
    for k, name in enumerate(exercises.NAMES, 1):
        done = [e.what for e in past if e.name == name]
        state = "passed" if "passed" in done else "started" if {"started", "failed"} & set(done) else ""
        tries = done.count("failed") + done.count("passed")
        rows.append({"number": k, "name": name, "title": exercises.title(name), "state": state, "tries": tries})
    if as_json:
        print_json(rows)
        return
    passed = sum(row["state"] == "passed" for row in rows)
    heading(f"{passed} of {len(rows)} passed")
    table([(row["number"], row["name"], row["title"], row["state"]) for row in rows])
    following = next((row["name"] for row in rows if row["state"] != "passed"), None)
    if following:
        done = next(row["state"] for row in rows if row["name"] == following)
        print(f"\ngo on: tinylucid exercise {'check' if done else 'start'} {following}")


def start(name: str, folder: Path) -> None:
    """Copy the file, and say what to do with it."""
    from ..exercises.folder import start

    path = start(name, folder)
    print(f"{path} holds the problem. Write its functions, then:\n\n    tinylucid exercise check {name}\n")
    print(f"If you are stuck: tinylucid exercise hint {name}")


def check(name: str, folder: Path, as_json: bool) -> int:
    """Check, note it, and say what was found."""
    from ..exercises.checker import check
    from ..exercises.folder import note, written

    found = check(name, written(name, folder))
    if found["status"] == "unable":
        raise ValueError(found["text"])
    if found["status"] != "unwritten":
        note(folder, name, found["status"], found["cause"])
    if as_json:
        print_json(found)
    else:
        print_found(name, found)
    return 0 if found["status"] == "passed" else 1


def print_found(name: str, found: dict[str, Any]) -> None:
    """What a check found, for a person."""
    passed = found["status"] == "passed"
    words = {"passed": "passed", "failed": "not yet", "unwritten": "not written yet"}[found["status"]]
    print(styled(words, GOOD if passed else BAD), name)
    for task in found.get("tasks", []):
        failed, _, of = task.get("failed", "").partition(" of ")
        state = (
            f"right in {of}"
            if task["status"] == "right"
            else "not written yet"
            if task["status"] == "unwritten"
            else f"wrong in {failed} of {of}"
        )
        print(f"  {task['function']:<12} {state}")
    wrong = [t for t in found.get("tasks", []) if t["status"] not in ("right", "unwritten")]
    for text in [t["text"] for t in wrong] or [found["text"]] * (found["status"] == "failed"):
        print("\n" + wrapped(text))
    if wrong and wrong[0].get("case"):
        print(f"\nthe smallest case that was found, {wrong[0]['function']} of")
        width = max(len(label) for label, _ in wrong[0]["case"])
        for label, value in wrong[0]["case"]:
            print(f"  {label:>{width}} = " + value.replace("\n", "\n" + " " * (width + 5)))
    if found["printed"].strip():
        print("\nyour file printed\n" + textwrap.indent(printable_lines(found["printed"]), "  "))
    index = exercises.NAMES.index(name) + 1
    if passed and index < len(exercises.NAMES):
        print(f"\nthe next one: tinylucid exercise start {exercises.NAMES[index]}")
    elif not passed:
        print(styled(f"\na hint: tinylucid exercise hint {name}", DIM))


def printable_lines(text: str) -> str:
    """Lines that someone else's code printed, at most eight, without control characters."""
    lines = text.splitlines()
    more = [f"… and {len(lines) - 8} lines more"] if len(lines) > 8 else []
    return "\n".join([*(printable(line) for line in lines[:8]), *more])


def hint(name: str, folder: Path) -> None:
    """The next hint; the last one again when there are no more."""
    from ..exercises.folder import count, events, note

    hints = exercises.exercise(name).hints
    seen = count(events(folder), name, "hint")
    k = min(seen, len(hints) - 1)
    if seen <= k:
        folder.mkdir(parents=True, exist_ok=True)
        note(folder, name, f"hint {k + 1}")
    print(wrapped(f"Hint {k + 1} of {len(hints)}: {hints[k]}"))
    if k == len(hints) - 1:
        print(f"\nThis is the last one; `tinylucid exercise solution {name}` prints a solution.")


def solution(name: str, folder: Path) -> None:
    """Print a solution, and note that it was seen."""
    from ..exercises.folder import PROGRESS, note

    if (folder / PROGRESS).is_file():
        note(folder, name, "solution")
    print(exercises.solution(name), end="")


def report(arguments: argparse.Namespace) -> None:
    """For a teacher: who passed what, and the mistakes of all."""
    from ..exercises.classroom import classroom, mistakes

    rows = classroom([Path(folder) for folder in arguments.folders])
    if arguments.json:
        print_json({"learners": rows, "mistakes": [{"mistake": m, "learners": n} for m, n in mistakes(rows)]})
        return
    heading("who passed what")
    shown = []
    for row in rows:
        helped = [f"{sum(row['hints'].values())} hints"] * bool(row["hints"]) + [
            f"saw {len(row['solutions'])} solutions"
        ] * bool(row["solutions"])
        shown.append(
            (
                row["who"],
                len(row["passed"]),
                len(row["failed"]),
                " ".join(row["passed"]) or "–",
                " ".join(row["failed"]) or "–",
                ", ".join(helped),
            )
        )
    table(shown, head=("who", "passed", "wrong", "passed are", "wrong are", ""))
    for row in rows:
        for name, why in row["failed"].items():
            print("\n" + wrapped(f"{row['who']}, {name}: {why['text']}"))
    if found := mistakes(rows):
        print()
        heading("mistakes, and how many made them")
        table([(n, mistake) for mistake, n in found])
