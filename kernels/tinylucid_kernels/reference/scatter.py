"""Adding rows at given places: the adjoint of taking rows by their number, as an embedding and an index do."""

import numpy as np


def index_add(y, index, size):
    """Zeros (size, D) with row y[m] of y (M, D) added at row index[m], for m = 0, 1, … in that order.

    ``index`` holds M integers (int64) from 0 to size − 1, which may repeat.
    """
    out = np.zeros((size, y.shape[1]), y.dtype)
    np.add.at(out, index, y)
    return out
