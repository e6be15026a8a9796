"""Pooling on the GPU: maxima, means, and their adjoints."""

import numpy as np
import pytest
from cases import sides, windows
from hypothesis import given
from hypothesis import strategies as st
from tinylucid_kernels import reference
from tinylucid_kernels.gpu.driver import cupy
from tinylucid_kernels.gpu.launch import cover, kernel

from .agree import agrees

draws = st.data()
DTYPES = [np.float32, np.float64]


def picture(data, dtype, rounded=False):
    """Pictures (N, C, H, W), perhaps none; rounded ones have ties, NaN and −inf."""
    count, channels, h, w = data.draw(st.sampled_from([0, 1, 2, 3])), *sides(data.draw, 3, 1, 7)
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    x = rng.standard_normal((count, channels, h, w))
    if rounded:
        x = np.round(x)
        x[rng.random(x.shape) < 0.1] = np.nan
        x[rng.random(x.shape) < 0.3] = -np.inf
    return x.astype(dtype)


def like(y, dtype):
    """A gradient for a result."""
    return np.random.default_rng(y.size).standard_normal(y.shape).astype(dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@given(data=draws)
def test_maxima(dtype, data):
    x = picture(data, dtype, rounded=True)
    *how, dilation = windows(data.draw, *x.shape[2:])
    dilation = tuple(min(d, n) for d, n in zip(dilation, x.shape[2:]))  # each window has a pixel, as operations see to
    _, index = agrees("max_pool2d", x, *how, dilation)
    agrees("pool_gather", x, index)
    agrees("pool_scatter", like(index, dtype), index, x.shape[2:])
    size = sides(data.draw, 2, 1, 9)
    _, index = agrees("adaptive_max_pool2d", x, size)
    agrees("pool_scatter", like(index, dtype), index, x.shape[2:])


@pytest.mark.parametrize("dtype", DTYPES)
@given(data=draws, include_pad=st.booleans())
def test_means(dtype, data, include_pad):
    x = picture(data, dtype)
    *how, _ = windows(data.draw, *x.shape[2:], False)
    (y,) = agrees("avg_pool2d", x, *how, include_pad)
    agrees("avg_pool2d_backward", like(y, dtype), x.shape[2:], *how, include_pad)
    (y,) = agrees("adaptive_avg_pool2d", x, sides(data.draw, 2, 1, 9))
    agrees("adaptive_avg_pool2d_backward", like(y, dtype), x.shape[2:])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("pixels", [1, 3, 50])
def test_entries_that_fall_together_are_added_in_their_order(dtype, pixels, rng):
    """More entries than a warp has lanes and more planes than a block has warps; sums that depend on their order."""
    index = rng.integers(0, pixels, (3, 4, 7, 11))
    g = (rng.standard_normal(index.shape) * 10.0 ** rng.integers(-3, 4, index.shape)).astype(dtype)
    agrees("pool_scatter", g, index, (pixels, 1))


@pytest.mark.parametrize("dtype", DTYPES)
def test_more_elements_than_a_block_has_threads(dtype, rng):
    x = rng.standard_normal((2, 3, 17, 19)).astype(dtype)
    how = (3, 2), (2, 1), (1, 1)
    _, index = agrees("max_pool2d", x, *how, (1, 2))
    agrees("pool_gather", x, index)
    (y,) = agrees("avg_pool2d", x, *how, False)
    agrees("avg_pool2d_backward", y, x.shape[2:], *how, False)
    (y,) = agrees("adaptive_avg_pool2d", x, (18, 5))
    agrees("adaptive_avg_pool2d_backward", y, x.shape[2:])
    agrees("adaptive_max_pool2d", x, (20, 7))


HALVES = (2, 2), (2, 2), (0, 0), (1, 1)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("size", [(2, 2), (2, 8), (14, 14), (5, 6), (12, 9)])
def test_pictures_that_are_halved(dtype, size, rng):
    """Ties, NaN and −inf among them; of odd height and width too, whose last row or column lies in no window."""
    x = np.round(rng.standard_normal((3, 3, *size)) * 2).astype(dtype)
    x[rng.random(x.shape) < 0.2] = np.nan
    x[rng.random(x.shape) < 0.2] = -np.inf
    _, index = agrees("max_pool2d", x, *HALVES)
    agrees("pool_scatter", like(index, dtype), index, size)


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_picture_may_begin_where_a_pair_cannot_be_loaded(dtype, rng):
    """One memory holds pictures and results (the emulation lays arrays of their own where anything can be loaded)."""
    x, index = rng.standard_normal(62).astype(dtype), cupy().empty(12, np.int64)
    both = cupy().asarray(x)
    kernel("pool.cu", "max_pool_pairs", dtype)(*cover(12), both[1:50], both[49:61], index, 4, 6, 2, 3, 12)
    y = both[49:61]
    expected, places = reference.max_pool2d(x[1:49].reshape(1, 2, 4, 6), *HALVES)
    assert (y.get() == expected.ravel()).all()
    assert (index.get() == places.ravel()).all()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("beside", [1, 2, 7, 8])
def test_halved_by_windows_that_overlap(dtype, beside, rng):
    """As halves are, but for one winner that lies beside its 2×2 pixels, and falls together with its neighbour's."""
    _, index = agrees("max_pool2d", rng.standard_normal((2, 3, 20, 8)).astype(dtype), *HALVES)
    index[1, 2, 0, 3] = (
        index[1, 2, 0, 2] if beside == 1 else index[1, 2, 0, 3] + 2 * beside
    )  # its lane has another after it
    agrees("pool_scatter", like(index, dtype), index, (20, 8))
    x = rng.standard_normal((2, 3, 10, 8)).astype(dtype)
    _, index = agrees("max_pool2d", x, (3, 3), (2, 2), (1, 1), (1, 1))
    agrees("pool_scatter", like(index, dtype), index, (10, 8))


def test_one_picture_is_one_plane(rng):
    """A plane whose entries are a full warp's, one fewer, and one more."""
    for entries in (31, 32, 33, 64):
        index = rng.integers(0, 5, (1, 1, 1, entries))
        g = rng.standard_normal(index.shape)
        agrees("pool_scatter", g, index, (1, 5))


def test_the_place_of_a_maximum_is_a_64_bit_number(rng):
    x = rng.standard_normal((1, 1, 4, 4))
    index = agrees("max_pool2d", x, (2, 2), (2, 2), (0, 0), (1, 1))[1]
    assert index.dtype == np.int64
    assert (index == reference.max_pool2d(x, (2, 2), (2, 2), (0, 0), (1, 1))[1]).all()


def test_halves_at_every_place(rng):
    """Two entries of a plane that is twice as large, at each of its pixels: a plane for each pair of places."""
    index = np.stack(np.meshgrid(*[np.arange(8)] * 2), -1).reshape(1, 64, 1, 2)
    agrees("pool_scatter", rng.standard_normal(index.shape), index, (2, 4))


@pytest.mark.parametrize("how", [(HALVES[0], HALVES[1], (1, 1), (1, 1)), ((2, 2), (2, 2), (0, 0), (2, 2))])
def test_windows_beside_those_of_halving(how, rng):
    """With a border, or dilated, a window is no pair of neighbours in two rows."""
    agrees("max_pool2d", rng.standard_normal((2, 2, 6, 6)), *how)
