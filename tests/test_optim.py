"""tl.optim: each optimiser against its formula written out as a float64 loop, groups, state and clipping."""

import math

import numpy as np
import pytest

import tinylucid as tl
from tinylucid import nn
from tinylucid.optim import SGD, Adam, AdamW, clip_grad_norm_

STEPS = 12


def sgd(p, gradients, lr, momentum=0.0, dampening=0.0, nesterov=False, weight_decay=0.0):
    """v ← g at first, then momentum·v + (1 − dampening)·g;  p ← p − lr·v, or p − lr·(g + momentum·v)."""
    v = None
    for g in gradients:
        g = g + weight_decay * p
        v = g if v is None else momentum * v + (1 - dampening) * g
        direction = g + momentum * v if nesterov else v if momentum else g
        p = p - lr * direction
    return p


def adam(p, gradients, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0, decoupled=False):
    """Algorithm 1 of Kingma and Ba; with ``decoupled`` the decay of Loshchilov and Hutter."""
    m = v = np.zeros_like(p)
    for t, g in enumerate(gradients, 1):
        if decoupled:
            p = p - lr * weight_decay * p
        else:
            g = g + weight_decay * p
        m = betas[0] * m + (1 - betas[0]) * g
        v = betas[1] * v + (1 - betas[1]) * g**2
        p = p - lr * (m / (1 - betas[0] ** t)) / (np.sqrt(v / (1 - betas[1] ** t)) + eps)
    return p


def adamw(p, gradients, weight_decay=1e-2, **settings):
    """AdamW, whose default decay is 0.01."""
    return adam(p, gradients, weight_decay=weight_decay, decoupled=True, **settings)


ADAM = [{}, {"lr": 0.1, "betas": (0.5, 0.8)}, {"betas": (0.0, 0.0)}, {"eps": 0.5}, {"lr": 0.1, "weight_decay": 0.3}]
CASES = [
    *[
        (SGD, sgd, {"lr": 0.1, **settings})
        for settings in (
            {},
            {"weight_decay": 0.3},
            {"momentum": 0.9},
            {"momentum": 0.9, "dampening": 0.4},
            {"momentum": 0.9, "nesterov": True},
            {"momentum": 0.5, "nesterov": True, "weight_decay": 0.3},
            {"momentum": 0.5, "dampening": 0.4, "weight_decay": 0.3},
        )
    ],
    *[(Adam, adam, settings) for settings in ADAM],
    *[(AdamW, adamw, settings) for settings in ADAM],
]
IDS = [f"{case[0].__name__} {case[2]}" for case in CASES]


def parameter(data, dtype=np.float64):
    """A parameter with its own copy."""
    return nn.Parameter(np.array(data, dtype))


def steps(optimiser, p, gradients):
    """One step a gradient."""
    for g in gradients:
        p.grad = tl.tensor(g.astype(p.dtype))
        optimiser.step()


@pytest.mark.parametrize(("make", "formula", "settings"), CASES, ids=IDS)
def test_against_the_formula(rng, make, formula, settings):
    start, gradients = rng.normal(size=(3, 4)), rng.normal(size=(STEPS, 3, 4))
    p = parameter(start)
    steps(make([p], **settings), p, gradients)
    np.testing.assert_allclose(p.data, formula(start, gradients, **settings), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize(("make", "formula", "settings"), CASES, ids=IDS)
def test_float32_stays_float32_in_its_own_memory(rng, make, formula, settings):
    start, gradients = rng.normal(size=(3, 4)), rng.normal(size=(STEPS, 3, 4))
    p = parameter(start, np.float32)
    array, optimiser = p.data, make([p], **settings)
    steps(optimiser, p, gradients)
    assert p.data is array
    assert array.dtype == np.float32
    assert all(a.dtype == np.float32 for a in optimiser.state[p].values() if hasattr(a, "dtype"))
    np.testing.assert_allclose(array, formula(start, gradients, **settings), rtol=1e-3, atol=1e-4)


def test_gradients_are_not_written_to(rng):
    for make, _, settings in CASES:
        p, g = parameter(np.ones(3)), rng.normal(size=3)
        p.grad = tl.tensor(g)
        make([p], **settings).step()
        assert np.array_equal(p.grad.data, g)


# --- groups ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [SGD, Adam, AdamW])
def test_each_group_has_its_own_settings(rng, make):
    gradients = rng.normal(size=(STEPS, 3))
    together, alone = [[parameter(np.ones(3)) for _ in range(3)] for _ in range(2)]
    optimiser = make([{"params": together[:1], "lr": 0.5}, {"params": together[1], "weight_decay": 0.2}], lr=0.1)
    optimiser.add_param_group({"params": [together[2]], "lr": 0.01})
    others = [make([alone[0]], lr=0.5), make([alone[1]], lr=0.1, weight_decay=0.2), make([alone[2]], lr=0.01)]
    for g in gradients:
        for p in (*together, *alone):
            p.grad = tl.tensor(g)
        optimiser.step()
        for other in others:
            other.step()
    assert [p.tolist() for p in together] == [p.tolist() for p in alone]
    assert len({str(p.tolist()) for p in together}) == 3


def test_a_changed_learning_rate_holds_from_the_next_step():
    p = parameter([1.0])
    optimiser = SGD([p], lr=1.0)
    p.grad = tl.ones(1, dtype=tl.float64)
    optimiser.step()
    optimiser.param_groups[0]["lr"] = 0.25
    optimiser.step()
    assert p.tolist() == [-0.25]


@pytest.mark.parametrize(("make", "formula", "settings"), CASES, ids=IDS)
def test_a_parameter_without_gradient_is_skipped(make, formula, settings):
    """No decay, no momentum, no state, no edit counted."""
    p, q = parameter([1.0]), parameter([1.0])
    optimiser = make([p, q], **settings)
    q.grad = tl.ones(1, dtype=tl.float64)
    optimiser.step()
    version = p.version[0]
    optimiser.step()
    assert p.tolist() == [1.0]
    assert p.version[0] == version
    assert not optimiser.state.get(p)
    assert q.tolist() != [1.0]


def test_zero_grad_forgets():
    p, q = parameter([1.0]), parameter([1.0])
    p.grad = q.grad = tl.ones(1, dtype=tl.float64)
    SGD([{"params": [p]}, {"params": [q]}]).zero_grad()
    assert p.grad is q.grad is None


# --- state -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("make", "formula", "settings"), CASES, ids=IDS)
def test_a_saved_state_continues_to_the_bit(rng, make, formula, settings):
    gradients = rng.normal(size=(2, STEPS, 5)).astype(np.float32)
    p = parameter(np.ones(5), np.float32)
    optimiser = make([p], **settings)
    steps(optimiser, p, gradients[0])
    saved, value = optimiser.state_dict(), p.data.copy()
    steps(optimiser, p, gradients[1])  # must not reach into what was saved
    q = parameter(value, np.float32)
    other = make([q], lr=123.0)
    for _ in range(2):  # nor may the loaded optimiser
        q.data[...] = value
        other.load_state_dict(saved)
        steps(other, q, gradients[1])
        assert np.array_equal(p.data, q.data)
    assert {k: v for k, v in other.param_groups[0].items() if k != "params"} == {
        k: v for k, v in optimiser.param_groups[0].items() if k != "params"
    }


def test_a_state_for_other_groups_does_not_load():
    a, b = parameter([1.0]), parameter([1.0])
    saved = SGD([a, b]).state_dict()
    with pytest.raises(ValueError, match=r"groups of \[2\] parameters do not fit this optimiser's \[1, 1\]"):
        SGD([{"params": a}, {"params": b}]).load_state_dict(saved)


# --- construction ----------------------------------------------------------------------------------------------------

P = parameter([1.0, 2.0])


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: SGD(P), TypeError, "iterable of tensors or groups.*got one tensor"),
        (lambda: SGD([]), ValueError, "got no parameters"),
        (lambda: Adam(p for p in ()), ValueError, r"got no parameters.*model.parameters\(\) used up"),
        (lambda: SGD([P, np.ones(2)]), TypeError, r"parameter 1 must be a floating Tensor, got array\(\[1., 1.\]\)"),
        (lambda: SGD(nn.Sequential(nn.ReLU())), TypeError, r"parameter 0 must be a floating Tensor, got ReLU\(\)"),
        (lambda: SGD([tl.arange(3)]), TypeError, "floating Tensor.*int64"),
        (lambda: SGD([P * 2]), ValueError, "parameter 0 is no leaf but the result of mul"),
        (lambda: SGD([P, P]), ValueError, r"parameter 1 of shape \(2,\) appears twice"),
        (lambda: SGD([{"params": P}, {"params": [P]}]), ValueError, "appears twice"),
        (lambda: SGD([{"params": [P], "beta": 1}]), TypeError, r"unknown settings \['beta'\].*momentum"),
        (lambda: SGD([P], lr=-1), ValueError, r"lr must be in \[0, inf\), got -1"),
        (lambda: SGD([P], lr=math.nan), ValueError, "lr must be in .* got nan"),
        (lambda: SGD([{"params": [P], "lr": -2}]), ValueError, "lr must be in .* got -2"),
        (lambda: SGD([P], momentum=-0.5), ValueError, "momentum must be in .* got -0.5"),
        (lambda: SGD([P], weight_decay=-1), ValueError, "weight_decay must be in .* got -1"),
        (lambda: SGD([P], nesterov=True), ValueError, "nesterov needs a momentum and no dampening"),
        (lambda: SGD([P], momentum=0.9, dampening=0.1, nesterov=True), ValueError, "nesterov needs"),
        (lambda: Adam([P], betas=(0.9, 1.0)), ValueError, r"betas must be in \[0, 1\), got \(0.9, 1.0\)"),
        (lambda: AdamW([P], eps=-1e-8), ValueError, "eps must be in"),
    ],
)
def test_constructor_errors(make, error, words):
    with pytest.raises(error, match=words):
        make()


# --- stepping --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [SGD, Adam, AdamW])
def test_a_step_makes_an_earlier_graph_stale(make):
    """Backward would otherwise use the new weights with the old activations."""
    p = parameter([1.0])
    loss = (p * tl.tensor(np.ones(1), requires_grad=True)).sum()
    p.grad = tl.ones(1, dtype=tl.float64)
    make([p]).step()
    with pytest.raises(RuntimeError, match="mul: 'x' was changed in place after the forward pass"):
        loss.backward()


def test_step_calls_a_closure_that_may_record():
    p = parameter([3.0])
    optimiser = SGD([p], lr=0.5)

    def closure():
        optimiser.zero_grad()
        loss = (p * p).sum()
        loss.backward()
        return loss

    assert optimiser.step(closure).item() == 9.0
    assert p.tolist() == [0.0]
    assert optimiser.step() is None


@pytest.mark.parametrize(
    ("make", "settings", "tolerance"),
    [
        (SGD, {"lr": 0.1}, 1e-6),
        (SGD, {"lr": 0.05, "momentum": 0.9, "nesterov": True}, 1e-6),
        (Adam, {"lr": 0.05}, 1e-3),
        (AdamW, {"lr": 0.05, "weight_decay": 0.0}, 1e-3),
    ],
)
def test_least_squares(rng, make, settings, tolerance):
    a, b = rng.normal(size=(30, 4)), rng.normal(size=30)
    best = np.linalg.lstsq(a, b)[0]
    w = parameter(np.zeros(4))
    optimiser = make([w], **settings)
    for _ in range(400):
        optimiser.zero_grad()
        tl.mse_loss(a @ w, tl.tensor(b)).backward()
        optimiser.step()
    np.testing.assert_allclose(w.data, best, atol=tolerance)


# --- clipping --------------------------------------------------------------------------------------------------------


def with_gradients(*gradients):
    """Parameters with these gradients, None for one without."""
    parameters = [parameter(np.zeros(2)) for _ in gradients]
    for p, g in zip(parameters, gradients):
        p.grad = None if g is None else tl.tensor(np.array(g, np.float64))
    return parameters


def test_clipping_scales_all_gradients_by_their_common_norm():
    p, q, r = with_gradients([3.0, 0.0], None, [0.0, -4.0])
    assert clip_grad_norm_(iter([p, q, r]), 1.0) == 5.0
    np.testing.assert_allclose([p.grad.data, r.grad.data], [[0.6, 0], [0, -0.8]], rtol=1e-6)
    assert q.grad is None
    assert clip_grad_norm_(p, 0.3) == pytest.approx(0.6, rel=1e-6)
    np.testing.assert_allclose(p.grad.data, [0.3, 0], rtol=1e-5)


def test_clipping_leaves_smaller_gradients_as_they_are():
    (p,) = with_gradients([0.3, 0.4])
    assert clip_grad_norm_([p], 1.0) == pytest.approx(0.5)
    assert p.grad.tolist() == [0.3, 0.4]
    assert clip_grad_norm_(with_gradients(None), 1.0) == 0.0


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_clipping_refuses_a_nonfinite_norm(bad):
    p, q = with_gradients([bad, 0.0], [1.0, 1.0])
    with pytest.raises(RuntimeError, match=f"norm of the gradients is {bad}.*detect_anomaly"):
        clip_grad_norm_([p, q], 1.0, error_if_nonfinite=True)
    assert q.grad.tolist() == [1.0, 1.0]


def test_clipping_spreads_a_nan_norm():
    """So that it cannot hide in one gradient."""
    p, q = with_gradients([math.nan, 0.0], [1.0, 1.0])
    assert math.isnan(clip_grad_norm_([p, q], 1.0))
    assert np.isnan([p.grad.data, q.grad.data]).all()


def test_clipping_counts_as_an_edit_of_the_gradients():
    (p,) = with_gradients([3.0, 4.0])
    p.grad.requires_grad = True
    y = (p.grad * p.grad).sum()
    clip_grad_norm_(p, 1.0)
    with pytest.raises(RuntimeError, match="changed in place"):
        y.backward()
