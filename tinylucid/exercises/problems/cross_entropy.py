"""Exercise 4 · Softmax and cross-entropy.

A classifier gives K logits x_i1 … x_iK for each of N samples, and the sample's class is labels[i]. The softmax makes
probabilities of the logits, p_ij = exp(x_ij) / Σ_k exp(x_ik), and the loss is the mean of −log p of the right classes, which
is 0 if each of them has p = 1, and large if one of them has nearly 0,

    L = −1/N · Σ_i log p_{i, labels[i]}.

Derive: ∂L/∂x_ij. First write −log p of one sample as a difference of two terms, without a fraction; one of them holds all
the logits of the sample, the other only one. The result is short, and needs no logarithm.
Take care: exp(1000) is infinity in floating point, and exp(−1000) is 0, of which there is no logarithm. The logits may be
as large as that, and as far apart. Which number may be subtracted from all the logits of a sample without changing p?
Shapes: x (N, K) in floats, labels (N,) of integers from 0 to K − 1; the loss is one number, and so is g; the gradient for
x is (N, K). N and K may be 1.

    tinylucid exercise check cross_entropy
"""

import numpy as np


def forward(x, labels):
    """The loss, a number."""
    raise NotImplementedError


def backward(g, x, labels):
    """The gradient for x, from g, the gradient of the loss (1 if nothing comes after it)."""
    raise NotImplementedError
