"""Arrays on the GPU for tests, real or emulated."""

import numpy as np
import pytest
from tinylucid_kernels.gpu.driver import cupy

from .agree import EMULATED

F = np.float32
strict = pytest.mark.skipif(not EMULATED, reason="CuPy takes it, and computes something else")


def ramp(*shape, dtype=F):
    """0, 1, 2 ... on the GPU."""
    return cupy().asarray(np.arange(np.prod(shape), dtype=dtype).reshape(shape))


def same(x, values, dtype=None):
    """Assert that an array on the GPU holds these values (and has that dtype)."""
    assert type(x) is cupy().ndarray
    np.testing.assert_array_equal(x.get(), values)
    assert dtype is None or x.dtype == dtype
