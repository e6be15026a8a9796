"""The mean of each element and its neighbours."""

import numpy as np


def smooth(x):
    """y."""
    wide = np.pad(x, 1, mode="edge")
    return (wide[:-2] + x + wide[2:]) / 3
