"""Randomness: Philox against published vectors and a scalar copy of the paper, and the distributions drawn from it."""

import math
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from test_kernels import compute

import tinylucid as tl

BIT64 = st.integers(0, 2**64 - 1)
N = 40_000


def block(counter, key):
    """One block of Philox4x32-10 as in the paper, on Python integers: four counter words, two key words."""
    c, k = list(counter), list(key)
    for _ in range(10):
        a, b = c[0] * 0xD2511F53, c[2] * 0xCD9E8D57
        c = [b >> 32 ^ c[1] ^ k[0], b & 0xFFFFFFFF, a >> 32 ^ c[3] ^ k[1], a & 0xFFFFFFFF]
        k = [(k[0] + 0x9E3779B9) & 0xFFFFFFFF, (k[1] + 0xBB67AE85) & 0xFFFFFFFF]
    return c


def halves(x):
    """A 64-bit number as two words, the low one first."""
    return [x & 0xFFFFFFFF, x >> 32]


# --- the words -------------------------------------------------------------------------------------------------------

ONES = 2**64 - 1


PUBLISHED = [  # offset, stream, seed and the words, of Random123's tests
    (0, 0, 0, "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
    (ONES, ONES, ONES, "408f276d 41c83b0e a20bc7c6 6d5451fd"),
    (0x85A308D3243F6A88, 0x0370734413198A2E, 0x299F31D0A4093822, "d16cfe09 94fdcceb 5001e420 24126ea1"),
]


@pytest.mark.parametrize(("offset", "stream", "seed", "words"), PUBLISHED)
def test_known_answers(offset, stream, seed, words):
    """The philox4x32-10 vectors of Random123: offset is the counter's low half, stream its high half."""
    got = compute.philox(seed, offset, 4, stream)
    assert got.dtype == np.uint32
    assert " ".join(f"{word:08x}" for word in got.tolist()) == words


@given(seed=BIT64, offset=st.integers(0, 2**64 - 8), n=st.integers(0, 20), stream=BIT64)
def test_words_are_those_of_the_paper(seed, offset, n, stream):
    blocks = [block(halves(offset + k) + halves(stream), halves(seed)) for k in range((n + 3) // 4)]
    assert compute.philox(seed, offset, n, stream).tolist() == [word for b in blocks for word in b][:n]


@given(seed=BIT64, offset=st.integers(0, 2**40), skip=st.integers(0, 50), n=st.integers(0, 50))
def test_any_part_of_the_stream_can_be_drawn_alone(seed, offset, skip, n):
    whole = compute.philox(seed, offset, 4 * skip + n)
    assert np.array_equal(compute.philox(seed, offset + skip, n), whole[4 * skip :])


@given(st.lists(st.integers(0, 30), max_size=6))
def test_draws_follow_one_another_by_whole_blocks(counts):
    """Drawing n words and then m gives the stream's, each draw from the next multiple of four."""
    generator, stream, start = tl.Generator(11), compute.philox(11, 0, 400), 0
    for n in counts:
        assert np.array_equal(generator.words(n), stream[start : start + n])
        start += -(-n // 4) * 4
    assert generator.get_state() == (11, start // 4)


# --- the distributions -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("dtype", "bits"), [(tl.float32, 24), (tl.float64, 53)])
def test_uniform(dtype, bits):
    u = tl.Generator(1).uniform((N // 100, 100), dtype)
    assert u.shape == (N // 100, 100)
    assert u.dtype == dtype
    assert u.min() >= 0
    assert u.max() < 1
    grid = u.astype(np.float64) * 2.0**bits
    assert np.array_equal(grid, np.round(grid)), "multiples of 2⁻ᵇⁱᵗˢ"
    assert (grid % 2 == 1).mean() == pytest.approx(0.5, abs=0.02), "the last bit is random too"
    assert abs(u.mean(dtype=np.float64) - 0.5) < 5 / math.sqrt(12 * N)
    assert stats.kstest(u.ravel().astype(np.float64), "uniform").pvalue > 1e-3
    a, b = u.ravel()[:-1], u.ravel()[1:]
    assert abs(np.corrcoef(a, b)[0, 1]) < 5 / math.sqrt(N), "neighbours are independent"


class Constant(tl.Generator):
    """A generator whose every word is the same."""

    def __init__(self, word):
        super().__init__()
        self.word = word

    def words(self, n):
        return np.full(n, self.word, np.uint32)


def test_the_extreme_words():
    """uniform reaches 0 and never 1, and normal is finite at both."""
    least, most = Constant(0), Constant(2**32 - 1)
    for dtype, largest in ((tl.float32, 1 - 2.0**-24), (tl.float64, 1 - 2.0**-53)):
        assert least.uniform((1,), dtype).tolist() == [0.0]
        assert most.uniform((1,), dtype).tolist() == [largest]
        assert np.isfinite(least.normal((2,), dtype)).all()
        assert np.isfinite(most.normal((2,), dtype)).all()


@pytest.mark.parametrize("dtype", [tl.float32, tl.float64])
def test_normal(dtype):
    z = tl.Generator(2).normal((N,), dtype)
    assert z.dtype == dtype
    z = z.astype(np.float64)
    assert stats.kstest(z, "norm").pvalue > 1e-3
    for power, mean, var in ((1, 0, 1), (2, 1, 2), (3, 0, 15), (4, 3, 96)):
        assert abs((z**power).mean() - mean) < 5 * math.sqrt(var / N), f"moment {power}"
    half = N // 2
    assert abs(np.corrcoef(z[:half], z[half:])[0, 1]) < 5 / math.sqrt(half), "sine and cosine are independent"
    assert abs(np.corrcoef(z[:half] ** 2, z[half:] ** 2)[0, 1]) < 5 / math.sqrt(half)


@pytest.mark.parametrize("shape", [(), (0,), (1,), (3, 5), (2, 0, 3)])
def test_shapes_even_odd_and_empty(shape):
    generator = tl.Generator(3)
    for draw in (generator.uniform, generator.normal):
        for dtype in (tl.float32, tl.float64):
            assert np.shape(draw(shape, dtype)) == shape


@given(st.integers(-50, 50), st.integers(1, 100))
def test_integers_stay_in_their_range(low, width):
    k = tl.Generator(4).integers(low, low + width, (50,))
    assert k.dtype == np.int64
    assert low <= k.min()
    assert k.max() < low + width


def test_integers_are_uniform():
    counts = np.bincount(tl.Generator(5).integers(-3, 4, (N,)) + 3, minlength=7)
    assert len(counts) == 7
    assert stats.chisquare(counts).pvalue > 1e-3


@given(st.integers(0, 200), BIT64)
def test_permutation_has_every_number_once(n, seed):
    order = tl.Generator(seed).permutation(n)
    assert sorted(order.tolist()) == list(range(n))
    assert order.dtype == np.int64


def test_permutations_are_equally_likely():
    generator, counts = tl.Generator(6), dict.fromkeys(permutations(range(4)), 0)
    for _ in range(2400):
        counts[tuple(generator.permutation(4).tolist())] += 1
    assert stats.chisquare(list(counts.values())).pvalue > 1e-3


# --- the state -------------------------------------------------------------------------------------------------------


def test_a_state_brings_back_the_draws():
    generator = tl.Generator(7)
    generator.normal((5,))
    state = generator.get_state()
    draw = lambda g: [g.uniform((3,)).tolist(), g.normal((3,)).tolist(), g.permutation(5).tolist()]
    first = draw(generator)
    assert draw(generator) != first
    generator.set_state(state)
    assert draw(generator) == first
    other = tl.Generator()
    other.set_state(state)
    assert draw(other) == first


def test_seeds_and_generators_are_independent():
    a = tl.manual_seed(8).uniform((100,))
    tl.Generator(9).uniform((100,))
    b = tl.rand(100).data
    tl.manual_seed(8)
    assert np.array_equal(tl.rand(100).data, a)
    assert np.array_equal(tl.rand(100).data, b), "another generator's draws must not move the default one's"
    assert not np.array_equal(tl.Generator(9).uniform((100,)), a)
    assert not np.array_equal(tl.Generator(8 + 2**32).uniform((100,)), a), "the seed's high half counts"


@pytest.mark.parametrize("seed", [-1, 2**64, 1.5, "1", None])
def test_seeds_that_are_none(seed):
    state = tl.random.default_generator.get_state()
    with pytest.raises(ValueError, match=r"expected an integer from 0 to 2\*\*64 - 1, got"):
        tl.manual_seed(seed)
    assert tl.random.default_generator.get_state() == state


# --- masks -----------------------------------------------------------------------------------------------------------


def kept_by(x, p, seed, offset):
    """Dropout's mask; what is kept is scaled, the rest is 0."""
    y, mask = compute.dropout(np.ones_like(x), p, 2.5, seed, offset)
    np.testing.assert_array_equal(y, np.where(mask, y.dtype.type(2.5), 0))
    return mask


@pytest.mark.parametrize("p", [0.01, 0.3, 0.5, 0.9])
def test_dropout_mask_keeps_with_probability_one_minus_p(p):
    mask = kept_by(np.empty((N // 100, 100), np.float32), p, 10, 0)
    assert mask.shape == (N // 100, 100)
    assert mask.dtype == bool
    assert abs(mask.sum() - N * (1 - p)) < 5 * math.sqrt(N * p * (1 - p))


def test_dropout_mask_at_the_extremes():
    x = np.empty(1000)
    assert kept_by(x, 0.0, 0, 0).all()
    assert not kept_by(x, 1.0, 0, 0).any()


@given(BIT64, st.integers(0, 2**40), st.integers(0, 10))
def test_dropout_mask_spends_one_word_an_element(seed, offset, skip):
    """So masks drawn one after another never share a word, and a part of one can be computed alone."""
    whole = kept_by(np.empty(4 * skip + 9), 0.5, seed, offset)
    assert np.array_equal(kept_by(np.empty(9), 0.5, seed, offset + skip), whole[4 * skip :])
    assert np.array_equal(whole, compute.philox(seed, offset, whole.size) >= 2**31)
