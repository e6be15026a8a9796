"""The kernels of both folders that resize, sample and pool to a size, against literal loops of their formulas."""

from math import floor, isnan

import numpy as np
import pytest
from cases import sides, values
from hypothesis import given
from hypothesis import strategies as st
from test_kernels import compute

draws = st.data()


def pictures(draw):
    return values(draw, (*sides(draw, 2, 1, 2), *sides(draw, 2, 1, 5)))


def adjoint(forward, x, g):
    """Aᵀ g, from A applied to each pixel alone."""
    pixels = np.eye(x.size).reshape(x.size, *x.shape)
    return np.array([(forward(pixel) * g).sum() for pixel in pixels]).reshape(x.shape)


@pytest.mark.parametrize("mode", ["nearest", "bilinear", "corners"])
@given(data=draws)
def test_resizing_is_the_formula(mode, data):
    x, size = pictures(data.draw), sides(data.draw, 2, 1, 7)
    corners = mode == "corners"
    scale = [
        (n - 1) / max(m - 1, 1) if corners else n / m * data.draw(st.sampled_from([1, 0.9, 1.1]))
        for n, m in zip(x.shape[2:], size)
    ]
    y = np.zeros((*x.shape[:2], *size))
    for p, q in np.ndindex(*size):
        if mode == "nearest":
            row, column = (min(floor(np.float32(k * s)), n - 1) for k, s, n in zip((p, q), scale, x.shape[2:]))
            y[:, :, p, q] = x[:, :, row, column]
            continue
        at = [k * s if corners else (k + 0.5) * s - 0.5 for k, s in zip((p, q), scale)]
        at = [min(max(a, 0), n - 1) for a, n in zip(at, x.shape[2:])]
        for row, column in np.ndindex(*x.shape[2:]):  # a pixel's share falls to 0 over the distance to the next
            share = max(0, 1 - abs(at[0] - row)) * max(0, 1 - abs(at[1] - column))
            y[:, :, p, q] += share * x[:, :, row, column]
    how = ("nearest" if mode == "nearest" else "bilinear", corners, scale)
    np.testing.assert_allclose(compute.resize(x, size, *how), y, atol=1e-12)
    g = values(data.draw, y.shape)
    np.testing.assert_allclose(
        compute.resize_backward(g, x.shape[2:], *how),
        adjoint(lambda x: compute.resize(x, size, *how), x, g),
        atol=1e-12,
    )


def folded(at, low, high):
    """A place mirrored at low and high until it lies between them."""
    while high > low and not low <= at <= high:
        at = 2 * low - at if at < low else 2 * high - at
    return at if high > low else low


def sampled(x, place, padding_mode, align_corners):
    """The mean of the pixels of one picture (C, H, W) less than one pixel away from a place (x, y), by their nearness."""
    at = []
    for c, n in zip(place[::-1], x.shape[1:]):
        row = (c + 1) / 2 * (n - 1) if align_corners else ((c + 1) * n - 1) / 2
        if padding_mode == "reflection":
            row = folded(row, 0, n - 1) if align_corners else folded(row, -0.5, n - 0.5)
        at.append(row if padding_mode == "zeros" else min(max(row, 0), n - 1))
    y = np.zeros(len(x))
    for row, column in np.ndindex(*x.shape[1:]):
        y += max(0, 1 - abs(at[0] - row)) * max(0, 1 - abs(at[1] - column)) * x[:, row, column]
    return y


@pytest.mark.parametrize("align_corners", [False, True])
@pytest.mark.parametrize("padding_mode", ["zeros", "border", "reflection"])
@given(data=draws)
def test_sampling_is_the_formula(padding_mode, align_corners, data):
    x = pictures(data.draw)
    grid = values(data.draw, (len(x), *sides(data.draw, 2, 1, 3), 2)) * 1.5
    y = compute.grid_sample(x, grid, padding_mode, align_corners)
    g = values(data.draw, y.shape)
    gx, ggrid = compute.grid_sample_backward(g, x, grid, padding_mode, align_corners)
    for n, p, q in np.ndindex(*grid.shape[:3]):
        formula = lambda place, n=n: sampled(x[n], place, padding_mode, align_corners)
        place = grid[n, p, q]
        np.testing.assert_allclose(y[n, :, p, q], formula(place), atol=1e-12)
        for k, step in enumerate(np.eye(2) * 1e-7):
            slope = (formula(place + step) - formula(place - step)) @ g[n, :, p, q] / 2e-7
            assert ggrid[n, p, q, k] == pytest.approx(slope, abs=1e-5)
    np.testing.assert_allclose(
        gx, adjoint(lambda x: compute.grid_sample(x, grid, padding_mode, align_corners), x, g), atol=1e-12
    )


def test_sampling_of_nan_and_beyond():
    """NaN gives NaN and no gradient to the picture; infinity is outside, or the edge."""
    x, inf, nan = np.arange(1.0, 5).reshape(1, 1, 2, 2), np.inf, np.nan
    grid = np.array([[[[nan, 0.0], [0.0, nan], [inf, 0.5], [-1e30, 0.5], [0.5, 0.5]]]])
    for mode, far in (("zeros", [0.0, 0.0]), ("border", [4.0, 3.0])):
        y = compute.grid_sample(x, grid, mode, False)[0, 0, 0].tolist()
        assert isnan(y[0])
        assert isnan(y[1])
        assert y[2:] == [*far, 4.0]
        g = np.array([[[[1.0, 1.0, 0.0, 0.0, 1.0]]]])
        gx, ggrid = compute.grid_sample_backward(g, x, grid, mode, False)
        assert gx.tolist() == [[[[0, 0], [0, 1]]]]
        assert np.isnan(ggrid[0, 0, :2]).any(1).all()


@given(data=draws)
def test_adaptive_pooling_is_the_formula(data):
    x = np.round(pictures(data.draw) * 2)  # ties
    (h, w), size = x.shape[2:], sides(data.draw, 2, 1, 7)
    mean = compute.adaptive_avg_pool2d(x, size)
    y, index = compute.adaptive_max_pool2d(x, size)
    for n, c, p, q in np.ndindex(*x.shape[:2], *size):
        rows = range(floor(p * h / size[0]), -floor(-(p + 1) * h / size[0]))
        columns = range(floor(q * w / size[1]), -floor(-(q + 1) * w / size[1]))
        places = [(row, column) for row in rows for column in columns]
        pixels = [x[n, c, row, column] for row, column in places]
        row, column = places[pixels.index(max(pixels))]
        assert mean[n, c, p, q] == pytest.approx(sum(pixels) / len(pixels))
        assert (y[n, c, p, q], index[n, c, p, q]) == (max(pixels), row * w + column)
    g = values(data.draw, mean.shape)
    np.testing.assert_allclose(
        compute.adaptive_avg_pool2d_backward(g, (h, w)),
        adjoint(lambda x: compute.adaptive_avg_pool2d(x, size), x, g),
        atol=1e-12,
    )


def test_adaptive_max_pooling_lets_the_first_nan_win():
    x = np.array([[[[1.0, np.nan, 3.0], [np.nan, 2.0, 0.0]]]])
    y, index = compute.adaptive_max_pool2d(x, (1, 1))
    assert isnan(y.item())
    assert index.item() == 1


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_kernels_keep_the_dtype(dtype, rng):
    x, grid = rng.standard_normal((1, 2, 4, 4)).astype(dtype), rng.standard_normal((1, 3, 3, 2)).astype(dtype)
    results = [compute.adaptive_avg_pool2d(x, (3, 2)), compute.adaptive_avg_pool2d_backward(x, (7, 5))]
    results += [compute.adaptive_max_pool2d(x, (3, 2))[0]]
    for how in (("nearest", False), ("bilinear", False), ("bilinear", True)):
        results += [
            compute.resize(x, (3, 7), *how, (1.1, 0.5)),
            compute.resize_backward(x, (3, 7), *how, (1.1, 2.0)),
        ]
    for padding_mode in ("zeros", "border", "reflection"):
        y = compute.grid_sample(x, grid, padding_mode, False)
        results += [y, *compute.grid_sample_backward(y, x, grid, padding_mode, False)]
    assert {r.dtype for r in results} == {np.dtype(dtype)}
    assert all(r.flags.c_contiguous for r in results)
