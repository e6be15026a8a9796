"""Adding rows at given places: sorted by place first, so that each element of the result finds the rows that it sums."""

from .driver import cupy
from .launch import cover, kernel


def index_add(y, index, size):
    """Zeros (size, D) with row y[m] of y (M, D) added at row index[m], for m = 0, 1, … in that order.

    ``index`` holds M integers (int64) from 0 to size − 1, which may repeat.
    """
    m, d = y.shape
    out = cupy().empty((size, d), y.dtype)
    order = cupy().argsort(index, kind="stable")  # of equal places the earlier row first
    kernel("scatter.cu", "index_add", y.dtype)(*cover(out.size), y, index, order, out, m, d, out.size)
    return out
