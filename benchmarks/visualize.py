"""How good feature visualisation is: ``python -m benchmarks.visualize`` trains three nets, renders, and writes results/visualize.md.

The demo's net is rendered; a net of the same kind from another seed and a residual net, both trained separately, say what they see.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from time import perf_counter
from typing import Any

import numpy as np

import tinylucid as tl
from tinylucid import demo, plot
from tinylucid.visualize import channel, compare, fourier, jitter, logit, pad, pixel, remembered, render, rotate, scale
from tinylucid.visualize.judge import alike, between
from tinylucid.visualize.transforms import Transform

from . import machine, timing
from .__main__ import RESULTS
from .report import columns

SEEDS, STEPS = 5, 256
COARSE = functools.partial(fourier, decay=2)
LAYERS = {"2": 16, "6": 32, "10": 64}  # the demo net's ReLUs, and their channels


def strong(size: int) -> list[Transform]:
    """Twice to four times what wobble does."""
    step = size // 4
    return [pad(step), jitter(step), scale(0.8, 1.25), rotate(15), jitter(step)]


WAYS: dict[str, tuple[Callable[..., Any], Any]] = {
    "decay 2": (COARSE, None),
    "decay 2, strong": (COARSE, strong(32)),
    "decay 1": (fourier, None),
    "pixels": (pixel, None),
}


def trained(data: tl.data.Splits, seed: int, name: str = "texture_net", **arguments: Any) -> Any:
    """A net, trained as the demo does."""
    tl.manual_seed(seed)
    model = tl.models.build(name, classes=len(data.train.classes), channels=1, **arguments)
    history = demo.train(model, data, demo.EPOCHS, seed)
    print(f"{name}, seed {seed}: {history.val_accuracy[-1]:.1%}", file=sys.stderr, flush=True)
    return model


def share(net: Any, how: Any, pictures: Any) -> str:
    """How many of pictures (K, S, C, H, W), the K classes in order, a net takes for what they are."""
    k, s, *size = pictures.shape
    found = tl.predict(net, how(pictures.reshape(-1, *size))).argmax(1).reshape(k, s)
    return f"{(found == np.arange(k)[:, None]).mean():.0%}"


def qualities(model: Any, others: list[Any], data: Any) -> tuple[list[list[str]], dict[str, Any]]:
    """A row for each way to render classes, and the whole comparisons by way."""
    goals, found = [logit(k) for k in range(len(data.classes))], {}
    head = [
        "way",
        "other seed",
        "ResNet-8",
        "worst ratio",
        "median",
        "best",
        "beats the data",
        "apart",
        "again",
        "data",
    ]
    rows = [head]
    for way, (picture, transforms) in WAYS.items():
        setting = {"seeds": SEEDS, "steps": STEPS, "classes": range(len(goals)), "other": others[1]}
        c = found[way] = compare(model, data, goals, picture=picture, transforms=transforms, **setting)
        ratios = [f"{value:.2f}" for value in (c.ratio.min(), np.median(c.ratio), c.ratio.max())]
        known = [share(net, data.preprocess.normalized, c.pictures) for net in others]
        beats = f"{(c.ratio > 1).mean():.0%}"
        rows.append([way, *known, *ratios, beats, *(f"{v.mean():.3f}" for v in (c.apart, c.again, c.data_apart))])
        print(way, *known, *ratios, file=sys.stderr, flush=True)
    return rows, found


def memories(model: Any, others: list[Any], data: Any, photographs: str) -> tuple[list[str], Any]:
    """The same row for what the net remembers of each class, and the pictures (K, S, C, H, W)."""
    x = np.stack([remembered(model, data, seed=seed) for seed in range(SEEDS)], 1)
    k, s, *size = x.shape
    how, flat = data.preprocess.normalized, x.reshape(-1, *size)
    ratio = (
        tl.predict(model, how(flat)).reshape(k, s, k)[range(k), :, range(k)] / tl.predict(model, data.x).max(0)[:, None]
    )
    apart = between(alike(others[1], how(flat)).reshape(k, s, -1)).mean()
    ratios = [f"{value:.2f}" for value in (ratio.min(), np.median(ratio), ratio.max())]
    known = [share(net, how, x) for net in others]
    return ["remembered", *known, *ratios, f"{(ratio > 1).mean():.0%}", f"{apart:.3f}", "–", photographs], x


def by_class(found: dict[str, Any], names: Any) -> list[list[str]]:
    """A row a class: how many renderings ResNet-8 recognises, and the median ratio."""
    cell = lambda c, k: f"{c.recognised[k].sum()}/{SEEDS}, {np.median(c.ratio[k]):.2f}"
    return [["class", *WAYS], *([name, *(cell(c, k) for c in found.values())] for k, name in enumerate(names))]


def sizes(model: Any, others: list[Any], how: Any, classes: int) -> list[list[str]]:
    """Whether larger pictures are recognised as well: two starts a class."""
    rows = [["pixels", "other seed", "ResNet-8"]]
    for size in (32, 64, 128):
        goals = [logit(k) for k in range(classes)]
        x = render(model, goals, COARSE((2 * classes, 1, size, size)), normalize=how, steps=STEPS)
        x = np.asarray(x).reshape(classes, 2, 1, size, size)
        rows.append([f"{size}", *(share(net, how, x) for net in others)])
    return rows


def speeds(model: Any, how: Any) -> list[list[str]]:
    """Seconds beside what was promised, on as many threads as there are cores."""

    def seconds(work: Callable[[], object]) -> float:
        start = perf_counter()
        work()
        return perf_counter() - start

    def channels() -> None:
        for layer, n in LAYERS.items():
            render(model, [channel(layer, k) for k in range(n)], fourier((n, 1, 64, 64)), normalize=how, steps=STEPS)

    one = seconds(lambda: render(model, logit(0), COARSE((1, 1, 128, 128)), normalize=how, steps=STEPS))
    every = seconds(channels)
    return [
        ["what", "seconds", "promised"],
        [f"a class at 128 pixels, {STEPS} steps", f"{one:.1f}", "15"],
        [f"all {sum(LAYERS.values())} channels at 64 pixels, {STEPS} steps", f"{every:.1f}", "60"],
    ]


def drawn(data: Any, pictures: dict[str, Any]) -> Any:
    """Photographs above, below the first rendering of each way, as a figure."""
    n = len(data.classes)
    photos = data.x[[np.flatnonzero(data.y == k)[0] for k in range(n)]]
    rows = [photos, *(x[:, 0] for x in pictures.values())]
    titles = [*data.classes, *(way if k == 0 else "" for way in pictures for k in range(n))]
    return plot.picture_grid(np.concatenate(rows), titles, columns=n, wide=14)


def main() -> None:
    """Train, render, judge; write the tables and the picture."""
    start, elsewhere = perf_counter(), timing.busy_elsewhere()
    data = tl.data.textures(0)
    model = trained(data, 0)
    others = [trained(tl.data.textures(1), 1), trained(tl.data.textures(2), 2, "resnet", depth=8, width=8)]
    how = data.train.preprocess.normalized
    rows, found = qualities(model, others, data.train)
    memory, kept = memories(model, others, data.train, rows[1][-1])
    names = data.train.classes
    tables = [[*rows, memory], by_class(found, names), sizes(model, others, how, len(names)), speeds(model, how)]
    about = machine.described()
    taken = (timing.busy_elsewhere() - elsewhere) / (perf_counter() - start) / machine.cores()
    about["cores taken by other programs meanwhile"] = f"{max(0.0, taken):.0%}"
    about["took"] = f"{perf_counter() - start:.0f} s"
    RESULTS.joinpath("visualize.md").write_text(page(about, tables), encoding="utf-8")
    figure = drawn(data.train, {**{way: c.pictures for way, c in found.items()}, "remembered": kept})
    figure.savefig(RESULTS / "visualize.png", dpi=100)
    print(RESULTS.joinpath("visualize.md").read_text(encoding="utf-8"))


HEADS = (
    "## Ten classes, five starts each\n\nRecognised by two other nets; the objective over that of the best of 4,000 training "
    "pictures; and how far apart renderings are (0 the same stuff, 1 nothing in common): from different starts, from one "
    "start twice, and as many photographs of the class. Remembered is no climb of the logit but likeness to the class's "
    "pictures in the net's layers. Strong transforms shift by up to size/4 twice, turn by 15° and "
    "scale by 0.8 to 1.25.",
    "## Class by class\n\nRenderings that ResNet-8 recognises, and the median ratio.",
    "## Larger pictures\n\nWaves with decay 2, two starts a class.",
    "## Speed",
)


def page(about: dict[str, str], tables: list[list[list[str]]]) -> str:
    """The report in Markdown."""
    parts = ["# Feature visualisation", "\n".join(f"- {name}: {value}" for name, value in about.items())]
    parts += [
        "Written by `python -m benchmarks.visualize`.",
        "![Photographs, and renderings of each class](visualize.png)",
    ]
    for head, rows in zip(HEADS, tables):
        parts += [head, columns(rows)]
    return "\n\n".join(parts) + "\n"


if __name__ == "__main__":
    main()
