"""Softmax cross-entropy on the GPU."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tinylucid_kernels import kernels, of, reference
from tinylucid_kernels.emulator import running

from .agree import agrees

dtypes = pytest.mark.parametrize("dtype", [np.float32, np.float64])


@dtypes
@given(
    rows=st.integers(0, 9),
    classes=st.sampled_from([1, 2, 31, 32, 33, 70]),
    integers=st.sampled_from([np.int64, np.int32, np.uint8]),
    ignored=st.sampled_from([None, 3, -100]),
    weighted=st.booleans(),
    smoothing=st.sampled_from([0.0, 0.1, 1.0]),
    spread=st.sampled_from([1, 200]),
    places=st.sampled_from([(), (3, 2)]),
    seed=st.integers(0, 99),
)
def test_cross_entropy(dtype, rows, classes, integers, ignored, weighted, smoothing, spread, places, seed):
    rng = np.random.default_rng(seed)
    logits = (rng.standard_normal((rows, classes, *places)) * spread).astype(dtype)
    target = rng.integers(0, classes, (rows, *places)).astype(integers if ignored is None else np.int64)
    if ignored is not None:
        target[rng.random(target.shape) < 0.4] = ignored
        target = np.where(target < classes, target, classes - 1) if ignored >= classes else target
    weight = rng.integers(0, 3, classes).astype(dtype) if weighted else None  # a class may weigh nothing
    agrees("cross_entropy", logits, target, weight, ignored, smoothing)


@dtypes
@pytest.mark.parametrize("weighted", [False, True])
def test_logits_that_are_no_numbers(dtype, weighted):
    """−inf where nobody wants it costs nothing, where somebody does infinitely much; NaN and inf spoil their row alone."""
    logits = np.random.default_rng(0).standard_normal((7, 40)).astype(dtype)
    logits[0, 3] = logits[1, 5] = logits[4] = -np.inf
    logits[2, 35], logits[3, 1], logits[5, 0], logits[6, 1] = np.nan, np.inf, np.nan, np.nan
    target = np.array([5, 5, 0, 2, 0, 0, 0])
    weight = None
    if weighted:
        weight = np.ones(40, dtype)
        weight[0] = 0
    with np.errstate(all="ignore"):
        for smoothing in 0.0, 0.1:
            agrees("cross_entropy", logits, target, weight, 0 if not weighted and smoothing else None, smoothing)


def test_many_logits_of_float32():
    """Sums over a row are trees: 20 000 numbers keep the accuracy of a few."""
    logits = np.random.default_rng(0).standard_normal((2, 20_001)).astype(np.float32)
    agrees("cross_entropy", logits, np.array([0, 20_000]), None, None, 0.1, tolerance=2e-6, orders=(0,))


@dtypes
@given(
    size=st.sampled_from([0, 1, 7, 300, 9000]),
    strange=st.sampled_from([None, -100, -1, 5]),
    ignored=st.sampled_from([-100, 2]),
    weighted=st.booleans(),
    seed=st.integers(0, 99),
)
def test_what_labels_weigh(dtype, size, strange, ignored, weighted, seed):
    rng = np.random.default_rng(seed)
    target = rng.integers(0, 4, size)
    if strange is not None:
        target[rng.random(size) < 0.2] = strange
    weight = rng.random(4).astype(dtype) if weighted else None
    expected = reference.label_weight(target, weight, 4, ignored, np.dtype(dtype))
    for order in 0, 1, 2:
        with running(order, check=size < 1000), kernels("gpu"):
            found = of(target).label_weight(target, weight, 4, ignored, np.dtype(dtype))
        np.testing.assert_allclose(found, expected, rtol=1e-6 if dtype == np.float32 else 1e-13)
