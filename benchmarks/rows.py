"""What was measured: races between libraries and single figures; how they are stored, and compared with an earlier run's."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from .timing import Spread

VERSION = 1  # of the stored form
NOISE = 0.05  # a change by less may be one of the machine's moods, whatever the spread


class Race(NamedTuple):
    """A case that libraries ran in turns. The keys are "library threads", as in "torch 2"; of floors "threads"."""

    group: str
    case: str
    bound: float | None  # what PyTorch's time over ours should be at least
    seconds: dict[str, Spread]
    ratios: dict[str, Spread]  # another library's time over ours
    floors: dict[str, float]  # the least seconds
    note: str = ""

    def ok(self, threads: str | None = None) -> bool | None:
        """Whether the bound is met on so many threads, by default on the most; None where there is none or no rival."""
        found = [key for key in self.ratios if key.startswith("torch ")]
        key = f"torch {threads}" if threads else max(found, default="")
        return None if self.bound is None or key not in self.ratios else self.ratios[key].median >= self.bound

    def measured(self) -> dict[str, tuple[Spread, bool]]:
        """What can be compared with another run by name, ratios first, and whether more of it is better."""
        ratios = {f"{key} ratio": (value, True) for key, value in self.ratios.items()}
        return ratios | {key: (value, False) for key, value in self.seconds.items()}


class Figure(NamedTuple):
    """A single figure; ``bound`` is ("≤" or "≥", number)."""

    group: str
    case: str
    value: Spread
    unit: str = ""
    bound: tuple[str, float] | None = None
    note: str = ""

    def ok(self) -> bool | None:
        """Whether the bound is met; None where there is none."""
        if self.bound is None:
            return None
        sign, number = self.bound
        return self.value.median >= number if sign == "≥" else self.value.median <= number

    def measured(self) -> dict[str, tuple[Spread, bool]]:
        """What can be compared with another run by name, and whether more of it is better."""
        return {"measured": (self.value, self.bound is None or self.bound[0] == "≥")}


Row = Race | Figure


class Run(NamedTuple):
    """All rows of a run, and the machine that they were measured on."""

    machine: dict[str, str]
    quick: bool
    rows: list[Row]


class Unreadable(Exception):
    """A file that holds no run."""


def store(path: Path, run: Run) -> None:
    """The run as JSON."""
    kinds = [{"kind": type(row).__name__, **row._asdict()} for row in run.rows]
    text = json.dumps({"version": VERSION, **run._asdict(), "rows": kinds}, ensure_ascii=False, indent=1)
    path.write_text(text + "\n", encoding="utf-8")


def read(path: Path) -> Run:
    """A stored run; Unreadable, with the reason, where the file holds none."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise Unreadable(f"{path}: {error.strerror}") from None
    except ValueError as error:
        raise Unreadable(f"{path} is no JSON: {error}") from None
    if not isinstance(found, dict) or found.get("version") != VERSION:
        raise Unreadable(f'{path} holds no benchmark run of this form: expected "version": {VERSION}, as in cpu.json')
    try:
        return Run(found["machine"], found["quick"], [restored(**row) for row in found["rows"]])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise Unreadable(f"{path} is damaged: {type(error).__name__}: {error}") from None


def restored(kind: str, **fields: Any) -> Row:
    """A row from its stored form."""
    if kind == "Figure":
        bound = fields.pop("bound")
        return Figure(**fields | {"value": Spread(*fields["value"]), "bound": bound and tuple(bound)})
    spreads = {name: {key: Spread(*value) for key, value in fields[name].items()} for name in ("seconds", "ratios")}
    return Race(**fields | spreads)


class Change(NamedTuple):
    """One measured thing then and now; ``more``: whether more of it is better."""

    case: str
    what: str
    then: Spread
    now: Spread
    more: bool

    @property
    def better(self) -> bool | None:
        """Whether now is better; None where the quartiles nearly meet, so that it may be noise."""
        slack = NOISE * abs(self.then.median)
        if self.now.low <= self.then.high + slack and self.then.low <= self.now.high + slack:
            return None
        return (self.now.median > self.then.median) == self.more


def changes(then: Sequence[Row], now: Sequence[Row]) -> Iterator[Change]:
    """What both runs measured, in the order of now."""
    before = {(row.case, what): value for row in then for what, (value, _) in row.measured().items()}
    for row in now:
        for what, (value, more) in row.measured().items():
            if (row.case, what) in before:
                yield Change(row.case, what, before[row.case, what], value, more)
