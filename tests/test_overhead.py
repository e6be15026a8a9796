"""What the engine adds to the arithmetic, in work that can be counted: the Python functions that are called, and arrays copied.

A function call of the engine's costs 0.1 to 0.3 µs, an operation of NumPy's on a small array 0.5 to 1: counts say whether
small nets stay fast, on any machine. The bounds are what was reached, and a little room.
"""

import sys
from collections import Counter
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import tinylucid_kernels
from tinylucid_kernels import kernels

import tinylucid as tl
from tinylucid import autograd, devices, nn

F = nn.functional
OURS = tuple(str(Path(package.__file__).parent) for package in (tl, tinylucid_kernels))


@pytest.fixture(autouse=True)
def _no_gpu(monkeypatch):
    """Where a GPU was used before, every call asks on which device its arrays lie."""
    monkeypatch.setattr(devices, "gpu_type", None)


def called(work):
    """How often each function of the engine or its kernels is called, once everything is compiled and looked up."""
    counts = Counter()

    def profile(frame, event, arg):
        code = frame.f_code
        if event == "call" and code.co_filename.startswith(OURS):
            counts[code.co_qualname] += 1

    with kernels("cpu"):
        for _ in range(3):
            work()
        sys.setprofile(profile)
        try:
            work()
        finally:
            sys.setprofile(None)
    return counts


def trainer(optimiser, sizes=(64, 32, 10)):
    """A function that does one training step of a dense net, batch 32, and the net."""
    layers = [nn.Linear(a, b) for a, b in pairwise(sizes)]
    net = nn.Sequential(*[m for layer in layers for m in (layer, nn.ReLU())][:-1])
    rng = np.random.default_rng(0)
    x, y = tl.tensor(rng.standard_normal((32, sizes[0]), dtype=np.float32)), tl.tensor(rng.integers(0, sizes[-1], 32))
    steps = optimiser(net.parameters())

    def step():
        steps.zero_grad()
        F.cross_entropy(net(x), y).backward()
        steps.step()

    return step, net


def test_a_training_step():
    step, _ = trainer(tl.optim.Adam)
    assert called(step).total() <= 145


def test_what_one_more_layer_costs():
    """A Linear and a ReLU, forward and backward, and two parameters' steps."""
    short, long = (called(trainer(tl.optim.Adam, sizes)[0]).total() for sizes in ((64, 32, 10), (64, 32, 32, 10)))
    assert long - short <= 65


def test_inference_records_nothing():
    _, net = trainer(tl.optim.Adam)
    x = tl.zeros(1, 64)

    def infer():
        with tl.no_grad():
            net(x)

    counts = called(infer)
    assert counts["Operation.record"] == 0
    assert counts.total() <= 52


OPERATIONS = {
    "add": (tl.add, 2),
    "mul": (tl.mul, 2),
    "exp": (tl.exp, 1),
    "neg": (tl.neg, 1),
    "minimum": (tl.ops.minimum, 2),
    "permute": (lambda x: tl.ops.shape._permute(x, axes=(1, 0)), 1),
    "matmul": (tl.ops.dense._matmul, 2),
}


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation(name):
    """Forward: the call, the choice between recording and not, the record, and the operation itself; then the walk and its rule."""
    function, inputs = OPERATIONS[name]
    xs = [tl.Tensor(np.ones((3, 3), np.float32), True) for _ in range(inputs)]
    own = called(lambda: function(*[x.data for x in xs])).total()
    assert called(lambda: function(*xs)).total() - own <= 3
    y = xs[0]
    for depth in (1, 2, 3):
        y = function(y, *xs[1:])
        counts = called(lambda: autograd.walk([y], [np.ones((3, 3), np.float32)], None, False, True))  # noqa: B023
        assert (counts["walk"], counts["pull"], counts["fit"], counts["run_hooks"]) == (1, depth, 0, 0)
        assert counts["pull.<locals>.<listcomp>"] <= depth


@pytest.mark.parametrize("optimiser", [tl.optim.SGD, tl.optim.Adam, tl.optim.AdamW, tl.optim.RMSprop])
def test_a_step_is_one_kernel_call_a_parameter(optimiser):
    net = nn.Linear(3, 2)
    for p in net.parameters():
        p.grad = tl.ones_like(p)
    counts = called(optimiser(net.parameters()).step)
    assert counts["in_place"] == 2
    assert counts["spread"] == 0, "what is small is not spread"
    assert counts.total() <= 2 * 7 + 3


def test_a_dense_layers_gradients_are_one_kernel_call():
    layer, x = nn.Linear(4, 3), tl.ones(5, 4, requires_grad=True)
    y = layer(x)
    counts = called(lambda: autograd.walk([y], [np.ones((5, 3), np.float32)], None, False, True))
    assert (counts["linear_grads"], counts["ready.<locals>.call"], counts["Operation.apply"]) == (1, 1, 0)


# --- gradients without a copy -------------------------------------------------------------------------------------------


def with_rule(rule):
    """An operation x ↦ 2x whose backward rule is given."""

    @tl.operation
    def double(x):
        return 2 * x

    double.rule(rule)
    return double


def making():
    """A rule that returns a fresh array, and a list of who they were."""
    made = []

    def rule(g):
        fresh = 2 * g
        made.append(id(fresh))
        return fresh

    return rule, made


def test_a_fresh_gradient_is_handed_out_itself():
    rule, made = making()
    x = tl.ones(3, requires_grad=True)
    with_rule(rule)(x).backward(np.ones(3, np.float32))
    assert made == [id(x.grad.data)]


def test_grad_hands_a_fresh_one_out_too_and_to_who_asks_twice_two():
    rule, made = making()
    x = tl.ones(3, requires_grad=True)
    (found,) = tl.grad(with_rule(rule)(x), [x], np.ones(3, np.float32))
    assert made == [id(found.data)]
    first, second = tl.grad(with_rule(rule)(x), [x, x], np.ones(3, np.float32))
    first.data *= 5
    assert second.tolist() == [2, 2, 2]


kept = np.full(3, 2.0, np.float32)


def read_only(g):
    fresh = 1 * g
    fresh.flags.writeable = False
    return fresh


SHARED = {
    "the upstream gradient": lambda g: g,
    "a view of it": lambda g: g[:],
    "a view of a fresh array": lambda g: np.stack([g, g])[0],
    "what the rule keeps": lambda g: kept,
    "repeated, not stored": lambda g: np.broadcast_to(np.float32(2), (3,)),
    "read-only": read_only,
}


@pytest.mark.parametrize("name", SHARED)
def test_what_somebody_else_holds_is_copied(name):
    x, upstream = tl.ones(3, requires_grad=True), np.full(3, 2.0, np.float32)
    with_rule(SHARED[name])(x).backward(upstream)
    x.grad.data *= 5  # as clip_grad_norm_ does
    assert x.grad.tolist() == [10, 10, 10]
    assert upstream.tolist() == kept.tolist() == [2, 2, 2]
    assert x.grad.data.flags.carray
    assert x.grad.data.base is None


def test_a_gradient_that_a_hook_or_a_saved_array_holds_is_copied():
    seen = []
    x = tl.ones(2, requires_grad=True)
    x.register_hook(seen.append)
    (x * 3).backward(np.ones(2, np.float32))
    assert seen[0].data is not x.grad.data
    y = tl.tensor([3.0, 4.0], requires_grad=True)

    @tl.operation
    def half_square(x):
        return x * x / 2

    half_square.rule(lambda g, x: x)
    half_square(y).backward(np.ones(2, np.float32))
    y.grad.data *= 2
    assert y.tolist() == [3, 4]


def test_one_array_for_two_inputs_is_not_shared():
    x, y = (tl.ones(2, requires_grad=True) for _ in range(2))

    @tl.operation
    def both(x, y):
        return x + y

    @both.rule
    def _(g):
        fresh = g * 1
        return fresh, fresh

    both(x, y).backward(np.ones(2, np.float32))
    x.grad.data *= 5
    assert y.grad.tolist() == [1, 1]
