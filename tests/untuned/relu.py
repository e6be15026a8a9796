"""Wrong solutions that no diagnosis was made for."""

import numpy as np


def backward__relu_of_g(g, x):
    """x | g | mask/where/sign/above 0/positive/negative"""
    return np.maximum(g, 0)


def backward__y_over_x(g, x):
    """0 | nan/0 / 0/0/0/divid"""
    y = np.maximum(x, 0)
    return g * y / x
