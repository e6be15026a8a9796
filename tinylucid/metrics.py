"""tl.metrics: how often a classifier is right, over all and class by class; arrays or tensors in, plain numbers and arrays out.

Among equal logits the first is the answer, as for argmax. Targets of class −100 (``ignore_index``) do not count. The means over
classes are those of Long, Shelhamer and Darrell, "Fully convolutional networks for semantic segmentation", 2015, section 5.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from . import devices

IGNORED = -100  # the class of what does not count, as F.cross_entropy's ignore_index

__all__ = [
    "accuracy",
    "boundary_accuracy",
    "boundary_f1",
    "confusion_matrix",
    "frequency_weighted_iou",
    "iou",
    "mean_accuracy",
    "mean_iou",
    "precision",
    "recall",
    "top_k_accuracy",
]


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


def mean_accuracy(confusion: Any) -> float:
    """The mean over classes of ``recall``: 1/K · Σᵢ nᵢᵢ/tᵢ; classes of which there was nothing are left out, NaN of none."""
    return _mean(recall(_counts(confusion, "mean_accuracy")))


def mean_iou(confusion: Any) -> float:
    """The mean over classes of ``iou``: 1/K · Σᵢ nᵢᵢ/(tᵢ + Σⱼ nⱼᵢ − nᵢᵢ); NaN of none.

    A class of which there was nothing, and that nothing was taken for, is left out; one that was only taken for counts as 0.
    """
    return _mean(iou(_counts(confusion, "mean_iou")))


def frequency_weighted_iou(confusion: Any) -> float:
    """The mean of ``iou`` by each class's share of the items: Σᵢ tᵢ·iouᵢ / Σₖ tₖ; NaN of none."""
    confusion = _counts(confusion, "frequency_weighted_iou")
    frequent = np.sum(confusion, 1)
    return float(_ratio(np.sum(frequent * np.nan_to_num(iou(confusion))), np.sum(frequent)))


def _counts(confusion: Any, name: str) -> Any:
    """A confusion matrix as an array; ValueError for what is none, such as masks."""
    counts = _array(confusion)
    if counts.ndim != 2 or counts.shape[0] != counts.shape[1] or (counts < 0).any() or (counts % 1).any():
        raise ValueError(
            f"{name}: expected a confusion matrix (K, K) of counts, got {counts.dtype} {counts.shape}; "
            "tl.metrics.confusion_matrix(predicted, y, classes) makes one of masks"
        )
    return counts


# --- borders ------------------------------------------------------------------------------------------------------


def boundary_accuracy(predicted: Any, y: Any, radius: float = 3) -> float:
    """The share of right pixels among those at most ``radius`` pixels from one of another class; NaN of none.

    predicted and y: class numbers (N, H, W), or (H, W). Distances are between the middles of pixels, and pixels of class −100
    are of no class. Raises ValueError for shapes that do not fit and a radius below 1.
    """
    predicted, y = _masks(predicted, y, "boundary_accuracy")
    _check_pixels(radius, "boundary_accuracy: radius")
    near = np.stack([_near_another(plane, radius) for plane in y]) if len(y) else np.zeros(y.shape, bool)
    return share((predicted == y)[near])


def boundary_f1(predicted: Any, y: Any, tolerance: float = 2) -> float:
    """How well borders are found, in 0 … 1: 2PR/(P + R) of each class, and the mean over classes, then pictures; NaN of none.

    P is the share of a class's predicted border that is at most ``tolerance`` pixels from its true border, R that of its true border
    near the predicted one (Csurka et al., "What is a good evaluation measure for semantic segmentation?", 2013, who take 0.75 %
    of the picture's diagonal). The border of a class are its pixels with a pixel of another class above, below or beside them.
    A class without a border in both is left out, one with a border in only one of them counts as 0. Pixels of class −100
    in y are of no class in either. Shapes and errors as ``boundary_accuracy``, but the tolerance may be 0.
    """
    predicted, y = _masks(predicted, y, "boundary_f1")
    _check_pixels(tolerance, "boundary_f1: tolerance", least=0)
    predicted = np.where(y == IGNORED, IGNORED, predicted)
    return _mean(np.array([_border_f1(a, b, tolerance) for a, b in zip(predicted, y)]))


def _border_f1(predicted: Any, y: Any, tolerance: float) -> float:
    """F1 of the borders in one picture (H, W), the mean over classes."""
    found = []
    ours, true = _borders(predicted), _borders(y)
    for k in np.union1d(predicted[ours], y[true]):
        a, b = ours & (predicted == k), true & (y == k)
        if not (a.any() and b.any()):
            found.append(0.0)
            continue
        precision, recall = share(_distance_to(b)[a] <= tolerance), share(_distance_to(a)[b] <= tolerance)
        found.append(2 * precision * recall / (precision + recall) if precision + recall else 0.0)
    return _mean(np.array(found))


def _borders(y: Any) -> Any:
    """Whether a pixel of (H, W) has one of another class above, below or beside it, (H, W)."""
    border = np.zeros(y.shape, bool)
    for a, b in ((np.s_[1:], np.s_[:-1]), (np.s_[:, 1:], np.s_[:, :-1])):
        differ = (y[a] != y[b]) & (y[a] != IGNORED) & (y[b] != IGNORED)
        border[a] |= differ
        border[b] |= differ
    return border


def _near_another(y: Any, radius: float) -> Any:
    """Whether a pixel of (H, W) is at most ``radius`` from one of another class, (H, W)."""
    near = np.zeros(y.shape, bool)
    for k in np.setdiff1d(y, IGNORED):
        others = (y != k) & (y != IGNORED)
        if others.any():
            near |= (y == k) & (_distance_to(others) <= radius)
    return near


def _distance_to(some: Any) -> Any:
    """How far each pixel of (H, W) is from the nearest of ``some``, of which there is at least one."""
    from scipy.ndimage import distance_transform_edt

    return distance_transform_edt(~some)


def _masks(predicted: Any, y: Any, name: str) -> tuple[Any, Any]:
    """Class numbers (N, H, W) of both, if they belong together."""
    predicted, y = _array(predicted), _array(y)
    if y.ndim not in (2, 3) or predicted.shape != y.shape:
        raise ValueError(
            f"{name}: expected class numbers (N, H, W) of one shape, got predicted {predicted.shape} and y {y.shape};"
            " use logits.argmax(1) for logits"
        )
    for which, numbers in (("predicted", predicted), ("y", y)):
        if numbers.dtype.kind not in "iub":
            raise ValueError(f"{name}: {which} must be class numbers, integers, got {numbers.dtype}; use .astype(int)")
    return predicted.reshape(-1, *y.shape[-2:]), y.reshape(-1, *y.shape[-2:])


def _check_pixels(value: float, what: str, least: float = 1) -> None:
    if not value >= least:
        raise ValueError(f"{what} must be a number of pixels ≥ {least}, got {value!r}; 3 is usual")


def _mean(values: Any) -> float:
    """The mean of those that are not NaN; NaN of none."""
    known = values[~np.isnan(values)]
    return float(known.mean()) if known.size else float("nan")


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
