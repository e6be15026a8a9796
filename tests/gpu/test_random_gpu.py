"""Philox on the GPU: the published vectors, and the words and masks of the reference bit for bit."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_random import PUBLISHED
from tinylucid_kernels import gpu, reference
from tinylucid_kernels.emulator import running

import tinylucid as tl

from .agree import agrees

BIT64 = st.integers(0, 2**64 - 1)


@pytest.mark.parametrize(("offset", "stream", "seed", "words"), PUBLISHED)
def test_known_answers(offset, stream, seed, words):
    """The philox4x32-10 vectors of Random123: offset is the counter's low half, stream its high half."""
    assert " ".join(f"{word:08x}" for word in gpu.philox(seed, offset, 4, stream).get()) == words


@given(seed=BIT64, offset=st.integers(0, 2**64 - 400), n=st.sampled_from([0, 1, 3, 4, 7, 1025]), stream=BIT64)
def test_words(seed, offset, n, stream):
    expected = reference.philox(seed, offset, n, stream)
    for order in 0, 1, 2:
        with running(order, check=True):
            found = gpu.philox(seed, offset, n, stream).get()
        assert (found.dtype, found.shape) == (np.uint32, (n,))
        np.testing.assert_array_equal(found, expected)


@given(
    shape=st.sampled_from([(), (0, 3), (1,), (3, 5), (1026,)]),
    p=st.sampled_from([0.0, 1e-12, 0.3, 0.5, 0.999, 1.0]) | st.floats(0, 1),
    seed=BIT64,
    offset=st.integers(0, 2**62),
    dtype=st.sampled_from([np.float32, np.float64]),
)
def test_masks(shape, p, seed, offset, dtype):
    agrees("dropout", np.full(shape, 1.25, dtype), p, 1.5, seed, offset)


@pytest.mark.parametrize("n", [8, 15])
def test_what_is_dropped_is_multiplied_by_0(n):
    """Infinity and NaN that are dropped show as NaN, negative numbers as −0."""
    x = np.tile(np.array([np.inf, np.nan, -1.0, 2.0], np.float32), 4)[:n]
    with np.errstate(invalid="ignore"):
        y, kept = agrees("dropout", x, 0.5, 2.0, 3, 4)
    assert not kept.all()
    assert np.isnan(y[~np.isfinite(x) & ~kept]).all()
    assert np.signbit(y[x == -1]).all()


@pytest.mark.parametrize("beside", [-1, -0.5, 0, 0.5, 1])
def test_the_limit_itself(beside):
    """A word is kept if it is ≥ p · 2³², also where that is the word, and where it lies between two words."""
    word = int(reference.philox(7, 3, 4)[2])
    p = (word + beside) / 2**32
    assert agrees("dropout", np.zeros(4), p, 1.0, 7, 3)[1][2] == (beside <= 0)


def test_a_number_without_axes_stays_one():
    x = tl.tensor(1.5, device="cuda", dtype=tl.float64, requires_grad=True)
    y = tl.nn.functional.dropout(x, 0.25)
    y.backward()
    assert y.shape == x.grad.shape == ()
