"""Recurrent layers, embedding and spectral normalisation against PyTorch."""

import copy
import math
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinylucid as tl

from .compare import agree, array, both_raise, close, noise
from .test_nn_optim import drawn, same_state, twins

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.parity


def flat(y):
    """The tensors in nested tuples, in order."""
    return [part for each in y for part in flat(each)] if isinstance(y, tuple) else [y]


# --- recurrent -------------------------------------------------------------------------------------------------------


def states(kind, shape, t, seed, dtype):
    """An initial state with gradients: (h, c) for LSTM, h for GRU."""
    parts = [t.tensor(noise(shape, seed + k).astype(dtype), requires_grad=True) for k in range(2)]
    return tuple(parts) if kind.startswith("LSTM") else parts[0]


def same_recurrent(kind, build, shape, state_shape, dtype):
    """Assert equal outputs, last states, and gradients of input, initial state and parameters."""
    ours, theirs = twins(build, dtype)
    found = []
    for t, model in ((tl, ours), (torch, theirs)):
        x = t.tensor(noise(shape, 0).astype(dtype), requires_grad=True)
        hx = None if state_shape is None else states(kind, state_shape, t, 1, dtype)
        results = flat(model(x, hx))
        sum((y * t.tensor(noise(y.shape, 5 + k).astype(dtype))).sum() for k, y in enumerate(results)).backward()
        leaves = [x] + ([] if hx is None else flat(hx))
        found.append([array(y) for y in results] + [array(leaf.grad) for leaf in leaves])
    for a, b in zip(*found):
        close(a, b)
    same_state(ours, theirs, dtype)


@pytest.mark.parametrize("kind", ["LSTM", "GRU"])
@given(
    sizes=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    layers=st.integers(1, 2),
    flags=st.tuples(st.booleans(), st.booleans(), st.booleans()),
    steps=st.integers(1, 4),
    batch=st.sampled_from([None, 1, 3]),
    given_state=st.booleans(),
    dtype=st.sampled_from(["float64", "float32"]),
)
def test_recurrent(kind, sizes, layers, flags, steps, batch, given_state, dtype):
    """All arguments: several layers, without biases, batch first, in both directions, without a batch."""
    bias, batch_first, bidirectional = flags
    how = {"num_layers": layers, "bias": bias, "batch_first": batch_first, "bidirectional": bidirectional}
    shape = (steps, sizes[0]) if batch is None else (steps, batch, sizes[0])
    shape = (batch, steps, sizes[0]) if batch_first and batch is not None else shape
    state = (layers * (1 + bidirectional), *([] if batch is None else [batch]), sizes[1])
    build = lambda t: getattr(t.nn, kind)(*sizes, **how)
    same_recurrent(kind, build, shape, state if given_state else None, dtype)


@pytest.mark.parametrize("kind", ["LSTMCell", "GRUCell"])
@given(
    sizes=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    bias=st.booleans(),
    lead=st.sampled_from([(), (1,), (3,)]),
    given_state=st.booleans(),
    dtype=st.sampled_from(["float64", "float32"]),
)
def test_cell(kind, sizes, bias, lead, given_state, dtype):
    build = lambda t: getattr(t.nn, kind)(*sizes, bias)
    same_recurrent(kind, build, (*lead, sizes[0]), (*lead, sizes[1]) if given_state else None, dtype)


@pytest.mark.parametrize("name", ["LSTM", "GRU", "LSTMCell", "GRUCell"])
def test_recurrent_initialisation(name):
    """The same names in the same order, drawn from the same interval."""
    how = {} if name.endswith("Cell") else {"num_layers": 2, "bidirectional": True}
    build = lambda t: getattr(t.nn, name)(3, 5, **how)
    assert list(build(tl).state_dict()) == list(build(torch).state_dict())
    for key in build(torch).state_dict():
        ours, theirs = drawn(lambda t, key=key: build(t).state_dict()[key])
        close(ours, theirs, key, tolerance=1e-6)


@pytest.mark.parametrize("dropout", [0.0, 1.0])
def test_dropout_between_layers(dropout):
    """All or nothing of it, which both draw alike; the last layer's output is whole."""
    build = lambda t: t.nn.GRU(2, 3, 3, dropout=dropout)
    same_recurrent("GRU", build, (4, 2, 2), None, "float64")


def test_training_of_sequences():
    """A GRU on top of an embedding learns the same in both libraries."""
    found = []
    for t in (tl, torch):
        net = twins(lambda t: t.nn.ModuleList([t.nn.Embedding(5, 3, 0), t.nn.GRU(3, 4), t.nn.Linear(4, 2)]))[t is torch]
        words, wanted = t.tensor(np.array([[1, 2, 0], [4, 0, 3]]).T.copy()), t.tensor(np.array([0, 1]))
        optimiser, losses = t.optim.RMSprop(net.parameters(), 0.01), []
        for _ in range(4):
            loss = t.nn.functional.cross_entropy(net[2](net[1](net[0](words))[0][-1]), wanted)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            losses.append(loss.item())
        found.append([np.array(losses), *[array(p) for p in net.parameters()]])
    for a, b in zip(*found):
        close(a, b, tolerance=1e-8)


# --- embedding -------------------------------------------------------------------------------------------------------


@given(
    rows=st.integers(1, 5),
    width=st.integers(1, 4),
    shape=st.sampled_from([(), (3,), (2, 0), (2, 3)]),
    seed=st.integers(0, 99),
    padded=st.sampled_from([None, 0, -1]),
)
def test_embedding(rows, width, shape, seed, padded):
    """A row taken twice gets both gradients, the padding none."""
    places = np.random.default_rng(seed).integers(0, rows, shape)
    f = lambda t, w, places: t.nn.functional.embedding(places, w, padded)
    agree(f, noise((rows, width), 0), fixed=[places], second=places.size > 0)  # PyTorch's second order fails


@pytest.mark.parametrize("padding_idx", [None, 1, -1])
def test_embedding_layer(padding_idx):
    found = []
    for t in (tl, torch):
        layer = t.nn.Embedding(4, 2, padding_idx=padding_idx)
        found.append(
            (list(layer.state_dict()), layer.padding_idx, repr(layer), [not row.any() for row in array(layer.weight)])
        )
    assert found[0] == found[1]
    ours, theirs = drawn(lambda t: t.nn.Embedding(4, 2, padding_idx).weight)
    close(ours, theirs)


# --- spectral normalisation ------------------------------------------------------------------------------------------

MODULES = {  # name: the module, its input's shape, the names of its weights, arguments
    "Linear": (lambda nn: nn.Linear(4, 3), (5, 4), {}),
    "Linear(3 iterations)": (lambda nn: nn.Linear(4, 3, bias=False), (5, 4), {"n_power_iterations": 3}),
    "Linear(dim 1)": (lambda nn: nn.Linear(4, 3), (5, 4), {"dim": 1}),
    "Conv2d": (lambda nn: nn.Conv2d(2, 3, (3, 2)), (2, 2, 5, 4), {}),
    "ConvTranspose2d": (lambda nn: nn.ConvTranspose2d(2, 3, (3, 2)), (2, 2, 3, 4), {"eps": 1e-6}),
    "LSTMCell": (lambda nn: nn.LSTMCell(2, 3), (4, 2), {"name": "weight_hh"}),
}


def normed(t, name, **further):
    """The module with a spectral norm."""
    build, _, how = MODULES[name]
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*spectral_norm.*")
        return t.nn.utils.spectral_norm(build(t.nn), **how, **further)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", MODULES)
def test_spectral_norm(name, dtype):
    """Three training steps, then evaluation: results, gradients, weights and vectors, by PyTorch's names."""
    shape = MODULES[name][1]
    ours, theirs = normed(tl, name), normed(torch, name)
    theirs.to(getattr(torch, dtype))
    ours.to(getattr(tl, dtype))
    assert ours.load_state_dict(theirs.state_dict()) == ([], [])
    optimisers = [t.optim.SGD(model.parameters(), 0.1) for t, model in ((tl, ours), (torch, theirs))]
    for step in range(5):
        if step == 3:
            ours.eval(), theirs.eval()
        found = []
        for t, model, optimiser in zip((tl, torch), (ours, theirs), optimisers):
            x = t.tensor(noise(shape, step).astype(dtype), requires_grad=True)
            y = flat(model(x))[0]
            optimiser.zero_grad()
            y.backward(t.tensor(noise(y.shape, 9).astype(dtype)))
            optimiser.step()
            found.append([array(y), array(x.grad)])
        for a, b in zip(*found):
            close(a, b, f"step {step}")
        same_state(ours, theirs, dtype)


def test_spectral_norm_of_two_forwards():
    """A critic sees real and made pictures, then learns from both: each keeps the vectors it was computed with."""
    found = []
    ours, theirs = normed(tl, "Linear"), normed(torch, "Linear")
    ours.load_state_dict(theirs.state_dict())
    for t, critic in ((tl, ours), (torch, theirs)):
        real, made = (t.tensor(noise((5, 4), k).astype("float32")) for k in range(2))
        (critic(real).sum() - t.tanh(critic(made)).sum()).backward()
        found.append(array(critic.weight_orig.grad))
    close(*found)


def test_spectral_norm_differentiated_twice():
    """The gradient penalty of a normalised critic."""
    found = []
    ours, theirs = normed(tl, "Linear"), normed(torch, "Linear")
    ours.load_state_dict(theirs.state_dict())
    for t, critic in ((tl, ours), (torch, theirs)):
        x = t.tensor(noise((5, 4), 0).astype("float32"), requires_grad=True)
        (g,) = t.autograd.grad(t.tanh(critic(x)).sum(), [x], create_graph=True)
        ((g * g).sum()).backward()
        found.append(array(critic.weight_orig.grad))
    close(*found, tolerance=1e-4)


@pytest.mark.parametrize("name", MODULES)
def test_remove_spectral_norm(name):
    """What is left is the normalised weight, as a parameter."""
    weight = MODULES[name][2].get("name", "weight")
    ours, theirs = normed(tl, name), normed(torch, name)
    ours.load_state_dict(theirs.state_dict())
    for t, model in ((tl, ours), (torch, theirs)):
        model(t.tensor(noise(MODULES[name][1], 0).astype("float32")))
        assert t.nn.utils.remove_spectral_norm(model, weight) is model
    same_state(ours, theirs, "float32")
    assert isinstance(getattr(ours, weight), tl.nn.Parameter)
    x = noise(MODULES[name][1], 1).astype("float32")
    close(*(array(flat(m(t.tensor(x)))[0]) for t, m in ((tl, ours), (torch, theirs))))


def test_a_normalised_module_can_be_copied():
    """After a forward and a backward too, which PyTorch refuses."""
    net = normed(tl, "Linear")
    net(tl.ones(1, 4)).sum().backward()
    again = copy.deepcopy(net).eval()
    x = tl.tensor(noise((2, 4), 0), dtype=tl.float32)
    close(array(again(x)), array(net.eval()(x)))
    again.weight_orig.data[...] = 0
    assert math.isfinite(array(net(x)).sum())


# --- what both refuse ------------------------------------------------------------------------------------------------

integers = lambda t, *y: t.tensor(np.array(y, "int64"))
REFUSED = {
    "embedding: floats": lambda t: t.nn.functional.embedding(t.zeros(2), t.zeros(3, 2)),
    "embedding: above": lambda t: t.nn.functional.embedding(integers(t, 0, 3), t.zeros(3, 2)),
    "embedding: below": lambda t: t.nn.functional.embedding(integers(t, -1), t.zeros(3, 2)),
    "embedding: padding above": lambda t: t.nn.functional.embedding(integers(t, 0), t.ones(3, 2), 3),
    "embedding: weight": lambda t: t.nn.functional.embedding(integers(t, 0), t.ones(3)),
    "Embedding: above": lambda t: t.nn.Embedding(3, 2)(integers(t, 3)),
    "Embedding: padding below": lambda t: t.nn.Embedding(3, 2, -4),
    "LSTM: input": lambda t: t.nn.LSTM(3, 2)(t.zeros(4, 1, 2)),
    "LSTM: axes": lambda t: t.nn.LSTM(3, 2)(t.zeros(3)),
    "LSTM: state": lambda t: t.nn.LSTM(3, 2)(t.zeros(4, 1, 3), (t.zeros(1, 2, 2), t.zeros(1, 1, 2))),
    "LSTM: cell": lambda t: t.nn.LSTM(3, 2)(t.zeros(4, 1, 3), (t.zeros(1, 1, 2), t.zeros(1, 1, 3))),
    "LSTM: no steps": lambda t: t.nn.LSTM(3, 2)(t.zeros(0, 1, 3)),
    "LSTM: dropout": lambda t: t.nn.LSTM(3, 2, dropout=1.5),
    "LSTM: layers": lambda t: t.nn.LSTM(3, 2, 0),
    "GRU: state": lambda t: t.nn.GRU(3, 2, 2)(t.zeros(4, 1, 3), t.zeros(1, 1, 2)),
    "GRUCell: input": lambda t: t.nn.GRUCell(3, 2)(t.zeros(1, 2)),
    "GRUCell: axes": lambda t: t.nn.GRUCell(3, 2)(t.zeros(1, 1, 3)),
    "LSTMCell: state": lambda t: t.nn.LSTMCell(3, 2)(t.zeros(1, 3), (t.zeros(2, 2), t.zeros(2, 2))),
    "spectral_norm: twice": lambda t: t.nn.utils.spectral_norm(normed(t, "Linear")),
    "spectral_norm: no iterations": lambda t: t.nn.utils.spectral_norm(t.nn.Linear(2, 2), n_power_iterations=0),
    "spectral_norm: no such parameter": lambda t: t.nn.utils.spectral_norm(t.nn.Linear(2, 2), "kernel"),
    "spectral_norm: no bias": lambda t: t.nn.utils.spectral_norm(t.nn.Linear(2, 2, bias=False), "bias"),
    "remove_spectral_norm: none": lambda t: t.nn.utils.remove_spectral_norm(t.nn.Linear(2, 2)),
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", REFUSED)
def test_both_refuse(name):
    both_raise(REFUSED[name])
