"""RMSprop step by step, and the learning rate schedules: their rates from the formulas, resuming, and messages."""

import math

import numpy as np
import pytest
from cases import sides, values
from hypothesis import given
from hypothesis import strategies as st
from tinylucid_kernels import reference

import tinylucid as tl
from tinylucid.optim import SGD, Adam, RMSprop, lr_scheduler
from tinylucid.optim.lr_scheduler import CosineAnnealingLR, LambdaLR, MultiStepLR, OneCycleLR, StepLR

# --- RMSprop ---------------------------------------------------------------------------------------------------------


@given(data=st.data(), momentum=st.sampled_from([0.0, 0.9]), centered=st.booleans())
def test_rmsprop_is_the_formula(data, momentum, centered):
    """Three steps of each element, by the formulas; in place, in its dtype."""
    shape, dtype = sides(data.draw, data.draw(st.integers(0, 2))), data.draw(st.sampled_from([np.float64, np.float32]))
    p = values(data.draw, shape).astype(dtype)
    start = p.copy()
    v, m, b = (np.zeros_like(p) for _ in range(3))
    gradients = [values(data.draw, shape).astype(dtype) for _ in range(3)]
    for g in gradients:
        kept = g.copy()
        extra = m if centered else None, b if momentum else None
        assert reference.rmsprop(p, g, v, *extra, 0.1, 0.9, momentum, 1e-3) is None
        np.testing.assert_array_equal(g, kept)
    for k in np.ndindex(*shape):
        one, square, mean, run = float(start[k]), 0.0, 0.0, 0.0
        for g in gradients:
            square = 0.9 * square + 0.1 * float(g[k]) ** 2
            mean = 0.9 * mean + 0.1 * float(g[k])
            step = float(g[k]) / (math.sqrt(square - (mean**2 if centered else 0)) + 1e-3)
            run = momentum * run + step
            one -= 0.1 * (run if momentum else step)
        close = {"rtol": 1e-10 if dtype == np.float64 else 1e-4, "atol": 1e-5 if dtype == np.float32 else 1e-12}
        np.testing.assert_allclose(p[k], one, **close)
        np.testing.assert_allclose([v[k], m[k] if centered else 0], [square, mean if centered else 0], **close)
    assert p.dtype == v.dtype == dtype


def test_rmsprop_whose_variance_rounds_below_zero():
    """Of equal gradients v − m² tends to 0: no root of a negative number."""
    p, v, m = np.zeros(3, np.float32), np.zeros(3, np.float32), np.zeros(3, np.float32)
    for _ in range(500):
        reference.rmsprop(p, np.full(3, 0.1, np.float32), v, m, None, 1e-3, 0.9, 0.0, 1e-8)
    assert np.isfinite(p).all()


def test_rmsprop_decays_weights_and_keeps_state():
    p = tl.tensor([2.0], dtype=tl.float64, requires_grad=True)
    optimiser = RMSprop([p], lr=0.1, alpha=0.5, eps=0.0, weight_decay=0.5, momentum=0.5)
    p.grad = tl.zeros(1, dtype=tl.float64)
    optimiser.step()  # the gradient is 0.5 · 2 = 1, v = 0.5
    assert p.item() == pytest.approx(2 - 0.1 / math.sqrt(0.5))
    assert sorted(optimiser.state[p]) == ["momentum_buffer", "square_avg"]
    assert sorted(optimiser.state_dict()["state"][0]) == ["momentum_buffer", "square_avg"]


def test_rmsprop_finds_least_squares(rng):
    a, b = rng.normal(size=(30, 4)), rng.normal(size=30)
    w = tl.tensor(np.zeros(4), requires_grad=True)
    optimiser = RMSprop([w], lr=0.05, alpha=0.9)
    schedule = CosineAnnealingLR(optimiser, 400)
    for _ in range(400):
        optimiser.zero_grad()
        tl.mse_loss(a @ w, tl.tensor(b)).backward()
        optimiser.step()
        schedule.step()
    np.testing.assert_allclose(w.data, np.linalg.lstsq(a, b)[0], atol=1e-3)


# --- schedules -------------------------------------------------------------------------------------------------------


def optimiser_of(lr=1.0, make=SGD, **how):
    """An optimiser of one number."""
    return make([tl.zeros(1, requires_grad=True)], lr=lr, **how)


def rates(schedule, steps):
    """The optimiser's rate at 0, and after each step."""
    found = [schedule.optimizer.param_groups[0]["lr"]]
    for _ in range(steps):
        schedule.step()
        found.append(schedule.optimizer.param_groups[0]["lr"])
        assert schedule.get_last_lr() == [found[-1]]
    return found


def test_rates_from_the_formulas():
    assert rates(StepLR(optimiser_of(), 2, 0.5), 5) == [1, 1, 0.5, 0.5, 0.25, 0.25]
    assert rates(MultiStepLR(optimiser_of(), [3, 1, 3], 0.5), 4) == [1, 0.5, 0.5, 0.125, 0.125]
    assert rates(LambdaLR(optimiser_of(4.0), lambda t: 1 / (1 + t)), 3) == [4, 2, 4 / 3, 1]
    cosine = rates(CosineAnnealingLR(optimiser_of(), 4, 0.2), 8)
    np.testing.assert_allclose(cosine[:5], [1, 0.6 + 0.4 * 0.5**0.5, 0.6, 0.6 - 0.4 * 0.5**0.5, 0.2])
    np.testing.assert_allclose(cosine[5:], cosine[3::-1], err_msg="up again")


def test_one_cycle():
    """10 steps, of which 0 … 4 go up: from max/4 to max, then down to max/8; the momentum the other way."""
    optimiser = optimiser_of(momentum=0.5)
    how = {"pct_start": 0.5, "anneal_strategy": "linear", "div_factor": 4, "final_div_factor": 2}
    schedule = OneCycleLR(optimiser, 8.0, 10, base_momentum=0.6, max_momentum=1.0, **how)
    momenta = [optimiser.param_groups[0]["momentum"]]
    found = [optimiser.param_groups[0]["lr"]]
    for _ in range(10):
        schedule.step()
        found.append(optimiser.param_groups[0]["lr"])
        momenta.append(optimiser.param_groups[0]["momentum"])
    np.testing.assert_allclose(found, [2, 3.5, 5, 6.5, 8, 6.6, 5.2, 3.8, 2.4, 1, 1])
    np.testing.assert_allclose(momenta, [1, 0.9, 0.8, 0.7, 0.6, 0.68, 0.76, 0.84, 0.92, 1, 1])
    three = OneCycleLR(optimiser_of(momentum=0.5), 8.0, 10, three_phase=True, **{**how, "pct_start": 0.4})
    np.testing.assert_allclose(rates(three, 9), [2, 4, 6, 8, 6, 4, 2, 5 / 3, 4 / 3, 1])
    adam = optimiser_of(make=Adam)
    OneCycleLR(adam, 1.0, 10)
    assert adam.param_groups[0]["betas"] == (0.95, 0.999)
    half = OneCycleLR(optimiser_of(), 1.0, 10, pct_start=0.5, div_factor=2)
    np.testing.assert_allclose(rates(half, 2)[2], 0.75, err_msg="half-way up a cosine")


def test_one_cycle_without_a_way_up():
    """pct_start · total_steps = 1: the first step is the top already."""
    assert rates(OneCycleLR(optimiser_of(), 2.0, 10, pct_start=0.1), 1)[0] == 2.0


def test_groups_keep_their_own_rates():
    ps = [tl.zeros(1, requires_grad=True) for _ in range(2)]
    optimiser = SGD([{"params": ps[:1]}, {"params": ps[1:], "lr": 0.5}], lr=2.0)
    schedule = LambdaLR(optimiser, [lambda t: 1.0, lambda t: 0.1**t])
    schedule.step()
    assert schedule.get_last_lr() == [2.0, 0.05]


@pytest.mark.parametrize(
    "make",
    [
        lambda o: StepLR(o, 3),
        lambda o: MultiStepLR(o, [2, 5]),
        lambda o: CosineAnnealingLR(o, 7),
        lambda o: LambdaLR(o, lambda t: 0.9**t),
        lambda o: OneCycleLR(o, 1.0, 12),
    ],
)
def test_saved_and_loaded_it_goes_on(make):
    """A new optimiser and schedule, loaded with the states of the old, set the rates that the old ones would have set."""
    optimiser = optimiser_of(0.3)
    schedule = make(optimiser)
    rates(schedule, 4)
    saved = optimiser.state_dict(), schedule.state_dict()
    expected = rates(schedule, 6)
    again = optimiser_of(123.0)
    other = make(again)
    again.load_state_dict(saved[0])
    other.load_state_dict(saved[1])
    assert rates(other, 6) == expected
    assert other.last_epoch == schedule.last_epoch == 10


def test_a_second_schedule_starts_from_the_initial_rate():
    optimiser = optimiser_of()
    rates(StepLR(optimiser, 1), 3)
    assert rates(CosineAnnealingLR(optimiser, 10), 0) == [1.0]


class Halved(lr_scheduler.LRScheduler):
    """A schedule of one's own."""

    def get_lr(self):
        return [lr * 0.5**self.last_epoch for lr in self.base_lrs]


def test_a_schedule_of_ones_own():
    assert rates(Halved(optimiser_of()), 2) == [1, 0.5, 0.25]


P = optimiser_of()


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: StepLR([1], 3), TypeError, "StepLR: expected an optimiser, got list"),
        (lambda: LambdaLR([1], abs), TypeError, "LambdaLR: expected an optimiser, got list"),
        (lambda: OneCycleLR(None, 1.0, 3), TypeError, "OneCycleLR: expected an optimiser, got NoneType"),
        (lambda: StepLR(P, 0), ValueError, "step_size must be at least 1, got 0"),
        (lambda: CosineAnnealingLR(P, 0), ValueError, "T_max must be at least 1, got 0"),
        (lambda: LambdaLR(P, [abs, abs]), ValueError, "lr_lambda has 2 entries, the optimiser 1 groups"),
        (lambda: StepLR(optimiser_of(), 3, last_epoch=4), KeyError, "last_epoch=4.*group 0 has no 'initial_lr'"),
        (lambda: OneCycleLR(P, 1.0, epochs=3), ValueError, "give total_steps, or epochs and steps_per_epoch"),
        (lambda: OneCycleLR(P, 1.0, 0), ValueError, "at least one step, got 0"),
        (lambda: OneCycleLR(P, 1.0, 5, pct_start=2), ValueError, r"pct_start must be in \[0, 1\], got 2"),
        (lambda: OneCycleLR(P, 1.0, 5, anneal_strategy="x"), ValueError, "'cos' or 'linear', got 'x'"),
        (lambda: OneCycleLR(P, [1.0, 2.0], 5), ValueError, "max_lr has 2 entries, the optimiser 1 groups"),
        (lambda: OneCycleLR(Plain(), 1.0, 5), ValueError, "no momentum to cycle; pass cycle_momentum=False"),
        (lambda: rates(OneCycleLR(optimiser_of(), 1.0, 3), 4), ValueError, "step 4 is beyond the 3 steps of the cycle"),
        (lambda: lr_scheduler.LRScheduler(P), NotImplementedError, "LRScheduler defines no get_lr"),
        (lambda: RMSprop([tl.zeros(1)], alpha=1.0), ValueError, r"alpha must be in \[0, 1\), got 1.0"),
        (lambda: RMSprop([tl.zeros(1)], momentum=-1), ValueError, "momentum must be in .* got -1"),
    ],
)
def test_messages(make, error, words):
    with pytest.raises(error, match=words):
        make()


class Plain(tl.optim.Optimizer):
    """An optimiser without a momentum."""

    def __init__(self):
        super().__init__([tl.zeros(1)], {"lr": 0.1})
