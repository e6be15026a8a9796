"""The core: recording, the walk, versions, hooks, scopes, memory; what goes wrong must say so."""

import gc
import threading
import tracemalloc
import weakref

import numpy as np
import pytest
from tinylucid_kernels import of

import tinylucid as tl

F = tl.nn.functional


def leaf(*values, dtype=np.float64):
    return tl.tensor(list(values), dtype=dtype, requires_grad=True)


# --- the walk ------------------------------------------------------------------------------------------------------


def test_gradients_of_shared_values_add_up():
    """b = a + a; c = b + b: a naive recursion gives 2, or doubles the work at each level."""
    a = leaf(1.0)
    b = a + a
    c = b + b
    c.backward()
    assert a.grad.tolist() == [4.0]
    (3 * a).sum().backward()
    assert a.grad.tolist() == [7.0], "a second backward adds to grad"


def test_a_diamond_is_walked_once_a_node():
    a = leaf(0.5)
    x = a
    for _ in range(60):
        x = x * 0.5 + x * 0.5  # 2^60 paths
    x.backward()
    np.testing.assert_allclose(a.grad.data, 1.0)


def test_a_chain_longer_than_any_recursion_limit():
    a = leaf(1.0)
    x = a
    for _ in range(100_000):
        x = x + a
    x.backward()
    assert a.grad.item() == 100_001
    del x  # releasing the chain must not recurse either


def test_grad_gives_intermediate_and_leaf_gradients_together():
    x = leaf(2.0)
    y = x * x
    z = y * x
    gx, gy = tl.grad(z, [x, y])
    assert (gx.item(), gy.item()) == (12.0, 2.0), "the total derivative in x, not cut off at y"
    assert x.grad is None


def test_grad_of_several_outputs_and_repeated_inputs():
    x = leaf(3.0)
    first, again = tl.grad([x * 2, x * x], [x, x], [np.ones(1), np.ones(1)])
    assert first.item() == again.item() == 8.0
    assert not np.shares_memory(first.data, again.data)


def test_third_derivative():
    x = leaf(0.7)
    y = tl.sin(x)
    for expected in (np.cos(0.7), -np.sin(0.7), -np.cos(0.7)):
        (y,) = tl.grad(y, [x], create_graph=True)
        np.testing.assert_allclose(y.item(), expected)


def test_third_derivative_of_a_fused_operation_through_its_twin(rng):
    z = tl.Tensor(rng.standard_normal((3, 4)), requires_grad=True)
    target = np.array([0, 3, 1])

    def second(z):
        (g,) = tl.grad(F.cross_entropy(z, target), [z], create_graph=True)
        return tl.grad((g * g).sum(), [z], create_graph=True)[0]

    assert tl.gradcheck(second, [z])


def test_only_what_lies_between_outputs_and_inputs_is_computed(monkeypatch, rng):
    """tl.grad with respect to the picture must not pay for the weights' gradients."""

    def forbidden(*args):
        raise AssertionError("the weight's gradient was computed")

    monkeypatch.setattr(of(np.empty(0)), "conv2d_weight", forbidden)
    x = tl.Tensor(rng.standard_normal((1, 1, 4, 4)), requires_grad=True)
    w = tl.Tensor(rng.standard_normal((2, 1, 3, 3)), requires_grad=True)
    (g,) = tl.grad(F.conv2d(x, w).sum(), [x])
    assert g.shape == x.shape
    w.requires_grad = False
    F.conv2d(x, w).sum().backward()
    assert w.grad is None


def test_an_input_the_outputs_do_not_depend_on():
    x, y = leaf(1.0), leaf(2.0)
    with pytest.raises(RuntimeError, match="do not depend on input 1"):
        tl.grad(x * 2, [x, y])
    assert tl.grad(x * 2, [x, y], allow_unused=True)[1] is None
    assert tl.grad(tl.ops.sign(x) + x, [x])[0].item() == 1.0
    assert tl.grad(tl.ops.sign(x), [x])[0].item() == 0.0, "reached, and zero"


def test_leaf_gradients_own_their_memory():
    """add's rule returns the upstream gradient for both: scaling one leaf's grad must not touch the other's."""
    x, y, upstream = leaf(1.0, 2.0), leaf(3.0, 4.0), np.ones(2)
    (x + y).backward(upstream)
    x.grad.data *= 10
    assert y.grad.tolist() == [1, 1]
    assert upstream.tolist() == [1, 1]
    gx, gy = tl.grad(x + y, [x, y], upstream)
    assert not np.shares_memory(gx.data, gy.data)
    assert not np.shares_memory(gx.data, upstream)


def test_a_number_for_an_array_says_so():
    @tl.operation
    def same(x):
        return x * 1

    same.rule(lambda g: 1.0)
    for x in (leaf(2.0), tl.tensor(2.0, requires_grad=True)):
        with pytest.raises(ValueError, match="same: its rule returned a float for an input of shape"):
            same(x).backward()


def test_what_a_rule_asks_for_may_be_one_thing_or_nothing():
    """What is handed to a rule is looked up in one go, which gives no tuple of one."""
    rules = {"nothing": lambda: np.full(2, 7.0), "one": lambda out: out, "three": lambda x, g, out: g * x * out}
    expected = {"nothing": [7, 7], "one": [2, 3], "three": [4, 9]}
    for name, rule in rules.items():
        x = leaf(2.0, 3.0)
        with tl.backward_rules({F.relu: rule}):
            F.relu(x).backward(np.ones(2))
        assert x.grad.tolist() == expected[name]


def test_what_nobody_asks_for_goes_no_further():
    """add's rule gives both terms a gradient; the one that leads to nothing wanted is dropped."""
    x, w, seen = leaf(1.0), leaf(2.0), []
    aside = w * 3
    aside.register_hook(seen.append)
    assert tl.grad(x * 2 + aside, [x])[0].item() == 2
    assert seen == []


def test_two_outputs_that_are_one_add_their_gradients():
    x = leaf(1.0, 2.0)
    y = x * 3
    assert tl.grad([y, y, x], [x], [np.ones(2), np.ones(2), np.full(2, 5.0)])[0].tolist() == [11, 11]
    with pytest.raises(TypeError, match="expected a Tensor, got ndarray"):
        tl.grad([np.ones(2)], [x], [np.ones(2)])
    assert tl.is_grad_enabled(), "an error leaves recording as it was"


def test_accumulation_leaves_an_old_gradient_alone():
    x = leaf(1.0)
    (x * 2).backward()
    old = x.grad
    (x * 2).backward()
    assert (old.item(), x.grad.item()) == (2.0, 4.0)


# --- what goes wrong -----------------------------------------------------------------------------------------------


def test_second_backward_says_what_to_do():
    x = leaf(1.0)
    y = x * x
    y.backward(retain_graph=True)
    y.backward()
    assert x.grad.item() == 4.0
    with pytest.raises(RuntimeError, match=r"mul.*released.*retain_graph=True"):
        y.backward()


def test_a_failed_backward_leaves_no_half_gradients():
    x, y = leaf(1.0), leaf(1.0)
    product = x * y
    out = product * product + y
    with tl.no_grad():
        x += 1.0
    with pytest.raises(RuntimeError, match=r"mul: 'x' was changed in place"):
        out.backward()
    assert x.grad is None
    assert y.grad is None


def test_backward_needs_a_single_element_or_a_gradient():
    x = leaf(1.0, 2.0)
    with pytest.raises(RuntimeError, match=r"shape \(2,\)"):
        (x * 2).backward()
    with pytest.raises(ValueError, match=r"gradient has shape \(3,\), the result \(2,\)"):
        (x * 2).backward(np.ones(3))
    with pytest.raises(RuntimeError, match="requires no gradient"):
        tl.zeros(1).backward()
    with pytest.raises(TypeError, match="input 0 is not a Tensor with requires_grad"):
        tl.grad(x.sum(), [tl.zeros(1)])


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (lambda g: (g, g), "returned 2 gradients for 1 inputs"),
        (lambda g: g.reshape(-1)[:1], r"returned a gradient of shape \(1,\) for an input of shape \(2, 3\)"),
        (lambda g: 1.0, "returned a float for an input of shape"),
    ],
)
def test_a_rule_that_returns_nonsense_is_named(rule, words):
    @tl.operation
    def double(x):
        return x * 2

    double.rule(rule)
    with pytest.raises(ValueError, match=f"double: its rule {words}"):
        double(tl.ones(2, 3, requires_grad=True)).sum().backward()


def test_a_gradient_that_was_not_summed_after_broadcasting_is_explained():
    @tl.operation
    def shift(x, b):
        return x + b

    @shift.rule
    def _(g):
        return g, g

    with pytest.raises(ValueError, match=r"shape \(4, 3\) for an input of shape \(3,\).*broadcast over axis 0.*sum"):
        shift(tl.ones(4, 3), leaf(1.0, 2, 3, dtype=np.float32)).sum().backward()


def test_a_rule_in_another_dtype_is_refused():
    @tl.operation
    def sloppy(x):
        return x * 2

    @sloppy.rule
    def _(g):
        return g.astype(np.float64) * 2

    with pytest.raises(TypeError, match="float64"):
        sloppy(tl.ones(2, requires_grad=True)).sum().backward()


def test_reserved_names_are_refused():
    with pytest.raises(TypeError, match="name the inputs otherwise"):
        tl.operation(lambda g: g)


# --- in place -------------------------------------------------------------------------------------------------------


def test_an_edit_between_forward_and_backward_is_caught_through_views_and_optimisers():
    for edit in (
        lambda x: x.__setitem__(0, 5.0),
        lambda x: x.detach().__imul__(2.0),
        lambda x: x.reshape(2, 1)[0].__iadd__(1.0),
        lambda x: x.detach()[1:].__itruediv__(2.0),
        lambda x: tl.optim.SGD([x], lr=0.1).step(),
    ):
        x = leaf(1.0, 2.0)
        y = (x * x).sum()
        x.grad = tl.ones(2, dtype=np.float64)
        with tl.no_grad():
            edit(x)
        with pytest.raises(RuntimeError, match=r"mul: '.' was changed in place after the forward pass"):
            y.backward()


def test_an_edit_of_what_no_rule_saved_is_fine():
    x = leaf(1.0, 2.0)
    y = (x + x).sum()
    with tl.no_grad():
        x *= 7.0
    y.backward()
    assert x.grad.tolist() == [2, 2]


def test_assignment_is_recorded_or_refused():
    x = leaf(1.0, 2.0)
    with pytest.raises(RuntimeError, match="leaf that requires a gradient"):
        x[0] = 3.0
    buffer = tl.zeros(3, dtype=np.float64)
    buffer[1:] = x * 2  # a constant becomes the result of an operation
    buffer[0] = 9.0
    (buffer * buffer).sum().backward()
    assert buffer.tolist() == [9, 2, 4]
    assert x.grad.tolist() == [8, 16]
    base = tl.zeros(2, 2, dtype=np.float64)
    row = base[0]
    with pytest.raises(RuntimeError, match="a view shares"):
        row[0] = x[0]
    with pytest.raises(RuntimeError, match="a view shares"):
        base[0] = x


def test_plain_assignment_writes_to_the_memory_that_views_share():
    base = tl.zeros(2, 2)
    row = base[0]
    row[1] = 5.0
    base += 1.0
    assert base.tolist() == [[1, 6], [1, 1]]
    assert row.tolist() == [1, 6]


def test_recorded_edits_keep_what_was_saved_before():
    x = leaf(3.0)
    y = x * 1.0
    z = y * y
    y += 1.0  # y is another value now; z remembers the old one
    (z + y).backward()
    assert x.grad.item() == 7.0


def test_an_edit_that_would_change_shape_or_dtype_is_refused():
    x = leaf(1.0) * 1.0
    with pytest.raises(ValueError, match=r"would turn \(1,\)"):
        x += leaf(1.0, 2.0)
    counts = tl.tensor([1, 2])
    with pytest.raises(TypeError):
        counts += 0.5
    with pytest.raises(ValueError, match="broadcast"):
        counts += tl.tensor([1, 2, 3])


def test_writes_behind_our_back_are_found_in_anomaly_mode():
    x = leaf(1.0, 2.0)
    with tl.detect_anomaly():
        y = (x * x).sum()
        x.data[0] = 5.0
        with pytest.raises(RuntimeError, match=r"mul: x, y changed since.*test_autograd.py"):
            y.backward()


# --- arrays and tensors -----------------------------------------------------------------------------------------------


def test_arrays_meet_tensors():
    x = leaf(1.0, 2.0, dtype=np.float32)
    for y in (
        np.ones(2) * x,
        x * np.ones(2),
        np.float64(2) * x,
        x / np.float64(3),
        np.ones(2) - x,
        np.ones((2, 2)) @ x,
    ):
        assert isinstance(y, tl.Tensor)
        assert y.dtype == np.float32, "constants take the tensor's dtype"
    assert (x + tl.tensor([1, 2])).dtype == np.float32
    assert (tl.tensor([1, 2]) / 2).dtype == np.float32
    assert (tl.tensor([1, 2]) + 2).dtype == np.int64
    assert tl.exp(tl.tensor([1, 2])).dtype == np.float32
    assert (np.ones(2) == x).tolist() == [True, False]
    assert (x * tl.tensor(2.0, dtype=np.float64)).dtype == np.float32, "a 0-d tensor does not promote"


def test_a_scalar_parameter_of_another_dtype_still_gets_its_gradient():
    scale = tl.tensor(2.0, dtype=np.float64, requires_grad=True)
    (tl.ones(3) * scale).sum().backward()
    assert scale.grad.item() == 3.0
    assert scale.grad.dtype == np.float64


def test_no_grad_records_nothing_and_is_put_back_after_an_exception():
    x = leaf(1.0)
    with pytest.raises(KeyError), tl.no_grad():
        assert not (x * 2).requires_grad
        with tl.enable_grad():
            assert (x * 2).requires_grad
        raise KeyError
    assert (x * 2).requires_grad
    assert not tl.no_grad()(lambda: x * 2)().requires_grad


def test_each_thread_has_its_own_scopes():
    x, seen = leaf(1.0), []
    with tl.no_grad():
        other = threading.Thread(target=lambda: seen.append((x * 2).requires_grad))
        other.start()
        other.join()
    assert seen == [True]


def test_numpy_scalars_do_not_widen():
    x = tl.ones(2, requires_grad=True)
    for y in (x ** np.float64(2), tl.clip(x, np.float64(0), None), x * np.float64(2), np.float64(2) ** x):
        assert y.dtype == np.float32
        assert tl.grad(y.sum(), [x])[0].dtype == np.float32


def test_a_retained_gradient_is_that_of_the_value_after_an_edit():
    y = leaf(1.0) * 2
    y.retain_grad()
    y *= 3
    y.sum().backward()
    assert y.grad.tolist() == [1.0]


# --- hooks --------------------------------------------------------------------------------------------------------------


def test_hooks_see_and_replace_gradients_and_can_be_removed():
    x = leaf(1.0)
    y = x * 2
    seen = []
    y.register_hook(lambda g: seen.append(g.item()))
    remove = y.register_hook(lambda g: g * 10)
    y.retain_grad()
    (y * 3).backward(retain_graph=True)
    assert (seen, x.grad.item(), y.grad.item()) == ([3.0], 60.0, 30.0)
    remove()
    x.grad = None
    doubled = x.register_hook(lambda g: g * 2)
    (y * 3).backward()
    doubled()
    assert (seen, x.grad.item()) == ([3.0, 3.0], 12.0)
    y.register_hook(lambda g: g.numpy())
    with pytest.raises(TypeError, match="a hook must return None or a Tensor"):
        (y * 3).backward()
    with pytest.raises(RuntimeError, match="never be called"):
        tl.zeros(1).register_hook(print)


def test_a_hook_sees_the_complete_gradient_once():
    x, seen = leaf(1.0), []
    y = x * 1.0
    y.register_hook(lambda g: seen.append(g.item()))
    (y * 2 + y * y + y).backward()
    assert seen == [5.0]


# --- scoped rules -------------------------------------------------------------------------------------------------------


def guided(g, out):
    return tl.where(g > 0, g * (out > 0), 0.0)


def test_a_scoped_rule_reaches_every_call_and_leaves_no_trace(rng):
    values = rng.standard_normal(50)
    x = tl.Tensor(values, requires_grad=True)
    net = lambda x: (tl.relu(tl.relu(x) - 0.5) * -np.sign(values)).sum()
    (plain,) = tl.grad(net(x), [x])
    with tl.backward_rules({tl.relu: guided}):
        (special,) = tl.grad(net(x), [x])
        inside = net(x)
    expected = np.where((values > 0.5) & (-np.sign(values) > 0), 1.0, 0.0)
    np.testing.assert_array_equal(special.data, expected)
    assert (special.data != plain.data).any()
    np.testing.assert_array_equal(tl.grad(inside, [x])[0].data, plain.data)
    np.testing.assert_array_equal(tl.grad(net(x), [x])[0].data, plain.data)


def test_a_scoped_rule_for_some_layers_only():
    net = tl.nn.Sequential(tl.nn.ReLU(), tl.nn.ReLU())
    x = leaf(1.0)
    zero = lambda g: g * 0.0
    for layers, expected in ((lambda name: name == "1", 0.0), (lambda name: name == "2", 1.0)):
        with tl.backward_rules({tl.relu: zero}, layers):
            assert tl.grad(net(x), [x])[0].item() == expected


def test_a_scoped_rule_that_wants_more_than_was_saved_says_when_to_enter():
    x = leaf(1.0)
    y = tl.relu(x)
    with tl.backward_rules({tl.relu: lambda g, x: g * x}):
        with pytest.raises(RuntimeError, match="relu: 'x' was not saved; enter backward_rules"):
            y.backward()
        y = tl.relu(x)
        y.backward()
    assert x.grad.item() == 1.0


def test_scoped_rules_nest_and_are_put_back():
    x = leaf(1.0)
    with tl.backward_rules({tl.relu: lambda g: g * 2.0}):
        with tl.backward_rules({tl.exp: lambda g: g * 0.0}):
            assert tl.grad(tl.relu(x) + tl.exp(x), [x])[0].item() == 2.0
        assert tl.grad(tl.relu(x) + tl.exp(x), [x])[0].item() == pytest.approx(2.0 + np.e)


def test_of_nested_rules_the_innermost_that_is_meant_for_the_layer_holds_and_saves_what_it_wants():
    net = tl.nn.Sequential(tl.nn.ReLU(), tl.nn.ReLU(), tl.nn.ReLU())
    x = leaf(2.0)
    with tl.backward_rules({tl.relu: lambda g: g * 2.0}):
        with tl.backward_rules({tl.relu: lambda g, x: g * x * 3.0}, lambda name: name == "1"):
            with tl.backward_rules({tl.relu: lambda g, shapes: g * 5.0}, lambda name: name in ("1", "2")):
                assert tl.grad(net(x), [x])[0].item() == 2.0 * 5.0 * 5.0
            assert tl.grad(net(x), [x])[0].item() == 2.0 * 6.0 * 2.0
        assert tl.grad(net(x), [x])[0].item() == 8.0


# --- memory ---------------------------------------------------------------------------------------------------------------


@pytest.fixture
def no_collector():
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("no_collector")
def test_no_cycles_so_memory_is_freed_at_once():
    x = leaf(1.0, 2.0)
    y = tl.exp(x * x)
    y.retain_grad()
    y.register_hook(lambda g: g)
    z = F.cross_entropy(y.reshape(1, 2), np.array([1]))
    watched = [weakref.ref(t) for t in (y, y.data, z, z.data)]
    z.backward(create_graph=True)
    x.grad = None
    del y, z
    assert [w() for w in watched] == [None] * 4


@pytest.mark.usefixtures("no_collector")
def test_saved_arrays_are_released_as_the_walk_passes():
    x = leaf(1.0, 2.0)
    y = tl.exp(x)
    saved = weakref.ref(y.data)
    z = (y * 2.0).sum()
    del y
    assert saved() is not None
    z.backward()
    assert saved() is None, "z is alive, what its graph saved is not"


def train_steps(count):
    """Steps of a small net; returns how many bytes the last half of them left behind."""
    net = tl.nn.Sequential(
        tl.nn.Conv2d(1, 2, 3), tl.nn.BatchNorm2d(2), tl.nn.ReLU(), tl.nn.Flatten(), tl.nn.Linear(8, 3)
    )
    optimizer = tl.optim.Adam(net.parameters())
    x, y = tl.randn(4, 1, 4, 4), np.array([0, 1, 2, 0])
    tracemalloc.start()
    try:
        for step in range(count):
            if step == count // 2:
                before = tracemalloc.get_traced_memory()[0]
            optimizer.zero_grad()
            F.cross_entropy(net(x), y).backward()
            optimizer.step()
        return tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()


@pytest.mark.usefixtures("no_collector")
def test_memory_is_flat_without_the_collector():
    """What is left behind is left behind each time; what Python lays aside once, such as a larger table, is not."""
    assert min(train_steps(200) for _ in range(3)) < 4_000, "less than one small object a step"


@pytest.mark.slow
@pytest.mark.usefixtures("no_collector")
def test_memory_is_flat_over_ten_thousand_steps():
    assert train_steps(10_000) < 2_000
