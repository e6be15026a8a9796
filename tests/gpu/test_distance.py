"""Losses of elements on the GPU: of errors, and of logits."""

import numpy as np
import pytest

from .agree import agrees

dtypes = pytest.mark.parametrize("dtype", [np.float32, np.float64])
SHAPES = [(1,), (7, 5), (300, 3), (0, 4)]


@dtypes
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("how", [(np.inf, 1.0, 0.0), (0.0, 0.0, 0.0), (0.5, 1.0, 0.25)])
def test_a_function_of_errors(dtype, shape, how, rng):
    x, target = (np.round(rng.standard_normal(shape), 1).astype(dtype) for _ in range(2))  # some agree
    agrees("distance_loss", x, target, *how)
    agrees("distance_loss_backward", np.asarray(dtype(1.5)), x, target, *how[:2])


@dtypes
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("spread", [1, 200])
def test_a_yes_or_no(dtype, shape, spread, rng):
    x, target = (rng.standard_normal(shape) * spread).astype(dtype), rng.random(shape).astype(dtype)
    agrees("logistic_loss", x, target)
    agrees("logistic_loss_backward", np.asarray(dtype(1.5)), x, target)
