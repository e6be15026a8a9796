"""Deletion, insertion, pixel flipping, infidelity and the two sensitivities, by literal loops, and what must hold exactly."""

import itertools

import numpy as np
import pytest
from explained import CLASSES, Folded, folded_average, linear_net, logits, pictures, pooled_net, state_of
from hypothesis import given
from hypothesis import strategies as st
from words import check_message

import tinylucid as tl
from tinylucid.explain import gradient
from tinylucid.explain.evaluate import (
    deletion,
    infidelity,
    insertion,
    max_sensitivity,
    pixel_flipping,
    sensitivity_n,
)

seeds = st.integers(0, 10**6)
each_net = pytest.mark.parametrize("make", [linear_net, Folded, folded_average])
each_size = pytest.mark.parametrize(
    ("make", "size"), [(linear_net, (6, 6)), (Folded, (6, 6)), (folded_average, (6, 6)), (pooled_net, (5, 8))]
)
RUNS = {  # each measure as measure(net, x, target, maps, batch_size)
    "deletion": lambda *of, **more: deletion(*of, steps=7, **more),
    "insertion": lambda *of, **more: insertion(*of, steps=7, baseline=[0, "mean"], **more),
    "pixel flipping": lambda *of, **more: pixel_flipping(*of, region=2, **more),
    "infidelity": lambda *of, **more: infidelity(*of, n=5, **more),
    "sensitivity-n": lambda *of, **more: sensitivity_n(*of, size=9, n=5, **more),
    "max-sensitivity": lambda net, x, t, maps, **more: max_sensitivity(net, x, t, gradient, n=5, **more),
}
each_measure = pytest.mark.parametrize("measure", RUNS.values(), ids=RUNS)


def arrays(found):
    """All the arrays of a result that hold one row a picture."""
    return list(found[1:]) if isinstance(found, tuple) else [found]


def coarse(rng, shape):
    """Maps with many equal values."""
    return rng.integers(-2, 3, shape).astype(float)


def mean_colour(x):
    """The picture's mean colour everywhere."""
    base = np.empty_like(x)
    for c in range(len(x)):
        base[c] = x[c].mean()
    return base


def most_relevant_first(plane):
    """Its places (i, j), the largest value first, equals in row-major order."""
    places = [(i, j) for i in range(plane.shape[0]) for j in range(plane.shape[1])]
    return sorted(places, key=lambda place: -plane[place])  # sorted keeps the order of equals


def replaced(picture, other, places):
    """The picture with ``other`` at the places."""
    out = picture.copy()
    for i, j in places:
        out[:, i, j] = other[:, i, j]
    return out


def area_under(fractions, values):
    pieces = zip(itertools.pairwise(fractions), itertools.pairwise(values))
    return sum((b - a) * (u + v) / 2 for (a, b), (u, v) in pieces)


# --- deletion and insertion -------------------------------------------------------------------------------------------


@each_size
@given(seed=seeds, steps=st.integers(1, 45), like_x=st.booleans())
def test_deletion_and_insertion_are_the_loops_of_their_definitions(make, size, seed, steps, like_x):
    rng, places = tl.Generator(seed), size[0] * size[1]
    net, x, target = make(rng), rng.normal((2, 2, *size), tl.float64), rng.integers(0, CLASSES, (2,))
    maps = coarse(rng, x.shape if like_x else (2, *size))
    gone, come = deletion(net, x, target, maps, steps=steps), insertion(net, x, target, maps, steps=steps)
    counts = sorted({round(places * s / steps) for s in range(steps + 1)})
    assert gone.fractions.tolist() == [c / places for c in counts]
    assert come.fractions.tolist() == [(places - c) / places for c in reversed(counts)]
    for k in range(2):
        order = most_relevant_first(maps[k].sum(0) if like_x else maps[k])
        base = mean_colour(x[k])
        for found, start, end in ((gone, x[k], base), (come, base, x[k])):
            shown = np.stack([replaced(start, end, order[: round(places * f)]) for f in found.fractions])
            expected = logits(net, shown)[:, target[k]]
            assert found.answers[k] == pytest.approx(expected, rel=1e-9, abs=1e-11)
            assert found.area[k] == pytest.approx(area_under(found.fractions, expected), rel=1e-9, abs=1e-10)


@each_net
@given(seed=seeds, steps=st.integers(1, 40))
def test_deletion_is_the_insertion_of_the_reversed_ranking_read_backwards(make, seed, steps):
    rng = tl.Generator(seed)
    net, x = make(rng), pictures(rng)
    maps = np.stack([rng.permutation(36).reshape(6, 6) for _ in range(2)])  # no ties: −maps is the reversed ranking
    gone, come = deletion(net, x, 1, maps, steps=steps), insertion(net, x, 1, -maps, steps=steps)
    assert np.allclose(gone.answers, come.answers[:, ::-1], rtol=1e-12, atol=1e-12)
    assert np.allclose(gone.area, come.area, rtol=1e-12, atol=1e-12)


def test_of_an_odd_number_of_places_the_curves_are_mirrored_too():
    rng = tl.Generator(7)
    net, x, maps = pooled_net(rng), rng.normal((1, 2, 5, 5), tl.float64), rng.permutation(25).reshape(1, 5, 5)
    gone, come = deletion(net, x, 1, maps, steps=2), insertion(net, x, 1, -maps, steps=2)
    assert gone.fractions.tolist() == [0, 12 / 25, 1]
    assert come.fractions.tolist() == [0, 13 / 25, 1]
    assert np.allclose(gone.answers, come.answers[:, ::-1], rtol=1e-12, atol=1e-12)
    assert come.area == pytest.approx(gone.area)


@given(seed=seeds, baseline=st.sampled_from(["mean", 0.5]))
def test_on_a_linear_net_the_ranking_by_its_terms_is_the_best_of_all_rankings(seed, baseline):
    rng = tl.Generator(seed)
    net = tl.nn.Sequential(tl.nn.Flatten(), tl.nn.Linear(8, 3)).to(tl.float64)
    x = rng.normal((1, 2, 2, 2), tl.float64)
    b = mean_colour(x[0])[None] if baseline == "mean" else np.full_like(x, baseline)
    terms = net[1].weight.data[1].reshape(1, 2, 2, 2) * (x - b)
    of = {"baseline": baseline, "steps": 4}
    rankings = [np.reshape(order, (1, 2, 2)) for order in itertools.permutations(range(4))]
    assert deletion(net, x, 1, terms, **of).area == pytest.approx(
        min(deletion(net, x, 1, r, **of).area for r in rankings)
    )
    assert insertion(net, x, 1, terms, **of).area == pytest.approx(
        max(insertion(net, x, 1, r, **of).area for r in rankings)
    )


def test_both_ends_are_the_picture_and_the_baseline_whatever_the_maps():
    rng = tl.Generator(1)
    net, x = Folded(rng), pictures(rng, 3)
    gone = deletion(net, x, 1, np.zeros_like(x), baseline=0.25, steps=5)
    assert gone.fractions.tolist() == [0, 7 / 36, 14 / 36, 22 / 36, 29 / 36, 1]
    assert gone.answers[:, 0] == pytest.approx(logits(net, x)[:, 1])
    assert gone.answers[:, -1] == pytest.approx(logits(net, np.full_like(x, 0.25))[:, 1])
    first = x.copy()
    first[:, :, 0], first[:, :, 1, 0] = 0.25, 0.25  # seven equals in row-major order
    assert gone.answers[:, 1] == pytest.approx(logits(net, first)[:, 1])


def test_over_several_baselines_the_curve_is_their_mean():
    rng = tl.Generator(2)
    net, x = Folded(rng), pictures(rng)
    run = lambda baseline: insertion(net, x, 1, x, baseline=baseline)
    assert np.allclose(run([0, "mean"]).answers, (run(0).answers + run("mean").answers) / 2)
    assert np.allclose(run([0, "mean"]).area, (run(0).area + run("mean").area) / 2)


# --- pixel flipping ---------------------------------------------------------------------------------------------------


@each_size
@given(seed=seeds, region=st.integers(1, 9), steps=st.none() | st.integers(1, 40))
def test_pixel_flipping_is_the_loop_of_its_definition(make, size, seed, region, steps):
    rng, (h, w) = tl.Generator(seed), size
    net, target = make(rng), rng.integers(0, CLASSES, (2,))
    x = rng.normal((2, 2, h, w), tl.float64) * [[[[1]]], [[[5]]]]
    maps = coarse(rng, x.shape)
    found = pixel_flipping(net, x, target, maps, region=region, steps=steps, rng=tl.Generator(seed))
    shares = tl.Generator(seed).uniform((2, h, w), tl.float64)
    corners = [(i, j) for i in range(0, h, region) for j in range(0, w, region)]
    inside = lambda i, j: [(p, q) for p in range(i, min(i + region, h)) for q in range(j, min(j + region, w))]
    taken = min(steps or len(corners), len(corners))
    assert found.fractions.tolist() == [k / len(corners) for k in range(taken + 1)]
    for k in range(2):
        noise = x[k].min() + (x[k].max() - x[k].min()) * shares
        order = sorted(corners, key=lambda corner: -sum(maps[k, :, p, q].sum() for p, q in inside(*corner)))
        versions = [x[k]]
        for corner in order[:taken]:
            versions.append(replaced(versions[-1], noise, inside(*corner)))
        expected = logits(net, np.stack(versions))[:, target[k]]
        assert found.answers[k] == pytest.approx(expected, rel=1e-9, abs=1e-11)
        assert found.aopc[k] == pytest.approx(sum(expected[0] - e for e in expected) / (taken + 1), rel=1e-9, abs=1e-10)


# --- infidelity -------------------------------------------------------------------------------------------------------


@each_net
@given(seed=seeds)
def test_infidelity_is_the_loop_of_its_definition(make, seed):
    rng, n = tl.Generator(seed), 4
    net, x, target = make(rng), pictures(rng) * [[[[1]]], [[[5]]]], rng.integers(0, CLASSES, (2,))
    maps, noise = rng.normal(x.shape, tl.float64), tl.Generator(seed)
    expected = np.zeros(2)
    for _ in range(n):
        epsilon = noise.normal((2, 6, 6), tl.float64)
        for k in range(2):
            step = 0.3 * (x[k].max() - x[k].min()) * epsilon
            before, after = logits(net, np.stack([x[k], x[k] - step]))[:, target[k]]
            expected[k] += ((step * maps[k]).sum() - (before - after)) ** 2 / n
    found = infidelity(net, x, target, maps, n=n, level=0.3, rng=tl.Generator(seed))
    assert found == pytest.approx(expected, rel=1e-8)


@given(seed=seeds, level=st.floats(0, 2), radius=st.floats(0, 2))
def test_on_a_linear_net_the_gradient_is_faithful_and_holds_still(seed, level, radius):
    rng = tl.Generator(seed)
    net, x = linear_net(rng), pictures(rng, 3)
    maps = gradient(net, x, 2)
    assert np.abs(infidelity(net, x, 2, maps, n=5, level=level)).max() < 1e-20
    assert np.abs(max_sensitivity(net, x, 2, gradient, n=5, radius=radius)).max() < 1e-12
    assert infidelity(net, x, 2, maps + 1, n=5, level=0.1).min() > 1e-4


# --- max-sensitivity --------------------------------------------------------------------------------------------------


def squares(net, x, target):
    """A method that follows the picture: its maps are planes."""
    return (np.asarray(x) ** 2).sum(1)


@given(seed=seeds, planes=st.booleans())
def test_max_sensitivity_is_the_loop_of_its_definition(seed, planes):
    rng, n = tl.Generator(seed), 4
    net, x = Folded(rng), pictures(rng) * [[[[1]]], [[[5]]]]
    method, shares = squares if planes else gradient, tl.Generator(seed)
    expected = np.zeros(2)
    for _ in range(n):
        u = shares.uniform((2, 6, 6), tl.float64)
        for k in range(2):
            delta = 0.1 * (x[k].max() - x[k].min()) * (2 * u - 1)
            here, there = method(net, x[k : k + 1], 1), method(net, x[k : k + 1] + delta, 1)
            change, size = (sum(v * v for v in m.flat) ** 0.5 for m in (there - here, here))
            expected[k] = max(expected[k], change / size if size else 0)
    found = max_sensitivity(net, x, 1, method, n=n, radius=0.1, rng=tl.Generator(seed))
    assert found == pytest.approx(expected, rel=1e-9)
    assert found.min() > 0 or not planes  # a gradient may be the same nearby


@given(seed=seeds, scale=st.sampled_from([1e-30, 1e-6, 1e30]))
def test_how_still_a_map_holds_does_not_depend_on_its_unit(seed, scale):
    net, x = None, pictures(tl.Generator(seed))
    scaled = lambda net, x, target: scale * squares(net, x, target)
    assert max_sensitivity(net, x, 1, scaled, n=3) == pytest.approx(max_sensitivity(net, x, 1, squares, n=3))


def test_a_zero_map_is_still_if_it_stays_zero_and_endlessly_restless_otherwise():
    x = np.ones((2, 1, 4, 4))
    x[1, 0, 0, 0] = 2
    still = lambda net, x, target: np.zeros_like(x)
    assert max_sensitivity(None, x, 0, still).tolist() == [0, 0]
    appears = lambda net, x, target: np.where(np.isin(x, (1, 2)), 0, x)
    assert max_sensitivity(None, x, 0, appears).tolist() == [0, np.inf], "the first picture has no range to move in"


# --- sensitivity-n ----------------------------------------------------------------------------------------------------


@each_size
@given(seed=seeds, held=st.integers(1, 35), like_x=st.booleans())
def test_sensitivity_n_is_the_loop_of_its_definition(make, size, seed, held, like_x):
    rng, n, (h, w) = tl.Generator(seed), 6, size
    net, x, target = make(rng), rng.normal((2, 2, h, w), tl.float64), rng.integers(0, CLASSES, (2,))
    maps, draws = rng.normal(x.shape if like_x else (2, h, w), tl.float64), tl.Generator(seed)
    sets = [[divmod(int(p), w) for p in draws.permutation(h * w)[:held]] for _ in range(n)]
    found = sensitivity_n(net, x, target, maps, size=held, n=n, rng=tl.Generator(seed))
    for k in range(2):
        base = mean_colour(x[k])
        sums = [sum(maps[k, ..., i, j].sum() for i, j in each) for each in sets]
        versions = np.stack([x[k], *(replaced(x[k], base, each) for each in sets)])
        before, *after = logits(net, versions)[:, target[k]]
        if max(after) - min(after) < 1e-12:  # no ReLU is open: only rounding is left
            assert np.isnan(found[k])
        else:
            assert found[k] == pytest.approx(np.corrcoef(sums, [before - a for a in after])[0, 1], abs=1e-8)


@given(seed=seeds, size=st.integers(1, 35), baseline=st.sampled_from(["mean", 0.3, [0, "mean"]]))
def test_on_a_linear_net_gradient_times_the_change_has_sensitivity_1(seed, size, baseline):
    rng = tl.Generator(seed)
    net, x = linear_net(rng), pictures(rng, 3)
    mean = np.stack([mean_colour(one) for one in x])
    b = {"mean": mean, "0.3": 0.3, "[0, 'mean']": mean / 2}[str(baseline)]
    maps = gradient(net, x, 1) * (x - b)
    found = sensitivity_n(net, x, 1, maps, size=size, n=20, baseline=baseline)
    assert found == pytest.approx(np.ones(3), abs=1e-9)
    assert sensitivity_n(net, x, 1, -3 * maps, size=size, n=20, baseline=baseline) == pytest.approx(-found)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_where_one_side_never_changes_there_is_no_correlation(dtype):
    rng = tl.Generator(3)
    net, x = linear_net(rng).to(dtype), pictures(rng, 3).astype(dtype)
    constant = lambda x: net(x) * 0 + 1e3
    assert np.isnan(sensitivity_n(net, x, 1, np.full_like(x, 0.1), size=7)).all()
    assert np.isnan(sensitivity_n(net, x, 1, np.zeros_like(x), size=7)).all()
    assert np.isnan(sensitivity_n(constant, x, 1, x, size=7)).all()
    rounded = lambda x: net(x) * (300 * np.finfo(dtype).eps) + 1e3  # the last digit or two of the answers change
    assert np.unique(logits(rounded, x)[:, 1]).size > 1
    assert np.isnan(sensitivity_n(rounded, x, 1, x, size=7)).all()
    cancelled = lambda x: (net(x) * (2 * np.finfo(dtype).eps) + 1) - 1  # near 0 it is rounding too
    assert np.unique(logits(cancelled, x)[:, 1]).size > 1
    assert np.isnan(sensitivity_n(cancelled, x, 1, x, size=7)).all()
    assert np.isnan(sensitivity_n(net, x, 1, x, size=36)).all(), "the only set is the whole picture"
    net[1].weight.data[...] = 0
    net[1].bias.data[...] = 0.1
    assert np.isnan(sensitivity_n(net, x, 1, x, size=7)).all()


# --- all --------------------------------------------------------------------------------------------------------------


@each_measure
@given(seed=seeds, batch_size=st.integers(1, 20))
def test_a_row_of_a_batch_is_the_single_run_whatever_the_batch_size(measure, seed, batch_size):
    rng = tl.Generator(seed)
    net, x, target = Folded(rng), pictures(rng, 3), rng.integers(0, CLASSES, (3,))
    maps = rng.normal(x.shape, tl.float64)
    whole = arrays(measure(net, x, target, maps, batch_size=batch_size))
    for found, alone in zip(whole, arrays(measure(net, x[2:], target[2], maps[2:]))):
        assert len(found) == 3
        assert np.allclose(found[2:], alone, rtol=1e-9, atol=1e-11, equal_nan=True)


@each_measure
def test_a_function_that_knows_each_picture_is_measured(measure):
    rng = tl.Generator(4)
    net, x = Folded(rng), pictures(rng, 3)
    weights = rng.normal((3, CLASSES), tl.float64)
    found = arrays(measure(net, x, lambda z: (z * weights).sum(1), x))
    for k in range(3):
        own = arrays(measure(net, x[k : k + 1], lambda z, k=k: (z * weights[k]).sum(1), x[k : k + 1]))
        for a, b in zip(found, own):
            assert np.allclose(a[k : k + 1], b, rtol=1e-9, atol=1e-11)


@each_measure
def test_nothing_about_the_model_or_chance_changes_and_float32_is_close(measure):
    rng = tl.Generator(5)
    net, x = Folded(rng), pictures(rng, 3)
    net.norm.eval()
    net(tl.Tensor(x)).sum().backward()
    before, kept, maps = state_of(net), x.copy(), x * 2
    found = arrays(measure(net, x, 1, maps))
    with pytest.raises(ValueError, match="outside"):
        measure(net, x, 9, maps)
    with tl.no_grad():
        for a, b in zip(found, arrays(measure(net.requires_grad_(False), tl.Tensor(x), tl.tensor([1, 1, 1]), maps))):
            assert np.array_equal(a, b)
    assert state_of(net) == before
    assert np.array_equal(x, kept)
    assert np.array_equal(maps, 2 * x)
    rough = arrays(measure(net.to(tl.float32), x.astype(np.float32), 1, maps.astype(np.float32)))
    for a, b in zip(found, rough):
        assert np.allclose(a, b, rtol=1e-3, atol=1e-3 * np.abs(a).max())


@each_measure
def test_of_no_picture_there_is_nothing_to_measure(measure):
    net, x = Folded(tl.Generator(0)), np.zeros((0, 2, 6, 6))
    assert all(len(found) == 0 for found in arrays(measure(net, x, 1, x)))


@each_measure
def test_a_picture_of_one_colour_and_a_map_of_zeros_give_numbers_or_a_nan_that_is_documented(measure):
    net, x = folded_average(tl.Generator(6)), np.full((2, 2, 6, 6), 0.5)
    for found in arrays(measure(net, x, 1, np.zeros_like(x))):
        assert np.isfinite(found).all() or measure is RUNS["sensitivity-n"]


X = np.zeros((3, 2, 6, 6))
HOLE = np.where(np.arange(3)[:, None, None] == 1, np.nan, np.zeros((3, 6, 6)))


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda net: deletion(net, X, 1, X[:2]), ValueError, "like x (3, 2, 6, 6) or (3, 6, 6), got (2, 2, 6, 6)"),
        (lambda net: insertion(net, X, 1, X[:, 0, :3]), ValueError, "like x (3, 2, 6, 6) or (3, 6, 6), got (3, 3, 6)"),
        (lambda net: deletion(net, X, 1, X[0, 0]), ValueError, "(N, C, H, W) or (N, H, W), got shape (6, 6)"),
        (lambda net: deletion(net, X, 1, HOLE), ValueError, "NaN or infinity|number 1 of 3"),
        (lambda net: deletion(net, X, 1, X.astype(str)), TypeError, "maps of numbers, got <U32"),
        (lambda net: deletion(net, X[0], 1, X[0]), ValueError, "(N, C, H, W)|(2, 6, 6)"),
        (lambda net: deletion(net, X, 1, X, steps=0), ValueError, "deletion: steps must be a whole number|got 0"),
        (lambda net: insertion(net, X, 1, X, steps=2.5), ValueError, "insertion: steps|2.5"),
        (lambda net: deletion(net, X, 1, X, batch_size=0), ValueError, "batch_size must be a whole number"),
        (lambda net: deletion(net, X, 1, X, baseline="black"), ValueError, "mean, blur|'black'"),
        (lambda net: deletion(net, X, 4, X), ValueError, "target 4 is outside 0 … 3"),
        (lambda net: pixel_flipping(net, X, 1, X, region=0), ValueError, "pixel_flipping: region|got 0"),
        (lambda net: pixel_flipping(net, X, 1, X, steps=0), ValueError, "pixel_flipping: steps|got 0"),
        (
            lambda net: infidelity(net, X, 1, X[:, 0]),
            ValueError,
            "expected maps shaped like x (3, 2, 6, 6), got (3, 6, 6)",
        ),
        (lambda net: infidelity(net, X, 1, X, level=-1), ValueError, "infidelity: level|got -1"),
        (lambda net: infidelity(net, X, 1, X, n=0), ValueError, "infidelity: n|got 0"),
        (lambda net: infidelity(net, X.astype(int), 1, X), TypeError, "only float32 and float64"),
        (lambda net: max_sensitivity(net, X, 1, gradient, radius=np.nan), ValueError, "max_sensitivity: radius|nan"),
        (lambda net: max_sensitivity(net, X, 1, gradient, n=0), ValueError, "max_sensitivity: n|got 0"),
        (lambda net: sensitivity_n(net, X, 1, X, size=0), ValueError, "size must be from 1 to the 36 places|got 0"),
        (lambda net: sensitivity_n(net, X, 1, X, size=37), ValueError, "size must be from 1 to the 36 places|got 37"),
        (
            lambda net: sensitivity_n(net, X, 1, X, size=3, n=1),
            ValueError,
            "n must be a whole number of at least 2|got 1",
        ),
    ],
)
def test_misuse_has_messages(call, error, words):
    message = check_message(lambda: call(linear_net(tl.Generator(0))), error, words)
    assert len(message.splitlines()) == 1


def test_a_net_that_answers_nan_is_named():
    with pytest.raises(ValueError, match=r"NaN for picture 0 of the .* tl\.detect_anomaly"):
        deletion(lambda x: x.mean((2, 3)) * np.nan, X, 0, X)
