"""Normalisation on the GPU: both modes of batch norm, groups of channels, both directions."""

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tinylucid_kernels import kernels, of
from tinylucid_kernels.gpu import norm
from tinylucid_kernels.gpu.driver import cupy
from tinylucid_kernels.gpu.launch import kernel

from .agree import agrees

SHAPES = [(3, 4), (300, 2), (1, 1, 33), (5, 3, 7), (2, 2, 9, 31), (2, 3, 1, 1, 5)]
LONG, SHORT = (3, 2, 37, 29), (1100, 1, 3)  # rows longer than a segment; rows shorter than a warp
dtypes = pytest.mark.parametrize("dtype", [np.float32, np.float64])


def drawn(shape, dtype, seed):
    """x away from 0, weight, bias, and an upstream gradient."""
    rng = np.random.default_rng(seed)
    x = 3 + rng.standard_normal(shape) * rng.integers(1, 4, (1, shape[1]) + (1,) * (len(shape) - 2))
    weight, bias, g = rng.standard_normal(shape[1]), rng.standard_normal(shape[1]), rng.standard_normal(shape)
    return [a.astype(dtype) for a in (x, weight, bias, g)]


def both_modes_agree(x, weight, bias, g, eps=1e-5):
    """Each kernel against the reference."""
    _, mean, _, inv_std = agrees("batch_norm", x, weight, bias, eps)
    agrees("batch_norm_backward", g, x, weight, mean, inv_std)
    agrees("batch_norm_fixed", x, weight, bias, mean, inv_std)


@dtypes
@given(shape=st.sampled_from(SHAPES), seed=st.integers(0, 99), eps=st.sampled_from([1e-5, 0.1]))
def test_small_arrays(dtype, shape, seed, eps):
    both_modes_agree(*drawn(shape, dtype, seed), eps)


@dtypes
@pytest.mark.parametrize(("shape", "blocks", "grid"), [(LONG, 660, 6), (LONG, 5, 4), (SHORT, 660, 3), (SHORT, 2, 2)])
def test_several_blocks_a_channel(dtype, shape, blocks, grid, monkeypatch):
    """With a block for every two turns, and with a few blocks that take more."""
    monkeypatch.setattr(norm, "BLOCKS", blocks)
    assert norm.shared(np.empty(shape))[0] == (grid,)
    both_modes_agree(*drawn(shape, dtype, 0))


def test_how_channels_are_shared():
    """Few channels take many blocks each, many channels one; a thread for four elements goes along a row, at most 256."""
    assert norm.shared(np.empty((64, 3, 64, 64), np.int8))[0] == (3 * 128,)
    assert norm.shared(np.empty((64, 64, 32, 32), np.int8))[0] == (640,)
    assert norm.shared(np.empty((2, 2000, 7, 7), np.int8))[:2] == ((2000,), (16, 16))
    assert norm.shared(np.empty((2, 3)))[1] == (1, 256)


@dtypes
@pytest.mark.parametrize("channels", [0, 1, 3, 300])
def test_statistics_that_follow_those_of_batches(dtype, channels):
    running, batch = np.random.default_rng(0).standard_normal((2, channels)).astype(dtype)
    agrees("follow", running, batch, 0.1, 1.25)
    agrees("follow", running, batch, 0.3, 1.0)


@dtypes
def test_statistics_with_gaps_are_written_back(dtype):
    x = cupy().zeros((3, 2), dtype)
    of(x).follow(x[:, 0], cupy().ones(3, dtype), 0.25, 2.0)
    assert x.get().tolist() == [[0.5, 0]] * 3


@dtypes
def test_nan_and_inf_stay_in_their_channel(dtype):
    x, weight, bias, g = drawn((4, 3, 5), dtype, 1)
    x[1, 1, 2], g[0, 2, 0] = np.nan, np.inf
    with np.errstate(invalid="ignore"):
        both_modes_agree(x, weight, bias, g)


@pytest.mark.parametrize("place", [0, 1, 49])
def test_a_number_far_from_all_others(place, rng):
    """The first number of a thread, which it takes off all of its numbers, may be the one that lies far off."""
    x, one = 1 + rng.standard_normal((4, 3, 50)).astype(np.float32), np.ones(3, np.float32)
    x[0, :, place] = 3e4
    _, _, var, _ = agrees("batch_norm", x, one, one, 1e-5)
    np.testing.assert_allclose(var, x.astype(np.float64).var((0, 2)), rtol=2e-6)


@dtypes
def test_a_part_of_an_array_gives_the_same_bits_wherever_it_begins(dtype, rng):
    """g and x in memory of their own, and as overlapping parts of one, where four of x cannot be loaded together."""
    cp = cupy()
    both, constants = rng.standard_normal(241).astype(dtype), cp.asarray(rng.standard_normal((2, 2)).astype(dtype))
    on, found = cp.asarray(both), []
    for g, x in ((on[:240].copy(), on[1:].copy()), (on[:240], on[1:])):
        sums = cp.zeros((2, 2), dtype)
        given = (g, x, *constants, *sums, 5, 2, 24)
        kernel("norm.cu", "gradient_parts", dtype)((2,), (8, 32), *given)
        found.append(sums.tobytes())
    apart, one = found
    assert apart == one
    assert np.frombuffer(one, dtype).all()


def test_far_from_zero():
    """The variance is the mean of squared differences: the difference of two means of squares would be rounding alone."""
    x, one = (1000 + np.random.default_rng(0).standard_normal((4, 3, 50))).astype(np.float32), np.ones(3, np.float32)
    with kernels("gpu"):
        _, _, var, _ = of(x).batch_norm(x, one, one, 1e-5)
    np.testing.assert_allclose(var, x.astype(float).var((0, 2)), rtol=1e-5)


@pytest.mark.parametrize("shape", [(0, 3, 5), (4, 3, 0), (4, 0, 5)])
def test_nothing_to_normalise(shape):
    x, c = np.empty(shape), np.ones(shape[1])
    agrees("batch_norm_fixed", x, c, c, c, c)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore", RuntimeWarning)  # NumPy's, of a mean of nothing
        agrees("batch_norm", x, c, c, 1e-5)
        if shape[1]:
            agrees("batch_norm_backward", x, x, c, c, c)


@dtypes
@given(
    shape=st.sampled_from([(3, 12), (1, 16), (2, 4, 5), (3, 6, 7, 9), (2, 12, 1, 1), (0, 4, 3)]),
    groups=st.sampled_from([1, 2]),
    seed=st.integers(0, 99),
    eps=st.sampled_from([1e-5, 0.1]),
)
def test_groups_of_channels(dtype, shape, groups, seed, eps):
    x, weight, bias, g = drawn(shape, dtype, seed)
    _, mean, _, inv_std = agrees("group_norm", x, weight, bias, groups, eps)
    agrees("group_norm_backward", g, x, weight, mean, inv_std)
