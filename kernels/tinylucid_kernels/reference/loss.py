"""Softmax cross-entropy, a row at a time, and its gradient.

    p = softmax(z);   loss[m] = −Σ_c q[m, c] · log p[m, c],   q[m, c] = w[c] · ((1−ε)·[c = target[m]] + ε/C)

with class weights w (all 1 if None), label smoothing ε (Szegedy et al., 2016, section 7), and q = 0 in ignored rows.
Shapes: z (M, C), target (M,) integers, loss (M,).
"""

import numpy as np


def wanted(logits, target, weight, ignore_index, label_smoothing):
    """q (M, C): the weighted, smoothed distribution that each row should predict; zero where ignored."""
    m, c = logits.shape
    counted = target != ignore_index
    q = np.full((m, c), label_smoothing / c, logits.dtype)
    q[np.arange(m), np.where(counted, target, 0)] += 1 - label_smoothing
    if weight is not None:
        q *= weight
    q[~counted] = 0
    return q


def cross_entropy(logits, target, weight, ignore_index, label_smoothing):
    """loss (M,), and the probabilities (M, C) that the gradient needs."""
    shifted = logits - logits.max(1, keepdims=True)  # the largest exponent is 0: no overflow
    p = np.exp(shifted)
    total = p.sum(1, keepdims=True)
    q = wanted(logits, target, weight, ignore_index, label_smoothing)
    surprise = np.where(q == 0, 0, np.log(total) - shifted)  # a logit of −inf that nobody wants costs nothing
    return (q * surprise).sum(1), p / total


def cross_entropy_backward(g, p, target, weight, ignore_index, label_smoothing):
    """∂(Σ g·loss)/∂z = g · (p · Σ_c q − q)."""
    q = wanted(p, target, weight, ignore_index, label_smoothing)
    return g[:, None] * (p * q.sum(1, keepdims=True) - q)
