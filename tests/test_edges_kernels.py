"""Sizes at which a fast kernel goes on with a next chunk, block or run, and memory that comes in odd layouts.

Drawn arrays are small, so each such border is met here on purpose, and compared with the reference.
"""

import numpy as np
import pytest
from numba import njit
from test_cpu_kernels import agree, both_ways, run
from tinylucid_kernels import cpu, kernels, of, reference
from tinylucid_kernels.cpu.jit import FASTMATH


def same(kernel, *args, tolerance=3e-5):
    """The fast kernel, serial and parallel, computes what the reference says."""
    with np.errstate(all="ignore"):
        agree(both_ways("cpu", kernel, args), run("reference", kernel, args), tolerance)


def convolved(rng, n, channels, size, outputs, kernel, how, wrong=None):
    """All three kernels of a convolution agree with the reference."""
    groups = how[3]
    x, w = rng.standard_normal((n, channels, *size)), rng.standard_normal((outputs, channels // groups, *kernel))
    x, w, b = (a.astype(np.float32) for a in (x, w, rng.standard_normal(outputs)))
    g = rng.standard_normal(run("reference", "conv2d", (x, w, b, *how))[0].shape).astype(np.float32)
    if wrong is not None:
        x[wrong] = g[wrong] = np.inf
    same("conv2d", x, w, b, *how)
    same("conv2d_input", g, w, x.shape, *how)
    same("conv2d_weight", x, g, w.shape, *how)


@pytest.mark.parametrize(("stride", "dilation"), [((1, 1), (1, 1)), ((2, 3), (1, 2)), ((3, 2), (2, 1))])
@pytest.mark.parametrize("room", [1, 300, 1100])
def test_convolutions_of_several_chunks(room, stride, dilation, rng, monkeypatch):
    """As many rows at a time as fit: one, some, and a last chunk that is shorter."""
    monkeypatch.setattr(cpu.conv, "CHUNK", room)
    monkeypatch.setattr(cpu.strided, "CHUNK", room)
    convolved(rng, 2, 4, (17, 11), 6, (3, 2), (stride, (1, 1), dilation, 2))
    convolved(rng, 2, 8, (13, 6), 1, (3, 3), (stride, (1, 1), dilation, 1), wrong=(1, 0, 1, 1))


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
@pytest.mark.parametrize(("channels", "outputs"), [(4, 2), (2, 8)])
def test_nothing_comes_in_from_between_two_rows(channels, outputs, wrong, rng):
    """A window that would run on from a row's end into the next row is no window: what is wrong there stays outside."""
    x, g = (rng.standard_normal((1, n, *size)) for n, size in ((channels, (4, 5)), (outputs, (3, 3))))
    x[0, 0, 1, [0, -1]] = g[0, 0, 1, -1] = wrong
    how = ((1, 1), (0, 0), (1, 1), 1)
    same("conv2d_weight", x, g, (outputs, channels, 2, 3), *how)
    same("conv2d_input", g, rng.standard_normal((outputs, channels, 2, 3)), x.shape, *how)


def test_products_of_many_outputs_are_made_of_small_ones(rng):
    """More outputs than fit into one product that OpenBLAS does without packing, and the last part smaller."""
    convolved(rng, 1, 64, (20, 20), 150, (2, 2), ((1, 1), (0, 0), (1, 1), 1))
    convolved(rng, 1, 70, (20, 20), 150, (1, 1), ((1, 1), (0, 0), (1, 1), 1))


def test_two_rows_share_no_more_zeros_than_both_have(rng):
    """A frame wider than the stride, and taps that reach far beyond it."""
    convolved(rng, 2, 3, (4, 13), 5, (2, 5), ((1, 4), (1, 6), (1, 3), 1))


def test_weight_gradients_of_more_pictures_than_slices(rng):
    convolved(rng, 19, 2, (5, 4), 3, (2, 2), ((1, 1), (0, 0), (1, 1), 1))


@pytest.mark.parametrize("wrong", [None, (387, 5, 0, 0), (2328, 5, 0, 0)])
def test_winograd_over_many_blocks_of_tiles(wrong, rng, monkeypatch):
    """Some 34 blocks of 69 tiles, on 32 items forward and 16 for the weight: some items have two or three."""
    monkeypatch.setattr(cpu.winograd, "MORE_ROOM", cpu.winograd.ROOM)
    convolved(rng, 2330, 32, (1, 1), 32, (3, 3), ((1, 1), (1, 1), (1, 1), 1), wrong)


@pytest.mark.parametrize("size", [(5, 70), (3, 64), (9, 33)])
def test_winograd_on_pictures_wider_than_a_line_of_tiles(size, rng, monkeypatch):
    """Lines that begin at the picture's left edge, end at its right one, or do neither, one after the other in the same memory."""
    monkeypatch.setattr(cpu.winograd, "ROOM", 1)
    monkeypatch.setattr(cpu.winograd, "MORE_ROOM", 1)
    monkeypatch.setattr(cpu.conv, "FORCED", "winograd")
    convolved(rng, 2, 9, size, 10, (3, 3), ((1, 1), (1, 1), (1, 1), 1))
    convolved(rng, 2, 9, size, 10, (3, 5), ((1, 1), (2, 4), (1, 1), 1))


@pytest.mark.parametrize("wrong", [None, (1, 2, 3, 1)])
@pytest.mark.parametrize("stride", [(1, 1), (2, 2), (1, 2)])
@pytest.mark.parametrize("width", [5, 16, 33])
def test_three_by_three_in_planes(width, stride, wrong, rng, monkeypatch):
    """Where three taps of a row are one load, and where they are not; runs of one vector and of several."""
    monkeypatch.setattr(cpu.conv, "FORCED", "direct")
    convolved(rng, 2, 3, (7, width), 4, (3, 3), (stride, (1, 1), (1, 1), 1), wrong)
    convolved(rng, 2, 4, (7, width), 4, (3, 3), (stride, (1, 2), (1, 2), 2), wrong)


@pytest.mark.parametrize("size", [(1, 5), (9, 9), (3, 70)])
def test_one_by_one_in_chunks_of_pixels(size, rng):
    """The weight's gradient goes over sixteen pixels at a time where there are many outputs."""
    convolved(rng, 3, 5, size, 600, (1, 1), ((1, 1), (0, 0), (1, 1), 1))


def test_batch_norm_far_from_zero(rng):
    """The variance is the mean of squared differences: the difference of two means of squares would be rounding alone."""
    x, one = (1000 + rng.standard_normal((4, 3, 50))).astype(np.float32), np.ones(3, np.float32)
    _, _, var, _ = cpu.batch_norm(x, one, one, 1e-5)
    np.testing.assert_allclose(var, x.astype(float).var((0, 2)), rtol=1e-5)


@pytest.mark.parametrize("items", [32, 33, 70, 95])
def test_items_are_spread_without_remainder(items, rng):
    """More items than runs of them, and not a multiple."""
    logits = rng.standard_normal((items, 5)).astype(np.float32)
    same("cross_entropy", logits, np.arange(items) % 5, None, None, 0.0)
    same("relu", rng.standard_normal(items << 14).astype(np.float32))


def test_dense_layers_of_large_and_uneven_blocks(rng):
    """Blocks of rows grow with the batch; the last is shorter."""
    same("linear", *(rng.standard_normal(s) for s in ((601, 40), (30, 40), (30,))), tolerance=1e-12)


@pytest.mark.parametrize("gaps", [slice(None, None, 2), slice(None, None, -1)])
def test_a_bias_with_gaps_in_memory(gaps, rng, monkeypatch):
    """Machine code compiled for a bias without gaps must not meet one with them."""
    monkeypatch.setattr(cpu.threads, "SMALL", 0)
    x, w, b = rng.standard_normal((200, 70)), rng.standard_normal((90, 70)), rng.standard_normal(180)
    cpu.linear(x, w, b[:90])
    np.testing.assert_allclose(cpu.linear(x, w, b[gaps][:90]), x @ w.T + b[gaps][:90], atol=1e-12)


@pytest.mark.parametrize("gaps", [slice(None, None, 2), slice(None, None, -1)])
def test_gaps_in_memory_are_closed_before_a_kernel_gets_the_array(gaps, rng, monkeypatch):
    """The parallel driver calls machine code that was compiled for arrays without gaps."""
    monkeypatch.setattr(cpu.threads, "SMALL", 0)
    x, w, b = rng.standard_normal((3, 6, 50)), rng.standard_normal(12), rng.standard_normal(12)
    with kernels("cpu"):
        of(x).batch_norm(x, w[:6], b[:6], 1e-5)
        found = of(x).batch_norm(x, w[gaps][:6], b[gaps][:6], 1e-5)
    agree(found, run("reference", "batch_norm", (x, w[gaps][:6], b[gaps][:6], 1e-5))[:4], 1e-12)


def over_array(f):
    """A kernel's helper compiled as kernels are, over an array."""

    def loop(x, y):
        for k in range(x.size):
            y[k] = f(x[k])

    compiled = njit(fastmath=FASTMATH)(loop)

    def call(x):
        y = np.empty_like(x)
        compiled(x, y)
        return y

    return call


@pytest.mark.parametrize(("dtype", "end", "tiny"), [(np.float32, 104, 1.2e-38), (np.float64, 746, 2.3e-308)])
def test_exp_of_what_is_not_positive(dtype, end, tiny):
    """To a unit or two in the last place near 0, and 4 or 200 far from it; what would be denormal is 0."""
    x = np.concatenate([-np.linspace(0, end, 200_001), -np.logspace(-46, 0, 1000), [-0.0, -np.inf, np.nan]])
    x = x.astype(dtype)
    y, true = over_array(cpu.loss.exp_below)(x), np.exp(x.astype(np.longdouble))
    assert np.isnan(y[-1])
    assert y[-3:-1].tolist() == [1, 0]
    normal, worst = true > 1.3 * tiny, 4 if dtype == np.float32 else 220
    units = np.finfo(dtype).eps * (1.3 - worst * x[normal].astype(float) / end)
    assert (np.abs(y[normal] / true[normal] - 1) <= units).all()
    assert (y[true < tiny] == 0).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_log_of_what_is_at_least_one(dtype):
    x = np.concatenate([np.linspace(1, 3, 999), 1 + np.logspace(-7, 0, 99), np.logspace(0, 30, 99), [np.nan]])
    x = x.astype(dtype)
    y, true = over_array(cpu.loss.log_above)(x), np.log(x.astype(np.longdouble))
    assert np.isnan(y[-1])
    assert (np.abs(y - true)[:-1] <= 3 * np.finfo(dtype).eps * true[:-1]).all()


@pytest.mark.parametrize("size", [1, 255, 511, 512, 513, 1025])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_cross_entropy_of_several_runs_of_pixels(size, smoothing, rng):
    logits, target = rng.standard_normal((3, 4, size)).astype(np.float32), rng.integers(-1, 4, (3, size))
    same("cross_entropy", logits, target, rng.random(4).astype(np.float32), -1, smoothing)


@pytest.mark.parametrize("rows", [15, 16, 17, 33])
@pytest.mark.parametrize("classes", [1, 3, 4, 7, 64, 101])
def test_cross_entropy_of_several_runs_of_rows(rows, classes, rng):
    """The largest logit is looked for in four chains and what is left over."""
    logits = rng.standard_normal((rows, classes)).astype(np.float32)
    logits[np.arange(rows), np.arange(rows) % classes] += 200
    same("cross_entropy", logits, np.arange(rows) % classes, None, None, 0.0)


@pytest.mark.parametrize("length", [4095, 4096, 4097, 12_288, 12_289])
@pytest.mark.parametrize("rows", [1, 3])
def test_sums_of_several_runs(rows, length, rng):
    x = rng.standard_normal((rows, length)).astype(np.float32)
    same("row_sums", x)
    same("distance_loss", x, x[::-1].copy(), 0.5, 1.0, 0.25)
    same("distance_loss_backward", np.float32(2)[...], x, x[::-1].copy(), 0.5, 1.0)
    same("logistic_loss", x, rng.random((rows, length)).astype(np.float32))


def test_a_sum_of_millions_is_exact_enough(rng):
    """No lane adds up so many numbers that the small ones are lost."""
    x = rng.random((1, 4_000_000), np.float32)
    assert abs(cpu.row_sums(x)[0] / x.sum(dtype=float) - 1) < 1e-6


@pytest.mark.parametrize(("rows", "length"), [(1, 7), (5, 33), (600, 64), (2100, 17)])
def test_layer_norm_in_blocks_of_rows(rows, length, rng):
    """As many blocks as the shape says, up to 16, each with its share of the weights' gradient."""
    x, g = rng.standard_normal((2, rows, length))
    w, b = rng.standard_normal((2, length))
    same("group_norm", x, w, b, 1, 1e-5)
    _, mean, _, inv_std = run("reference", "group_norm", (x, w, b, 1, 1e-5))[:4]
    same("group_norm_backward", g, x, w, mean, inv_std, tolerance=1e-12)


@pytest.mark.parametrize("size", [(4, 4), (40, 40)])
def test_few_and_many_pixels_are_scattered(size, rng):
    """Where few are, all planes are zeroed at once; the memory held something before."""
    for _ in range(3):
        np.full((2, 3, *size), 7, np.float32)
    index = rng.integers(0, size[0] * size[1], (2, 3, 2, 3))
    same("pool_scatter", rng.standard_normal(index.shape).astype(np.float32), index, size)


@pytest.mark.parametrize("shape", [(0, 2, 3), (2, 0, 3), (2, 2, 0)])
@pytest.mark.parametrize("size", [1, 3])
@pytest.mark.parametrize("stride", [1, 2])
def test_convolutions_of_no_pictures_and_no_channels(shape, size, stride):
    n, c, o = shape
    x, weight, bias = np.zeros((n, c, 6, 6)), np.zeros((o, c, size, size)), np.arange(1.0, 1 + o)
    g, how = np.zeros((n, o, 6 // stride, 6 // stride)), ((stride, stride), (size // 2, size // 2), (1, 1), 1)
    for array in (x, weight, g):
        array[...] = 1
    y = cpu.conv2d(x, weight, bias, *how)
    assert y.shape == g.shape
    if c == 0:
        np.testing.assert_array_equal(y, np.broadcast_to(bias[:, None, None], y.shape))
    if o == 0:
        np.testing.assert_array_equal(cpu.conv2d_input(g, weight, x.shape, *how), np.zeros_like(x))
    assert cpu.conv2d_input(g, weight, x.shape, *how).shape == x.shape
    np.testing.assert_array_equal(cpu.conv2d_weight(x, g, weight.shape, *how), np.zeros_like(weight))


@pytest.mark.parametrize("stride", [(1, 2), (2, 2), (3, 3), (2, 1)])
@pytest.mark.parametrize("channels", [1, 9])
def test_strided_wide_pictures(channels, stride, rng):
    """∂x of rows longer than two vectors and of several chunks, by few channels and by many."""
    x = rng.standard_normal((2, channels, 40, 70)).astype(np.float32)
    weight = rng.standard_normal((9, channels, 3, 4)).astype(np.float32)
    how = (stride, (1, 2), (1, 1), 1)
    g = rng.standard_normal(reference.conv2d(x, weight, None, *how).shape).astype(np.float32)
    expected = reference.conv2d_input(g, weight, x.shape, *how)
    np.testing.assert_allclose(cpu.conv2d_input(g, weight, x.shape, *how), expected, atol=3e-5)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("count", [1, 7, 40])
@pytest.mark.parametrize(("logit", "target"), [(np.inf, 0.0), (np.inf, 0.3), (-np.inf, 1.0), (-np.inf, 0.3)])
def test_infinite_logits_cost_infinitely_much(logit, target, count, dtype):
    """And not NaN, which t·a + (1 − t)·b is as b + t·(a − b)."""
    x = np.zeros((1, count), dtype)
    x[0, -1] = logit
    assert cpu.logistic_loss(x, np.full((1, count), target, dtype)) == np.inf
