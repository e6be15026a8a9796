"""Convolution and its two gradients on the GPU: as tiled products, and one channel at a time."""

from unittest import mock

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tinylucid_kernels.gpu import depthwise, product

from .agree import agrees
from .cut import cutting, tile

DTYPES = [np.float32, np.float64]


def pairs(low, high):
    return st.tuples(st.integers(low, high), st.integers(low, high))


@st.composite
def layers(draw, depthwise=False):
    """The sizes of an input and a weight, whether there is a bias, stride, padding, dilation and groups."""
    kernel_size = draw(st.sampled_from([(3, 3), (2, 3)] if depthwise else [(1, 1), (3, 3), (2, 3), (5, 1)]))
    stride, padding, dilation = draw(pairs(1, 3)), draw(pairs(0, 2)), draw(pairs(1, 2))
    groups = draw(st.integers(2, 7) if depthwise else st.integers(1, 3))
    into, out = (1, draw(st.integers(1, 2))) if depthwise else (draw(st.integers(1, 5)), draw(st.integers(5, 9)))
    size = [
        max(1, d * (k - 1) + 1 - 2 * p) + draw(st.integers(0, 6)) for k, p, d in zip(kernel_size, padding, dilation)
    ]
    n = draw(st.integers(0, 3))
    x_size, weight_size = (n, into * groups, *size), (out * groups, into, *kernel_size)
    return x_size, weight_size, draw(st.booleans()), stride, padding, dilation, groups


def agree_all(dtype, x_size, weight_size, bias, *how):
    """The convolution and both gradients agree with the reference."""
    rng = np.random.default_rng(0)
    new = lambda size: rng.standard_normal(size).astype(dtype)
    x, weight = new(x_size), new(weight_size)
    (y,) = agrees("conv2d", x, weight, new(weight_size[:1]) if bias else None, *how)
    g = new(y.shape)
    agrees("conv2d_input", g, weight, x_size, *how)
    agrees("conv2d_weight", x, g, weight_size, *how)


@pytest.mark.parametrize("dtype", DTYPES)
@given(layer=layers())
def test_any_layer(dtype, layer):
    agree_all(dtype, *layer)


@pytest.mark.parametrize("dtype", DTYPES)
@given(layer=layers(depthwise=True))
def test_one_channel_a_group(dtype, layer):
    agree_all(dtype, *layer)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("index", range(len(product.TILES)))
def test_every_tile(dtype, index):
    """One and a rest in each direction; ∂w in parts."""
    with tile(index, long=32):
        rows, columns, *_ = product.cut(1, 1, 1, dtype).tile
        height = 1 + columns // 18
        assert product.cut(rows + 1, 2 * 9 * height, rows + 1, dtype, whole=True)[1:] == (2, 2, 1)
        agree_all(dtype, (2, rows + 1, 9, height), (rows + 1, rows + 1, 1, 1), True, (1, 1), (0, 0), (1, 1), 1)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    ("size", "kernel_size", "stride", "padding", "dilation"),
    [
        ((17, 18), (3, 3), (2, 2), (1, 1), (1, 1)),  # 4, 2, 2 and 1 taps; one more row of one phase than of the other
        ((17, 18), (3, 2), (2, 2), (1, 0), (2, 2)),  # every tap for one row in two, none for the other
        ((13, 16), (3, 5), (3, 3), (0, 2), (2, 2)),  # taps in another order than their places
        ((13, 16), (4, 4), (4, 6), (1, 1), (2, 4)),  # steps of 2 and 3 taps, phases without one
        ((9, 10), (1, 1), (2, 3), (0, 0), (1, 1)),  # only one phase is seen at all
        ((2, 5), (2, 3), (3, 7), (1, 0), (1, 1)),  # phases without pixels
        ((30, 30), (3, 3), (2, 1), (1, 1), (1, 1)),  # several tiles of a phase
    ],
)
def test_every_phase_of_a_stride(dtype, size, kernel_size, stride, padding, dilation):
    agree_all(dtype, (2, 6, *size), (10, 3, *kernel_size), True, stride, padding, dilation, 2)


@pytest.mark.parametrize("dtype", DTYPES)
def test_more_parts_than_threads_add(dtype):
    """∂w of a first layer: few taps, and a long sum in 38 parts, the first rows of 32 add two."""
    with cutting(blocks=132, long=8):
        assert product.cut(16, 9, 300, dtype).parts == 38
        agree_all(dtype, (3, 1, 10, 10), (16, 1, 3, 3), True, (1, 1), (1, 1), (1, 1), 1)


@pytest.mark.parametrize("kernel_size", [(16, 15), (16, 16), (1, 65)])
def test_large_filters(kernel_size):
    """The edges of a window take a bit for each row and column of taps, and one more: 32, 33 and 67."""
    size = [k + 1 for k in kernel_size]
    agree_all(np.float32, (2, 2, *size), (5, 2, *kernel_size), True, (1, 1), (1, 2), (1, 1), 1)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("groups", [1, 3])
def test_a_sum_in_parts(dtype, groups):
    """3 · 7 · 5 = 105 places: parts of 16 or 24, the last one smaller or empty."""
    with cutting(blocks=132, long=16):
        assert product.cut(7, 18, 105, dtype, groups).parts == 7
        agree_all(dtype, (3, 2 * groups, 7, 5), (7 * groups, 2, 3, 3), False, (1, 1), (1, 1), (1, 1), groups)


@pytest.mark.parametrize("size", [5, 6, 8, 12, 17])
def test_planes_of_every_width(size):
    """A block takes stretches of one plane, or several small ones: 32, 64, 128 and 256 places wide, and two blocks."""
    agree_all(np.float32, (2, 5, size, size), (10, 1, 3, 3), True, (1, 1), (1, 1), (1, 1), 5)


@pytest.mark.parametrize("size", [(12, 23), (4, 5)])
def test_images_in_parts(size):
    """∂w one channel at a time: two parts, of 4 and 3 images; 276 places for 256 threads, and 20, so that a block takes 8 images."""
    with mock.patch.object(depthwise, "BLOCKS", 6):
        agree_all(np.float32, (7, 3, *size), (3, 1, 3, 3), False, (1, 1), (1, 1), (1, 1), 3)
        agree_all(np.float64, (2, 3, *size), (6, 1, 2, 3), False, (2, 1), (1, 0), (1, 2), 3)


def test_nan_and_infinity_arrive_where_they_are_seen_and_nowhere_else():
    x, weight = np.ones((1, 2, 6, 6), np.float32), np.ones((5, 2, 3, 3), np.float32)
    x[0, 1, 0, 5], x[0, 0, 5, 0] = np.nan, np.inf
    (y,) = agrees("conv2d", x, weight, None, (1, 1), (1, 1), (1, 1), 1)
    assert np.isnan(y).sum() == 5 * 4
    assert np.isinf(y).sum() == 5 * 4


def test_the_rule_of_tiles():
    """As many rows and columns as are used, large where there is work for the whole GPU, small where there is not."""
    chosen = lambda m, n: product.cut(m, n, 9, np.float32, whole=True).tile[:2]
    with cutting(blocks=132, long=512):
        assert [chosen(m, 10**6) for m in (1, 16, 17, 32)] == [(16, 256), (16, 256), (32, 256), (32, 256)]
        assert [chosen(m, 10**6) for m in (48, 49, 64, 96)] == [(16, 256), (64, 128), (64, 128), (32, 256)]
        assert [chosen(m, 10**6) for m in (97, 128, 1000)] == [(128, 128)] * 3
        assert [chosen(10**6, n) for n in (1, 32, 33, 64, 65)] == [(16, 32)] * 2 + [(64, 64)] * 2 + [(128, 128)]
        assert chosen(64, 576) == (16, 32)  # nine tiles of 64 for 132 multiprocessors
    with cutting(blocks=1, long=512):
        assert chosen(64, 576) == (64, 128)
    assert product.tiles(np.dtype(np.float32))[0] == (128, 128, 64, 256)
    assert product.tiles(np.dtype(np.float64))[2] == (64, 32, 32, 64)
    assert product.tiles(np.dtype(np.float64))[-1] == (16, 32, 16, 32)


def test_parts_come_from_sizes_alone():
    for m, n, k, parts in (
        (129, 300, 10**5, 63),
        (64, 576, 10**6, 88),
        (16, 9, 10**6, 1584),
        (9, 400, 700, 2),
        (9, 9, 0, 1),
    ):
        for blocks in (1, 132):
            with cutting(blocks, long=512):
                assert product.cut(m, n, k, np.float32).parts == parts
    with pytest.raises(ValueError, match="count to"):
        product.cut(1, 2**31, 1, np.float32)


def test_every_tile_gives_the_same_bits():
    """Another GPU computes in other tiles, but sums in the same order."""
    rng = np.random.default_rng(0)
    x, weight = rng.standard_normal((2, 9, 7, 9)), rng.standard_normal((130, 9, 3, 3))
    found = set()
    for index in (0, 3, 6):
        with tile(index, long=126):
            how = ((1, 1), (1, 1), (1, 1), 1)
            (y,) = agrees(
                "conv2d", x.astype(np.float32), weight.astype(np.float32), None, *how, orders=[0], check=False
            )
            (dx,) = agrees("conv2d_input", y, weight.astype(np.float32), x.shape, *how, orders=[0], check=False)
            found.add(y.tobytes() + dx.tobytes())
    assert len(found) == 1
