"""SmoothGrad and integrated gradients: their formulas by loops without autograd, and what must hold exactly."""

from functools import partial

import numpy as np
import pytest
from explained import (
    CLASSES,
    Folded,
    folded_average,
    linear_net,
    logit_slope,
    logits,
    pictures,
    state_of,
    without_biases,
)
from hypothesis import given
from hypothesis import strategies as st
from words import check_message

import tinylucid as tl
from tinylucid.explain import completeness_gap, grad_cam, gradient, integrated_gradients, smoothgrad
from tinylucid.explain.noise import noisy_maps

seeds = st.integers(0, 10**6)
each_net = pytest.mark.parametrize("make", [linear_net, Folded, folded_average])
methods = pytest.mark.parametrize("method", [smoothgrad, integrated_gradients])


def close(a, b):
    return np.allclose(a, b, rtol=1e-10, atol=1e-12)


def smooth_net(rng):
    """Convolution, tanh, pooling, tanh, dense: without a kink, so that quadrature converges fast."""
    layers = [tl.nn.Conv2d(2, 3, 3), tl.nn.Tanh(), tl.nn.AvgPool2d(2), tl.nn.Tanh(), tl.nn.Flatten()]
    net = tl.nn.Sequential(*layers, tl.nn.Linear(12, CLASSES)).to(tl.float64)
    for p in net.parameters():
        tl.nn.init.normal_(p, std=0.4, rng=rng)
    return net


# --- both -------------------------------------------------------------------------------------------------------------


@methods
@given(seed=seeds, batch_size=st.integers(1, 20))
def test_a_row_of_a_batch_is_the_single_run_whatever_the_batch_size(method, seed, batch_size):
    rng = tl.Generator(seed)
    net, x, target = Folded(rng), pictures(rng, 3), rng.integers(0, CLASSES, (3,))
    maps = method(net, x, target, batch_size=batch_size)
    assert maps.shape == x.shape
    assert close(maps[2:], method(net, x[2:], target[2]))


@methods
def test_a_function_that_knows_each_picture_sees_them_in_order(method):
    rng = tl.Generator(1)
    net, x, mask = tl.nn.Conv2d(2, 3, 3).to(tl.float64), pictures(rng, 3), rng.uniform((3, 4, 4), tl.float64)
    maps = method(net, x, lambda z: (z[:, 1] * mask).sum((1, 2)), batch_size=64)
    for k in range(3):
        assert close(maps[k : k + 1], method(net, x[k : k + 1], lambda z, k=k: (z[:, 1] * mask[k]).sum((1, 2))))


@methods
def test_float32_stays_float32_and_is_close_to_float64(method):
    rng = tl.Generator(2)
    net, x = Folded(rng), pictures(rng, 2).astype(np.float32)
    exact = method(net, x.astype(np.float64), 1)
    maps = method(net.to(tl.float32), x, 1)
    assert maps.dtype == np.float32
    assert np.abs(maps - exact).max() < 1e-4 * np.abs(exact).max() + 1e-5


@methods
def test_nothing_about_the_model_or_chance_changes(method):
    rng = tl.Generator(3)
    net, x = Folded(rng), pictures(rng)
    net.norm.eval()
    net(tl.Tensor(x)).sum().backward()
    before, kept = state_of(net), x.copy()
    maps = method(net, x, 1)
    with pytest.raises(ValueError, match="outside"):
        method(net, x, 9)
    with tl.no_grad():
        assert np.array_equal(maps, method(net.requires_grad_(False), x, 1))
    assert state_of(net) == before
    assert np.array_equal(x, kept)


@methods
def test_no_picture_is_no_map(method):
    for target in (1, lambda z: z[:, 1] - z[:, 0]):
        assert method(Folded(tl.Generator(0)), np.zeros((0, 2, 6, 6)), target).shape == (0, 2, 6, 6)


# --- SmoothGrad -------------------------------------------------------------------------------------------------------


@given(seed=seeds, n=st.integers(1, 30), level=st.floats(0, 1))
def test_on_a_linear_net_smoothgrad_is_the_gradient(seed, n, level):
    rng = tl.Generator(seed)
    net, x = linear_net(rng), pictures(rng)
    assert close(smoothgrad(net, x, 2, n=n, level=level), gradient(net, x, 2))
    assert noisy_maps(net, x, 2, gradient, n, level, None, 64).var(0).max() < 1e-25  # VarGrad


@pytest.mark.parametrize("make", [Folded, folded_average])
@given(seed=seeds)
def test_smoothgrad_is_the_loop_of_its_formula(make, seed):
    rng, n = tl.Generator(seed), 3
    net, x, target = make(rng), pictures(rng) * [[[[1]]], [[[5]]]], rng.integers(0, CLASSES, (2,))  # of unlike ranges
    noise = tl.Generator(seed)
    expected = np.zeros_like(x)
    for _ in range(n):
        epsilon = noise.normal((2, 6, 6), tl.float64)
        for i in range(2):
            sigma = 0.3 * (x[i].max() - x[i].min())
            expected[i] += logit_slope(net, x[i] + sigma * epsilon, target[i]) / n
    maps = smoothgrad(net, x, target, n=n, level=0.3, rng=tl.Generator(seed))
    assert maps == pytest.approx(expected, abs=1e-7)


def test_the_noise_has_the_level_that_is_asked_for():
    x = np.zeros((2, 2, 6, 6))
    x[0, 0, 0, 0], x[1, 1, 3, 3] = 4, -10  # ranges 4 and 10
    square = lambda x: (x**2).sum((1, 2, 3))[:, None]  # whose gradient is 2x
    noise = noisy_maps(square, x, 0, gradient, 400, 0.25, tl.Generator(0), 64) / 2 - x
    assert noise.std((0, 2, 3, 4)) == pytest.approx([1, 2.5], rel=0.02)
    assert abs(noise[:, 0].mean()) < 0.02


def test_the_same_seed_gives_the_same_map_and_another_one_another():
    rng = tl.Generator(4)
    net, x = Folded(rng), pictures(rng)
    maps = smoothgrad(net, x, 1, rng=tl.Generator(5))
    assert np.array_equal(maps, smoothgrad(net, x, 1, rng=tl.Generator(5)))
    assert not np.array_equal(maps, smoothgrad(net, x, 1, rng=tl.Generator(6)))
    assert np.array_equal(smoothgrad(net, x, 1), smoothgrad(net, x, 1, rng=tl.Generator(0)))
    assert close(smoothgrad(net, x, 1, level=0), gradient(net, x, 1))


def test_smoothgrad_wraps_any_method():
    rng = tl.Generator(7)
    net, x = linear_net(rng), pictures(rng)
    few = partial(integrated_gradients, steps=2)
    noise = tl.Generator(8).normal((2, 6, 6), tl.float64) * 0.15 * np.ptp(x, (1, 2, 3), keepdims=True)
    assert close(
        smoothgrad(net, x, 1, method=few, n=1, rng=tl.Generator(8)),
        (x + noise) * net[1].weight.data[1].reshape(2, 6, 6),
    )
    cams = smoothgrad(Folded(rng), x, [1, 2], method=partial(grad_cam, layer="conv", relu=False), n=3)
    assert cams.shape == (2, 6, 6)


# --- integrated gradients ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [Folded, folded_average])
@given(seed=seeds)
def test_integrated_gradients_are_the_loop_of_their_formula(make, seed):
    rng = tl.Generator(seed)
    net, x, b, target = make(rng), pictures(rng), pictures(rng), rng.integers(0, CLASSES, (2,))
    root = np.sqrt(3 / 5)  # the rule of three points, from a table
    rule = [((1 - root) / 2, 5 / 18), (1 / 2, 8 / 18), ((1 + root) / 2, 5 / 18)]
    expected = np.zeros_like(x)
    for i in range(2):
        for alpha, weight in rule:
            expected[i] += weight * (x[i] - b[i]) * logit_slope(net, b[i] + alpha * (x[i] - b[i]), target[i])
    maps = integrated_gradients(net, x, target, baseline=b, steps=3)
    assert maps == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("make", [linear_net, smooth_net])
@given(seed=seeds)
def test_they_sum_to_the_change_of_the_answer(make, seed):
    rng = tl.Generator(seed)
    net, x, b = make(rng), pictures(rng), pictures(rng, 1)[0]
    maps = integrated_gradients(net, x, [1, 3], baseline=b, steps=64)
    change = logits(net, x)[[0, 1], [1, 3]] - logits(net, b[None])[0, [1, 3]]
    assert maps.sum((1, 2, 3)) == pytest.approx(change, abs=1e-7)
    assert completeness_gap(net, x, maps, [1, 3], b) == pytest.approx([0, 0], abs=1e-7)


@given(seed=seeds)
def test_kinks_leave_a_gap_that_more_points_close(seed):
    rng = tl.Generator(seed)
    net, x = Folded(rng), pictures(rng, 6)
    few, many = (
        np.abs(completeness_gap(net, x, integrated_gradients(net, x, 1, steps=steps, batch_size=200), 1)).mean()
        for steps in (2, 128)
    )
    assert many < few / 4 + 1e-3  # a net whose ReLUs are all off has no gap at all


@given(seed=seeds, steps=st.integers(1, 5))
def test_n_points_are_exact_up_to_degree_2n_minus_1(seed, steps):
    rng = tl.Generator(seed)
    w, x, b = rng.normal((3, 4), tl.float64)
    x, b = np.stack([x, -x]), np.stack([b, b / 2])
    power = lambda p: lambda x: ((x * w).sum(1) ** p)[:, None]  # its gradient has degree p − 1 along the path
    for p in range(1, 2 * steps + 1):
        maps = integrated_gradients(power(p), x, 0, baseline=b, steps=steps)
        u, v = x @ w, b @ w
        expected = w * (x - b) * ((u**p - v**p) / (u - v))[:, None]
        assert maps == pytest.approx(expected, rel=1e-9, abs=1e-9 * np.abs(expected).max())
    beyond = 2 * steps + 1
    gap = completeness_gap(power(beyond), x, integrated_gradients(power(beyond), x, 0, baseline=b, steps=steps), 0, b)
    error = np.prod(np.arange(1.0, steps + 1)) ** 4 / ((beyond) * np.prod(np.arange(1.0, 2 * steps + 1)) ** 2)
    assert gap == pytest.approx(
        -beyond * error * (u - v) ** beyond, rel=1e-5, abs=1e-9 * np.abs(u**beyond - v**beyond).max()
    )


@each_net
@given(seed=seeds)
def test_the_way_back_is_the_way_there_with_the_other_sign(make, seed):
    rng = tl.Generator(seed)
    net, x, b = make(rng), pictures(rng), pictures(rng)
    there, back = integrated_gradients(net, x, 2, baseline=b), integrated_gradients(net, b, 2, baseline=x)
    assert np.allclose(there, -back, rtol=1e-9, atol=1e-11)


@given(seed=seeds)
def test_the_same_function_written_otherwise_has_the_same_map(seed):
    """Hidden planes in another order and of another scale, undone by the next layer; one dense layer as two."""
    rng = tl.Generator(seed)
    net, other, x = Folded(rng), Folded(rng), pictures(rng)
    order, scale = rng.permutation(3), np.exp(rng.normal((3,), tl.float64))
    state = {name: t.data.copy() for name, t in net.state_dict().items()}
    for name in (
        "conv.weight",
        "conv.bias",
        "norm.running_mean",
        "norm.running_var",
        "norm.weight",
        "norm.bias",
        "shift",
    ):
        state[name] = state[name][order]
    for name in ("norm.weight", "norm.bias", "shift"):  # ReLU and max are homogeneous
        state[name] = (state[name].T * scale).T
    dense = state["dense.weight"].reshape(CLASSES, 3, 9)[:, order] / scale[:, None]
    state["dense.weight"] = dense.reshape(CLASSES, 27)
    other.load_state_dict(state)
    a, b = tl.nn.Linear(27, CLASSES), tl.nn.Linear(CLASSES, CLASSES)
    mix = rng.normal((CLASSES, CLASSES), tl.float64)
    other.dense = tl.nn.Sequential(a, b).to(tl.float64)
    a.weight.data[...], a.bias.data[...] = mix @ state["dense.weight"], mix @ state["dense.bias"]
    b.weight.data[...], b.bias.data[...] = np.linalg.inv(mix), 0
    assert np.allclose(logits(net, x), logits(other, x), atol=1e-8)
    maps = integrated_gradients(net, x, 1, baseline="mean")
    assert maps == pytest.approx(integrated_gradients(other, x, 1, baseline="mean"), abs=1e-6)


@pytest.mark.parametrize("make", [Folded, folded_average])
@given(seed=seeds, steps=st.integers(1, 4))
def test_without_biases_and_from_zero_they_are_gradient_times_input(make, seed, steps):
    rng = tl.Generator(seed)
    net, x = without_biases(make(rng)), pictures(rng)
    maps = integrated_gradients(net, x, 3, steps=steps)
    assert close(maps, x * gradient(net, x, 3))
    assert completeness_gap(net, x, maps, 3) == pytest.approx([0, 0], abs=1e-10)


# --- baselines --------------------------------------------------------------------------------------------------------


def test_baselines_are_numbers_arrays_names_or_a_list_of_them():
    rng = tl.Generator(9)
    net, x = Folded(rng), pictures(rng)
    run = lambda b: integrated_gradients(net, x, 1, baseline=b)
    colour = rng.normal((2, 1, 1), tl.float64)
    assert np.array_equal(run(0.5), run(np.full((2, 2, 6, 6), 0.5)))
    assert np.array_equal(run(colour), run(tl.Tensor(np.broadcast_to(colour, x.shape))))
    means = np.array([[x[i, c].sum() / 36 for c in range(2)] for i in range(2)])[:, :, None, None]
    assert close(run("mean"), run(means))
    assert np.array_equal(run(0), integrated_gradients(net, x, 1))
    several = [0, colour, "mean", "blur"]
    maps = run(several)
    assert close(maps, sum(map(run, several)) / 4)
    gaps = [completeness_gap(net, x, run(b), 1, b) for b in several]
    assert close(completeness_gap(net, x, maps, 1, several), sum(gaps) / 4)


def test_blur_is_a_gaussian_of_an_eighth_of_the_shorter_side_with_edges_continued():
    rng = tl.Generator(10)
    x = rng.normal((2, 2, 8, 12), tl.float64)
    seen = []
    integrated_gradients(lambda x: (seen.append(x.data), x.sum((2, 3)))[1], x, 1, baseline="blur", steps=1)
    b = 2 * seen[0] - x  # the one point is the middle of the way
    weights = np.exp(-(np.arange(-4, 5) ** 2) / 2)
    weights /= weights.sum()
    expected = np.zeros_like(x)
    for i in range(8):
        for j in range(12):
            for p in range(-4, 5):
                for q in range(-4, 5):
                    near = x[:, :, min(max(i + p, 0), 7), min(max(j + q, 0), 11)]
                    expected[:, :, i, j] += weights[p + 4] * weights[q + 4] * near
    assert b == pytest.approx(expected, abs=1e-12)


def test_the_gap_is_what_is_missing():
    rng = tl.Generator(11)
    net, x = Folded(rng), pictures(rng)
    gap = completeness_gap(net, x, x, lambda z: z[:, 1] - z[:, 0], "mean")
    z, z_mean = logits(net, x), logits(net, np.broadcast_to(x.mean((2, 3), keepdims=True), x.shape))
    assert gap == pytest.approx(x.sum((1, 2, 3)) - ((z - z_mean)[:, 1] - (z - z_mean)[:, 0]), rel=1e-12)
    assert completeness_gap(net.to(tl.float32), x.astype(np.float32), x.astype(np.float32), 1).dtype == np.float32


# --- messages ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda net, x: smoothgrad(net, x, 1, n=0), ValueError, "smoothgrad: n must be|at least 1|got 0"),
        (lambda net, x: smoothgrad(net, x, 1, n=2.5), ValueError, "smoothgrad: n must be|got 2.5"),
        (lambda net, x: smoothgrad(net, x, 1, level=-0.1), ValueError, "level must be at least 0|got -0.1"),
        (lambda net, x: smoothgrad(net, x, 1, level=float("nan")), ValueError, "level must be|got nan"),
        (lambda net, x: smoothgrad(net, x, 1, batch_size=0), ValueError, "batch_size must be|got 0"),
        (lambda net, x: smoothgrad(net, x, [1, 2]), ValueError, "one for each of the 3 pictures|int64 of shape (2,)"),
        (lambda net, x: smoothgrad(net, x.astype(int), 1), TypeError, "only float32 and float64|int64"),
        (lambda net, x: integrated_gradients(net, x, 1, steps=0), ValueError, "steps must be|at least 1|got 0"),
        (lambda net, x: integrated_gradients(net, x, 1, batch_size=-1), ValueError, "batch_size must be|got -1"),
        (lambda net, x: integrated_gradients(net, x, 1, baseline="grey"), ValueError, "mean, blur|got 'grey'"),
        (lambda net, x: integrated_gradients(net, x, 1, baseline=[]), ValueError, "list of baselines is empty"),
        (lambda net, x: integrated_gradients(net, x, 1, baseline=None), TypeError, "a number, an array|got NoneType"),
        (lambda net, x: integrated_gradients(net, x, 1, baseline=np.zeros(5)), ValueError, "(5,)|(3, 2, 6, 6)"),
        (lambda net, x: integrated_gradients(net, x, 1, baseline=np.zeros((1, 3, 2, 6, 6))), ValueError, "broadcast"),
        (lambda net, x: integrated_gradients(net, x[:, 0, 0], 1, baseline="blur"), ValueError, "(N, C, H, W)|(3, 6)"),
        (lambda net, x: integrated_gradients(net, x, 4), ValueError, "target 4 is outside 0 … 3"),
        (lambda net, x: completeness_gap(net, x, x[:2], 1), ValueError, "(3, 2, 6, 6)|(2, 2, 6, 6)"),
        (lambda net, x: completeness_gap(net, x, x, -1), ValueError, "target -1 is outside"),
    ],
)
def test_misuse_has_messages(call, error, words):
    check_message(lambda: call(linear_net(tl.Generator(0)), np.zeros((3, 2, 6, 6))), error, words)
