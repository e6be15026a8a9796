"""The checker is checked: planted bugs are rejected with the right diagnosis, correct gradients are accepted."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinylucid as tl
from tinylucid.check import GradcheckError, InconclusiveError, dot_test, gradcheck, gradgradcheck
from tinylucid.check.diagnose import diagnose
from tinylucid.check.evidence import Evidence
from tinylucid.ops import conv, norm, pool
from tinylucid.ops.reduce import _sum

F = tl.nn.functional


def planted(function, rule, **traits):
    """An operation with the forward of ``function`` and a rule of one's own."""
    op = tl.operation(function, **traits) if not traits else tl.operation(**traits)(function)
    op.rule(rule)
    return op


def verdict(function, inputs, **options):
    report = gradcheck(function, inputs, raise_exception=False, **options)
    assert not report
    return report


def cause(g, true):
    """What a diagnosis of these arrays alone says."""
    return diagnose([Evidence("x", g, true, upstream=("g",))]).text


def calling(ufunc):
    return lambda x: ufunc(x)


def square(x):
    return x * x


RULES = {
    "all zero": (lambda g, x: g * 0.0, "all zero"),
    "no gradient": (lambda g, x: None, "all zero"),
    "the sign": (lambda g, x: -2.0 * g * x, "wrong sign everywhere"),
    "counted twice": (lambda g, x: 4.0 * g * x, "twice what it should be"),
    "half": (lambda g, x: g * x, "half of what it should be"),
    "a constant": (lambda g, x: 2.1 * g * x, "one factor everywhere, 1.05"),
    "transposed": (lambda g, x: (2.0 * g * x).swapaxes(0, 1), "transposed"),
    "backwards": (lambda g, x: (2.0 * g * x)[:, ::-1], "last axis runs backwards"),
    "a lost row": (lambda g, x: 2.0 * g * x * (np.arange(5)[:, None] != 2), r"zero only at \[2\] along axis 0"),
    "the border": (lambda g, x: 2.0 * g * x * np.pad(np.ones((3, 3)), 1), "wrong at the border"),
    "an axis too many": (lambda g, x: np.broadcast_to((2.0 * g * x).sum(0), (5, 5)), "sum of the true gradient repeated along axis 0"),
    "noise": (lambda g, x: 2.0 * g * x + np.sin(99 * x), r"\d+% of its elements are wrong, by no factor"),
}  # fmt: skip


@pytest.mark.parametrize("bug", RULES)
@given(seed=st.integers(0, 2**31))
def test_planted_bugs_get_their_diagnosis(bug, seed):
    rule, words = RULES[bug]
    report = verdict(planted(square, rule), [np.random.default_rng(seed).standard_normal((5, 5))])
    assert report.status == "fail"
    assert re.search(words, report.cause), report.text
    assert report.argument == "x"
    assert "analytic" in report.text
    assert "(seed=0)" in report.text


def test_a_missing_mean_is_named_with_the_axis_it_was_over(rng):
    x = rng.standard_normal((8, 3))
    op = planted(lambda x: x.mean(0), lambda g, shapes: np.broadcast_to(g, shapes[0]))
    assert "off by exactly 8, the size of axis 0 of x (8, 3)" in verdict(op, [x]).cause
    op = planted(lambda x: x.sum(0), lambda g, shapes: np.broadcast_to(g / 8, shapes[0]))
    assert "off by exactly 1/8" in verdict(op, [x]).cause
    op = planted(lambda x: np.asarray(x.mean()), lambda g, shapes: np.broadcast_to(g, shapes[0]))
    assert "off by exactly 24, the size of all of x (8, 3)" in verdict(op, [x]).cause


MATMUL, SOFTMAX = lambda x, w: x @ w, lambda x: np.exp(x) / np.exp(x).sum(-1, keepdims=True)
QUESTIONS = {  # a rule, the inputs it is tried on, the argument that is wrong, and what it would be the right answer to
    "w as it is": (MATMUL, lambda g, x, w: (g @ w, x.T @ g), [(3, 3), (3, 3)], "x", "for w transposed: a transpose of it is missing"),
    "x as it is": (MATMUL, lambda g, x, w: (g @ w.T, x @ g), [(3, 3), (3, 3)], "w", "for x transposed"),
    "the last sample": (MATMUL, lambda g, x, w: (g @ w.T, np.outer(x[-1], g[-1])), [(3, 4), (4, 5)], "w", "only the last entry of x"),
    "the mean": (MATMUL, lambda g, x, w: (g @ w.T, x.T @ g / len(x)), [(3, 4), (4, 5)], "w", "exactly 1/3, the size of axis 0 of x (3, 4)"),
    "no slope of tanh": (lambda x: np.tanh(x), lambda g: g, [(3, 4)], "x", "times 1 − out², elementwise"),
    "half a slope of tanh": (lambda x: np.tanh(x), lambda g, out: g * (1 - out), [(3, 4)], "x", "times 1 + out, elementwise"),
    "no slope of exp": (lambda x: np.exp(x), lambda g: g, [(3, 4)], "x", "times out, elementwise"),
    "a product as a sum": (lambda x, y: x * y, lambda g: (g, g), [(3, 3), (3, 3)], "x", "times y, elementwise"),
    "a square is lost": (lambda x, y: x / y, lambda g, x, y: (g / y, -g * x / y), [(3, 3), (3, 3)], "y", "multiplied by y once too often"),
    "the size without a sign": (lambda x: np.abs(x), lambda g: g, [(7, 6)], "x", "right except where x < 0, -1 times what it should be"),
    "no mask": (lambda x: np.maximum(x, 0), lambda g: g, [(7, 6)], "x", "right except where x < 0, where it should be 0"),
    "the other side": (lambda x: np.maximum(x, 0), lambda g, x: g * (x < 0), [(3, 4)], "x", "for −x: x enters with the wrong sign"),
    "no upstream, reduced": (lambda x: x.sum(0), lambda g, x: np.ones_like(x), [(3, 4)], "x", "times g, elementwise"),
    "a scale left out": (lambda x, s: x * s, lambda g, x: (g, (g * x).sum(0)), [(3, 4), (4,)], "x", "times s, elementwise"),
    "a scale's factor left out": (lambda x, s: x * s, lambda g, s: (g * s, g.sum(0)), [(3, 4), (4,)], "s", "if x were 1: x is left out"),
    "the first row": (lambda x, b: x + b, lambda g: (g, g[0]), [(3, 4), (4,)], "b", "only the first entry of g along axis 0 (of 3)"),
    "softmax without its sum": (SOFTMAX, lambda g, out: g * out, [(3, 4)], "x", "own dependence on the input is missing"),
    "an exchanged pair": (lambda x, y: x * x * y, lambda g, x, y: (g * x * x, 2 * g * x * y), [(3, 3), (3, 3)], "x", "in the wrong order"),
}  # fmt: skip


@pytest.mark.parametrize("name", QUESTIONS)
@given(seed=st.integers(0, 2**31))
def test_a_wrong_answer_is_told_by_the_question_it_would_be_right_for(name, seed):
    function, rule, shapes, argument, words = QUESTIONS[name]
    rng = np.random.default_rng(seed)
    report = verdict(planted(function, rule), [rng.uniform(0.5, 2, s) * rng.choice([-1, 1], s) for s in shapes])
    assert report.argument == argument
    assert words in report.cause, report.cause


def test_a_cause_must_explain_every_comparison():
    """Twice in one case and a mean over two in another: of two cases with 2 and 3 rows only the mean is left."""
    one, two = (Evidence("x", n * np.ones((n, 4)), np.ones((n, 4)), {"x": np.ones((n, 4))}, ("g",)) for n in (2, 3))
    assert diagnose([one]).key == ("factor", 2.0)
    assert "the size of axis 0 of x (2, 4)" in diagnose([one, two]).text
    odd = Evidence("x", np.array([[1.0, 5.0], [2.0, 3.0]]), np.array([[7.0, 2.0], [1.0, 9.0]]))
    assert diagnose([one, odd]).key == ("unknown",)


def test_a_broadcast_axis_that_is_not_summed(rng):
    op = planted(lambda x, b: x + b, lambda g: (g, g))
    report = verdict(op, [rng.standard_normal((4, 3)), rng.standard_normal(3)])
    assert "shape (4, 3) for an input of shape (3,): it was broadcast over axis 0" in report.text


def conv_rule(input_gradient=None, weight_gradient=None):
    """conv2d with one of its rules replaced."""
    how = {"stride": (1, 1), "padding": (1, 1), "dilation": (1, 1), "groups": 1}

    def rule(g, x, weight):
        right = conv._conv2d.op.own_rule.pull(g, [True, True, False], x, weight, *how.values())
        return (input_gradient or (lambda g, x, w: right[0]))(g, x, weight), (
            weight_gradient or (lambda g, x, w: right[1])
        )(g, x, weight)

    return planted(lambda x, weight: conv._conv2d(x, weight, None, **how), rule)


def test_an_unflipped_kernel(rng):
    x, w = rng.standard_normal((2, 2, 5, 4)), rng.standard_normal((3, 2, 3, 3))
    assert gradcheck(conv_rule(), [x, w])
    unflipped = lambda g, x, w: F.conv2d(g, w.swapaxes(0, 1), padding=1)
    assert "kernel is not flipped" in verdict(conv_rule(unflipped), [x, w]).cause
    turned = lambda g, x, w: conv._conv2d_weight(
        x, g, weight_size=w.shape, stride=(1, 1), padding=(1, 1), dilation=(1, 1), groups=1
    )
    report = verdict(conv_rule(None, lambda *a: turned(*a)[:, :, ::-1, ::-1]), [x, w])
    assert "turned by 180 degrees" in report.cause
    assert report.argument == "weight"


def test_a_lost_padding_row(rng):
    x, w = rng.standard_normal((1, 1, 5, 5)), rng.standard_normal((1, 1, 3, 3))

    def lost(g, x, w):
        right = conv._conv2d_input(g, w, input_size=x.shape, stride=(1, 1), padding=(1, 1), dilation=(1, 1), groups=1)
        return right * (np.arange(5)[:, None] > 0)

    assert "wrong at the border (top)" in verdict(conv_rule(lost), [x, w]).cause


def test_wrong_ties():
    """All tied cells get the whole gradient, or the last one does: both are found, the right rule is accepted."""

    def greedy(g, x, shapes):
        top = F.max_pool2d(x, 2).repeat(2, 2).repeat(2, 3)
        return (x == top) * g.repeat(2, 2).repeat(2, 3)

    forward = lambda x: F.max_pool2d(x, 2)
    ties = np.round(np.random.default_rng(1).standard_normal((1, 2, 4, 4)))
    report = verdict(planted(forward, greedy), [ties])
    assert "mass is not conserved" in report.cause
    assert "elements tie at" in report.text

    def last(g, x):
        turned = x[:, :, ::-1, ::-1]
        index = tl.ops.pool.of(x).max_pool2d(turned, (2, 2), (2, 2), (0, 0), (1, 1))[1]
        back = pool._pool_scatter(g[:, :, ::-1, ::-1], index=index, size=x.shape[2:])
        return back[:, :, ::-1, ::-1]

    assert gradcheck(planted(forward, last), [ties]), "a choice among ties is no wrong derivative"
    assert "not the first in row-major order" in verdict(planted(forward, last), [ties], ties="first").cause
    assert gradcheck(forward, [ties], ties="first")
    assert gradcheck(lambda x: tl.max(x, 1)[0], [np.zeros((2, 3))], ties="first")


def test_the_wrong_mode_of_batch_norm(rng):
    """The rule of eval mode in training: the mean's and variance's own dependence on x is missing."""

    def forward(x, weight, bias):
        return norm.batch_norm_train.op.forward(x, weight, bias, eps=1e-5)

    def rule(g, x, weight, mean, inv_std):
        return norm.batch_norm_fixed.op.own_rule.pull(g, [True] * 3, x, weight, mean, inv_std)[:3]

    inputs = [rng.standard_normal((6, 2, 2, 2)), rng.standard_normal(2) + 2, rng.standard_normal(2)]
    report = verdict(planted(forward, rule), inputs)
    assert "own dependence on the input is missing" in report.cause
    assert report.argument == "x"


def test_a_softmax_whose_backward_returns_zeros(rng):
    """With an upstream gradient of ones this would pass: softmax's outputs sum to a constant."""
    op = planted(lambda x: np.exp(x) / np.exp(x).sum(-1, keepdims=True), lambda g, x: x * 0.0)
    assert "all zero" in verdict(op, [rng.standard_normal((3, 4))]).cause


def test_a_wrong_rule_is_found_in_its_second_order_only(rng):
    """1/(1 + e^-x) saved as a constant: the gradient is right, the gradient of the gradient is not."""

    @tl.operation
    def frozen(x):
        s = 1 / (1 + np.exp(-x))
        return s, {"s": s}

    @frozen.rule
    def _(g, s):
        return g * (s * (1 - s))

    x = rng.standard_normal(5)
    assert gradcheck(frozen, [x])
    with pytest.raises(GradcheckError, match="all zero"):
        gradgradcheck(frozen, [x])


def test_one_wrong_element_among_many_is_found():
    @tl.operation
    def op(x):
        return x * x

    @op.rule
    def _(g, x):
        wrong = 2 * g * x
        wrong[17, 23] *= 1.01
        return wrong

    x = np.random.default_rng(0).standard_normal((40, 40)) + 2
    report = verdict(op, [x])
    assert "x[17, 23]" in report.text
    assert "ratio 1.01" in report.text


def test_nan_a_step_away_hides_nothing():
    """√x at 1e-6 is NaN on the left: that element is moved, and the others are still wrong."""
    for function, rule, x in (
        (np.sqrt, lambda g, x: -7.0 * g * x, np.array([1e-6, 1, 2])),
        (np.log, lambda g, x: g * 0.0 + 5.0, np.array([1e-6, 1, 2])),
    ):
        with np.errstate(invalid="ignore"):
            assert verdict(planted(calling(function), rule), [x]).status == "fail"
            assert gradcheck(tl.sqrt if function is np.sqrt else tl.log, [x])
    assert "NaN or inf" in verdict(planted(square, lambda g, x: g * np.nan), [np.ones(2)]).text


def test_a_wrong_twin_is_no_alibi():
    """gradgradcheck differentiates the twin; the twin must also be the function."""
    for twin in (lambda x: x * 3.0, lambda x: x**3 * 1.001):
        op = planted(lambda x: x**3, lambda g, x: 3 * g * x**2)
        op.fused(twin)
        report = gradgradcheck(op, [np.array([1.0, 2.0])], raise_exception=False)
        assert "a twin is not the function it is for" in report.text


def test_small_gradients_beside_large_ones_are_checked_too():
    op = planted(lambda x: np.exp(x), lambda g, x: g * np.exp(x) * np.where(x < 0, -1, 1))
    assert verdict(op, [np.array([15.0, -1.0, 2.0])]).status == "fail"
    assert gradcheck(tl.exp, [np.array([15.0, -1.0, 2.0])])
    tiny = planted(lambda x: 1e-9 * np.sin(x), lambda g, x: -1e-9 * g * np.cos(x))
    assert "wrong sign" in verdict(tiny, [np.array([0.3, 1.0])]).cause
    assert gradcheck(lambda x: tl.sin(x) * 1e-9, [np.array([0.3, 1.0])])


def test_what_beginners_forget(rng):
    x, y = rng.standard_normal((3, 3)), rng.standard_normal((3, 3))
    assert "upstream gradient is missing" in verdict(planted(square, lambda g, x: 2 * x), [x]).cause
    swapped = planted(lambda x, y: x * x * y, lambda g, x, y: (g * x * x, 2 * g * x * y))
    assert "in the wrong order" in verdict(swapped, [x, y]).cause
    straight_through = planted(lambda x: np.round(x), lambda g: g)
    assert "true gradient is zero everywhere" in verdict(straight_through, [x]).cause


def test_mistakes_in_writing_an_operation_are_named():
    x = tl.ones(2, requires_grad=True)
    with pytest.raises(RuntimeError, match=r"no backward rule; write one under @square\.rule"):
        tl.operation(square)(x).sum().backward()
    with pytest.raises(RuntimeError, match=r"'inp' was not saved.*may ask for g, need, shapes, out, x"):
        planted(square, lambda g, inp: g)(x).sum().backward()
    for wrong in (
        lambda: tl.operation(np.sin),
        lambda: tl.operation(lambda x, k=3: x),
        lambda: tl.operation(dtypes="half")(square),
    ):
        with pytest.raises(TypeError, match="expected a Python function, constants after"):
            wrong()
    with pytest.raises(TypeError, match="square: its rule calls NumPy on a Tensor"):
        gradgradcheck(planted(square, lambda g, x: 2 * g * np.abs(x)), [np.ones(2)])
    both = planted(lambda x, y: x * y, lambda g, x, y: [g * y, g * x])
    assert gradcheck(both, [np.ones(2), np.ones(2)]), "a list of gradients will do"


# --- around the check ---------------------------------------------------------------------------------------------------


def test_a_function_with_randomness_of_its_own_is_refused(rng):
    report = verdict(lambda x: x * rng.standard_normal(x.shape), [np.ones(3)])
    assert "two results for one input" in report.text
    assert gradcheck(lambda x: F.dropout(x, 0.5), [np.ones((4, 5))]), "the engine's own counter is put back"


def test_writing_to_inputs_or_upstream_is_refused():
    def rule(g):
        g *= 2
        return g

    assert "upstream gradient was written to" in verdict(planted(lambda x: x * 2, rule), [np.ones(3)]).text

    def spoil(x):
        x.data[0] += 1
        return x * 2

    assert "written to" in verdict(spoil, [np.ones(3)]).text or "two results" in verdict(spoil, [np.ones(3)]).text


def test_a_rule_that_only_works_on_contiguous_arrays_is_refused(rng):
    def rule(g, x):
        return 2 * g * np.ndarray(x.shape, x.dtype, x.base if x.base is not None else x)

    op = planted(square, rule)
    assert "not contiguous" in verdict(op, [rng.standard_normal(6)]).text


def test_float32_is_compared_with_float64():
    @tl.operation
    def op(x):
        return x * 3

    @op.rule
    def _(g):
        return (g * 3).astype(np.float16).astype(g.dtype) if g.dtype == np.float32 else g * 3

    assert gradcheck(op, [np.ones(4)])
    report = verdict(op, [np.ones(4, np.float32)])
    assert "float32 gradient" in report.text


def test_kinks_are_stepped_off_but_wrong_slopes_at_them_are_not_forgiven():
    x = np.array([0.0, -1.0, 2.0, 0.0, 1e-7])
    assert gradcheck(tl.relu, [x])
    report = verdict(planted(lambda x: np.maximum(x, 0), lambda g, x: g * (x > 0) + 5.0 * g * (x == 0)), [x])
    assert report.status == "fail", "5 is no slope between 0 and 1"


def test_a_kink_that_cannot_be_left_is_inconclusive_and_no_pass():
    def comb(x):
        return tl.abs(tl.sin(x * 1.37e6)) * 1e-6

    with pytest.raises(InconclusiveError, match=r"x\[.*kink"):
        gradcheck(comb, [np.array([0.3, 0.4])])
    assert not gradcheck(comb, [np.array([0.3])], raise_exception=False)


def test_nothing_to_check_and_wrong_use_are_told():
    with pytest.raises(ValueError, match="nothing to check"):
        gradcheck(tl.exp, [tl.ones(3)])
    with pytest.raises(TypeError, match="must return tensors"):
        gradcheck(lambda x: x.data, [np.ones(3)])
    with pytest.raises(ValueError, match="ties must be"):
        gradcheck(tl.exp, [np.ones(3)], ties="last")
    with np.errstate(divide="ignore"):
        assert "NaN or inf" in verdict(tl.log, [np.zeros(3)]).text


def test_a_module_is_checked_in_its_parameters_and_left_as_it_was():
    layer = tl.nn.Sequential(tl.nn.Conv2d(1, 2, 2), tl.nn.BatchNorm2d(2), tl.nn.Flatten(), tl.nn.Linear(8, 2))
    before = {name: t.data.copy() for name, t in layer.state_dict().items()}
    state = tl.random.default_generator.get_state()
    x = np.random.default_rng(0).standard_normal((3, 1, 3, 3))
    assert gradcheck(layer, x)
    assert gradgradcheck(layer, x, directions=1)
    for name, t in layer.state_dict().items():
        assert t.dtype == before[name].dtype
        np.testing.assert_array_equal(t.data, before[name])
    assert all(p.grad is None for p in layer.parameters())
    assert tl.random.default_generator.get_state() == state

    class Wrong(tl.nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = tl.nn.Parameter(np.ones(3))

        def forward(self, x):
            return x * self.weight + self.weight.detach()

    assert verdict(Wrong(), np.ones(3)).argument == "weight"


def test_the_dot_test_finds_what_is_not_the_adjoint(rng):
    dot_test(lambda x: tl.sum(x, 0), rng.standard_normal((3, 4)))
    with pytest.raises(GradcheckError, match="not the adjoint"):
        dot_test(planted(lambda x: x[::-1] * 2, lambda g: g * 2), rng.standard_normal(4))


def test_diagnosis_without_a_pattern_counts():
    g = np.array([[1.0, 2.0], [3.0, 4.0]])
    assert "100% of its elements" in cause(g, g + np.array([[1, 2], [-1, 7]]))


@given(seed=st.integers(0, 2**31), n=st.integers(1, 6), k=st.sampled_from([1e-3, 1, 1e3]))
def test_correct_gradients_are_accepted_at_every_scale(seed, n, k):
    rng = np.random.default_rng(seed)
    x, w = k * rng.standard_normal((n, 3)), rng.standard_normal((2, 3))
    assert gradcheck(lambda x, w: tl.tanh(F.linear(x, w) / k) * k + _sum(x, axes=(1,), keepdim=True), [x, w])


@pytest.mark.slow
def test_correct_gradients_are_accepted_over_thousands_of_draws():
    rng = np.random.default_rng(0)
    layers = lambda: tl.nn.Sequential(
        tl.nn.Conv2d(1, 2, 2), tl.nn.BatchNorm2d(2), tl.nn.ReLU(), tl.nn.MaxPool2d(2), tl.nn.Flatten()
    )
    for seed in range(2000):
        tl.manual_seed(seed)
        assert gradcheck(layers(), rng.standard_normal((3, 1, 3, 5)), seed=seed, directions=1)
        assert gradcheck(tl.sigmoid, rng.standard_normal(7) * 10.0 ** rng.integers(-3, 2), seed=seed)
