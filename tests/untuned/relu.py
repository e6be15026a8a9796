"""Wrong solutions that no diagnosis was made for."""

import numpy as np


def backward__relu_of_g(g, x):
    """with g where x belongs"""
    return np.maximum(g, 0)


def backward__y_over_x(g, x):
    """division by 0 | some x are exactly 0"""
    y = np.maximum(x, 0)
    return g * y / x
