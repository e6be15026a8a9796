"""What generated pictures are worth, in numbers, beside real ones and the simplest generators.

On ``digits()``, seeds 0 to 2, the kernel distance × 1000 to the training pictures is −15 to −14 of held-out ones (below 0, as the
split is by class), 17 to 29 of the class Gaussian, 270 to 300 of the pixel Gaussian. Copies of training pictures have −10 to −9
and miss nothing but the distance in pixels.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from .. import devices, metrics, show
from ..data import ArrayDataset
from ..random import Generator
from .distance import frechet_distance, kernel_distance, nearest, precision_recall, spread
from .gaussians import class_gaussian, pixel_gaussian
from .judge import Judge

HELD_OUT, PIXEL, CLASS = "real, held out", "pixel Gaussian", "class Gaussian"  # what stands beside in every table
HEAD = [
    "",
    "recognised",
    "worst class",
    "kernel ×1000",
    "Fréchet",
    "precision",
    "recall",
    "std / real",
    "nearest / held-out",
]
BEYOND = 1e-3  # by which a picture may lie outside [0, 1]


@dataclass(frozen=True)
class Scores:
    """How good a set of pictures is; NaN where the pictures have no classes.

    ``recognised``: the share that the judge takes for the wanted class, and ``by_class`` the same of each. ``kernel``,
    ``frechet``, ``precision`` and ``recall``: to the training pictures in the judge's features (``distance.py``).
    ``spread``: the standard deviation within classes (over all, without classes) as a share of the training pictures'.
    ``nearest``: the median distance in pixels to the nearest training picture, as a share of the held-out pictures'; well
    below 1, and the samples are copies.
    """

    recognised: float
    by_class: dict[str, float]
    kernel: float
    frechet: float
    precision: float
    recall: float
    spread: float
    nearest: float

    @property
    def worst(self) -> tuple[str, float]:
        """The class that is recognised least, and its share."""
        known = {name: share for name, share in self.by_class.items() if not math.isnan(share)}
        return min(known.items(), key=lambda item: item[1]) if known else ("–", math.nan)

    def cells(self) -> list[str]:
        """The numbers in words, as columns of a table."""
        name, least = self.worst
        shares = [self.precision, self.recall, self.spread, self.nearest]
        worst = "–" if math.isnan(least) else f"{least:.2f} ({name})"
        distances = [f"{1000 * self.kernel:.1f}", f"{self.frechet:.2f}"]
        return [dashed(self.recognised, 3), worst, *distances, *(dashed(share, 2) for share in shares)]


def score(judge: Judge, train: ArrayDataset, test: ArrayDataset, x: Any, y: Any = None) -> Scores:
    """The Scores of pictures x (N, C, H, W) in [0, 1], made as classes y (N,), or as nothing in particular.

    ``judge`` was trained on ``train``; ``test`` holds other real pictures. Raises ValueError for pictures of another size or
    range, too few of them (4), NaN, and for classes that do not fit.
    """
    return _Real(judge, train, test).score(x, y)


@dataclass(frozen=True)
class Comparison:
    """Scores by name: of the samples that were given, of real held-out pictures, and of two Gaussians; prints as a table."""

    scores: dict[str, Scores]

    @property
    def samples(self) -> list[str]:
        """The names of what was given."""
        return [name for name in self.scores if name not in (HELD_OUT, PIXEL, CLASS)]

    def bars(self, name: str) -> dict[str, bool]:
        """What a good generator of ``digits()`` should reach, in words, and whether that one does; without classes less is asked."""
        own, pixel, by_class = self.scores[name], self.scores[PIXEL], self.scores[CLASS]
        asked = {
            "recognised ≥ 0.97": own.recognised >= 0.97,
            "each class ≥ 0.90": own.worst[1] >= 0.90,
        }
        return {
            **(asked if own.by_class else {}),
            "kernel distance ≤ 0.05 × the pixel Gaussian's": own.kernel <= 0.05 * pixel.kernel,
            "kernel distance below the class Gaussian's": own.kernel < by_class.kernel,
            "std ≥ 0.75 × real": own.spread >= 0.75,
            "nearest-training distance ≥ 0.8 × held-out's": own.nearest >= 0.8,
        }

    @property
    def verdict(self) -> str:
        """A line for each set of samples: which bars it misses."""
        lines = []
        for name in self.samples:
            bars = self.bars(name)
            missed = [words for words, held in bars.items() if not held]
            lines.append(f"{name}: " + (f"misses {'; '.join(missed)}" if missed else f"all {len(bars)} bars hold"))
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for a file."""
        return {name: {**asdict(own), **self._held(name)} for name, own in self.scores.items()}

    def _held(self, name: str) -> dict[str, Any]:
        return {"bars": self.bars(name)} if name in self.samples else {}

    def __str__(self) -> str:
        lines = [HEAD, *([name, *own.cells()] for name, own in self.scores.items())]
        widths = [max(map(len, column)) for column in zip(*lines)]
        rows = (
            "  ".join(c.rjust(w) if k else c.ljust(w) for k, (c, w) in enumerate(zip(row, widths))) for row in lines
        )
        return "\n".join([*(row.rstrip() for row in rows), "", self.verdict]).rstrip()

    def _repr_html_(self) -> str:
        return show.table(HEAD, [[name, *own.cells()] for name, own in self.scores.items()], left=1, note=self.verdict)


def compare(
    judge: Judge, train: ArrayDataset, test: ArrayDataset, samples: Mapping[str, Any], *, seed: int = 0
) -> Comparison:
    """Samples by name, each a pair (x, y) or (x, None), scored beside real held-out pictures and the two Gaussians.

    The Gaussians draw by ``seed`` as many pictures as the first samples are, of the same classes: precision, recall and
    the Fréchet distance depend on how many there are. The pixel Gaussian knows nothing of classes and is recognised by
    chance. Raises what score raises, and ValueError for no samples and a name that is taken.
    """
    if not isinstance(samples, Mapping) or any(not isinstance(pair, tuple) for pair in samples.values()):
        raise TypeError(
            f'compare: samples must be {{name: (x, y)}}, such as {{"this GAN": (x, y)}}, got {samples!r:.60}'
        )
    if test is train:
        raise ValueError("compare: test is train; hold some pictures out to judge by, such as tl.data.digits() does")
    for name in (HELD_OUT, PIXEL, CLASS):
        if name in samples:
            raise ValueError(f"compare: {name!r} stands in every table already; give your samples another name")
    if not samples:
        raise ValueError('compare: expected samples such as {"this GAN": (x, y)}, got none')
    real, rng = _Real(judge, train, test), Generator(seed)
    x, y = next(iter(samples.values()))
    y = train.y[rng.integers(0, len(train), (len(x),))] if y is None else devices.host(y)
    found = {name: real.score(*pair) for name, pair in samples.items()}
    found[HELD_OUT] = real.score(test.x, test.y)
    found[PIXEL] = real.score(pixel_gaussian(train, len(y), rng), y)
    found[CLASS] = real.score(class_gaussian(train, y, rng), y)
    return Comparison(found)


class _Real:
    """What is asked of the real pictures, once."""

    def __init__(self, judge: Judge, train: ArrayDataset, test: ArrayDataset) -> None:
        for name, data in (("train", train), ("test", test)):
            checked(data.x, f"score: {name}", train.x.shape[1:])
        self.judge, self.train, self.test = judge, train, test
        self.features = judge.features(train.x)
        self.apart = float(np.median(nearest(test.x, train.x).distance))
        self.classes = train.classes or tuple(map(str, range(int(train.y.max()) + 1)))

    def score(self, x: Any, y: Any) -> Scores:
        """The Scores of pictures x, made as classes y or as none."""
        x, y = devices.host(x), None if y is None else devices.host(y)
        checked(x, "score", self.train.x.shape[1:])
        features, by_class, recognised = self.judge.features(x), {}, math.nan
        if y is not None:
            answers = self.judge.answers(x).argmax(1)
            confusion = metrics.confusion_matrix(answers, y, len(self.classes))
            by_class = dict(zip(self.classes, metrics.recall(confusion).tolist()))
            recognised = float((answers == y).mean())
        own, real = spread(x, y), spread(self.train.x, None if y is None else self.train.y)
        shares = own / real[: len(own)]
        precision, recall = precision_recall(self.features, features)
        return Scores(
            recognised,
            by_class,
            kernel_distance(self.features, features),
            frechet_distance(self.features, features),
            precision,
            recall,
            float(np.mean(shares[~np.isnan(shares)])) if (~np.isnan(shares)).any() else math.nan,
            float(np.median(nearest(x, self.train.x).distance)) / self.apart,
        )


def checked(x: Any, who: str, shape: tuple[int, ...]) -> None:
    """ValueError for pictures of another shape than (N, *shape), and outside of [0, 1]."""
    if x.shape[1:] != shape:
        raise ValueError(
            f"{who}: expected pictures (N, {', '.join(map(str, shape))}) as the training data, got {x.shape}"
        )
    if (x < -BEYOND).any() or (x > 1 + BEYOND).any():
        raise ValueError(
            f"{who}: expected pictures in [0, 1], got {np.nanmin(x):.3g} … {np.nanmax(x):.3g}; of a generator that ends in"
            " tanh take (x + 1) / 2, of normalised data preprocess.shown(x)"
        )


def dashed(value: float, digits: int) -> str:
    """A number, and a dash for what has none."""
    return "–" if math.isnan(value) else f"{value:.{digits}f}"
