"""Parametrisations: what is painted, mixed and squeezed into pictures, how it moves, and how a picture is taken apart again."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from words import check_message

import tinylucid as tl
from tinylucid.visualize import color_matrix, cppn, fourier, pixel
from tinylucid.visualize.colors import PHOTOGRAPHS, mixed

seeds = st.integers(0, 10**6)
sizes = st.integers(1, 7)
counts = st.integers(1, 3)


@pytest.mark.parametrize("make", [pixel, fourier])
@given(h=sizes, w=sizes, c=counts, mix=st.booleans(), seed=seeds)
def test_gradient_in_the_parameters_is_the_finite_difference(make, h, w, c, mix, seed):
    rng = tl.Generator(seed)
    colors = rng.normal((c, c), tl.float64) if mix else None
    low, high = [-1.0, 0, -5][:c], [3.0, 0.5, 2][:c]
    picture = make((2, c, h, w), low, high, colors=colors, rng=rng, dtype=tl.float64)
    assert picture().shape == (2, c, h, w)
    z = rng.normal(picture.parameters[0].shape, tl.float64) / (h * w)
    assert tl.gradcheck(lambda z: replace(picture, parameters=[z])(), z)


@given(h=sizes, w=sizes, seed=seeds)
def test_fourier_gradient_is_the_spectrum_of_the_pictures_gradient(h, w, seed):
    rng = tl.Generator(seed)
    picture = fourier((1, 1, h, w), dtype=tl.float64, decay=2)
    (spectrum,) = picture.parameters
    spectrum.data[...] = rng.normal(spectrum.shape, tl.float64)
    g = rng.normal((1, 1, h, w), tl.float64)
    (found,) = tl.grad(picture.paint(spectrum), spectrum, g)
    c = np.full(w // 2 + 1, 2.0)
    c[0] = 1
    if w % 2 == 0:
        c[-1] = 1
    fy, fx = np.fft.fftfreq(h)[:, None], np.fft.rfftfreq(w)
    wave = np.sqrt(h * w) / np.maximum(np.sqrt(fy**2 + fx**2), 1 / max(h, w))
    closed = wave**2 / np.sqrt(h * w) / max(h, w) * c * np.fft.rfft2(g[0, 0]) / (h * w)
    assert np.allclose(found.data[0, 0], np.stack([closed.real, closed.imag], -1), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("make", [pixel, fourier])
@given(size=sizes, seed=seeds, far=st.sampled_from([0.1, 10.0, 1e4]))
def test_pictures_stay_between_low_and_high_channel_by_channel(make, size, seed, far):
    low, high = [-1.0, 0.2, 3], [1.0, 0.3, 30]
    picture = make((2, 3, size, size), low, high)
    (z,) = picture.parameters
    z.data[...] = far * tl.Generator(seed).normal(z.shape)
    x = picture().data
    assert x.dtype == np.float32
    bottom, top = (np.float32(v)[:, None, None] for v in (low, high))
    assert ((bottom - 1e-5 <= x) & (x <= top + 1e-5)).all()
    for sign, limit in ((-1, bottom), (1, top)):
        z.data[...] = 0
        z.data.reshape(2, 3, -1)[:, :, 0] = sign * 1e4  # a pixel, or the real part of the wave without crests
        assert picture().data[:, :, :1, :1] == pytest.approx(np.broadcast_to(limit, (2, 3, 1, 1)), abs=1e-5)


@pytest.mark.parametrize("make", [pixel, fourier])
def test_parameters_start_small_by_the_seed_and_picture_by_picture(make):
    z = make((400, 1, 5, 4)).parameters[0].data
    assert z.std() == pytest.approx(0.01, rel=0.05)
    assert np.array_equal(z[:3], make((3, 1, 5, 4)).parameters[0].data)
    assert not np.array_equal(z[0], z[1])
    assert not np.array_equal(z, make((400, 1, 5, 4), rng=tl.Generator(1)).parameters[0].data)
    assert make((1, 1, 2, 2), dtype=tl.float64)().dtype == np.float64
    assert make((1, 1, 2, 2))().data == pytest.approx(0.5, abs=0.1)
    assert make(np.array([1, 1, 2, 2]))().shape == (1, 1, 2, 2)


def test_without_another_decay_all_scales_change_alike_and_waves_of_32_pixels_whatever_it_is():
    assert np.array_equal(fourier((1, 1, 6, 5))().data, fourier((1, 1, 6, 5), decay=1)().data)
    wave = np.zeros((1, 1, 64, 33, 2))
    for k in (2, 4):  # 32 pixels from crest to crest, and 16
        wave[...] = 0
        wave[0, 0, 0, k, 0] = 1
        drawn = [fourier((1, 1, 64, 64), decay=d, dtype=tl.float64).paint(tl.Tensor(wave)).data for d in (1, 2, 3)]
        assert np.allclose(drawn[1], drawn[0] * 2 / k)
        assert np.allclose(drawn[2], drawn[0] * (2 / k) ** 2)


@pytest.mark.parametrize("decay", [0, 1, 2])
def test_coarse_waves_move_a_picture_more_than_fine_ones(decay):
    picture = fourier((1, 1, 8, 8), dtype=tl.float64, decay=decay)
    reach = []
    for k in range(5):
        z = np.zeros((1, 1, 8, 5, 2))
        z[0, 0, 0, k, 0] = 1
        reach.append(np.abs(picture.paint(tl.Tensor(z)).data).max() / (1 if k in (0, 4) else 2))
    assert reach == pytest.approx(1 / np.array([1.0, 1, 2, 3, 4]) ** decay)


@pytest.mark.parametrize("decay", [1, 2])
def test_a_wave_of_the_same_length_moves_pictures_of_any_size_alike(decay):
    spread = []
    for size in (32, 64, 128):
        picture = fourier((1, 1, size, size), dtype=tl.float64, decay=decay)
        z = np.zeros((1, 1, size, size // 2 + 1, 2))
        z[0, 0, :, size // 8, :] = tl.Generator(0).normal((size, 2), tl.float64)  # eight pixels from crest to crest
        spread.append(np.std(picture.paint(tl.Tensor(z)).data) * size**0.5)
    assert spread[1:] == pytest.approx([spread[0]] * 2, rel=0.2)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (((1, 8, 8),), "(N, C, H, W)|(1, 8, 8)"),
        (((1, 0, 8, 8),), "at least 1"),
        (((1, 1, 8, 8.0),), "(N, C, H, W)"),
        (((1, 3, 8, 8), [0, 0], 1), "one for each of 3 channels|[0, 0]"),
        ((32,), "(N, C, H, W)|32"),
        (((1, 1, 8, 8), "a"), "low and high are one number|'a'"),
        (((1, 3, 8, 8), np.zeros((1, 3, 8, 8))), "low and high|an array (1, 3, 8, 8)|start="),
        (((1, 1, 8, 8), 1, 1), "low < high|low 1"),
        (((1, 1, 8, 8), 0, np.inf), "finite"),
        (((1, 1, 8, 8), -np.inf, 0), "finite"),
        (((1, 2, 8, 8), [0, 1], 1), "low < high|low [0, 1]"),
        (((1, 3, 8, 8), [0], 1), "one for each of 3 channels|[0]"),
    ],
)
@pytest.mark.parametrize("make", [pixel, fourier, cppn])
def test_wrong_shapes_and_ranges_are_refused(make, arguments, words):
    check_message(lambda: make(*arguments), ValueError, words)


@pytest.mark.parametrize("decay", [np.nan, np.inf, "2", None])
def test_a_decay_is_a_finite_number(decay):
    check_message(lambda: fourier((1, 1, 8, 8), decay=decay), ValueError, f"fourier: decay|usually 1 or 2|{decay!r}")


@pytest.mark.parametrize("make", [pixel, fourier, cppn])
def test_noise_is_drawn_by_a_generator(make):
    check_message(lambda: make((1, 1, 8, 8), rng=3), TypeError, "rng|tl.Generator(7)|got int")


@pytest.mark.parametrize("way", [{"start": "cat.jpg"}, {"colors": "rgb"}])
def test_text_is_no_start_and_no_colours(way):
    check_message(lambda: pixel((1, 3, 8, 8), **way), TypeError, f"{next(iter(way))}: expected|got str")


# --- to begin with a picture -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [pixel, fourier])
@given(h=sizes, w=sizes, c=counts, mix=st.booleans(), decay=st.sampled_from([0, 1, 2]), seed=seeds)
def test_a_start_comes_back(make, h, w, c, mix, decay, seed):
    rng = tl.Generator(seed)
    low, high = np.array([-1.0, 0, 100][:c]), np.array([3.0, 0.5, 200][:c])
    way = {"decay": decay} if make is fourier else {}
    colors = np.eye(c) + 0.2 * rng.uniform((c, c), tl.float64) if mix else None
    share = rng.uniform((2, c, h, w), tl.float64)
    x = low[:, None, None] + share * (high - low)[:, None, None]
    back = make(x.shape, low, high, start=x, colors=colors, dtype=tl.float64, **way)().data
    found = (back - low[:, None, None]) / (high - low)[:, None, None]
    assert np.abs(found - share.clip(0.01, 0.99)).max() <= 1e-9
    again = make(x.shape, low, high, start=tl.Tensor(x.astype(np.float32)), colors=colors, **way)()
    assert again.dtype == np.float32
    assert np.abs(again.data - back).max() <= 1e-3


@pytest.mark.parametrize("make", [pixel, fourier])
def test_a_start_may_reach_low_and_high_and_a_rounding_beyond(make):
    x = np.array([0.0, 1.0, -1e-6, 1 + 1e-6, 0.5]).reshape(1, 1, 1, 5)
    assert make(x.shape, start=x)().data.ravel() == pytest.approx([0.01, 0.99, 0.01, 0.99, 0.5], abs=1e-5)


@pytest.mark.parametrize(
    ("way", "words"),
    [
        ({"start": np.full((1, 3, 4, 4), 0.5)}, "same shape (2, 3, 4, 5)|(1, 3, 4, 4)"),
        ({"start": np.full((2, 3, 5, 4), 0.5)}, "same shape (2, 3, 4, 5)|(2, 3, 5, 4)"),
        ({"start": np.full((2, 3, 4, 5), np.nan)}, "0 … 1 in channel 0|nan|low and high"),
        ({"start": np.full((2, 3, 4, 5), 1.001)}, "0 … 1 in channel 0|1.001"),
        ({"start": np.where(np.arange(120) == 119, -2.0, 0.5).reshape(2, 3, 4, 5)}, "in channel 2|-2.0"),
        ({"start": np.full((2, 3, 4, 5), 0.5), "high": [1, 1, 0.25]}, "0 … 0.25 in channel 2|0.5"),
        ({"start": np.full((2, 3, 4, 5), 0.5), "colors": np.ones((3, 3))}, "colors has no inverse|leave out"),
        ({"colors": np.eye(2)}, "(3, 3)|color_matrix(x)|(2, 2)"),
        ({"colors": 1.0}, "(3, 3)|got ()"),
        ({"colors": np.diag([1, 1, np.inf])}, "(3, 3) of finite numbers|inf"),
        ({"colors": np.zeros((3, 3))}, "not all 0|[[0.0, 0.0, 0.0]"),
    ],
)
@pytest.mark.parametrize("make", [pixel, fourier])
def test_wrong_starts_and_colours_are_refused(make, way, words):
    check_message(lambda: make((2, 3, 4, 5), **way), ValueError, words)


# --- colour ----------------------------------------------------------------------------------------------------------


@given(c=counts, h=sizes, w=sizes, seed=seeds)
def test_mixing_is_the_formula_by_loops_and_its_gradient_the_adjoint(c, h, w, seed):
    rng = tl.Generator(seed)
    matrix, z = rng.normal((c, c), tl.float64), tl.Tensor(rng.normal((2, c, h, w), tl.float64), requires_grad=True)
    found = mixed(matrix, z)
    expected = np.zeros(z.shape)
    for n, i, j, y, x in np.ndindex(2, c, c, h, w):
        expected[n, i, y, x] += matrix[i, j] * z.data[n, j, y, x]
    assert np.allclose(found.data, expected)
    g = rng.normal(z.shape, tl.float64)
    (back,) = tl.grad(found, z, g)
    assert (found.data * g).sum() == pytest.approx((z.data * back.data).sum())
    picture = replace(pixel(z.shape, -1, 3, colors=matrix, dtype=tl.float64), parameters=[z])
    assert np.allclose(picture().data, -1 + 4 / (1 + np.exp(-expected)))


@pytest.mark.parametrize("make", [pixel, fourier])
def test_three_channels_are_mixed_as_in_photographs_unless_told_otherwise(make):
    plain = make((2, 3, 4, 5), colors=np.eye(3), dtype=tl.float64)
    logits = lambda x: np.log(x / (1 - x))
    z, found = logits(plain().data), logits(make((2, 3, 4, 5), dtype=tl.float64)().data)
    lucid = np.array([[0.26, 0.09, 0.02], [0.27, 0, -0.05], [0.27, -0.09, 0.03]])
    lucid /= np.sqrt(0.26**2 + 2 * 0.27**2)
    assert np.allclose(found, np.einsum("ij,njyx->niyx", lucid, z))
    for c in (1, 2, 4):
        assert np.array_equal(make((1, c, 4, 5))().data, make((1, c, 4, 5), colors=np.eye(c))().data)


@pytest.mark.parametrize("make", [pixel, fourier])
def test_mixed_channels_move_as_fast_as_others(make):
    assert make((1, 1, 4, 5)).lr == make((1, 3, 4, 5), colors=np.eye(3)).lr == 0.02
    picture = make((1, 3, 4, 5))
    assert picture.lr * np.abs(PHOTOGRAPHS).max() == pytest.approx(0.02)
    assert make((1, 2, 4, 5), colors=np.array([[-4.0, 1], [0, 2]])).lr == pytest.approx(0.005)


def blobs(covariance, n, seed):
    """Pictures (n, C, 3, 4) whose pixels have exactly this covariance and a mean of their own."""
    z = tl.Generator(seed).normal((len(covariance), n * 12), tl.float64)
    z -= z.mean(1, keepdims=True)
    white = np.linalg.solve(np.linalg.cholesky(np.cov(z)), z)
    x = np.linalg.cholesky(covariance) @ white + np.arange(len(covariance))[:, None]
    return np.moveaxis(x.reshape(-1, n, 3, 4), 0, 1)


@given(seed=seeds, c=st.integers(2, 4))
def test_a_learned_matrix_has_the_covariance_of_the_pictures(seed, c):
    axes = np.linalg.qr(tl.Generator(seed).normal((c, c), tl.float64))[0]
    spread = 3.0 * 0.5 ** np.arange(c)
    x = blobs(axes * spread**2 @ axes.T, 3, seed)
    found = color_matrix(x)
    assert np.allclose(found @ found.T * 9, np.cov(np.moveaxis(x, 1, 0).reshape(c, -1)))
    assert np.allclose(np.linalg.norm(found, axis=0), spread / 3)  # the longest first
    for column in found.T:
        assert next(v for v in column if abs(v) >= abs(column).max() / 2) > 0
    assert np.allclose(color_matrix(x[::-1] * 7 + 1), found)
    single = color_matrix(x.astype(np.float32))
    assert single.dtype == np.float32
    assert np.allclose(single, found, atol=1e-3)


def test_the_learned_sign_does_not_hang_on_a_near_tie():
    for off in (1e-9, 0, -1e-9):  # blue to red, whose largest numbers are as large
        column = np.array([1 + off, 0, -1 + off])
        x = blobs(np.outer(column, column) + np.diag([0.1, 0.1, 0.1]), 3, 1)
        assert np.allclose(color_matrix(x)[:, 0], [0.5**0.5, 0, -(0.5**0.5)], atol=1e-6)


def test_grey_pictures_in_three_channels_give_a_matrix_with_an_inverse():
    grey = tl.Generator(2).uniform((4, 1, 5, 5), tl.float64).repeat(3, 1)
    found = color_matrix(grey)
    assert np.allclose(found[:, 0], 3**-0.5)
    assert np.allclose(np.linalg.norm(found, axis=0), [1, 0.01, 0.01])
    assert pixel(grey.shape, start=grey, colors=found)().data == pytest.approx(grey.clip(0.01, 0.99), abs=1e-4)
    assert np.allclose(color_matrix(grey[:, :1]), [[1]])
    whole = color_matrix((grey * 255).astype(np.uint8))
    assert whole.dtype == np.float32
    assert np.allclose(whole[:, 0], 3**-0.5)


@pytest.mark.parametrize(
    ("x", "words"),
    [
        (np.zeros((1, 3, 1, 1)), "two pixels|(1, 3, 1, 1)"),
        (np.zeros((3, 8, 8)), "(N, C, H, W)|(3, 8, 8)"),
        (np.zeros((1, 0, 8, 8)), "(1, 0, 8, 8)"),
        (np.full((1, 3, 8, 8), np.nan), "NaN or infinite"),
        (np.full((5, 3, 8, 8), 0.1), "all pixels are the same"),
    ],
)
def test_pictures_that_say_nothing_of_colour_are_refused(x, words):
    check_message(lambda: color_matrix(x), ValueError, words)


def test_an_empty_set_of_pictures_is_refused():
    check_message(lambda: color_matrix(np.zeros((0, 3, 8, 8))), ValueError, "color_matrix|(0, 3, 8, 8)")


# --- a net that draws ------------------------------------------------------------------------------------------------


def by_loops(parameters, n, x, y):
    """What the net of picture n gives for a place, before it is squeezed."""
    z = np.array([x, y])
    for weight, bias in zip(parameters[:-2:2], parameters[1:-2:2]):
        u = np.tanh(weight.data[n] @ z + bias.data[n, :, 0])
        z = np.concatenate([u / 0.63, (u**2 - 0.39) / 0.31])
    return parameters[-2].data[n] @ z + parameters[-1].data[n, :, 0]


@given(h=sizes, w=sizes, c=counts, seed=seeds)
def test_a_cppn_is_its_formula_place_by_place(h, w, c, seed):
    low, high = np.array([-1.0, 0, -5][:c]), np.array([3.0, 0.5, 2][:c])
    picture = cppn((2, c, h, w), low, high, rng=tl.Generator(seed), dtype=tl.float64)
    x = picture().data
    assert x.shape == (2, c, h, w)
    assert ((low[:, None, None] < x) & (x < high[:, None, None])).all()
    longer = max(h, w)
    for n, p, q in np.ndindex(2, h, w):
        place = (np.sqrt(3) * (2 * q + 1 - w) / longer, np.sqrt(3) * (2 * p + 1 - h) / longer)
        expected = low + (high - low) / (1 + np.exp(-by_loops(picture.parameters, n, *place)))
        assert np.allclose(x[n, :, p, q], expected)


def test_gradients_of_a_cppn_are_finite_differences():
    picture = cppn((2, 2, 3, 2), -1, 2, rng=tl.Generator(4), dtype=tl.float64)
    for k in (0, 1, 6, 7, 16, 17):  # weights and biases of the first layer, one between and the last
        at = lambda p, k=k: replace(picture, parameters=[*picture.parameters[:k], p, *picture.parameters[k + 1 :]])()
        assert tl.gradcheck(at, picture.parameters[k].data)


@given(h=sizes, w=sizes, seed=seeds)
def test_the_same_net_draws_the_same_picture_at_every_size(h, w, seed):
    small = cppn((2, 3, h, w), rng=tl.Generator(seed), dtype=tl.float64)
    large = cppn((2, 3, 3 * h, 3 * w), parameters=small.parameters)
    assert np.allclose(large().data[:, :, 1::3, 1::3], small().data)  # every third centre is one of the small picture
    small.parameters[0].data *= 2
    assert np.allclose(large().data[:, :, 1::3, 1::3], small().data)


def test_a_cppn_begins_smooth_and_not_flat_by_the_seed_and_picture_by_picture():
    x = cppn((4, 3, 48, 48))().data
    assert x.dtype == np.float32
    assert 0.02 < x.std((2, 3)).mean() < 0.2
    assert np.abs(np.diff(x, axis=3)).mean() < 0.3 * x.std((2, 3)).mean()
    few = cppn((3, 3, 48, 48))
    assert np.allclose(few().data, x[:3], atol=1e-6)
    assert not np.allclose(x[0], x[1], atol=0.01)
    assert not np.allclose(cppn((3, 3, 48, 48), rng=tl.Generator(1))().data, x[:3], atol=0.01)
    assert all(p.requires_grad and len(p) == 3 for p in few.parameters)
    assert cppn((1, 1, 2, 3), dtype=tl.float64)().dtype == np.float64


def test_a_cppn_begins_with_weights_and_biases_of_known_spread_and_shares_what_it_is_given():
    picture = cppn((400, 2, 3, 4), dtype=tl.float64)
    weights, biases = picture.parameters[::2], picture.parameters[1::2]
    assert len(weights) == len(biases) == 9
    for weight, gain in zip(weights, [0.8] * 8 + [0.5]):
        assert weight.data.std() == pytest.approx(gain / weight.shape[2] ** 0.5, rel=0.05)
    for bias in biases:
        assert bias.data.std() == pytest.approx(0.1, rel=0.1)
    again = cppn((400, 2, 3, 4), parameters=tuple(picture.parameters))
    assert all(a is b for a, b in zip(again.parameters, picture.parameters))
    assert np.array_equal(again().data, picture().data)


@pytest.mark.parametrize(
    ("shape", "parameters", "words"),
    [
        ((1, 3, 4, 4), cppn((2, 3, 4, 4)).parameters, "18 parameters|1 pictures of 3 channels|(2, 24, 2)"),
        ((2, 1, 4, 4), cppn((2, 3, 4, 4)).parameters, "2 pictures of 1 channels|(2, 3, 1)"),
        ((1, 1, 4, 4), [], "18 parameters|got 0: none"),
        ((1, 1, 4, 4), pixel((1, 1, 4, 4)).parameters, "got 1|(1, 1, 4, 4)"),
    ],
)
def test_parameters_that_do_not_fit_are_refused(shape, parameters, words):
    check_message(lambda: cppn(shape, parameters=parameters), ValueError, "cppn|" + words)


def test_a_parametrisation_is_not_its_parameters():
    check_message(
        lambda: cppn((1, 3, 4, 4), parameters=cppn((1, 3, 2, 2))), TypeError, "small.parameters|Parametrisation"
    )
