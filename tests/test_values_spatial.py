"""Resizing, pooling, padding and transforming held against other ways to say the same."""

import numpy as np
import pytest
from cases import sides, values
from hypothesis import given
from hypothesis import strategies as st

import tinylucid as tl

F, nn = tl.nn.functional, tl.nn
inf = np.inf


def picture(*rows):
    return tl.tensor([[rows]], dtype=tl.float64)


@pytest.mark.parametrize("mode", ["reflect", "replicate", "circular"])
def test_padding_is_numpys(mode, rng):
    x = rng.standard_normal((2, 3, 4, 5))
    theirs = np.pad(x, [(0, 0), (0, 0), (3, 0), (1, 4)], {"replicate": "edge", "circular": "wrap"}.get(mode, mode))
    np.testing.assert_array_equal(F.pad(tl.tensor(x), (1, 4, 3, 0), mode).data, theirs)
    kept = F.pad(tl.tensor(x), (0, 0, 0, 0), mode)
    kept += 1
    assert np.array_equal(kept.data, x + 1), "no frame gives a copy"
    assert F.pad(x, (0, 1), "constant").sum() == pytest.approx(x.sum())


def test_convolution_pads_with_what_is_there(rng):
    x = tl.tensor(rng.standard_normal((1, 1, 4, 5)).astype(np.float32))
    for mode in ("reflect", "replicate", "circular"):
        conv = nn.Conv2d(1, 1, (3, 2), padding=(2, 1), padding_mode=mode)
        expected = F.conv2d(F.pad(x, (1, 1, 2, 2), mode), conv.weight, conv.bias)
        np.testing.assert_array_equal(conv(x).detach().data, expected.detach().data)
        same = nn.Conv2d(1, 1, (3, 2), padding="same", padding_mode=mode)
        expected = F.conv2d(F.pad(x, (0, 1, 1, 1), mode), same.weight, same.bias)
        np.testing.assert_array_equal(same(x).detach().data, expected.detach().data)
        assert same(x).shape == x.shape
        assert f"padding_mode={mode}" in repr(same)


def test_ceil_mode_adds_the_windows_that_begin_inside():
    x = picture([1, 2, 3], [4, 5, 6], [7, 8, 9])
    y, index = F.max_pool2d(x, 2, ceil_mode=True, return_indices=True)
    assert y.tolist() == [[[[5, 6], [8, 9]]]]
    assert index.tolist() == [[[[4, 5], [7, 8]]]]
    assert F.max_pool2d(x, 2).shape == (1, 1, 1, 1)
    assert F.avg_pool2d(x, 2, ceil_mode=True).tolist() == [[[[3, 4.5], [7.5, 9]]]]
    assert F.avg_pool2d(x, 2, 2, 1, True).tolist() == [[[[0.25, 1.25], [2.75, 7]]]]
    assert F.avg_pool2d(x, 2, 2, 1, True, False).tolist() == [[[[1, 2.5], [5.5, 7]]]]
    assert F.avg_pool2d(x, 2, divisor_override=8).tolist() == [[[[1.5]]]]
    dark = tl.full((1, 1, 3, 3), -inf)
    assert F.max_pool2d(dark, 2, ceil_mode=True, return_indices=True)[1].tolist() == [[[[0, 2], [6, 8]]]]
    assert nn.MaxPool2d(2, ceil_mode=True)(x).tolist() == [[[[5, 6], [8, 9]]]]
    assert nn.AvgPool2d(2, ceil_mode=True)(x).tolist() == [[[[3, 4.5], [7.5, 9]]]]


def test_unpooling_writes_the_last_of_several():
    leaf = tl.tensor([[[[1.0, 2.0, 3.0]]]], requires_grad=True)
    y = F.max_unpool2d(leaf, np.array([[[[4, 0, 4]]]]), 2)
    assert y.tolist() == [[[[2, 0, 0, 0, 3, 0], [0] * 6]]]
    assert tl.grad(y.sum(), [leaf])[0].tolist() == [[[[0, 1, 1]]]]
    array = np.ones((1, 1, 1, 1), np.float32)
    assert type(F.max_unpool2d(array, np.zeros((1, 1, 1, 1), int), 2)) is np.ndarray


@given(data=st.data())
def test_unpooling_undoes_what_pooling_kept(data):
    x = values(data.draw, (2, 1, *sides(data.draw, 2, 2, 6)))
    pooled, index = F.max_pool2d(tl.tensor(x), 2, return_indices=True)
    back = F.max_unpool2d(pooled, index, 2, output_size=x.shape).data
    assert np.array_equal(back[back != 0], x[back != 0])
    assert np.count_nonzero(back) == pooled.size


@given(data=st.data())
def test_transposed_convolution_spreads_each_pixel(data):
    """The formula of its docstring, pixel by pixel."""
    draw = data.draw
    kernel, stride, dilation, groups = (*(sides(draw, 2, 1, 3) for _ in range(3)), draw(st.integers(1, 2)))
    padding = tuple(draw(st.integers(0, d * (k - 1) // 2)) for k, d in zip(kernel, dilation))
    more = tuple(draw(st.integers(0, s - 1)) for s in stride)
    x, w = values(draw, (1, 2 * groups, *sides(draw, 2, 1, 3))), values(draw, (2 * groups, 2, *kernel))
    b = values(draw, (2 * groups,))
    y = F.conv_transpose2d(x, w, b, stride, padding, more, groups, dilation)
    expected = np.zeros_like(y) + b[:, None, None]
    for c, p, q in np.ndindex(*x.shape[1:]):
        for o, i, j in np.ndindex(*w.shape[1:]):
            row, column = p * stride[0] + i * dilation[0] - padding[0], q * stride[1] + j * dilation[1] - padding[1]
            if 0 <= row < y.shape[2] and 0 <= column < y.shape[3]:
                expected[0, c // 2 * 2 + o, row, column] += w[c, o, i, j] * x[0, c, p, q]
    np.testing.assert_allclose(y, expected, atol=1e-12)
    least = F.conv_transpose2d(x, w, None, stride, padding, 0, groups, dilation).shape[2:]
    assert y.shape[2:] == tuple(n + m for n, m in zip(least, more))


def test_a_wanted_size_becomes_output_padding():
    up = nn.ConvTranspose2d(1, 1, 3, (2, 3), 1)
    assert up(tl.ones(1, 1, 4, 4)).shape == (1, 1, 7, 10)
    assert up(tl.ones(1, 1, 4, 4), (8, 12)).shape == (1, 1, 8, 12)
    assert up(tl.ones(1, 1, 4, 4), (1, 1, 7, 11)).shape == (1, 1, 7, 11)
    assert repr(nn.ConvTranspose2d(2, 2, 3, 2, 1, 1)) == (
        "ConvTranspose2d(2, 2, kernel_size=(3, 3), stride=(2, 2), padding=(1, 1), output_padding=(1, 1))"
    )


def test_resizing_small_pictures():
    x = picture([0, 4], [8, 12])
    near = [[0, 0, 4, 4], [0, 0, 4, 4], [8, 8, 12, 12], [8, 8, 12, 12]]
    assert F.interpolate(x, scale_factor=2).tolist() == [[near]]
    assert nn.Upsample(scale_factor=2)(x).tolist() == [[near]]
    assert F.interpolate(x, (2, 4), mode="bilinear").tolist() == [[[[0, 1, 3, 4], [8, 9, 11, 12]]]]
    assert F.interpolate(x, (2, 3), mode="bilinear", align_corners=True).tolist() == [[[[0, 2, 4], [8, 10, 12]]]]
    assert F.interpolate(x, scale_factor=2.25).tolist() == [[near]], (
        "4 pixels of 2 are twice as many, whatever the factor"
    )
    wide = picture([0, 1, 2, 3, 4])
    by_factor = F.interpolate(wide, scale_factor=(1, 0.7), mode="bilinear")
    np.testing.assert_allclose(by_factor.data.ravel(), [(p + 0.5) / 0.7 - 0.5 for p in range(3)])
    recomputed = F.interpolate(wide, scale_factor=(1, 0.7), mode="bilinear", recompute_scale_factor=True)
    np.testing.assert_allclose(recomputed.data.ravel(), [(p + 0.5) * 5 / 3 - 0.5 for p in range(3)])
    assert (
        F.interpolate(tl.arange(26.0).reshape(1, 1, 1, 26), (1, 22)).tolist()[0][0][0][11] == 13
    )  # 11 · 26/22, in float32 too


@pytest.mark.parametrize("align_corners", [False, True])
def test_the_identity_grid_gives_the_picture_back(align_corners, rng):
    x = rng.standard_normal((2, 3, 5, 4))
    theta = np.broadcast_to(np.eye(2, 3), (2, 2, 3))
    grid = F.affine_grid(theta, x.shape, align_corners)
    np.testing.assert_allclose(F.grid_sample(x, grid, align_corners=align_corners), x, atol=1e-12)
    mirrored = F.affine_grid(theta * [[-1], [1]], x.shape, align_corners)
    np.testing.assert_allclose(F.grid_sample(x, mirrored, align_corners=align_corners), x[..., ::-1], atol=1e-12)
    one_row = np.array([[0, 0, 0], [0, 0, 2 / (4 if align_corners else 5)]])
    shifted = F.affine_grid(theta + one_row, x.shape, align_corners)
    down = F.grid_sample(x, shifted, align_corners=align_corners)
    np.testing.assert_allclose(down[:, :, :-1], x[:, :, 1:], atol=1e-12)
    np.testing.assert_allclose(down[:, :, -1], 0, atol=1e-12)


@given(data=st.data())
def test_the_spectrum_is_numpys(data):
    x = values(data.draw, sides(data.draw, 3, 1, 6))
    norm = data.draw(st.sampled_from(["backward", "ortho", "forward"]))
    z, theirs = tl.fft.rfft2(tl.tensor(x), norm).data, np.fft.rfft2(x, norm=norm)
    np.testing.assert_allclose(z[..., 0] + 1j * z[..., 1], theirs, atol=1e-12)
    np.testing.assert_allclose(tl.fft.irfft2(z, x.shape[1:], norm), x, atol=1e-12)
    assert tl.fft.irfft2(z).shape == (*x.shape[:2], max(x.shape[2] // 2 * 2, 1))


def test_layers_print_their_arguments():
    assert repr(nn.Upsample(scale_factor=2, mode="bilinear")) == "Upsample(scale_factor=2, mode='bilinear')"
    assert repr(nn.Upsample((3, 4))) == "Upsample(size=(3, 4), mode='nearest')"
    assert repr(nn.ReflectionPad2d(1)) == "ReflectionPad2d((1, 1, 1, 1))"
    assert repr(nn.Unflatten(1, (2, 3))) == "Unflatten(dim=1, unflattened_size=(2, 3))"
    assert repr(nn.MaxUnpool2d(2)) == "MaxUnpool2d(kernel_size=2, stride=2, padding=0)"
    assert repr(nn.AdaptiveMaxPool2d(2)) == "AdaptiveMaxPool2d(output_size=2)"
