"""Layer-wise relevance propagation: the textbook's shares by dense matrices, and that nothing is lost on the way."""

import contextlib

import numpy as np
import pytest
from explained import CLASSES, Folded, folded_average, logits, pictures, unrolled, without_biases
from hypothesis import given
from hypothesis import strategies as st
from words import check_message

import tinylucid as tl
import tinylucid.nn.functional as F
from tinylucid.explain import AlphaBeta, Epsilon, Gamma, gradient, lrp

seeds = st.integers(0, 10**6)
nets = pytest.mark.parametrize("make", [Folded, folded_average])
RULES = ["epsilon", "gamma", "alpha_beta", "z_plus", Epsilon(0.1), Gamma(1), AlphaBeta(1.5, 0.5)]
rules = pytest.mark.parametrize("rule", RULES, ids=str)


def shared(rule, matrix, bias, a, r, epsilon=1e-6):
    """The relevance of each summand's a from that of the sums matrix @ a + bias, as the textbook writes it."""
    rule = {"epsilon": Epsilon(1e-6), "gamma": Gamma(0.25), "alpha_beta": AlphaBeta(2, 1), "z_plus": AlphaBeta(1, 0)}.get(
        rule, rule
    )  # fmt: skip
    out = np.zeros_like(a)
    for k in range(len(r)):
        w, b = matrix[k], np.broadcast_to(bias, r.shape)[k]
        given = w * a
        up, down = given[given > 0].sum() + max(b, 0), given[given < 0].sum() + min(b, 0)
        if isinstance(rule, Gamma):
            z = given.sum() + b
            below = z + rule.gamma * (up if z >= 0 else down)
            for j in np.flatnonzero(given) if r[k] else ():
                agrees = (given[j] > 0) == (z >= 0)
                out[j] += r[k] * given[j] * (1 + rule.gamma * agrees) / below
        elif isinstance(rule, AlphaBeta):
            alpha, beta = (1, 0) if down == 0 else (0, -1) if up == 0 else (rule.alpha, rule.beta)
            for j in np.flatnonzero(given):
                out[j] += r[k] * (alpha * given[j] / up if given[j] > 0 else -beta * given[j] / down)
        elif r[k]:
            z = given.sum() + b
            e = rule.epsilon if isinstance(rule, Epsilon) else epsilon
            out += r[k] * given / (z + e if z >= 0 else z - e)
    return out


def propagated(net, x, target, rule_of):
    """The map of one picture through Folded; ``rule_of`` names each layer's rule."""
    (_, conv, conv_bias, pixels, _), (_, norm, shift, _, z), *steps = unrolled(net, x)
    steps = [("conv", norm @ conv, norm @ conv_bias + shift, pixels, z), *steps]  # the norm is part of the convolution
    r = steps[-1][-1] * np.eye(CLASSES)[target]
    for name, matrix, bias, a, _ in steps[::-1]:
        if matrix is None:
            continue  # a ReLU hands all on
        if name in ("pool", "shift"):  # shares in proportion, without ε
            r = shared(None, matrix, bias, a, r, epsilon=0)
        else:
            r = shared(rule_of[name], matrix, bias, a, r)
    return r


def close(maps, expected):
    return np.abs(maps.ravel() - expected).max() <= 1e-8 * np.abs(expected).max() + 1e-12


@rules
@nets
@given(seed=seeds)
def test_each_rule_is_the_textbook_by_dense_matrices(make, rule, seed):
    rng = tl.Generator(seed)
    net, x, target = make(rng), pictures(rng), rng.integers(0, CLASSES, (2,))
    maps = lrp(net, x, target, rule=rule)
    rule_of = {"conv": rule, "dense": rule}
    for k in range(2):
        assert close(maps[k], propagated(net, x[k], target[k], rule_of))


@given(seed=seeds, first=st.sampled_from(RULES), last=st.sampled_from(RULES))
def test_by_layer_it_is_too(seed, first, last):
    rng = tl.Generator(seed)
    net, x = Folded(rng), pictures(rng, 1)
    maps = lrp(net, x, 1, rule={"conv": first, "": last})
    assert close(maps[0], propagated(net, x[0], 1, {"conv": first, "dense": last}))
    maps = lrp(net, x, 1, rule={"dense": last})  # and the rest epsilon
    assert close(maps[0], propagated(net, x[0], 1, {"conv": "epsilon", "dense": last}))


def test_the_longest_name_that_a_layer_lies_in_counts():
    rng = tl.Generator(0)
    block = tl.nn.Sequential(tl.nn.Linear(5, 5), tl.nn.ReLU(), tl.nn.Linear(5, 5))
    net = tl.nn.Sequential(tl.nn.Linear(5, 5), block, *(tl.nn.Linear(5, 5) for _ in range(9))).to(tl.float64)
    x = rng.normal((2, 5), tl.float64)
    run = lambda rule: lrp(net, x, 1, rule=rule)
    mixed = run({"1.2": "z_plus", "1": "gamma", "10": "alpha_beta", "": Epsilon(0.1)})
    each = {"1.0": "gamma", "1.2": "z_plus", "10": "alpha_beta"}
    each |= {str(k): Epsilon(0.1) for k in (0, *range(2, 10))}
    assert np.array_equal(mixed, run(each))
    assert not np.allclose(mixed, run({**each, "10": "gamma"}))
    assert np.array_equal(run({"1": "gamma"}), run({"1.0": "gamma", "1.2": "gamma"}))  # 10 does not lie in 1
    assert np.array_equal(run("gamma"), run({"": "gamma"}))
    assert np.array_equal(run({}), lrp(net, x, 1))


# --- nothing is lost --------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def relevance_of_each_layer(net):
    """{layer: Σ relevance of what it gives, one a picture}, filled while lrp runs."""
    sums = {}

    def note(name):
        def hook(module, args, out):
            out.register_hook(lambda g: sums.update({name: (out.data * g.data).reshape(len(g), -1).sum(1)}))

        return hook

    removers = [m.register_forward_hook(note(name)) for name, m in net.named_modules() if name and name != "drop"]
    yield sums
    for remove in removers:
        remove()


@rules
@nets
@given(seed=seeds)
def test_without_biases_relevance_is_conserved_layer_by_layer(make, rule, seed):
    rng = tl.Generator(seed)
    net, x = without_biases(make(rng)), pictures(rng, 2) * 1e8  # homogeneous: beside such numbers ε is nothing
    with relevance_of_each_layer(net) as sums:
        maps = lrp(net, x, [1, 2], rule=Epsilon(1e-6) if isinstance(rule, Epsilon) else rule)
    answer = logits(net, x)[[0, 1], [1, 2]]
    assert set(sums) == {"conv", "norm", "relu", "pool", "dense"}
    del sums["conv"]  # between it and its norm, which is part of it, relevance has no place
    for r in (*sums.values(), maps.sum((1, 2, 3))):
        assert np.abs(r - answer).max() <= 1e-6 * max(np.abs(answer).max(), np.abs(maps).max())


@nets
@given(seed=seeds)
def test_for_epsilon_to_0_it_is_gradient_times_input_with_biases_too(make, seed):
    rng = tl.Generator(seed)
    net, x = make(rng), pictures(rng)
    assert lrp(net, x, 1, rule=Epsilon(1e-14)) == pytest.approx(x * gradient(net, x, 1), rel=1e-8, abs=1e-9)


def test_where_all_contributions_have_one_sign_they_take_all():
    net = tl.nn.Linear(2, 2).to(tl.float64)
    net.weight.data[...], net.bias.data[...] = [[1, 3], [-1, -3]], 0
    x = np.array([[1.0, 1.0]])
    for rule in ("alpha_beta", "z_plus"):
        assert lrp(net, x, 0, rule=rule).tolist() == [[1, 3]]
        assert lrp(net, x, 1, rule=rule).tolist() == [[-1, -3]]
        assert lrp(net, x * 0, 1, rule=rule).tolist() == [[0, 0]]


# --- batch norm -------------------------------------------------------------------------------------------------------


class Normed(tl.nn.Module):
    """Batch norm where it cannot be folded: on the pictures, and behind a layer whose result goes elsewhere too."""

    def __init__(self, rng):
        super().__init__()
        self.first, self.dense, self.norm = tl.nn.BatchNorm1d(5), tl.nn.Linear(5, 5), tl.nn.BatchNorm1d(5)
        self.last = tl.nn.Linear(5, CLASSES)
        self.to(tl.float64)
        for tensor in (*self.parameters(), self.first.running_mean, self.norm.running_mean):
            tl.nn.init.normal_(tensor, rng=rng)
        for norm in (self.first, self.norm):
            tl.nn.init.uniform_(norm.running_var, 0.5, 2, rng=rng)

    def forward(self, x):
        z = self.dense(self.first(x))
        return self.last(self.norm(z) + z)


@given(seed=seeds, epsilon=st.sampled_from([1e-6, 0.1]))
def test_a_batch_norm_that_stands_alone_is_a_layer_of_its_own(seed, epsilon):
    rng = tl.Generator(seed)
    net, x, rule = Normed(rng), rng.normal((1, 5), tl.float64), Epsilon(epsilon)
    scale = lambda n: n.weight.data / np.sqrt(n.running_var.data + n.eps)
    affine = lambda n: (np.diag(scale(n)), n.bias.data - n.running_mean.data * scale(n))
    dense = lambda layer: (layer.weight.data, layer.bias.data)
    step = lambda a, m, b: m @ a + b
    a = step(x[0], *affine(net.first))
    z = step(a, *dense(net.dense))
    y = step(z, *affine(net.norm))
    r = shared(rule, *dense(net.last), y + z, logits(net, x)[0] * np.eye(CLASSES)[2])
    share = r / (y + z)
    r = shared(rule, *affine(net.norm), z, share * y) + share * z
    r = shared(rule, *affine(net.first), x[0], shared(rule, *dense(net.dense), a, r))
    assert close(lrp(net, x, 2, rule=rule)[0], r)


@pytest.mark.parametrize("rule", ["gamma", "alpha_beta", "z_plus"])
@given(seed=seeds)
def test_behind_convolutions_and_norms_no_share_explodes(rule, seed):
    """With pictures ≥ 0 and no biases relevance is conserved, and no more than the rule allows lies on either side of 0."""
    rng = tl.Generator(seed)
    net, x = without_biases(Folded(rng)), np.abs(pictures(rng))
    maps = lrp(net, x, lambda z: tl.relu(z[:, 1]), rule=rule)
    answer = np.maximum(logits(net, x)[:, 1], 0)
    assert maps.sum((1, 2, 3)) == pytest.approx(answer, rel=1e-9, abs=1e-9)
    most = {"z_plus": 1, "gamma": (2 * 0.25 + 1) / 0.25, "alpha_beta": 3}[rule]  # of Σ|R| a layer
    assert (np.abs(maps).sum((1, 2, 3)) <= most**2 * answer + 1e-9).all()


# --- more operations --------------------------------------------------------------------------------------------------

LAYERS = [
    tl.nn.Conv2d(2, 4, 3, stride=2, groups=2, bias=False),
    tl.nn.ConvTranspose2d(2, 3, 3, stride=2, padding=1, bias=False),
    tl.nn.Conv2d(2, 2, 2, dilation=2, padding=1, bias=False),
    tl.nn.Conv2d(2, 3, (3, 2), stride=(2, 1), padding=(0, 1), dilation=(1, 3), bias=False),
    tl.nn.ConvTranspose2d(2, 4, (3, 2), stride=(1, 2), padding=(2, 0), dilation=(2, 1), groups=2, bias=False),
]


@pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: type(layer).__name__)
@given(seed=seeds, rule=st.sampled_from(RULES))
def test_every_kind_of_convolution_is_a_dense_matrix(layer, seed, rule):
    rng = tl.Generator(seed)
    layer.to(tl.float64)
    tl.nn.init.normal_(layer.weight, rng=rng)
    x = rng.normal((1, 2, 5, 5), tl.float64)
    of = lambda x: layer(tl.Tensor(x)).data.reshape(len(x), -1)
    matrix = of(np.eye(50).reshape(50, 2, 5, 5)).T
    v = rng.normal((matrix.shape[0],), tl.float64)
    maps = lrp(lambda x: (layer(x).flatten(1) * v).sum(1)[:, None], x, 0, rule=rule)
    assert close(maps, shared(rule, matrix, 0, x.ravel(), of(x)[0] * v))


@given(seed=seeds)
def test_additions_share_in_proportion(seed):
    rng = tl.Generator(seed)
    dense, head = (tl.nn.Linear(5, 5).to(tl.float64) for _ in range(2))
    for p in (*dense.parameters(), *head.parameters()):
        tl.nn.init.normal_(p, rng=rng)
    x = rng.normal((1, 5), tl.float64)
    maps = lrp(lambda x: head(F.relu(x + dense(x))), x, 3)  # a residual block
    z = dense.weight.data @ x[0] + dense.bias.data
    y = x[0] + z
    r = shared(
        "epsilon", head.weight.data[3:4], head.bias.data[3], np.maximum(y, 0), logits(head, np.maximum(y, 0))[3:4]
    )
    expected = x[0] / y * r + shared("epsilon", dense.weight.data, dense.bias.data, x[0], z / y * r)
    assert close(maps, expected)


@pytest.mark.parametrize(
    "y", [tl.tanh, tl.sigmoid, F.elu, F.softplus, lambda x: x.clip(-0.5, 0.5), lambda x: x**3, F.leaky_relu, tl.abs]
)
@given(seed=seeds)
def test_an_elementwise_function_hands_all_its_relevance_on(y, seed):
    rng = tl.Generator(seed)
    dense, head = (tl.nn.Linear(5, 5).to(tl.float64) for _ in range(2))
    for p in (*dense.parameters(), *head.parameters()):
        tl.nn.init.normal_(p, rng=rng)
    x = rng.normal((1, 5), tl.float64)
    maps = lrp(lambda x: head(y(dense(x))), x, 3)
    z = dense.weight.data @ x[0] + dense.bias.data
    a = y(tl.Tensor(z)).data
    r = shared("epsilon", head.weight.data[3:4], head.bias.data[3], a, (head.weight.data @ a + head.bias.data)[3:4])
    assert close(maps, shared("epsilon", dense.weight.data, dense.bias.data, x[0], r))


class Many(tl.nn.Module):
    """Most operations that only move, add or choose numbers, without biases."""

    def __init__(self, rng):
        super().__init__()
        self.conv, self.up = tl.nn.Conv2d(2, 4, 3, bias=False), tl.nn.ConvTranspose2d(4, 2, 2, stride=2, bias=False)
        self.dense = tl.nn.Linear(8, CLASSES, bias=False)
        self.to(tl.float64)
        for p in self.parameters():
            tl.nn.init.normal_(p, rng=rng)

    def forward(self, x):
        y = F.relu(self.conv(F.pad(x, (1, 1, 1, 1), "reflect")))
        y = F.interpolate(self.up(F.adaptive_max_pool2d(y, 3)), (7, 7), mode="bilinear") - F.avg_pool2d(
            F.pad(x, (4, 4, 4, 4)), 2
        )
        y = tl.concatenate([y, tl.maximum(-y, y.permute(0, 1, 3, 2))], 1) * 0.5
        y = tl.where(y > 0, y, y / 4.0)
        planes = [y.mean((2, 3)), F.max_pool2d(y, 3, 2, 1).sum((2, 3)) / 9.0]
        return self.dense(tl.stack(planes, 1).flatten(1))


@rules
@given(seed=seeds)
def test_operations_that_move_add_or_choose_lose_nothing(rule, seed):
    rng = tl.Generator(seed)
    net, x = Many(rng), pictures(rng) * 1e8
    maps = lrp(net, x, 1, rule=Epsilon() if isinstance(rule, Epsilon) else rule)
    assert maps.sum((1, 2, 3)) == pytest.approx(logits(net, x)[:, 1], rel=1e-6, abs=1e-6 * np.abs(maps).max())


# --- what is refused --------------------------------------------------------------------------------------------------


@tl.operation
def doubled(x):
    return x * 2


@doubled.rule
def _(g):
    return g * 2


@pytest.mark.parametrize(
    ("layer", "words"),
    [
        (tl.nn.Softmax(1), "softmax (layer '1'): lrp has no rule"),
        (tl.nn.GroupNorm(1, 72), "group_norm (layer '1'): lrp has no rule"),
        (
            tl.nn.SiLU(),
            "mul (layer '1'): lrp has no rule for this operation where its inputs (0, 1) depend on the picture",
        ),
        (tl.nn.GELU(), "mul (layer '1')"),
    ],
)
def test_layers_without_a_rule_are_refused_by_name(layer, words):
    net = tl.nn.Sequential(tl.nn.Flatten(), layer).to(tl.float64)
    check_message(lambda: lrp(net, pictures(tl.Generator(0)), 1), RuntimeError, words + "|integrated_gradients")


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (doubled, "doubled: lrp has no rule"),
        (lambda x: x * x, "mul: lrp has no rule"),
        (lambda x: x / (x * 2.0), "div: lrp has no rule for this operation where its inputs (0, 1) depend"),
        (lambda x: 1 / x, "div: lrp has no rule for this operation where its inputs (1,) depend"),
        (lambda x: (x @ x).flatten(1), "matmul: lrp has no rule"),
        (lambda x: F.conv2d(x, x), "conv2d: lrp has no rule"),
        (lambda x: F.log_softmax(x, 1), "log_softmax: lrp has no rule"),
        (lambda x: x.max() * tl.ones((2, 2)), "amax: lrp has no rule"),
    ],
)
def test_operations_without_a_rule_are_refused_by_name(model, words):
    shape = (2, 4, 4) if "matmul" in words else (1, 1, 3, 3) if "conv" in words else (2, 4)
    x = tl.Generator(0).normal(shape, tl.float64)
    check_message(lambda: lrp(model, x, lambda z: z.flatten(1)[:, 0]), RuntimeError, words)


def test_products_and_sums_with_constants_and_parameters_are_passed():
    rng = tl.Generator(1)
    w, x = tl.tensor(rng.normal((5, 4), tl.float64), requires_grad=True), rng.normal((2, 5), tl.float64)
    maps = lrp(lambda x: (x @ (w * w) - w[0]) * w[1] / w[2], x, 3)
    assert maps == pytest.approx(x * (w.data[:, 3] ** 2 * w.data[1, 3] / w.data[2, 3]), rel=1e-12)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda net, x: lrp(net, x, 1, rule="flat"), ValueError, "'epsilon', 'gamma', 'alpha_beta', 'z_plus'|got 'flat'"),
        (lambda net, x: lrp(net, x, 1, rule=0.1), ValueError, "Epsilon(…)|got 0.1"),
        (lambda net, x: lrp(net, x, 1, rule={"conv": None}), ValueError, "a rule is|got None"),
        (lambda net, x: lrp(net, x, 1, rule={"convv": "gamma"}), ValueError, "no layer 'convv'|conv, norm, pool, relu"),
        (lambda net, x: lrp(net, x, 1, rule={"relu": "gamma"}), ValueError, "in layer 'relu' nothing runs|conv, dense"),
        (lambda net, x: lrp(net, x, 1, rule={"norm": "z_plus"}), ValueError, "in layer 'norm' nothing runs"),
        (lambda net, x: lrp(lambda x: net(x), x, 1, rule={"conv": "gamma"}), TypeError, "a Module|got function"),
        (lambda net, x: Epsilon(0), ValueError, "epsilon must be above 0, got 0|gradient times input"),
        (lambda net, x: Epsilon(float("nan")), ValueError, "got nan"),
        (lambda net, x: Gamma(-1), ValueError, "gamma must be at least 0, got -1"),
        (lambda net, x: Gamma(float("nan")), ValueError, "got nan"),
        (lambda net, x: AlphaBeta(2, 2), ValueError, "alpha − beta must be 1|got 2 and 2"),
        (lambda net, x: AlphaBeta(0, -1), ValueError, "beta at least 0|got 0 and -1"),
    ],
)  # fmt: skip
def test_misuse_has_messages(call, error, words):
    message = check_message(lambda: call(Folded(tl.Generator(0)), np.zeros((3, 2, 6, 6))), error, words)
    assert len(message.splitlines()) == 1
