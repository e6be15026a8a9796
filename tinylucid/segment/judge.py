"""How good a segmentation is: over all pixels, class by class, and near borders."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .. import devices, metrics, show
from ..metrics import percent
from ..nn import Module
from ..nn.module import check_model, mode
from ..scopes import no_grad
from ..train.judge import answered, as_loader, pictures


@dataclass(frozen=True)
class Segmentation:
    """Scores of a segmentation, in 0 … 1; ``str`` is a table. What each one counts is said in tl.metrics.

    ``confusion`` (K, K) counts pixels, a row a true class; ``boundary_accuracy`` is within 3 pixels of another class, ``boundary_f1``
    with a tolerance of 2.
    """

    classes: tuple[str, ...]
    confusion: Any
    boundary_accuracy: float
    boundary_f1: float

    @property
    def accuracy(self) -> float:
        """The share of right pixels; NaN of none."""
        total = self.confusion.sum()
        return float(np.trace(self.confusion) / total) if total else float("nan")

    @property
    def mean_accuracy(self) -> float:
        """The mean over classes of the share of their pixels that is right."""
        return metrics.mean_accuracy(self.confusion)

    @property
    def mean_iou(self) -> float:
        """The mean over classes of their overlap, intersection over union."""
        return metrics.mean_iou(self.confusion)

    @property
    def frequency_weighted_iou(self) -> float:
        """The mean overlap, each class by its share of the pixels."""
        return metrics.frequency_weighted_iou(self.confusion)

    @property
    def iou(self) -> dict[str, float]:
        """Each class's overlap by name; NaN for one that is nowhere."""
        return dict(zip(self.classes, metrics.iou(self.confusion).tolist()))

    def to_dict(self) -> dict[str, Any]:
        """The scores as plain values, for JSON."""
        return {**{name: getattr(self, name) for name in SCORES}, "iou": self.iou}

    @property
    def lines(self) -> list[tuple[str, str]]:
        """The scores in words and in percent, then each class's overlap."""
        scores = [(words, percent(getattr(self, name))) for name, words in SCORES.items()]
        return scores + [(f"IoU of {name}", percent(value)) for name, value in self.iou.items()]

    def __str__(self) -> str:
        width = max(len(words) for words, _ in self.lines)
        return "\n".join(f"{words:<{width}}  {value:>6}" for words, value in self.lines)

    def _repr_html_(self) -> str:
        return show.table(["", ""], self.lines, left=1)


NOBODY = 255  # what many data sets write where nobody knows the class
SCORES = {
    "accuracy": "pixel accuracy",
    "mean_accuracy": "mean accuracy",
    "mean_iou": "mean IoU",
    "frequency_weighted_iou": "frequency weighted IoU",
    "boundary_accuracy": "accuracy near borders",
    "boundary_f1": "boundary F1",
}


def judge(model: Module, data: Any, batch_size: int = 16) -> Segmentation:
    """The scores of a model on data, asked so many pictures at a time, in eval mode; pixels of class −100 do not count.

    ``data``: a dataset of pictures with masks (N, H, W), a pair (x, y), or a DataLoader. Raises ValueError for empty data, and
    for answers that are not as large as the masks.
    """
    check_model(model, "judge")
    loader = as_loader("data", data, None if hasattr(data, "epoch") else batch_size)
    found, true = [], []
    for x, y in loader.epoch(0):
        found.append(masks(model, x))
        true.append(y)
    given = getattr(loader.dataset, "classes", ())
    return score(np.concatenate(found), np.concatenate(true), given)


def score(predicted: Any, y: Any, classes: Sequence[str] = ()) -> Segmentation:
    """The scores of class numbers ``predicted`` (N, H, W) against the true ones y; ``classes`` are named by number by default."""
    predicted, y = (a.astype(np.int64) if a.dtype.kind == "u" else a for a in map(devices.host, (predicted, y)))
    if y.size and y.max() == NOBODY >= len(classes):
        raise ValueError("score: y holds class 255, which usually means that nobody knows; write y[y == 255] = -100")
    count = len(classes) or 1 + int(max(predicted.max(initial=0), y.max(initial=0)))
    names = tuple(map(str, classes or range(count)))
    near, border = metrics.boundary_accuracy(predicted, y), metrics.boundary_f1(predicted, y)
    return Segmentation(names, metrics.confusion_matrix(predicted, y, count), near, border)


def masks(model: Module, x: Any, batch_size: int = 16) -> Any:
    """The class that the model gives each pixel of pictures x (N, C, H, W): (N, H, W) int64; x and the modes as in tl.predict.

    Of the logits only a batch at a time is held. Raises ValueError for a model whose answers are no planes.
    """
    check_model(model, "masks")
    found = []
    with mode(model, training=False), no_grad():
        for batch in pictures(x, batch_size):
            logits = devices.host(answered(model, batch))
            if logits.ndim != 4:
                raise ValueError(
                    f"masks: expected logits (N, K, H, W) of pictures {batch.shape}, got {logits.shape}; "
                    "it needs a net that gives every pixel a class"
                )
            found.append(logits.argmax(1))
    return np.concatenate(found)
