"""Philox on the GPU: the published vectors, and the words and masks of the reference bit for bit."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tinylucid_kernels import gpu, reference
from tinylucid_kernels.emulator import running

from .agree import agrees

BIT64 = st.integers(0, 2**64 - 1)
ONES = 2**64 - 1


@pytest.mark.parametrize(
    ("offset", "stream", "seed", "words"),
    [
        (0, 0, 0, "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
        (ONES, ONES, ONES, "408f276d 41c83b0e a20bc7c6 6d5451fd"),
        (0x85A308D3243F6A88, 0x0370734413198A2E, 0x299F31D0A4093822, "d16cfe09 94fdcceb 5001e420 24126ea1"),
    ],
)
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
    agrees("dropout_mask", np.zeros(shape, dtype), p, seed, offset)


@pytest.mark.parametrize("beside", [-1, -0.5, 0, 0.5, 1])
def test_the_limit_itself(beside):
    """A word is kept if it is ≥ p · 2³², also where that is the word, and where it lies between two words."""
    word = int(reference.philox(7, 3, 4)[2])
    p = (word + beside) / 2**32
    assert agrees("dropout_mask", np.zeros(4), p, 7, 3)[0][2] == (beside <= 0)
