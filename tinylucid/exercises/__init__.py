"""Exercises in the calculus of deep learning, checked by finite differences, with a diagnosis of what is wrong.

problems     a file an exercise, which the learner gets: the problem, the shapes, and functions that are not written
solutions    the same files, written
checks       for each what it is compared with, how cases are drawn, and hints
task, drawn, truth          what a check is made of, how arguments are drawn, what is right
observe, verdict, trial     one call, from many to a few words, the search for the smallest case
child, checker              a learner's file in a process of its own
folder, classroom           a learner's folder, a teacher's class
"""

from __future__ import annotations

import difflib
import importlib
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .task import Exercise

HERE = Path(__file__).parent

NAMES = (
    "add",
    "matmul",
    "relu",
    "cross_entropy",
    "batch_norm",
    "dropout",
    "max_pool",
    "conv_loops",
    "conv_im2col",
    "conv_input",
    "conv_weight",
    "conv_stride",
    "conv_transpose",
    "bilinear",
    "lstm_cell",
    "residual",
    "tape",
    "adam",
    "hvp",
    "saliency",
    "grad_cam",
    "integrated_gradients",
    "fourier",
    "numba_kernel",
    "cuda_kernel",
)


def known(name: str) -> str:
    """The name of an exercise as NAMES has it, from a number, a file's name or another case; ValueError for none."""
    number = int(name) if name.isdecimal() else 0
    plain = Path(name).name.removesuffix(".py").lower()
    if plain in NAMES or 0 < number <= len(NAMES):
        return NAMES[number - 1] if number else plain
    near = [n for n in NAMES if plain and n.startswith(plain)] or difflib.get_close_matches(plain, NAMES)
    guess = f"; perhaps {' or '.join(near)}" if near else ""
    raise ValueError(f"there is no exercise {name!r}{guess}; `tinylucid exercise list` shows them")


def exercise(name: str) -> Exercise:
    """An exercise by its name; ValueError for one that there is not."""
    return importlib.import_module(f".checks.{known(name)}", __name__).EXERCISE


def title(name: str) -> str:
    """What an exercise is about, from the first line of its file: read without importing its check."""
    first = (HERE / "problems" / f"{name}.py").read_text(encoding="utf-8").splitlines()[0]
    return first.strip('"').partition(" · ")[2].rstrip(".")


def solution(name: str) -> str:
    """The text of a solution."""
    return (HERE / "solutions" / f"{known(name)}.py").read_text(encoding="utf-8")
