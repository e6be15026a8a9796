"""Wrong solutions that no diagnosis was made for."""

import numpy as np


def forward__small_number_in_the_log(x, labels):
    """probability is 0 in floating point"""
    e = np.exp(x - x.max(axis=1, keepdims=True))
    p = e / e.sum(axis=1, keepdims=True)
    return -np.log(p[np.arange(len(x)), labels] + 1e-8).mean()


def backward__right_class_only(g, x, labels):
    """where a class is not the label"""
    e = np.exp(x - x.max(axis=1, keepdims=True))
    p = e / e.sum(axis=1, keepdims=True)
    rows = np.arange(len(x))
    dx = np.zeros_like(p)
    dx[rows, labels] = p[rows, labels] - 1
    return g * dx / len(x)
