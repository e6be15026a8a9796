"""Forward values of activations, losses and norms against their formulas, element by element, and at the extremes."""

import itertools
import math

import numpy as np
import pytest
from scipy import special

import tinylucid as tl

F = tl.nn.functional

ACTIVATIONS = {
    "softplus": (F.softplus, lambda x: special.log1p(np.exp(-np.abs(x))) + np.maximum(x, 0)),
    "softplus of beta 2": (lambda x: F.softplus(x, 2.0), lambda x: np.logaddexp(0, 2 * x) / 2),
    "softplus beyond its threshold": (lambda x: F.softplus(x, 2, 1), lambda x: np.where(x > 0.5, x, np.logaddexp(0, 2 * x) / 2)),
    "logsigmoid": (F.logsigmoid, special.log_expit),
    "silu": (F.silu, lambda x: x * special.expit(x)),
    "elu": (F.elu, lambda x: np.piecewise(x, [x > 0], [lambda v: v, special.expm1])),
    "elu of alpha 0.3": (lambda x: F.elu(x, 0.3), lambda x: np.piecewise(x, [x > 0], [lambda v: v, lambda v: 0.3 * special.expm1(v)])),
}  # fmt: skip


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activation(name, dtype, rng):
    """From −100 to 100, to a few units in the last place."""
    ours, formula = ACTIVATIONS[name]
    x = np.concatenate([rng.standard_normal(50) * 3, [-100, -30, -19.99, -1e-9, 1e-9, 19.99, 30, 100]]).astype(dtype)
    y = ours(tl.tensor(x))
    assert y.dtype == dtype
    atol = 3e-9 if name.startswith("softplus") else 1e-42  # beyond the threshold e⁻²⁰ is left out
    np.testing.assert_allclose(y.data, formula(x.astype(np.float64)), rtol=8 * np.finfo(dtype).eps, atol=atol)


@pytest.mark.parametrize("function", [F.softplus, F.logsigmoid, F.silu, F.elu])
def test_activation_far_out(function):
    """At ±10⁴ values and slopes of both orders are finite, without a warning; NaN stays NaN."""
    x = tl.tensor([-1e4, -100.0, 100.0, 1e4], requires_grad=True)
    (g,) = tl.grad(function(x).sum(), [x], create_graph=True)
    (again,) = tl.grad(g.sum(), [x], allow_unused=True)
    near = [g.tolist(), [0, 0, 1, 1] if function is not F.logsigmoid else [1, 1, 0, 0]]
    np.testing.assert_allclose(*near, atol=1e-40)
    assert np.abs(again.data).max() < 1e-40
    assert math.isnan(function(tl.tensor([math.nan])).item())


def test_logits_of_any_size():
    """Binary cross-entropy of ±10⁴, and of ±50, whose loss is far below one unit in the last place of 50."""
    x, y = tl.tensor([-1e4, 1e4, -1e4, 1e4]), tl.tensor([0.0, 1.0, 1.0, 0.0])
    assert F.binary_cross_entropy_with_logits(x, y, reduction="none").tolist() == [0, 0, 1e4, 1e4]
    x = tl.tensor([-50.0, 50.0], dtype=tl.float64)
    loss = F.binary_cross_entropy_with_logits(x, np.array([0.0, 1.0]), reduction="none")
    np.testing.assert_allclose(loss.data, math.exp(-50), rtol=1e-12)


def a_loss(name, x, y):
    """The formula of one element."""
    d = x - y
    return {
        "l1_loss": abs(d),
        "smooth_l1_loss": d * d / 2 if abs(d) < 1 else abs(d) - 0.5,
        "binary_cross_entropy_with_logits": -y * math.log(special.expit(x)) - (1 - y) * math.log(special.expit(-x)),
        "kl_div": y * (math.log(y) - x),
    }[name]


@pytest.mark.parametrize("name", ["l1_loss", "smooth_l1_loss", "binary_cross_entropy_with_logits", "kl_div"])
def test_loss(name, rng):
    x, y = rng.standard_normal((3, 4)) * 2, rng.random((3, 4)) + 0.01
    expected = np.array([[a_loss(name, a, b) for a, b in zip(*rows)] for rows in zip(x, y)])
    loss = getattr(F, name)
    np.testing.assert_allclose(loss(tl.tensor(x), tl.tensor(y), reduction="none").data, expected, rtol=1e-10)
    assert loss(tl.tensor(x), y).item() == pytest.approx(expected.mean(), rel=1e-12)
    assert loss(tl.tensor(x), y, reduction="sum").item() == pytest.approx(expected.sum(), rel=1e-12)
    assert type(loss(x, y, reduction="none")) is np.ndarray
    assert loss(tl.tensor(x, dtype=tl.float32), y, reduction="none").dtype == np.float32


def test_further_arguments_of_losses(rng):
    x, y = rng.standard_normal((3, 4)), rng.random((3, 4)) + 0.1
    bce = lambda **how: F.binary_cross_entropy_with_logits(x, y, reduction="none", **how)
    np.testing.assert_allclose(bce(weight=[1, 2, 3, 4]), bce() * [1, 2, 3, 4], rtol=1e-12)
    extra = bce(pos_weight=np.full(4, 3.0)) - bce()
    np.testing.assert_allclose(extra, -2 * y * np.log(special.expit(x)), rtol=1e-9)
    np.testing.assert_allclose(F.smooth_l1_loss(x, y, reduction="none", beta=0.0), np.abs(x - y), rtol=1e-12)
    np.testing.assert_allclose(F.smooth_l1_loss(x, y, reduction="none", beta=100.0), (x - y) ** 2 / 200, rtol=1e-12)
    np.testing.assert_allclose(F.kl_div(x, y, reduction="batchmean"), F.kl_div(x, y, reduction="sum") / 3, rtol=1e-12)
    np.testing.assert_allclose(F.kl_div(x, np.log(y), log_target=True), F.kl_div(x, y), rtol=1e-12)
    labels = y[:, 0] > 0.5
    np.testing.assert_allclose(F.binary_cross_entropy_with_logits(tl.tensor(x[:, 0]), labels).data,
                               F.binary_cross_entropy_with_logits(x[:, 0], labels * 1.0))  # fmt: skip


def test_kl_div_of_a_target_of_zero():
    """It costs nothing, and its gradient in the input is 0."""
    x = tl.tensor([-1.0, -2.0], requires_grad=True)
    loss = F.kl_div(x, tl.tensor([0.0, 1.0]), reduction="sum")
    loss.backward()
    assert loss.item() == 2
    assert x.grad.tolist() == [0, -1]


def test_cross_entropy_is_log_softmax_then_nll(rng):
    x, y = rng.standard_normal((5, 3, 2)), rng.integers(0, 3, (5, 2))
    y[0] = -100
    for how in ({}, {"weight": np.array([1.0, 2.0, 0.5])}, {"reduction": "none"}, {"reduction": "sum"}):
        together = F.nll_loss(tl.log_softmax(tl.tensor(x), 1), y, **how)
        np.testing.assert_allclose(together.data, F.cross_entropy(tl.tensor(x), y, **how).data, rtol=1e-10)


def test_smooth_l1_does_not_overflow():
    x = tl.tensor([1e30, -1e30], requires_grad=True)
    loss = F.smooth_l1_loss(x, tl.zeros(2), reduction="sum")
    loss.backward()
    assert loss.item() == pytest.approx(2e30)
    assert x.grad.tolist() == [1, -1]


# --- norms -----------------------------------------------------------------------------------------------------------


def standard(row, eps=1e-5):
    """A row to mean 0 and variance 1, by loops."""
    mean = sum(row) / len(row)
    var = sum((v - mean) ** 2 for v in row) / len(row)
    return [(v - mean) / math.sqrt(var + eps) for v in row]


def test_layer_norm(rng):
    x, w, b = rng.standard_normal((2, 3, 2, 4)) * 3 + 1, rng.standard_normal((2, 4)), rng.standard_normal((2, 4))
    y = F.layer_norm(tl.tensor(x), (2, 4), tl.tensor(w), tl.tensor(b)).data
    for place in np.ndindex(2, 3):
        np.testing.assert_allclose(y[place], np.reshape(standard(x[place].ravel()), (2, 4)) * w + b, rtol=1e-10)
    np.testing.assert_allclose(F.layer_norm(x, 4)[0, 0, 0], standard(x[0, 0, 0]), rtol=1e-10)


def test_group_and_instance_norm(rng):
    x, w, b = rng.standard_normal((2, 6, 3, 2)) * 3 + 1, rng.standard_normal(6), rng.standard_normal(6)
    y = F.group_norm(tl.tensor(x), 2, tl.tensor(w), tl.tensor(b)).data
    z = F.instance_norm(tl.tensor(x), weight=tl.tensor(w), bias=tl.tensor(b)).data
    for n in range(2):
        for k, group in enumerate([slice(0, 3), slice(3, 6)]):
            expected = np.reshape(standard(x[n, group].ravel()), (3, 3, 2))
            affine = w[group, None, None], b[group, None, None]
            np.testing.assert_allclose(y[n, group], expected * affine[0] + affine[1], rtol=1e-9, err_msg=f"group {k}")
        for c in range(6):
            np.testing.assert_allclose(z[n, c].ravel(), np.array(standard(x[n, c].ravel())) * w[c] + b[c], rtol=1e-9)


def test_instance_norm_follows_the_pictures(rng):
    x, mean, var = rng.standard_normal((4, 2, 3, 3)), tl.zeros(2), tl.ones(2)
    F.instance_norm(tl.tensor(x, dtype=tl.float32), mean, var, momentum=0.25)
    np.testing.assert_allclose(mean.data, 0.25 * x.mean((0, 2, 3)), rtol=1e-5)
    np.testing.assert_allclose(var.data, 0.75 + 0.25 * x.var((2, 3), ddof=1).mean(0), rtol=1e-5)
    assert mean.version[0] == 1
    before = mean.tolist(), var.tolist()
    y = F.instance_norm(tl.tensor(x, dtype=tl.float32), mean, var, use_input_stats=False)
    np.testing.assert_allclose(y.data, F.batch_norm(x.astype("float32"), mean.data, var.data), rtol=1e-6)
    assert (mean.tolist(), var.tolist()) == before


@pytest.mark.parametrize("shape", [(0, 4, 3), (2, 4, 0)])
def test_norms_of_nothing(shape):
    """An empty batch, or pictures without pixels, have nothing to normalise."""
    x = tl.zeros(shape, requires_grad=True)
    norms = [F.layer_norm(x, shape[1:], tl.ones(shape[1:])), F.group_norm(x, 2, tl.ones(4))]
    norms += [F.instance_norm(x, tl.zeros(4), tl.ones(4), tl.ones(4))] if shape[2] else []
    for y in norms:
        assert y.shape == shape
        assert tl.grad(y.sum(), [x])[0].shape == shape


def test_rows_far_from_zero_keep_their_digits(rng):
    """The mean is subtracted before anything is squared."""
    x = rng.standard_normal((2, 8)).astype(np.float32)
    far = (x + np.float32(1000)).astype(np.float32)
    np.testing.assert_allclose(F.layer_norm(far, 8), F.layer_norm(far.astype(np.float64), 8), rtol=0, atol=1e-3)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("wanted", list(itertools.product([False, True], repeat=3)))
def test_a_dense_layers_gradients_in_one_call_are_its_rules(wanted, dtype, rng):
    """Of arrays a kernel computes all three at once; to be differentiated again they are operations."""
    arrays = [rng.standard_normal(shape).astype(dtype) for shape in ((5, 4), (3, 4), (3,))]
    xs = [tl.Tensor(a, tracked) for a, tracked in zip(arrays, wanted)]
    asked = [x for x in xs if x.requires_grad]
    if asked:
        g = rng.standard_normal((5, 3)).astype(dtype)
        quick, slow = (tl.grad(F.linear(*xs), asked, g, create_graph=again) for again in (False, True))
        for a, b in zip(quick, slow):
            assert a.dtype == b.dtype == dtype
            np.testing.assert_allclose(a.data, b.data, rtol=1e-5)


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16", "int32", "uint32", "int64", "uint64"])
@pytest.mark.parametrize("loss", [F.cross_entropy, F.nll_loss])
def test_labels_of_any_integer_type(loss, dtype):
    x = tl.tensor(np.log(np.full((3, 4), 0.25)), requires_grad=True)
    assert loss(x, np.array([0, 3, 1], dtype)).item() == pytest.approx(np.log(4), rel=1e-6)
    wrong = [4] if dtype.startswith("u") else [4, -1]
    for label in wrong:
        with pytest.raises(ValueError, match=f"label {label} at position 1 is outside 0 … 3"):
            loss(x, np.array([0, label, 1], dtype))
    if not dtype.startswith("u"):
        assert loss(x, np.array([0, -100, 1], dtype)).item() == pytest.approx(np.log(4), rel=1e-6)


@pytest.mark.parametrize(
    ("labels", "words"), [([9, 0], "label 9 at position 0"), ([0, -1, 4], "label -1 at position 1")]
)
def test_the_first_of_the_labels_that_is_no_class_is_named(labels, words):
    for loss in (F.cross_entropy, F.nll_loss):
        with pytest.raises(ValueError, match=words):
            loss(tl.zeros(len(labels), 3), np.array(labels))
