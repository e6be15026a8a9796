"""Resizing and sampling on the GPU, and their gradients."""

import numpy as np
import pytest
from cases import sides
from hypothesis import given
from hypothesis import strategies as st
from tinylucid_kernels.gpu import resize

from .agree import agrees

draws = st.data()
DTYPES = [np.float32, np.float64]
MODES = ["zeros", "border", "reflection"]
HOW = [("nearest", False), ("bilinear", False), ("bilinear", True)]


def array(data, dtype, *shape):
    """Normal values of a drawn seed."""
    return np.random.default_rng(data.draw(st.integers(0, 99))).standard_normal(shape).astype(dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("mode", "corners"), HOW)
@given(data=draws)
def test_resizing(dtype, mode, corners, data):
    """With the scale of the sizes, and with others, which leave pixels out at the end or look beyond it."""
    n, c, h, w = data.draw(st.sampled_from([0, 1, 2])), *sides(data.draw, 3, 1, 7)
    size = sides(data.draw, 2, 1, 12)
    scale = tuple((k - 1) / max(m - 1, 1) if corners else k / m for k, m in zip((h, w), size))
    scale = data.draw(st.sampled_from([scale, scale, (0.37, 1.9), (2.5, 0.1)]))
    agrees("resize", array(data, dtype, n, c, h, w), size, mode, corners, scale)
    agrees("resize_backward", array(data, dtype, n, c, *size), (h, w), mode, corners, scale)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("mode", "corners"), HOW)
def test_large_pictures_take_the_pixels_that_the_reference_takes(dtype, mode, corners, rng):
    """Each pixel has a value of its own, far from its neighbours'; scales that float32 does not hold."""
    x = rng.standard_normal((1, 1, 3, 701)).astype(dtype)
    for size in (300, 701, 999, 1402):
        scale = (1.0, 700 / (size - 1) if corners else 701 / size)
        (y,) = agrees("resize", x, (3, size), mode, corners, scale)
        agrees("resize_backward", y, (3, 701), mode, corners, scale, orders=(0,))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("mode", "corners"), HOW)
def test_a_thread_has_its_place_in_several_planes(dtype, mode, corners, rng, monkeypatch):
    x = rng.standard_normal((3, 7, 3, 4)).astype(dtype)  # 21 planes by three blocks
    agrees("resize", x, (5, 6), mode, corners, (0.5, 0.6))
    monkeypatch.setitem(resize.__globals__, "MOST", 2)
    agrees("resize", x, (5, 6), mode, corners, (0.5, 0.6))


def test_almost_a_pixel_is_that_pixel():
    """49 · (1/49) is 0.9999999999999999: rounded to float32 it is 1."""
    for dtype in DTYPES:
        (y,) = agrees("resize", np.array([[[[3, 5]]]], dtype), (1, 98), "nearest", False, (1.0, 1 / 49))
        assert y[0, 0, 0, 49] == 5


@pytest.mark.parametrize("mode", ["nearest", "bilinear"])
def test_a_pixel_of_nan_stays_where_the_reference_has_it(mode, rng):
    x = rng.standard_normal((1, 2, 4, 5)).astype(np.float32)
    x[0, 0, 1, 2], x[0, 1, 3, 4] = np.nan, np.inf
    with np.errstate(invalid="ignore"):
        agrees("resize", x, (8, 10), mode, False, (0.5, 0.5))
        agrees("resize_backward", x, (9, 3), mode, False, (9 / 4, 3 / 5))


def gridded(data, dtype):
    """Pictures, and places in and around them, few of them enough to fall together."""
    n, c, h, w = data.draw(st.sampled_from([0, 1, 2])), *sides(data.draw, 3, 1, 5)
    places = sides(data.draw, 2, 1, 7)
    x = array(data, dtype, n, c, h, w)
    return x, array(data, dtype, n, *places, 2) * dtype(data.draw(st.sampled_from([0.5, 1, 3]))), (n, c, *places)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("padding_mode", MODES)
@given(data=draws, corners=st.booleans())
def test_sampling(dtype, padding_mode, data, corners):
    x, grid, shape = gridded(data, dtype)
    agrees("grid_sample", x, grid, padding_mode, corners)
    agrees("grid_sample_backward", array(data, dtype, *shape), x, grid, padding_mode, corners)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("corners", [False, True])
@pytest.mark.parametrize("padding_mode", MODES)
def test_places_on_pixels_on_edges_beyond_and_nowhere(dtype, padding_mode, corners, rng):
    """Coordinates that every dtype holds: where slopes change, at ±inf, and NaN; also in pictures of one row."""
    special = np.array([-np.inf, -7, -3, -2, -1.25, -1, -0.75, -0.5, -0.25, 0, 0.25, 0.5, 1, 1.5, 3, 9, np.inf, np.nan])
    row, column = np.meshgrid(special, special)
    grid = np.stack([row, column], -1)[None].astype(dtype)
    for h, w in ((4, 8), (5, 3), (1, 2), (2, 1)):
        x = rng.standard_normal((1, 2, h, w)).astype(dtype)
        g = rng.standard_normal((1, 2, *grid.shape[1:3])).astype(dtype)
        with np.errstate(invalid="ignore"):
            agrees("grid_sample", x, grid, padding_mode, corners, orders=(0,))
            agrees("grid_sample_backward", g, x, grid, padding_mode, corners, orders=(0, 1))


@pytest.mark.parametrize("dtype", DTYPES)
def test_pixels_that_are_not_finite_stay_inside(dtype, rng):
    """What is outside is left out, and a place that has no share of an infinite pixel is NaN, as in the reference."""
    x = rng.standard_normal((2, 3, 4, 4)).astype(dtype)
    x[0, 0, 0, 0], x[1, 2, 3, 3] = np.inf, np.nan
    grid = (rng.standard_normal((2, 5, 9, 2)) * 1.5).astype(dtype)
    grid[0, 0, 0], grid[0, 0, 1] = 0.25, -2
    with np.errstate(invalid="ignore"):
        agrees("grid_sample", x, grid, "zeros", False)
        agrees("grid_sample_backward", np.ones((2, 3, 5, 9), dtype), x, grid, "zeros", False)
