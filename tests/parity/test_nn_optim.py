"""Modules, their state, initialisation and optimisers against PyTorch."""

import math
from collections import OrderedDict
from unittest import mock

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinylucid as tl

from .compare import agree, array, both_raise, close, in_dtype, noise

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.parity


def twins(build, dtype="float64"):
    """One architecture in both libraries, ours loaded with PyTorch's state, which is made of random numbers."""
    ours, theirs = build(tl), build(torch)
    theirs.to(getattr(torch, dtype))
    ours.to(getattr(tl, dtype))
    state = theirs.state_dict()
    for k, value in enumerate(state.values()):
        if value.is_floating_point():  # positive, since some are variances
            value.copy_(torch.tensor(np.abs(noise(value.shape, k)) * 0.3 + 0.1))
    assert ours.load_state_dict(state) == ([], [])
    return ours, theirs


def same_state(ours, theirs, dtype="float64"):
    """Assert that the names, shapes, dtypes, values and gradients of parameters and buffers are the same."""
    state, wanted = ours.state_dict(), theirs.state_dict()
    assert list(state) == list(wanted)
    for name, value in wanted.items():
        close(array(state[name]), array(value), name)
    for kind in ("named_parameters", "named_buffers", "named_modules"):
        assert [name for name, _ in getattr(ours, kind)()] == [name for name, _ in getattr(theirs, kind)()], kind
    for (name, p), q in zip(ours.named_parameters(), theirs.parameters()):
        assert (p.grad is None, p.requires_grad) == (q.grad is None, q.requires_grad)
        if q.grad is not None:
            close(array(p.grad), array(q.grad), f"gradient of {name}")


def run(t, model, arrays, leaf):
    """The results of a call and the gradient of its first argument."""
    x, *rest = (t.tensor(a) for a in arrays)
    x = x.requires_grad_() if leaf else x
    y = model(x, *rest)
    ys = y if isinstance(y, tuple) else (y,)
    if ys[0].requires_grad:
        ys[0].backward(t.tensor(noise(ys[0].shape, 7).astype(array(ys[0]).dtype)))
    return [array(a) for a in ys] + ([array(x.grad)] if leaf else [])


def same_model(build, *arrays, dtypes=("float64", "float32")):
    """Assert equal results, gradients and state of an architecture: when training, then when evaluating."""
    for dtype in dtypes:
        ours, theirs = twins(build, dtype)
        cast = in_dtype(arrays, dtype)
        for training, leaf in ((True, True), (False, False)):
            ours.train(training), theirs.train(training)
            for a, b in zip(run(tl, ours, cast, leaf), run(torch, theirs, cast, leaf)):
                close(a, b)
            same_state(ours, theirs, dtype)


# --- layers ---------------------------------------------------------------------------------------------------------

LAYERS = {  # name: the layer, the shape of its input
    "Linear": (lambda nn: nn.Linear(5, 3), (4, 5)),
    "Linear without bias": (lambda nn: nn.Linear(5, 3, bias=False), (4, 5)),
    "Linear of more axes": (lambda nn: nn.Linear(3, 1), (2, 4, 3)),
    "Linear of a vector": (lambda nn: nn.Linear(3, 2), (3,)),
    "Conv2d": (lambda nn: nn.Conv2d(2, 3, 3), (2, 2, 6, 5)),
    "Conv2d(kernel 2×3)": (lambda nn: nn.Conv2d(2, 3, (2, 3), (2, 1), (1, 0), bias=False), (2, 2, 6, 5)),
    "Conv2d(groups)": (lambda nn: nn.Conv2d(4, 6, 3, padding=1, groups=2), (1, 4, 5, 4)),
    "Conv2d(dilation)": (lambda nn: nn.Conv2d(1, 2, 3, stride=2, padding=2, dilation=(2, 1)), (2, 1, 7, 6)),
    "Conv2d(same)": (lambda nn: nn.Conv2d(2, 2, (3, 5), padding="same"), (2, 2, 4, 6)),
    "Conv2d(valid)": (lambda nn: nn.Conv2d(2, 2, 2, padding="valid"), (2, 2, 4, 6)),
    "BatchNorm2d": (lambda nn: nn.BatchNorm2d(3), (4, 3, 2, 5)),
    "BatchNorm2d(eps, momentum)": (lambda nn: nn.BatchNorm2d(3, eps=0.1, momentum=0.5), (4, 3, 2, 5)),
    "BatchNorm2d(not affine)": (lambda nn: nn.BatchNorm2d(3, affine=False), (4, 3, 2, 5)),
    "BatchNorm2d(not tracking)": (lambda nn: nn.BatchNorm2d(3, track_running_stats=False), (4, 3, 2, 5)),
    "MaxPool2d": (lambda nn: nn.MaxPool2d(2), (2, 2, 5, 7)),
    "MaxPool2d(3, 2, 1)": (lambda nn: nn.MaxPool2d(3, 2, 1), (2, 2, 5, 7)),
    "MaxPool2d(indices)": (lambda nn: nn.MaxPool2d((2, 3), 1, dilation=(1, 2), return_indices=True), (2, 2, 5, 7)),
    "AvgPool2d": (lambda nn: nn.AvgPool2d((3, 2)), (2, 2, 5, 7)),
    "AvgPool2d(padding)": (lambda nn: nn.AvgPool2d(3, 2, padding=1, count_include_pad=False), (2, 2, 5, 7)),
    "AdaptiveAvgPool2d": (lambda nn: nn.AdaptiveAvgPool2d(1), (2, 3, 5, 4)),
    "AdaptiveAvgPool2d(3, None)": (lambda nn: nn.AdaptiveAvgPool2d((3, None)), (2, 3, 5, 4)),
    "Flatten": (lambda nn: nn.Flatten(), (2, 3, 4, 2)),
    "Flatten(0, 2)": (lambda nn: nn.Flatten(0, 2), (2, 3, 4, 2)),
    "Identity": (lambda nn: nn.Identity(), (2, 3)),
    "Dropout(0)": (lambda nn: nn.Dropout(0.0), (2, 3)),
    "Dropout(1)": (lambda nn: nn.Dropout(1.0), (2, 3)),
    "ReLU": (lambda nn: nn.ReLU(), (2, 3)),
    "LeakyReLU": (lambda nn: nn.LeakyReLU(), (2, 3)),
    "LeakyReLU(0.2)": (lambda nn: nn.LeakyReLU(negative_slope=0.2), (2, 3)),
    "GELU": (lambda nn: nn.GELU(), (2, 3)),
    "GELU(tanh)": (lambda nn: nn.GELU(approximate="tanh"), (2, 3)),
    "Sigmoid": (lambda nn: nn.Sigmoid(), (2, 3)),
    "Tanh": (lambda nn: nn.Tanh(), (2, 3)),
    "Softmax": (lambda nn: nn.Softmax(dim=-1), (2, 3)),
}
LOSSES = {
    "CrossEntropyLoss": lambda t: t.nn.CrossEntropyLoss(),
    "CrossEntropyLoss(weight)": lambda t: t.nn.CrossEntropyLoss(t.tensor([1.0, 2.0, 0.5]), label_smoothing=0.1),
    "CrossEntropyLoss(ignore_index)": lambda t: t.nn.CrossEntropyLoss(ignore_index=2, reduction="sum"),
    "CrossEntropyLoss(none)": lambda t: t.nn.CrossEntropyLoss(reduction="none"),
}


@pytest.mark.parametrize("name", LAYERS)
def test_layer(name):
    layer, shape = LAYERS[name]
    same_model(lambda t: layer(t.nn), noise(shape, 0))


@pytest.mark.parametrize("name", LOSSES)
def test_cross_entropy_loss(name):
    same_model(LOSSES[name], noise((4, 3), 0), np.array([0, 2, 1, 1]))


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_mse_loss(reduction):
    same_model(lambda t: t.nn.MSELoss(reduction=reduction), noise((4, 3), 0), noise((4, 3), 1))


@given(p=st.sampled_from([0.0, 1.0]), training=st.booleans(), shape=st.sampled_from([(), (3,), (2, 0), (2, 3, 4)]))
def test_dropout_of_nothing_and_everything(p, training, shape):
    agree(lambda t, x: t.nn.functional.dropout(x, p, training), noise(shape, 0))


@given(p=st.floats(0.05, 0.95), seed=st.integers(0, 2**32 - 1))
def test_dropout(p, seed):
    """What is kept is divided by 1 − p, and so is its gradient: PyTorch's with the same elements kept."""
    x = tl.tensor(np.abs(noise((40, 25), 0)) + 0.1, requires_grad=True)
    y = tl.nn.functional.dropout(x, p, rng=tl.Generator(seed))
    y.backward(tl.tensor(noise((40, 25), 1)))
    kept = array(y) != 0
    assert abs(kept.mean() - (1 - p)) < 5 * math.sqrt(p * (1 - p) / 1000)
    z = torch.tensor(array(x), requires_grad=True)
    (z * torch.tensor(kept) / (1 - p)).backward(torch.tensor(noise((40, 25), 1)))
    close(array(y), array(z) * kept / (1 - p))
    close(array(x.grad), array(z.grad))


# --- architectures --------------------------------------------------------------------------------------------------


def lenet(t):
    """Named parts in a Sequential of Sequentials."""
    nn = t.nn
    features = nn.Sequential(nn.Conv2d(1, 4, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(4, 6, 3), nn.Tanh())
    head = nn.Sequential(nn.AdaptiveAvgPool2d((2, 3)), nn.Flatten(), nn.Linear(36, 8), nn.GELU(), nn.Linear(8, 3))
    return nn.Sequential(OrderedDict(features=features, head=head))


def residual(t):
    """A residual net with a list of blocks, a parameter and a buffer of its own, and a part that is missing."""
    nn = t.nn

    class Block(nn.Module):
        def __init__(self, width, groups):
            super().__init__()
            self.conv1 = nn.Conv2d(width, width, 3, padding=1, bias=False, groups=groups)
            self.bn1 = nn.BatchNorm2d(width)
            self.conv2 = nn.Conv2d(width, width, 1)
            self.shortcut = None

        def forward(self, x):
            return t.relu(x + self.conv2(nn.functional.leaky_relu(self.bn1(self.conv1(x)), 0.1)))

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.scale = nn.Parameter(t.ones(4, 1, 1))
            self.register_buffer("shift", t.zeros(4, 1, 1))
            self.register_buffer("unused", None)
            self.stem = nn.Conv2d(3, 4, (3, 2), stride=2)
            self.blocks = nn.ModuleList([Block(4, 1), Block(4, 2)])
            self.blocks.append(Block(4, 4))
            self.fc = nn.Linear(4, 5)
            self.register_parameter("gate", None)

        def forward(self, x):
            x = self.stem(x) * self.scale + self.shift
            for block in self.blocks:
                x = block(x)
            return nn.functional.log_softmax(self.fc(x.mean((2, 3))), dim=1)

    return Net()


def shared(t):
    """One layer in two places."""
    layer = t.nn.Linear(4, 4)
    return t.nn.Sequential(layer, t.nn.Tanh(), layer, t.nn.Sequential(layer))


def tied(t):
    """One parameter in two layers."""
    net = t.nn.Sequential(t.nn.Linear(4, 4), t.nn.Sigmoid(), t.nn.Linear(4, 4))
    net[2].weight = net[0].weight
    return net


def replaced(t):
    """Parts replaced after they were made: they keep their places."""
    net = t.nn.Sequential(t.nn.Linear(4, 3), t.nn.BatchNorm2d(3), t.nn.Linear(3, 2), t.nn.Softmax(1))
    setattr(net, "1", t.nn.Linear(3, 3))
    net.add_module("3", t.nn.Tanh())
    return net


def reshaped(t):
    """Parameters replaced, or removed by None, and a part deleted."""
    net = t.nn.Sequential(t.nn.Linear(4, 3), t.nn.Linear(3, 2), t.nn.Sigmoid())
    net[0].bias = None
    net[1].weight = t.nn.Parameter(t.ones(5, 3))
    net[1].bias = t.nn.Parameter(t.zeros(5))
    delattr(net, "2")
    return net


def swapped(t):
    """The elements of a list and of a Sequential replaced and removed by their index."""
    net = t.nn.Sequential(t.nn.Linear(4, 3), t.nn.BatchNorm2d(3), t.nn.Linear(3, 2), t.nn.Softmax(1))
    net[1] = t.nn.Tanh()
    del net[-1]
    return net


ARCHITECTURES = {
    "lenet": (lenet, (2, 1, 9, 12)),
    "residual": (residual, (3, 3, 7, 8)),
    "shared": (shared, (3, 4)),
    "tied": (tied, (3, 4)),
    "replaced": (replaced, (3, 4)),
    "reshaped": (reshaped, (3, 4)),
    "swapped": (swapped, (3, 4)),
    "slice": (lambda t: lenet(t)[:1], (2, 1, 9, 12)),
    "slice of a list": (lambda t: t.nn.Sequential(*residual(t).blocks[1:]), (2, 4, 5, 6)),
}


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_architecture(name):
    build, shape = ARCHITECTURES[name]
    same_model(build, noise(shape, 0))


BETWEEN = [(name, ()) for name in ("ReLU", "Tanh", "GELU", "Sigmoid", "Identity")]
BETWEEN += [("Dropout", (0.0,)), ("LeakyReLU", (0.3,)), ("MaxPool2d", (2, 1, 1)), ("AvgPool2d", (3, 1, 1))]


@st.composite
def stacks(draw):
    """The recipe of a Sequential of convolutional layers and a dense head: (class, arguments) each."""
    layers, c = [], 2
    for _ in range(draw(st.integers(1, 3))):
        out, groups = draw(st.sampled_from([2, 4])), draw(st.sampled_from([1, 2]))
        kernel = (draw(st.integers(1, 3)), draw(st.integers(1, 3)))
        layers.append(("Conv2d", (c, out, kernel, 1, tuple(k // 2 for k in kernel), 1, groups, draw(st.booleans()))))
        c = out
        layers += draw(
            st.lists(
                st.sampled_from([("BatchNorm2d", (c,)), *BETWEEN]),
                max_size=2,
            )
        )
    size = draw(st.sampled_from([1, 2, (1, 3)]))
    inside = c * math.prod(size if isinstance(size, tuple) else (size, size))
    return [*layers, ("AdaptiveAvgPool2d", (size,)), ("Flatten", ()), ("Linear", (inside, draw(st.integers(1, 3))))]


@given(recipe=stacks())
def test_random_architectures(recipe):
    build = lambda t: t.nn.Sequential(*[getattr(t.nn, name)(*args) for name, args in recipe])
    same_model(build, noise((3, 2, 5, 4), 0), dtypes=["float64"])


def test_state_dict_shares_memory_and_loads_partly():
    """Editing the state edits the model; loading without ``strict`` reports what is missing and unexpected."""
    found = []
    for t in (tl, torch):
        net = t.nn.Sequential(t.nn.Linear(2, 3), t.nn.BatchNorm2d(3))
        state = net.state_dict()
        state["0.weight"][0] = 7
        del state["1.running_var"]
        state["2.weight"] = t.zeros(1)
        state["0.bias"] = t.ones(3)
        missing, unexpected = net.load_state_dict(state, strict=False)
        found.append((missing, unexpected, array(net[0].weight)[0].tolist(), array(net[0].bias).tolist()))
    assert found[0] == found[1]


def test_modes_and_freezing():
    """train, eval, requires_grad_, zero_grad, apply and the order of children reach the same modules."""
    found = []
    for t in (tl, torch):
        net, seen = residual(t), []
        net.eval()
        net.blocks[0].train()
        net.blocks[1].requires_grad_(False)
        net(t.tensor(noise((2, 3, 5, 6), 0).astype("float32"))).sum().backward()
        grads = [p.grad is not None for p in net.parameters()]
        net.apply(lambda m, seen=seen: seen.append(type(m).__name__))
        net.zero_grad()
        modes = [m.training for m in net.modules()]
        kinds = [type(m).__name__ for m in net.children()]
        found.append((grads, modes, seen, kinds, [p.grad for p in net.parameters()], len(net.blocks)))
    assert found[0] == found[1]


def test_forward_hooks():
    """They see the same, in the same order, and may replace arguments and results."""
    found = []
    for t in (tl, torch):
        net, seen = t.nn.Sequential(t.nn.Linear(2, 2), t.nn.Tanh()).to(t.float64), []
        for p in net.parameters():
            t.no_grad()(lambda p=p: p.__imul__(0).__iadd__(0.5))()
        net[0].register_forward_pre_hook(lambda m, args: (args[0] * 2,))
        net[0].register_forward_hook(lambda m, args, out, seen=seen: seen.append((array(args[0]), array(out))))
        net[1].register_forward_hook(lambda m, args, out: out + 1)
        found.append([array(net(t.tensor(noise((3, 2), 0)))), *seen[0]])
    for a, b in zip(*found):
        close(a, b)


# --- initialisation -------------------------------------------------------------------------------------------------


class Ends:
    """A generator that draws the upper end of the uniform distribution and one standard deviation of the normal."""

    def uniform(self, shape, dtype=None):
        """The end of [0, 1]."""
        return np.ones(shape, dtype or "float32")

    normal = uniform


def at_the_ends():
    """Within it, both libraries draw the upper end, or mean plus standard deviation: what was asked for."""
    uniform = lambda self, a=0.0, b=1.0, generator=None: self.fill_(b)
    normal = lambda self, mean=0.0, std=1.0, generator=None: self.fill_(mean + std)
    return (
        mock.patch.object(torch.Tensor, "uniform_", uniform),
        mock.patch.object(torch.Tensor, "normal_", normal),
        mock.patch.object(tl.nn.init, "default_generator", Ends()),
    )


def drawn(f):
    """What f(t) leaves in the tensor that it returns, in both libraries, all draws being extreme."""
    a, b, c = at_the_ends()
    with a, b, c:
        return array(f(tl)), array(f(torch))


GAINS = [("linear", None), ("conv2d", None), ("sigmoid", None), ("tanh", None), ("relu", None), ("leaky_relu", None)]
GAINS += [("leaky_relu", 0.2), ("leaky_relu", 0), ("leaky_relu", math.sqrt(5)), ("relu", 0.3)]
weights = st.lists(st.integers(1, 5), min_size=2, max_size=4).map(tuple)
FILLS = {
    "uniform_": lambda t, x: t.nn.init.uniform_(x),
    "uniform_(a, b)": lambda t, x: t.nn.init.uniform_(x, -3.0, -1.0),
    "normal_": lambda t, x: t.nn.init.normal_(x),
    "normal_(mean, std)": lambda t, x: t.nn.init.normal_(x, 1.0, 0.2),
    "constant_": lambda t, x: t.nn.init.constant_(x, 0.3),
    "zeros_": lambda t, x: t.nn.init.zeros_(x),
    "ones_": lambda t, x: t.nn.init.ones_(x),
    "xavier_uniform_": lambda t, x: t.nn.init.xavier_uniform_(x),
    "xavier_uniform_(gain)": lambda t, x: t.nn.init.xavier_uniform_(x, gain=5 / 3),
    "xavier_normal_": lambda t, x: t.nn.init.xavier_normal_(x),
    "xavier_normal_(gain)": lambda t, x: t.nn.init.xavier_normal_(x, 0.5),
    "kaiming_uniform_": lambda t, x: t.nn.init.kaiming_uniform_(x),
    "kaiming_normal_": lambda t, x: t.nn.init.kaiming_normal_(x),
}


@pytest.mark.parametrize(("nonlinearity", "param"), GAINS)
def test_calculate_gain(nonlinearity, param):
    ours, theirs = (t.nn.init.calculate_gain(nonlinearity, param) for t in (tl, torch))
    assert ours == pytest.approx(theirs, rel=1e-12)


@pytest.mark.parametrize("name", FILLS)
@given(shape=weights)
def test_fill(name, shape):
    """The same bounds and deviations, for any weight; the parameter stays a leaf."""
    ours, theirs = drawn(lambda t: FILLS[name](t, t.nn.Parameter(t.zeros(shape))))
    close(ours, theirs, tolerance=1e-6)


@pytest.mark.parametrize("distribution", ["uniform", "normal"])
@given(
    shape=weights,
    a=st.sampled_from([0, 0.2, math.sqrt(5)]),
    mode=st.sampled_from(["fan_in", "fan_out"]),
    gain=st.sampled_from(GAINS),
)
def test_kaiming(distribution, shape, a, mode, gain):
    fill = lambda t: getattr(t.nn.init, f"kaiming_{distribution}_")
    ours, theirs = drawn(lambda t: fill(t)(t.nn.Parameter(t.zeros(shape)), a, mode, nonlinearity=gain[0]))
    close(ours, theirs, tolerance=1e-6)


@pytest.mark.parametrize("name", ["Linear", "Conv2d", "Conv2d(groups)", "Linear without bias", "BatchNorm2d"])
def test_default_initialisation(name):
    """Weights and biases are drawn from the same intervals."""
    for key in LAYERS[name][0](torch.nn).state_dict():
        ours, theirs = drawn(lambda t, key=key: LAYERS[name][0](t.nn).state_dict()[key])
        close(ours, theirs, key, tolerance=1e-6)


@pytest.mark.parametrize("draw", ["kaiming_uniform_", "kaiming_normal_", "xavier_uniform_", "xavier_normal_"])
def test_what_is_really_drawn(draw):
    """Mean and deviation of many numbers, both libraries within their sampling error."""
    for t in (tl, torch):
        t.manual_seed(0)
    ours, theirs = (array(getattr(t.nn.init, draw)(t.zeros(200, 300))) for t in (tl, torch))
    assert abs(ours.mean()) < 5 * ours.std() / math.sqrt(ours.size)
    assert ours.std() == pytest.approx(theirs.std(), rel=0.02)
    if "uniform" in draw:
        assert np.abs(ours).max() == pytest.approx(np.abs(theirs).max(), rel=1e-3)


# --- optimisers -----------------------------------------------------------------------------------------------------

SHAPES = [(2, 3), (4,), (1,)]


@st.composite
def sgd_settings(draw):
    """Any settings of SGD that go together."""
    how = {"lr": draw(st.sampled_from([1e-3, 0.1, 1.0, 0.0])), "momentum": draw(st.sampled_from([0.0, 0.5, 0.9]))}
    how["weight_decay"] = draw(st.sampled_from([0.0, 0.1]))
    if how["momentum"] and draw(st.booleans()):
        how["nesterov"] = True
    else:
        how["dampening"] = draw(st.sampled_from([0.0, 0.3, 1.0]))
    return how


@st.composite
def adam_settings(draw):
    """Any settings of Adam and AdamW; a setting left out takes its default."""
    choices = {
        "lr": [1e-3, 0.1, 0.0],
        "betas": [(0.9, 0.999), (0.5, 0.9), (0.0, 0.99), (0.9, 0.0)],
        "eps": [1e-8, 1e-3, 1.0],
        "weight_decay": [0.0, 0.1],
    }
    return {name: draw(st.sampled_from(values)) for name, values in choices.items() if draw(st.booleans())}


OPTIMISERS = {"SGD": sgd_settings(), "Adam": adam_settings(), "AdamW": adam_settings()}


def trajectory(t, name, how, dtype, seed, missing, reload):
    """The parameters after each of seven steps: two groups, some gradients missing, the rate changed on the way."""
    ps = [t.tensor(noise(s, k).astype(dtype), requires_grad=True) for k, s in enumerate(SHAPES)]
    groups = lambda: [{"params": ps[:2]}, {"params": ps[2:], "lr": 0.05, "weight_decay": 0.01}]
    optimiser = getattr(t.optim, name)(groups(), **how)
    rng, path = np.random.default_rng(seed), []
    for step in range(7):
        optimiser.zero_grad()
        for k, p in enumerate(ps):
            g = rng.normal(size=SHAPES[k]) * 10.0 ** rng.integers(-3, 2)
            if (step, k) not in missing:
                p.grad = t.tensor(np.asarray(g).astype(dtype))
        optimiser.step()
        if step == 3:
            optimiser.param_groups[0]["lr"] *= 0.1
        if step == reload:  # a new optimiser goes on where the old one stopped
            state = optimiser.state_dict()
            optimiser = getattr(t.optim, name)(groups(), lr=123.0)
            optimiser.load_state_dict(state)
        path += [array(p).copy() for p in ps]
    return path


@pytest.mark.parametrize("name", OPTIMISERS)
@given(data=st.data(), seed=st.integers(0, 999), reload=st.sampled_from([-1, 2, 4]))
def test_optimiser(name, data, seed, reload):
    """Every step of every parameter, in both dtypes."""
    how = data.draw(OPTIMISERS[name])
    missing = data.draw(st.sets(st.tuples(st.integers(0, 6), st.integers(0, 2)), max_size=4))
    for dtype, tolerance in (("float64", 1e-12), ("float32", 1e-5)):
        ours, theirs = (trajectory(t, name, how, dtype, seed, missing, reload) for t in (tl, torch))
        for a, b in zip(ours, theirs):
            close(a, b, f"{name} in {dtype}", tolerance)


@pytest.mark.parametrize("name", OPTIMISERS)
@pytest.mark.parametrize("shape", [(), (0, 2), (3, 1, 2)])
def test_optimiser_of_any_shape(name, shape):
    """A parameter may be a single number, or have no elements."""
    found = []
    for t in (tl, torch):
        p = t.tensor(noise(shape, 0), requires_grad=True)
        optimiser = getattr(t.optim, name)(p for p in [p])
        for k in range(3):
            p.grad = t.tensor(noise(shape, k))
            optimiser.step()
        found.append(array(p))
    close(*found)


@pytest.mark.parametrize("name", OPTIMISERS)
def test_optimiser_defaults(name):
    """The settings that both have are the same."""
    ours, theirs = (getattr(t.optim, name)([t.zeros(2)], lr=0.1) for t in (tl, torch))
    shared = {key: value for key, value in theirs.param_groups[0].items() if key in ours.param_groups[0]}
    assert {**ours.param_groups[0], "params": None} == {**shared, "params": None}
    ours, theirs = (getattr(t.optim, name)([t.zeros(2)]).param_groups[0]["lr"] for t in (tl, torch))
    assert ours == theirs


def train(t, name, how, dtype):
    """The losses, norms and parameters of six steps of a small net on random pictures, the last with a closure."""
    net = twins(lenet, dtype)[t is torch]
    x, y = t.tensor(noise((5, 1, 9, 10), 0).astype(dtype)), t.tensor(np.array([0, 2, 1, 1, 0]))
    optimiser, clip = getattr(t.optim, name)(net.parameters(), **how), clipper(t)
    numbers = []

    def closure():
        optimiser.zero_grad()
        loss = t.nn.functional.cross_entropy(net(x), y, label_smoothing=0.1)
        loss.backward()
        return loss

    for _ in range(5):
        numbers += [closure().item(), float(clip(net.parameters(), 0.5))]
        optimiser.step()
    numbers.append(optimiser.step(closure).item())
    return [np.array(numbers), *[array(p) for p in net.parameters()]]


@pytest.mark.parametrize(
    ("name", "how"),
    [
        ("SGD", {"lr": 0.1, "momentum": 0.9, "nesterov": True, "weight_decay": 1e-3}),
        ("Adam", {"lr": 0.01, "weight_decay": 1e-3}),
        ("AdamW", {"lr": 0.01, "betas": (0.8, 0.99)}),
    ],
)
def test_training(name, how):
    """Whole training steps: forward, loss, backward, clipping and update."""
    for a, b in zip(train(tl, name, how, "float64"), train(torch, name, how, "float64")):
        close(a, b, tolerance=1e-9)


# --- clipping -------------------------------------------------------------------------------------------------------


def clipper(t):
    """clip_grad_norm_, which stands with the optimisers here."""
    return t.nn.utils.clip_grad_norm_ if t is torch else t.optim.clip_grad_norm_


def clipped(t, grads, max_norm, single=False):
    """The norm, and the gradients after clipping."""
    ps = [t.tensor(np.zeros(4) if g is None else np.zeros_like(g)) for g in grads]
    for p, g in zip(ps, grads):
        p.grad = None if g is None else t.tensor(g)
    norm = clipper(t)(ps[0] if single else iter(ps), max_norm)
    return [float(norm), *[None if p.grad is None else array(p.grad) for p in ps]]


def same_clipping(grads, max_norm, single=False):
    """Assert that both libraries clip alike."""
    (ours, *clip), (theirs, *wanted) = (clipped(t, grads, max_norm, single) for t in (tl, torch))
    assert ours == pytest.approx(theirs, rel=1e-6 if any(g is not None and g.itemsize == 4 for g in grads) else 1e-12)
    assert [g is None for g in clip] == [g is None for g in wanted]
    for a, b in zip(clip, wanted):
        if b is not None:
            close(a, b)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@given(
    shapes=st.lists(st.sampled_from([(), (3,), (2, 4), (0,), None]), min_size=1, max_size=4),
    size=st.sampled_from([0.0, 1e-3, 1.0, 1e3]),
    max_norm=st.sampled_from([0, 0.1, 1, 2.5, 1e6, math.inf]),
)
def test_clip_grad_norm(dtype, shapes, size, max_norm):
    """By the norm of all gradients together; a parameter without one does not count."""
    same_clipping([None if s is None else (noise(s, k) * size).astype(dtype) for k, s in enumerate(shapes)], max_norm)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_clip_grad_norm_of_bad_gradients(bad):
    """A NaN shows in every gradient; an infinity makes the others 0; on request it is an error."""
    grads = [np.array([1.0, bad]), np.array([2.0])]
    with np.errstate(invalid="ignore"):
        (ours, *clip), (theirs, *wanted) = (clipped(t, grads, 1.0) for t in (tl, torch))
    np.testing.assert_equal(ours, theirs)
    for a, b in zip(clip, wanted):
        np.testing.assert_equal(a, b)

    def strictly(t):
        p = t.zeros(2)
        p.grad = t.tensor(grads[0].astype("float32"))
        clipper(t)([p], 1.0, error_if_nonfinite=True)

    both_raise(strictly)


def test_clip_grad_norm_of_one_tensor():
    same_clipping([noise((3, 4), 0)], 1.0, single=True)
    same_clipping([None], 1.0, single=True)


# --- what both refuse -----------------------------------------------------------------------------------------------


def loads(t, **changes):
    """Load a state with some entries changed, or with None removed."""
    net = t.nn.Sequential(t.nn.Linear(2, 3))
    state = {**net.state_dict(), **{name.replace("_", "."): value for name, value in changes.items()}}
    net.load_state_dict({name: value for name, value in state.items() if value is not None})


def optimise(t, name="SGD", **how):
    """An optimiser of one parameter."""
    return getattr(t.optim, name)([t.zeros(2, requires_grad=True)], **how)


def leaf(t):
    """A parameter."""
    return t.zeros(2, requires_grad=True)


REFUSED = {
    "Linear: input": lambda t: t.nn.Linear(3, 2)(t.zeros(4, 2)),
    "Conv2d: input": lambda t: t.nn.Conv2d(3, 2, 1)(t.zeros(1, 2, 3, 3)),
    "Conv2d: groups": lambda t: t.nn.Conv2d(3, 2, 1, groups=2),
    "Conv2d: groups of outputs": lambda t: t.nn.Conv2d(4, 3, 1, groups=2),
    "Conv2d: groups 0": lambda t: t.nn.Conv2d(4, 3, 1, groups=0),
    "Conv2d: padding": lambda t: t.nn.Conv2d(3, 2, 1, padding="full"),
    "Conv2d: same with stride": lambda t: t.nn.Conv2d(3, 2, 3, padding="same", stride=2),
    "BatchNorm2d: axes": lambda t: t.nn.BatchNorm2d(3)(t.zeros(4, 3)),
    "BatchNorm2d: channels": lambda t: t.nn.BatchNorm2d(3)(t.ones(4, 2, 3, 3)),
    "BatchNorm2d: one value a channel": lambda t: t.nn.BatchNorm2d(3)(t.ones(1, 3, 1, 1)),
    "Dropout: p 1.5": lambda t: t.nn.Dropout(1.5),
    "Dropout: p -0.1": lambda t: t.nn.functional.dropout(t.ones(2), -0.1),
    "GELU: approximate": lambda t: t.nn.GELU("erf")(t.ones(2)),
    "Module: no forward": lambda t: t.nn.Module()(t.ones(2)),
    "ModuleList: no forward": lambda t: t.nn.ModuleList([t.nn.ReLU()])(t.ones(2)),
    "Module: attribute": lambda t: t.nn.Linear(2, 2).wieght,
    "Module: submodule": lambda t: t.nn.Sequential(t.nn.ReLU()).get_submodule("1"),
    "Module: before super().__init__": lambda t: setattr(t.nn.Module.__new__(t.nn.Module), "a", t.nn.Linear(2, 2)),
    "Module: a tensor as a parameter": lambda t: setattr(t.nn.Linear(2, 2), "weight", t.zeros(2, 2)),
    "Module: a number as a buffer": lambda t: setattr(t.nn.BatchNorm2d(2), "running_mean", 0.5),
    "Module: a tensor as a module": lambda t: setattr(t.nn.Sequential(t.nn.ReLU()), "0", t.zeros(2)),
    "register_parameter: a tensor": lambda t: t.nn.Module().register_parameter("a", t.zeros(2)),
    "register_parameter: dot": lambda t: t.nn.Module().register_parameter("a.b", t.nn.Parameter(t.zeros(2))),
    "register_parameter: exists": lambda t: t.nn.Linear(2, 2).register_parameter("forward", t.nn.Parameter(t.zeros(2))),
    "register_buffer: a number": lambda t: t.nn.Module().register_buffer("a", 1.0),
    "register_buffer: dot": lambda t: t.nn.Module().register_buffer("a.b", t.zeros(2)),
    "register_buffer: exists": lambda t: t.nn.Linear(2, 2).register_buffer("weight", t.zeros(2)),
    "add_module: a tensor": lambda t: t.nn.Module().add_module("a", t.zeros(2)),
    "add_module: dot": lambda t: t.nn.Module().add_module("a.b", t.nn.ReLU()),
    "Sequential: a function": lambda t: t.nn.Sequential(t.relu),
    "Sequential: index": lambda t: t.nn.Sequential(t.nn.ReLU())[1],
    "Parameter: integers": lambda t: t.nn.Parameter(t.tensor([1, 2])),
    "load_state_dict: missing": lambda t: loads(t, **{"0_bias": None}),
    "load_state_dict: unexpected": lambda t: loads(t, **{"1_bias": t.zeros(3)}),
    "load_state_dict: shape": lambda t: loads(t, **{"0_bias": t.zeros(4)}),
    "load_state_dict: shape that broadcasts": lambda t: loads(t, **{"0_bias": t.zeros(1)}),
    "init: fan of a vector": lambda t: t.nn.init.kaiming_uniform_(t.zeros(3)),
    "init: xavier of a vector": lambda t: t.nn.init.xavier_normal_(t.zeros(3)),
    "init: mode": lambda t: t.nn.init.kaiming_normal_(t.zeros(3, 2), mode="fan"),
    "init: nonlinearity": lambda t: t.nn.init.kaiming_normal_(t.zeros(3, 2), nonlinearity="step"),
    "init: gain": lambda t: t.nn.init.calculate_gain("step"),
    "init: slope": lambda t: t.nn.init.calculate_gain("leaky_relu", "0.1"),
    "SGD: lr": lambda t: optimise(t, lr=-0.1),
    "SGD: momentum": lambda t: optimise(t, momentum=-0.1),
    "SGD: weight_decay": lambda t: optimise(t, weight_decay=-0.1),
    "SGD: nesterov without momentum": lambda t: optimise(t, nesterov=True),
    "SGD: nesterov with dampening": lambda t: optimise(t, nesterov=True, momentum=0.9, dampening=0.1),
    "SGD: unknown setting": lambda t: optimise(t, beta=0.1),
    "Adam: lr": lambda t: optimise(t, "Adam", lr=-0.1),
    "Adam: beta1": lambda t: optimise(t, "Adam", betas=(1.0, 0.9)),
    "Adam: beta2": lambda t: optimise(t, "Adam", betas=(0.9, 1.0)),
    "Adam: beta < 0": lambda t: optimise(t, "AdamW", betas=(-0.1, 0.9)),
    "Adam: eps": lambda t: optimise(t, "AdamW", eps=-1e-8),
    "Adam: weight_decay": lambda t: optimise(t, "AdamW", weight_decay=-1.0),
    "optimiser: no parameters": lambda t: t.optim.SGD([], lr=0.1),
    "optimiser: one tensor": lambda t: t.optim.SGD(leaf(t), lr=0.1),
    "optimiser: an array": lambda t: t.optim.SGD([np.zeros(2)], lr=0.1),
    "optimiser: no leaf": lambda t: t.optim.SGD([leaf(t) * 2], lr=0.1),
    "optimiser: in two groups": lambda t: (lambda p: t.optim.SGD([{"params": [p]}, {"params": [p]}], lr=0.1))(leaf(t)),
    "optimiser: added twice": lambda t: (lambda p: t.optim.SGD([p]).add_param_group({"params": p}))(leaf(t)),
    "optimiser: other groups' state": lambda t: t.optim.Adam([leaf(t), leaf(t)]).load_state_dict(
        t.optim.Adam([leaf(t)]).state_dict()
    ),
    "optimiser: more groups in state": lambda t: t.optim.Adam([leaf(t)]).load_state_dict(
        t.optim.Adam([{"params": [leaf(t)]}, {"params": [leaf(t)]}]).state_dict()
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_both_refuse(name):
    both_raise(REFUSED[name])
