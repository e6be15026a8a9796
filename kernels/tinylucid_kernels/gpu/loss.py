"""Softmax cross-entropy and its gradient: one warp a row.

p = softmax(z);   loss[m] = −Σ_c q[m, c] · log p[m, c],   q[m, c] = w[c] · ((1−ε)·[c = target[m]] + ε/C)
"""

import numpy as np

from .driver import cupy
from .launch import kernel

ROWS = 4  # warps, and so rows, a block
NO_LABEL = -(2**62)


def cross_entropy(logits, target, weight, ignore_index, label_smoothing):
    """loss (M,), and its gradient ∂loss[m]/∂z[m, c] = p·Σ_c q − q, (M, C). ``ignore_index`` None: every row counts."""
    rows, classes = logits.shape
    loss, slope = cupy().empty(rows, logits.dtype), cupy().empty_like(logits)
    target = target.astype(np.int64, copy=False)
    ignored = NO_LABEL if ignore_index is None else ignore_index
    q = label_smoothing / classes, 1 - label_smoothing
    run = kernel("loss.cu", "cross_entropy", logits.dtype)
    run((-(-rows // ROWS),), (32, ROWS), logits, target, weight, loss, slope, rows, classes, ignored, *q)
    return loss, slope
