"""Losses of logits, and their gradients: softmax cross-entropy, one warp a row; the logistic loss, one thread an element.

p = softmax(z);   loss = −Σ_c q[c] · log p[c],   q[c] = w[c] · ((1−ε)·[c = target] + ε/C)
"""

import numpy as np

from . import replay
from .driver import cupy
from .launch import cover, kernel

ROWS = 4  # warps, and so rows, a block
NO_LABEL = -(2**62)


def cross_entropy(logits, target, weight, ignore_index, label_smoothing):
    """loss like target (N, …), and its gradient p·Σ_c q − q like logits (N, C, …). ``ignore_index`` None: every row counts."""
    if logits.ndim > 2:
        last = cupy().ascontiguousarray(cupy().moveaxis(logits, 1, -1))
        rows = last.reshape(target.size, logits.shape[1]), target.reshape(target.size)
        loss, slope = cross_entropy(*rows, weight, ignore_index, label_smoothing)
        return loss.reshape(target.shape), cupy().moveaxis(slope.reshape(last.shape), -1, 1)
    rows, classes = logits.shape
    loss, slope = cupy().empty(rows, logits.dtype), cupy().empty_like(logits)
    target = target.astype(np.int64, copy=False)
    ignored = NO_LABEL if ignore_index is None else ignore_index
    q = label_smoothing / classes, 1 - label_smoothing
    run = kernel("loss.cu", "cross_entropy", logits.dtype)
    run((-(-rows // ROWS),), (32, ROWS), logits, target, weight, loss, slope, rows, classes, ignored, *q)
    return loss, slope


def label_weight(target, weight, classes, ignore_index, dtype):
    """Three numbers: Σ weight[target] of the labels that count, by which a mean divides, of ``dtype``; the place of the first label that is
    no class, −1 if all are; how many are ignored. ``weight`` (classes,), or None: 1 each. While a step is captured the first stays
    on the device, an array of one element, NaN where a label is no class; nobody can look at the others: (array, -1, 1).
    """
    target = target.reshape(-1).astype(np.int64, copy=False)
    blocks = max(1, min(256, target.size // 4096))
    parts, over = cupy().empty((3, blocks), np.float64), cupy().empty((), dtype)
    kernel("loss.cu", "label_parts", dtype)(
        (blocks,), (256,), target, weight, parts, over, target.size, classes, ignore_index
    )
    if replay.recording is not None:
        if blocks > 1:
            total(parts, over, target.size)
        return over, -1, 1
    sums, wrong, ignored = parts.get()
    first = int(wrong.min())
    return dtype.type(sum(sums.tolist())), np.int64(first if first < target.size else -1), np.int64(ignored.sum())


def total(parts, over, rows):
    """over ← the sum of the first row of parts; NaN where one of the labels of so many rows is no class."""
    kernel("loss.cu", "label_total", over.dtype)((1,), (1,), parts, over, parts.shape[1], rows)


replay.ready.append(lambda: total(cupy().zeros((3, 1)), cupy().empty((), np.float32), 1))


def logistic_loss(x, target):
    """−Σ t·log σ(x) + (1 − t)·log σ(−x) over all elements, a number: how wrong σ(x) is as the probability of yes, t."""
    losses = cupy().empty_like(x)
    kernel("loss.cu", "logistic_loss", x.dtype)(*cover(x.size), x, target, losses, x.size)
    return losses.sum()


def logistic_loss_backward(g, x, target):
    """Its gradient, g·(σ(x) − t), like x; g is of one element."""
    gx = cupy().empty_like(x)
    kernel("loss.cu", "logistic_loss_backward", x.dtype)(*cover(x.size), g, x, target, gx, x.size)
    return gx
