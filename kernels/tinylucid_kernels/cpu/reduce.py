"""Sums of rows on all cores. Where NumPy adds in pairs of pairs, this adds in SIMD lanes, and reads at the memory's rate.

A row is cut into runs, each summed in the array's dtype, in some 64 lanes, and then the runs' sums are added: no lane gets more
than RUN/64 numbers, so a sum of millions is as exact as NumPy's.
"""

import numpy as np

from .jit import jit
from .threads import spread

RUN = 1 << 12  # elements an item


@jit
def sum_items(first, last, x, parts):
    """Item (r, k): the sum of run k of row r."""
    runs = parts.shape[1]
    row, k = first // runs, first % runs  # once: a division takes as long as adding 200 numbers
    for _ in range(first, last):
        piece = x[row] if runs == 1 else x[row, k * RUN : (k + 1) * RUN]
        total = x.dtype.type(0)
        for i in range(piece.size):
            total += piece[i]
        parts[row, k] = total
        row, k = (row, k + 1) if k + 1 < runs else (row + 1, 0)


def row_sums(x):
    """y (R,): the sum of each row of x (R, L)."""
    rows, length = x.shape
    parts = np.empty((rows, -(-length // RUN)), x.dtype)
    spread(sum_items, parts.size, x.size // 2, x, parts)
    return parts[:, 0] if parts.shape[1] == 1 else np.add.reduce(parts, 1)
