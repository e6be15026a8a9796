"""Activations, losses and norms beyond the first ones against PyTorch, and their layers."""

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import tinylucid as tl

from .compare import agree, both_raise, close, noise, numbers
from .test_nn_optim import same_model

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.parity

reductions = st.sampled_from(["mean", "sum", "none"])

# --- activations ---------------------------------------------------------------------------------------------------


@given(x=numbers(), beta=st.sampled_from([1.0, 0.3, 5.0, -2.0]), threshold=st.sampled_from([20.0, 1.1, 0.0]))
def test_softplus(x, beta, threshold):
    assume(not (x * beta == threshold).any())
    agree(lambda t, x: t.nn.functional.softplus(x, beta, threshold), x)


@given(x=numbers(), alpha=st.sampled_from([1.0, 0.2, 3.0]))
def test_elu(x, alpha):
    agree(lambda t, x: t.nn.functional.elu(x, alpha), x, second=bool(x.all()))  # at 0 the second derivative jumps


@pytest.mark.parametrize("name", ["silu", "logsigmoid", "softplus"])
@given(x=numbers(), strided=st.booleans())
def test_activation(name, x, strided):
    agree(lambda t, x: getattr(t.nn.functional, name)(x), x, strided=strided)


@pytest.mark.parametrize("name", ["silu", "logsigmoid", "softplus", "elu"])
def test_activation_of_extremes(name):
    """Values and slopes in both orders: far out, at 0, and of NaN."""
    x = np.array([-1e4, -100, -30, -19.5, -1e-4, 0.0, 1e-4, 19.5, 30, 100, 1e4, math.nan])
    x = x[[k for k in range(12) if k not in (5, 11)]] if name == "elu" else x  # see the guide, ties.md
    agree(lambda t, x: getattr(t.nn.functional, name)(x), x)


# --- losses --------------------------------------------------------------------------------------------------------


@st.composite
def pairs(draw):
    """Two arrays of one shape."""
    x = draw(numbers())
    return x, draw(numbers(x.shape))


@given(xy=pairs(), reduction=reductions)
def test_l1_loss(xy, reduction):
    agree(lambda t, x, y: t.nn.functional.l1_loss(x, y, reduction=reduction), *xy)


@given(xy=pairs(), reduction=reductions, beta=st.sampled_from([1.3, 0.2, 0.0]))
def test_smooth_l1_loss(xy, reduction, beta):
    agree(lambda t, x, y: t.nn.functional.smooth_l1_loss(x, y, reduction=reduction, beta=beta), *xy)


def test_smooth_l1_loss_of_extremes():
    x = np.array([-1e4, -1.0, -0.5, 0.0, 0.5, 1.0, 1e4, math.nan])  # ±1 is where the two forms meet
    agree(lambda t, x: t.nn.functional.smooth_l1_loss(x, t.zeros_like(x), reduction="none"), x, second=False)


@pytest.mark.filterwarnings("ignore:reduction. 'mean' divides")
@given(xy=pairs(), reduction=st.sampled_from(["mean", "sum", "none", "batchmean"]), log_target=st.booleans())
def test_kl_div(xy, reduction, log_target):
    x, y = xy
    y = y if log_target else np.abs(y) + 0.1
    f = lambda t, x, y: t.nn.functional.kl_div(x, y, reduction=reduction, log_target=log_target)
    if reduction == "batchmean" and not x.ndim:  # PyTorch lets a number be its own batch
        with pytest.raises(ValueError, match="batchmean"):
            f(tl, tl.tensor(x), tl.tensor(y))
        return
    agree(f, x, y)


def test_kl_div_of_impossible_classes():
    """A target of 0 costs 0, whatever was predicted."""
    f = lambda t, x, y: t.nn.functional.kl_div(x, y, reduction="sum")
    agree(f, np.log([[0.2, 0.8], [0.5, 0.5]]), fixed=[np.array([[0.0, 1.0], [0.5, 0.5]])])


@given(xy=pairs(), reduction=reductions, weighted=st.booleans(), positive=st.booleans(), scale=st.sampled_from([1, 30]))
def test_binary_cross_entropy_with_logits(xy, reduction, weighted, positive, scale):
    x, y = xy
    fixed = [np.abs(noise(x.shape, 1))] * weighted + [np.abs(noise(x.shape[-1:], 2))] * positive

    def f(t, x, y, *rest):
        rest = list(rest)
        weight = rest.pop(0) if weighted else None
        pos_weight = rest.pop(0) if positive else None
        loss = t.nn.functional.binary_cross_entropy_with_logits
        return loss(x, y, weight, reduction=reduction, pos_weight=pos_weight)

    agree(f, x * scale, y, fixed=fixed)


@pytest.mark.parametrize("pos_weight", [None, 3.0])
def test_binary_cross_entropy_of_extremes(pos_weight):
    x = np.array([-1e4, -1e4, -50, -50, 0, 0, 50, 50, 1e4, 1e4, math.nan])
    y = np.array([0.0, 1.0] * 5 + [1.0])

    def f(t, x, y):
        p = None if pos_weight is None else t.tensor(np.array(pos_weight)).to(x.dtype)
        return t.nn.functional.binary_cross_entropy_with_logits(x, y, reduction="none", pos_weight=p)

    agree(f, x, fixed=[y])


@st.composite
def surprises(draw):
    """Log-probabilities (N, C, d1, …), labels some of which may be ignored, weights, and the settings of the loss."""
    n, c = draw(st.integers(1, 4)), draw(st.integers(1, 5))
    places = draw(st.lists(st.integers(1, 3), max_size=3))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    how = {"ignore_index": draw(st.sampled_from([-100, 0, c - 1, c])), "reduction": draw(reductions)}
    labels = rng.integers(0, c, (n, *places))
    labels[rng.random(labels.shape) < draw(st.sampled_from([0, 0.3]))] = how["ignore_index"]
    weight = rng.choice([0.5, 1.0, 2.0], c) if draw(st.booleans()) else None
    if (labels == how["ignore_index"]).all() and how["reduction"] == "mean":
        how["reduction"] = "sum"  # a mean over nothing is refused
    return draw(numbers((n, c, *places))), labels, weight, how


@given(case=surprises(), strided=st.booleans())
def test_nll_loss(case, strided):
    x, labels, weight, how = case
    fixed = [labels] if weight is None else [labels, weight]

    def f(t, x, y, *w):
        x = x.contiguous() if t is torch else x  # its backward fails for some strides
        return t.nn.functional.nll_loss(x, y, *w, **how)

    agree(f, x, fixed=fixed, strided=strided)


def test_nll_loss_of_ignored_infinity():
    x = np.array([[-np.inf, 0.0], [-1.0, -2.0]])
    agree(lambda t, x, y: t.nn.functional.nll_loss(x, y, ignore_index=0), x, fixed=[np.array([0, 1])], second=False)


# --- norms ---------------------------------------------------------------------------------------------------------


def apart(shape, seed=0):
    """Numbers that are all different, in a shuffled order: no statistic is ill-conditioned."""
    rng = np.random.default_rng(seed)
    return rng.permutation(math.prod(shape)).reshape(shape) * 0.5 - 1 + rng.uniform(-0.1, 0.1, shape)


affines = st.tuples(st.booleans(), st.booleans())
sides = st.integers(1, 4)


def normed(f, x, shape, affine, **further):
    """Compare f(t, x, weight, bias), each perhaps None."""
    arrays = [x] + ([noise(shape, 1)] if affine[0] else []) + ([noise(shape, 2)] if affine[1] else [])

    def g(t, x, *rest):
        rest = list(rest)
        weight = rest.pop(0) if affine[0] else None
        bias = rest.pop(0) if affine[1] else None
        if t is torch and weight is None and bias is not None:  # its second order is wrong for a bias without a weight
            weight = t.ones(shape, dtype=x.dtype)
        return f(t, x, weight, bias)

    agree(g, *arrays, **further)


@given(
    lead=st.lists(sides, max_size=3),
    shape=st.lists(sides, min_size=1, max_size=2),
    affine=affines,
    eps=st.sampled_from([1e-5, 0.3]),
    strided=st.booleans(),
)
def test_layer_norm(lead, shape, affine, eps, strided):
    assume(math.prod(shape) > 2)  # of two values the gradient cancels, to a rest that is rounding
    f = lambda t, x, w, b: t.nn.functional.layer_norm(x, tuple(shape), w, b, eps)
    normed(f, apart((*lead, *shape)), tuple(shape), affine, strided=strided)


@given(n=sides, groups=sides, each=sides, places=st.lists(sides, max_size=3), affine=affines, strided=st.booleans())
def test_group_norm(n, groups, each, places, affine, strided):
    assume(each * math.prod(places) > 2)
    f = lambda t, x, w, b: t.nn.functional.group_norm(x, groups, w, b)
    normed(f, apart((n, groups * each, *places)), (groups * each,), affine, strided=strided)


@given(
    n=sides,
    c=sides,
    places=st.lists(sides, min_size=1, max_size=3),
    affine=affines,
    running=st.booleans(),
    own=st.booleans(),
    momentum=st.sampled_from([0.1, 0.7]),
)
def test_instance_norm(n, c, places, affine, running, own, momentum):
    """By each picture's statistics or the running ones, which move as PyTorch's do."""
    assume(math.prod(places) > 2 and (running or own))
    seen = {}

    def f(t, x, w, b):
        mean, var = (t.tensor(np.abs(noise((c,), k))).to(x.dtype) for k in (3, 4)) if running else (None, None)
        y = t.nn.functional.instance_norm(x, mean, var, w, b, own, momentum)
        seen[t.__name__] = [mean, var] if running else []
        return y

    normed(f, apart((n, c, *places)), (c,), affine)
    for ours, theirs in zip(seen["tinylucid"], seen["torch"]):
        close(ours.numpy(), theirs.numpy(), "running statistics")


# --- layers --------------------------------------------------------------------------------------------------------

LAYERS = {  # name: the layer, the shape of its input
    "Softplus": (lambda nn: nn.Softplus(), (2, 3)),
    "Softplus(2, 1.5)": (lambda nn: nn.Softplus(2, 1.5), (2, 3)),
    "SiLU": (lambda nn: nn.SiLU(), (2, 3)),
    "ELU": (lambda nn: nn.ELU(), (2, 3)),
    "ELU(0.5)": (lambda nn: nn.ELU(0.5), (2, 3)),
    "LogSigmoid": (lambda nn: nn.LogSigmoid(), (2, 3)),
    "LayerNorm": (lambda nn: nn.LayerNorm(6), (2, 3, 6)),
    "LayerNorm(3, 4)": (lambda nn: nn.LayerNorm([3, 4], 0.1, bias=False), (2, 3, 4)),
    "LayerNorm(not affine)": (lambda nn: nn.LayerNorm((5,), elementwise_affine=False), (2, 5)),
    "GroupNorm": (lambda nn: nn.GroupNorm(2, 6), (2, 6, 3, 2)),
    "GroupNorm(not affine)": (lambda nn: nn.GroupNorm(3, 3, 0.1, affine=False), (2, 3, 5)),
    "InstanceNorm2d": (lambda nn: nn.InstanceNorm2d(3), (2, 3, 4, 5)),
    "InstanceNorm2d(affine)": (lambda nn: nn.InstanceNorm2d(3, 0.1, affine=True), (2, 3, 4, 5)),
    "InstanceNorm2d(tracking)": (lambda nn: nn.InstanceNorm2d(3, momentum=0.3, track_running_stats=True), (2, 3, 4, 5)),
    "BatchNorm1d": (lambda nn: nn.BatchNorm1d(3), (5, 3)),
    "BatchNorm1d(momentum None)": (lambda nn: nn.BatchNorm1d(3, momentum=None), (5, 3)),
    "BatchNorm1d of sequences": (lambda nn: nn.BatchNorm1d(3, affine=False), (3, 3, 4)),
}
LOSSES = {
    "NLLLoss": (lambda t: t.nn.NLLLoss(), None),
    "NLLLoss(weight)": (lambda t: t.nn.NLLLoss(t.tensor([1.0, 2.0, 0.5]), ignore_index=2, reduction="sum"), None),
    "L1Loss": (lambda t: t.nn.L1Loss(reduction="sum"), (4, 3)),
    "SmoothL1Loss": (lambda t: t.nn.SmoothL1Loss(beta=0.7), (4, 3)),
    "KLDivLoss": (lambda t: t.nn.KLDivLoss(reduction="batchmean", log_target=True), (4, 3)),
    "BCEWithLogitsLoss": (lambda t: t.nn.BCEWithLogitsLoss(), (4, 3)),
    "BCEWithLogitsLoss(weights)": (
        lambda t: t.nn.BCEWithLogitsLoss(t.tensor([1.0, 2.0, 0.5]), pos_weight=t.tensor([3.0, 1.0, 0.5])),
        (4, 3),
    ),
}


@pytest.mark.parametrize("name", LAYERS)
def test_layer(name):
    layer, shape = LAYERS[name]
    same_model(lambda t: layer(t.nn), apart(shape))


@pytest.mark.parametrize("name", LOSSES)
def test_loss_layer(name):
    loss, shape = LOSSES[name]
    same_model(loss, noise((4, 3), 0), np.array([0, 2, 1, 1]) if shape is None else noise(shape, 1))


# --- what both refuse -----------------------------------------------------------------------------------------------

labels = lambda t, *y: t.tensor(np.array(y, "int64"))
REFUSED = {
    "nll_loss: label above": lambda t, f: f.nll_loss(t.zeros(2, 3), labels(t, 0, 3)),
    "nll_loss: how many labels": lambda t, f: f.nll_loss(t.zeros(2, 3), labels(t, 0, 1, 2)),
    "nll_loss: float labels": lambda t, f: f.nll_loss(t.zeros(2, 3), t.zeros(2)),
    "nll_loss: weight": lambda t, f: f.nll_loss(t.zeros(2, 3), labels(t, 0, 1), t.ones(2)),
    "nll_loss: reduction": lambda t, f: f.nll_loss(t.zeros(2, 3), labels(t, 0, 1), reduction="max"),
    "l1_loss: reduction": lambda t, f: f.l1_loss(t.zeros(2), t.zeros(2), reduction="max"),
    "smooth_l1_loss: beta": lambda t, f: f.smooth_l1_loss(t.zeros(2), t.zeros(2), beta=-1.0),
    "bce: shapes": lambda t, f: f.binary_cross_entropy_with_logits(t.zeros(2, 3), t.zeros(2)),
    "bce: weight": lambda t, f: f.binary_cross_entropy_with_logits(t.zeros(2, 3), t.zeros(2, 3), t.ones(2)),
    "kl_div: reduction": lambda t, f: f.kl_div(t.zeros(2), t.zeros(2), reduction="max"),
    "BCEWithLogitsLoss": lambda t, f: t.nn.BCEWithLogitsLoss()(t.ones(2, 3), t.ones(3, 2)),
    "BCEWithLogitsLoss: pos_weight": lambda t, f: t.nn.BCEWithLogitsLoss(pos_weight=t.ones(2))(*[t.ones(2, 3)] * 2),
    "CrossEntropyLoss": lambda t, f: t.nn.CrossEntropyLoss()(t.ones(2, 3), t.ones(3, 2)),
    "NLLLoss": lambda t, f: t.nn.NLLLoss()(t.ones(2, 3), labels(t, 0, 1, 1)),
    "KLDivLoss": lambda t, f: t.nn.KLDivLoss(reduction="max")(t.ones(2, 3), t.ones(2, 3)),
    "L1Loss": lambda t, f: t.nn.L1Loss(reduction="max")(t.ones(2, 3), t.ones(2, 3)),
    "MSELoss": lambda t, f: t.nn.MSELoss(reduction="max")(t.ones(2, 3), t.ones(2, 3)),
    "SmoothL1Loss": lambda t, f: t.nn.SmoothL1Loss(beta=-1.0)(t.ones(2, 3), t.ones(2, 3)),
    "BatchNorm1d: channels": lambda t, f: t.nn.BatchNorm1d(3)(t.ones(2, 4)),
    "LayerNorm": lambda t, f: t.nn.LayerNorm(3)(t.ones(2, 4)),
    "GroupNorm: channels": lambda t, f: t.nn.GroupNorm(2, 4)(t.ones(1, 6, 2)),
    "InstanceNorm2d: channels": lambda t, f: t.nn.InstanceNorm2d(3, affine=True)(t.ones(2, 4, 2, 2)),
    "Softmax": lambda t, f: t.nn.Softmax(2)(t.ones(2, 3)),
    "Softplus: text": lambda t, f: t.nn.Softplus("a")(t.ones(2)),
    "ELU: text": lambda t, f: t.nn.ELU("a")(t.ones(2)),
    "LeakyReLU: text": lambda t, f: t.nn.LeakyReLU("a")(t.ones(2)),
    "batch_norm: no statistics": lambda t, f: f.batch_norm(t.ones(2, 3), None, None),
    "batch_norm: mean": lambda t, f: f.batch_norm(t.ones(2, 3), t.zeros(2), t.ones(2)),
    "layer_norm: shape": lambda t, f: f.layer_norm(t.zeros(2, 3), (2,)),
    "layer_norm: axes": lambda t, f: f.layer_norm(t.zeros(3), (2, 3)),
    "layer_norm: no axes": lambda t, f: f.layer_norm(t.zeros(3), ()),
    "layer_norm: weight": lambda t, f: f.layer_norm(t.zeros(2, 3), (3,), t.ones(2)),
    "layer_norm: bias": lambda t, f: f.layer_norm(t.zeros(2, 3), (3,), None, t.ones(1)),
    "group_norm: groups": lambda t, f: f.group_norm(t.zeros(2, 3, 4), 2),
    "group_norm: weight": lambda t, f: f.group_norm(t.zeros(2, 4, 4), 2, t.ones(2)),
    "group_norm: axes": lambda t, f: f.group_norm(t.zeros(4), 2),
    "instance_norm: one value": lambda t, f: f.instance_norm(t.zeros(2, 4, 1)),
    "instance_norm: weight": lambda t, f: f.instance_norm(t.zeros(2, 4, 3), weight=t.ones(3)),
    "GroupNorm": lambda t, f: t.nn.GroupNorm(2, 3),
    "InstanceNorm2d: axes": lambda t, f: t.nn.InstanceNorm2d(3)(t.zeros(2, 3)),
    "BatchNorm1d: axes": lambda t, f: t.nn.BatchNorm1d(3)(t.zeros(2, 3, 4, 5)),
    "BatchNorm1d: one value a channel": lambda t, f: t.nn.BatchNorm1d(3)(t.zeros(1, 3)),
}


@pytest.mark.parametrize("name", REFUSED)
def test_both_refuse(name):
    both_raise(lambda t: REFUSED[name](t, t.nn.functional))
