"""The command line: ``tinylucid COMMAND``. Errors are one line on stderr, and exit code 2."""

from __future__ import annotations

import argparse
import contextlib
import importlib
import io
import os
import sys
import warnings
from collections.abc import Iterator, Sequence
from typing import Any, NoReturn

from tinylucid_kernels.gpu.driver import NoGPU

from . import __version__, devices
from .commands.terminal import complain

COMMANDS = (
    "demo", "train", "evaluate", "predict", "explain", "visualize", "segment", "gan", "gradcheck", "exercise", "cuda", "read", "info",
)  # fmt: skip


class Parser(argparse.ArgumentParser):
    """argparse, but an error is one line."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong and exit with code 2."""
        self.exit(complain(f"{message} ({self.prog} --help says what there is)"))


class Help(argparse.HelpFormatter):
    """argparse's own, as wide as the terminal, but the examples at the end keep their lines."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        return text if text.startswith("example") else super()._fill_text(text, width, indent)


def parser(commands: Sequence[str] = COMMANDS) -> Parser:
    """The arguments of the commands; only the modules of ``commands`` are imported."""
    top = described(Parser, prog="tinylucid", description="A deep learning engine for pictures, small enough to read in an evening.",
                    examples=("tinylucid demo", "tinylucid train photographs --out model", "tinylucid COMMAND --help"))  # fmt: skip
    top.add_argument("--version", action="version", version=f"tinylucid {__version__}")
    adding = top.add_subparsers(dest="command", metavar="COMMAND")
    for name in commands:
        room = importlib.import_module(f".commands.{name}", __package__)
        command = described(
            adding.add_parser, name, help=room.HELP, description=room.DESCRIPTION, examples=room.EXAMPLES
        )
        room.add(command)
        command.set_defaults(run=room.run)
    return top


def described(make: Any, *args: Any, examples: Sequence[str], **kwargs: Any) -> Any:
    """A parser whose help ends with examples."""
    epilog = "\n  ".join(["example:" if len(examples) == 1 else "examples:", *examples])
    return make(*args, epilog=epilog, formatter_class=Help, **kwargs)


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit code (argparse itself exits after --help, --version and wrong arguments)."""
    make_printable()
    given = list(sys.argv[1:] if argv is None else argv)
    first = [name for name in given[:1] if name in COMMANDS]  # one command's modules, not all: a quick start
    arguments = parser(first or COMMANDS).parse_args(given)
    if arguments.command is None:
        parser().print_help()
        return 0
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("always", UserWarning)
            warnings.showwarning = warn
            with computing_on(getattr(arguments, "device", "cpu")):
                code = arguments.run(arguments) or 0
        sys.stdout.flush()
        return code
    except BrokenPipeError:  # who reads the answer, such as head, has read enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python complains as it flushes at its end
        return 141  # what a shell reports for a closed pipe
    except OSError as error:
        return complain(f"{error.filename}: {error.strerror}" if error.filename else error.strerror or str(error))
    except (ValueError, FloatingPointError, NoGPU) as error:
        return complain(str(error))
    except MemoryError as error:
        return complain(f"not enough memory: {error}")
    except KeyboardInterrupt:
        complain("stopped")
        return 130  # what a shell reports for Ctrl-C


@contextlib.contextmanager
def computing_on(device: str) -> Iterator[None]:
    """What a command makes lives on that device."""
    before = devices.get_default_device()
    devices.set_default_device(device)
    try:
        yield
    finally:
        devices.set_default_device(before)


def make_printable() -> None:
    """Let no letter that the terminal's encoding lacks, and no stream that is closed, stop a command."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115 - it stays open as long as the command runs
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def warn(message: Warning | str, *_: Any, **__: Any) -> None:
    """A warning as one line."""
    complain(f"warning: {message}")
