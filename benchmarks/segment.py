"""How good nets are that name each pixel: ``python -m benchmarks.segment`` trains them and writes results/segment.md.

``python -m benchmarks.segment mosaics`` measures one section anew and leaves the others as they stand.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from time import perf_counter, process_time
from typing import Any, NamedTuple

import numba
import numpy as np

import tinylucid as tl
from tinylucid.data import ArrayDataset, Augment, DataLoader, Splits
from tinylucid.metrics import confusion_matrix, iou
from tinylucid.nn import Module
from tinylucid.optim import Adam
from tinylucid.optim.lr_scheduler import CosineAnnealingLR

from . import machine
from .__main__ import RESULTS
from .report import columns

SEEDS = 3
NETS = ("fcn32s", "fcn16s", "fcn8s", "segnet")
EPOCHS, BATCH, RATE = 5, 16, 4e-3  # 625 steps
NEAR, WINDOW = 3, 9  # pixels from a border; side of the window that the regression sees


class Scores(NamedTuple):
    """How good answers are: shares of all pixels and of those near a border that are right, mean IoU; and what it cost."""

    accuracy: float
    iou: float
    border: float
    steps: int
    seconds: float
    cpu: float


def learnt(
    model: Module, data: Splits, epochs: int, seed: int, augment: Augment | None = None, lr: float = RATE
) -> Scores:
    """Train in place by Adam, its rate falling along half a cosine, and judge on the test pictures."""
    loader = DataLoader(data.train, BATCH, shuffle=True, seed=seed, augment=augment)
    optimizer, steps = Adam(model.parameters(), lr=lr), tl.train.total_steps(loader, epochs)
    start, cpu = perf_counter(), process_time()
    tl.fit(model, loader, epochs=epochs, optimizer=optimizer, scheduler=CosineAnnealingLR(optimizer, steps))
    start, cpu = perf_counter() - start, process_time() - cpu
    y, found = data.test.y, tl.predict(model, data.test.x).argmax(1)
    right, close = found == y, near_border(y)
    overlap = np.nanmean(iou(confusion_matrix(found, y, len(data.test.classes))))
    return Scores(right.mean(), overlap, right[close].mean(), steps, start, cpu)


def near_border(y: Any, within: int = NEAR) -> Any:
    """Of each pixel of masks (N, H, W): is there another class at most so many rows and columns away?"""
    from scipy import ndimage

    window = (1, 2 * within + 1, 2 * within + 1)
    return ndimage.maximum_filter(y, window) != ndimage.minimum_filter(y, window)


# --- mosaics -----------------------------------------------------------------------------------------------------------


def mosaic_net(name: str, data: Splits, seed: int) -> tuple[Module, Scores]:
    """A net of tl.models, trained on mosaics, flipped and turned."""
    tl.manual_seed(seed)
    model = tl.models.build(name, classes=len(data.train.classes), channels=data.train.x.shape[1])
    return model, learnt(model, data, EPOCHS, seed, Augment(dihedral=True))


def pixel_regression(data: Splits, seed: int, window: int = 0) -> Scores:
    """Softmax regression on each pixel's features, standardised: a 1×1 convolution."""
    parts = [features(part.x, window) for part in data]
    mean, std = parts[0].mean((0, 2, 3), keepdims=True), parts[0].std((0, 2, 3), keepdims=True)
    sets = (ArrayDataset((x - mean) / std, part.y, part.classes) for x, part in zip(parts, data))
    tl.manual_seed(seed)
    return learnt(tl.nn.Conv2d(parts[0].shape[1], len(data.train.classes), 1), Splits(*sets), 2, seed, lr=0.05)


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
    found: dict[str, list[Scores]] = {}
    for seed in range(SEEDS):
        data = tl.data.texture_mosaic(seed)
        for window in (0, WINDOW):
            name = f"regression, colour and {window}×{window} around" if window else "regression, own colour"
            found.setdefault(name, []).append(pixel_regression(data, seed, window))
        for name in NETS:
            found.setdefault(name, []).append(mosaic_net(name, data, seed)[1])
        print(f"seed {seed}: { ({name: round(float(s[-1].iou), 3) for name, s in found.items()}) }", file=sys.stderr)
    rows = [["", "mean IoU", "pixels right", f"within {NEAR} of a border", "steps", "seconds", "CPU seconds"]]
    for name, runs in found.items():
        accuracy, overlap, border, steps, seconds, cpu = zip(*runs)
        spread = f"{np.mean(overlap):.3f} ({min(overlap):.3f} … {max(overlap):.3f})"
        shares = [f"{np.mean(v):.3f}" for v in (accuracy, border)]
        rows.append([name, spread, *shares, f"{steps[0]}", *(f"{np.mean(v):.0f}" for v in (seconds, cpu))])
    return f"{MOSAICS}\n\n{columns(rows)}"


MOSAICS = f"""`texture_mosaic(seed)`: 2,000 colour pictures of 64×64 to learn from and 100 to judge by, of patches from other
parts of the photographs. Nets: Adam {RATE:g} along half a cosine, batch {BATCH}, flipped and turned; means of {SEEDS} seeds, of data
and net (of the IoU the worst and the best too). Regressions: softmax on the pixel's own red, green and blue; or on these with
the mean and standard deviation of each in the {WINDOW}×{WINDOW} pixels around it. A pixel is within {NEAR} of a border if another class
is at most {NEAR} rows and columns away."""


# --- coins -------------------------------------------------------------------------------------------------------------


def coins() -> str:
    """skip_net on one half of the photograph of coins, judged on the other, from three seeds; beside Otsu's thresholds."""
    rows = [
        ["learnt from → judged on", "", "pixels right", "IoU of coin", "coins found", "false", "seconds", "CPU seconds"]
    ]
    for names, (train, test) in {
        "top → bottom": (top_bottom := tl.data.coins()),
        "bottom → top": top_bottom[::-1],
    }.items():
        for what, part in (("learnt from", train), ("judged on", test)):
            answers = tl.segment.otsu(part.x, test.x)
            rows.append([names, f"Otsu's threshold of the half {what}", *judged(answers, test), "", ""])
        for seed in range(SEEDS):
            start, cpu = perf_counter(), process_time()
            model = tl.segment.learn_coins(train, seed=seed)
            cost = [f"{perf_counter() - start:.0f}", f"{process_time() - cpu:.0f}"]
            rows.append([names, f"skip_net, seed {seed}", *judged(tl.segment.masks(model, test.x), test), *cost])
    return f"{COINS}\n\n{columns(rows)}"


def judged(answers: Any, test: ArrayDataset) -> list[str]:
    """The share of right pixels, the coins' overlap, and how many coins were found and were none."""
    scores, count = tl.segment.score(answers, test.y, test.classes), tl.segment.count(answers, test.y)
    return [f"{scores.accuracy:.3f}", f"{scores.iou['coin']:.3f}", f"{count.found} of {count.things}", f"{count.false}"]


COINS = """`coins()`: one photograph, 12 coins in its upper half and 12 others in its lower; `tl.segment.learn_coins`: 330 steps of eight
64×64 crops by Adam of rate 0.004, mirrored, turned, brighter or darker. A coin is found if an answered one overlaps it by an IoU
of 0.5; one of 100 pixels or more that overlaps none is false. The threshold of the half judged on is one that no method may know."""


# --- the page ----------------------------------------------------------------------------------------------------------

SECTIONS: dict[str, Callable[[], str]] = {"mosaics": mosaics, "coins": coins}


def page(old: str, new: dict[str, str]) -> str:
    """The sections of an earlier page, those measured anew replaced, in the order of SECTIONS."""
    parts = {part.partition("\n")[0]: part.partition("\n")[2].strip() for part in old.split("\n## ")[1:]}
    parts.update(new)
    head = "# Segmentation\n\nWritten by `python -m benchmarks.segment`."
    return "\n\n".join([head, *(f"## {name}\n\n{parts[name]}" for name in SECTIONS if name in parts)]) + "\n"


def main(names: list[str]) -> None:
    """Measure the sections of these names, or all, and write the page."""
    unknown = [name for name in names if name not in SECTIONS]
    if unknown:
        raise SystemExit(f"there is no section {', '.join(unknown)}; there are {', '.join(SECTIONS)}")
    about = machine.described()
    where = ", ".join(about[key] for key in ("date", "CPU", "versions"))
    threads = f"Numba threads {numba.get_num_threads()}"
    new = {name: f"{SECTIONS[name]()}\n\nMeasured: {where}, {threads}." for name in names or SECTIONS}
    path = RESULTS / "segment.md"
    text = page(path.read_text(encoding="utf-8") if path.exists() else "", new)
    path.write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main(sys.argv[1:])
