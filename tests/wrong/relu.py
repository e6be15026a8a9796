"""Ways to get exercise relu wrong, and other ways to get it right."""

import numpy as np


def backward__no_mask(g, x):
    """x ≤ 0"""
    return g


def backward__one_at_zero(g, x):
    """except where x = 0 | some x are exactly 0"""
    return g * (x >= 0)


def backward__half_at_zero(g, x):
    """except where x = 0"""
    return g * np.heaviside(x, 0.5)


def backward__the_value(g, x):
    """multiplied by x once too often"""
    return g * np.maximum(x, 0)


def backward__no_g(g, x):
    """upstream gradient is missing"""
    return (x > 0).astype(float)


def backward__mask_of_g(g, x):
    """g"""
    return x * (g > 0)


def backward__other_side(g, x):
    """is wrong"""
    return g * (x < 0)


def forward__absolute(x):
    """x < 0"""
    return abs(x)


def backward__if(g, x):
    """raises ValueError | ambiguous | line"""
    return g if x > 0 else 0 * g


def backward__right_by_where(g, x):
    """right"""
    return np.where(x > 0, g, 0)


def backward__right_in_float32(g, x):
    """right"""
    return np.float32(g) * (np.float32(x) > 0)
