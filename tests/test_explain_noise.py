"""SmoothGrad, SmoothGrad² and VarGrad: their formulas by loops without autograd, and what must hold exactly."""

from functools import partial

import numpy as np
import pytest
from explained import CLASSES, Folded, folded_average, linear_net, logit_slope, pictures
from hypothesis import given
from hypothesis import strategies as st
from words import check_message

import tinylucid as tl
from tinylucid.explain import grad_cam, gradient, integrated_gradients, smoothgrad, smoothgrad_squared, vargrad
from tinylucid.explain import noise as room
from tinylucid.explain.noise import mean_and_variance, noisy_maps

seeds = st.integers(0, 10**6)
methods = pytest.mark.parametrize("method", [smoothgrad, smoothgrad_squared, vargrad])


def close(a, b):
    return np.allclose(a, b, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("make", [Folded, folded_average])
@given(seed=seeds)
def test_each_is_the_loop_of_its_formula(make, seed):
    rng, n = tl.Generator(seed), 3
    net, x, target = make(rng), pictures(rng) * [[[[1]]], [[[5]]]], rng.integers(0, CLASSES, (2,))  # of unlike ranges
    noise = tl.Generator(seed).normal((n, 2, 6, 6), tl.float64)
    slopes = np.zeros((n, *x.shape))
    for k in range(n):
        for i in range(2):
            sigma = 0.3 * (x[i].max() - x[i].min())
            slopes[k, i] = logit_slope(net, x[i] + sigma * noise[k], target[i])
    run = lambda method: method(net, x, target, n=n, level=0.3, rng=tl.Generator(seed))
    mean = (slopes[0] + slopes[1] + slopes[2]) / 3
    assert run(smoothgrad) == pytest.approx(mean, abs=1e-7)
    assert run(smoothgrad_squared) == pytest.approx(sum(s * s for s in slopes) / 3, rel=1e-6, abs=1e-7)
    assert run(vargrad) == pytest.approx(sum((s - mean) ** 2 for s in slopes) / 3, rel=1e-6, abs=1e-7)


@given(seed=seeds, n=st.integers(1, 30), level=st.floats(0, 1))
def test_on_a_linear_net_smoothgrad_is_the_gradient_and_vargrad_is_0(seed, n, level):
    rng = tl.Generator(seed)
    net, x = linear_net(rng), pictures(rng)
    w = net[1].weight.data[2].reshape(2, 6, 6)
    assert close(smoothgrad(net, x, 2, n=n, level=level), np.stack([w, w]))
    assert close(smoothgrad_squared(net, x, 2, n=n, level=level), np.stack([w**2, w**2]))
    variance = vargrad(net, x, 2, n=n, level=level)
    assert variance.shape == x.shape
    assert variance.max() < 1e-25


@pytest.mark.parametrize("make", [linear_net, Folded, folded_average])
@given(seed=seeds, n=st.integers(1, 9))
def test_the_mean_square_is_the_square_of_the_mean_and_the_variance(make, seed, n):
    rng = tl.Generator(seed)
    net, x = make(rng), pictures(rng)
    mean, square, variance = (m(net, x, 1, n=n) for m in (smoothgrad, smoothgrad_squared, vargrad))
    assert close(square, mean**2 + variance)
    assert variance.min() >= 0
    assert n > 1 or not variance.any()


def test_a_variance_that_is_small_beside_the_mean_keeps_its_digits():
    maps = np.array([[1e4, 0], [1e4 + 1, 3], [1e4 + 2, 6]], np.float32)  # 1e8 has no room for ⅔ in float32
    mean, variance = mean_and_variance(maps)
    assert mean.tolist() == [10001, 3]
    assert variance == pytest.approx([2 / 3, 6], rel=1e-6)
    assert (mean.dtype, variance.dtype) == (np.float32, np.float32)


@methods
def test_only_as_many_maps_as_a_pass_holds_are_held(method):
    seen = []

    def counted(model, x, target):
        seen.append(len(x))
        return x

    assert method(linear_net(tl.Generator(0)), np.zeros((3, 2, 6, 6)), 1, method=counted, n=5, batch_size=7).shape
    assert seen == [6, 6, 3]  # whole versions of three pictures


def test_no_map_is_kept_that_has_been_counted():
    import weakref

    alive = []

    def maps():
        for k in range(4):
            assert sum(ref() is not None for ref in alive) <= 1  # the one being counted
            m = np.full(3, float(k))
            alive.append(weakref.ref(m))
            yield m

    assert mean_and_variance(maps())[0].tolist() == [1.5] * 3


def test_the_noise_has_the_level_that_is_asked_for():
    x = np.zeros((2, 2, 6, 6))
    x[0, 0, 0, 0], x[1, 1, 3, 3] = 4, -10  # ranges 4 and 10
    square = lambda x: (x**2).sum((1, 2, 3))[:, None]  # whose gradient is 2x
    noise = np.stack(list(noisy_maps(square, x, 0, gradient, 400, 0.25, tl.Generator(0), 64))) / 2 - x
    assert noise.std((0, 2, 3, 4)) == pytest.approx([1, 2.5], rel=0.02)
    assert abs(noise[:, 0].mean()) < 0.02
    spread = vargrad(square, x, 0, n=400, level=0.25)  # the variance of 2(x + σε)
    assert spread.mean((1, 2, 3)) == pytest.approx([4 * 1, 4 * 2.5**2], rel=0.05)


@methods
def test_the_same_seed_gives_the_same_map_and_another_one_another(method):
    rng = tl.Generator(4)
    net, x = Folded(rng), pictures(rng)
    maps = method(net, x, 1, rng=tl.Generator(5))
    assert np.array_equal(maps, method(net, x, 1, rng=tl.Generator(5)))
    assert not np.array_equal(maps, method(net, x, 1, rng=tl.Generator(6)))
    assert np.array_equal(method(net, x, 1), method(net, x, 1, rng=tl.Generator(0)))


def test_without_noise_they_are_the_gradient_its_square_and_0():
    rng = tl.Generator(4)
    net, x = Folded(rng), pictures(rng)
    g = gradient(net, x, 1)
    expected = {smoothgrad: g, smoothgrad_squared: g**2, vargrad: 0 * g}
    for method, maps in expected.items():
        assert close(method(net, x, 1, level=0), maps)
        assert close(method(net, np.full_like(x, 0.5), 1), method(net, np.full_like(x, 0.5), 1, level=0))  # no range


@methods
def test_they_wrap_any_method(method):
    rng = tl.Generator(7)
    net, x = linear_net(rng), pictures(rng)
    few = partial(integrated_gradients, steps=2)
    draws, share = tl.Generator(8).normal((3, 2, 6, 6), tl.float64), 0.15 * np.ptp(x, (1, 2, 3), keepdims=True)
    w = net[1].weight.data[1].reshape(2, 6, 6)
    maps = np.stack([(x + epsilon * share) * w for epsilon in draws])
    expected = {smoothgrad: maps.mean(0), smoothgrad_squared: (maps**2).mean(0), vargrad: maps.var(0)}[method]
    assert close(method(net, x, 1, method=few, n=3, rng=tl.Generator(8)), expected)
    cams = method(Folded(rng), x, [1, 2], method=partial(grad_cam, layer="conv", relu=False), n=3)
    assert cams.shape == (2, 6, 6)


@methods
@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda m, net, x: m(net, x, 1, n=0), ValueError, "explain: n, the number of noisy versions, must|got 0"),
        (lambda m, net, x: m(net, x, 1, n=2.5), ValueError, "whole number of at least 1|got 2.5"),
        (lambda m, net, x: m(net, x, 1, level=-0.1), ValueError, "level must be at least 0|got -0.1"),
        (lambda m, net, x: m(net, x, 1, level=float("nan")), ValueError, "level must be|got nan"),
        (lambda m, net, x: m(net, x, 1, batch_size=0), ValueError, "batch_size must be|got 0"),
        (lambda m, net, x: m(net, x, [1, 2]), ValueError, "one for each of the 3 pictures|int64 of shape (2,)"),
        (lambda m, net, x: m(net, x, 4), ValueError, "target 4 is outside 0 … 3"),
        (lambda m, net, x: m(net, x.astype(int), 1), TypeError, "only float32 and float64|int64"),
    ],
)
def test_misuse_has_messages(method, call, error, words):
    message = check_message(lambda: call(method, linear_net(tl.Generator(0)), np.zeros((3, 2, 6, 6))), error, words)
    assert len(message.splitlines()) == 1


def test_noise_of_many_versions_is_drawn_in_blocks(monkeypatch):
    rng = tl.Generator(20)
    net, x = linear_net(rng), pictures(rng)
    monkeypatch.setattr(room, "BLOCK", 200)  # two versions of 72 numbers each
    seen = []
    smoothgrad(lambda x: (seen.append(x.data), net(x))[1], x, 1, n=5, level=0.3, rng=tl.Generator(3), batch_size=2)
    draws = tl.Generator(3)
    epsilon = np.concatenate([draws.normal((k, 2, 6, 6), tl.float64) for k in (2, 2, 1)])
    assert len(seen) == 5
    for k in range(5):
        assert close(seen[k], x + 0.3 * np.ptp(x, (1, 2, 3), keepdims=True) * epsilon[k])
