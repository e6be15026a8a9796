"""Batch normalisation and the losses against PyTorch."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import tinylucid as tl

from .compare import agree, array, both_raise, close, noise, numbers

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.parity


# --- batch normalisation -------------------------------------------------------------------------------------------


@st.composite
def batches(draw, least=1):
    """An input (N, C, …) of two to five axes with at least so many values a channel, all well apart."""
    n, c = draw(st.integers(1, 4)), draw(st.integers(1, 3))
    shape = (n, c, *draw(st.lists(st.integers(1, 4), max_size=3)))
    assume(np.prod(shape) // c >= least)
    return draw(numbers(shape, kinds=("apart",)))


def normalise(x, affine, running, training, momentum=0.1, eps=1e-5, strided=False):
    """Compare batch_norm: its result, and the running statistics after it."""
    c = x.shape[1]
    arrays = [x] + ([noise((c,), 1)] if affine[0] else []) + ([noise((c,), 2)] if affine[1] else [])
    fixed = [noise((c,), 3), np.abs(noise((c,), 4)) + 0.5] if running else []

    def f(t, x, *rest):
        rest = list(rest)
        weight = rest.pop(0) if affine[0] else None
        bias = rest.pop(0) if affine[1] else None
        if t is torch:  # its backward is wrong for some strides, its second order for a bias without a weight
            x = x.clone(memory_format=t.contiguous_format)
            weight = t.ones(c, dtype=x.dtype) if affine == (False, True) else weight
        mean, var = rest or (None, None)
        y = t.nn.functional.batch_norm(x, mean, var, weight, bias, training, momentum, eps)
        return (y, mean, var) if running else y

    agree(f, *arrays, fixed=fixed, strided=strided)


affines = st.tuples(st.booleans(), st.booleans())


@given(
    x=batches(least=2),
    affine=affines,
    running=st.booleans(),
    momentum=st.sampled_from([0.0, 0.1, 0.7, 1.0]),
    eps=st.sampled_from([1e-5, 1e-3, 0.5]),
    strided=st.booleans(),
)
def test_batch_norm_train(x, affine, running, momentum, eps, strided):
    """By the statistics of the batch; the running ones move towards them, by the unbiased variance."""
    normalise(x, affine, running, True, momentum, eps, strided)


@given(x=batches(), affine=affines, eps=st.sampled_from([1e-5, 0.1]), strided=st.booleans())
def test_batch_norm_eval(x, affine, eps, strided):
    """By the running statistics, which stay as they are."""
    normalise(x, affine, True, False, eps=eps, strided=strided)


@pytest.mark.parametrize("shape", [(16, 5, 9, 7), (2, 64, 3, 3), (33, 1, 4, 5), (8, 3)])
@pytest.mark.parametrize("training", [True, False])
def test_batch_norm_sizes(shape, training):
    normalise(noise(shape, 0), (True, True), True, training)


@pytest.mark.parametrize("shift", [0.0, 100.0])
def test_batch_norm_of_constant_channel(shift):
    """A channel without variance is divided by √eps; one far from 0 loses no digits to its mean."""
    x = noise((3, 2, 4, 5), 0) + shift
    x[:, 1] = shift
    f = lambda t, x, w, b: t.nn.functional.batch_norm(x, None, None, w, b, True)
    arrays = [x, np.array([1.5, 0.5]), np.array([0.1, -0.2])]
    if shift:  # in float64: in float32 the input itself has lost them
        for name in ("y", "x", "weight", "bias"):
            ours, theirs = (once(t, f, arrays)[name] for t in (tl, torch))
            close(ours, theirs, name, 1e-9)
    else:
        agree(f, *arrays)


def once(t, f, arrays):
    """By name: the value of f(x, weight, bias) and its gradients."""
    x, w, b = (t.tensor(a, requires_grad=True) for a in arrays)
    y = f(t, x, w, b)
    y.backward(t.tensor(noise(y.shape, 9)))
    return {name: array(a) for name, a in {"y": y, "x": x.grad, "weight": w.grad, "bias": b.grad}.items()}


def test_batch_norm_without_recording():
    """The running statistics move under no_grad too."""
    x, mean, var = noise((4, 3, 5), 0), noise((3,), 1), np.abs(noise((3,), 2))
    found = []
    for t in (tl, torch):
        with t.no_grad():
            m, v = t.tensor(mean), t.tensor(var)
            found.append([t.nn.functional.batch_norm(t.tensor(x), m, v, training=True), m, v])
    for ours, theirs in zip(*found):
        close(array(ours), array(theirs))


# --- cross-entropy -------------------------------------------------------------------------------------------------


@st.composite
def classifications(draw):
    """Logits (N, C, d1, …), labels some of which may be ignored, and the settings of the loss."""
    n, c = draw(st.integers(1, 4)), draw(st.integers(1, 5))
    places = draw(st.one_of(st.just([]), st.lists(st.integers(1, 3), max_size=3)))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    how = {
        "ignore_index": draw(st.sampled_from([-100, -1, 0, c - 1, c, 255])),
        "reduction": draw(st.sampled_from(["mean", "sum", "none"])),
        "label_smoothing": draw(st.sampled_from([0.0, 0.1, 0.5, 1.0])),
    }
    labels = rng.integers(0, c, (n, *places))
    labels[rng.random(labels.shape) < draw(st.sampled_from([0, 0.3]))] = how["ignore_index"]
    weight = rng.choice([0.0, 0.5, 1.0, 2.0], c) if draw(st.booleans()) else None
    return draw(numbers((n, c, *places))) * draw(st.sampled_from([1, 10])), labels, weight, how


def entropy(logits, target, weight, how, soft=False, **further):
    """Compare cross_entropy, of labels or of probabilities, which then have gradients too."""
    fixed = [] if weight is None else [weight]
    if soft:
        f = lambda t, x, q, *w: t.nn.functional.cross_entropy(x, q, *w, **how)
        agree(f, logits, target, fixed=fixed, **further)
    else:
        f = lambda t, x, y, *w: t.nn.functional.cross_entropy(x, y, *w, **how)
        agree(f, logits, fixed=[target, *fixed], **further)


@given(case=classifications(), strided=st.booleans())
def test_cross_entropy(case, strided):
    _, labels, weight, how = case
    counts = labels[labels != how["ignore_index"]]
    if how["reduction"] == "mean" and not (len(counts) if weight is None else weight[counts].sum()):
        how["reduction"] = "sum"  # a mean over nothing is refused, see below
    entropy(*case, strided=strided)


@given(case=classifications(), raw=st.booleans(), strided=st.booleans())
def test_cross_entropy_with_probabilities(case, raw, strided):
    """Targets as distributions over the classes, or as any numbers."""
    logits, _, weight, how = case
    how.pop("ignore_index")
    q = noise(logits.shape, 5) if raw else np.exp(noise(logits.shape, 5))
    entropy(logits, q if raw else q / q.sum(1, keepdims=True), weight, how, soft=True, strided=strided)


@pytest.mark.parametrize("size", [(64, 10), (7, 1000), (3, 4, 9, 5), (1, 1), (2, 3, 0)])
@pytest.mark.parametrize("label_smoothing", [0.0, 0.1])
def test_cross_entropy_sizes(size, label_smoothing):
    if not np.prod(size):  # an empty batch has no mean
        with pytest.raises(ValueError, match="cross_entropy"):
            tl.nn.functional.cross_entropy(tl.zeros(size), tl.zeros(size[0], *size[2:], dtype=tl.int64))
        return
    labels = np.random.default_rng(0).integers(0, size[1], (size[0], *size[2:]))
    entropy(noise(size, 0), labels, None, {"label_smoothing": label_smoothing})


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("weight", [None, np.array([0.5, 1.0, 2.0])])
@pytest.mark.parametrize(
    "row", [[1e4, 0, -1e4], [-1e30, 1e30, 0], [1e-30, 0, 0], [3, -np.inf, 1], [-np.inf, -np.inf, 0]]
)
def test_cross_entropy_of_extremes(reduction, weight, row):
    """Nothing overflows, and a class of logit −inf that is not wanted costs nothing, in second order too."""
    logits = np.array([row, [1.0, 2.0, 3.0]])
    entropy(logits, np.array([2, 0]), weight, {"reduction": reduction})


def test_cross_entropy_of_impossible_class():
    """The loss of a class of logit −inf is infinite."""
    logits = np.array([[-np.inf, 1.0, 0.0], [0.0, 1.0, 2.0]])
    with np.errstate(invalid="ignore"):
        entropy(logits, np.array([0, 1]), None, {"reduction": "none"}, second=False)


def test_cross_entropy_labels_may_be_arrays():
    """Labels and weights as arrays, and as integers of other widths, mean the same."""
    x, y, w = noise((4, 3), 0), np.array([2, 0, 1, 1]), np.array([1.0, 2.0, 0.5])
    theirs = torch.nn.functional.cross_entropy(torch.tensor(x), torch.tensor(y), torch.tensor(w))
    for labels in (y, y.astype("int32"), y.astype("uint8"), tl.tensor(y), tl.tensor(y.astype("int32"))):
        for weight in (w, tl.tensor(w), w.astype("float32")):
            close(array(tl.nn.functional.cross_entropy(tl.tensor(x), labels, weight)), array(theirs))


NOTHING = {
    "all ignored": ([-100, -100], None),
    "weight 0": ([1, 1], [1.0, 0.0, 1.0]),
    "weight 0 or ignored": ([-100, 1], [1.0, 0.0, 1.0]),
}


@pytest.mark.parametrize("name", NOTHING)
def test_cross_entropy_mean_over_nothing(name):
    """It is refused (PyTorch gives NaN); sum and none are 0."""
    labels, weight = NOTHING[name]
    with pytest.raises(ValueError, match="no row counts"):
        tl.nn.functional.cross_entropy(tl.tensor(noise((2, 3), 0)), tl.tensor(labels), weight)
    for reduction in ("sum", "none"):
        weights = None if weight is None else np.array(weight)
        entropy(noise((2, 3), 0), np.array(labels), weights, {"reduction": reduction})


# --- mean squared error ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@given(data=st.data(), x=numbers())
def test_mse_loss(reduction, data, x):
    y = data.draw(numbers(x.shape))
    agree(lambda t, x, y: t.nn.functional.mse_loss(x, y, reduction=reduction), x, y)


def test_mse_loss_refuses_to_broadcast():
    """PyTorch warns where shapes differ; here it is an error."""
    with pytest.raises(ValueError, match="mse_loss"):
        tl.nn.functional.mse_loss(tl.zeros(3, 1), tl.zeros(3))


# --- what both refuse -----------------------------------------------------------------------------------------------

labels = lambda t, *y: t.tensor(np.array(y, "int64"))
REFUSED = {
    "batch_norm: one value a channel": lambda t, f: f.batch_norm(t.zeros(1, 3), None, None, training=True),
    "batch_norm: one pixel": lambda t, f: f.batch_norm(t.zeros(1, 3, 1, 1), None, None, training=True),
    "batch_norm: no statistics": lambda t, f: f.batch_norm(t.zeros(4, 3), None, None),
    "batch_norm: one statistic": lambda t, f: f.batch_norm(t.zeros(4, 3), t.zeros(3), None),
    "batch_norm: running_mean": lambda t, f: f.batch_norm(t.zeros(4, 3), t.zeros(2), t.ones(3)),
    "batch_norm: running_var": lambda t, f: f.batch_norm(t.zeros(4, 3), t.zeros(3), t.ones(4), training=True),
    "batch_norm: weight": lambda t, f: f.batch_norm(t.zeros(4, 3), None, None, t.ones(4), training=True),
    "batch_norm: bias": lambda t, f: f.batch_norm(t.zeros(4, 3), t.zeros(3), t.ones(3), None, t.ones(1)),
    "batch_norm: one axis": lambda t, f: f.batch_norm(t.zeros(4), t.zeros(4), t.ones(4)),
    "cross_entropy: label above": lambda t, f: f.cross_entropy(t.zeros(2, 3), labels(t, 0, 3)),
    "cross_entropy: label below": lambda t, f: f.cross_entropy(t.zeros(2, 3), labels(t, 0, -1)),
    "cross_entropy: how many labels": lambda t, f: f.cross_entropy(t.zeros(2, 3), labels(t, 0, 1, 2)),
    "cross_entropy: label axes": lambda t, f: f.cross_entropy(t.zeros(2, 3), labels(t, (0,), (1,))),
    "cross_entropy: label places": lambda t, f: f.cross_entropy(t.zeros(2, 3, 2), labels(t, (0, 1, 1), (1, 0, 0))),
    "cross_entropy: float labels": lambda t, f: f.cross_entropy(t.zeros(2, 3), t.zeros(2)),
    "cross_entropy: weight": lambda t, f: f.cross_entropy(t.zeros(2, 3), labels(t, 0, 1), t.ones(2)),
    "cross_entropy: weight axes": lambda t, f: f.cross_entropy(t.zeros(2, 3), labels(t, 0, 1), t.ones(1, 3)),
    "cross_entropy: reduction": lambda t, f: f.cross_entropy(t.zeros(2, 3), labels(t, 0, 1), reduction="max"),
    "cross_entropy: reduction, probabilities": lambda t, f: f.cross_entropy(t.zeros(2, 3), t.ones(2, 3), reduction="x"),
    "cross_entropy: smoothing 1.5": lambda t, f: f.cross_entropy(t.zeros(2, 3), labels(t, 0, 1), label_smoothing=1.5),
    "cross_entropy: probabilities' shape": lambda t, f: f.cross_entropy(t.zeros(2, 3), t.ones(2, 4)),
    "cross_entropy: ignore_index, probabilities": lambda t, f: f.cross_entropy(
        t.zeros(2, 3), t.ones(2, 3), ignore_index=1
    ),
    "mse_loss: reduction": lambda t, f: f.mse_loss(t.zeros(2, 3), t.zeros(2, 3), reduction="max"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_both_refuse(name):
    both_raise(lambda t: REFUSED[name](t, t.nn.functional))
