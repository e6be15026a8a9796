"""How good nets are that name each pixel: ``python -m benchmarks.segment`` trains them and writes results/segment.md.

``python -m benchmarks.segment mosaics`` measures one section anew and leaves the others as they stand.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from time import perf_counter, process_time
from typing import Any, NamedTuple

import numpy as np

import tinylucid as tl
from tinylucid.data import ArrayDataset, Splits
from tinylucid.segment import Segmentation

from .report import columns
from .sections import measure

SEEDS = 3
NETS = ("fcn32s", "fcn16s", "fcn8s", "segnet")
WINDOW = 9  # side of what the second regression sees, in pixels


class Run(NamedTuple):
    """How good answers are and what they cost, learning included."""

    answers: Any
    scores: Segmentation
    seconds: float
    cpu: float


def timed(answer: Callable[[], Any], test: ArrayDataset) -> Run:
    """Learn and answer, and judge the answers, class numbers (N, H, W), by the masks of ``test``."""
    start, cpu = perf_counter(), process_time()
    answers = answer()
    seconds, cpu = perf_counter() - start, process_time() - cpu
    return Run(answers, tl.segment.score(answers, test.y, test.classes), seconds, cpu)


# --- mosaics -----------------------------------------------------------------------------------------------------------


def contestants(data: Splits, seed: int, steps: int = 625) -> dict[str, Callable[[], Any]]:
    """What learns mosaics, by name: two regressions and the nets; called, each gives its answers to the test pictures."""
    found: dict[str, Callable[[], Any]] = {
        "regression, own colour": partial(regression, data, seed),
        f"regression, colour and {WINDOW}×{WINDOW} around": partial(regression, data, seed, WINDOW),
    }
    return found | {name: partial(mosaics_net, name, data, seed, steps) for name in NETS}


def mosaics_net(name: str, data: Splits, seed: int, steps: int) -> Any:
    """The test pictures' masks by a net of tl.models that has learnt the others."""
    return tl.segment.masks(tl.segment.learn_mosaics(data.train, steps, seed, name), data.test.x)


def regression(data: Splits, seed: int, window: int = 0) -> Any:
    """The test pictures' masks by softmax regression on each pixel's features."""
    train = ArrayDataset(features(data.train.x, window), data.train.y, data.train.classes)
    return tl.segment.pixel_regression(train, features(data.test.x, window), seed)


def features(x: Any, window: int) -> Any:
    """A pixel's colour, and the mean and standard deviation of each colour in a window about it: (N, 3 or 9, H, W)."""
    from scipy import ndimage

    if not window:
        return x
    size = (1, 1, window, window)
    mean, square = ndimage.uniform_filter(x, size), ndimage.uniform_filter(x * x, size)
    return np.concatenate([x, mean, np.sqrt(np.maximum(square - mean * mean, 0))], 1)


def mosaics() -> str:
    """The four nets and two regressions on mosaics of textures, each from three seeds of data and net."""
    found: dict[str, list[Run]] = {}
    for seed in range(SEEDS):
        data = tl.data.texture_mosaic(seed)
        for name, answer in contestants(data, seed).items():
            found.setdefault(name, []).append(timed(answer, data.test))
        print(
            f"seed {seed}: { ({name: round(runs[-1].scores.mean_iou, 3) for name, runs in found.items()}) }",
            file=sys.stderr,
        )
    rows = [["", "mean IoU", "pixels right", "near borders", "boundary F1", "seconds", "CPU seconds"]]
    for name, runs in found.items():
        scores = [run.scores for run in runs]
        overlap = [s.mean_iou for s in scores]
        spread = f"{np.mean(overlap):.3f} ({min(overlap):.3f} … {max(overlap):.3f})"
        means = [
            np.mean([getattr(s, which) for s in scores]) for which in ("accuracy", "boundary_accuracy", "boundary_f1")
        ]
        cost = [np.mean([getattr(run, which) for run in runs]) for which in ("seconds", "cpu")]
        rows.append([name, spread, *(f"{v:.3f}" for v in means), *(f"{v:.0f}" for v in cost)])
    return f"{MOSAICS}\n\n{columns(rows)}"


MOSAICS = f"""`texture_mosaic(seed)`: 2,000 colour pictures of 64×64 to learn from and 100 to judge by, of patches from other
parts of the photographs. Nets: `tl.segment.learn_mosaics`, 625 steps of sixteen pictures by Adam, its rate falling from 0.004
along half a cosine, mirrored and turned; means of {SEEDS} seeds, of data and net (of the IoU the worst and the best too).
Regressions: `tl.segment.pixel_regression` on the pixel's own red, green and blue; or on these with the mean and standard deviation
of each in the {WINDOW}×{WINDOW} pixels around it. Near borders: the share of right pixels within 3 of another class. Boundary F1: borders
found, with a tolerance of 2 pixels."""


# --- coins -------------------------------------------------------------------------------------------------------------


def coins() -> str:
    """skip_net on one half of the photograph of coins, judged on the other, from three seeds; beside Otsu's thresholds."""
    rows = [
        ["learnt from → judged on", "", "pixels right", "IoU of coin", "coins found", "false", "seconds", "CPU seconds"]
    ]
    halves = tl.data.coins()
    for names, (train, test) in {"top → bottom": halves, "bottom → top": halves[::-1]}.items():
        for what, part in (("learnt from", train), ("judged on", test)):
            run = timed(partial(tl.segment.otsu, part.x, test.x), test)
            rows.append([names, f"Otsu's threshold of the half {what}", *judged(run, test)])
        for seed in range(SEEDS):
            run = timed(partial(coins_net, train, test, seed), test)
            rows.append([names, f"skip_net, seed {seed}", *judged(run, test)])
    return f"{COINS}\n\n{columns(rows)}"


def coins_net(train: ArrayDataset, test: ArrayDataset, seed: int) -> Any:
    """The masks of the half to judge by, by a net that has learnt the other."""
    return tl.segment.masks(tl.segment.learn_coins(train, seed=seed), test.x)


def judged(run: Run, test: ArrayDataset) -> list[str]:
    """The share of right pixels, the coins' overlap, how many coins were found and how many were none, and the cost."""
    count = tl.segment.count(run.answers, test.y)
    shares = f"{run.scores.accuracy:.3f}", f"{run.scores.iou['coin']:.3f}"
    return [*shares, f"{count.found} of {count.things}", f"{count.false}", f"{run.seconds:.0f}", f"{run.cpu:.0f}"]


COINS = """`coins()`: one photograph, 12 coins in its upper half and 12 others in its lower; `tl.segment.learn_coins`: 330 steps of eight
64×64 crops by Adam of rate 0.004, mirrored, turned, brighter or darker. A coin is found if an answered one overlaps it by an IoU
of 0.5; one of 100 pixels or more that overlaps none is false. The threshold of the half judged on is one that no method may know."""


# --- the page ----------------------------------------------------------------------------------------------------------

SECTIONS: dict[str, Callable[[], str]] = {"mosaics": mosaics, "coins": coins}


HEAD = "# Segmentation\n\nWritten by `python -m benchmarks.segment`."

if __name__ == "__main__":
    measure("segment.md", HEAD, SECTIONS, sys.argv[1:])
