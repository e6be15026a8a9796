"""``tinylucid gradcheck``: are the gradients of a function right, and if not, what is probably wrong?"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import importlib.util
import sys
import traceback
from pathlib import Path
from typing import Any

import numpy as np

from ..check import gradcheck
from ..random import Generator
from .arguments import add_device, add_json, add_seed
from .terminal import BAD, GOOD, print_json, styled

HELP = "check a function's gradients against finite differences"
DESCRIPTION = """Check the gradients of a function of tensors, or of a module, in double precision on random inputs, and say
which element is wrong and why. The exit code is 0 for a pass, 1 otherwise, and 2 where nothing could be checked."""
EXAMPLES = (
    "tinylucid gradcheck tinylucid.nn.functional:softplus",
    "tinylucid gradcheck my_layers.py:attention --shape 2x5x8 --shape 2x5x8",
)


def shape(text: str) -> tuple[int, ...]:
    """The type of ``--shape``: 2x3 is (2, 3)."""
    parts = text.lower().split("x")
    if not all(part.isdecimal() for part in parts):
        raise argparse.ArgumentTypeError(f"expected sizes such as 2x3x8x8, got {text!r}")
    return tuple(int(part) for part in parts)


def add(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    parser.add_argument(
        "function",
        metavar="MODULE:FUNCTION",
        help="a module, or a .py file, and what to check in it: a function or a Module",
    )
    parser.add_argument(
        "--shape",
        action="append",
        type=shape,
        metavar="AxB",
        help="the shape of an input, once for each input (one of 3x4)",
    )
    add_device(parser)
    add_seed(parser)
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Check, and say what was found."""
    rng = Generator(arguments.seed)
    inputs = [rng.normal(each, np.float64) for each in arguments.shape or [(3, 4)]]
    with contextlib.redirect_stdout(sys.stderr):  # what the code prints is no part of the answer
        function = found(arguments.function)
        try:
            report = gradcheck(function, inputs, raise_exception=False, seed=arguments.seed)
        except (Exception, SystemExit) as error:  # anything can be wrong with code that is not ours
            shapes = ", ".join(str(a.shape) for a in inputs)
            raise ValueError(
                f"{arguments.function} fails on inputs of shape {shapes}: {told(error)} (--shape sets them)"
            ) from error
    if arguments.json:
        print_json({"status": report.status, "text": report.text, "argument": report.argument, "cause": report.cause})
    else:
        shapes = ", ".join("×".join(map(str, a.shape)) for a in inputs)
        print(styled(report.status, GOOD if report else BAD), f"{arguments.function} on {shapes}")
        if report.text:
            print(report.text)
    return 0 if report else 1


def found(name: str) -> Any:
    """The function or module of that name; ValueError for what is not there."""
    where, colon, what = name.rpartition(":")
    if not colon or not where or not what:
        raise ValueError(f"expected MODULE:FUNCTION, for example my_layers.py:attention, got {name!r}")
    module = from_file(Path(where)) if where.endswith(".py") else from_name(where)
    try:
        for part in what.split("."):
            module = getattr(module, part)
    except AttributeError:
        raise ValueError(f"{where} has no {what!r}") from None
    if not callable(module):
        raise ValueError(f"{name} is not a function but a {type(module).__name__}")
    return module


def from_file(path: Path) -> Any:
    """The module in a file, which may import its neighbours."""
    if not path.is_file():
        raise ValueError(f"{path}: no such file")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules.setdefault(path.stem, module)  # a file may be called as a module that is in use, such as random.py
    sys.path.insert(0, str(path.resolve().parent))
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        raise ValueError(f"{path} cannot be run: {told(error)}") from error
    return module


def from_name(name: str) -> Any:
    """The module of a dotted name, also one in the folder one is in."""
    sys.path.insert(0, "")
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        raise ValueError(f"no module {error.name!r}; a file is named with its ending, {name}.py:…") from None
    except (Exception, SystemExit) as error:
        raise ValueError(f"{name} cannot be run: {told(error)}") from error


def told(error: BaseException) -> str:
    """What went wrong in code that is not ours, and where, unless it is about what the code was called with."""
    if isinstance(error, (TypeError, ValueError, IndexError)) and not isinstance(error, UnicodeError):
        return str(error)
    last = traceback.extract_tb(error.__traceback__)[-1]
    if isinstance(error, SyntaxError):
        return f"line {error.lineno}: {error.msg}"
    return f"{type(error).__name__}: {error} ({Path(last.filename).name}, line {last.lineno})"
