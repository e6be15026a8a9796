"""Losses of logits, and their gradients: softmax cross-entropy at each place, of a row or a pixel; the logistic loss of yes and no.

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


def label_weight(target, weight, classes, ignore_index, dtype):
    """Three numbers: Σ weight[target] of the labels that count, by which a mean divides, of ``dtype``; the place of the first label that is
    no class, −1 if all are; how many are ignored. ``weight`` (classes,), or None: 1 each.
    """
    flat = target.reshape(-1)
    ignored = flat == ignore_index
    wrong = ~ignored & ((flat < 0) | (flat >= classes))
    counted = flat[~ignored & ~wrong]
    over = counted.size if weight is None else weight[counted].sum(dtype=np.float64)
    return dtype.type(over), np.int64(wrong.argmax() if wrong.any() else -1), np.int64(ignored.sum())


def logistic_loss(x, target):
    """−Σ t·log σ(x) + (1 − t)·log σ(−x) over all elements, a number: how wrong σ(x) is as the probability of yes, t."""
    log1p = np.log1p(np.exp(-np.abs(x)))  # −log σ(x) = max(−x, 0) + log(1 + e^−|x|): no exponent is positive
    return (target * (np.maximum(-x, 0) + log1p) + (1 - target) * (np.maximum(x, 0) + log1p)).sum()


def logistic_loss_backward(g, x, target):
    """Its gradient, g·(σ(x) − t), like x; g is of one element."""
    e = np.exp(-np.abs(x))
    return g.reshape(()) * (np.where(x > 0, 1, e) / (1 + e) - target)
