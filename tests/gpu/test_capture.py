"""tl.cuda.capture: a replayed step gives the bits of the step itself, follows what changes, and says where it cannot."""

import gc
import inspect
import warnings
import weakref

import numpy as np
import pytest
from tinylucid_kernels.gpu import launch, replay

import tinylucid as tl
from tests.words import check_message
from tinylucid import capturing

from .arrays import strict

nn, F, optim = tl.nn, tl.nn.functional, tl.optim
rng = np.random.default_rng(0)


@pytest.fixture(autouse=True)
def on_gpu():
    """What a test makes lives on the GPU, and a warning, such as that a step runs eagerly, is an error."""
    tl.set_default_device("cuda")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield
    tl.set_default_device("cpu")
    assert replay.recording is None


def net():
    """A bit of everything."""
    return nn.Sequential(
        nn.Conv2d(2, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.Dropout(0.1), nn.MaxPool2d(2), nn.AdaptiveAvgPool2d(2),
        nn.Flatten(), nn.Dropout(0.25), nn.Linear(16, 3),
    )  # fmt: skip


def small():
    """Dropout between two dense layers, and behind them."""
    return nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Dropout(0.4), nn.Linear(8, 3), nn.Dropout(0.1))


def batches(n, *shape, classes=3):
    """n batches of 6 on the GPU."""
    x = rng.standard_normal((n, 6, *shape)).astype(np.float32)
    return [(tl.tensor(a), tl.tensor(rng.integers(0, classes, 6))) for a in x]


def trained(make, rule, data, captured, between=lambda k, model, optimizer: None, dtype=np.float32, max_norm=None):
    """Losses of one step a batch, and all that the model and the optimiser hold afterwards."""
    tl.manual_seed(3)
    model = make().to(dtype)
    optimizer = rule(model.parameters())

    def step(x, y):
        loss = F.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        if max_norm:
            optim.clip_grad_norm_(model.parameters(), max_norm)
        optimizer.step()
        return loss

    step = tl.cuda.capture(step) if captured else step
    losses = []
    for k, (x, y) in enumerate(data):
        between(k, model, optimizer)
        losses.append(step(x.to(dtype), y).item())
    state = [tl.devices.host(t) for t in model.state_dict().values()]
    for name in ("exp_avg", "exp_avg_sq", "velocity", "square_avg", "step"):
        state += [tl.devices.host(s[name]) for s in optimizer.state.values() if name in s]
    state += [tl.devices.host(p.grad) for p in model.parameters()]
    assert not captured or step.reason == ""
    return losses, state, tl.random.default_generator.get_state()


def same_bits(*how, **more):
    """Assert that a run with a graph is one without, to the bit; returns the losses."""
    (losses, state, seed), (others, values, other) = (trained(*how, captured, **more) for captured in (False, True))
    assert losses == others
    assert seed == other
    for a, b in zip(state, values, strict=True):
        np.testing.assert_array_equal(a, b)
    return losses


def test_a_hundred_steps_with_dropout_and_adam_to_the_bit():
    losses = same_bits(small, lambda p: optim.Adam(p, lr=0.01), batches(100, 4), dtype=np.float64)
    assert len(set(losses)) == 100


RULES = {
    "sgd": lambda p: optim.SGD(p, lr=0.1),
    "momentum": lambda p: optim.SGD(p, lr=0.1, momentum=0.9, dampening=0.3, weight_decay=0.01),
    "nesterov": lambda p: optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True),
    "adam": lambda p: optim.Adam(p, lr=0.01, weight_decay=0.01),
    "adamw": lambda p: optim.AdamW(p, lr=0.01, weight_decay=0.1),
    "rmsprop": lambda p: optim.RMSprop(p, lr=0.01, momentum=0.5, centered=True),
}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("rule", RULES)
def test_every_optimiser_in_both_dtypes(rule, dtype):
    same_bits(net, RULES[rule], batches(5, 2, 8, 8), dtype=dtype, max_norm=0.3)


def test_a_state_that_a_setting_adds():
    between = lambda k, model, optimizer: optimizer.param_groups[0].update(centered=k > 3)
    same_bits(small, lambda p: optim.RMSprop(p, lr=0.01), batches(8, 4), between=between)


def test_two_groups_with_settings_of_their_own():
    rule = lambda p: optim.AdamW([{"params": (p := list(p))[:2], "lr": 0.1, "betas": (0.5, 0.9)}, {"params": p[2:]}])

    def between(k, model, optimizer):
        optimizer.param_groups[1]["lr"] *= 0.5
        optimizer.param_groups[0]["weight_decay"] = 0.1 * k

    same_bits(small, rule, batches(6, 4), between=between)


@pytest.mark.parametrize("rule", ["adamw", "nesterov", "rmsprop"])
def test_rates_betas_and_momentum_follow_a_schedule(rule):
    schedules = {}

    def between(k, model, optimizer):
        if not k:
            schedules[0] = optim.lr_scheduler.OneCycleLR(optimizer, max_lr=0.1, total_steps=9)
        else:
            schedules[0].step()

    same_bits(small, RULES[rule], batches(9, 4), between=between)


def eager_between(k, model, optimizer):
    """A step of another kind, without a graph, draws random numbers and counts."""
    if k in (3, 4):
        optimizer.zero_grad()
        model(tl.ones(2, 4)).sum().backward()
        optimizer.step()


def loaded(k, model, optimizer):
    """What a checkpoint brings back."""
    if k == 1:
        optimizer.kept = optimizer.state_dict(), {n: t.clone() for n, t in model.state_dict().items()}
    if k == 5:
        optimizer.load_state_dict(optimizer.kept[0])
        model.load_state_dict(optimizer.kept[1])


BETWEEN = {
    "a step without": eager_between,
    "a checkpoint": loaded,
    "a seed": lambda k, model, optimizer: tl.manual_seed(k // 3),
    "evaluation and back": lambda k, model, optimizer: model.train(k not in (4, 5)),
    "weight decay": lambda k, model, optimizer: optimizer.param_groups[0].update(weight_decay=0.1 + 0.1 * (k > 4)),
    "eps": lambda k, model, optimizer: optimizer.param_groups[0].update(eps=1e-8 if k < 4 else 0.1),
    "a frozen layer": lambda k, model, optimizer: setattr(model[0].weight, "requires_grad", k < 4),
    "other memory": lambda k, model, optimizer: (
        setattr(model[0].bias, "data", model[0].bias.data.copy()) if k == 4 else None
    ),
    "gradients forgotten": lambda k, model, optimizer: optimizer.zero_grad(),
    "the precision": lambda k, model, optimizer: tl.set_float32_matmul_precision("high" if k in (4, 5) else "highest"),
    "how much is dropped": lambda k, model, optimizer: setattr(model[2], "p", 0.4 if k < 4 else 0.1),
    "another layer": lambda k, model, optimizer: setattr(model, "1", nn.Tanh()) if k == 4 else None,
    "one layer more": lambda k, model, optimizer: setattr(model, "4", nn.Tanh()) if k == 4 else None,
    "no bias": lambda k, model, optimizer: setattr(model[3], "bias", None) if k == 4 else None,
    "a hook": lambda k, model, optimizer: (
        model[1].register_forward_hook(lambda module, given, y: y * 2) if k == 4 else None
    ),
    "other groups": lambda k, model, optimizer: (
        setattr(optimizer, "param_groups", [{**g, "lr": 0.1} for g in optimizer.param_groups]) if k == 4 else None
    ),
    "another dropout": lambda k, model, optimizer: tl.randn(7).sum() if k == 4 else None,
}


@pytest.mark.parametrize("what", BETWEEN)
def test_what_happens_between_the_steps_is_followed(what):
    same_bits(small, RULES["adam"], batches(9, 4), between=BETWEEN[what])


def test_decay_that_begins_later():
    between = lambda k, model, optimizer: optimizer.param_groups[0].update(weight_decay=0.1 * (k > 3))
    same_bits(small, lambda p: optim.AdamW(p, lr=0.01, weight_decay=0.0), batches(7, 4), between=between)


@pytest.mark.parametrize("nesterov", [False, True])
def test_momentum_that_begins_later(nesterov):
    later = {"momentum": 0.9, "nesterov": nesterov}
    between = lambda k, model, optimizer: optimizer.param_groups[0].update(later if k > 3 else {})
    same_bits(small, RULES["sgd"], batches(9, 4), between=between)


def test_nesterov_that_begins_later():
    between = lambda k, model, optimizer: optimizer.param_groups[0].update(nesterov=k > 3, dampening=0.0)
    same_bits(small, RULES["momentum"], batches(7, 4), between=between)


class Often(optim.Adam):
    """Steps three times with a gradient, the last parameter only twice."""

    def step(self):
        """As Adam, thrice."""
        super().step()
        super().step()
        last = self.param_groups[0]["params"][-1]
        grad, last.grad = last.grad, None
        super().step()
        last.grad = grad


def test_several_steps_of_an_optimiser_in_one_run():
    same_bits(small, lambda p: Often(p, lr=0.01), batches(7, 4))


def test_two_optimisers_in_one_step_of_parameters_that_are_no_modules():
    def run(captured):
        v, w = (tl.ones(3, requires_grad=True) for _ in range(2))
        u = tl.ones(3, dtype=tl.float64, requires_grad=True)
        one, two = optim.AdamW([v], lr=0.1), optim.AdamW([w, u], lr=0.01, betas=(0.5, 0.9))

        def step(x):
            one.zero_grad(), two.zero_grad()
            ((v * x) ** 2 + (w * x) ** 3).sum().backward()
            (u**2).sum().backward()
            one.step(), two.step()
            return v, w

        step, found = tl.cuda.capture(step) if captured else step, []
        for k in range(9):
            if k == 4:
                w.data = w.data.copy()
            if k == 7:  # one of two that have taken as many steps goes ahead
                two.zero_grad()
                (w * 2).sum().backward()
                two.step()
            step(tl.ones(3) * k)
            found += [v.tolist(), w.tolist(), u.tolist()]
        assert not captured or step.reason == ""
        return found

    assert run(False) == run(True)


def test_gradients_that_are_made_outside_of_the_step():
    w = tl.ones(2, requires_grad=True)
    optimizer = optim.SGD([w], lr=1.0)
    step = tl.cuda.capture(lambda: optimizer.step())
    for k in range(1, 5):
        w.grad = tl.ones(2) * k
        step()
        assert w.tolist() == [1 - k * (k + 1) / 2] * 2
    w.grad.data[...] = 10  # where it lies the graph finds it
    step()
    assert w.tolist() == [-19] * 2


def test_a_hook_that_comes_later():
    w = tl.ones(2, requires_grad=True)

    def step(x):
        w.grad = None
        (w * x).sum().backward()
        return w.grad

    step = tl.cuda.capture(step)
    for _ in range(3):
        assert step(tl.ones(2)).tolist() == [1, 1]
    remove = w.register_hook(lambda g: g * 3)
    for _ in range(3):
        assert step(tl.ones(2)).tolist() == [3, 3]
    remove()
    assert step(tl.ones(2)).tolist() == [1, 1]


def test_tensors_of_the_host_are_brought_to_the_gpu_each_time():
    step = tl.cuda.capture(lambda x: x * 2)
    assert [step(tl.ones(2, device="cpu")).device for _ in range(3)] == ["cuda"] * 3


def test_two_losses_add_their_gradients_in_one_step():
    w = tl.ones(2, requires_grad=True)

    def step(x):
        w.grad = None
        (w * x).sum().backward()
        (w * x * 2).sum().backward()
        return w.grad

    step = tl.cuda.capture(step)
    assert [step(tl.ones(2) * k).tolist() for k in range(4)] == [[3 * k] * 2 for k in range(4)]
    assert step.reason == ""


def test_a_list_of_layers_a_function_and_a_number_that_begins_as_none():
    """A list is never called itself, a function is no module, and None may become a number."""

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.layers, self.scale, self.last = nn.ModuleList([nn.ReLU(), nn.ReLU()]), None, lambda x: x

        def forward(self, x):
            for layer in self.layers:
                x = layer(x)
            return self.last(x if self.scale is None else x * self.scale)

    model = Net()
    step = tl.cuda.capture(lambda x: model(x))
    for _ in range(3):
        assert step(-tl.ones(2)).tolist() == [0, 0]
    model.layers[0] = model.layers[1] = nn.Identity()
    for _ in range(3):
        assert step(-tl.ones(2)).tolist() == [-1, -1]
    model.scale = 3.0
    for _ in range(3):
        assert step(-tl.ones(2)).tolist() == [-3, -3]
    model.last = F.relu
    assert step(-tl.ones(2)).tolist() == [0, 0]


def test_a_parameter_that_the_optimiser_forgets_is_not_changed_any_more():
    model = nn.Linear(4, 3)
    optimizer = optim.SGD(model.parameters(), lr=0.1)

    def step(x):
        model.zero_grad()
        model(x).sum().backward()
        optimizer.step()

    step = tl.cuda.capture(step)
    for _ in range(3):
        step(tl.ones(2, 4))
    optimizer.param_groups[0]["params"].pop()
    before = model.bias.tolist()
    step(tl.ones(2, 4))
    assert model.bias.tolist() == before


def test_the_same_seed_between_the_runs_gives_the_same_numbers():
    """The host's count is what it was before, the device's has gone on."""
    step, found = tl.cuda.capture(lambda x: F.dropout(x, 0.5)), []
    for _ in range(4):
        tl.manual_seed(1)
        found.append(step(tl.ones(40)).tolist())
    assert found == [found[0]] * 4


def test_batches_of_two_sizes_have_a_graph_each():
    data = batches(8, 4)
    data = [(x[:4], y[:4]) if k % 3 == 2 else (x, y) for k, (x, y) in enumerate(data)]
    same_bits(small, RULES["adam"], data)


def test_a_replay_asks_for_nothing_but_the_graph():
    model, counted = small(), []
    step = tl.cuda.capture(lambda x: model(x).sum())
    x = tl.ones(2, 4)
    step(x), step(x)
    original = launch.Kernel.__call__
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            launch.Kernel, "__call__", lambda self, *args: (counted.append(self.name), original(self, *args))[1]
        )
        step(x)
        assert counted == []
        step(tl.ones(3, 4))
        assert len(counted) > 2


@strict
def test_the_device_counts_by_itself():
    """Nothing goes from the host to the GPU while the optimiser's settings stay."""
    model, sent = small(), []
    optimizer = optim.Adam(model.parameters())

    def step(x):
        optimizer.zero_grad()
        model(x).sum().backward()
        optimizer.step()

    step, x = tl.cuda.capture(step), tl.ones(2, 4)
    for _ in range(3):
        step(x)
    array = tl.devices.gpu_type
    original = array.set
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(array, "set", lambda self, *args: (sent.append(args), original(self, *args))[1])
        step(x), step(x)
        assert not sent
        optimizer.param_groups[0]["lr"] = 0.5
        step(x), step(x)
        assert len(sent) == 1


def test_results_are_copies_in_any_container_and_detached():
    w = tl.ones(3, requires_grad=True)
    step = tl.cuda.capture(lambda x: {"a": [w * x, (x.data, 4)], "b": None})
    found = [step(tl.full((3,), float(k))) for k in range(4)]
    for k, r in enumerate(found):
        (y, (array, four)), none = r["a"], r["b"]
        assert y.tolist() == [k] * 3 == array.get().tolist()
        assert (four, none) == (4, None)
        assert not y.requires_grad


def test_the_type_of_an_argument_is_part_of_the_kind():
    step = tl.cuda.capture(lambda x, k: (x, x * k))
    one = np.ones(2, np.int32)
    for _ in range(3):
        for x in (one, tl.tensor(one), tl.tensor(one.astype(np.int64)), tl.tensor(one / 2)):
            for k in (True, 1, 1.0):
                for expected, found in zip(step.eagerly([x, k], ()), step(x, k)):
                    assert type(found) is type(expected)
                    assert (found.dtype, found.tolist()) == (expected.dtype, expected.tolist())
    assert step.reason == ""


def test_arrays_of_the_host_and_numbers_are_arguments():
    step = tl.cuda.capture(lambda x, scale, name: tl.Tensor(x) * scale)
    for k in range(4):
        for scale in (2, 3):
            assert step(np.full(2, k, np.float32), scale, "a").tolist() == [k * scale] * 2
    assert step.reason == ""
    assert len(step.graphs) == 2


def test_names_of_arguments_and_methods():
    class Trainer:
        """A step as a method, for each of its instances by itself."""

        def __init__(self, by):
            self.by = tl.full((2,), float(by))

        @tl.cuda.capture
        def step(self, x, *, plus=0, y=None):
            """x times something."""
            return self.by * x + plus + (0 if y is None else y)

    for by in (2, 3):
        trainer = Trainer(by)
        for k in range(4):
            assert trainer.step(tl.full((2,), float(k))).tolist() == [by * k] * 2
            assert trainer.step(tl.full((2,), float(k)), plus=1, y=tl.ones(2) * k).tolist() == [by * k + 1 + k] * 2
        assert trainer.step.reason == ""
    assert Trainer.step.__doc__ == "x times something."


def test_what_the_step_changes_in_place_cannot_be_differentiated_with_what_was_saved_before():
    w = tl.ones(3)
    step = tl.cuda.capture(lambda: w.__imul__(2))
    step(), step()
    x = tl.ones(3, requires_grad=True)
    y = (x * w).sum()
    step()
    with pytest.raises(RuntimeError, match="changed in place"):
        y.backward()


def test_labels_that_are_no_classes_make_the_loss_nan_where_nobody_can_look():
    for loss in (F.cross_entropy, lambda z, y, **how: F.nll_loss(F.log_softmax(z, 1), y, **how)):
        for reduction in ("mean", "sum"):
            step = tl.cuda.capture(lambda z, y, loss=loss, how=reduction: loss(z, y, reduction=how))
            z, good = tl.randn(4, 3), np.array([0, 1, 2, -100])
            expected = [step(z, good).item() for _ in range(3)]
            assert expected[0] == expected[1] == expected[2]
            for wrong in (3, -1):
                try:
                    found = step(z, np.array([0, wrong, 2, -100])).item()
                except IndexError:  # where nll_loss takes it, the stand-in is stricter
                    found = np.nan
                assert np.isnan(found)
            assert step(z, good).item() == expected[0]
    step = tl.cuda.capture(lambda z, y: F.cross_entropy(z, y, reduction="none"))
    for _ in range(2):
        step(z, good)
    assert np.isnan(step(z, np.array([0, 3, -1, -100])).tolist()).tolist() == [False, True, True, False]


def test_each_label_that_is_no_class_makes_its_own_loss_nan():
    step = tl.cuda.capture(lambda z, y: F.cross_entropy(z, y, reduction="none"))
    for _ in range(3):
        found = step(tl.ones(4, 3), np.array([0, 1, 2, -100]))
    found = step(tl.ones(4, 3), np.array([0, -1, 3, -100])).cpu().numpy()
    np.testing.assert_allclose(found, [np.log(3), np.nan, np.nan, 0], rtol=1e-6)


@pytest.mark.parametrize("n", [3, 8192, 20000])
def test_weights_of_many_labels_are_summed_as_without_a_graph(n):
    weight = tl.tensor(rng.random(5))
    z, y = tl.randn(n, 5, dtype=tl.float64), rng.integers(0, 5, n)
    y[::3] = -100
    loss = lambda z, y: F.cross_entropy(z, y, weight)
    step = tl.cuda.capture(loss)
    assert {step(z, y).item() for _ in range(3)} == {loss(z, tl.tensor(y)).item()}
    y[-1] = 5
    assert np.isnan(step(z, y).item())


# where it cannot


def gradients_add(model):
    """A step that leaves its gradients to the next."""

    def step(x):
        model(x).sum().backward()
        return model[0].weight.grad

    return step


def stateful(model):
    """A step that puts another tensor in the place of the model's."""

    def step(x):
        model[0].bias.data = model[0].bias.data * 0.5
        return model(x).sum()

    return step


def prints(model):
    """A step that looks at what it computes."""

    def step(x):
        y = model(x)
        if y.sum().item() > 1e9:
            y = y * 2
        return y

    return step


def fresh_data(model):
    """A step that brings its data along."""
    return lambda x: model(tl.tensor(np.ones((2, 4), np.float32)))


def noisy(model):
    """A step that draws on the host."""
    return lambda x: model(x) + tl.randn(2, 3)


def first_step(model):
    """A step whose optimiser begins with a parameter only now and then."""
    optimizer, calls = optim.Adam(model.parameters()), []

    def step(x):
        calls.append(1)
        optimizer.zero_grad()
        if len(calls) > 1:
            model(x).sum().backward()
        optimizer.step()
        return model[0].weight

    return step


def looks_at_the_norm(model):
    """A step that raises where the norm of the gradients is no number."""

    def step(x):
        model.zero_grad()
        model(x).sum().backward()
        return optim.clip_grad_norm_(model.parameters(), 1.0, error_if_nonfinite=True) * tl.ones(1)

    return step


def in_place(model):
    """A step that changes what it is given."""
    return lambda x: x.__imul__(2)


REASONS = {
    looks_at_the_norm: "error_if_nonfinite=True|looks at the norm",
    in_place: "changes an argument in place|x = x.clone()",
    gradients_add: "gradients add to those of the step before|zero_grad() (or",
    stateful: "the tensors of a Linear changed during the step",
    prints: "the host is asked something in line|y.sum().item() > 1e9|look at them afterwards",
    fresh_data: "an array of the host, float32 (2, 4)|make it an argument|setflags",
    noisy: "draws random numbers on the host",
    first_step: "an optimiser begins with a parameter",
}


@pytest.mark.parametrize("make", REASONS, ids=lambda f: f.__name__)
def test_it_says_why_and_runs_eagerly_to_the_same_numbers(make):
    found = []
    for captured in (False, True):
        tl.manual_seed(0)
        model = nn.Sequential(nn.Linear(4, 3), nn.Dropout(0.5))
        step = make(model)
        step = tl.cuda.capture(step) if captured else step
        results = []
        for k in range(4):
            if captured and k == 1:
                with pytest.warns(UserWarning, match="runs eagerly") as told:
                    results.append(tl.devices.host(step(tl.ones(2, 4) * k)).copy())
                assert told[0].filename == __file__
                for word in REASONS[make].split("|"):
                    assert word in step.reason
            else:
                results.append(tl.devices.host(step(tl.ones(2, 4) * k)).copy())
        found.append((results, tl.random.default_generator.get_state()))
    (expected, seed), (results, other) = found
    np.testing.assert_array_equal(results, expected)
    assert seed == other


def test_a_model_on_the_cpu_and_no_gpu_at_all(monkeypatch):
    model = nn.Linear(4, 3).to("cpu")
    step = tl.cuda.capture(lambda x: model(x.to("cpu")).sum())
    step(tl.ones(2, 4))
    with pytest.warns(UserWarning, match="runs eagerly"):
        step(tl.ones(2, 4))
    monkeypatch.setattr(tl.devices.driver, "is_available", lambda: False)
    step = tl.cuda.capture(lambda x: x * 2)
    with pytest.warns(UserWarning, match="there is no GPU"):
        assert step(tl.ones(2, device="cpu")).tolist() == [2, 2]
    assert step(tl.ones(2, device="cpu")).tolist() == [2, 2]


def test_an_error_of_the_step_is_raised_as_without_capture():
    step = tl.cuda.capture(lambda x: F.cross_entropy(x, tl.tensor(np.array([0, 9]))))
    for _ in range(2):
        check_message(lambda: step(tl.ones(2, 3)), ValueError, "label 9 at position 1")


def test_a_setting_that_never_stays():
    model = nn.Dropout(0.5)
    step = tl.cuda.capture(lambda x: model(x))

    def run():
        for k in range(40):
            model.p = k / 100
            assert step(tl.ones(50)).max().item() <= 1 / (1 - model.p) + 1e-6

    with pytest.warns(UserWarning, match="a Dropout changed 16 times"):
        run()
    assert step.reason


def test_too_many_kinds_of_arguments():
    step = tl.cuda.capture(lambda x, k: x * k)
    for k in range(16):
        step(tl.ones(2), k)
    with pytest.warns(UserWarning, match="more than 16 kinds"):
        assert step(tl.ones(2), 16).tolist() == [16, 16]
    assert step.graphs == {}


def test_a_failed_capture_leaves_no_gradients():
    w = tl.ones(2, requires_grad=True)

    def step(x):
        (w * x).sum().backward()
        return tl.Tensor(w.grad.data * w.grad.sum().item())

    line = inspect.getsourcelines(step)[1] + 2
    step = tl.cuda.capture(step)
    step(tl.ones(2))
    w.grad = None
    with pytest.warns(UserWarning, match=f"in line {line} of test_capture.py"):
        assert step(tl.ones(2)).tolist() == [2, 2]
    assert w.grad.tolist() == [1, 1]


def test_whose_lines_are_not_the_steps():
    """The line that is told is the step's, not one of what it calls."""
    inside = ("<frozen runpy>", tl.__file__, launch.__file__, "/usr/lib/python3/site-packages/cupy/_core/core.pyx")
    assert all(map(capturing.is_inside, inside))
    assert not capturing.is_inside("/home/me/train.py")


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: tl.cuda.capture(3), TypeError, "expected a function|got 3"),
        (lambda: tl.cuda.capture(lambda x: x)([tl.ones(2)]), TypeError, "got list|each tensor by itself"),
        (
            lambda: tl.cuda.capture(lambda x: x)(tl.ones(2, requires_grad=True)),
            ValueError,
            "requires a gradient|tl.grad",
        ),
    ],
)
def test_bad_arguments_are_told(call, error, words):
    check_message(call, error, words)


def test_a_captured_step_within_another():
    inner = tl.cuda.capture(lambda x: F.dropout(x, 0.5) * 0 + x * 2)
    inner(tl.ones(3))
    outer = tl.cuda.capture(lambda x: inner(x) + 1)
    outer(tl.ones(3))
    offset = tl.random.default_generator.get_state()[1]
    with pytest.warns(UserWarning, match="runs eagerly: a step that is captured calls another one that is"):
        assert outer(tl.ones(3)).tolist() == [3] * 3
    assert tl.random.default_generator.get_state()[1] == offset + 1  # the capture that failed has drawn nothing


def test_the_memory_lives_as_long_as_the_graph_and_no_longer():
    step = tl.cuda.capture(lambda x: (x * 2).sum())
    for _ in range(3):
        step(tl.ones(1000))
    (graph,) = step.graphs.values()
    pool = weakref.ref(graph.pool)
    assert graph.pool.total_bytes() > 8000
    gc.collect()
    assert step(tl.ones(1000)).item() == 2000
    del graph, step
    gc.collect()
    assert pool() is None


# each layer and loss can be captured

PICTURES, ROWS = (4, 4, 8, 8), (4, 6)
LAYERS = {
    "conv": (lambda: nn.Conv2d(4, 6, 3, padding=1), PICTURES),
    "strided, dilated": (lambda: nn.Conv2d(4, 4, 3, stride=2, dilation=2, groups=2), PICTURES),
    "transposed": (lambda: nn.ConvTranspose2d(4, 6, 4, stride=2, padding=1), PICTURES),
    "depthwise": (lambda: nn.Conv2d(4, 4, 3, groups=4), PICTURES),
    "mirrored": (lambda: nn.Conv2d(4, 4, 3, padding=1, padding_mode="reflect"), PICTURES),
    "max": (lambda: nn.MaxPool2d(2), PICTURES),
    "average": (lambda: nn.AvgPool2d(3, 2, 1, ceil_mode=True), PICTURES),
    "adaptive": (lambda: nn.AdaptiveAvgPool2d(3), PICTURES),
    "batch norm": (lambda: nn.BatchNorm2d(4, affine=False), PICTURES),
    "group norm": (lambda: nn.GroupNorm(2, 4), PICTURES),
    "instance norm": (lambda: nn.InstanceNorm2d(4), PICTURES),
    "layer norm": (lambda: nn.LayerNorm((4, 8, 8)), PICTURES),
    "bilinear": (lambda: nn.Upsample(scale_factor=2, mode="bilinear"), PICTURES),
    "nearest": (lambda: nn.Upsample(scale_factor=2), PICTURES),
    "GELU": (nn.GELU, PICTURES),
    "ELU": (nn.ELU, PICTURES),
    "SiLU": (nn.SiLU, PICTURES),
    "spectral": (lambda: nn.utils.spectral_norm(nn.Linear(6, 3)), ROWS),
    "softmax": (lambda: nn.Softmax(1), ROWS),
    "LSTM": (lambda: nn.LSTM(6, 5), (5, 3, 6)),
}
GOAL = rng.random(ROWS).astype(np.float32)
LOSSES = {
    "smoothed": lambda z, y, t: F.cross_entropy(z, y, label_smoothing=0.1),
    "ignored": lambda z, y, t: F.cross_entropy(z, y, ignore_index=2),
    "none": lambda z, y, t: F.cross_entropy(z, y, reduction="none").sum(),
    "soft": lambda z, y, t: F.cross_entropy(z, t),
    "nll": lambda z, y, t: F.nll_loss(F.log_softmax(z, 1), y),
    "mse": lambda z, y, t: F.mse_loss(z, t),
    "l1": lambda z, y, t: F.l1_loss(z, t),
    "smooth l1": lambda z, y, t: F.smooth_l1_loss(z, t),
    "logistic": lambda z, y, t: F.binary_cross_entropy_with_logits(z, t),
    "kl": lambda z, y, t: F.kl_div(F.log_softmax(z, 1), t),
}


@pytest.mark.parametrize("name", [*LAYERS, *LOSSES])
def test_every_layer_and_loss(name):
    make, shape = LAYERS.get(name, (lambda: nn.Linear(6, 6), ROWS))
    loss = LOSSES.get(name, lambda z, y, t: ((z[0] if isinstance(z, tuple) else z) ** 2).sum())
    xs, y, goal = (
        rng.standard_normal((4, *shape)).astype(np.float32),
        tl.tensor(np.array([0, 2, 1, 5])),
        tl.tensor(GOAL),
    )

    def run(captured):
        tl.manual_seed(0)
        model = make()

        def step(x):
            model.zero_grad()
            x = x.detach()
            x.requires_grad = True
            value = loss(model(x), y, goal)
            value.backward()
            return value, x.grad, [p.grad for p in model.parameters()]

        step = tl.cuda.capture(step) if captured else step
        return [step(tl.tensor(x)) for x in xs]

    for (a, da, ga), (b, db, gb) in zip(run(False), run(True)):
        for p, q in zip((a, da, *ga), (b, db, *gb)):
            np.testing.assert_array_equal(tl.devices.host(p), tl.devices.host(q))


def test_replaced_rules_and_anomaly_mode_are_part_of_the_kind():
    def slope(x):
        x = x.detach()
        x.requires_grad = True
        return tl.grad(F.relu(x).sum(), x)[0]

    step, ratio = tl.cuda.capture(slope), tl.cuda.capture(lambda x: x / x)
    for _ in range(3):
        assert step(tl.ones(2)).tolist() == [1, 1]
        with tl.backward_rules({F.relu: lambda g: g * 5}):
            assert step(tl.ones(2)).tolist() == [5, 5]
        assert ratio(tl.ones(2)).tolist() == [1, 1]
    with tl.detect_anomaly():
        check_message(lambda: ratio(tl.zeros(2)), RuntimeError, "NaN")


def test_what_is_recorded_for_differentiation_is_part_of_the_kind():
    w = tl.ones(3, requires_grad=True)
    step = tl.cuda.capture(lambda x: (y := w * x).requires_grad and tl.grad(y.sum(), w)[0])
    for _ in range(3):
        assert step(tl.ones(3) * 2).tolist() == [2] * 3
        with tl.no_grad():
            assert step(tl.ones(3)) is False


def test_variables_around_the_step_are_followed():
    """Another net in the place of the one that the step uses, as when a cell of a notebook is run again; another number."""
    model, beta = nn.Linear(3, 2), 1.0
    step = tl.cuda.capture(lambda x: model(x) * beta)
    x = tl.ones(1, 3)
    for k in range(9):
        if k == 4:
            model = nn.Linear(3, 2)
        if k == 7:
            beta = 2.0
        assert step(x).tolist() == (model(x) * beta).tolist()
    assert step.reason == ""


def test_a_variable_that_the_step_changes():
    average, calls = tl.zeros(3), 0

    def step(x):
        nonlocal average, calls
        average, calls = average * 0.5 + x, calls + 1
        return average * calls

    eager, captured = [], []
    for results, run in ((eager, step), (captured, tl.cuda.capture(step))):
        average, calls = tl.zeros(3), 0
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            results += [run(tl.ones(3) * k).tolist() for k in range(5)]
    assert captured == eager
    assert "the variable 'average' changed during the step" in run.reason


def test_numbers_of_numpy_are_no_part_of_the_graph():
    step = tl.cuda.capture(lambda x, k, m: tl.Tensor(k) * x + tl.Tensor(m))
    for k in range(30):
        assert step(tl.ones(2), np.float32(k), np.array(k, np.float32)).tolist() == [2 * k] * 2
    assert step.reason == ""
