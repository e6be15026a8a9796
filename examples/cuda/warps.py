"""Sums of 32 elements each."""

import numpy as np


def warps(x):
    """sums."""
    return np.add.reduceat(x, np.arange(0, len(x), 32))
