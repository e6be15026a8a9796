"""The rectifier and its gradient on the GPU, and dropout's product."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tinylucid_kernels.gpu.driver import cupy
from tinylucid_kernels.gpu.launch import cover, kernel

import tinylucid as tl
from tinylucid.ops.activation import _gate

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


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_part_of_an_array_may_begin_where_four_numbers_cannot_be_loaded_together(dtype, rng):
    """Parts of one memory that overlap (the emulation lays arrays of their own where four can be loaded)."""
    both, y = rng.standard_normal(9).astype(dtype), cupy().empty(8, dtype)
    on = cupy().asarray(both)
    kernel("activation.cu", "gate", dtype)(*cover(8, each=4), on[:8], on[1:], y, 8)
    assert y.get().tolist() == np.where(both[1:] > 0, both[:8], 0).tolist()


def test_a_constant_follows_the_tensor_to_the_gpu(rng):
    x, by = rng.standard_normal((2, 5)).astype(np.float32)
    assert _gate(tl.tensor(x, device="cuda"), by=by).cpu().numpy().tolist() == np.where(by > 0, x, 0).tolist()
