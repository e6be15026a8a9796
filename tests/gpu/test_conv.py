"""Convolution and its two gradients on the GPU: as tiled products, and one channel at a time."""

from unittest import mock

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tinylucid_kernels.gpu import depthwise, product

from .agree import agrees
from .cut import cutting

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
def test_several_tiles_each_way(dtype):
    """66 outputs, 66 channels, more than 128 places and pixels: a second tile begins in each direction, of 64 rows."""
    agree_all(dtype, (3, 66, 7, 9), (67, 66, 2, 3), True, (1, 1), (1, 0), (1, 1), 1)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("channels", "width"), [(16, 11), (16, 4), (17, 11), (32, 11), (33, 11)])
def test_short_tiles(dtype, channels, width):
    """Tiles of 16 or 32 rows where those are all, forward and ∂x; 33 take 64. The low ones are wide, or narrow."""
    tiles = product.cut(channels, 2 * 7 * width, 9, np.dtype(dtype))
    assert tiles.rows == {16: 16, 17: 32, 32: 32, 33: 64}[channels]
    assert tiles.columns * np.dtype(dtype).itemsize == (1024 if width == 11 and channels < 33 else 512)
    agree_all(dtype, (2, channels, 7, width), (channels, channels, 3, 3), True, (1, 1), (1, 1), (1, 1), 1)


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
@pytest.mark.parametrize("outputs", [16, 17])
def test_narrow_tiles(dtype, outputs):
    """∂w of a first layer: as few columns as taps, and a long sum in more parts than threads add them."""
    with cutting(blocks=132, long=8):
        tiles = product.cut(outputs, 9, 300, np.dtype(dtype))
        assert (tiles.rows, tiles.columns, tiles.threads, tiles.parts) == (16 if outputs == 16 else 32, 32, 32, 38)
        agree_all(dtype, (3, 1, 10, 10), (outputs, 1, 3, 3), True, (1, 1), (1, 1), (1, 1), 1)


@pytest.mark.parametrize("kernel_size", [(16, 15), (16, 16), (1, 65)])
def test_large_filters(kernel_size):
    """The edges of a window take a bit for each row and column of taps, and one more: 32, 33 and 67."""
    size = [k + 1 for k in kernel_size]
    agree_all(np.float32, (2, 2, *size), (5, 2, *kernel_size), True, (1, 1), (1, 2), (1, 1), 1)


@pytest.mark.parametrize("dtype", DTYPES)
def test_tall_tiles(dtype):
    """Where there are tiles enough they have 128 rows: here 129 = one and a rest."""
    with cutting(blocks=1, long=512):
        assert product.cut(129, 129, 9, np.dtype(dtype)).rows == 128
        agree_all(dtype, (2, 129, 3, 4), (129, 129, 1, 1), True, (1, 1), (0, 0), (1, 1), 1)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("groups", [1, 3])
def test_a_sum_in_parts(dtype, groups):
    """3 · 7 · 5 = 105 places: parts of 16 or 24, the last one smaller or empty."""
    with cutting(blocks=132, long=16):
        assert product.cut(7, 18, 105, np.dtype(dtype), groups).parts == 7
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


def test_tiles_come_from_sizes_and_multiprocessors_parts_from_sizes_alone():
    cut = lambda m, n, k: product.cut(m, n, k, np.dtype(np.float32))
    with cutting(blocks=132, long=512):
        assert [cut(m, 10**6, 9).rows for m in (1, 16, 17, 32, 33, 64, 65)] == [16, 16, 32, 32, 64, 64, 128]
        assert [cut(32, n, 9).columns for n in (1, 32, 33, 128, 129)] == [32, 32, 128, 128, 256]
        assert cut(33, 9, 9).columns == cut(33, 129, 9).columns == 128
        assert cut(65, 10**3, 9).rows == 64  # too few tiles for that GPU
        assert cut(65, 131 * 128, 9).rows == 64
        assert cut(65, 131 * 128 + 1, 9).rows == 128
        assert cut(64, 576, 64 * 56 * 56).parts == 12 * 132 // (5 * 4)  # five tiles of four warps
        assert cut(16, 9, 10**6).parts == 12 * 132  # of one warp
        assert cut(64, 576, 0).parts == 1
    for m, n, k in ((129, 300, 10**5), (64, 576, 10**6), (16, 9, 10**6), (9, 400, 700)):
        with cutting(blocks=1, long=512):
            small = cut(m, n, k)
        with cutting(blocks=132, long=512):
            assert cut(m, n, k).parts == small.parts
    with pytest.raises(ValueError, match="count to"):
        cut(1, 2**31, 1)


def test_tall_tiles_give_the_same_bits():
    """A GPU with other multiprocessors computes in other tiles, but sums in the same order."""
    rng = np.random.default_rng(0)
    x, weight = rng.standard_normal((2, 9, 7, 9)), rng.standard_normal((130, 9, 3, 3))
    found = []
    for blocks in (1, 132):
        with cutting(blocks, long=16):
            how = ((1, 1), (1, 1), (1, 1), 1)
            (y,) = agrees("conv2d", x.astype(np.float32), weight.astype(np.float32), None, *how, check=False)
            (dw,) = agrees("conv2d_weight", x.astype(np.float32), y, weight.shape, *how, check=False)
            found.append(y.tobytes() + dw.tobytes())
    assert found[0] == found[1]
