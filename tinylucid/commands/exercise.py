"""``tinylucid exercise``: derive a gradient, write it, and be told what is wrong with it."""

from __future__ import annotations

import argparse
import shlex
import shutil
import textwrap
from pathlib import Path
from typing import Any

from .. import exercises
from .arguments import add_json
from .terminal import BAD, DIM, GOOD, heading, print_json, printable, program, styled, table

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
    given = getattr(arguments, "folder", None)
    folder = chosen(given)
    next_step = Step(f" --folder {shlex.quote(given)}" if given else "")
    if arguments.action in (None, "list"):
        show_list(folder, getattr(arguments, "json", False), next_step)
        return 0
    name = exercises.known(arguments.name)
    if arguments.action == "check":
        return check(name, folder, arguments.json, next_step)
    {"start": start, "hint": hint, "solution": solution}[arguments.action](name, folder, next_step)
    return 0


class Step(str):
    """What to type next: a call gives the command line for an action and an exercise, in the folder that was named."""

    def __call__(self, action: str, name: str) -> str:
        return f"{program()} exercise {action} {name}{self}"


def wrapped(text: str, indent: str = "") -> str:
    """Text as wide as the terminal, but no wider than is good to read."""
    width = min(shutil.get_terminal_size((100, 24)).columns, 100)
    return textwrap.fill(
        printable(text), width, initial_indent=indent, subsequent_indent=indent, break_long_words=False
    )


def show_list(folder: Path, as_json: bool, next_step: Step) -> None:
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
        print(f"\ngo on: {next_step('check' if done else 'start', following)}")


def start(name: str, folder: Path, next_step: Step) -> None:
    """Copy the file, and say what to do with it."""
    from ..exercises.folder import start

    path = start(name, folder)
    print(f"{path} holds the problem. Write its functions, then:\n\n    {next_step('check', name)}\n")
    print(f"If you are stuck: {next_step('hint', name)}")


def check(name: str, folder: Path, as_json: bool, next_step: Step) -> int:
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
        print_found(name, found, next_step)
    return 0 if found["status"] == "passed" else 1


def print_found(name: str, found: dict[str, Any], next_step: Step) -> None:
    """What a check found, for a person."""
    passed, tasks = found["status"] == "passed", found.get("tasks", [])
    words = {"passed": "passed", "failed": "not yet", "unwritten": "not written yet"}[found["status"]]
    print(styled(words, GOOD if passed else BAD), name)
    width = max((len(task["function"]) for task in tasks), default=0)
    for task in tasks:
        print(f"  {task['function']:<{width}}  {in_cases(task)}")
    wrong = [t for t in tasks if t["status"] not in ("right", "unwritten")]
    for text in [t["text"] for t in wrong] or [found["text"]] * (found["status"] == "failed"):
        print("\n" + wrapped(text))
    first = wrong[0] if wrong else {}
    if first.get("case"):
        print(f"\nthe smallest case that was found, {first['function']} of")
        print_case(first["case"])
    for what, printed in (("your file", found["printed"]), ("in this case your function", first.get("printed", ""))):
        if printed.strip():
            print(f"\n{what} printed\n" + textwrap.indent(printable_lines(printed), "  "))
    index = exercises.NAMES.index(name) + 1
    if passed and index < len(exercises.NAMES):
        print(f"\nthe next one: {next_step('start', exercises.NAMES[index])}")
    elif passed:
        print("\nThis was the last one. `tinylucid read` shows how the engine does all of it.")
    else:
        print(styled(f"\na hint: {next_step('hint', name)}", DIM))


def in_cases(task: dict[str, Any]) -> str:
    """How a function did."""
    wrong, _, of = task.get("failed", "").partition(" of ")
    known = {"right": f"right in {of}", "unwritten": "not written yet", "form": "not as it should be"}
    return known.get(task["status"], f"wrong in {wrong} of {of}")


def print_case(case: list[tuple[str, str]]) -> None:
    """Arguments and results, one below the other, as Python would write them."""
    width = max(len(label) for label, _ in case)
    for label, value in case:
        print(f"  {label:>{width}} = " + value.replace("\n", "\n" + " " * (width + 5)))


def printable_lines(text: str) -> str:
    """Lines that someone else's code printed, the first ones, short, without control characters."""
    lines = [
        textwrap.shorten(printable(line), 100, placeholder=" …") if len(line) > 100 else printable(line)
        for line in text.splitlines()
    ]
    return "\n".join([*lines[:12], *["…"] * (len(lines) > 12)])


def hint(name: str, folder: Path, next_step: Step) -> None:
    """The next hint; the last one again when there are no more."""
    from ..exercises.folder import count, events, note

    hints = exercises.exercise(name).hints
    seen = count(events(folder), name, "hint")
    k = min(seen, len(hints) - 1)
    if seen <= k:
        note(folder, name, f"hint {k + 1}")
    print(wrapped(f"Hint {k + 1} of {len(hints)}: {hints[k]}"))
    if k == len(hints) - 1:
        print(f"\nThis is the last one. A solution: {next_step('solution', name)}")


def solution(name: str, folder: Path, next_step: Step) -> None:
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
        names = [" ".join(row[state]) or "–" for state in ("passed", "failed", "unwritten")]
        help_taken = (many(sum(row["hints"].values()), "hint"), many(len(row["solutions"]), "solution"))
        shown.append((row["who"], len(row["passed"]), *names, ", ".join(filter(None, help_taken))))
    table(shown, head=("who", "passed", "which", "still wrong", "begun", "looked at"))
    for row in rows:
        for name, why in row["failed"].items():
            print("\n" + wrapped(f"{row['who']}, {name}: {why['text']}"))
    if found := mistakes(rows):
        print()
        heading("mistakes, and how many made them")
        table([(n, mistake) for mistake, n in found])


def many(count: int, what: str) -> str:
    """How many there are of something; nothing for none."""
    return f"{count} {what}{'s' * (count > 1)}" if count else ""
