"""Meaningful perturbation: its objective and its descent by loops without autograd, and what the mask must find."""

from functools import partial

import numpy as np
import pytest
from explained import CLASSES, Folded, central, folded_average, linear_net, logits, pictures, pooled_net
from hypothesis import assume, given
from hypothesis import strategies as st
from words import check_message

import tinylucid as tl
from tinylucid.explain import meaningful_perturbation
from tinylucid.explain.gradients import slope
from tinylucid.explain.perturbation import answer, penalty

seeds = st.integers(0, 10**6)
prices = st.just(0.0) | st.floats(1e-3, 3)  # beside 1e-300 the gradient checker's difference quotients are 0
each_net = pytest.mark.parametrize("make", [linear_net, Folded, folded_average])


def enlarged(m):
    """Masks (..., h, w) at 6 × 6, bilinear: place a weighs 1 − its distance from where the pixel's middle falls."""
    down, across = np.zeros((6, m.shape[-2])), np.zeros((6, m.shape[-1]))
    for weights in (down, across):
        for p in range(6):
            for a in range(weights.shape[1]):
                middle = min(max((p + 0.5) * weights.shape[1] / 6 - 0.5, 0), weights.shape[1] - 1)
                weights[p, a] = max(0, 1 - abs(middle - a))
    return down @ m @ across.T


def objective(net, x, b, target, m, area, smooth):
    """Equation 3 for one picture and masks (M, h, w), in shares of what there is to lose, by loops over places."""
    keep = enlarged(m)[:, None]
    whole, nothing = logits(net, np.stack([x, b]))[:, target]
    return logits(net, keep * x + (1 - keep) * b)[:, target] / abs(whole - nothing) + penalties(m, area, smooth)


def penalties(m, area, smooth):
    h, w = m.shape[1:]
    total = np.zeros(len(m))
    for i in range(h):
        for j in range(w):
            total += area * (1 - m[:, i, j]) / (h * w)
            if i + 1 < h:
                total += smooth * np.abs(m[:, i + 1, j] - m[:, i, j]) ** 3 / ((h - 1) * w)
            if j + 1 < w:
                total += smooth * np.abs(m[:, i, j + 1] - m[:, i, j]) ** 3 / (h * (w - 1))
    return total


@given(seed=seeds, h=st.integers(1, 5), w=st.integers(1, 5), area=prices, smooth=prices)
def test_the_penalty_is_its_loop_and_passes_the_gradient_checker(seed, h, w, area, smooth):
    m = tl.Generator(seed).uniform((2, 1, h, w), tl.float64)
    assert penalty(tl.Tensor(m), area, smooth).data == pytest.approx(penalties(m[:, 0], area, smooth), rel=1e-12)
    assert tl.gradcheck(lambda m: penalty(m, area, smooth), m)


@each_net
@given(seed=seeds, h=st.integers(1, 4), w=st.integers(1, 4))
def test_the_gradient_in_the_mask_is_the_central_difference(make, seed, h, w):
    rng = tl.Generator(seed)
    net, x, b, target = make(rng).eval(), pictures(rng), pictures(rng), rng.integers(0, CLASSES, (2,))
    m = rng.uniform((2, 1, h, w), tl.float64)
    leaf = tl.Tensor(m, requires_grad=True)
    numbers = answer(net, x, b, target, leaf)
    found = slope(numbers, leaf, "the mask")
    for i in range(2):
        keep = enlarged(m[i])[:, None]
        assert numbers.data[i] == pytest.approx(logits(net, keep * x[i] + (1 - keep) * b[i])[0, target[i]], rel=1e-9)
        f = lambda m, i=i: logits(net, enlarged(m) * x[i] + (1 - enlarged(m)) * b[i])[:, target[i]]
        assert found[i] == pytest.approx(central(f, m[i]), abs=1e-7)


@each_net
@given(seed=seeds, area=st.floats(0.1, 2), smooth=st.floats(0, 1))
def test_the_map_is_the_loop_of_its_descent(make, seed, area, smooth):
    rng = tl.Generator(seed)
    net, x, b, target = make(rng), pictures(rng), pictures(rng), rng.integers(0, CLASSES, (2,))
    maps = meaningful_perturbation(net, x, target, baseline=b, size=(2, 3), area=area, smooth=smooth, steps=4, lr=0.2)
    for i in range(2):
        whole, nothing = logits(net, np.stack([x[i], b[i]]))[:, target[i]]
        assume(abs(whole - nothing) > 0.01)
        m, first, second = np.ones((2, 3)), 0, 0
        for step in range(1, 5):
            f = lambda m, i=i: logits(net, enlarged(m)[:, None] * x[i] + (1 - enlarged(m)[:, None]) * b[i])[
                :, target[i]
            ]
            g = central(f, m) / abs(whole - nothing) - area / 6
            down, across = m[1:] - m[:-1], m[:, 1:] - m[:, :-1]
            for p, q in [(0, 0), (0, 1), (0, 2)]:
                pull = smooth * 3 * down[p, q] ** 2 * np.sign(down[p, q]) / 3
                g[p + 1, q] += pull
                g[p, q] -= pull
            for p, q in [(0, 0), (0, 1), (1, 0), (1, 1)]:
                pull = smooth * 3 * across[p, q] ** 2 * np.sign(across[p, q]) / 4
                g[p, q + 1] += pull
                g[p, q] -= pull
            first, second = 0.9 * first + 0.1 * g, 0.999 * second + 0.001 * g**2
            m = m - 0.2 * (first / (1 - 0.9**step)) / (np.sqrt(second / (1 - 0.999**step)) + 1e-8)
            m = np.minimum(np.maximum(m, 0), 1)
        assert maps[i] == pytest.approx(1 - enlarged(m), abs=1e-4)


@each_net
@given(seed=seeds)
def test_the_objective_falls(make, seed):
    rng = tl.Generator(seed)
    net, x, b = make(rng), pictures(rng, 3), pictures(rng, 3)
    maps = meaningful_perturbation(net, x, 1, baseline=b, size=6, steps=40, area=0.5)
    assert 0 <= maps.min() <= maps.max() <= 1
    falls = []
    for i in range(3):
        if maps[i].any():
            before, after = objective(net, x[i], b[i], 1, np.stack([np.ones((6, 6)), 1 - maps[i]]), 0.5, 0.2)
            falls.append(before - after)
    assert min(falls, default=1) > 0  # of one picture it may be next to nothing
    assert sum(falls, start=not falls) > 1e-3


def test_the_mask_has_as_many_rows_and_columns_as_one_says_at_most_one_a_pixel():
    rng = tl.Generator(0)
    net, x = pooled_net(rng), rng.normal((2, 2, 5, 9), tl.float64)
    run = lambda size: meaningful_perturbation(net, x, 1, size=size, steps=4)
    row, column = run((1, 3)), run((3, 1))
    assert row == pytest.approx(row[:, :1].repeat(5, 1), abs=1e-12)
    assert column == pytest.approx(column[:, :, :1].repeat(9, 2), abs=1e-12)
    assert row.std(2).min() > 0.001 < column.std(1).min()
    assert np.array_equal(run(99), run((5, 9)))


@given(seed=seeds)
def test_a_row_of_a_batch_is_the_single_run(seed):
    rng = tl.Generator(seed)
    net, x, target = Folded(rng), pictures(rng, 4), rng.integers(0, CLASSES, (4,))
    run = partial(meaningful_perturbation, net, steps=8, size=4)
    maps = run(x, target)
    assert maps.shape == (4, 6, 6)
    for k in range(4):
        assert np.allclose(maps[k], run(x[k : k + 1], target[k])[0], atol=1e-7)


@pytest.mark.parametrize("place", [(4, 8), (12, 4), (8, 0)])
def test_what_had_to_be_deleted_is_the_patch_that_the_answer_depends_on(place):
    i, j = place
    x = 1 + 0.3 * tl.Generator(1).uniform((2, 1, 16, 16), tl.float64)
    patch = np.zeros((16, 16))
    patch[i : i + 4, j : j + 4] = 1
    net = lambda x: tl.relu((x * patch).sum((2, 3)) + 1)
    maps = meaningful_perturbation(net, x, 0, baseline=0, size=8)
    inside = (maps * patch).sum((1, 2)) / maps.sum((1, 2))
    assert inside.min() > 5 * patch.mean()  # the rest is the mask's slope: places beside the patch reach into it
    assert (maps[:, i + 1 : i + 3, j + 1 : j + 3]).min() > 0.9
    assert (net(tl.Tensor(x * (1 - maps[:, None]))).data < 0.2 * net(tl.Tensor(x)).data).all()
    far = np.abs(np.arange(16) - i - 1.5)[:, None] + 0 * np.arange(16) > 5
    assert maps[:, far].max() == 0


def test_a_larger_price_deletes_less_and_a_smoother_mask_has_smaller_steps():
    rng = tl.Generator(2)
    net, x = Folded(rng), pictures(rng, 4)
    run = lambda **given: meaningful_perturbation(net, x, 1, baseline=0, size=6, **given)
    assert run(area=3).sum() < run(area=1).sum() < run(area=0.1).sum()
    steps = lambda maps: (np.abs(np.diff(maps, axis=1)) ** 3).sum() + (np.abs(np.diff(maps, axis=2)) ** 3).sum()
    assert steps(run(smooth=5)) < steps(run(smooth=0))
    assert np.array_equal(run(), meaningful_perturbation(net, x, 1, baseline=0))  # at most one a pixel


@given(seed=seeds)
def test_what_speaks_against_the_class_is_kept(seed):
    rng = tl.Generator(seed)
    w = rng.normal((1, 1, 4, 4), tl.float64)
    maps = meaningful_perturbation(lambda x: (x * w).sum((2, 3)), np.ones((1, 1, 4, 4)), 0, baseline=0, size=4)
    assert maps[0][w[0, 0] <= 0].max(initial=0) < 0.5  # only the mean of neighbours may pull it
    free = meaningful_perturbation(
        lambda x: (x * w).sum((2, 3)), np.ones((1, 1, 4, 4)), 0, baseline=0, size=4, smooth=0, steps=200
    )
    dear = abs(w.sum()) / 16  # a place is deleted if it carries more than its share
    assert free[0][w[0, 0] < 0.9 * dear].max(initial=0) == 0
    assert free[0][w[0, 0] > 1.1 * dear].min(initial=1) == 1


def test_a_picture_with_nothing_to_lose_gets_nothing_beside_one_that_has():
    rng = tl.Generator(3)
    net, x = Folded(rng), pictures(rng, 3)
    x[1] = 0.3  # blurred it is what it was, to rounding
    maps = meaningful_perturbation(net, x, 1)
    assert np.array_equal(maps[1], np.zeros((6, 6)))
    assert maps[0].max() > 0.1
    dead = lambda x: tl.relu(x.sum((2, 3)) - 1e6)  # whose answer is always 0
    assert np.array_equal(meaningful_perturbation(dead, x, 0), np.zeros((3, 6, 6)))
    single = meaningful_perturbation(net.to(tl.float32), x.astype(np.float32), 1)
    assert np.array_equal(single[1], np.zeros((6, 6)))


@pytest.mark.parametrize("last", [0.3, 0.1 + 0.2])
def test_an_answer_that_is_the_same_to_rounding_is_nothing_to_lose_although_its_parts_cancel(last):
    x = np.array([[[[0.1, 0.2], [-last, 0]]]])
    model = lambda x: x.sum((2, 3)) + 0.1
    assert (logits(model, x)[0, 0] == logits(model, 0 * x)[0, 0]) == (last != 0.3)
    assert not meaningful_perturbation(model, x, 0, baseline=0, area=0).any()
    assert meaningful_perturbation(model, x + 0.01, 0, baseline=0, area=0).any()


@pytest.mark.parametrize(
    ("given", "error", "words"),
    [
        ({"steps": 0}, ValueError, "meaningful_perturbation: steps must be|got 0"),
        ({"size": 0}, ValueError, "size must be an integer ≥ 1|got 0"),
        ({"size": (2, 2.5)}, ValueError, "size must be|got (2, 2.5)"),
        ({"area": -1}, ValueError, "area must be at least 0, got -1"),
        ({"smooth": float("nan")}, ValueError, "smooth must be at least 0, got nan"),
        ({"lr": 0}, ValueError, "lr must be above 0, got 0"),
        ({"baseline": "grey"}, ValueError, "mean, blur|got 'grey'"),
        ({"target": 4}, ValueError, "target 4 is outside 0 … 3"),
        ({"x": np.zeros((2, 6, 6))}, ValueError, "(N, C, H, W)|(2, 6, 6)"),
        ({"x": np.zeros((3, 2, 6, 6), int)}, TypeError, "only float32 and float64|int64"),
        ({"model": lambda x: x.detach().sum((2, 3))}, RuntimeError, "no gradient in the mask|detach"),
        ({"model": lambda x: x.sum((2, 3)) * np.nan}, ValueError, "NaN for picture 0"),
    ],
)
def test_misuse_has_messages(given, error, words):
    call = {"model": linear_net(tl.Generator(0)), "x": np.zeros((3, 2, 6, 6)), "target": 1, **given}
    check_message(lambda: meaningful_perturbation(**call), error, words)
