"""The rectifier and its gradient on the GPU, and dropout's product."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from .agree import agrees

sizes = st.lists(st.integers(0, 9), min_size=1, max_size=3).map(tuple)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@given(shape=sizes, seed=st.integers(0, 99))
def test_relu_and_its_gradient(dtype, shape, seed):
    rng = np.random.default_rng(seed)
    x = np.round(rng.standard_normal(shape)).astype(dtype)  # zeros too
    x[rng.random(shape) < 0.1] = np.nan
    agrees("relu", x)
    agrees("scale_kept", x, rng.random(shape) < 0.6, 1.25)
    agrees("gate", rng.standard_normal(shape).astype(dtype), x)
