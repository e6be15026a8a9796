"""Adding rows at given places on the GPU."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from .agree import agrees

DTYPES = [np.float32, np.float64]


@pytest.mark.parametrize("dtype", DTYPES)
@given(
    m=st.sampled_from([0, 1, 2, 9, 40]),
    d=st.sampled_from([0, 1, 3, 33]),
    size=st.integers(1, 12),
    seed=st.integers(0, 99),
)
def test_index_add(dtype, m, d, size, seed):
    rng = np.random.default_rng(seed)
    agrees("index_add", rng.standard_normal((m, d)).astype(dtype), rng.integers(0, size, m), size)


def test_rows_are_added_in_their_order(rng):
    """In float32, bit by bit what a loop over the rows gives, although the sums depend on the order."""
    y = (rng.standard_normal((50, 5)) * 10.0 ** rng.integers(-6, 7, (50, 5))).astype(np.float32)
    index, expected = rng.integers(0, 4, 50), np.zeros((4, 5), np.float32)
    for m, row in enumerate(index):
        expected[row] += y[m]
    (found,) = agrees("index_add", y, index, 4)
    assert found.tobytes() == expected.tobytes()


def test_nothing_is_added_to_no_rows():
    (y,) = agrees("index_add", np.zeros((0, 3)), np.zeros(0, np.int64), 0)
    assert y.shape == (0, 3)
