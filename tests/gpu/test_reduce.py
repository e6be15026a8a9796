"""Sums of rows on the GPU."""

import numpy as np
import pytest

from .agree import agrees


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    "shape", [(0, 3), (3, 0), (1, 1), (5, 31), (70, 33), (9, 260), (0, 3000), (1, 5000), (3, 2049)]
)
def test_row_sums(dtype, shape, rng):
    agrees("row_sums", rng.standard_normal(shape).astype(dtype))


def test_a_nan_stays_in_its_row(rng):
    x = rng.standard_normal((4, 1100))
    x[1, 1030], x[2, 3] = np.nan, np.inf
    agrees("row_sums", x)
