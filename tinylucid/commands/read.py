"""``tinylucid read``: an operation's source, with its backward rule and its kernels, from what is installed."""

from __future__ import annotations

import argparse
from pathlib import Path

from pygments import highlight
from pygments.formatters import TerminalFormatter
from pygments.lexers import CudaLexer, PythonLexer
from pygments.token import Comment, Keyword, Name, Operator, String, Token

from ..source import KINDS, Part, families, reading
from .terminal import BOLD, DIM, heading, plain, styled, table

HELP = "print an operation's source: its backward rule and its kernels"
DESCRIPTION = """Print how an operation is computed and differentiated: its function, the recorded operations behind it with their
backward rules, and each kernel three times, in plain NumPy, for the CPU and for the GPU. Without a name, a table of all operations."""
EXAMPLES = (
    "tinylucid read",
    "tinylucid read max_pool2d",
    "tinylucid read conv2d --part operation --part reference",
    "tinylucid read adam",
)
LEXERS = {"python": PythonLexer, "cuda": CudaLexer}
COLOURS = {  # that can be read on black and on white, unlike the formatter's own blue
    Token: "",
    Comment: "brightblack",
    String: "green",
    Keyword: "magenta",
    Operator.Word: "magenta",
    Keyword.Type: "cyan",
    Name.Builtin: "cyan",
    Name.Decorator: "cyan",
    Name.Function: "*red*",
    Name.Class: "*red*",
}


def add(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    parser.add_argument(
        "operation",
        metavar="OP",
        nargs="?",
        help="an operation such as relu or tl.nn.functional.conv2d, a layer such as Conv2d, or a kernel such as adam",
    )
    parser.add_argument(
        "--part",
        action="append",
        choices=KINDS,
        help="print only this: operation, reference, cpu or gpu (may be given several times)",
    )
    parser.add_argument("--list", action="store_true", help="print a table of all operations instead")


def run(arguments: argparse.Namespace) -> None:
    """Print the parts, or the table."""
    if arguments.list or not arguments.operation:
        for family, rows in families().items():
            heading(family)
            table(rows)
        return
    kinds = [kind for kind in KINDS if kind in (arguments.part or KINDS)]
    found = reading(arguments.operation, kinds)
    if not found.parts:
        raise ValueError(
            f"read: {arguments.operation} has no part {' or '.join(kinds)}; leave --part out to see all it has"
        )
    for part in found.parts:
        print(styled(part.title, BOLD) + styled(f"  {place(part.path)}:{part.line}", DIM))
        print(coloured(part))
    if kinds == list(KINDS) and not any(part.kind != "operation" for part in found.parts):
        print("No kernel of its own: what stands above computes on either device.\n")
    if found.others and "operation" in kinds:
        print(f"It also calls {', '.join(found.others)}: tinylucid read {found.others[0]}")


def place(path: Path) -> str:
    """A path as one would type it here."""
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)


def coloured(part: Part) -> str:
    """The text, with colours on a terminal that wants them."""
    if plain():
        return part.text
    both = {token: (colour, colour) for token, colour in COLOURS.items()}
    return highlight(part.text, LEXERS[part.language](), TerminalFormatter(colorscheme=both))
