"""RMSprop and the learning rate schedules against PyTorch."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import tinylucid as tl

from .compare import array, both_raise, close, noise
from .test_nn_optim import SHAPES, train, trajectory

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.parity

# --- RMSprop ---------------------------------------------------------------------------------------------------------


@st.composite
def rmsprop_settings(draw):
    """Any settings of RMSprop; one left out takes its default."""
    choices = {
        "lr": [1e-2, 0.1, 0.0],
        "alpha": [0.99, 0.5, 0.0],
        "eps": [1e-8, 1e-3, 1.0],
        "weight_decay": [0.0, 0.1],
        "momentum": [0.0, 0.9],
        "centered": [False, True],
    }
    how = {name: draw(st.sampled_from(values)) for name, values in choices.items() if draw(st.booleans())}
    if how.get("centered") and how.get("alpha") == 0.0:  # g² − g²: nothing but rounding under the root
        how["alpha"] = 0.5
    return how


@given(how=rmsprop_settings(), seed=st.integers(0, 999), reload=st.sampled_from([-1, 2, 4]), data=st.data())
def test_rmsprop(how, seed, reload, data):
    """Every step of every parameter, in both dtypes."""
    missing = data.draw(st.sets(st.tuples(st.integers(0, 6), st.integers(0, 2)), max_size=4))
    for dtype, tolerance in (("float64", 1e-9), ("float32", 1e-5)):
        if dtype == "float32" and how.get("centered"):  # v − m² may cancel
            continue
        ours, theirs = (trajectory(t, "RMSprop", how, dtype, seed, missing, reload) for t in (tl, torch))
        for a, b in zip(ours, theirs):
            close(a, b, f"RMSprop in {dtype}", tolerance)


@pytest.mark.parametrize("shape", [(), (0, 2), (3, 1, 2)])
def test_rmsprop_of_any_shape(shape):
    found = []
    for t in (tl, torch):
        p = t.tensor(noise(shape, 0), requires_grad=True)
        optimiser = t.optim.RMSprop([p], centered=True, momentum=0.5)
        for k in range(3):
            p.grad = t.tensor(noise(shape, k))
            optimiser.step()
        found.append(array(p))
    close(*found)


def test_rmsprop_defaults():
    ours, theirs = (t.optim.RMSprop([t.zeros(2)]).param_groups[0] for t in (tl, torch))
    assert {**ours, "params": None} == {**{name: theirs[name] for name in ours}, "params": None}


def test_training_with_rmsprop():
    how = {"lr": 1e-3, "momentum": 0.5, "weight_decay": 1e-3}
    for a, b in zip(train(tl, "RMSprop", how, "float64"), train(torch, "RMSprop", how, "float64")):
        close(a, b, tolerance=1e-8)


# --- schedules -------------------------------------------------------------------------------------------------------


def optimiser_of(t, name="SGD", **how):
    """An optimiser with two groups."""
    ps = [t.zeros(s, requires_grad=True) for s in SHAPES]
    return getattr(t.optim, name)([{"params": ps[:2]}, {"params": ps[2:], "lr": 0.3}], **{"lr": 0.1, **how})


def settings(optimiser):
    """The rates and momenta in force."""
    return [x for g in optimiser.param_groups for x in (g["lr"], g.get("momentum", 0), *g.get("betas", ()))]


def course(t, schedule, how, steps, reload=None, name="SGD"):
    """The settings before the first step and after each, and what the schedule says; it may be saved and loaded."""
    optimiser = optimiser_of(t, name)
    make = lambda optimiser: getattr(t.optim.lr_scheduler, schedule)(optimiser, **how)
    scheduler = make(optimiser)
    found = [[*settings(optimiser), *scheduler.get_last_lr()]]
    for k in range(steps):
        optimiser.step()
        scheduler.step()
        found.append([*settings(optimiser), *scheduler.get_last_lr()])
        if k == reload:
            saved = optimiser.state_dict(), scheduler.state_dict()
            optimiser = optimiser_of(t, name)
            scheduler = make(optimiser)
            optimiser.load_state_dict(saved[0])
            scheduler.load_state_dict(saved[1])
    return np.array(found, float)


def same_course(schedule, how, steps=25, reload=None, name="SGD"):
    """Assert that both libraries set the same."""
    np.testing.assert_allclose(
        *(course(t, schedule, how, steps, reload, name) for t in (tl, torch)), rtol=1e-9, atol=1e-12
    )


gammas = st.sampled_from([0.1, 0.5, 0.97, 1.0, 1.1])
reloads = st.sampled_from([None, 0, 3])


@given(step_size=st.integers(1, 9), gamma=gammas, reload=reloads)
def test_step_lr(step_size, gamma, reload):
    same_course("StepLR", {"step_size": step_size, "gamma": gamma}, reload=reload)


@given(milestones=st.lists(st.integers(0, 30), max_size=5), gamma=gammas, reload=reloads)
def test_multi_step_lr(milestones, gamma, reload):
    """In any order, some of them twice."""
    same_course("MultiStepLR", {"milestones": sorted(milestones), "gamma": gamma}, reload=reload)


@given(T_max=st.integers(1, 40), eta_min=st.sampled_from([0.0, 1e-3, 0.2]), reload=reloads)
def test_cosine_annealing_lr(T_max, eta_min, reload):
    """Beyond T_max too, where it rises again."""
    same_course("CosineAnnealingLR", {"T_max": T_max, "eta_min": eta_min}, reload=reload)


@given(seed=st.integers(0, 999), listed=st.booleans(), reload=reloads)
def test_lambda_lr(seed, listed, reload):
    rates = noise((26,), seed) ** 2
    functions = [lambda t: rates[t], lambda t: 1 / (1 + t)]
    same_course("LambdaLR", {"lr_lambda": functions if listed else functions[0]}, reload=reload)


@given(
    total=st.integers(2, 25),
    pct_start=st.sampled_from([0.0, 0.1, 0.3, 0.45]),
    how=st.fixed_dictionaries(
        {},
        optional={
            "anneal_strategy": st.sampled_from(["cos", "linear"]),
            "base_momentum": st.sampled_from([0.7, [0.6, 0.8]]),
            "max_momentum": st.sampled_from([0.9, [0.95, 0.85]]),
            "div_factor": st.sampled_from([10.0, 2.0]),
            "final_div_factor": st.sampled_from([1.0, 100.0]),
            "three_phase": st.booleans(),
            "cycle_momentum": st.booleans(),
        },
    ),
    max_lr=st.sampled_from([0.5, [0.5, 2.0]]),
    name=st.sampled_from(["SGD", "Adam", "RMSprop"]),
    reload=reloads,
)
def test_one_cycle_lr(total, pct_start, how, max_lr, name, reload):
    assume(
        abs(pct_start * total - 1) > 1e-9 and not (how.get("three_phase") and pct_start == 0)
    )  # PyTorch divides by 0
    how = {"max_lr": max_lr, "total_steps": total, "pct_start": pct_start, **how}
    same_course("OneCycleLR", how, total - 1, reload, name)


def test_one_cycle_by_epochs():
    same_course("OneCycleLR", {"max_lr": 1.0, "epochs": 3, "steps_per_epoch": 5}, 14)


@pytest.mark.parametrize("last_epoch", [0, 3, 9])
def test_going_on_after_an_epoch(last_epoch):
    """last_epoch and the groups' initial_lr are enough to go on."""
    found = []
    for t in (tl, torch):
        optimiser = optimiser_of(t)
        for group in optimiser.param_groups:
            group["initial_lr"] = group["lr"]
            group["lr"] *= 0.5 ** (last_epoch // 4)
        scheduler = t.optim.lr_scheduler.StepLR(optimiser, 4, 0.5, last_epoch)
        optimiser.step()
        scheduler.step()
        found.append([*settings(optimiser), scheduler.last_epoch])
    np.testing.assert_allclose(*found)


def schedule(t, name, *args, optimiser="SGD", **how):
    """A schedule of a fresh optimiser."""
    return getattr(t.optim.lr_scheduler, name)(optimiser_of(t, optimiser), *args, **how)


REFUSED = {
    "no optimiser": lambda t: t.optim.lr_scheduler.StepLR([t.zeros(1)], 3),
    "no initial_lr": lambda t: schedule(t, "StepLR", 3, last_epoch=4),
    "how many functions": lambda t: schedule(t, "LambdaLR", [lambda k: k]),
    "no steps": lambda t: schedule(t, "OneCycleLR", 1.0),
    "steps 0": lambda t: schedule(t, "OneCycleLR", 1.0, 0),
    "pct_start": lambda t: schedule(t, "OneCycleLR", 1.0, 10, pct_start=1.5),
    "anneal_strategy": lambda t: schedule(t, "OneCycleLR", 1.0, 10, anneal_strategy="sine"),
    "how many rates": lambda t: schedule(t, "OneCycleLR", [1.0], 10),
    "how many momenta": lambda t: schedule(t, "OneCycleLR", 1.0, 10, max_momentum=[0.5]),
    "beyond the last step": lambda t: [(s := schedule(t, "OneCycleLR", 1.0, 3)), *[s.step() for _ in range(4)]],
    "no get_lr": lambda t: t.optim.lr_scheduler.LRScheduler(optimiser_of(t)),
    "RMSprop: eps": lambda t: t.optim.RMSprop([t.zeros(1)], eps=-1.0),
    "RMSprop: alpha": lambda t: t.optim.RMSprop([t.zeros(1)], alpha=-0.1),
    "RMSprop: momentum": lambda t: t.optim.RMSprop([t.zeros(1)], momentum=-0.1),
}


@pytest.mark.filterwarnings("ignore:Detected call of `lr_scheduler.step")
@pytest.mark.parametrize("name", REFUSED)
def test_both_refuse(name):
    both_raise(REFUSED[name])
