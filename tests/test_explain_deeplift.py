"""DeepLIFT: its contributions sum to the change of the answer, and are those of its rules written as loops."""

import numpy as np
import pytest
from explained import CLASSES, Folded, folded_average, linear_net, logits, pictures, unrolled, without_biases
from hypothesis import given
from hypothesis import strategies as st
from words import check_message

import tinylucid as tl
import tinylucid.nn.functional as F
from tinylucid.explain import completeness_gap, deeplift, gradient
from tinylucid.explain.deeplift import multipliers

seeds = st.integers(0, 10**6)
ACTIVATIONS = {
    "relu": F.relu,
    "leaky_relu": F.leaky_relu,
    "abs": tl.abs,
    "tanh": tl.tanh,
    "sigmoid": tl.sigmoid,
    "silu": F.silu,
    "gelu": F.gelu,
    "gelu_tanh": lambda x: F.gelu(x, approximate="tanh"),
    "elu": lambda x: F.elu(x, 0.7),
    "softplus": lambda x: F.softplus(x, beta=2.0),
    "clip": lambda x: x.clip(-0.4, 0.4),
    "square": lambda x: x**2,
    "square_root": lambda x: tl.sqrt(tl.abs(x)),
    "exp": lambda x: tl.exp(x * 0.1),
    "log": lambda x: tl.log(x * x + 0.1),
    "sin": lambda x: tl.sin(x) * tl.cos(x),
    "quotient": lambda x: x / (1 + tl.abs(x)),
    "reciprocal": lambda x: 1 / (1 + x * x),
}


class Mixed(tl.nn.Module):
    """A residual block, pooling of both kinds with overlap, a transposed convolution, and a product of matrices."""

    def __init__(self, rng, activation):
        super().__init__()
        self.conv, self.up = tl.nn.Conv2d(2, 2, 3, padding=1), tl.nn.ConvTranspose2d(2, 2, 2, stride=2)
        self.dense, self.activation = tl.nn.Linear(2 * 9 + 2, CLASSES), activation
        self.to(tl.float64)
        for p in self.parameters():
            tl.nn.init.normal_(p, std=0.5, rng=rng)

    def forward(self, x):
        y = self.activation(x + self.activation(self.conv(x)))
        y = F.max_pool2d(self.up(F.avg_pool2d(y, 2)), 3, 2, 1, ceil_mode=True)
        y = F.adaptive_max_pool2d(y, 3)
        return self.dense(tl.concatenate([(y @ self.activation(y)).flatten(1), y.mean((2, 3))], 1))


def changes(net, x, b, target):
    rows = range(len(x))
    return logits(net, x)[rows, target] - logits(net, b)[rows, target]


def summed(maps):
    return maps.sum((1, 2, 3))


@pytest.mark.parametrize("make", [linear_net, Folded, folded_average])
@given(seed=seeds)
def test_contributions_sum_to_the_change_of_the_answer(make, seed):
    rng = tl.Generator(seed)
    net, x, b, target = make(rng), pictures(rng, 3), pictures(rng, 3), rng.integers(0, CLASSES, (3,))
    maps = deeplift(net, x, target, baseline=b)
    assert summed(maps) == pytest.approx(changes(net, x, b, target), rel=1e-12, abs=1e-12)
    assert completeness_gap(net, x, maps, target, b) == pytest.approx(0, abs=1e-12)
    assert summed(deeplift(net, x, target)) == pytest.approx(changes(net, x, x * 0, target), rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("activation", ACTIVATIONS)
@given(seed=seeds)
def test_whatever_the_activation_in_residual_nets_with_pooling_and_products(activation, seed):
    rng = tl.Generator(seed)
    net, x, b = Mixed(rng, ACTIVATIONS[activation]), pictures(rng), pictures(rng)
    x[:, :, :3] = b[:, :, :3]  # a part that does not change
    for baseline in (b, x * 0 + 0.5):
        maps = deeplift(net, x, [1, 3], baseline=baseline)
        change = changes(net, x, baseline, [1, 3])
        assert summed(maps) == pytest.approx(change, rel=1e-9, abs=1e-11 * (1 + np.abs(maps).sum()))
        assert not maps[x == baseline].any()


@pytest.mark.parametrize("make", [Folded, folded_average])
@given(seed=seeds)
def test_through_a_net_it_is_the_rules_by_loops(make, seed):
    rng = tl.Generator(seed)
    net, x, b = make(rng), pictures(rng, 1), pictures(rng, 1)
    m = np.eye(CLASSES)[2]
    for (name, matrix, _, a1, z1), (_, other, _, a0, z0) in zip(unrolled(net, x[0])[::-1], unrolled(net, b[0])[::-1]):
        if name == "relu":
            for k in range(len(m)):
                m[k] *= (z1[k] - z0[k]) / (a1[k] - a0[k]) if a1[k] != a0[k] else a1[k] > 0
        elif name == "pool" and isinstance(net.pool, tl.nn.MaxPool2d):
            below = np.zeros_like(a1)
            for k in range(len(m)):
                winner = int((matrix if z1[k] > z0[k] else other)[k].argmax())  # the place that one of the two takes
                change = a1[winner] - a0[winner]
                below[winner] += m[k] * ((z1[k] - z0[k]) / change if change else 1)
            m = below
        else:
            m = matrix.T @ m
    maps = deeplift(net, x, 2, baseline=b)
    assert maps.ravel() == pytest.approx((x - b).ravel() * m, rel=1e-9, abs=1e-11)


@given(seed=seeds)
def test_each_window_of_a_max_pool_gives_its_change_to_one_pixel(seed):
    rng = tl.Generator(seed)
    x, b, v = rng.integers(-2, 3, (3, 2, 2, 4, 4)).astype(float)  # with many ties
    v = v[:, :, :2, :2]
    maps = deeplift(lambda x: (F.max_pool2d(x, 2) * np.concatenate([v, v])).sum((1, 2, 3))[:, None], x, 0, baseline=b)
    expected = np.zeros_like(x)
    for n, c, i, j in np.ndindex(2, 2, 2, 2):
        window = n, c, slice(2 * i, 2 * i + 2), slice(2 * j, 2 * j + 2)
        change = x[window].max() - b[window].max()
        from_which = x[window] if change > 0 else b[window]
        place = np.unravel_index(from_which.argmax(), (2, 2))
        expected[window][place] += v[n, c, i, j] * change
    assert maps == pytest.approx(expected, abs=1e-12)


@given(seed=seeds)
def test_on_linear_nets_they_are_weights_times_change(seed):
    rng = tl.Generator(seed)
    net, x, b = linear_net(rng), pictures(rng), pictures(rng)
    w = net[1].weight.data[2].reshape(2, 6, 6)
    assert deeplift(net, x, 2, baseline=b) == pytest.approx((x - b) * w, abs=1e-13)


@pytest.mark.parametrize("activation", ["tanh", "sigmoid", "softplus", "exp", "silu", "gelu", "reciprocal"])
@given(seed=seeds)
def test_where_nothing_changes_multipliers_are_slopes(activation, seed):
    """Also where what changes is lost in rounding: a quotient of two rounding errors could be anything."""
    rng = tl.Generator(seed)
    conv = tl.nn.Conv2d(2, 3, 6).to(tl.float64)
    net = lambda x: ACTIVATIONS[activation](conv(x)).sum((1, 2, 3))[:, None]
    x = pictures(rng)
    slopes = gradient(net, x, 0)
    for shift in (0, 1e-16, 1e-14, 1e-12, 1e-10, 1e-8, 1e-6):
        m = multipliers(net, x, x + shift * pictures(rng), 0)
        assert np.abs(m - slopes).max() < 1e-4 * np.abs(slopes).max()


@pytest.mark.parametrize("make", [Folded, folded_average])
@given(seed=seeds, unit=st.sampled_from([1e-60, 1e-12, 1e60]))
def test_in_which_unit_pictures_are_given_does_not_matter(make, seed, unit):
    rng = tl.Generator(seed)
    net, x, b = without_biases(make(rng)), pictures(rng), pictures(rng)
    maps, scaled = deeplift(net, x, 1, baseline=b), deeplift(net, unit * x, 1, baseline=unit * b)
    assert np.abs(scaled / unit - maps).max() <= 1e-9 * np.abs(maps).max()


def test_saturated_on_both_sides_is_a_change_and_at_the_root_of_0_none():
    ends = lambda f, x, b: deeplift(f, np.array([[x]]), 0, baseline=b)[0, 0]
    assert ends(tl.tanh, 40.0, -30.0) == 2  # although both slopes are 0
    assert ends(tl.sqrt, 4.0, 0.0) == pytest.approx(2, rel=1e-14)  # although one slope is infinite
    assert ends(tl.sqrt, 0.0, 0.0) == 0
    assert ends(F.relu, 3.0, -1.0) == 3
    assert ends(F.relu, 1e-200, -1e-200) == 1e-200
    assert ends(lambda x: tl.exp(x), 20.0, 19.999) == pytest.approx(np.exp(20) - np.exp(19.999), rel=1e-12)


@given(seed=seeds)
def test_a_contrast_of_logits_is_the_difference_of_their_maps(seed):
    rng = tl.Generator(seed)
    net, x, b = Folded(rng), pictures(rng), pictures(rng)
    maps = deeplift(net, x, lambda z: z[:, 3] - 2 * z[:, 1], baseline=b)
    expected = deeplift(net, x, 3, baseline=b) - 2 * deeplift(net, x, 1, baseline=b)
    assert maps == pytest.approx(expected, rel=1e-9, abs=1e-11)


@given(seed=seeds)
def test_over_several_baselines_the_maps_are_averaged(seed):
    rng = tl.Generator(seed)
    net, x = Folded(rng), pictures(rng)
    several = [0, pictures(rng), "mean", "blur", rng.normal((2, 1, 1), tl.float64)]
    maps = deeplift(net, x, [1, 2], baseline=several)
    assert maps == pytest.approx(sum(deeplift(net, x, [1, 2], baseline=b) for b in several) / 5, rel=1e-12)
    assert completeness_gap(net, x, maps, [1, 2], several) == pytest.approx(0, abs=1e-12)


def test_a_picture_that_is_its_own_baseline_has_an_empty_map():
    rng = tl.Generator(0)
    net, x = Folded(rng), pictures(rng)
    assert not deeplift(net, x, 1, baseline=x).any()
    assert multipliers(net, x, x, 1) == pytest.approx(gradient(net, x, 1), rel=1e-12)


# --- what is refused --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("layer", "words"),
    [
        (tl.nn.Softmax(1), "softmax (layer '1'): deeplift has no rule for this operation|integrated_gradients"),
        (tl.nn.GroupNorm(1, 72), "group_norm (layer '1'): deeplift has no rule"),
    ],
)
def test_layers_without_a_rule_are_refused_by_name(layer, words):
    net = tl.nn.Sequential(tl.nn.Flatten(), layer).to(tl.float64)
    check_message(lambda: deeplift(net, pictures(tl.Generator(0)), 1), RuntimeError, words)


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (lambda x: tl.maximum(x, 0.5 * x), "maximum: deeplift has no rule"),
        (lambda x: tl.sign(x) * x, "sign: deeplift has no rule"),
        (lambda x: F.log_softmax(x, 1), "log_softmax: deeplift has no rule"),
        (
            lambda x: F.linear(x, x[:3]),
            "linear: deeplift has no rule for this operation where its inputs (0, 1) depend",
        ),
        (lambda x: tl.where(x > 0, x, 0.1 * x), "differently by what it sees in them|integrated_gradients"),
        (lambda x: x.max(1, keepdim=True)[0], "differently by what it sees"),
        (lambda x: tl.tanh(F.pad(x, (0, 5)).permute(1, 0)).permute(1, 0), "moves the axis of pictures"),
        (
            lambda x: tl.tanh(x.permute(1, 0)).permute(1, 0),
            "tanh: deeplift: its result (3, 8) does not hold the 8 pictures",
        ),
        (lambda x: x + tl.tanh(x.sum((0,), keepdim=True)), "its result (1, 3) does not hold the 8 pictures"),
        (lambda x: x * tl.tanh(x.sum()), "its result () does not hold the 8 pictures"),
        (lambda x: x * x.mean(), "an array of shape () has no axis of pictures"),
    ],
)
def test_what_has_no_true_multiplier_is_refused(model, words):
    x = tl.Generator(1).normal((4, 3), tl.float64)
    message = check_message(lambda: deeplift(model, x, 0), RuntimeError, words)
    assert len(message.splitlines()) == 1


@pytest.mark.parametrize("n", [1, 2, 3])
def test_a_function_of_the_logits_that_bends_them_is_refused(n):
    net, x = Folded(tl.Generator(0)), pictures(tl.Generator(1), n)
    words = f"mul: deeplift: its result ({n},) does not hold the {2 * n} pictures and baselines|only add and scale"
    check_message(lambda: deeplift(net, x, lambda z: z[:, 3] * z[:, 1]), RuntimeError, words)
    weights = np.arange(n) + 0.5
    scaled = deeplift(net, x, lambda z: z[:, 1] * weights / 2.0)
    assert scaled == pytest.approx(deeplift(net, x, 1) * weights[:, None, None, None] / 2, rel=1e-12, abs=1e-14)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda net, x: deeplift(net, x, 1, baseline="grey"), ValueError, "mean, blur|got 'grey'"),
        (lambda net, x: deeplift(net, x, 1, baseline=[]), ValueError, "list of baselines is empty"),
        (lambda net, x: deeplift(net, x, 1, baseline=None), TypeError, "a number, an array|got NoneType"),
        (lambda net, x: deeplift(net, x, 1, baseline=np.zeros(5)), ValueError, "(5,)|(3, 2, 6, 6)"),
    ],
)
def test_misuse_has_messages(call, error, words):
    check_message(lambda: call(linear_net(tl.Generator(0)), np.zeros((3, 2, 6, 6))), error, words)


@pytest.mark.parametrize("baseline", [0, "mean", [0, 1]])
def test_a_flat_baseline_ties_all_places_and_the_batch_does_not_choose_among_them(baseline):
    """Convolved, one colour is the same everywhere but for its last digits, which depend on how the work is split."""
    tl.manual_seed(0)
    net = tl.models.texture_net(CLASSES)
    x = tl.Generator(1).normal((8, 1, 32, 32))
    for norm in (net[1], net[5], net[9]):
        tl.nn.init.normal_(norm.bias, std=0.5)
    maps = deeplift(net, x, 2, baseline=baseline)
    assert maps.dtype == np.float32
    alone = np.concatenate([deeplift(net, x[k : k + 1], 2, baseline=baseline) for k in range(8)])
    apart = np.abs(maps - alone) > 1e-4 * np.abs(maps).max()
    assert apart.mean() < 0.1, (
        "a value now and then lies where half the digits are rounded; by the last digits it were 0.9"
    )
    assert np.abs(completeness_gap(net, x, maps, 2, baseline)).max() < 1e-4


def test_ties_go_to_the_first_in_adaptive_pools_too():
    x = np.array([[[[0.0, -1, -2], [-3, -4, -5]]]])
    b = np.full_like(x, 5) + 1e-12 * np.arange(6).reshape(x.shape)
    net = lambda x: tl.nn.functional.adaptive_max_pool2d(x, 1).flatten(1)
    assert deeplift(net, x, 0, baseline=b).ravel() == pytest.approx([-5, 0, 0, 0, 0, 0], abs=1e-9)
    assert deeplift(net, b, 0, baseline=x).ravel() == pytest.approx([0, 0, 0, 0, 0, 5], abs=1e-9), (
        "the largest value rose"
    )
