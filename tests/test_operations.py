"""Every operation: both orders of its gradient, dtypes, arrays and tensors alike, adjoints, empty batches."""

import numpy as np
import pytest
from cases import CASES, LINEAR
from hypothesis import given
from hypothesis import strategies as st

import tinylucid as tl
from tinylucid.check import dot_test

F = tl.nn.functional
dtypes = st.sampled_from([np.float64, np.float32])


def outputs(result):
    """What a function returned, as a list."""
    return list(result) if isinstance(result, (tuple, list)) else [result]


@pytest.mark.parametrize("name", CASES)
@given(data=st.data())
def test_gradient(name, data):
    function, inputs = CASES[name](data.draw)
    dtype = data.draw(dtypes)
    assert tl.gradcheck(function, [x.astype(dtype) for x in inputs], directions=2)


@pytest.mark.parametrize("name", CASES)
@given(data=st.data())
def test_gradient_of_the_gradient(name, data):
    function, inputs = CASES[name](data.draw)
    assert tl.gradgradcheck(function, inputs, directions=1, rtol=1e-5)


@pytest.mark.parametrize("name", CASES)
@given(data=st.data())
def test_arrays_compute_what_tensors_record_in_one_dtype(name, data):
    function, inputs = CASES[name](data.draw)
    dtype = data.draw(dtypes)
    leaves = [tl.Tensor(x.astype(dtype), requires_grad=True) for x in inputs]
    recorded = outputs(function(*leaves))
    assert all(y.dtype == dtype and y.requires_grad for y in recorded)
    constants = outputs(function(*[x.detach() for x in leaves])) if name != "dropout" else []
    for y, z in zip(recorded, constants):
        assert not z.requires_grad
        np.testing.assert_array_equal(y.data, z.data)
    for g in tl.grad(recorded, leaves, [np.ones(y.shape) for y in recorded]):
        assert g.dtype == dtype


@pytest.mark.parametrize("name", sorted(LINEAR))
@given(data=st.data())
def test_the_rule_of_a_linear_operation_is_its_adjoint(name, data):
    function, (x,) = CASES[name](data.draw)
    function_of_one = lambda x: tl.concatenate([y.flatten() for y in outputs(function(x))])
    dot_test(function_of_one, x, seed=data.draw(st.integers(0, 99)))


PURE = [tl.exp, tl.relu, tl.softmax, tl.sum, tl.concatenate, tl.matmul, F.conv2d, F.max_pool2d, F.linear, F.gelu]


@pytest.mark.parametrize("function", PURE, ids=lambda f: f.__name__)
def test_called_with_arrays_it_returns_an_array(function, rng):
    x = rng.standard_normal((1, 2, 4, 4)).astype(np.float32)
    arguments = {
        "softmax": (x, 1),
        "concatenate": ([x, x],),
        "matmul": (x, x),
        "conv2d": (x, x),
        "max_pool2d": (x, 2),
        "linear": (x, x[0, 0]),
    }.get(function.__name__, (x,))
    y = function(*arguments)
    assert isinstance(y, (np.ndarray, np.generic))
    assert y.dtype == np.float32


EMPTY = {
    "elementwise": lambda x: tl.exp(x) * 2 + x.relu(),
    "conv2d": lambda x: F.conv2d(x, np.ones((2, 3, 2, 2)), padding=1),
    "max_pool2d": lambda x: F.max_pool2d(x, 2),
    "avg_pool2d": lambda x: F.avg_pool2d(x, 2),
    "global average": lambda x: F.adaptive_avg_pool2d(x, 1),
    "batch_norm in eval mode": lambda x: F.batch_norm(x, np.zeros(3), np.ones(3)),
    "linear": lambda x: F.linear(x.flatten(1), np.ones((2, 60))),
    "softmax": lambda x: tl.softmax(x, 1),
    "sum": lambda x: tl.sum(x, (1, 2)),
    "matmul": lambda x: x @ x.transpose(2, 3),
    "concatenate": lambda x: tl.concatenate([x, x], 1),
    "dropout": lambda x: F.dropout(x, 0.5),
    "indexing": lambda x: x[:, 0, ::2],
    "reshape": lambda x: x.reshape(0, 6, 10),
}


@pytest.mark.parametrize("name", EMPTY)
def test_no_pictures_are_a_batch_like_any_other(name):
    x = tl.zeros(0, 3, 4, 5, dtype=np.float64, requires_grad=True)
    y = EMPTY[name](x)
    assert y.shape[0] == 0
    (g,) = tl.grad(y.sum(), [x])
    assert g.shape == x.shape


REFUSED = {
    "cross_entropy": lambda x: F.cross_entropy(x.flatten(1), np.zeros(0, int)),
    "batch_norm in training": lambda x: F.batch_norm(x, None, None, training=True),
    "mean": lambda x: x.mean(),
    "max": lambda x: x.max(),
    "mse_loss": lambda x: F.mse_loss(x, x),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_has_no_value_over_nothing_says_so(name):
    with pytest.raises(ValueError, match=r"\(0, (3|60)"):
        REFUSED[name](tl.zeros(0, 3, 4, 5))


def test_ties_go_where_the_guide_says():
    grad = lambda function, x: tl.grad(function(t := tl.tensor(x, requires_grad=True)).sum(), [t])[0].tolist()
    assert grad(lambda x: F.max_pool2d(x, 2), np.zeros((1, 1, 2, 2))) == [[[[1, 0], [0, 0]]]]
    assert grad(lambda x: x.max(1)[0], np.zeros((1, 3))) == [[1, 0, 0]]
    assert grad(lambda x: x.max(), np.array([1.0, 2, 2])) == [0, 0.5, 0.5]
    assert grad(lambda x: x.min(), np.array([1.0, 1, 2])) == [0.5, 0.5, 0]
    assert grad(lambda x: tl.maximum(x, np.zeros(3)), np.array([-1.0, 0, 1])) == [0, 0.5, 1]
    assert grad(lambda x: x.clip(-1, 1), np.array([-2.0, -1, 1, 2])) == [0, 1, 1, 0]
    assert grad(tl.relu, np.array([-1.0, 0, 1])) == [0, 0, 1]
    assert grad(tl.abs, np.array([-1.0, 0, 1])) == [-1, 0, 1]
    assert grad(lambda x: x**0, np.array([0.0])) == [0]
    assert tl.argmax(tl.tensor([1, 3, 3])).item() == 1


@given(data=st.data())
def test_tied_windows_conserve_the_gradient_and_the_first_wins(data):
    function, (x,) = CASES["max_pool2d"](data.draw)
    ties = np.round(x / 0.4) * 0.4  # a few values only
    leaf = tl.Tensor(ties, requires_grad=True)
    y = function(leaf)
    u = np.random.default_rng(0).standard_normal(y.shape)
    (g,) = tl.grad(y, [leaf], u)
    assert abs(g.data.sum() - u.sum()) < 1e-12 * max(1, np.abs(u).sum())
    order = np.arange(x.size).reshape(x.shape) * 1e-9  # earlier elements a little larger
    broken = tl.Tensor(ties - order, requires_grad=True)
    np.testing.assert_array_equal(tl.grad(function(broken), [broken], u)[0].data, g.data)


def test_drawn_convolutions_cover_every_class_of_argument():
    """Strides with and without remainder, padding, dilation, groups and odd kernels do occur among the draws."""
    seen = set()
    original = tl.ops.conv._conv2d.op.forward

    def spy(x, weight, bias, *, stride, padding, dilation, groups):
        reach = [d * (k - 1) + 1 for d, k in zip(dilation, weight.shape[2:])]
        rest = [(n + 2 * p - r) % s for n, p, r, s in zip(x.shape[2:], padding, reach, stride)]
        classes = {
            "stride": max(stride) > 1, "padding": max(padding) > 0, "dilation": max(dilation) > 1 and max(weight.shape[2:]) > 1,
            "groups": groups > 1, "remainder": any(rest), "rectangular": x.shape[2] != x.shape[3], "bias": bias is not None,
            "kernel": weight.shape[2] != weight.shape[3], "one picture": len(x) == 1, "padding = kernel - 1 > 0":
            any(p == k - 1 > 0 for p, k in zip(padding, weight.shape[2:])), "one channel": x.shape[1] == 1,
        }  # fmt: skip
        seen.update(name for name, is_so in classes.items() if is_so)
        seen.update(f"no {name}" for name, is_so in classes.items() if not is_so)
        return original(x, weight, bias, stride=stride, padding=padding, dilation=dilation, groups=groups)

    @given(data=st.data())
    def draw_many(data):
        function, inputs = CASES["conv2d"](data.draw)
        function(*map(tl.Tensor, inputs))

    tl.ops.conv._conv2d.op.forward = spy
    try:
        for _ in range(4):
            draw_many()
    finally:
        tl.ops.conv._conv2d.op.forward = original
    assert len(seen) == 22, sorted(seen)
