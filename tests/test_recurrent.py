"""Recurrent layers, embedding and spectral normalisation: their formulas by loops, and what they promise."""

import math

import numpy as np
import pytest

import tinylucid as tl
from tinylucid import nn

sigma = lambda x: 1 / (1 + math.exp(-x))


def linear(w, x, b):
    """W x + b by loops."""
    return [sum(w[k][j] * x[j] for j in range(len(x))) + b[k] for k in range(len(w))]


def in_float64(module):
    """The module in float64, and its parameters by name, as lists."""
    module.to(tl.float64)
    return module, {name: p.tolist() for name, p in module.named_parameters()}


@pytest.mark.parametrize("layer", [nn.LSTMCell(1, 25), nn.GRU(50, 25, 2)])
def test_weights_begin_within_the_root_of_the_hidden_size(layer):
    largest = max(abs(p.data).max() for p in layer.parameters())
    assert 0.95 / 5 < largest <= 1 / 5


def test_lstm_is_the_formula(rng):
    cell, w = in_float64(nn.LSTMCell(2, 3))
    x, h, c = (rng.standard_normal(n) for n in (2, 3, 3))
    new_h, new_c = cell(tl.tensor(x), (tl.tensor(h), tl.tensor(c)))
    a, b = linear(w["weight_ih"], x, w["bias_ih"]), linear(w["weight_hh"], h, w["bias_hh"])
    for k in range(3):
        i, f, g, o = (a[k + 3 * gate] + b[k + 3 * gate] for gate in range(4))
        wanted = sigma(f) * c[k] + sigma(i) * math.tanh(g)
        np.testing.assert_allclose([new_c.data[k], new_h.data[k]], [wanted, sigma(o) * math.tanh(wanted)], rtol=1e-12)


def test_gru_is_the_formula(rng):
    cell, w = in_float64(nn.GRUCell(2, 3))
    x, h = rng.standard_normal(2), rng.standard_normal(3)
    a, b = linear(w["weight_ih"], x, w["bias_ih"]), linear(w["weight_hh"], h, w["bias_hh"])
    for k, y in enumerate(cell(tl.tensor(x), tl.tensor(h)).tolist()):
        r, z = sigma(a[k] + b[k]), sigma(a[k + 3] + b[k + 3])
        assert y == pytest.approx((1 - z) * math.tanh(a[k + 6] + r * b[k + 6]) + z * h[k], rel=1e-12)


@pytest.mark.parametrize("kind", ["LSTM", "GRU"])
def test_a_layer_is_its_cell_over_time(kind, rng):
    """One direction a cell after another, the other backwards, the second layer over the first's outputs."""
    layer, _ = in_float64(getattr(nn, kind)(2, 3, 2, bidirectional=True))
    x = tl.tensor(rng.standard_normal((4, 5, 2)))
    output, last = layer(x)
    steps, ends = [x[t] for t in range(4)], []
    for k in range(2):
        ways = []
        for suffix, order in (("", 1), ("_reverse", -1)):
            cell = getattr(nn, f"{kind}Cell")(steps[0].shape[1], 3)
            for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"):
                setattr(cell, name, getattr(layer, f"{name}_l{k}{suffix}"))
            state, way = None, []
            for step in steps[::order]:
                state = cell(step, state)
                way.append(state[0] if kind == "LSTM" else state)
            ways.append(way[::order])
            ends.append(state)
        steps = [tl.concatenate(both, 1) for both in zip(*ways)]
    np.testing.assert_allclose(output.data, np.stack([s.data for s in steps]), rtol=1e-12)
    if kind == "LSTM":
        for part, name in zip(last, "hc"):
            np.testing.assert_allclose(part.data, np.stack([e["hc".index(name)].data for e in ends]), rtol=1e-12)
    else:
        np.testing.assert_allclose(last.data, np.stack([e.data for e in ends]), rtol=1e-12)


def test_axes_of_sequences(rng):
    """The batch first, or none: the same numbers; and a sequence goes on from where its first half ended."""
    gru, _ = in_float64(nn.GRU(2, 3, 2))
    x = rng.standard_normal((6, 4, 2))
    y, h = gru(tl.tensor(x))
    assert (y.shape, h.shape) == ((6, 4, 3), (2, 4, 3))
    gru.batch_first = True
    np.testing.assert_allclose(gru(tl.tensor(x.swapaxes(0, 1)))[0].data, y.data.swapaxes(0, 1), rtol=1e-12)
    alone, last = gru(tl.tensor(x[:, 1]))
    assert last.shape == (2, 3)
    np.testing.assert_allclose(alone.data, y.data[:, 1], rtol=1e-12)
    gru.batch_first = False
    _, state = gru(tl.tensor(x[:2]))
    np.testing.assert_allclose(gru(tl.tensor(x[2:]), state)[0].data, y.data[2:], rtol=1e-12)


def test_dropout_stands_between_layers_in_training_only(rng):
    lstm = nn.LSTM(2, 50, 2, dropout=0.5)
    x = tl.tensor(rng.standard_normal((3, 2, 2)), dtype=tl.float32)
    one, other = lstm(x)[0].data, lstm(x)[0].data
    assert not np.array_equal(one, other)
    assert (one != 0).all(), "the top layer's output is whole"
    lstm.eval()
    np.testing.assert_array_equal(lstm(x)[0].data, lstm(x)[0].data)
    alone = nn.GRU(2, 3, dropout=1.0)
    np.testing.assert_array_equal(alone(x)[0].data, alone.eval()(x)[0].data, "the input is whole too")


def test_no_sequences_and_float32():
    lstm = nn.LSTM(2, 3)
    y, (h, c) = lstm(tl.zeros(4, 0, 2))
    assert (y.shape, h.shape, c.shape) == ((4, 0, 3), (1, 0, 3), (1, 0, 3))
    assert lstm(tl.zeros(4, 1, 2))[0].dtype == np.float32
    assert repr(nn.LSTM(2, 3, 2, batch_first=True)) == "LSTM(2, 3, num_layers=2, batch_first=True)"
    assert repr(nn.GRUCell(2, 3, bias=False)) == "GRUCell(2, 3, bias=False)"


# --- embedding -------------------------------------------------------------------------------------------------------


def test_embedding_is_a_product_with_one_hot_rows(rng):
    weight, words = rng.standard_normal((5, 3)), rng.integers(0, 5, (2, 4))
    leaf = tl.tensor(weight, requires_grad=True)
    y = tl.nn.functional.embedding(tl.tensor(words), leaf)
    np.testing.assert_array_equal(y.data, np.eye(5)[words] @ weight)
    np.testing.assert_array_equal(tl.nn.functional.embedding(words, weight), y.data)
    g = rng.standard_normal(y.shape)
    y.backward(g)
    np.testing.assert_allclose(leaf.grad.data, np.einsum("ijk,ijl->kl", np.eye(5)[words], g), rtol=1e-12)


def test_the_padding_of_an_embedding_stays():
    layer = nn.Embedding(4, 2, padding_idx=-3)
    assert layer.padding_idx == 1
    assert layer.weight[1].tolist() == [0, 0]
    layer(np.array([1, 2, 1])).sum().backward()
    assert layer.weight.grad.tolist() == [[0, 0], [0, 0], [1, 1], [0, 0]]
    assert repr(layer) == "Embedding(4, 2, padding_idx=1)"


# --- spectral normalisation ------------------------------------------------------------------------------------------


def test_the_spectral_norm_becomes_one():
    """After some forwards in training the largest singular value of the weight used is 1."""
    layer = nn.utils.spectral_norm(nn.Conv2d(3, 5, 3))
    for _ in range(60):
        layer(tl.zeros(1, 3, 3, 3))
    assert np.linalg.norm(layer.weight.data.reshape(5, -1), 2) == pytest.approx(1, rel=1e-4)
    assert sorted(layer.state_dict()) == ["bias", "weight_orig", "weight_u", "weight_v"]
    assert [name for name, _ in layer.named_parameters()] == ["bias", "weight_orig"]
    before = layer.weight_u.tolist()
    layer.eval()(tl.zeros(1, 3, 3, 3))
    assert layer.weight_u.tolist() == before, "evaluation estimates nothing"


def test_gradients_of_a_normalised_module():
    """Through W / σ, with σ = uᵀ W v: in evaluation, where u and v stay."""
    for module, shape in ((nn.Linear(3, 2), (4, 3)), (nn.ConvTranspose2d(2, 3, 2), (1, 2, 2, 2))):
        net = nn.utils.spectral_norm(module, n_power_iterations=2)
        x = np.random.default_rng(0).standard_normal(shape)
        net(tl.tensor(x, dtype=tl.float32))
        assert tl.gradcheck(net.eval(), x)
        assert tl.gradgradcheck(net, x)


def test_each_forward_keeps_the_vectors_it_was_computed_with():
    """As where a critic sees real and made pictures before it learns from both."""
    found = []
    for forwards in (1, 2):
        tl.manual_seed(3)
        layer = nn.utils.spectral_norm(nn.Linear(3, 2))
        loss = (layer(tl.ones(1, 3)) ** 2).sum()
        for _ in range(forwards - 1):
            layer(tl.ones(1, 3))
        loss.backward()
        found.append(layer.weight_orig.grad.tolist())
    assert found[0] == found[1]


def test_a_forward_counts_as_an_edit_of_the_vectors():
    layer = nn.utils.spectral_norm(nn.Linear(3, 2))
    y = (layer.weight_u * tl.tensor([1.0, 2.0], requires_grad=True)).sum()
    layer(tl.zeros(1, 3))
    with pytest.raises(RuntimeError, match="changed in place"):
        y.backward()


def test_the_weight_stays_between_forwards():
    """An optimiser steps on weight_orig; to(dtype) and remove_spectral_norm leave a whole layer."""
    layer = nn.utils.spectral_norm(nn.Linear(3, 2))
    layer.to(tl.float64)
    assert layer(tl.zeros(1, 3, dtype=tl.float64)).dtype == np.float64
    used = layer.weight.data.copy()
    nn.utils.remove_spectral_norm(layer)
    np.testing.assert_allclose(layer.weight.data, used, rtol=1e-12)
    assert sorted(layer.state_dict()) == ["bias", "weight"]
    layer(tl.zeros(1, 3, dtype=tl.float64)).sum().backward()
    assert layer.weight.grad is not None
