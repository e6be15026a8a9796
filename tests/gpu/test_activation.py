"""The rectifier and its gradient on the GPU, and dropout's product."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tinylucid_kernels import of
from tinylucid_kernels.gpu.driver import cupy

from .agree import agrees

sizes = st.lists(st.integers(0, 9), min_size=1, max_size=3).map(tuple)
DTYPES = [np.float32, np.float64]


@pytest.mark.parametrize("dtype", DTYPES)
@given(shape=sizes, seed=st.integers(0, 99))
def test_relu_and_its_gradient(dtype, shape, seed):
    rng = np.random.default_rng(seed)
    x = np.round(rng.standard_normal(shape)).astype(dtype)  # zeros too
    x[rng.random(shape) < 0.1] = np.nan
    agrees("relu", x)
    agrees("scale_kept", x, rng.random(shape) < 0.6, 1.25)
    agrees("gate", rng.standard_normal(shape).astype(dtype), x)


@pytest.mark.parametrize("dtype", DTYPES)
def test_more_elements_than_a_block_takes(dtype, rng):
    x = rng.standard_normal(2 * 1024 + 3).astype(dtype)
    agrees("relu", x)
    agrees("gate", x[::-1].copy(), x)
    agrees("scale_kept", x, x > 0.3, 2.0)


@pytest.mark.parametrize("start", [0, 1, 2, 3])
@pytest.mark.parametrize("dtype", DTYPES)
def test_a_part_of_an_array_may_begin_where_four_numbers_cannot_be_loaded_together(dtype, start, rng):
    x, by = rng.standard_normal((2, 23)).astype(dtype)
    on = [cupy().asarray(a)[start:] for a in (x, by)]
    assert of(on[0]).relu(on[0]).get().tolist() == np.maximum(x[start:], 0).tolist()
    assert of(on[0]).gate(*on).get().tolist() == np.where(by[start:] > 0, x[start:], 0).tolist()
