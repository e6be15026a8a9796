"""Wrong solutions that no diagnosis was made for."""

import numpy as np


def backward__mask_from_what_is_not_0(g, x, u, p, training):
    """right except where x = 0"""
    if not training:
        return g
    y = np.where(u >= p, x / (1 - p), 0)
    return g * (y != 0) / (1 - p)


def forward__p_is_what_is_kept(x, u, p, training):
    """p as the probability to keep"""
    if not training:
        return x
    mask = (u < p) / p
    return x * mask
