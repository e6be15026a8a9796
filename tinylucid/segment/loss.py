"""Dice: a loss of overlap, for which a rare class weighs as much as a frequent one."""

from __future__ import annotations

from typing import Any

from .. import devices
from ..metrics import IGNORED
from ..nn.functional import softmax
from ..ops.classify import checked_labels


def dice_loss(logits: Any, y: Any, *, weight: Any = None, ignore_index: int = IGNORED, smooth: float = 1.0) -> Any:
    """1 − the mean over classes of D = (2·Σ p·t + s) / (Σ p² + Σ t² + s), the soft Dice coefficient (Milletari et al., 2016).

    p = softmax(logits), t is 1 at the pixels of the class and 0 elsewhere, s is ``smooth``; the sums are over all pixels of the
    batch but those of class ``ignore_index``. D is 1 where p = t. ``weight`` (K,) weighs the classes in the mean: a weight of 0
    leaves the background out. A class that is not in the batch has D = s / (Σ p² + s): it is pushed down too. Made of elementary
    operations, so it can be differentiated again. Added to F.cross_entropy, it has that one's slope where p is still far off.
    Raises ValueError for shapes that do not fit, a label out of range, weights that are all 0 and smooth ≤ 0, TypeError for
    labels that are no integers.

    Shapes: logits (N, K, …), y (N, …) → ().
    """
    labels, weight = checked_labels(logits, y, weight, ignore_index, "dice_loss")
    if not smooth > 0:
        raise ValueError(f"dice_loss: smooth must be above 0, got {smooth!r}; 1 is usual")
    if weight is not None and not weight.sum() > 0:
        raise ValueError(f"dice_loss: the weights must not all be 0, got {weight}; leave them out to count all classes")
    axes, counts = (0, *range(2, logits.ndim)), (labels != ignore_index)[:, None]
    numbers = devices.namespace(labels).arange(logits.shape[1]).reshape(-1, *(1,) * (logits.ndim - 2))
    t = ((labels[:, None] == numbers) & counts).astype(logits.dtype)
    p = softmax(logits, 1) * counts.astype(logits.dtype)
    dice = ((p * t).sum(axes) * 2 + smooth) / ((p * p).sum(axes) + (t.sum(axes) + smooth))
    return 1 - (dice.mean() if weight is None else (dice * (weight / weight.sum())).sum())
