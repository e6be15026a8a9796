"""What comes out: tables of races and figures, the change against an earlier run, and the page that holds them."""

from __future__ import annotations

from collections.abc import Sequence, Set

from .rows import Change, Figure, Race, Row, Run
from .timing import Spread

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
    on = [f"{n} thread{'s' * (n != '1')}" for n in threads]
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
    bound = "—" if figure.bound is None else f"{figure.bound[0]} {figure.bound[1]:g} {figure.unit}".strip()
    measured = f"{value} {figure.unit}".strip()
    return [
        figure.case,
        f"**{measured}**" if figure.ok() is False else measured,
        f"{bound} {OK[figure.ok()]}",
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
    """How many bounds are met, and which are not."""
    found = [row.ok() for row in rows]
    failed = sum(1 for row in rows if isinstance(row, Race) and row.note)
    text = f"{found.count(True)} of {found.count(True) + found.count(False)} bounds are met"
    return text + (f"; {failed} cases failed." if failed else ".")


def compared(changes: Sequence[Change]) -> str:
    """Then and now; what changed beyond the spread is marked."""
    if not changes:
        return "The two runs have no case in common."
    cells = [("case", "", "then", "now", "now / then", "beyond the spread")]
    for change in changes:
        both = (said(change.what, change.then), said(change.what, change.now))
        cells.append((change.case, named(change.what), *both, f"{change.factor:.2f}", mark(change)))
    return columns(cells)


def named(what: str) -> str:
    """A measured thing's name for a reader."""
    library, _, rest = what.partition(" ")
    threads, ratio = rest.removesuffix(": ratio"), rest.endswith(": ratio")
    names = {"tinylucid": "ours", "torch": "PyTorch", "jax": "JAX"}
    return f"{names[library]}{' / ours' * ratio}, threads: {threads}" if library in names else what


def said(what: str, value: Spread) -> str:
    """Times in their unit, all else as numbers."""
    if what.endswith("ratio") or what == "measured":
        return f"{value.median:.3g}"
    return duration(value.median)


def mark(change: Change) -> str:
    """Which way it went, where that is more than noise."""
    if not change.beyond:
        return ""
    return "more" if change.factor > 1 else "LESS"


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
