"""Details at the edges: each test here stands for a one-line bug that nothing else would notice."""

import math
import sys

import numpy as np
import pytest

import tinylucid as tl
from tinylucid import nn
from tinylucid.check import GradcheckError, dot_test, gradcheck, gradgradcheck
from tinylucid.check.diagnose import diagnose
from tinylucid.check.evidence import Evidence
from tinylucid.optim import SGD, Adam

F = tl.nn.functional


def cause(g, true):
    """What a diagnosis of these arrays alone says."""
    return diagnose([Evidence("x", g, true, upstream=("g",))]).text


def leaf(*values, dtype=np.float64):
    return tl.tensor(list(values), dtype=dtype, requires_grad=True)


def test_create_graph_keeps_the_graph():
    x = leaf(3.0)
    y = x * x * x
    y.backward(create_graph=True)
    y.backward()  # create_graph keeps the graph, unless told otherwise
    assert x.grad.item() == 54.0


def test_differentiable_gradients_are_tensors_of_their_own():
    x, y = leaf(1.0), leaf(2.0)
    gx, gy = tl.grad(x + y, [x, y], create_graph=True)
    assert gx is not gy
    assert not np.shares_memory(gx.data, gy.data)


def test_a_hook_may_return_a_differentiable_gradient():
    x = leaf(2.0)
    y = x * x
    remove = y.register_hook(lambda g: g * y)
    (g,) = tl.grad(y * y, [x], create_graph=True)  # 2y · y · 2x = 4x⁵
    remove()
    assert g.item() == 128.0
    assert tl.grad(g, [x])[0].item() == 320.0


def test_the_upstream_gradient_takes_the_results_dtype():
    x = tl.ones(2, requires_grad=True)
    u = tl.ones(2, dtype=tl.float64)
    (g,) = tl.grad(x * x, [x], u, create_graph=True)
    assert g.dtype == tl.float32


def test_an_edit_is_caught_in_the_second_order_too():
    y = leaf(2.0) * 1.0
    (g,) = tl.grad(y**3, [y], create_graph=True)
    with tl.no_grad():
        y *= 2.0
    with pytest.raises(RuntimeError, match="changed in place"):
        tl.grad(g, [y])


def test_retained_gradients_accumulate():
    x = leaf(1.0)
    y = x * 2
    y.retain_grad()
    (y * 3).backward(retain_graph=True)
    (y * 3).backward()
    assert y.grad.item() == 6.0


def test_only_leaves_can_be_frozen():
    y = leaf(1.0) * 2
    with pytest.raises(RuntimeError, match="on leaves only"):
        y.requires_grad = False
    assert y.requires_grad


def test_an_integer_decides_before_a_bool():
    y = tl.tensor([True, False]) + tl.tensor(2)
    assert y.dtype == tl.int64
    assert y.tolist() == [3, 2]


def test_a_detached_view_forbids_a_recorded_edit():
    x = leaf(1.0)
    y = x * 1.0
    shared = y.detach()
    with pytest.raises(RuntimeError, match="a view shares"):
        y += x
    assert shared.tolist() == [1.0]


def test_a_later_edit_is_of_the_new_value():
    x = leaf(3.0)
    y = x * 1.0
    z = y * y
    y += 1.0
    with tl.no_grad():
        y *= 2.0  # the new y: z saved the old one
    z.backward()
    assert x.grad.item() == 6.0


def test_an_array_made_of_a_tensor_is_a_copy():
    x = tl.ones(2)
    a = np.array(x)
    a[0] = 5
    assert x.tolist() == [1, 1]
    assert np.shares_memory(np.asarray(x), x.data)


def test_a_root_of_integers_is_floating():
    x = tl.tensor([1, 4])
    assert (x**0.5).dtype == tl.float32
    assert (x**0.5).tolist() == [1, 2]


def test_powers_of_zero_have_gradient_zero():
    x, e = leaf(0.0, 0.0), leaf(0.0, 2.0)
    gx, ge = tl.grad((x**e).sum(), [x, e])
    assert gx.tolist() == ge.tolist() == [0, 0]


def test_integers_clipped_to_fractions_are_floating():
    y = tl.tensor([1, 5]).clip(max=2.5)
    assert y.dtype == tl.float32
    assert y.tolist() == [1, 2.5]


def test_where_of_numbers_takes_their_kind():
    c = tl.tensor([True, False])
    assert tl.where(c, 1.0, 0.0).dtype == tl.where(c, 1, 0.0).dtype == tl.float32
    assert tl.where(c, 1, 0).dtype == tl.int64


def test_the_defaults_are_pytorchs():
    x = tl.tensor([-1.0, 2.0], dtype=tl.float64)
    assert tl.leaky_relu(x).tolist() == nn.LeakyReLU()(x).tolist() == [-0.01, 2.0]
    ones = tl.ones(1, 1, 2, 2)
    assert (
        F.avg_pool2d(ones, 2, padding=1).tolist() == nn.AvgPool2d(2, padding=1)(ones).tolist() == [[[[0.25] * 2] * 2]]
    )
    p = nn.Parameter(np.zeros(1))
    p.grad = tl.ones(1, dtype=tl.float64)
    SGD([p]).step()
    assert p.tolist() == [-1e-3]


def test_batch_norms_defaults_are_pytorchs(rng):
    x = tl.tensor(rng.normal(0, 0.01, (4, 1, 2, 2)))  # a variance near eps
    mean, var = np.zeros(1), np.ones(1)
    y = F.batch_norm(x, mean, var, training=True)
    np.testing.assert_allclose(mean, 0.1 * x.data.mean(), rtol=1e-12)
    expected = (x.data - x.data.mean()) / np.sqrt(x.data.var() + 1e-5)
    np.testing.assert_allclose(y.data, expected, rtol=1e-9)
    np.testing.assert_allclose(nn.BatchNorm2d(1).to(tl.float64)(x).data, expected, rtol=1e-9)


def test_infinities_pass():
    assert tl.relu(tl.tensor([-np.inf, np.inf])).tolist() == [0, np.inf]
    assert tl.logsumexp(tl.tensor([np.inf, 0.0]), 0).item() == np.inf


def test_small_integers_are_summed_in_int64():
    total = tl.sum(tl.tensor(np.full(300, 255, np.uint8)))
    assert (total.item(), total.dtype) == (76500, tl.int64)


def test_nan_takes_the_gradient_of_the_maximum():
    x = leaf(1.0, np.nan, 3.0)
    assert tl.grad(x.max(), [x])[0].tolist() == [0, 1, 0]


def test_a_number_may_be_reduced_and_a_bool_is_no_dim():
    assert tl.tensor(2.0).sum(0).item() == tl.tensor(2.0).sum(-1).item() == 2.0
    with pytest.raises(TypeError, match="dim must be an integer, got True"):
        tl.ones(2, 2).sum(True)


def test_gather_refuses_negative_places():
    with pytest.raises(IndexError, match=r"gather: index reaches -1 … 1"):
        tl.ones(3).gather(0, [-1, 1])


def test_nothing_splits_into_one_piece():
    (piece,) = tl.split(tl.zeros(0, 3), 2)
    assert piece.shape == (0, 3)


def test_padding_by_nothing_copies():
    x = tl.ones(2)
    y = F.pad(x, (0, 0))
    y += 1.0
    assert x.tolist() == [1, 1]


def test_expand_keeps_a_size_at_minus_one(rng):
    x = rng.standard_normal((1, 3))
    assert np.array_equal(tl.tensor(x).expand(4, 2, -1).data, np.broadcast_to(x, (4, 2, 3)))


def test_stack_takes_every_dim(rng):
    x = rng.standard_normal((2, 3, 4))
    for dim in range(-4, 4):
        assert np.array_equal(tl.stack([tl.tensor(x), tl.tensor(x + 1)], dim).data, np.stack([x, x + 1], dim))


def test_an_empty_list_takes_nothing():
    assert tl.ones(3)[[]].shape == (0,)


def test_assigned_constants_take_the_tensors_dtype():
    y = tl.zeros(2, 2)
    y[0] = tl.ones(2, requires_grad=True)
    y[1] = np.array([3.0, 4.0])  # recorded: a float64 constant takes the tensor's dtype
    assert y.dtype == tl.float32
    assert y.tolist() == [[1, 1], [3, 4]]


@pytest.mark.parametrize("kernel", [(1, 2), (2, 3), (4, 2), (3, 3)])
@pytest.mark.parametrize("dilation", [1, (2, 1), 3])
def test_padding_same_puts_the_odd_one_after(kernel, dilation, rng):
    x, w = rng.standard_normal((1, 1, 7, 6)), rng.standard_normal((1, 1, *kernel))
    rows, columns = np.multiply(dilation, np.subtract(kernel, 1))  # what the frame adds, the odd one after
    frame = (columns // 2, columns - columns // 2, rows // 2, rows - rows // 2)
    y = F.conv2d(tl.tensor(x), tl.tensor(w), padding="same", dilation=dilation)
    assert y.shape == x.shape
    np.testing.assert_allclose(
        y.data, F.conv2d(F.pad(tl.tensor(x), frame), tl.tensor(w), dilation=dilation).data, atol=1e-12
    )


def test_running_statistics_have_versions():
    norm = nn.BatchNorm2d(1)
    loss = norm.eval()(tl.randn(2, 1, 2, 2)).sum()
    norm.train()(tl.randn(2, 1, 2, 2))
    with pytest.raises(RuntimeError, match="changed in place"):
        loss.backward()


def test_momentum_none_is_a_plain_average(rng):
    norm, xs = nn.BatchNorm2d(1, momentum=None), rng.standard_normal((3, 4, 1, 2, 2)).astype(np.float32)
    for x in xs:
        norm(tl.tensor(x))
    np.testing.assert_allclose(norm.running_mean.data, [xs.mean()], rtol=1e-4)
    np.testing.assert_allclose(norm.running_var.data, [np.mean([x.var(ddof=1) for x in xs])], rtol=1e-4)


def test_dropout_uses_a_word_an_element():
    x = tl.ones(1000)
    first, second = (F.dropout(x, 0.5).data.tobytes() for _ in range(2))
    assert tl.random.default_generator.offset == 500  # a word an element
    assert second[:400] not in first, "masks must not share words"


def test_a_class_can_be_ignored():
    z = tl.tensor(np.array([[1.0, 2.0], [3.0, 5.0]]))
    both = F.cross_entropy(z, [0, 1], ignore_index=0, reduction="none")
    assert both.data[0] == 0 < both.data[1]
    assert F.cross_entropy(z, [0, 1], ignore_index=0).item() == both.data[1]


def test_losses_of_pictures_weigh_their_classes(rng):
    z, q, w = rng.standard_normal((2, 3, 4, 5)), rng.random((2, 3, 4, 5)), np.array([1.0, 2.0, 4.0])
    target = rng.integers(0, 3, (2, 4, 5))
    surprise = -w[:, None, None] * (z - np.log(np.exp(z).sum(1, keepdims=True)))
    picked = np.take_along_axis(surprise, target[:, None], 1)[:, 0]
    np.testing.assert_allclose(F.cross_entropy(tl.tensor(z), target, w, reduction="none").data, picked)
    np.testing.assert_allclose(F.cross_entropy(tl.tensor(z), q, w, reduction="none").data, (q * surprise).sum(1))


def test_an_impossible_class_that_is_not_wanted_costs_nothing():
    z, weight = tl.tensor([[0.0, -np.inf]], requires_grad=True), np.array([1.0, 2.0])
    loss = F.cross_entropy(z, [0], weight)
    loss.backward()
    assert loss.item() == 0.0
    assert z.grad.tolist() == [[0, 0]]


def test_optimiser_state_is_numbered_across_groups(rng):
    make = lambda: [nn.Parameter(np.ones(n)) for n in (2, 3, 4)]
    ps, qs = make(), make()
    build = lambda p: Adam([{"params": p[:1]}, {"params": p[1:], "lr": 0.1}])
    a, b = build(ps), build(qs)
    for p in ps:
        p.grad = tl.tensor(rng.standard_normal(p.shape))
    a.step()
    saved = a.state_dict()
    assert [g["params"] for g in saved["param_groups"]] == [[0], [1, 2]]  # numbered across groups, as in PyTorch
    b.load_state_dict(saved)
    for p, q in zip(ps, qs):
        assert np.array_equal(a.state[p]["exp_avg"], b.state[q]["exp_avg"])


def test_the_gain_of_leaky_relu():
    assert nn.init.calculate_gain("leaky_relu") == math.sqrt(2 / (1 + 0.01**2))
    assert nn.init.calculate_gain("leaky_relu", 0) == math.sqrt(2)


def test_layers_hand_on_their_arguments(rng):
    z, target = tl.tensor(rng.standard_normal((4, 3))), np.array([0, 1, 2, 1])
    for how in ({"ignore_index": 1}, {"reduction": "sum"}, {"label_smoothing": 0.2}, {"weight": np.array([1.0, 2, 3])}):
        assert nn.CrossEntropyLoss(**how)(z, target).item() == F.cross_entropy(z, target, **how).item()
    assert nn.MSELoss(reduction="sum")(z, z + 1).item() == pytest.approx(12)
    assert nn.MSELoss(reduction="none")(z, z + 1).shape == (4, 3)
    x = tl.tensor(rng.standard_normal((1, 1, 6, 6)))
    assert np.array_equal(nn.MaxPool2d(2, 1, 1, 2)(x).data, F.max_pool2d(x, 2, 1, 1, 2).data)


def test_a_stranger_is_named_by_its_class():
    class Calls(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(2, 2)
            self.kept = [self.layer]

        def forward(self, x):
            return self.kept[0](x)

    net = Calls()
    net(tl.ones(1, 2))
    del net.layer  # a stranger from now on, named by its class
    with pytest.raises(ValueError, match="layer 'Linear'"):
        net(tl.ones(1, 5))


def test_a_module_that_calls_itself_keeps_its_name():
    class Again(nn.Module):
        def forward(self, x, again=True):
            return self(x, False) if again else F.linear(x, tl.ones(2, 3))

    with pytest.raises(ValueError, match="layer '0'"):
        nn.Sequential(Again())(tl.ones(1, 5))


def test_the_checkers_random_numbers_are_not_the_inputs():
    tl.manual_seed(3)
    x = tl.Generator(3).normal((5,), np.float64)
    from tinylucid.check.compare import own_stream

    assert not np.array_equal(own_stream(3).normal((5,), np.float64), x)


def test_a_result_that_turns_float64_is_found():
    @tl.operation
    def leaky(x):
        return x.astype(np.float64) * 3

    leaky.rule(lambda g, x: (g * 3).astype(x.dtype))
    with pytest.raises(GradcheckError, match="float32 inputs gave a float64 result"):
        gradcheck(leaky, [np.ones(4, np.float32)])


def test_a_gradient_that_turns_float32_is_found():
    @tl.operation
    def op(x):
        return x * 3

    op.rule(lambda g: (g * 3).astype(np.float32))
    with pytest.raises(GradcheckError, match="the gradient of x is float32, x itself float64"):
        gradcheck(op, [np.ones(4)])


def test_writing_to_a_saved_input_is_found():
    @tl.operation
    def op(x):
        return x * x

    @op.rule
    def _(g, x):
        x *= 1.0 + 1e-9
        return 2 * g * x

    with pytest.raises(GradcheckError, match="x was written to"):
        gradcheck(op, [np.ones(3)])


def test_the_dot_test_refuses_nan():
    @tl.operation
    def op(x):
        return x * 2

    op.rule(lambda g: g * np.nan)
    with pytest.raises(GradcheckError, match="not the adjoint"):
        dot_test(op, np.ones(3))


def test_second_derivatives_are_checked_in_the_upstream_too():
    @tl.operation
    def op(x):
        return x * x

    @op.rule
    def _(g, x):
        return times(g, 2.0 * x)

    @tl.operation
    def times(u, v):
        return u * v

    @times.rule
    def _(g, u, v):
        return g * v * 1.1, g * u  # wrong in the upstream gradient only

    x = np.ones(3)
    assert gradcheck(op, [x])
    with pytest.raises(GradcheckError, match="the upstream gradient of output 0"):
        gradgradcheck(op, [x])


def test_the_place_of_a_mistake_is_named(rng):
    g = rng.standard_normal((5, 5)) + 3
    rows = np.arange(5)[:, None]
    assert cause(np.where(rows == 2, 2 * g, g), g).startswith("It is wrong only at [2] along axis 0")
    assert cause(np.where(rows == 2, 0, g), g).startswith("It is zero only at [2] along axis 0")
    for side, k in (("top", (0,)), ("bottom", (4,)), ("left", (slice(None), 0)), ("right", (slice(None), 4))):
        bad = g.copy()
        bad[k] = 0
        assert f"at the border ({side})" in cause(bad, g)


def test_anomaly_mode_lets_good_gradients_pass():
    x = tl.zeros(2, requires_grad=True)
    with np.errstate(all="ignore"), tl.detect_anomaly():
        (g,) = tl.grad((x * 3).sum(), [x], create_graph=True)
        assert g.tolist() == [3, 3]


def test_each_class_and_split_draws_apart(monkeypatch):
    tl.data.textures(0, 1, 1)  # imported when first used
    module, starts = sys.modules["tinylucid.data.textures"], []
    original = module.draw
    monkeypatch.setattr(module, "draw", lambda rng, *a: starts.append(rng.offset) or original(rng, *a))
    module.textures(0, 1, 1)
    assert len(set(starts)) == 20, "every class and split has its own stretch of the stream"
    assert np.diff(sorted(starts)).min() >= 1 << 40


def test_grey_is_luminance_and_faint_patches_stay_faint():
    from tinylucid.data.textures import photograph

    color, grey = photograph("chelsea", color=True), photograph("chelsea")
    np.testing.assert_allclose(grey[0], 0.2125 * color[0] + 0.7154 * color[1] + 0.0721 * color[2], atol=1e-6)
    faint = np.array([-0.02, 0.02]).reshape(1, 1, 1, 2)  # std 0.02: halved by the 0.02 in the divisor
    np.testing.assert_allclose(tl.data.Preprocess(2, False, per_picture=True).normalized(faint), [[[[-0.5, 0.5]]]])


def test_the_texture_nets_layers():
    from tinylucid.models import texture_net

    net = texture_net()
    assert [m.p for m in net if isinstance(m, nn.Dropout)] == [0.2]
    assert [m.bias for m in net if isinstance(m, nn.Conv2d)] == [None] * 3
    assert sum(p.size for p in net.parameters()) == 144 + 4608 + 18432 + 2 * (16 + 32 + 64) + 650


def test_the_frame_never_wins():
    x = np.full((1, 1, 2, 2), -np.inf)
    from tinylucid_kernels import of

    for padding in ((1, 0), (0, 1), (1, 1)):
        index = of(x).max_pool2d(x, (2, 2), (2, 2), padding, (1, 1))[1]
        assert index.min() >= 0, "a pixel wins, never the frame"


def test_a_target_is_one_or_one_each():
    from tinylucid.explain import gradient

    with pytest.raises(ValueError, match="one for each of the 3 pictures"):
        gradient(nn.Linear(2, 2), np.zeros((3, 2), np.float32), [0])


def test_removing_a_hook_twice_is_fine():
    x = leaf(1.0)
    remove = x.register_hook(lambda g: g * 2)
    remove()
    remove()  # twice is fine
    (x * 3).backward()
    assert x.grad.item() == 3.0


def test_a_rules_own_key_error_is_not_hidden():
    y = tl.relu(leaf(1.0))

    def rule(g):
        return {}["missing"]

    with tl.backward_rules({tl.relu: rule}), pytest.raises(KeyError, match="missing"):
        y.backward()


def test_the_inner_scope_holds():
    x = leaf(1.0)
    with tl.backward_rules({tl.relu: lambda g: g * 2.0}):
        with tl.backward_rules({tl.relu: lambda g: g * 3.0}):
            assert tl.grad(tl.relu(x), [x])[0].item() == 3.0, "the inner rule holds"
        assert tl.grad(tl.relu(x), [x])[0].item() == 2.0
