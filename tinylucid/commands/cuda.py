"""``tinylucid cuda``: is a kernel of one's own right, and what does it ask of memory? Without a GPU."""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import sys
import tempfile
import textwrap
from pathlib import Path
from typing import Any

from ..kernelcheck import PARTED, Unable
from .arguments import add_json
from .gradcheck import from_file
from .terminal import BAD, GOOD, complain, heading, print_json, printable, styled, table

HELP = "check and profile a CUDA kernel of one's own, without a GPU"
DESCRIPTION = """`check` runs the kernels of FILE.cu on an emulated GPU, with drawn arrays of many sizes and in several orders of blocks and
threads, beside the NumPy functions of the same names in FILE.py, and says what is wrong, with lines and the smallest case that
shows it. `profile` counts, line by line, the memory sectors, bank conflicts and divergent branches. The exit code of `check` is
0 if all is right, 1 if something is wrong, 2 if it could not be run."""
EXAMPLES = (
    "tinylucid cuda check scale.cu",
    "tinylucid cuda profile scale.cu",
    "tinylucid cuda profile scale.cu --size n=1024",
)
LEGEND = """A request is what a warp asks for at once, in sectors of 32 bytes of the memory, or in turns of the 32 banks of shared memory.
Counted, not timed: caches, registers and occupancy only a GPU can show.""".replace("\n", " ")

STORAGE = "HYPOTHESIS_STORAGE_DIRECTORY"


def add(parser: argparse.ArgumentParser) -> None:
    """The command's own commands."""
    adding = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    for action, text in (
        ("check", "is it right, and if not, what is wrong, in which lines"),
        ("profile", "what its warps ask of memory, and where their lanes part, line by line"),
    ):
        one = adding.add_parser(action, help=text, description=f"{text[0].upper()}{text[1:]}.")
        one.add_argument(
            "file", metavar="FILE.cu", type=Path, help="kernels in CUDA C; FILE.py beside it holds the NumPy functions"
        )
        if action == "profile":
            one.add_argument(
                "--size",
                metavar="NAME=N",
                action="append",
                type=size,
                default=[],
                help="a size to run it with, such as n=1024",
            )
        add_json(one)


def size(text: str) -> tuple[str, int]:
    """The type of ``--size``."""
    name, _, number = text.partition("=")
    if not name.strip().isidentifier() or not number.strip().isdecimal() or not int(number):
        raise argparse.ArgumentTypeError(f"expected NAME=N, such as n=1024, got {text!r}")
    return name.strip(), int(number)


def run(arguments: argparse.Namespace) -> int:
    """Do what was asked."""
    if STORAGE in os.environ:
        return do(arguments)
    with tempfile.TemporaryDirectory() as folder:
        os.environ[STORAGE] = folder  # else a folder .hypothesis appears where one is
        try:
            return do(arguments)
        finally:
            del os.environ[STORAGE]


def do(arguments: argparse.Namespace) -> int:
    """Do it, or say what keeps it from being done."""
    try:
        return {"check": check, "profile": profile}[arguments.action](arguments.file, arguments)
    except Unable as error:
        code = complain_kindly(str(error))
        if error.hint:
            print("\n" + textwrap.indent(error.hint.rstrip(), "    "), file=sys.stderr)
        return code


def complain_kindly(text: str) -> int:
    """What keeps a file from being run, with the line of the source it is about below it."""
    first, *rest = text.split("\n")
    code = complain(first)
    for line in rest:
        print(printable(line), file=sys.stderr)
    return code


def check(path: Path, arguments: argparse.Namespace) -> int:
    """Check each kernel, and say what was found."""
    from ..kernelcheck.plan import plan
    from ..kernelcheck.source import read
    from ..kernelcheck.trial import check
    from ..kernelcheck.twin import starting

    source = read(path)
    library = source.library(source.reals[0])
    plans = [plan(kernel, library) for kernel in source.kernels]
    twin = path.with_suffix(".py")
    if not twin.is_file():
        raise Unable(
            f"{twin} is not there: it says with NumPy what the kernel should compute. To begin with", starting(plans)
        )
    with contextlib.redirect_stdout(sys.stderr):  # what the file prints is no part of the answer
        found = check(source, from_file(twin), twin)
    if arguments.json:
        print_json(found)
    else:
        for one in found:
            print_found(one, path)
    return 1 if any(one["status"] == "wrong" for one in found) else 0


def print_found(found: dict[str, Any], path: Path) -> None:
    """What a check found of a kernel, for a person."""
    right = found["status"] == "right"
    real = f" (real = {found['real']})" if found["real"] and not right else ""
    count = f": {found['cases']} cases, each in three orders" if right else ""
    print(styled(found["status"], GOOD if right else BAD), f"{path.name}, {found['kernel']}{real}{count}")
    if right:
        return
    print("\n" + wrapped(found["text"]) + "\n")
    print("the smallest case that shows it:")
    for name, value in found["case"]:
        print("\n".join(f"  {printable(line)}" for line in under(name, value)))
    if found["printed"]:
        print("\nin which it prints:")
        print("\n".join(f"  {printable(line)}" for line in found["printed"].splitlines()[:12]))


def under(name: str, value: str) -> list[str]:
    """A name and a value, whose further lines stand below its first."""
    first, *rest = value.splitlines() or [""]
    return [f"{name} = {first}" if name != "sizes" else first, *(" " * (len(name) + 3) + line for line in rest)]


def wrapped(text: str) -> str:
    """Text as wide as the terminal, but no wider than is good to read."""
    width = min(shutil.get_terminal_size((100, 24)).columns, 100)
    fill = lambda line: textwrap.fill(printable(line), width, break_long_words=False, break_on_hyphens=False)
    return "\n".join(line if line.startswith(" ") else fill(line) for line in text.split("\n"))


def profile(path: Path, arguments: argparse.Namespace) -> int:
    """Count, and print a table for each kernel."""
    from ..kernelcheck.profile import profile
    from ..kernelcheck.source import read

    found = profile(read(path), dict(arguments.size))
    if arguments.json:
        print_json(found)
        return 0
    for one in found:
        heading(f"{path.name}, {one['kernel']}: {one['case']}")
        shown = [r for r in one["rows"] if r["unit"] != PARTED or r["cost"]]
        rows = [(r["line"], r["what"], r["requests"], *by_request(r), r["unit"]) for r in shown]
        table(rows, head=("line", "what", "requests", "each", "at best", "unit"))
        for text in one["says"]:
            print("\n" + wrapped(text))
        if not any(r["cost"] for r in one["rows"] if r["unit"] == PARTED):
            print("\nAt no branch do the lanes of a warp part.")
        print()
    print(wrapped(LEGEND))
    return 0


def by_request(row: dict[str, Any]) -> tuple[str, str]:
    """The cost of a request, and the least it could be; of a branch the share of arrivals after which lanes part."""
    if row["unit"] == PARTED:
        return f"{row['cost'] / row['requests']:.0%}", "–"
    return f"{row['cost'] / row['requests']:.3g}", f"{row['fewest'] / row['requests']:.3g}"
