"""tl.nn: the tree of modules, saving and loading, hooks, layer names, initialisation, batch norm and dropout."""

import copy
import math

import numpy as np
import pytest

import tinylucid as tl
from tinylucid import nn


class Block(nn.Module):
    """A convolution and a batch norm, then a doubling."""

    def __init__(self, channels):
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(channels)

    def forward(self, x):
        return self.norm(self.conv(x)) * 2


class Net(nn.Module):
    """Two blocks and a head, with a parameter and a buffer of its own."""

    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(np.ones(1, np.float32))
        self.register_buffer("shift", tl.zeros(1))
        self.features = nn.Sequential(Block(2), nn.ReLU(), Block(2))
        self.head = nn.Linear(2, 3)

    def forward(self, x):
        return self.head(self.features(x * self.scale + self.shift).mean((2, 3)))


NORM = ["running_mean", "running_var", "num_batches_tracked"]


def values(module):
    """A copy of every parameter and buffer."""
    return {name: t.data.copy() for name, t in module.state_dict().items()}


def same(a, b):
    """Whether two of ``values`` are equal to the bit."""
    return a.keys() == b.keys() and all(np.array_equal(a[name], b[name]) for name in a)


# --- the tree --------------------------------------------------------------------------------------------------------


def test_names_of_parameters_buffers_and_modules():
    net = Net()
    blocks = ["features.0", "features.2"]
    weights = [f"{b}.{name}" for b in blocks for name in ("conv.weight", "norm.weight", "norm.bias")]
    assert [name for name, _ in net.named_parameters()] == ["scale", *weights, "head.weight", "head.bias"]
    assert [name for name, _ in net.named_buffers()] == ["shift", *(f"{b}.norm.{n}" for b in blocks for n in NORM)]
    parts = ["features", "features.0", "features.0.conv", "features.0.norm", "features.1", "features.2"]
    assert [name for name, _ in net.named_modules()] == ["", *parts, "features.2.conv", "features.2.norm", "head"]
    assert [name for name, _ in net.head.named_parameters("net.head")] == ["net.head.weight", "net.head.bias"]
    assert list(net.children()) == [net.features, net.head]
    assert [id(p) for p in net.parameters()] == [id(p) for _, p in net.named_parameters()]


def test_a_shared_parameter_is_listed_once_and_saved_under_both_names():
    net = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2, bias=False))
    net[1].weight = net[0].weight
    assert [name for name, _ in net.named_parameters()] == ["0.weight", "0.bias"]
    assert list(net.state_dict()) == ["0.weight", "0.bias", "1.weight"]


def test_a_shared_module_is_listed_once():
    net = nn.Module()
    net.first = net.second = nn.Linear(2, 2, bias=False)
    assert [name for name, _ in net.named_modules()] == ["", "first"]
    assert [name for name, _ in net.named_parameters()] == ["first.weight"]


def test_a_shared_module_is_saved_under_both_names():
    """PyTorch's state_dict has the keys of every path."""
    net = nn.Module()
    net.first = net.second = nn.Linear(2, 2, bias=False)
    assert list(net.state_dict()) == ["first.weight", "second.weight"]


KINDS = {
    "parameter": (lambda m, v: setattr(m, "x", v), lambda: nn.Parameter(np.ones(2, np.float32))),
    "registered parameter": (lambda m, v: m.register_parameter("x", v), lambda: nn.Parameter(np.ones(2, np.float32))),
    "buffer": (lambda m, v: m.register_buffer("x", v), lambda: tl.ones(2)),
    "module": (lambda m, v: setattr(m, "x", v), nn.ReLU),
    "plain": (lambda m, v: setattr(m, "x", v), lambda: "text"),
}


@pytest.mark.parametrize("second", KINDS)
@pytest.mark.parametrize("first", KINDS)
def test_what_an_attribute_was_given_last_is_what_it_is(first, second):
    """It is listed as its own kind and no other."""
    module = nn.Module()
    KINDS[first][0](module, KINDS[first][1]())
    put, make = KINDS[second]
    value = make()
    if second == "plain" and first != "plain":
        with pytest.raises(TypeError, match=r"'x'.*or None, got str"):
            put(module, value)
        return
    if second in ("registered parameter", "buffer") and not first.endswith(second.split()[-1]):
        with pytest.raises(KeyError, match="has an attribute 'x' already"):
            put(module, value)
        return
    put(module, value)
    assert module.x is value
    listed = {
        "parameter": [name for name, _ in module.named_parameters()],
        "buffer": [name for name, _ in module.named_buffers()],
        "module": [name for name, _ in module.named_modules() if name],
    }
    assert listed == {kind: ["x"] if second.endswith(kind) else [] for kind in listed}


def test_a_buffer_stays_one_when_assigned_a_tensor():
    module = nn.BatchNorm2d(2)
    module.running_mean = tl.ones(2)
    assert [name for name, _ in module.named_buffers()] == NORM
    assert module.state_dict()["running_mean"].tolist() == [1, 1]


def test_a_parameter_may_be_none():
    module = nn.Linear(2, 2)
    module.bias = None
    assert list(module.state_dict()) == ["weight"]
    x = np.ones((1, 2), np.float32)
    np.testing.assert_allclose(module(x).data, x @ module.weight.data.T, rtol=1e-6)


@pytest.mark.parametrize("name", ["scale", "shift", "head", "note"])
def test_deleting_an_attribute(name):
    net = Net()
    net.note = "text"
    delattr(net, name)
    assert not hasattr(net, name)
    assert not any(key.startswith(name) for key in net.state_dict())
    with pytest.raises(AttributeError, match=f"Net has no attribute '{name}'"):
        delattr(net, name)


@pytest.mark.parametrize("name", ["eval", "forward", "parameters", "training"])
def test_a_layer_with_the_name_of_a_method_hides_none(name):
    net = nn.Sequential({"first": nn.ReLU(), name: nn.Dropout(0.5)})
    assert [key for key, _ in net.named_modules()] == ["", "first", name]
    assert not net.eval().training
    assert net(tl.ones(2)).tolist() == [1, 1]
    assert list(net.parameters()) == []


def test_an_attribute_changes_its_kind():
    net, parameter = nn.Module(), nn.Parameter(np.ones(2, np.float32))
    for value, parameters, modules in ((3, [], []), (parameter, ["x"], []), (nn.ReLU(), [], ["x"])):
        net.x = value
        assert net.x is vars(net)["x"] is value, "found where Python looks first"
        assert (list(net._parameters), list(net._modules)) == (parameters, modules)
    net.y = parameter
    other = copy.deepcopy(net)
    assert other.y is other._parameters["y"]
    assert other.y is not net.y
    other.y = None
    assert vars(other)["y"] is None


def test_forgetting_super_init_says_so():
    class Forgetful(nn.Module):
        def __init__(self):
            self.layer = nn.ReLU()

    with pytest.raises(AttributeError, match=r"Forgetful: call super\(\).__init__\(\) before assigning 'layer'"):
        Forgetful()


def test_a_missing_attribute_and_a_missing_forward_say_so():
    with pytest.raises(AttributeError, match="Net has no attribute 'tail'"):
        _ = Net().tail
    with pytest.raises(NotImplementedError, match="Module defines no forward"):
        nn.Module()(1)


@pytest.mark.parametrize(
    ("method", "value", "expected"),
    [
        ("register_buffer", np.ones(2), "Tensor or None, got ndarray"),
        ("register_parameter", tl.ones(2), "Parameter or None, got Tensor"),
        ("add_module", tl.relu, "Module, got the function relu"),
    ],
)
def test_registering_the_wrong_type(method, value, expected):
    with pytest.raises(TypeError, match=rf"{method}\('x'\): expected a {expected}"):
        getattr(nn.Module(), method)("x", value)


def test_get_submodule():
    net = Net()
    assert net.get_submodule("features.2.norm") is net.features[2].norm
    assert net.get_submodule("") is net
    with pytest.raises(AttributeError) as error:
        net.get_submodule("features.3")
    for name in ("Net", "'features.3'", "features.2.conv", "head"):
        assert name in str(error.value)


def test_apply_visits_inner_modules_first_and_returns_self():
    net, seen = Net(), []
    assert net.apply(seen.append) is net
    assert len(seen) == 10
    assert all(seen.index(child) < seen.index(module) for module in seen for child in module.children())


def test_repr_of_nested_modules():
    net = nn.Sequential({"features": nn.Sequential(nn.Conv2d(1, 2, 3, padding=1), nn.ReLU()), "head": nn.Linear(2, 3)})
    assert repr(net) == (
        "Sequential(\n"
        "  (features): Sequential(\n"
        "    (0): Conv2d(1, 2, kernel_size=(3, 3), stride=(1, 1), padding=(1, 1))\n"
        "    (1): ReLU()\n"
        "  )\n"
        "  (head): Linear(in_features=2, out_features=3, bias=True)\n"
        ")"
    )


# --- saving and loading ----------------------------------------------------------------------------------------------


def test_state_dict_round_trip():
    net, other = Net(), Net()
    net(tl.randn(2, 2, 3, 3))  # moves the running statistics
    before = values(net)
    assert not same(before, values(other))
    assert other.load_state_dict(net.state_dict()) == ([], [])
    assert same(values(other), before)
    other.head.weight.data += 1
    assert same(values(net), before), "loading must copy"


def test_state_dict_shares_memory_and_is_detached():
    net = nn.Linear(2, 2)
    state = net.state_dict()
    net.weight.data[:] = 7
    assert state["weight"].tolist() == [[7, 7], [7, 7]]
    assert not any(t.requires_grad for t in state.values())


def test_load_state_dict_takes_arrays_in_any_layout(rng):
    net, w, b = nn.Linear(3, 2), rng.normal(size=(3, 2)), rng.normal(size=4)
    net.load_state_dict({"weight": w.T, "bias": b[::2]})
    assert net.weight.dtype == tl.float32
    assert np.array_equal(net.weight.data, w.T.astype(np.float32))
    assert np.array_equal(net.bias.data, b[::2].astype(np.float32))


@pytest.mark.parametrize("strict", [True, False])
def test_load_state_dict_lists_all_that_is_wrong_and_changes_nothing(strict):
    net = Net()
    before, versions = values(net), [p.version[0] for p in net.parameters()]
    state = {name: np.full_like(a, 5) for name, a in before.items() if not name.startswith("head")}
    state["scale"], state["features.0.norm.bias"] = np.ones(4), np.ones((1, 2))
    state["tail.weight"] = np.ones(3)
    with pytest.raises(RuntimeError) as error:
        net.load_state_dict(state, strict=strict)
    wrong = ["scale has shape (4,), expected (1,)", "features.0.norm.bias has shape (1, 2), expected (2,)"]
    for words in ("Net", "'head.weight'", "'head.bias'", "'tail.weight'", *wrong):
        assert words in str(error.value)
    assert same(values(net), before)
    assert [p.version[0] for p in net.parameters()] == versions


def test_load_state_dict_not_strict_loads_what_fits():
    net = nn.Linear(2, 2)
    bias = net.bias.data.copy()
    assert net.load_state_dict({"weight": np.ones((2, 2)), "extra": 1}, strict=False) == (["bias"], ["extra"])
    assert net.weight.tolist() == [[1, 1], [1, 1]]
    assert np.array_equal(net.bias.data, bias)


@pytest.mark.parametrize(
    "change",
    [
        lambda net: net.load_state_dict(net.state_dict()),
        lambda net: net.to(tl.float64),
        lambda net: nn.init.zeros_(net.weight),
        lambda net: nn.init.uniform_(net.weight),
    ],
    ids=["load_state_dict", "to", "zeros_", "uniform_"],
)
def test_changing_weights_makes_an_earlier_graph_stale(change):
    net = nn.Linear(2, 2)
    loss = net(tl.randn(1, 2, requires_grad=True)).sum()
    change(net)
    with pytest.raises(RuntimeError, match="'weight' was changed in place"):
        loss.backward()


# --- modes and conversions -------------------------------------------------------------------------------------------


def test_train_and_eval_reach_every_module_and_return_self():
    net = Net()
    assert all(m.training for m in net.modules())
    assert net.eval() is net
    assert not any(m.training for m in net.modules())
    assert net.features.train() is net.features
    assert [m.training for m in (net, net.head, net.features, net.features[2].norm)] == [False, False, True, True]
    assert not net.train(False).features.training


def test_to_float64():
    net = Net()
    net(tl.randn(2, 2, 3, 3)).sum().backward()
    parameters = list(net.parameters())
    before = values(net)
    assert net.to(tl.float64) is net
    assert all(p is q and p.requires_grad and p.grad is None for p, q in zip(net.parameters(), parameters))
    for name, t in net.state_dict().items():
        assert t.dtype == (tl.int64 if name.endswith("tracked") else tl.float64)
        assert np.array_equal(t.data, before[name])
    assert net(tl.randn(2, 2, 3, 3, dtype=tl.float64)).dtype == tl.float64


@pytest.mark.parametrize("dtype", [tl.int64, tl.bool])
def test_to_a_dtype_without_gradients_raises(dtype):
    net = nn.Linear(2, 2)
    with pytest.raises(TypeError, match=f"float.*{np.dtype(dtype)}"):
        net.to(dtype)
    assert net.weight.dtype == tl.float32


def test_requires_grad_false_freezes():
    net = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    assert net[0].requires_grad_(False) is net[0]
    assert not net[0](tl.ones(1, 2)).requires_grad, "frozen layers must record nothing"
    x = tl.ones(1, 2, requires_grad=True)
    net(x).sum().backward()
    assert net[0].weight.grad is None
    assert net[0].bias.grad is None
    assert x.grad is not None
    assert net[1].weight.grad is not None
    net.requires_grad_()
    assert all(p.requires_grad for p in net.parameters())


def test_zero_grad_forgets():
    net = nn.Linear(2, 2)
    net(tl.ones(1, 2)).sum().backward()
    assert net.weight.grad is not None
    net.zero_grad()
    assert [p.grad for p in net.parameters()] == [None, None]


# --- hooks -----------------------------------------------------------------------------------------------------------


def test_forward_hooks_see_replace_and_go():
    net, seen = nn.Linear(2, 2), []
    x = tl.ones(1, 2)
    y = net(x).data
    remove = net.register_forward_hook(lambda module, args, out: seen.append((module, args, out)))
    assert np.array_equal(net(x).data, y), "a hook that returns None changes nothing"
    ((module, args, out),) = seen
    assert module is net
    assert args[0] is x
    assert np.array_equal(out.data, y)
    net.register_forward_hook(lambda module, args, out: out + 1)
    remove_double = net.register_forward_hook(lambda module, args, out: out * 2)
    assert np.array_equal(net(x).data, (y + 1) * 2), "hooks run in order, each on the last one's result"
    remove_double()
    remove()
    remove()  # twice does no harm
    assert np.array_equal(net(x).data, y + 1)
    assert len(seen) == 2


@pytest.mark.parametrize("change", [lambda x: (x * 2,), lambda x: x * 2], ids=["tuple", "single"])
def test_forward_pre_hooks_replace_arguments(change):
    net, x = nn.Linear(2, 2), tl.ones(1, 2)
    expected = net(x * 2).data
    remove = net.register_forward_pre_hook(lambda module, args: change(*args))
    assert np.array_equal(net(x).data, expected)
    remove()
    net.register_forward_pre_hook(lambda module, args: None)
    assert np.array_equal(net(x * 2).data, expected)


def test_a_hook_may_remove_itself():
    net, calls = nn.Identity(), []
    remove = net.register_forward_hook(lambda *_: (calls.append(1), remove())[1])
    net.register_forward_hook(lambda *_: calls.append(2))
    net(1)
    net(1)
    assert calls == [1, 2, 2]


# --- containers ------------------------------------------------------------------------------------------------------


def test_sequential():
    relu, head = nn.ReLU(), nn.Linear(2, 3)
    net = nn.Sequential({"act": relu, "head": head})
    assert net.act is relu
    assert list(net.state_dict()) == ["head.weight", "head.bias"]
    assert len(net) == 2
    assert list(net) == [relu, head]
    assert net[-1] is head
    x = tl.tensor([[-1.0, 2.0]])
    assert np.array_equal(net(x).data, head(tl.tensor([[0.0, 2.0]])).data)
    with pytest.raises(IndexError):
        net[2]


def test_a_slice_of_a_sequential_is_one_that_shares_the_layers():
    net = nn.Sequential(nn.Linear(2, 2), nn.ReLU(), nn.Linear(2, 3))
    part = net[1:]
    assert isinstance(part, nn.Sequential)
    assert list(part) == [net[1], net[2]]


def test_a_slice_of_a_sequential_keeps_the_keys():
    """As in PyTorch: the slice's state_dict loads where the whole one's does."""
    net = nn.Sequential(nn.Linear(2, 2), nn.ReLU(), nn.Linear(2, 3))
    assert list(net[1:].state_dict()) == ["2.weight", "2.bias"]
    named = nn.Sequential({"act": nn.ReLU(), "head": nn.Linear(2, 3)})
    assert list(named[1:].state_dict()) == ["head.weight", "head.bias"]


@pytest.mark.parametrize(
    "look",
    [lambda net: net[1:], lambda net: nn.Sequential(net[2]), lambda net: nn.ModuleList(net)[2:]],
    ids=["slice", "sequential", "list"],
)
def test_sharing_a_layer_with_a_second_container_leaves_its_name_in_the_first(look):
    net = nn.Sequential(nn.ReLU(), nn.ReLU(), nn.Linear(2, 3))
    look(net)
    with pytest.raises(ValueError, match="layer '2'"):
        net(tl.ones(1, 5))


def test_module_list():
    layers = nn.ModuleList([nn.Linear(2, 2)])
    last = nn.Linear(2, 3, bias=False)
    assert layers.append(last) is layers
    assert list(layers.state_dict()) == ["0.weight", "0.bias", "1.weight"]
    assert len(layers) == 2
    assert list(layers)[1] is layers[-1] is last
    assert isinstance(layers[:1], nn.ModuleList)
    assert list(layers[:1]) == [layers[0]]
    with pytest.raises(NotImplementedError, match="ModuleList defines no forward"):
        layers(1)


# --- the layer's name in messages ------------------------------------------------------------------------------------


def nested(layer):
    """The layer as ``features.0``."""
    return nn.Sequential({"features": nn.Sequential(layer), "head": nn.Identity()})


def test_errors_name_the_nested_layer():
    with pytest.raises(ValueError, match=r"linear \(layer 'features\.0'\)"):
        nested(nn.Linear(3, 2))(tl.ones(1, 5))
    with pytest.raises(ValueError, match=r"^linear: "):
        nn.Linear(3, 2)(tl.ones(1, 5))


def test_backward_errors_name_the_nested_layer():
    layer = nn.Linear(2, 2)
    loss = nested(layer)(tl.ones(1, 2)).sum()
    nn.init.zeros_(layer.weight)
    with pytest.raises(RuntimeError, match=r"layer 'features\.0'"):
        loss.backward()


def test_the_names_in_messages_are_those_of_named_modules():
    """Also where the containers in between have no forward that runs."""

    class Stack(nn.Module):
        def __init__(self):
            super().__init__()
            self.blocks = nn.ModuleList([nn.Linear(2, 2), nn.Linear(3, 3)])

        def forward(self, x):
            for block in self.blocks:
                x = block(x)
            return x

    net = nn.Sequential(Stack())
    assert net.get_submodule("0.blocks.1") is net[0].blocks[1]
    with pytest.raises(ValueError, match=r"layer '0\.blocks\.1'"):
        net(tl.ones(1, 2))


@pytest.mark.parametrize("where", ["forward", "pre-hook", "hook"])
def test_the_layer_name_is_restored_after_an_exception(where):
    class Fails(nn.Module):
        def forward(self, x):
            return fail() if where == "forward" else x

    def fail(*_):
        seen.append(tl.scopes.thread.state.layer)
        raise KeyError(where)

    layer, seen = Fails(), []
    if where == "pre-hook":
        layer.register_forward_pre_hook(fail)
    if where == "hook":
        layer.register_forward_hook(fail)
    with pytest.raises(KeyError):
        nested(layer)(tl.ones(1))
    assert seen == ["features.0"]
    assert tl.scopes.thread.state.layer == ""


# --- initialisation --------------------------------------------------------------------------------------------------


def test_the_seed_decides_the_weights():
    first = values(Net())
    second = values(Net())
    assert not np.array_equal(first["head.weight"], second["head.weight"])
    tl.manual_seed(0)
    assert same(values(Net()), first)


@pytest.mark.parametrize(
    ("layer", "fan_in"),
    [
        (lambda: nn.Linear(50, 4000), 50),
        (lambda: nn.Conv2d(6, 3000, 3), 54),
        (lambda: nn.Conv2d(6, 3000, (3, 5), groups=3), 30),
    ],
    ids=["linear", "conv", "groups"],
)
def test_default_initialisation_is_uniform_within_one_over_root_fan_in(layer, fan_in):
    layer = layer()
    bound = 1 / math.sqrt(fan_in)
    for t in (layer.weight, layer.bias):
        a = t.data
        assert 0.99 * bound < np.abs(a).max() <= bound * (1 + 1e-6)
        np.testing.assert_allclose(a.std(), bound / math.sqrt(3), rtol=0.05)
        assert abs(a.mean()) < 5 * bound / math.sqrt(3 * a.size)


SHAPE, FAN_IN, FAN_OUT = (120, 90, 3, 4), 90 * 12, 120 * 12


@pytest.mark.parametrize(
    ("name", "options", "std"),
    [
        ("kaiming_normal_", {}, math.sqrt(2 / FAN_IN)),
        ("kaiming_normal_", {"mode": "fan_out", "nonlinearity": "relu"}, math.sqrt(2 / FAN_OUT)),
        ("kaiming_normal_", {"nonlinearity": "tanh"}, 5 / 3 / math.sqrt(FAN_IN)),
        ("kaiming_uniform_", {"a": 2.0}, math.sqrt(2 / 5 / FAN_IN)),
        ("kaiming_uniform_", {"nonlinearity": "linear"}, math.sqrt(1 / FAN_IN)),
        ("xavier_normal_", {}, math.sqrt(2 / (FAN_IN + FAN_OUT))),
        ("xavier_uniform_", {"gain": 3.0}, 3 * math.sqrt(2 / (FAN_IN + FAN_OUT))),
        ("normal_", {"mean": 0.0, "std": 0.5}, 0.5),
        ("uniform_", {"a": -3.0, "b": 3.0}, math.sqrt(3)),
    ],
)
def test_standard_deviation_of_initialisers(name, options, std):
    t = tl.zeros(SHAPE)
    assert getattr(nn.init, name)(t, **options) is t
    np.testing.assert_allclose(t.data.std(), std, rtol=0.05)
    assert abs(t.data.mean()) < 5 * std / math.sqrt(t.size)
    furthest = np.abs(t.data).max() / std
    assert furthest > 4 if "normal" in name else 1.7 < furthest <= math.sqrt(3) * (1 + 1e-6)


def test_constants_and_shifted_initialisers():
    t = tl.zeros(10000)
    assert set(nn.init.constant_(t, 2.5).tolist()) == {2.5}
    assert set(nn.init.ones_(t).tolist()) == {1.0}
    assert set(nn.init.zeros_(t).tolist()) == {0.0}
    assert 2.9 < nn.init.normal_(t, mean=3.0).data.mean() < 3.1
    nn.init.uniform_(t, 5.0, 7.0)
    assert 5 <= t.data.min() < 5.01
    assert 6.99 < t.data.max() <= 7


def test_an_initialiser_draws_from_the_generator_it_is_given():
    state = tl.random.default_generator.get_state()
    a, b = (nn.init.xavier_uniform_(tl.zeros(3, 3), rng=tl.Generator(5)) for _ in range(2))
    assert a.tolist() == b.tolist()
    assert tl.random.default_generator.get_state() == state


def test_initialiser_errors():
    with pytest.raises(ValueError, match=r"at least two axes \(O, I, …\), got \(3,\)"):
        nn.init.kaiming_uniform_(tl.zeros(3))
    with pytest.raises(ValueError, match=r"two axes.*got \(\)"):
        nn.init.xavier_normal_(tl.zeros())
    with pytest.raises(ValueError, match="'fan_in' or 'fan_out', got 'fan_avg'"):
        nn.init.kaiming_normal_(tl.zeros(3, 3), mode="fan_avg")
    with pytest.raises(ValueError, match=r"relu.*got 'swish'"):
        nn.init.calculate_gain("swish")


# --- batch norm ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("momentum", [0.1, 0.7])
def test_running_statistics(rng, momentum):
    """running ← (1 − m)·running + m·batch's, with the unbiased variance; eval uses them and leaves them."""
    norm = nn.BatchNorm2d(3, eps=0.5, momentum=momentum)
    mean, var = np.zeros(3), np.ones(3)
    for k in range(3):
        x = rng.normal(2, 3, (2, 3, 2, 2)).astype(np.float32)
        norm(tl.tensor(x))
        mean = (1 - momentum) * mean + momentum * x.mean((0, 2, 3))
        var = (1 - momentum) * var + momentum * x.var((0, 2, 3), ddof=1)
        assert norm.num_batches_tracked.item() == k + 1
    np.testing.assert_allclose(norm.running_mean.data, mean, rtol=1e-5)
    np.testing.assert_allclose(norm.running_var.data, var, rtol=1e-5)
    assert norm.running_mean.dtype == tl.float32
    norm.weight.data[:], norm.bias.data[:] = 2, 5
    y = norm.eval()(tl.tensor(x)).data
    c = (slice(None), None, None)
    np.testing.assert_allclose(y, (x - mean[c]) / np.sqrt(var[c] + 0.5) * 2 + 5, rtol=1e-4, atol=1e-4)
    assert norm.num_batches_tracked.item() == 3
    np.testing.assert_allclose(norm.running_mean.data, mean, rtol=1e-5)


def test_batch_norm_in_training_uses_the_biased_variance_of_the_batch(rng):
    x = rng.normal(2, 3, (2, 3, 2, 2)).astype(np.float32)
    y = nn.BatchNorm2d(3, eps=0.5)(tl.tensor(x)).data
    expected = (x - x.mean((0, 2, 3), keepdims=True)) / np.sqrt(x.var((0, 2, 3), keepdims=True) + 0.5)
    np.testing.assert_allclose(y, expected, rtol=1e-4, atol=1e-5)


def test_without_momentum_batch_norm_averages_and_instance_norm_stays(rng):
    """As in PyTorch: None is the plain mean over all batches so far, and for instance norm no update at all."""
    batches = [tl.tensor(rng.standard_normal((4, 3, 2, 5)).astype(np.float32)) for _ in range(3)]
    batch_norm, instance_norm = (
        nn.BatchNorm2d(3, momentum=None),
        nn.InstanceNorm2d(3, momentum=None, track_running_stats=True),
    )
    for x in batches:
        batch_norm(x), instance_norm(x)
    means = np.mean([x.data.mean((0, 2, 3)) for x in batches], 0)
    np.testing.assert_allclose(batch_norm.running_mean.data, means, atol=1e-6)
    variances = np.mean([x.data.var((0, 2, 3), ddof=1) for x in batches], 0)
    np.testing.assert_allclose(batch_norm.running_var.data, variances, rtol=1e-5)
    assert instance_norm.running_mean.tolist() == [0, 0, 0]
    assert instance_norm.running_var.tolist() == [1, 1, 1]


def test_batch_norm_without_running_statistics_or_weights(rng):
    x = tl.tensor(rng.normal(2, 3, (2, 3, 2, 2)))
    norm = nn.BatchNorm2d(3, affine=False, track_running_stats=False)
    assert list(norm.state_dict()) == []
    y = norm(x)
    assert np.array_equal(norm.eval()(x).data, y.data), "the batch's own statistics in eval mode too"
    np.testing.assert_allclose(y.data.mean((0, 2, 3)), 0, atol=1e-9)


# --- dropout ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("p", [0.1, 0.5, 0.85])
def test_dropout_keeps_the_right_share_and_scales_it_exactly(p):
    n = 40_000
    x = tl.full((n,), 3.0, requires_grad=True)
    y = nn.Dropout(p)(x)
    kept = y.data != 0
    assert abs(kept.sum() - n * (1 - p)) < 5 * math.sqrt(n * p * (1 - p))
    assert y.dtype == tl.float32
    assert set(y.data[kept].tolist()) == {float(np.float32(3) * np.float32(1 / (1 - p)))}
    y.sum().backward()
    np.testing.assert_array_equal(x.grad.data, kept * np.float32(1 / (1 - p)))


def test_dropout_masks_follow_the_seed_and_differ_from_call_to_call():
    drop, x = nn.Dropout(0.5), tl.ones(1000)
    first, second = drop(x).data, drop(x).data
    assert 0.4 < (first == second).mean() < 0.6, "two masks must be independent"
    tl.manual_seed(0)
    assert np.array_equal(drop(x).data, first)
    assert np.array_equal(drop(x).data, second)


def test_dropout_draws_from_the_generator_it_is_given():
    x, state = tl.ones(100), tl.random.default_generator.get_state()
    a, b = (tl.dropout(x, 0.5, rng=tl.Generator(3)).data for _ in range(2))
    assert np.array_equal(a, b)
    assert tl.random.default_generator.get_state() == state


def test_dropout_at_the_extremes_and_in_eval():
    x = tl.randn(100, requires_grad=True)
    assert nn.Dropout(0.0)(x) is x
    assert nn.Dropout(0.9).eval()(x) is x
    gone = nn.Dropout(1.0)(x)
    gone.sum().backward()
    assert not gone.data.any()
    assert not x.grad.data.any()
