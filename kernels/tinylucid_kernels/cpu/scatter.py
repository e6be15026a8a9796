"""Adding rows at given places, on all cores: each has columns of its own, and goes over all rows in order."""

import numpy as np

from .jit import jit
from .threads import spread

SMALL = 1 << 12  # numbers that NumPy has added before Numba has compiled
LINE = 16  # columns in an item: 64 bytes of float32, so that no two cores write into one line of the cache


@jit
def add_items(first, last, y, index, out):
    """Items first … last − 1, LINE columns each: zeroed, then row y[m] added at row index[m]."""
    begin, end = first * LINE, min(last * LINE, out.shape[1])
    for r in range(out.shape[0]):
        for j in range(begin, end):
            out[r, j] = 0
    for m in range(index.size):
        source, target = y[m], out[index[m]]
        for j in range(begin, end):
            target[j] += source[j]


def index_add(y, index, size):
    """Zeros (size, D) with row y[m] of y (M, D) added at row index[m], for m = 0, 1, … in that order.

    ``index`` holds M integers (int64) from 0 to size − 1, which may repeat.
    """
    if y.size <= SMALL:
        out = np.zeros((size, y.shape[1]), y.dtype)
        if y.shape[1] == 1:
            np.add.at(out[:, 0], index, y[:, 0])  # quick for numbers, slow for rows
        else:
            for place, row in zip(index, y):
                out[place] += row
        return out
    out = np.empty((size, y.shape[1]), y.dtype)
    spread(add_items, -(-y.shape[1] // LINE), y.size + out.size, y, index, out)
    return out
