"""Losses of logits, and their gradients: softmax cross-entropy, one warp a row; the logistic loss, one thread an element.

p = softmax(z);   loss = −Σ_c q[c] · log p[c],   q[c] = w[c] · ((1−ε)·[c = target] + ε/C)
"""

import numpy as np

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
