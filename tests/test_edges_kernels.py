"""Sizes at which a fast kernel goes on with a next chunk, block or run, and memory that comes in odd layouts.

Drawn arrays are small, so each such border is met here on purpose, and compared with the reference.
"""

import numpy as np
import pytest
from test_cpu_kernels import agree, both_ways, run
from tinylucid_kernels import cpu, kernels, of


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


def test_two_rows_share_no_more_zeros_than_both_have(rng):
    """A frame wider than the stride, and taps that reach far beyond it."""
    convolved(rng, 2, 3, (4, 13), 5, (2, 5), ((1, 4), (1, 6), (1, 3), 1))


def test_weight_gradients_of_more_pictures_than_slices(rng):
    convolved(rng, 19, 2, (5, 4), 3, (2, 2), ((1, 1), (0, 0), (1, 1), 1))


@pytest.mark.parametrize("wrong", [None, (387, 5, 0, 0), (2328, 5, 0, 0)])
def test_winograd_over_many_blocks_of_tiles(wrong, rng):
    """37 blocks of 64 tiles, on 32 items forward and 16 for the weight: some items, as that of picture 387, have two."""
    convolved(rng, 2330, 32, (1, 1), 32, (3, 3), ((1, 1), (1, 1), (1, 1), 1), wrong)


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
