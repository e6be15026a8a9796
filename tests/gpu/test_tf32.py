"""Products of float32 in TF32 (tl.set_float32_matmul_precision): how wrong they are, and where nothing changes."""

import contextlib
from unittest import mock

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tinylucid_kernels.gpu import product

import tinylucid as tl

from .agree import agrees, compute
from .cut import tile
from .test_conv import layers

HALF = 2.0**-11  # of the last of ten bits


@contextlib.contextmanager
def precision(name):
    """Products computed so."""
    before = tl.get_float32_matmul_precision()
    tl.set_float32_matmul_precision(name)
    try:
        yield
    finally:
        tl.set_float32_matmul_precision(before)


@pytest.fixture
def _high():
    with precision("high"):
        yield


def drawn(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def to_tf32(x):
    """Rounded to ten bits behind the point, ties away from zero."""
    return ((x.view(np.uint32) + np.uint32(0x1000)) & np.uint32(0xFFFFE000)).view(np.float32)


def within_the_bound(name, terms, *args, how=()):
    """The product of the first two arguments is wrong by no more than the docstring says; returns the share of it."""
    (found,) = compute("gpu", name, [*args, *how])[0]
    exact, size = (
        compute("reference", name, [*(f(a).astype(np.float64) for a in args[:2]), *args[2:], *how])[0][0]
        for f in (lambda a: a, np.abs)
    )
    bound = (2 * HALF + HALF**2 + terms * 2.0**-24) * size
    error = np.abs(found - exact)
    assert (error <= bound + 1e-37).all(), f"{name}: wrong by {(error / bound).max()} times the bound"
    return (error / np.maximum(bound, 1e-30)).max(initial=0)


@given(m=st.integers(1, 40), n=st.integers(1, 40), k=st.integers(1, 40), scale=st.sampled_from([1e-12, 1.0, 1e12]))
@pytest.mark.usefixtures("_high")
def test_the_error_of_matmul(m, n, k, scale):
    within_the_bound("matmul", k, drawn(m, k) * np.float32(scale), drawn(k, n, seed=1))


@given(layer=layers())
@pytest.mark.usefixtures("_high")
def test_the_error_of_a_convolution(layer):
    x_size, weight_size, _, *how = layer
    x, weight = drawn(*x_size), drawn(*weight_size, seed=1)
    within_the_bound("conv2d", weight[0].size, x, weight, None, how=how)
    g = np.ones_like(compute("reference", "conv2d", [x, weight, None, *how])[0][0]) * np.float32(1.0007)
    within_the_bound("conv2d_input", weight[:, 0].size, g, weight, how=(x_size, *how))
    within_the_bound("conv2d_weight", g[:, 0].size, x, g, how=(weight_size, *how))


@pytest.mark.usefixtures("_high")
def test_the_bound_is_reached():
    """Numbers just short of half-way between two of TF32's: all rounded down, as far as can be."""
    x, y = np.full((5, 64), 1 + HALF * 0.99, np.float32), np.full((64, 7), 1 + HALF * 0.99, np.float32)
    assert within_the_bound("matmul", 64, x, y) > 0.9


def test_high_is_less_exact_than_highest():
    x, y = drawn(20, 64), drawn(64, 30, seed=1)
    exact, error = x.astype(np.float64) @ y, {}
    for name in ("highest", "high"):
        with precision(name):
            error[name] = np.abs(agrees("matmul", x, y, tolerance=2e-3, check=False)[0] - exact).max()
    assert error["high"] > 100 * error["highest"]


@pytest.mark.usefixtures("_high")
@given(st.lists(st.floats(width=32, allow_subnormal=False), max_size=20))
def test_operands_are_rounded_to_the_nearest(values):
    """x · 1 is x rounded, ties away from 0; infinities stay, NaN stays, and what is nearest to infinity becomes it."""
    last = np.array([0x7FFFFFFF, 0xFFFFFFFF, 0x7F7FFFFF], np.uint32).view(np.float32)  # two NaN, and the largest number
    x = np.array([*values, 1 + HALF, -1 - HALF, 1 - HALF / 2, np.inf, *last], np.float32)[:, None]
    (found,) = compute("gpu", "matmul", [x, np.ones((1, 1), np.float32)])[0]
    np.testing.assert_array_equal(found, np.where(np.isfinite(x), to_tf32(x), x))
    (found,) = compute("gpu", "matmul", [np.ones((1, 1), np.float32), x.T])[0]
    np.testing.assert_array_equal(found.T, np.where(np.isfinite(x), to_tf32(x), x))


@pytest.mark.usefixtures("_high")
@given(layer=layers())
def test_any_layer_in_any_order(layer):
    x_size, weight_size, bias, *how = layer
    x, weight = drawn(*x_size), drawn(*weight_size, seed=1)
    (y,) = agrees("conv2d", x, weight, drawn(weight_size[0]) if bias else None, *how, tolerance=4e-3)
    agrees("conv2d_input", y, weight, x_size, *how, tolerance=4e-3)
    agrees("conv2d_weight", x, y, weight_size, *how, tolerance=4e-3)


@pytest.mark.usefixtures("_high")
@pytest.mark.parametrize("index", range(len(product.TILES)))
def test_every_tile(index):
    """One and a rest in each direction, in parts, and the same bits as in any other tile."""
    rows, columns = product.TILES[index]
    with tile(index, long=16):
        agrees("matmul", drawn(rows + 1, 41), drawn(41, columns + 1, seed=1), tolerance=2e-3)
        (z,) = agrees(
            "linear", drawn(33, 19), drawn(35, 19, seed=1), drawn(35), tolerance=2e-3, orders=[0], check=False
        )
    with tile(0, long=16):
        (same,) = agrees(
            "linear", drawn(33, 19), drawn(35, 19, seed=1), drawn(35), tolerance=2e-3, orders=[0], check=False
        )
    np.testing.assert_array_equal(z, same)


def same_bits(*args, name="matmul", folder="gpu"):
    found = []
    for how in ("highest", "high"):
        with precision(how):
            found += compute(folder, name, args)[0]
    np.testing.assert_array_equal(*found)


def test_what_has_no_tf32_is_as_it_was():
    x, y = drawn(9, 33), drawn(33, 7, seed=1)
    same_bits(x.astype(np.float64), y.astype(np.float64))
    same_bits(x, y, folder="cpu")
    same_bits(x, y, folder="reference")
    with mock.patch.object(product, "described", return_value={"major": 7, "minor": 5, "multiProcessorCount": 72}):
        same_bits(x, y)
    with pytest.raises(AssertionError):
        same_bits(x, y)


def test_names_are_pytorchs():
    assert tl.get_float32_matmul_precision() == "highest"
    with precision("high"):
        assert tl.get_float32_matmul_precision() == "high"
    with pytest.raises(ValueError, match=r"expected 'highest' .*'high' .*got 'tf32'$"):
        tl.set_float32_matmul_precision("tf32")
    with pytest.raises(ValueError, match="bfloat16, which is not here: take 'high'"):
        tl.set_float32_matmul_precision("medium")
    assert tl.get_float32_matmul_precision() == "highest"
