"""Integrated and expected gradients: their formulas by loops without autograd, and what must hold exactly.

And what holds for all methods that sweep over versions of a picture, those that add noise included.
"""

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
from tinylucid.explain import (
    completeness_gap,
    expected_gradients,
    gradient,
    integrated_gradients,
    smoothgrad,
    smoothgrad_squared,
    vargrad,
)

seeds = st.integers(0, 10**6)
each_net = pytest.mark.parametrize("make", [linear_net, Folded, folded_average])


def expected(net, x, target, **keywords):
    """Expected gradients over five backgrounds, in x's dtype, that anyone can draw again."""
    background = pictures(tl.Generator(77), 5).astype(x.dtype)
    return expected_gradients(net, x, target, background=background, n=10, **keywords)


methods = pytest.mark.parametrize(
    "method", [smoothgrad, smoothgrad_squared, vargrad, integrated_gradients, expected], ids=lambda m: m.__name__
)


def close(a, b):
    return np.allclose(a, b, rtol=1e-10, atol=1e-12)


def smooth_net(rng):
    """Convolution, tanh, pooling, tanh, dense: without a kink, so that quadrature converges fast."""
    layers = [tl.nn.Conv2d(2, 3, 3), tl.nn.Tanh(), tl.nn.AvgPool2d(2), tl.nn.Tanh(), tl.nn.Flatten()]
    net = tl.nn.Sequential(*layers, tl.nn.Linear(12, CLASSES)).to(tl.float64)
    for p in net.parameters():
        tl.nn.init.normal_(p, std=0.4, rng=rng)
    return net


# --- all that sweep -------------------------------------------------------------------------------------------------------------


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


# --- expected gradients ---


def draws(n, m, seed):
    """The baselines' numbers and the α of n terms, as the docstring says: no b again before all, one α in each n-th."""
    rng, numbers = tl.Generator(seed), []
    while len(numbers) < n:
        numbers += rng.permutation(m).tolist()
    return numbers[:n], [(k + u) / n for k, u in enumerate(rng.uniform((n,), tl.float64))]


@pytest.mark.parametrize("make", [Folded, folded_average])
@given(seed=seeds, n=st.integers(1, 4), m=st.integers(1, 3))
def test_expected_gradients_are_the_loop_of_their_formula(make, seed, n, m):
    rng = tl.Generator(seed)
    net, x, others, target = make(rng), pictures(rng), pictures(rng, m), rng.integers(0, CLASSES, (2,))
    looped = np.zeros_like(x)
    for k, alpha in zip(*draws(n, m, seed)):
        for i in range(2):
            path = others[k] + alpha * (x[i] - others[k])
            looped[i] += (x[i] - others[k]) * logit_slope(net, path, target[i]) / n
    maps = expected_gradients(net, x, target, background=others, n=n, rng=tl.Generator(seed))
    assert maps == pytest.approx(looped, abs=1e-6)


@given(seed=seeds, m=st.integers(1, 7), times=st.integers(1, 3))
def test_on_a_linear_net_that_meets_each_background_equally_often_they_are_exact(seed, m, times):
    rng = tl.Generator(seed)
    net, x, others = linear_net(rng), pictures(rng), pictures(rng, m)
    maps = expected_gradients(net, x, 2, background=others, n=m * times, rng=rng)
    mean = sum(others) / m
    assert close(maps, (x - mean) * net[1].weight.data[2].reshape(2, 6, 6))
    change = logits(net, x)[:, 2] - logits(net, others)[:, 2].mean()
    assert maps.sum((1, 2, 3)) == pytest.approx(change, rel=1e-9, abs=1e-10)


@given(seed=seeds, n=st.integers(1, 40))
def test_the_gap_on_a_square_is_at_most_what_one_part_of_the_path_can_hide(seed, n):
    """f = (w·x)² and one b: Σ − (f(x) − f(b)) = (u − v)²·(2 mean α − 1), and a mean of stratified α is ½ ± 1/2n."""
    rng = tl.Generator(seed)
    w, x, b = rng.normal((3, 4), tl.float64)
    maps = expected_gradients(lambda x: ((x * w).sum(1) ** 2)[:, None], x[None], 0, background=b[None], n=n, rng=rng)
    u, v = x @ w, b @ w
    gap = maps.sum() - (u**2 - v**2)
    assert abs(gap) <= (u - v) ** 2 / n * (1 + 1e-9) + 1e-12


@pytest.mark.parametrize("make", [Folded, folded_average])
@given(seed=seeds, n=st.integers(1, 5))
def test_without_biases_and_from_black_alone_they_are_gradient_times_input(make, seed, n):
    rng = tl.Generator(seed)
    net, x = without_biases(make(rng)), pictures(rng)
    maps = expected_gradients(net, x, 3, background=np.zeros((1, 2, 6, 6)), n=n, rng=rng)
    assert close(maps, x * gradient(net, x, 3))


@given(seed=seeds)
def test_more_draws_come_nearer_to_the_mean_change_of_the_answer(seed):
    rng = tl.Generator(seed)
    net, x, others = smooth_net(rng), pictures(rng, 6), pictures(rng, 4)
    change = logits(net, x)[:, 1] - logits(net, others)[:, 1].mean()
    few, many = (
        np.abs(expected_gradients(net, x, 1, background=others, n=n, rng=rng).sum((1, 2, 3)) - change).mean()
        for n in (4, 400)
    )
    assert many < few / 2


def test_expected_gradients_of_all_backgrounds_approach_the_mean_of_integrated_gradients():
    rng = tl.Generator(12)
    net, x, others = Folded(rng), pictures(rng), pictures(rng, 3)
    each = integrated_gradients(net, x, 1, baseline=list(others), steps=128)
    maps = expected_gradients(net, x, 1, background=tl.Tensor(others), n=3000, batch_size=500)
    assert np.abs(maps - each).max() < 0.03 * np.abs(each).max()


def test_the_same_seed_draws_the_same_and_another_one_another():
    rng = tl.Generator(13)
    net, x = Folded(rng), pictures(rng)
    assert np.array_equal(expected(net, x, 1), expected(net, x, 1, rng=tl.Generator(0)))
    assert not np.array_equal(expected(net, x, 1), expected(net, x, 1, rng=tl.Generator(1)))


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
        (lambda net, x: integrated_gradients(net, x, 1, steps=0), ValueError, "steps must be|at least 1|got 0"),
        (lambda net, x: integrated_gradients(net, x, 1, batch_size=-1), ValueError, "batch_size must be|got -1"),
        (lambda net, x: integrated_gradients(net, x, 1, baseline="grey"), ValueError, "mean, blur|got 'grey'"),
        (lambda net, x: integrated_gradients(net, x, 1, baseline=[]), ValueError, "list of baselines is empty"),
        (lambda net, x: integrated_gradients(net, x, 1, baseline=None), TypeError, "a number, an array|got NoneType"),
        (lambda net, x: integrated_gradients(net, x, 1, baseline=np.zeros(5)), ValueError, "(5,)|(3, 2, 6, 6)"),
        (lambda net, x: integrated_gradients(net, x, 1, baseline=np.zeros((1, 3, 2, 6, 6))), ValueError, "broadcast"),
        (lambda net, x: integrated_gradients(net, x[:, 0, 0], 1, baseline="blur"), ValueError, "(N, C, H, W)|(3, 6)"),
        (lambda net, x: integrated_gradients(net, x, 4), ValueError, "target 4 is outside 0 … 3"),
        (lambda net, x: expected_gradients(net, x, 1, background=x, n=0), ValueError, "n must be|at least 1|got 0"),
        (lambda net, x: expected_gradients(net, x, 1, background=x, batch_size=0), ValueError, "batch_size must|got 0"),
        (lambda net, x: expected_gradients(net, x, 1, background=x[0]), ValueError, "(M, 2, 6, 6)|got (2, 6, 6)"),
        (lambda net, x: expected_gradients(net, x, 1, background=x[:0]), ValueError, "at least one|got (0, 2, 6, 6)"),
        (lambda net, x: expected_gradients(net, x, 1, background="mean"), TypeError, "an array of pictures|got str"),
        (lambda net, x: expected_gradients(net, x, 1, background=[x[0], x[1, 0]]), TypeError, "array of pictures|list"),
        (
            lambda net, x: expected_gradients(net, x, 1, background=tl.data.digits()[0]),
            TypeError,
            "such as data.train.x",
        ),
        (lambda net, x: expected_gradients(net, x, 1, background=None), TypeError, "an array of pictures|NoneType"),
        (lambda net, x: expected_gradients(net, x, 9, background=x), ValueError, "target 9 is outside 0 … 3"),
        (lambda net, x: completeness_gap(net, x, x[:2], 1), ValueError, "(3, 2, 6, 6)|(2, 2, 6, 6)"),
        (lambda net, x: completeness_gap(net, x, x, -1), ValueError, "target -1 is outside"),
    ],
)
def test_misuse_has_messages(call, error, words):
    check_message(lambda: call(linear_net(tl.Generator(0)), np.zeros((3, 2, 6, 6))), error, words)
