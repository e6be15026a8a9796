"""Superpixels, LIME and Kernel SHAP: their fits by normal equations, and Shapley values by brute force."""

from itertools import combinations, permutations, product
from math import comb, factorial

import numpy as np
import pytest
from explained import CLASSES, Folded, folded_average, linear_net, logits, pictures
from hypothesis import given
from hypothesis import strategies as st
from scipy.ndimage import label
from words import check_message

import tinylucid as tl
from tinylucid.explain import kernel_shap, lime, superpixels
from tinylucid.explain.surrogate import coalitions, ridge, shapley

seeds = st.integers(0, 10**6)
each_net = pytest.mark.parametrize("make", [linear_net, Folded, folded_average])


def close(a, b):
    return np.allclose(a, b, rtol=1e-8, atol=1e-9)


def partition(rng, s):
    """Features (6, 6) of which each number 0 … s − 1 occurs."""
    mask = rng.integers(0, s, (6, 6))
    mask.flat[rng.permutation(36)[:s]] = np.arange(s)
    return mask


def coalition_answers(net, x, b, target, features, z):
    """The logit of one picture for each row of z: feature s stays where z[k][s]."""
    mixed = np.stack([b] * len(z))
    for k, row in enumerate(z):
        for s in range(len(row)):
            if row[s]:
                mixed[k][:, features == s] = x[:, features == s]
    return logits(net, mixed)[:, target]


def each_feature(maps, features):
    """The one number a feature has in a map (H, W)."""
    numbers = [np.unique(maps[features == s]) for s in range(features.max() + 1)]
    assert [len(n) for n in numbers] == [1] * len(numbers)
    return np.concatenate(numbers)


# --- superpixels ------------------------------------------------------------------------------------------------------


@given(seed=seeds, channels=st.integers(1, 4), n=st.integers(1, 60), constant=st.booleans())
def test_superpixels_are_a_partition_into_connected_patches(seed, channels, n, constant):
    x = tl.Generator(seed).normal((2, channels, 20, 17), tl.float64).cumsum(2).cumsum(3) * (not constant)
    patches = superpixels(x, n)
    assert (patches.shape, patches.dtype) == ((2, 20, 17), np.int64)
    for one in patches:
        assert np.array_equal(np.unique(one), np.arange(one.max() + 1))
        assert all(label(one == s)[1] == 1 for s in range(one.max() + 1))
        assert one.max() + 1 <= 1.5 * n + 1
        assert one.max() + 1 >= n / 3 or not constant
    assert np.array_equal(patches[1:], superpixels(tl.Tensor(x[1:]), n))
    assert np.array_equal(patches, superpixels(x, n))


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_superpixels_keep_to_edges_whatever_the_range(channels):
    x = np.zeros((1, channels, 24, 24))
    x[:, -1, :, 11:] = 1  # an edge between the places of a grid
    patches = superpixels(x)
    assert not set(patches[0, :, :11].flat) & set(patches[0, :, 11:].flat)
    assert patches.max() + 1 >= 16
    assert np.array_equal(patches, superpixels(x * 256 - 64))
    assert np.array_equal(patches, superpixels(x.astype(np.float32)))
    assert np.array_equal(superpixels(x, 1), np.zeros((1, 24, 24)))
    assert superpixels(x[:0]).shape == (0, 24, 24)


# --- LIME -------------------------------------------------------------------------------------------------------------


@each_net
@given(seed=seeds, s=st.integers(1, 9), width=st.floats(0.2, 2))
def test_lime_is_the_loop_of_its_formula(make, seed, s, width):
    rng = tl.Generator(seed)
    net, x, b, target = make(rng), pictures(rng), pictures(rng), rng.integers(0, CLASSES, (2,))
    features = np.stack([partition(rng, s), partition(rng, s)])
    z = [[draw < 0.5 for draw in row] for row in tl.Generator(seed).uniform((s, 30), tl.float64).T]
    maps = lime(net, x, target, features=features, n=30, width=width, baseline=b, rng=tl.Generator(seed))
    for i in range(2):
        y = coalition_answers(net, x[i], b[i], target[i], features[i], z)
        left, right = np.diag([0.0] + [1.0] * s), np.zeros(s + 1)  # the penalty leaves the intercept alone
        for k in range(30):
            row = np.array([1.0, *z[k]])
            cosine = sum(z[k]) / (np.sqrt(sum(z[k])) * np.sqrt(s)) if any(z[k]) else 0
            weight = np.exp(-((1 - cosine) ** 2) / width**2)
            left += weight * np.outer(row, row)
            right += weight * row * y[k]
        assert close(each_feature(maps[i], features[i]), np.linalg.solve(left, right)[1:])


@given(seed=seeds, s=st.integers(1, 9))
def test_without_a_penalty_a_sum_over_features_is_recovered(seed, s):
    rng = tl.Generator(seed)
    z, beta = rng.integers(0, 2, (200, s)), rng.normal((s,), tl.float64)
    weights = rng.uniform((200,), tl.float64) + 0.1
    assert close(ridge(z, z @ beta + 3, weights, 1e-11), beta)
    assert np.abs(ridge(z, z @ beta + 3, weights, 1e12)).max() < 1e-9


@given(seed=seeds)
def test_on_a_linear_net_lime_finds_what_each_patch_adds(seed):
    rng = tl.Generator(seed)
    net, x, b = linear_net(rng), pictures(rng, 1), pictures(rng, 1)
    features = np.arange(6)[:, None].repeat(6, 1)
    shares = (net[1].weight.data[1].reshape(2, 6, 6) * (x - b)[0]).sum((0, 2))
    maps = lime(net, x, 1, features=features, n=4000, width=10, baseline=b)
    assert maps[0, :, 0] == pytest.approx(shares, abs=0.01 * np.abs(shares).max())  # 1/(4000 · ¼) by the penalty


# --- Kernel SHAP ------------------------------------------------------------------------------------------------------


@each_net
@given(seed=seeds, s=st.integers(1, 6))
def test_over_all_coalitions_they_are_shapley_values_a_mean_over_orders(make, seed, s):
    rng = tl.Generator(seed)
    net, x, b, target = make(rng), pictures(rng), pictures(rng), rng.integers(0, CLASSES, (2,))
    features = np.stack([partition(rng, s), partition(rng, s)])
    maps = kernel_shap(net, x, target, features=features, n=62, baseline=b)
    subsets = list(product([False, True], repeat=s))
    for i in range(2):
        worth = dict(zip(subsets, coalition_answers(net, x[i], b[i], target[i], features[i], subsets)))
        expected = np.zeros(s)
        for order in permutations(range(s)):
            present = [False] * s
            for feature in order:
                before = worth[tuple(present)]
                present[feature] = True
                expected[feature] += (worth[tuple(present)] - before) / factorial(s)
        assert close(each_feature(maps[i], features[i]), expected)


def test_over_all_coalitions_of_eight_they_are_shapley_values_a_sum_over_subsets():
    rng = tl.Generator(1)
    net, x, b, features = Folded(rng), pictures(rng, 1), pictures(rng, 1), partition(rng, 8)
    subsets = [frozenset(kept) for size in range(9) for kept in combinations(range(8), size)]
    z = [[s in kept for s in range(8)] for kept in subsets]
    worth = dict(zip(subsets, coalition_answers(net, x[0], b[0], 2, features, z)))
    expected = np.zeros(8)
    for s, kept in product(range(8), subsets):
        if s not in kept:
            weight = factorial(len(kept)) * factorial(7 - len(kept)) / factorial(8)
            expected[s] += weight * (worth[kept | {s}] - worth[kept])
    maps = kernel_shap(net, x, 2, features=features, n=254, baseline=b)[0]
    assert close(each_feature(maps, features), expected)
    drawn = kernel_shap(net, x, 2, features=features, n=253, baseline=b)[0]
    assert not close(drawn, maps)
    many = np.mean(
        [kernel_shap(net, x, 2, features=features, n=253, baseline=b, rng=tl.Generator(k)) for k in range(9)], 0
    )
    assert np.abs(many[0] - maps).max() < 0.1 * np.abs(maps).max()


@given(seed=seeds, s=st.integers(6, 9), n=st.integers(16, 61))
def test_the_drawn_ones_solve_the_normal_equations_with_a_multiplier_for_the_sum(seed, s, n):
    rng = tl.Generator(seed)
    net, x, b, features = Folded(rng), pictures(rng, 1), pictures(rng, 1), partition(rng, s)
    chance = tl.Generator(seed)
    coin, order = chance.uniform((-(-n // 2),), tl.float64), chance.uniform((s, -(-n // 2)), tl.float64)
    mass = [comb(s, k) * (s - 1) / (comb(s, k) * k * (s - k)) for k in range(1, s)]
    z = []
    for k in range(len(coin)):
        size = 1
        while sum(mass[:size]) / sum(mass) <= coin[k]:
            size += 1
        first = sorted(range(s), key=lambda f, k=k: order[f, k])[:size]
        z += [[f in first for f in range(s)], [f not in first for f in range(s)]]
    z = z[:n]
    y = coalition_answers(net, x[0], b[0], 1, features, z)
    nothing, whole = logits(net, b)[0, 1], logits(net, x)[0, 1]
    left, right = np.zeros((s + 1, s + 1)), np.zeros(s + 1)
    for k in range(n):
        left[:s, :s] += np.outer(z[k], z[k])
        right[:s] += np.array(z[k]) * (y[k] - nothing)
    left[s, :s] = left[:s, s] = 1
    right[s] = whole - nothing
    phi = each_feature(kernel_shap(net, x, 1, features=features, n=n, baseline=b, rng=tl.Generator(seed))[0], features)
    assert phi.sum() == pytest.approx(whole - nothing, rel=1e-12, abs=1e-12)
    if np.linalg.matrix_rank(left) == s + 1:
        assert np.allclose(phi, np.linalg.solve(left, right)[:s], rtol=1e-6, atol=1e-8)


@given(seed=seeds, n=st.integers(46, 120))
def test_however_few_are_drawn_they_sum_to_the_change_of_the_answer(seed, n):
    rng = tl.Generator(seed)
    net, x, features = Folded(rng), pictures(rng), partition(rng, 24)
    maps = kernel_shap(net, x, 3, features=features, n=n, baseline=[0, "blur"], rng=rng)
    ends = [kernel_shap(net, x, 3, features=0 * features, baseline=b)[:, 0, 0] for b in (0, "blur")]
    assert close(ends[0], logits(net, x)[:, 3] - logits(net, 0 * x)[:, 3])  # one feature has it all
    for k in range(2):
        assert each_feature(maps[k], features).sum() == pytest.approx(
            (ends[0][k] + ends[1][k]) / 2, rel=1e-10, abs=1e-11
        )


@given(seed=seeds)
def test_on_a_linear_net_drawn_ones_are_exact(seed):
    rng = tl.Generator(seed)
    net, x, b, features = linear_net(rng), pictures(rng, 1), pictures(rng, 1), partition(rng, 12)
    phi = each_feature(kernel_shap(net, x, 0, features=features, n=200, baseline=b, rng=rng)[0], features)
    shares = (net[1].weight.data[0].reshape(2, 6, 6) * (x - b)[0]).sum(0)
    assert close(phi, [shares[features == s].sum() for s in range(12)])


@given(seed=seeds)
def test_features_that_do_the_same_have_the_same_value_and_those_that_do_nothing_have_none(seed):
    rng = tl.Generator(seed)
    net = tl.nn.Sequential(tl.nn.Linear(3, 8), tl.nn.ReLU(), tl.nn.Linear(8, 2)).to(tl.float64)
    rows = lambda x: tl.stack([x[:, 0, 0, 0] + x[:, 0, 1, 0], x[:, 0, 2, 0] * x[:, 0, 0, 0], x[:, 0, 3, 0]], 1)
    x = rng.normal((1, 1, 5, 1), tl.float64)
    x[0, 0, 1] = x[0, 0, 0]
    twins = lambda x: net(rows(x) + rows(x[:, :, [1, 0, 2, 3, 4]]))
    phi = kernel_shap(twins, x, 1, features=np.arange(5)[:, None], baseline=0)[0, :, 0]
    assert phi[0] == pytest.approx(phi[1], rel=1e-10, abs=1e-12)
    assert phi[4] == pytest.approx(0, abs=1e-12)


def test_what_the_coalitions_do_not_tell_apart_is_shared_equally():
    z = np.array([[True, True, False], [False, False, True]])
    phi = shapley(z, np.ones(2), np.array([5.0, 2.0]), 1.0, 6.0)  # they ask for φ₀ + φ₁ = 4, φ₂ = 1
    assert phi == pytest.approx([2, 2, 1], rel=1e-12)
    assert shapley(z[:0], np.ones(0), np.ones(0), 1.0, 7.0) == pytest.approx([2, 2, 2], rel=1e-12)


def test_coalitions_are_drawn_in_proportion_to_the_kernel_and_paired():
    rng, s = tl.Generator(3), 6
    z, weights = coalitions(s, 62, None, None)
    assert sorted(map(tuple, z.tolist())) == list(product([False, True], repeat=s))[1:-1]
    often = dict.fromkeys(map(tuple, z.tolist()), 0.0)
    for _ in range(500):  # 61 would be all but one of them
        drawn, ones = coalitions(s, 61, rng.uniform((31,), tl.float64), rng.uniform((31, s), tl.float64))
        assert (drawn[:60:2] ^ drawn[1:60:2]).all()
        assert ones.tolist() == [1] * len(drawn) == [1] * 61
        for row in drawn.tolist():
            often[tuple(row)] += 1 / 500 / 61
    assert list(often.values()) == pytest.approx(weights / weights.sum(), abs=0.004)


# --- both -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", [lime, kernel_shap])
@given(seed=seeds, n=st.integers(20, 70), batch_size=st.integers(1, 30))
def test_a_picture_with_few_features_is_the_same_beside_one_with_many(method, seed, n, batch_size):
    rng = tl.Generator(seed)
    net, x, target = Folded(rng), pictures(rng, 4), rng.integers(0, CLASSES, (4,))
    features = np.stack([partition(rng, s) for s in (1, 3, 6, 10)]) * 5 + 2
    run = lambda rows, **given: method(net, x[rows], target[rows], features=features[rows], n=n, **given)
    maps = run(slice(0, 4), batch_size=batch_size)
    for k in range(4):
        assert np.allclose(maps[k], run(slice(k, k + 1))[0], rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("method", [lime, kernel_shap])
def test_by_default_features_are_superpixels(method):
    rng = tl.Generator(4)
    net, x = Folded(rng), pictures(rng).round()
    assert np.array_equal(method(net, x, 1), method(net, x, 1, features=superpixels(x)))
    shared = partition(rng, 4)
    assert np.array_equal(method(net, x, 1, features=shared), method(net, x, 1, features=np.stack([shared, shared])))


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda net, x: lime(net, x, 1, n=0), ValueError, "lime: n must be|got 0"),
        (lambda net, x: lime(net, x, 1, width=0), ValueError, "width must be above 0|got 0"),
        (lambda net, x: lime(net, x, 1, width=1e-3, n=20), ValueError, "none of 20 samples|width 0.001|enlarge"),
        (
            lambda net, x: lime(net, x, 1, width=1e-3, n=20, features=np.arange(3)[:, None, None] * grid()),
            ValueError,
            "none of 20 samples",  # of the pictures after the first, which is one feature
        ),
        (lambda net, x: lime(net, x, 1, features=np.zeros((6, 5), int)), ValueError, "(6, 6) or (3, 6, 6)|(6, 5)"),
        (lambda net, x: lime(net, x, 1, features="slic"), ValueError, "whole numbers"),
        (lambda net, x: lime(net, x, 4), ValueError, "target 4 is outside 0 … 3"),
        (lambda net, x: lime(net, x[0], 1), ValueError, "(N, C, H, W)|(2, 6, 6)"),
        (lambda net, x: kernel_shap(net, x, 1, n=0), ValueError, "kernel_shap: n must be|got 0"),
        (
            lambda net, x: kernel_shap(net, x, 1, features=grid(), n=69),
            ValueError,
            "69 coalitions|36 features|at least 70",
        ),
        (lambda net, x: kernel_shap(net, x, 1, features=np.zeros((6, 6))), ValueError, "whole numbers|float64"),
        (lambda net, x: kernel_shap(net, x, 1, baseline=None), TypeError, "a number, an array|got NoneType"),
        (lambda net, x: kernel_shap(lambda x: net(x) * np.nan, x, 1), ValueError, "NaN for picture 0"),
        (lambda net, x: superpixels(x, 0), ValueError, "superpixels: n must be|got 0"),
        (lambda net, x: superpixels(x[0]), ValueError, "(N, C, H, W)|(2, 6, 6)"),
        (lambda net, x: superpixels(np.where(x == 0, np.inf, x)), ValueError, "picture 0 has pixels|infinite"),
    ],
)
def test_misuse_has_messages(call, error, words):
    check_message(lambda: call(linear_net(tl.Generator(0)), np.zeros((3, 2, 6, 6))), error, words)


def grid():
    return np.arange(36).reshape(6, 6)


def test_where_there_is_nothing_to_tell_apart_superpixels_are_a_grid():
    noise = tl.Generator(0).uniform((1, 3, 45, 61), tl.float64)
    patches = superpixels(noise)
    assert 35 <= patches.max() + 1 <= 65
    for number in range(patches.max() + 1):
        rows, columns = np.nonzero(patches[0] == number)
        assert len(rows) == (np.ptp(rows) + 1) * (np.ptp(columns) + 1), "each is a rectangle"
    assert superpixels(np.zeros((1, 1, 2, 3)) + np.arange(6).reshape(2, 3), n=100).max() == 5, "at most one a pixel"
