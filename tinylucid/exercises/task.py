"""What an exercise is: the functions that a learner writes, what they are compared with, and what words there are for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

Arguments = dict[str, Any]  # by name, in the order in which the learner's function takes them
Vocabulary = Callable[..., Mapping[str, Any]]


class Objection(Exception):
    """What a ``call`` finds wrong besides the values: ``key`` names it for a script, the text is told as it stands."""

    def __init__(self, key: str, text: str) -> None:
        super().__init__(text)
        self.key = key


@dataclass(frozen=True)
class Task:
    """One function that the learner writes.

    ``oracle`` is the engine's function of the drawn arguments, for arrays and for tensors. With ``gradient`` the learner
    returns its gradients in the arguments that ``results`` names, and takes the upstream gradients (``upstream``) before the
    others; without, the values that ``results`` names. ``cases(draw)`` draws the arguments (see ``drawn``). ``call`` is for
    what is more than a call: it gets the learner's module and the arguments, and may raise an Objection.

    Words for a diagnosis, each {words: …} a function of the arguments by name: ``features`` of a whole case (true or false:
    "windows overlap"), and for each result, as {result: {words: array}}, ``places`` (masks), ``parts`` it is the sum of,
    ``factors`` in it. ``variants``: {words: another oracle}, similar functions that it may have been taken for.
    ``choices``: {option: values that it may have been taken for}.
    """

    function: str
    oracle: Callable[..., Any]
    cases: Callable[[Any], Arguments]
    results: tuple[str, ...] = ("y",)
    gradient: bool = False
    upstream: tuple[str, ...] = ("g",)
    call: Callable[[Any, Arguments], Any] | None = None
    features: Vocabulary | None = None
    places: Vocabulary | None = None
    parts: Vocabulary | None = None
    factors: Vocabulary | None = None
    variants: Mapping[str, Callable[..., Any]] = field(default_factory=dict)
    choices: Mapping[str, tuple] = field(default_factory=dict)

    def result(self, name: str) -> str:
        """A result in words."""
        return f"your gradient for {name}" if self.gradient else f"your {name}"


@dataclass(frozen=True)
class Exercise:
    """The tasks of one exercise, in order, its hints from the vaguest to the plainest, and the modules that may be imported."""

    title: str
    tasks: tuple[Task, ...]
    hints: tuple[str, ...]
    imports: tuple[str, ...] = ()


def as_tuple(result: Any) -> tuple:
    """One result or several, as a tuple."""
    return tuple(result) if isinstance(result, (tuple, list)) else (result,)


def plain(a: Any) -> Any:
    """A copy of an argument that may be written to."""
    return a.copy() if isinstance(a, np.ndarray) else a
