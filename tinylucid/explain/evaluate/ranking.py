"""What a benchmark found: each picture's scores, who is best, and which differences are more than chance."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ... import show
from ...random import Generator
from .bootstrap import SIGNIFICANT, holm, interval, near_the_best, p_values, resamples

BETTER = {  # which way is better: up, down, or neither, which does not count in the ranking
    "deletion": -1,
    "insertion": 1,
    "sensitivity_n": 1,
    "pointing_game": 1,
    "mass_in_mask": 1,
    "relevance_rank": 1,
    "randomisation": -1,
    "sparsity": 0,
}
ARROWS = {1: " ↑", -1: " ↓", 0: "  "}
NAIVE = ("random_map", "edges")
SAME = "not significantly different"
LEGEND = """↑ more is better, ↓ less; = not significantly different from the best of its column.
Significant: p < 0.05 in a bootstrap of the pictures' own differences, after Holm's correction."""


@dataclass(frozen=True)
class Ranking:
    """Scores of M ``methods`` on N ``pictures`` (their numbers in the data), in the order in which they were given.

    ``scores``: measure → (M, N), NaN where it has no value; ``seconds`` (M,) a picture. ``seed`` draws the bootstrap.
    ``str(ranking)`` is the table, ``tl.plot.ranking(ranking)`` the figure.
    """

    methods: tuple[str, ...]
    pictures: Any
    scores: Mapping[str, Any]
    seconds: Any
    seed: int = 0

    @cached_property
    def counts(self) -> Any:
        """How often each picture is drawn in each bootstrap sample."""
        return resamples(len(self.pictures), Generator(self.seed))

    @property
    def judged(self) -> tuple[str, ...]:
        """The measures that have a better and a worse, and a value for some picture, and so count in the ranking."""
        return tuple(name for name in self.scores if BETTER[name] and not np.isnan(self.scores[name]).all())

    @cached_property
    def by_measure(self) -> dict[str, Any]:
        """measure → each picture's ranks of the methods (M, N): 1 the best, equals share their mean, NaN is last."""
        from scipy.stats import rankdata

        badness = {name: -BETTER[name] * self.scores[name] for name in self.judged}
        return {name: rankdata(np.where(np.isnan(b), np.inf, b), axis=0) for name, b in badness.items()}

    @cached_property
    def ranks(self) -> Any:
        """Each picture's mean rank of each method over the measures that count, (M, N)."""
        return np.mean(list(self.by_measure.values()), 0)

    @cached_property
    def mean_ranks(self) -> Any:
        """Each method's mean rank over the pictures, and the ends of its 95 % interval: (M, 3)."""
        return interval(self.ranks, self.counts)

    @cached_property
    def intervals(self) -> dict[str, Any]:
        """measure → each method's mean score over the pictures that have one, and its 95 % interval: (M, 3)."""
        return {name: interval(values, self.counts) for name, values in self.scores.items()}

    @cached_property
    def order(self) -> Any:
        """The methods' places in ``methods``, the best first."""
        return np.argsort(self.mean_ranks[:, 0], kind="stable")

    # --- which differences are more than chance ------------------------------------------------------------------------

    @cached_property
    def corrected(self) -> dict[tuple[int, int], float]:
        """p of the pairs of methods that are compared: all with the best, with random_map and with edges; Holm over all."""
        rivals = {int(self.order[0]), *(self.methods.index(name) for name in NAIVE)}
        pairs = sorted({(min(i, j), max(i, j)) for i in range(len(self.methods)) for j in rivals if i != j})
        differences = np.array([self.ranks[i] - self.ranks[j] for i, j in pairs])
        return dict(zip(pairs, holm(p_values(differences, self.counts)).tolist()))

    def verdict(self, method: int, rival: int) -> str:
        """How a method does beside the best, random_map or edges: better, worse, or not significantly different."""
        if method == rival:
            return "–"
        if self.corrected[min(method, rival), max(method, rival)] >= SIGNIFICANT:
            return SAME
        return "better" if self.mean_ranks[method, 0] < self.mean_ranks[rival, 0] else "worse"

    @cached_property
    def verdicts(self) -> dict[str, tuple[str, str, str]]:
        """method → how it does beside the best, beside random_map and beside edges."""
        rivals = [int(self.order[0]), *(self.methods.index(name) for name in NAIVE)]
        first, second, third = ([self.verdict(k, rival) for k in range(len(self.methods))] for rival in rivals)
        return dict(zip(self.methods, zip(first, second, third)))

    @cached_property
    def as_good(self) -> dict[str, Any]:
        """measure → which methods have the best mean score or one not significantly different from it, (M,)."""
        return {name: near_the_best(BETTER[name] * self.scores[name], self.counts) for name in self.judged}

    @cached_property
    def leaders(self) -> dict[str, Any]:
        """The same of the mean ranks on each measure: one picture with a huge score weighs no more than another."""
        return {name: near_the_best(-ranks, self.counts) for name, ranks in self.by_measure.items()}

    # --- in words ------------------------------------------------------------------------------------------------------

    @property
    def title(self) -> str:
        """How many methods and pictures, and by which measures."""
        judged = ", ".join(self.judged)
        return f"{len(self.methods)} methods on {len(self.pictures)} pictures, by their mean rank (1 is best) over\n{judged}"

    @property
    def lines(self) -> tuple[list[list[str]], list[list[str]]]:
        """The ranking, with a head of one row, and the scores, with one of two: in words, the best method first."""
        names = [self.methods[k] for k in self.order]
        ranked = [["", "method", "mean rank (95 %)", "beside the best", *(f"beside {name}" for name in NAIVE)]]
        for place, (k, name) in enumerate(zip(self.order, names), 1):
            mean, low, high = self.mean_ranks[k]
            ranked.append([str(place), name, f"{mean:.2f} ({low:.2f} … {high:.2f})", *self.verdicts[name]])
        heads = [(*name.rpartition("_"), ARROWS[BETTER[name]]) for name in self.scores]
        scored = [
            ["", "", *(f"{first}  " for first, *_ in heads), "ms a"],
            ["", "method", *(last + arrow for _, _, last, arrow in heads), "picture"],
        ]
        for place, (k, name) in enumerate(zip(self.order, names), 1):
            scored.append([str(place), name, *(self.cell(m, k) for m in self.scores), short(1000 * self.seconds[k])])
        return ranked, scored

    def table(self) -> str:
        """The ranking and the scores as plain text, the best method first, with what is no more than chance."""
        ranked, scored = self.lines
        return "\n".join([self.title, "", *aligned(ranked, 6), "", *aligned(scored, 2), "", LEGEND])

    __str__ = table

    def _repr_html_(self) -> str:
        (head, *ranked), (over, under, *scored) = self.lines
        heads = [f"{first.strip()} {last.strip()}".strip() for first, last in zip(over, under)]
        return show.table(head, ranked, left=6, note=self.title) + show.table(heads, scored, left=2, note=LEGEND)

    def cell(self, measure: str, k: int) -> str:
        """A method's mean score, with = if it is not significantly different from the best."""
        mean = self.intervals[measure][k, 0]
        mark = " =" if measure in self.judged and self.as_good[measure][k] else "  "
        return ("–" if np.isnan(mean) else short(mean)) + mark

    def to_dict(self) -> dict[str, Any]:
        """The figures as plain values, for a file; None for what has none."""
        keys = ("mean", "low", "high")
        plain = lambda row: dict(zip(keys, (None if np.isnan(v) else float(v) for v in row)))
        found = {}
        for k in self.order.tolist():
            scores = {name: plain(self.intervals[name][k]) for name in self.scores}
            beside = dict(zip(("the best", *NAIVE), self.verdicts[self.methods[k]]))
            good = [name for name in self.judged if self.as_good[name][k]]
            found[self.methods[k]] = {
                "rank": plain(self.mean_ranks[k]),
                "beside": beside,
                "scores": scores,
                "as good as the best in": good,
                "seconds": float(self.seconds[k]),
            }
        return {"pictures": np.asarray(self.pictures).tolist(), "seed": self.seed, "methods": found}


def short(number: float) -> str:
    """Three digits, or all those before the point."""
    return f"{number:.0f}" if abs(number) >= 100 else f"{number:.3g}"


def aligned(rows: list[list[str]], left: int) -> list[str]:
    """Lines whose columns stand under each other, the first ``left`` of them flush left, the others flush right."""
    widths = [max(map(len, column)) for column in zip(*rows)]
    cells = [[c.ljust(w) if k < left else c.rjust(w) for k, (c, w) in enumerate(zip(row, widths))] for row in rows]
    return ["  ".join(row).rstrip() for row in cells]
