"""Softmax cross-entropy, and its gradient, at each place: of a row of logits, or of a pixel.

    p = softmax(z);   loss = −Σ_c q[c] · log p[c],   q[c] = w[c] · ((1−ε)·[c = target] + ε/C)

with class weights w (all 1 if None), label smoothing ε (Szegedy et al., 2016, section 7), and q = 0 where the target is ignored.
Shapes: z (N, C) or (N, C, …), target (N,) or (N, …) integers, loss like target.
"""

import numpy as np


def wanted(target, classes, weight, label_smoothing, dtype):
    """q (N, C, …): the weighted, smoothed distribution that each place should predict."""
    q = np.full((len(target), classes, *target.shape[1:]), label_smoothing / classes, dtype)
    np.put_along_axis(q, target[:, None], dtype.type(label_smoothing / classes + 1 - label_smoothing), 1)
    return q if weight is None else q * weight.reshape(-1, *(1,) * (target.ndim - 1))


def cross_entropy(logits, target, weight, ignore_index, label_smoothing):
    """loss like target (N, …), and its gradient p·Σ_c q − q like logits (N, C, …). ``ignore_index`` None: every row counts."""
    ignored = None if ignore_index is None else target == ignore_index
    label = (target if ignored is None else np.where(ignored, 0, target))[:, None]
    shifted = logits - np.maximum.reduce(logits, 1, keepdims=True)  # the largest exponent is 0: no overflow
    p = np.exp(shifted)
    total = np.add.reduce(p, 1, keepdims=True)
    p /= total
    if weight is None and not label_smoothing:  # q is 1 at the label: no need to build it
        loss = (np.log(total) - np.take_along_axis(shifted, label, 1))[:, 0]
        np.put_along_axis(p, label, np.take_along_axis(p, label, 1) - 1, 1)
    else:
        q = wanted(label[:, 0], logits.shape[1], weight, label_smoothing, logits.dtype)
        surprise = np.log(total) - shifted
        surprise[q == 0] = 0  # a logit of −inf that nobody wants costs nothing
        loss = (q * surprise).sum(1)
        p *= q.sum(1, keepdims=True)
        p -= q
    if ignored is not None:
        loss[ignored] = 0
        p = np.where(ignored[:, None], p.dtype.type(0), p)
    return loss, p
