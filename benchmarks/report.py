"""What comes out: tables of races and figures, the change against an earlier run, and the page that holds them."""

from __future__ import annotations

from collections.abc import Sequence, Set

from .rows import NOISE, Change, Figure, Race, Row, Run, changes

GROUPS = {
    "train": "Training steps",
    "inference": "Inference",
    "explain": "Explaining and visualising",
    "pool": "Pooling",
    "conv": "Convolutions",
    "norm": "Norms and dropout",
    "loss": "Losses",
    "optim": "Optimiser steps",
    "dense": "Dense layers and ReLU",
    "start": "The beginning",
    "memory": "Memory",
    "overhead": "Overhead in Python",
}
NAMES = {"tinylucid": "ours", "torch": "PyTorch", "jax": "JAX"}
OK = {True: "yes", False: "NO", None: "—"}


def columns(rows: Sequence[Sequence[str]]) -> str:
    """Rows of cells as a Markdown table, the first row its head."""
    widths = [max(len(row[k]) for row in rows) for k in range(len(rows[0]))]
    lines = ["| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths)) + " |" for row in rows]
    return "\n".join([lines[0], "|" + "|".join("-" * (width + 2) for width in widths) + "|", *lines[1:]])


def duration(seconds: float) -> str:
    """Seconds in the unit that suits them, three digits."""
    scale, unit = next((pair for pair in ((1, "s"), (1e3, "ms")) if seconds * pair[0] >= 0.9995), (1e6, "µs"))
    whole = len(str(int(seconds * scale)))
    return f"{seconds * scale:.{max(0, 3 - whole)}f} {unit}"


def race_cells(race: Race, threads: Sequence[str], libraries: Set[str]) -> list[str]:
    """A race's row of the table, ratios first; a ratio below its bound is bold."""

    def ratio(key: str) -> str:
        if key not in race.ratios:
            return "—"
        text = f"{race.ratios[key]:.2f}"
        lost = key.startswith("torch ") and race.ok(key.removeprefix("torch ")) is False
        return f"**{text}**" if lost else text

    def time(key: str) -> str:
        return duration(race.seconds[key].median) if key in race.seconds else race.note or "—"

    bound = "—" if race.bound is None else f"≥ {race.bound:g} {OK[race.ok()]}"
    cells = [race.case, ratio(f"torch {threads[0]}"), bound, *(ratio(f"torch {n}") for n in threads[1:])]
    cells += [ratio(f"jax {n}") for n in threads] if "jax" in libraries else []
    for n in threads:
        ours = race.seconds.get(f"tinylucid {n}")
        away = f"{ours.median / race.floors[n]:.1f}" if ours and race.floors.get(n) else "—"
        floor = duration(race.floors[n]) if n in race.floors else "—"
        cells += [time(f"tinylucid {n}"), *([time(f"torch {n}")] if "torch" in libraries else []), floor, away]
    return cells


def race_head(threads: Sequence[str], libraries: Set[str]) -> list[str]:
    """The names of these columns."""
    on = [threads_named(n) for n in threads]
    head = ["case", f"PyTorch / ours, {on[0]}", "bound", *on[1:]]
    head += [f"JAX / ours, {n}" for n in on] if "jax" in libraries else []
    for n in on:
        head += [f"ours, {n}", *(["PyTorch"] if "torch" in libraries else []), "floor", "distance"]
    return head


def figure_cells(figure: Figure) -> list[str]:
    """A single figure's row of the table."""
    digits = ".3f" if figure.unit == "s" else ".2f"
    value = (
        format(figure.value, digits) if figure.value.low < figure.value.high else format(figure.value.median, digits)
    )
    bound = "—"
    if figure.bound is not None:
        bound = f"{figure.bound[0]} {figure.bound[1]:g} {figure.unit}".strip() + f" {OK[figure.ok()]}"
    measured = f"{value} {figure.unit}".strip()
    return [
        figure.case,
        f"**{measured}**" if figure.ok() is False else measured,
        bound,
        figure.note,
    ]


def threads_of(races: Sequence[Race]) -> list[str]:
    """The numbers of threads that were raced on, the most first."""
    return sorted({key.split()[1] for race in races for key in race.seconds} or {"1"}, key=int, reverse=True)


def tables(rows: Sequence[Row]) -> str:
    """All rows, a section a group."""
    races = [row for row in rows if isinstance(row, Race)]
    threads, libraries = threads_of(races), {key.split()[0] for race in races for key in race.seconds}
    parts = []
    for group, title in GROUPS.items():
        raced = [race_cells(race, threads, libraries) for race in races if race.group == group]
        single = [figure_cells(row) for row in rows if isinstance(row, Figure) and row.group == group]
        if raced or single:
            parts.append(f"## {title}")
        if raced:
            parts.append(columns([race_head(threads, libraries), *raced]))
        if single:
            parts.append(columns([("case", "measured", "bound", ""), *single]))
    return "\n\n".join(parts)


def verdict(rows: Sequence[Row]) -> str:
    """How many bounds are met, and how many cases failed."""
    found, broken = [row.ok() for row in rows], sum(failed(row) for row in rows)
    text = f"{found.count(True)} of {found.count(True) + found.count(False)} bounds are met."
    return text + f" {broken} cases FAILED." * bool(broken)


def failed(row: Row) -> bool:
    """Whether it could not be measured."""
    return row.note.startswith("failed")


def compared(then: Run, now: Run) -> str:
    """Each case of both runs, then → now; ▲ better and ▼ worse where that is more than the spread."""
    found = list(changes(then.rows, now.rows))
    if not found:
        return "The two runs have no case in common."
    head = list(dict.fromkeys(change.what for change in found))
    by_case: dict[str, dict[str, str]] = {}
    for change in found:
        by_case.setdefault(change.case, {})[change.what] = cell(change)
    table = [
        ["case", *map(named, head)],
        *([case, *(cells.get(w, "") for w in head)] for case, cells in by_case.items()),
    ]
    marks = [change.better for change in found if change.what.endswith("ratio") or change.what == "measured"]
    only = [len({row.case for row in a.rows} - {row.case for row in b.rows}) for a, b in ((then, now), (now, then))]
    about = ", ".join(then.machine.get(name, "?") for name in ("date", "CPU")) + " (quick)" * then.quick
    text = (
        f"Then: {about}. Of {len(marks)} ratios and single figures {marks.count(True)} are better (▲) and {marks.count(False)} worse (▼) "
        f"by more than the spread of both and {NOISE:.0%}. {only[0]} cases were measured only then, {only[1]} only now."
    )
    return f"{text}\n\n{columns(table)}"


def cell(change: Change) -> str:
    """Then → now, and which way it went where that is more than noise."""
    show = (lambda s: duration(s.median)) if change.what[-1].isdigit() else (lambda s: f"{s.median:.3g}")
    return f"{show(change.then)} → {show(change.now)}{ {True: ' ▲', False: ' ▼', None: ''}[change.better] }"


def named(what: str) -> str:
    """A measured thing's name for a reader: "torch 2 ratio", "tinylucid 1", "measured"."""
    library, *rest = what.split()
    if library not in NAMES:
        return what
    return f"{NAMES[library]}{' / ours' * (rest[1:] == ['ratio'])}, {threads_named(rest[0])}"


def threads_named(n: str) -> str:
    """A number of threads in words."""
    return f"{n} thread{'s' * (n != '1')}"


def page(run: Run, notes: Sequence[str], changed: str = "") -> str:
    """All of it in Markdown."""
    command = "python -m benchmarks" + " --quick" * run.quick
    rough = " A quick run: few rounds, so rough." if run.quick else ""
    parts = [
        "# On the CPU",
        "\n".join(f"- {name}: {value}" for name, value in run.machine.items()),
        f"Written by `{command}`; in brackets the quartiles.{rough} {verdict(run.rows)}",
        "![The ratios as bars](cpu.png)",
        tables(run.rows),
        "\n".join(f"- {note}" for note in notes),
    ]
    return "\n\n".join([*parts, *([f"## Change\n\n{changed}"] if changed else [])]) + "\n"
