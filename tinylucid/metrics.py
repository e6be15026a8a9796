"""tl.metrics: how often a classifier is right, over all and class by class; arrays or tensors in, plain numbers and arrays out.

Among equal logits the first is the answer, as for argmax. Targets of class −100 (``ignore_index``) do not count.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from . import devices

IGNORED = -100  # the class of what does not count, as F.cross_entropy's ignore_index

__all__ = ["accuracy", "confusion_matrix", "iou", "precision", "recall", "top_k_accuracy"]


def accuracy(logits: Any, y: Any) -> float:
    """The share of targets whose class has the largest logit; NaN of nothing.

    logits (N, K) and y (N,), or (N, K, H, W) and (N, H, W): class numbers, or probabilities of the logits' shape, of which
    the largest is meant. Raises ValueError for shapes that do not fit.
    """
    logits, labels = _fitting(logits, y, "accuracy")
    return share(hits(logits, labels))


def top_k_accuracy(logits: Any, y: Any, k: int) -> float:
    """The share of targets whose class is among the k largest logits; shapes and errors as ``accuracy``, and 1 ≤ k ≤ K."""
    logits, labels = _fitting(logits, y, "top_k_accuracy")
    if not 1 <= k <= logits.shape[1]:
        raise ValueError(
            f"top_k_accuracy: k must be from 1 to the {logits.shape[1]} classes, got {k}; give a smaller one"
        )
    rows, labels = np.moveaxis(logits, 1, -1).reshape(-1, logits.shape[1]), labels.reshape(-1)
    rows, labels = rows[labels != IGNORED], labels[labels != IGNORED, None]
    rows = np.where(np.isnan(rows), np.inf, rows)  # for argmax, too, NaN is the largest
    wanted, number = np.take_along_axis(rows, labels, 1), np.arange(rows.shape[1])
    before = (rows > wanted) | ((rows == wanted) & (number < labels))
    return share(before.sum(1) < k)


def confusion_matrix(predicted: Any, y: Any, classes: int) -> Any:
    """How many items of class i (row) were taken for class j (column): (classes, classes), int64.

    predicted and y: class numbers 0 … classes − 1 of one shape. Raises ValueError for other shapes and numbers.
    """
    predicted, y = _array(predicted), _array(y)
    if predicted.shape != y.shape:
        raise ValueError(
            f"confusion_matrix: predicted {predicted.shape} and y {y.shape} must be class numbers of one shape;"
            " use logits.argmax(1) for logits"
        )
    counts = y != IGNORED
    pairs = predicted[counts], y[counts]
    for name, numbers in zip(("predicted", "y"), pairs):
        _check_numbers(numbers, classes, f"confusion_matrix: {name}")
    return np.bincount(pairs[1] * classes + pairs[0], minlength=classes * classes).reshape(classes, classes)


def precision(confusion: Any) -> Any:
    """Of what was taken for each class, the share that is: (K,); NaN for a class that nothing was taken for (0/0)."""
    return _ratio(np.diagonal(confusion), np.sum(confusion, 0))


def recall(confusion: Any) -> Any:
    """Of each class, the share that was recognised: (K,); NaN for a class of which there was nothing (0/0)."""
    return _ratio(np.diagonal(confusion), np.sum(confusion, 1))


def iou(confusion: Any) -> Any:
    """Intersection over union of each class's items and what was taken for it: (K,); NaN for 0/0."""
    return _ratio(np.diagonal(confusion), np.sum(confusion, 0) + np.sum(confusion, 1) - np.diagonal(confusion))


def hits(logits: Any, y: Any) -> Any:
    """Whether the largest logit is the target's, for each target that counts: bool (M,).

    Of arrays as for ``accuracy``; empty for targets that are no classes (a regression has no accuracy), and for a single logit.
    """
    if are_shares(y, logits):
        return (logits.argmax(1) == y.argmax(1)).reshape(-1)
    if y.dtype.kind == "f" or y.ndim != logits.ndim - 1 or logits.shape[1] < 2:
        return np.empty(0, bool)
    return (logits.argmax(1) == y)[y != IGNORED]


def are_shares(y: Any, logits: Any) -> bool:
    """Whether targets are probabilities of K ≥ 2 classes: floating, of the logits' shape, none below 0, and 1 in sum."""
    if y.dtype.kind != "f" or y.shape != logits.shape or y.ndim < 2 or y.shape[1] < 2:
        return False
    return bool((y >= 0).all() and (abs(y.sum(1) - 1) < 1e-3).all())


def share(right: Any) -> float:
    """The share of True; NaN of nothing."""
    return float(right.mean()) if right.size else float("nan")


def _array(values: Any) -> Any:
    return devices.host(values)


def _fitting(logits: Any, y: Any, name: str) -> tuple[Any, Any]:
    """Logits and class numbers as arrays, if they belong together."""
    logits, y = _array(logits), _array(y)
    if are_shares(y, logits):
        y = y.argmax(1)
    if logits.ndim < 2 or y.shape != (*logits.shape[:1], *logits.shape[2:]):
        raise ValueError(
            f"{name}: expected logits (N, K) or (N, K, …) and class numbers (N) or (N, …), or probabilities of the logits'"
            f" shape with K ≥ 2 and sum 1; got {logits.shape} and {y.shape}; logits come first"
        )
    _check_numbers(y[y != IGNORED], logits.shape[1], f"{name}: y")
    return logits, y


def _check_numbers(numbers: Any, classes: int, what: str) -> None:
    if numbers.dtype.kind not in "iu":
        raise ValueError(f"{what} must be class numbers, integers, got {numbers.dtype}; use y.astype(int)")
    if numbers.size and not 0 <= numbers.min() <= numbers.max() < classes:
        raise ValueError(
            f"{what} must hold classes 0 … {classes - 1}, got {numbers.min()} … {numbers.max()}; count from 0, or give more classes"
        )


def _ratio(part: Any, whole: Any) -> Any:
    """part / whole, NaN where whole is 0."""
    return np.divide(part, whole, out=np.full(np.shape(whole), np.nan), where=whole != 0)


def percent(value: float) -> str:
    """A share as a percentage, 0.973 as 97.3%, and a dash for what has no value."""
    return f"{value:.1%}" if value == value else "–"
