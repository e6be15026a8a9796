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
    """loss (M,), and its gradient ∂loss[m]/∂z[m, c] = p·Σ_c q − q, (M, C)."""
    q = wanted(logits, target, weight, ignore_index, label_smoothing)
    shifted = logits - logits.max(1, keepdims=True)  # the largest exponent is 0: no overflow
    p = np.exp(shifted)
    total = p.sum(1, keepdims=True)
    surprise = np.log(total) - shifted
    surprise[q == 0] = 0  # a logit of −inf that nobody wants costs nothing
    p /= total
    return (q * surprise).sum(1), p * q.sum(1, keepdims=True) - q
