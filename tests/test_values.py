"""Forward values against formulas written another way, and fused operations against their twins."""

import numpy as np
import pytest
from cases import CASES
from hypothesis import given
from hypothesis import strategies as st
from scipy import special

import tinylucid as tl
from tinylucid.ops.classify import _cross_entropy
from tinylucid.ops.loss import _distance_loss, _logistic_loss
from tinylucid.ops.norm import _group_norm, batch_norm_train

F = tl.nn.functional

ELEMENTWISE = {
    "abs": (tl.abs, np.abs),
    "exp": (tl.exp, np.exp),
    "sin": (tl.sin, np.sin),
    "cos": (tl.cos, np.cos),
    "tanh": (tl.tanh, np.tanh),
    "sign": (tl.sign, np.sign),
    "neg": (tl.neg, lambda x: 0 - x),
    "sigmoid": (tl.sigmoid, special.expit),
    "relu": (tl.relu, lambda x: (x + np.abs(x)) / 2),
    "leaky_relu": (lambda x: tl.leaky_relu(x, 0.2), lambda x: 0.6 * x + 0.4 * np.abs(x)),
    "gelu": (F.gelu, lambda x: x * special.ndtr(x)),
    "gelu_tanh": (lambda x: F.gelu(x, approximate="tanh"), lambda x: x * special.expit(1.5957691216057308 * (x + 0.044715 * x**3))),
    "clip": (lambda x: tl.clip(x, -0.5, 1), lambda x: np.sort([x, x * 0 - 0.5, x * 0 + 1], 0)[1]),
    "clamp max": (lambda x: tl.clamp(x, max=0.3), lambda x: np.where(x > 0.3, 0.3, x)),
    "square": (lambda x: x**2, lambda x: x * x),
    "power of two": (lambda x: 2**x, np.exp2),
    "divided": (lambda x: 1 / x, np.reciprocal),
    "from": (lambda x: 3 - x, lambda x: -(x - 3)),
    "log": (lambda x: tl.log(x * x), lambda x: 2 * np.log(np.abs(x))),
    "sqrt": (lambda x: tl.sqrt(x * x), np.abs),
    "where": (lambda x: tl.where(x > 0, x, -1.0), lambda x: np.piecewise(x, [x > 0], [lambda v: v, -1])),
    "logical": (lambda x: tl.where((x > 0) & ~(x > 1) | (x < -1), 1.0, x * 0), lambda x: 1.0 * (((x > 0) & (x <= 1)) | (x < -1))),
}  # fmt: skip


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_elementwise_values(name, rng):
    ours, theirs = ELEMENTWISE[name]
    x = np.concatenate([rng.standard_normal(50) * 3, [-1e-9, 1e-9, -30.0, 30.0]])
    np.testing.assert_allclose(ours(tl.tensor(x)).data, theirs(x), rtol=1e-12, atol=1e-15)


def test_sigmoid_and_logsumexp_do_not_overflow():
    x = tl.tensor([-1000.0, 0, 1000.0])
    assert tl.sigmoid(x).tolist() == [0, 0.5, 1]
    assert tl.sigmoid(tl.tensor([-100.0], dtype=np.float64)).item() == pytest.approx(np.exp(-100.0), rel=1e-12)
    assert tl.logsumexp(x, 0).item() == 1000.0
    assert tl.logsumexp(tl.tensor([[-np.inf, -np.inf]]), 1).tolist() == [-np.inf]
    assert tl.softmax(x, 0).tolist() == [0, 0, 1]
    assert tl.log_softmax(x, 0).tolist() == [-2000, -1000, 0]


REDUCTIONS = {
    "sum": (tl.sum, np.sum),
    "mean": (tl.mean, np.mean),
    "var": (tl.var, lambda x, axis: np.var(x, axis, ddof=1)),
    "var biased": (lambda x, dim: tl.var(x, dim, correction=0), np.var),
    "std": (tl.std, lambda x, axis: np.std(x, axis, ddof=1)),
    "logsumexp": (tl.logsumexp, lambda x, axis: special.logsumexp(x, axis)),
}


@pytest.mark.parametrize("name", REDUCTIONS)
@pytest.mark.parametrize("dim", [None, 0, -1, (0, 2), (1,)])
def test_reduced_values(name, dim, rng):
    ours, theirs = REDUCTIONS[name]
    x = rng.standard_normal((2, 3, 4))
    np.testing.assert_allclose(ours(tl.tensor(x), dim).data, theirs(x, dim), rtol=1e-12)


@given(data=st.data())
def test_extremes_and_their_places(data):
    shape = data.draw(st.tuples(st.integers(1, 4), st.integers(1, 4)))
    dim = data.draw(st.integers(-2, 1))
    keepdim = data.draw(st.booleans())
    x = np.random.default_rng(data.draw(st.integers(0, 99))).integers(0, 4, shape).astype(float)  # ties
    for ours, arg, places, theirs in ((tl.max, tl.argmax, np.argmax, np.max), (tl.min, tl.argmin, np.argmin, np.min)):
        values, index = ours(tl.tensor(x), dim, keepdim)
        np.testing.assert_array_equal(values.data, theirs(x, dim, keepdims=keepdim))
        np.testing.assert_array_equal(index.data, places(x, dim, keepdims=keepdim))
        np.testing.assert_array_equal(arg(tl.tensor(x), dim, keepdim).data, index.data)
        assert ours(tl.tensor(x)).item() == theirs(x)


def test_shapes_move_elements_where_numpy_does(rng):
    x = rng.standard_normal((2, 3, 4))
    t = tl.tensor(x)
    pairs = [
        (t.reshape(4, -1), x.reshape(4, 6)),
        (t.permute(2, 0, 1), x.transpose(2, 0, 1)),
        (t.transpose(0, -1), np.swapaxes(x, 0, 2)),
        (t.T, x.T),
        (t.flatten(1), x.reshape(2, 12)),
        (t.unsqueeze(-1), x[..., None]),
        (t[:, :1].squeeze(1), x[:, 0]),
        (t.expand(5, 2, 3, 4), np.broadcast_to(x, (5, 2, 3, 4))),
        (t.sum_to_size((1, 4)), x.sum((0, 1))[None]),
        (tl.concatenate([t, t], -1), np.concatenate([x, x], 2)),
        (tl.stack([t, t], 1), np.stack([x, x], 1)),
        (tl.split(t, [1, 2], 1)[1], x[:, 1:]),
        (F.pad(t, (1, 2, 0, 3), value=7.0), np.pad(x, [(0, 0), (0, 3), (1, 2)], constant_values=7)),
        (t[1, ..., ::-2], x[1, ..., ::-2]),
        (t[:, [2, 0]], x[:, [2, 0]]),
        (t[x > 0], x[x > 0]),
        (tl.gather(t, 1, np.array([[[2, 0, 1]]])), x[:1, [2, 0, 1], [0, 1, 2]][:, None]),
        (t @ t.transpose(1, 2), np.einsum("nij,nkj->nik", x, x)),
        (tl.tensor([1.0, 2.0]) @ tl.tensor([3.0, 4.0]), 11.0),
        (F.linear(t, tl.tensor(x[0]), tl.tensor(x[0, :, 0])), np.einsum("nij,oj->nio", x, x[0]) + x[0, :, 0]),
    ]
    for ours, theirs in pairs:
        assert ours.shape == np.shape(theirs)
        np.testing.assert_allclose(ours.data, theirs, rtol=1e-12, atol=1e-12)


def test_adaptive_average_is_the_mean_of_its_window(rng):
    x = rng.standard_normal((1, 1, 5, 7))
    y = F.adaptive_avg_pool2d(tl.tensor(x), (3, 2)).data
    for p, q in np.ndindex(3, 2):
        rows, columns = slice(p * 5 // 3, -(-(p + 1) * 5 // 3)), slice(q * 7 // 2, -(-(q + 1) * 7 // 2))
        assert y[0, 0, p, q] == pytest.approx(x[0, 0, rows, columns].mean())


def test_losses_reduce_as_they_say(rng):
    z, target, weight = rng.standard_normal((5, 3)), np.array([0, 2, -100, 1, 1]), np.array([1.0, 2.0, 4.0])
    each = F.cross_entropy(tl.tensor(z), target, weight, reduction="none").data
    counted = target != -100
    np.testing.assert_allclose(
        each[counted], -(weight * special.log_softmax(z, 1))[counted, target[counted]], rtol=1e-12
    )
    assert each[2] == 0
    mean = F.cross_entropy(tl.tensor(z), target, weight).item()
    assert mean == pytest.approx(each.sum() / weight[target[counted]].sum())
    assert F.cross_entropy(tl.tensor(z), target, weight, reduction="sum").item() == pytest.approx(each.sum())
    log_p, every = tl.log_softmax(tl.tensor(z), 1), np.array([0, 2, 0, 1, 1])
    for reduction in ("mean", "sum"):
        expected = F.cross_entropy(tl.tensor(z), every, reduction=reduction).item()
        assert F.nll_loss(log_p, every, reduction=reduction).item() == pytest.approx(expected)
    hot = np.eye(3)[every]
    soft = F.cross_entropy(tl.tensor(z), tl.tensor(hot), label_smoothing=0.3).item()
    assert soft == pytest.approx(F.cross_entropy(tl.tensor(z), hot.argmax(1), label_smoothing=0.3).item())
    assert F.mse_loss(tl.tensor(z), tl.tensor(z + 2)).item() == pytest.approx(4)
    assert F.mse_loss(tl.tensor(z), tl.tensor(z + 2), reduction="sum").item() == pytest.approx(60)


@pytest.mark.parametrize(
    ("name", "op"),
    [
        ("batch_norm_train", batch_norm_train.op),
        ("cross_entropy", _cross_entropy.op),
        ("group_norm", _group_norm.op),
        ("instance_norm", _group_norm.op),
        ("layer_norm", _group_norm.op),
    ],
)
@given(data=st.data())
def test_a_fused_operation_is_its_twin(name, op, data):
    """Values and gradients of the twin: what create_graph differentiates must be the same function."""
    function, inputs = CASES[name](data.draw)
    assert_is_its_twin(op, function, inputs)


LOSSES = {
    "mse_loss": (_distance_loss.op, F.mse_loss),
    "l1_loss": (_distance_loss.op, F.l1_loss),
    "smooth_l1_loss": (_distance_loss.op, lambda x, y, **how: F.smooth_l1_loss(x, y, beta=0.6, **how)),
    "binary_cross_entropy_with_logits": (_logistic_loss.op, F.binary_cross_entropy_with_logits),
}


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("name", LOSSES)
def test_a_sum_of_losses_is_its_twin(name, reduction, rng):
    op, loss = LOSSES[name]
    inputs = [rng.standard_normal((7, 5)) * 2, rng.random((7, 5))]
    assert_is_its_twin(op, lambda x, y: loss(x, y, reduction=reduction), inputs)


def assert_is_its_twin(op, function, inputs):
    """The operation, wherever the function calls it, has the values and gradients of its twin."""
    leaves = [tl.Tensor(x, requires_grad=True) for x in inputs]
    called = []
    fused = op.forward
    op.forward = lambda *arrays, **kw: called.append((arrays, kw)) or fused(*arrays, **kw)
    try:
        function(*leaves)
    finally:
        op.forward = fused
    for arrays, kw in called:
        values = fused(*arrays, **kw)
        values, extra = values if isinstance(values, tuple) else (values, {})
        xs = [tl.Tensor(a, requires_grad=True) for a in arrays]
        twin = op.twin(*xs, **kw)
        np.testing.assert_allclose(twin.data, values, rtol=1e-9, atol=1e-12)
        u = np.random.default_rng(0).standard_normal(values.shape) + np.zeros(values.shape)
        have = {**dict(zip(op.inputs, arrays)), **kw, **extra, "g": u, "need": [True] * len(arrays)}
        direct = op.own_rule.pull(*[have[name] for name in op.own_rule.wants])
        direct = direct if isinstance(direct, tuple) else (direct,)
        for a, b in zip(tl.grad(twin, xs, u), direct):
            np.testing.assert_allclose(a.data, b, rtol=1e-7, atol=1e-9 * max(1, np.abs(b).max(initial=0)))
    assert called


@pytest.mark.parametrize("axes", [None, 0, 1, 2, (1, 2), (0, 1), (0, 2), (2, 1)])
def test_large_sums_and_means(axes, rng):
    """Large ones of the last axes are a kernel's, the others NumPy's."""
    x = rng.standard_normal((13, 30, 50))
    for a in (x, x.swapaxes(1, 2), x[:, ::2]):
        for keepdim in (False, True):
            total, average = (f(tl.tensor(a), axes, keepdim).data for f in (tl.sum, tl.mean))
            np.testing.assert_allclose(total, a.sum(axes, keepdims=keepdim), rtol=1e-11, atol=1e-11)
            np.testing.assert_allclose(average, a.mean(axes, keepdims=keepdim), rtol=1e-11, atol=1e-13)
    assert tl.sum(tl.tensor(np.ones((100, 100), np.float32))).dtype == np.float32
    assert tl.mean(tl.tensor(np.ones((100, 100), np.float32))).dtype == np.float32
    assert tl.sum(tl.tensor(np.ones((100, 100), bool))).item() == 10_000
