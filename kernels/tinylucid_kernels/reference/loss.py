"""Softmax cross-entropy, a row at a time, and its gradient.

    p = softmax(z);   loss[m] = −Σ_c q[m, c] · log p[m, c],   q[m, c] = w[c] · ((1−ε)·[c = target[m]] + ε/C)

with class weights w (all 1 if None), label smoothing ε (Szegedy et al., 2016, section 7), and q = 0 in ignored rows.
Shapes: z (M, C), target (M,) integers, loss (M,).
"""

import numpy as np


def wanted(target, classes, weight, label_smoothing, dtype):
    """q (M, C): the weighted, smoothed distribution that each row should predict."""
    q = np.full((len(target), classes), label_smoothing / classes, dtype)
    q[np.arange(len(target)), target] += 1 - label_smoothing
    return q if weight is None else q * weight


def cross_entropy(logits, target, weight, ignore_index, label_smoothing):
    """loss (M,), and its gradient ∂loss[m]/∂z[m, c] = p·Σ_c q − q, (M, C). ``ignore_index`` None: every row counts."""
    ignored = None if ignore_index is None else target == ignore_index
    label = target if ignored is None else np.where(ignored, 0, target)
    shifted = logits - np.maximum.reduce(logits, 1, keepdims=True)  # the largest exponent is 0: no overflow
    p = np.exp(shifted)
    total = np.add.reduce(p, 1, keepdims=True)
    p /= total
    if weight is None and not label_smoothing:  # q is 1 at the label: no need to build it
        at_label = np.arange(len(label)), label
        loss = np.log(total[:, 0]) - shifted[at_label]
        p[at_label] -= 1
    else:
        q = wanted(label, logits.shape[1], weight, label_smoothing, logits.dtype)
        surprise = np.log(total) - shifted
        surprise[q == 0] = 0  # a logit of −inf that nobody wants costs nothing
        loss = (q * surprise).sum(1)
        p *= q.sum(1, keepdims=True)
        p -= q
    if ignored is not None:
        loss[ignored] = 0
        p[ignored] = 0
    return loss, p
