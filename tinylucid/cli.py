"""The command line: ``tinylucid demo`` and ``tinylucid info``. Errors are one line on stderr, and exit code 2."""

from __future__ import annotations

import argparse
import os
import platform
import sys
from collections.abc import Sequence
from importlib import metadata
from typing import NoReturn

import numpy as np
from tinylucid_kernels import of

from . import __version__

PACKAGES = ("numpy", "numba", "scipy", "matplotlib", "scikit-image", "tqdm", "safetensors", "hypothesis")


class Parser(argparse.ArgumentParser):
    """argparse, but an error is one line."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong and exit with code 2."""
        self.exit(2, f"tinylucid: {message}\n")


def whole(least: int, most: int | None = None) -> type[int]:
    """The type of an argument that is an integer ≥ ``least`` (and ≤ ``most``)."""

    def convert(text: str) -> int:
        value = int(text) if text.removeprefix("-").isdecimal() else None
        if value is None or value < least or (most is not None and value > most):
            limits = f"from {least} to {most}" if most is not None else f"≥ {least}"
            raise argparse.ArgumentTypeError(f"expected an integer {limits}, got {text!r}")
        return value

    return convert  # type: ignore[return-value]


def parser() -> Parser:
    """The arguments of every command."""
    top = Parser(
        prog="tinylucid",
        description="A deep learning engine for pictures, small enough to read in an evening.",
        epilog="example:\n  tinylucid demo --out my-first-net --seed 1",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("--version", action="version", version=f"tinylucid {__version__}")
    commands = top.add_subparsers(dest="command", metavar="command")
    demo = commands.add_parser(
        "demo",
        help="train a net on photographs of ten surfaces and show what its decisions look at",
        description="Train a small convolutional net on photographs of ten surfaces (no download), print its\n"
        "accuracy beside simple methods', and save a figure of test pictures with the gradient of each decision.",
        epilog="example:\n  tinylucid demo --quick --out my-first-net",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    demo.add_argument("--out", default="tinylucid-demo", metavar="DIR", help="folder for saliency.png (%(default)s)")
    demo.add_argument("--epochs", type=whole(1), default=15, metavar="N", help="rounds over the data (%(default)s)")
    demo.add_argument(
        "--seed", type=whole(0, 2**64 - 1), default=0, metavar="N", help="where all random numbers start (%(default)s)"
    )
    demo.add_argument("--quick", action="store_true", help="a quarter of the training data, in a quarter of the time")
    commands.add_parser(
        "info",
        help="print the versions of everything that computes here",
        description="Print versions, processor cores and kernels: what a bug report should name.",
        epilog="example:\n  tinylucid info",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    return top


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit code (argparse itself exits after --help, --version and wrong arguments)."""
    arguments = parser().parse_args(argv)
    try:
        if arguments.command == "demo":
            from .demo import run

            run(arguments.out, arguments.seed, arguments.epochs, arguments.quick)
        elif arguments.command == "info":
            print(info())
        else:
            parser().print_help()
    except OSError as error:
        return complain(f"{error.filename}: {error.strerror}" if error.filename else str(error))
    except FloatingPointError as error:
        return complain(str(error))
    except KeyboardInterrupt:
        complain("stopped")
        return 130  # what a shell reports for Ctrl-C
    return 0


def complain(message: str) -> int:
    """One line on stderr; returns exit code 2."""
    print(f"tinylucid: {message}", file=sys.stderr)
    return 2


def info() -> str:
    """Versions, cores and kernels, a line each."""
    folder = of(np.empty(0)).name
    rows = [
        ("tinylucid", __version__),
        ("python", f"{platform.python_version()} on {platform.system()} {platform.machine()}"),
        *((name, version(name)) for name in PACKAGES),
        ("cores", str(os.cpu_count())),
        ("kernels", folder),
    ]
    if folder == "cpu":
        from tinylucid_kernels.cpu.threads import described

        rows += described()
    return "\n".join(f"{name:<13} {value}" for name, value in rows)


def version(package: str) -> str:
    """The installed version of a package, or that there is none."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not installed"
