"""Guided backpropagation and the deconvnet: their rule element by element, and through a net by matrices."""

import numpy as np
import pytest
from explained import CLASSES, Folded, folded_average, linear_net, logits, pictures, unrolled
from hypothesis import given
from hypothesis import strategies as st
from words import check_message

import tinylucid as tl
import tinylucid.nn.functional as F
from tinylucid.explain import deconvnet, gradient, guided_backprop

seeds = st.integers(0, 10**6)
methods = pytest.mark.parametrize("method", [guided_backprop, deconvnet])


def rectified(method, g, x):
    """The rule for single numbers, by ifs."""
    out = np.zeros_like(g)
    for k in range(len(g)):
        if g[k] > 0 and (method is deconvnet or x[k] > 0):
            out[k] = g[k]
    return out


@methods
@given(seed=seeds)
def test_the_rule_element_by_element(method, seed):
    rng = tl.Generator(seed)
    x, v = rng.normal((2, 30), tl.float64)
    x[:5] = 0
    maps = method(lambda x: (F.relu(x) * v).sum(1)[:, None], x[None], 0)
    assert np.array_equal(maps[0], rectified(method, v, x))


@methods
@pytest.mark.parametrize("make", [Folded, folded_average])
@given(seed=seeds)
def test_through_a_net_it_is_the_backward_pass_by_hand(method, make, seed):
    rng = tl.Generator(seed)
    net, x, target = make(rng), pictures(rng), rng.integers(0, CLASSES, (2,))
    maps = method(net, x, target)
    for k in range(2):
        g = np.eye(CLASSES)[target[k]]
        for _, matrix, _, a, _ in unrolled(net, x[k])[::-1]:
            g = rectified(method, g, a) if matrix is None else matrix.T @ g
        assert maps[k].ravel() == pytest.approx(g, rel=1e-10, abs=1e-12)


class Reused(tl.nn.Module):
    """One ReLU as a layer, run twice, and one as a function."""

    def __init__(self, rng):
        super().__init__()
        self.a, self.b, self.c, self.d = (tl.nn.Linear(5, 5).to(tl.float64) for _ in range(4))
        self.relu = tl.nn.ReLU()
        for p in self.parameters():
            tl.nn.init.normal_(p, rng=rng)

    def forward(self, x):
        return self.d(F.relu(self.c(self.relu(self.b(self.relu(self.a(x)))))))


@methods
@given(seed=seeds)
def test_a_relu_used_twice_and_one_without_a_layer_are_reached(method, seed):
    rng = tl.Generator(seed)
    net, x = Reused(rng), rng.normal((1, 5), tl.float64)
    weights = [(layer.weight.data, layer.bias.data) for layer in (net.a, net.b, net.c)]
    a, before = x[0], []
    for w, b in weights:
        before.append(w @ a + b)
        a = np.maximum(before[-1], 0)
    g = net.d.weight.data[2]
    for (w, _), z in zip(weights[::-1], before[::-1]):
        g = w.T @ rectified(method, g, z)
    assert method(net, x, 2)[0] == pytest.approx(g, rel=1e-10, abs=1e-12)


@methods
@given(seed=seeds)
def test_afterwards_answers_and_gradients_are_what_they_were(method, seed):
    rng = tl.Generator(seed)
    net, x = Folded(rng), pictures(rng)
    answers, slopes = logits(net, x), gradient(net, x, 1)
    method(net, x, 1)
    with pytest.raises(ValueError, match="outside"):
        method(net, x, 9)
    with pytest.raises(RuntimeError, match="no gradient in x"):
        method(net, x, lambda z: z.detach()[:, 0])
    assert np.array_equal(logits(net, x), answers)
    assert np.array_equal(gradient(net, x, 1), slopes)


def test_guided_is_the_gradient_where_all_weights_and_activations_are_positive():
    rng = tl.Generator(0)
    net, x = Folded(rng), np.abs(pictures(rng))
    for p in net.parameters():
        p.data[...] = np.abs(p.data)
    net.norm.running_mean.data[...] = net.shift.data[...] = 0
    assert np.array_equal(guided_backprop(net, x, 1), gradient(net, x, 1))


@methods
@pytest.mark.parametrize(
    "net",
    [
        linear_net(tl.Generator(0)),
        lambda x: F.leaky_relu(x.flatten(1)),  # another activation
        lambda x: x.flatten(1) * F.relu(tl.tensor(np.ones(72), requires_grad=True)),  # not between x and the target
    ],
)
def test_a_model_without_a_relu_is_refused(method, net):
    words = f"{method.__name__}: no ReLU runs between x and the target|use gradient"
    message = check_message(lambda: method(net, pictures(tl.Generator(0)), 0), ValueError, words)
    assert len(message.splitlines()) == 1
