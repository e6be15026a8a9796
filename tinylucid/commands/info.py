"""``tinylucid info``: the versions of everything that computes here, and the GPU, or why there is none."""

from __future__ import annotations

import argparse
import os
import platform
from importlib import metadata

import numpy as np
from tinylucid_kernels import of
from tinylucid_kernels.gpu import driver

from .. import __version__
from .arguments import add_json
from .terminal import print_json

HELP = "print the versions of everything that computes here"
DESCRIPTION = "Print versions, processor cores and kernels: what a bug report should name."
EXAMPLES = ("tinylucid info", "tinylucid info --json")

PACKAGES = (
    "numpy",
    "numba",
    "scipy",
    "matplotlib",
    "pillow",
    "scikit-image",
    "scikit-learn",
    "tqdm",
    "hypothesis",
    "pygments",
)


def add(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    add_json(parser)


def run(arguments: argparse.Namespace) -> None:
    """Print what is here."""
    rows = described()
    if arguments.json:
        print_json(dict(rows))
    else:
        print("\n".join(f"{name:<13} {value}" for name, value in rows))


def described() -> list[tuple[str, str]]:
    """(name, value): versions, cores and kernels."""
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
    return rows + driver.described()


def version(package: str) -> str:
    """The installed version of a package, or that there is none."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not installed"
