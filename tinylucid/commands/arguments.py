"""Arguments that several commands take, checked where they are read."""

from __future__ import annotations

import argparse
from typing import Any

from .. import devices


def whole(least: int, most: int | None = None) -> Any:
    """The type of an argument that is an integer ≥ ``least`` (and ≤ ``most``)."""

    def convert(text: str) -> int:
        value = int(text) if text.removeprefix("-").isdecimal() else None
        if value is None or value < least or (most is not None and value > most):
            limits = f"from {least} to {most}" if most is not None else f"≥ {least}"
            raise argparse.ArgumentTypeError(f"expected an integer {limits}, got {text!r}")
        return value

    return convert


def positive(text: str) -> float:
    """The type of an argument that is a number > 0."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"expected a number > 0, got {text!r}")
    return value


def device(text: str) -> str:
    """The type of ``--device``: cpu, cuda, or auto, which is cuda where there is a GPU."""
    try:
        return devices.known(text, "--device")
    except (RuntimeError, ValueError) as error:
        raise argparse.ArgumentTypeError(str(error).removeprefix("--device: ")) from None


def add_device(parser: argparse.ArgumentParser) -> None:
    """``--device NAME``; the command runs with that default device."""
    parser.add_argument("--device", type=device, default="auto", metavar="NAME",
                        help="cpu, cuda (the GPU), or auto: the GPU where there is one (%(default)s)")  # fmt: skip


def add_seed(parser: argparse.ArgumentParser) -> None:
    """``--seed N``."""
    parser.add_argument(
        "--seed", type=whole(0, 2**64 - 1), default=0, metavar="N", help="where all random numbers start (%(default)s)"
    )


def add_json(parser: argparse.ArgumentParser) -> None:
    """``--json``."""
    parser.add_argument("--json", action="store_true", help="print one JSON value, for a script to read")


def add_checkpoint(parser: argparse.ArgumentParser, pictures: bool = False) -> None:
    """CHECKPOINT, and IMAGE… after it."""
    parser.add_argument(
        "checkpoint", metavar="CHECKPOINT", help="a file that `tinylucid train` or tl.models.save wrote"
    )
    if pictures:
        parser.add_argument("images", metavar="IMAGE", nargs="+", help="picture files")
