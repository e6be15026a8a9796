"""The ratios as bars: to the right of 1 we are faster than PyTorch, to the left slower."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from .report import GROUPS, threads_named, threads_of
from .rows import Race, Row

COLUMNS, WIDTH, LINE = 3, 6.4, 0.19  # inches: of a column, of a row
LEFT, RIGHT, TOP = 3.0, 0.3, 1.15  # inches: for names, beside the bars, for the title
FASTER, SLOWER = ("#2166ac", "#92c5de"), ("#b2182b", "#f4a582")  # on most threads and on one
SHOWN = 0.05, 50.0  # a bar may go on beyond the axis


def columns(races: Sequence[Race]) -> list[list[tuple[str, list[Race]]]]:
    """Groups with a title, their races, shared out to columns of about the same length, in order."""
    groups = [(title, [race for race in races if race.group == group]) for group, title in GROUPS.items()]
    groups = [(title, some) for title, some in groups if some]
    share = sum(len(some) + 2 for _, some in groups) / COLUMNS
    found: list[list[tuple[str, list[Race]]]] = [[] for _ in range(COLUMNS)]
    before = 0
    for title, some in groups:
        middle = before + (len(some) + 2) / 2
        found[min(int(middle / share), COLUMNS - 1)].append((title, some))
        before += len(some) + 2
    return [column for column in found if column]


def draw(rows: Sequence[Row], path: Path) -> None:
    """The plot of all races with a ratio, as a picture; none where there is no rival."""
    races = [row for row in rows if isinstance(row, Race) and row.ratios]
    if not races:
        return
    threads, shown = threads_of(races), columns(races)
    longest = max(sum(len(some) + 2 for _, some in column) for column in shown)
    width, height = WIDTH * len(shown), longest * LINE + TOP + 0.4
    figure = Figure((width, height), facecolor="white")
    ratios = np.clip([value.median for race in races for value in race.ratios.values()], *SHOWN)
    limits = min(0.3, ratios.min()) / 1.1, max(5, ratios.max()) * 1.1
    for k, column in enumerate(shown):
        lines = sum(len(some) + 2 for _, some in column)
        box = (k * WIDTH + LEFT) / width, 1 - (TOP + lines * LINE) / height
        axes = figure.add_axes((*box, (WIDTH - LEFT - RIGHT) / width, lines * LINE / height))
        bars(axes, column, threads)
        axes.set(xlim=limits, ylim=(lines, 0))
    title(figure, threads, any(key.startswith("jax") for race in races for key in race.ratios))
    figure.savefig(path, dpi=100)


def bars(axes: Axes, column: Sequence[tuple[str, list[Race]]], threads: Sequence[str]) -> None:
    """A column: groups below each other, a row a race, a bar a number of threads, a tick for the bound."""
    names, y = [], 0.0
    axes.set_xscale("log")
    for heading, some in column:
        axes.text(-0.01, y + 1.1, heading, fontsize=9, weight="bold", ha="right", transform=axes.get_yaxis_transform())
        y += 1.6
        for race in some:
            thick = 0.8 / len(threads)
            for j, n in enumerate(threads):
                ratio = race.ratios[f"torch {n}"].median if f"torch {n}" in race.ratios else 1.0
                shade = (FASTER if ratio >= (race.bound or 1) else SLOWER)[min(j, 1)]
                axes.barh(y + 0.1 + thick * (j + 0.5), ratio - 1, thick, left=1, color=shade)
            if race.bound is not None and race.bound != 1:
                axes.plot([race.bound] * 2, [y, y + 1], color="black", linewidth=1.6)
            if f"jax {threads[0]}" in race.ratios:
                axes.plot(race.ratios[f"jax {threads[0]}"].median, y + 0.5, "D", markersize=3, color="#7f7f7f")
            names.append((y + 0.5, race.case))
            y += 1
        y += 0.4
    axes.axvline(1, color="black", linewidth=0.8)
    axes.set_yticks([place for place, _ in names], [name for _, name in names], fontsize=7.5)
    axes.tick_params(axis="y", length=0)
    axes.tick_params(axis="x", top=True, labeltop=True, labelsize=8)
    ticks = [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100]
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.minorticks_off()
    axes.grid(axis="x", color="#e4e4e4", linewidth=0.8)
    axes.set_axisbelow(True)
    for side in axes.spines.values():
        side.set_visible(False)


def title(figure: Figure, threads: Sequence[str], jax: bool) -> None:
    """What the bars are."""
    on = [threads_named(n) for n in threads]
    patches = [Patch(color=FASTER[j], label=f"bound met, {n}") for j, n in enumerate(on)]
    patches += [Patch(color=SLOWER[j], label=f"missed, {n}") for j, n in enumerate(on)]
    marks = [Line2D([], [], color="black", linewidth=1.6, label="bound, where it is not 1")]
    marks += (
        [Line2D([], [], marker="D", linestyle="", markersize=3, color="#7f7f7f", label=f"JAX, {on[0]}")] if jax else []
    )
    figure.text(
        0.01, 1 - 0.3 / figure.get_figheight(), "PyTorch's time over ours: right of 1 we are faster", fontsize=12
    )
    place = (0.005, 1 - 0.62 / figure.get_figheight())
    figure.legend(
        handles=[*patches, *marks], loc="upper left", bbox_to_anchor=place, ncols=6, fontsize=8, frameon=False,
        borderaxespad=0, columnspacing=1.2,
    )  # fmt: skip
