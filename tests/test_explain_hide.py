"""Occlusion, ablation and RISE against literal loops, and what holds for every method that hides parts of the picture."""

import re
from functools import partial
from itertools import product

import numpy as np
import pytest
import tqdm
from explained import CLASSES, Folded, folded_average, linear_net, logits, pictures, pooled_net, state_of
from hypothesis import given
from hypothesis import strategies as st
from words import check_message

import tinylucid as tl
from tinylucid.explain import feature_ablation, kernel_shap, lime, meaningful_perturbation, occlusion, rise
from tinylucid.explain.hide import hidden
from tinylucid.explain.rise import seen

seeds = st.integers(0, 10**6)
each_net = pytest.mark.parametrize("make", [linear_net, Folded, folded_average])
SWEEPS = {
    "occlusion": partial(occlusion, window=3, stride=2),
    "feature_ablation": feature_ablation,
    "rise": partial(rise, n=15, grid=3),
    "lime": partial(lime, n=40),
    "kernel_shap": partial(kernel_shap, n=74),
}
ALL = {**SWEEPS, "meaningful_perturbation": partial(meaningful_perturbation, size=3, steps=6)}
each_sweep = pytest.mark.parametrize("method", SWEEPS.values(), ids=SWEEPS)
each_method = pytest.mark.parametrize("method", ALL.values(), ids=ALL)


def close(a, b):
    return np.allclose(a, b, rtol=1e-10, atol=1e-11)


def answer(net, x, b, target, keep):
    """The logit of one picture (C, H, W) in which place (i, j) has the share keep[i, j] of the picture, the rest of b."""
    mixed = np.empty_like(x)
    for c, i, j in product(*map(range, x.shape)):
        mixed[c, i, j] = keep[i, j] * x[c, i, j] + (1 - keep[i, j]) * b[c, i, j]
    return logits(net, mixed[None])[0, target]


# --- all of them ------------------------------------------------------------------------------------------------------


@each_sweep
@given(seed=seeds, batch_size=st.integers(1, 20))
def test_a_row_of_a_batch_is_the_single_run_whatever_the_batch_size(method, seed, batch_size):
    rng = tl.Generator(seed)
    net, x, target = Folded(rng), pictures(rng, 3), rng.integers(0, CLASSES, (3,))
    maps = method(net, x, target, batch_size=batch_size)
    assert maps.shape == (3, 6, 6)
    assert close(maps[2:], method(net, x[2:], target[2]))


@each_method
def test_baselines_are_averaged_and_the_default_is_stated(method):
    rng = tl.Generator(1)
    net, x, b = Folded(rng), pictures(rng), pictures(rng)
    run = lambda baseline: method(net, x, 1, baseline=baseline)
    assert close(run([b, 0, "blur"]), (run(b) + run(0) + run("blur")) / 3)
    assert np.array_equal(run((b, 0)), run([b, 0]))
    mean = np.array([[x[i, c].sum() / 36 for c in range(2)] for i in range(2)])[:, :, None, None]
    default = "blur" if method is ALL["meaningful_perturbation"] else mean
    assert close(method(net, x, 1), run(default))
    assert not close(run(b), run(default))


@each_method
def test_a_region_of_a_segmentation_is_explained_each_picture_its_own(method):
    rng = tl.Generator(2)
    net, x, mask = tl.nn.Conv2d(2, 3, 3).to(tl.float64), pictures(rng, 3), rng.uniform((3, 4, 4), tl.float64)
    maps = method(net, x, lambda z: (z[:, 1] * mask).sum((1, 2)))
    for k in range(3):
        assert close(maps[k : k + 1], method(net, x[k : k + 1], lambda z, k=k: (z[:, 1] * mask[k]).sum((1, 2))))


@pytest.mark.parametrize("name", ["occlusion", "feature_ablation", "meaningful_perturbation"])
def test_what_a_region_does_not_see_gets_nothing(name):
    net, x = tl.nn.Conv2d(2, 3, 3).to(tl.float64), pictures(tl.Generator(3))
    x[:, :, :3, :3] += 9
    method = {**ALL, "occlusion": partial(occlusion, window=1)}[name]
    maps = method(net, x, lambda z: z[:, 1, 0, 0] * np.sign(net(tl.Tensor(x)).data[:, 1, 0, 0]), baseline=0)
    reach = 3 if name != "meaningful_perturbation" else 5  # pixels up to two further are mixed of the same places
    assert np.abs(maps[:, reach:]).max() == np.abs(maps[:, :, reach:]).max() == 0
    assert np.abs(maps[:, :3, :3]).max((1, 2)).min() > 0.01


@each_method
def test_the_model_may_be_a_function(method):
    rng = tl.Generator(4)
    net, x = Folded(rng).eval(), pictures(rng)
    assert np.array_equal(method(lambda x: net(x), x, 2), method(net, tl.Tensor(x), 2))


@each_method
def test_float32_stays_float32_and_is_close_to_float64(method):
    rng = tl.Generator(5)
    net, x = Folded(rng), pictures(rng).astype(np.float32)
    exact = method(net, x.astype(np.float64), 1)
    maps = method(net.to(tl.float32), x, 1)
    assert (exact.dtype, maps.dtype) == (np.float64, np.float32)
    assert np.abs(maps - exact).max() < 1e-3 * np.abs(exact).max() + 1e-5


@each_method
def test_nothing_about_the_model_the_pictures_or_chance_changes(method):
    rng = tl.Generator(6)
    net, x = Folded(rng), pictures(rng)
    net.norm.eval()
    net(tl.Tensor(x)).sum().backward()
    before, kept = state_of(net), x.copy()
    maps = method(net, x, 1)
    with pytest.raises(ValueError, match="outside"):
        method(net, x, 9)
    with tl.no_grad():
        assert np.array_equal(maps, method(net.requires_grad_(False), x, 1))
    assert state_of(net) == before
    assert np.array_equal(x, kept)


@each_method
def test_no_picture_is_no_map_and_a_picture_like_its_baseline_has_nothing_to_tell(method):
    net = Folded(tl.Generator(7))
    assert method(net, np.zeros((0, 2, 6, 6)), 1).shape == (0, 6, 6)
    constant = np.full((1, 2, 6, 6), 0.3)
    maps = method(net, constant, 1)
    if method is ALL["rise"]:
        maps = maps - logits(net, constant)[:, 1]  # which does not subtract
    assert np.abs(maps).max() < 1e-12


@each_method
def test_a_net_of_one_class_is_explained(method):
    rng = tl.Generator(8)
    net, x = Folded(rng), pictures(rng)
    one = lambda x: net.eval()(x)[:, 2:3]
    assert np.array_equal(method(one, x, 0), method(net, x, 2))


@pytest.mark.parametrize("name", ["rise", "lime", "kernel_shap"])
def test_the_same_seed_gives_the_same_map_and_another_one_another(name):
    rng = tl.Generator(9)
    net, x = Folded(rng), pictures(rng)
    run = lambda **given: ALL[name](net, x, 1, **given)
    assert np.array_equal(run(), run(rng=tl.Generator(0)))
    assert np.array_equal(run(rng=tl.Generator(5)), run(rng=tl.Generator(5)))
    assert np.abs(run(rng=tl.Generator(5)) - run()).max() > 1e-3


@pytest.mark.parametrize("name", ALL)
def test_a_run_that_takes_long_shows_a_bar_on_a_terminal(name, monkeypatch, capsys):
    net, x = linear_net(tl.Generator(0)), pictures(tl.Generator(1), 1)
    monkeypatch.setattr(tl.patience, "SECONDS", -1)
    ALL[name](net, x, 1)
    assert capsys.readouterr().err == ""
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    ALL[name](net, x, 1)
    steps = {"occlusion": 9, "feature_ablation": 36, "rise": 15, "lime": 40, "kernel_shap": 74}.get(name, 6)
    shown = capsys.readouterr().err
    assert f"{name}: " in shown
    assert int(re.search(rf"(\d+)/{steps} ", shown)[1]) > 0, "what was done before the bar came is counted"


@each_sweep
def test_the_bar_counts_hidden_pictures_whatever_a_pass_holds_and_leaves_no_line(method, monkeypatch):
    bars = []

    class Bar(tqdm.tqdm):
        def __init__(self, *args, initial, **kwargs):
            super().__init__(*args, initial=initial, **kwargs)
            bars.append((kwargs["total"], initial, kwargs["leave"]))

        def update(self, n=1):
            bars.append((bars[0][0], n, bars[0][2]))
            return super().update(n)

    monkeypatch.setattr(tqdm, "tqdm", Bar)
    monkeypatch.setattr(tl.patience, "SECONDS", -1)
    method(linear_net(tl.Generator(0)), pictures(tl.Generator(1), 2), 1, batch_size=5)
    totals, steps, left = zip(*bars)
    assert totals[0] == sum(steps)
    assert max(steps) == 2  # versions of two pictures in a pass of five
    assert not any(left)


@each_sweep
def test_answers_that_ask_no_gradient_are_not_recorded(method):
    net, answers = Folded(tl.Generator(0)), []
    look = lambda x: (answers.append(net(x)), answers[-1])[1]
    method(look, pictures(tl.Generator(1)), 1)
    assert answers
    assert not any(each.requires_grad for each in answers)


def test_hidden_is_exact_at_both_ends():
    rng = tl.Generator(10)
    x, b, keep = pictures(rng), pictures(rng), rng.uniform((2, 6, 6), tl.float64)
    keep[keep < 0.3], keep[keep > 0.6] = 0, 1
    for keeps in (keep, keep[0], np.stack([keep, keep], 1), keep > 0.5):
        full = np.broadcast_to(keeps[:, None] if keeps.ndim == 3 else keeps, x.shape)
        out = hidden(x, keeps, b)
        assert close(out, full * x + (1 - full) * b)
        assert np.array_equal(out[full == 1], x[full == 1])
        assert np.array_equal(out[full == 0], b[full == 0])
    assert hidden(x.astype(np.float32), keep, b.astype(np.float32)).dtype == np.float32


# --- occlusion --------------------------------------------------------------------------------------------------------


@each_net
@given(seed=seeds, data=st.data())
def test_occlusion_is_the_loop_of_its_formula(make, seed, data):
    rng = tl.Generator(seed)
    net, x, b, target = make(rng), pictures(rng), pictures(rng), rng.integers(0, CLASSES, (2,))
    window = data.draw(st.tuples(st.integers(1, 6), st.integers(1, 6)))
    stride = tuple(data.draw(st.integers(1, w)) for w in window)
    maps = occlusion(net, x, target, window=window, stride=stride, baseline=b)
    for n in range(2):
        found = np.zeros((6, 6))
        times = np.zeros((6, 6))
        rows, columns = (-(-(6 - w) // s) + 1 for w, s in zip(window, stride))
        for p, q in product(range(rows), range(columns)):
            keep = np.ones((6, 6))
            covered = [(p * stride[0] + i, q * stride[1] + j) for i, j in product(*map(range, window))]
            covered = [(i, j) for i, j in covered if i < 6 and j < 6]
            for place in covered:
                keep[place] = 0
            fall = logits(net, x[n : n + 1])[0, target[n]] - answer(net, x[n], b[n], target[n], keep)
            for place in covered:
                found[place] += fall
                times[place] += 1
        assert times.min() >= 1
        assert close(maps[n], found / times)


@given(seed=seeds, window=st.integers(1, 6))
def test_side_by_side_on_a_linear_net_a_patch_has_its_share_and_the_shares_sum_to_the_change(seed, window):
    rng = tl.Generator(seed)
    net, x, b = linear_net(rng), pictures(rng), pictures(rng, 1)
    maps = occlusion(net, x, 3, window=window, baseline=b)
    shares = net[1].weight.data[3].reshape(2, 6, 6) * (x - b)
    total = np.zeros(2)
    for i, j in product(range(0, 6, window), repeat=2):
        patch = shares[:, :, i : i + window, j : j + window].sum((1, 2, 3))
        assert close(maps[:, i : i + window, j : j + window], patch[:, None, None])
        total += patch
    assert close(total, logits(net, x)[:, 3] - logits(net, b)[0, 3])


def test_a_window_is_one_number_or_two():
    rng = tl.Generator(11)
    net, x = Folded(rng), pictures(rng)
    run = lambda **given: occlusion(net, x, 1, **given)
    assert np.array_equal(run(window=4, stride=2), run(window=(4, 4), stride=(2, 2)))
    assert np.array_equal(run(window=(2, 3)), run(window=(2, 3), stride=(2, 3)))
    assert np.array_equal(run(window=6), np.broadcast_to(run(window=6)[:, :1, :1], (2, 6, 6)))


# --- features ---------------------------------------------------------------------------------------------------------


@each_net
@given(seed=seeds, sizes=st.tuples(st.integers(1, 8), st.integers(1, 8)))
def test_ablation_is_the_loop_of_its_formula(make, seed, sizes):
    rng = tl.Generator(seed)
    net, x, b, target = make(rng), pictures(rng), pictures(rng), rng.integers(0, CLASSES, (2,))
    features = np.stack([rng.integers(0, s, (6, 6)) * 7 - 3 for s in sizes])  # any whole numbers
    maps = feature_ablation(net, x, target, features=features, baseline=b)
    for n, number in product(range(2), range(-3, 60)):
        if (features[n] == number).any():
            without = answer(net, x[n], b[n], target[n], (features[n] != number) * 1.0)
            assert close(maps[n][features[n] == number], logits(net, x[n : n + 1])[0, target[n]] - without)


def test_without_features_each_pixel_is_one_and_one_mask_may_serve_all():
    rng = tl.Generator(12)
    net, x = Folded(rng), pictures(rng)
    single = occlusion(net, x, 1, window=1)
    assert close(feature_ablation(net, x, 1), single)
    mask = rng.integers(0, 5, (6, 6))
    maps = feature_ablation(net, x, 1, features=mask)
    assert np.array_equal(maps, feature_ablation(net, x, 1, features=tl.Tensor(np.stack([mask, mask]))))
    assert close(feature_ablation(net, x, 1, features=mask > 2)[0, mask > 2].std(), 0)


# --- RISE -------------------------------------------------------------------------------------------------------------


def enlarged(small, size):
    """A mask at ``size``, bilinear: place a weighs 1 − its distance from where the pixel's middle falls."""
    weights = np.zeros((2, max(size), len(small)))
    for axis, n in enumerate(size):
        for p, a in product(range(n), range(len(small))):
            middle = min(max((p + 0.5) * len(small) / n - 0.5, 0), len(small) - 1)
            weights[axis, p, a] = max(0, 1 - abs(middle - a))
    return weights[0, : size[0]] @ small @ weights[1, : size[1]].T


@pytest.mark.parametrize(("make", "size"), [(Folded, (6, 6)), (folded_average, (6, 6)), (pooled_net, (5, 9))])
@given(seed=seeds, grid=st.integers(1, 7), p=st.floats(0.2, 1))
def test_rise_is_the_loop_of_its_formula(make, size, seed, grid, p):
    rng, (h, w) = tl.Generator(seed), size
    net, target = make(rng), rng.integers(0, CLASSES, (2,))
    x, b = rng.normal((2, 2, 2, h, w), tl.float64)
    chance = tl.Generator(seed)
    coins, shifts = chance.uniform((6, grid, grid), tl.float64), chance.uniform((6, 2), tl.float64)
    rows, columns = -(-h // grid), -(-w // grid)  # pixels of a place
    total, weight, plain = np.zeros((2, h, w)), np.zeros((h, w)), np.zeros(2)
    for k in range(6):
        large = enlarged(np.where(coins[k] < p, 1.0, 0.0), ((grid + 1) * rows, (grid + 1) * columns))
        i, j = int(shifts[k, 0] * rows), int(shifts[k, 1] * columns)
        mask = large[i : i + h, j : j + w]
        weight += mask
        for n in range(2):
            f = answer(net, x[n], b[n], target[n], mask)
            total[n] += f * mask
            plain[n] += f / 6
    maps = rise(net, x, target, n=6, grid=grid, p=p, baseline=b, rng=tl.Generator(seed))
    never = weight < 1e-9  # a pixel that only a rounding keeps is the reference's to decide
    for n in range(2):
        assert np.allclose(maps[n][~never], (total[n] / np.where(never, 1, weight))[~never], rtol=1e-6, atol=1e-9)


@given(seed=seeds)
def test_over_all_masks_a_linear_net_gives_a_pixels_share_and_p_of_the_others(seed):
    rng = tl.Generator(seed)
    w, x, bias = rng.normal((3, 3), tl.float64), rng.normal((3, 3), tl.float64), 0.7
    masks = [np.reshape(m, (3, 3)) for m in product([0.0, 1.0], repeat=9)]
    found = seen((np.array([(w * x * m).sum() + bias]) for m in masks), masks)
    for i, j in product(range(3), repeat=2):
        others = sum(w[a, b] * x[a, b] for a, b in product(range(3), repeat=2) if (a, b) != (i, j))
        assert found[0, i, j] == pytest.approx(w[i, j] * x[i, j] + others / 2 + bias, rel=1e-10, abs=1e-12)


@given(seed=seeds, odds=st.integers(1, 3))
def test_whatever_the_chance_that_a_pixel_is_kept(seed, odds):
    """Each mask as often as its zeros say: p = 1 / (1 + odds)."""
    rng = tl.Generator(seed)
    w, x, p = rng.normal((2, 2), tl.float64), rng.normal((2, 2), tl.float64), 1 / (1 + odds)
    masks = [np.reshape(m, (2, 2)) for m in product([0.0, 1.0], repeat=4) for _ in range(odds ** m.count(0.0))]
    found = seen((np.array([(w * x * m).sum()]) for m in masks), masks)[0]
    assert found == pytest.approx(w * x + p * ((w * x).sum() - w * x), rel=1e-10, abs=1e-12)


def test_masks_are_kept_with_chance_p_everywhere_and_are_alike_for_all_pictures():
    masks = []
    look = lambda x: (masks.append(x.data.copy()), x.sum((2, 3)))[1]
    rise(look, np.ones((2, 1, 12, 9)), 0, n=1500, grid=4, p=0.3, baseline=0)
    assert max(map(len, masks)) == 64  # pictures a pass
    masks = np.concatenate(masks).reshape(1500, 2, 12, 9)
    assert np.array_equal(masks[:, 0], masks[:, 1])
    assert (masks.min(), masks.max()) == (0, 1)
    assert np.abs(masks.mean((0, 1)) - 0.3).max() < 0.05
    assert 0.05 < np.abs(np.diff(masks[:, 0], axis=1)).mean() < 0.2  # smooth between places


def test_a_pixel_that_no_mask_keeps_gets_the_mean_answer():
    assert seen([np.array([2.0, 3.0]), np.array([4.0, 5.0])], [np.eye(2)[[0]], np.array([[0.5, 0.0]])]).tolist() == [
        [[pytest.approx(8 / 3), 3.0]],
        [[pytest.approx(11 / 3), 4.0]],
    ]
    net, x = linear_net(tl.Generator(13)), pictures(tl.Generator(14))
    alone = rise(net, x, 1, n=3, p=1e-9, baseline=0.25)
    assert close(alone, np.broadcast_to(logits(net, np.full((1, 2, 6, 6), 0.25))[:, 1], (2, 6, 6)))
    assert close(rise(net, x, 1, n=3, p=1), np.broadcast_to(logits(net, x)[:, 1, None, None], (2, 6, 6)))


def test_many_answers_of_float32_are_added_in_float64():
    chance = np.random.default_rng(0)
    found = 1e4 + chance.random((3000, 1), np.float32)
    masks = np.array(chance.random((3000, 2, 2)) < 0.5, np.float32)
    want = sum(a * m for a, m in zip(found[:, :, None].astype(float), masks.astype(float))) / masks.sum(0, float)
    assert np.abs(seen(found, masks)[0] - want).max() < 1e-6


def test_rise_finds_the_patch_that_matters():
    x = np.ones((1, 1, 16, 16))
    maps = rise(lambda x: x[:, :, 4:8, 8:12].sum((2, 3)), x, 0, grid=4)
    assert close(maps, maps[0, 0, 0])  # the mean colour hides nothing of a white picture
    maps = rise(lambda x: x[:, :, 4:8, 8:12].sum((2, 3)), x, 0, grid=4, baseline=0)[0]
    assert 3 < np.unravel_index(maps.argmax(), maps.shape)[0] < 9
    assert maps[4:8, 8:12].mean() > maps.mean() + 3 * maps[12:].std()


# --- messages ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda net, x: occlusion(net, x, 1, window=7), ValueError, "(7, 7) is larger than the pictures, (6, 6)"),
        (lambda net, x: occlusion(net, x, 1, window=(2, 7)), ValueError, "(2, 7) is larger"),
        (lambda net, x: occlusion(net, x, 1, window=0), ValueError, "window must be an integer ≥ 1|got 0"),
        (lambda net, x: occlusion(net, x, 1, window=2.5), ValueError, "window must be|got 2.5"),
        (lambda net, x: occlusion(net, x, 1, window=2, stride=0), ValueError, "stride must be an integer ≥ 1"),
        (
            lambda net, x: occlusion(net, x, 1, window=(3, 2), stride=3),
            ValueError,
            "stride (3, 3)|window (3, 2)|never be hidden",
        ),
        (lambda net, x: occlusion(net, x, 1, window=2, baseline="grey"), ValueError, "mean, blur|got 'grey'"),
        (lambda net, x: occlusion(net, x, 1, window=2, batch_size=0), ValueError, "batch_size must be|got 0"),
        (lambda net, x: occlusion(net, x[0], 1, window=2), ValueError, "(N, C, H, W)|(2, 6, 6)"),
        (lambda net, x: occlusion(net, x.astype(int), 1, window=2), TypeError, "only float32 and float64|int64"),
        (lambda net, x: occlusion(net, x, 4, window=2), ValueError, "target 4 is outside 0 … 3"),
        (lambda net, x: feature_ablation(net, x, 1, features=np.zeros((5, 6), int)), ValueError, "(6, 6)|(5, 6)"),
        (
            lambda net, x: feature_ablation(net, x, 1, features=np.zeros((2, 6, 6), int)),
            ValueError,
            "(3, 6, 6)|(2, 6, 6)",
        ),
        (lambda net, x: feature_ablation(net, x, 1, features=np.zeros((6, 6))), ValueError, "whole numbers|float64"),
        (lambda net, x: rise(net, x, 1, n=0), ValueError, "rise: n must be|got 0"),
        (lambda net, x: rise(net, x, 1, grid=0), ValueError, "rise: grid must be|got 0"),
        (lambda net, x: rise(net, x, 1, p=0), ValueError, "p, the chance|above 0|got 0"),
        (lambda net, x: rise(net, x, 1, p=1.5), ValueError, "at most 1|got 1.5"),
        (lambda net, x: rise(lambda x: net(x) * np.nan, x, 1), ValueError, "NaN for picture 0"),
    ],
)
def test_misuse_has_messages(call, error, words):
    check_message(lambda: call(linear_net(tl.Generator(0)), np.zeros((3, 2, 6, 6))), error, words)
