"""Maps against masks, against each other, and against nets that have forgotten: by literal loops, and where the truth is known."""

import itertools

import numpy as np
import pytest
from explained import CLASSES, Folded, folded_average, linear_net, logits, pictures, planted, state_of
from hypothesis import given
from hypothesis import strategies as st
from words import check_message

import tinylucid as tl
from tinylucid.explain import grad_cam, gradient, smoothgrad
from tinylucid.explain.evaluate import (
    agreement,
    edges,
    label_randomisation,
    mass_in_mask,
    parameter_randomisation,
    pointing_game,
    random_map,
    relevance_rank,
    seconds,
    sparsity,
    train_on_shuffled,
)
from tinylucid.explain.evaluate.alike import likeness, spearman, ssim
from tinylucid.explain.hide import answers

seeds = st.integers(0, 10**6)
PLACES = [(i, j) for i in range(5) for j in range(7)]


def coarse(rng, shape):
    """Maps with many equal values."""
    return rng.integers(-2, 4, shape).astype(float)


def random_masks(rng, shape):
    """Masks of any size, empty ones among them."""
    return rng.uniform(shape) < rng.uniform((shape[0], 1, 1)) - 0.2


def gradient_x_input(net, x, target):
    return x * gradient(net, x, target)


# --- maps against masks -----------------------------------------------------------------------------------------------


@given(seed=seeds, like_x=st.booleans(), tolerance=st.floats(0, 3))
def test_the_measures_against_masks_are_the_loops_of_their_definitions(seed, like_x, tolerance):
    rng = tl.Generator(seed)
    maps, masks = coarse(rng, (4, 2, 5, 7) if like_x else (4, 5, 7)), random_masks(rng, (4, 5, 7))
    scores = pointing_game(maps, masks, tolerance=tolerance), mass_in_mask(maps, masks), relevance_rank(maps, masks)
    for k in range(4):
        plane, mask = maps[k].sum(0) if like_x else maps[k], masks[k]
        inside = [place for place in PLACES if mask[place]]
        found = [score[k] for score in scores]
        if not inside:
            assert np.isnan(found).all()
            continue
        order = sorted(PLACES, key=lambda place: -plane[place])
        (i, j), top = order[0], order[: len(inside)]
        hit = any(((i - p) ** 2 + (j - q) ** 2) ** 0.5 <= tolerance for p, q in inside)
        positive = sum(max(plane[place], 0) for place in PLACES)
        mass = sum(max(plane[place], 0) for place in inside)
        assert found[0] == float(hit)
        assert found[1] == pytest.approx(mass / positive)
        assert found[2] == sum(place in inside for place in top) / len(inside)
        assert 0 <= found[1] <= 1


@given(seed=seeds, scale=st.floats(1e-3, 1e3))
def test_the_scale_of_a_map_does_not_matter(seed, scale):
    rng = tl.Generator(seed)
    maps, masks = rng.normal((3, 5, 7), tl.float64), random_masks(rng, (3, 5, 7))
    masks[:, 0, 0] = True
    for score in (pointing_game, mass_in_mask, relevance_rank, lambda maps, _: sparsity(maps)):
        assert np.allclose(score(scale * maps, masks), score(maps, masks), rtol=1e-12)
    assert np.array_equal(pointing_game(maps + 5, masks), pointing_game(maps, masks))
    assert np.array_equal(relevance_rank(maps + 5, masks), relevance_rank(maps, masks))


@pytest.mark.parametrize("value", [0.0, 1.0, -1.0])
def test_a_map_of_one_value_is_never_a_hit(value):
    maps, masks = np.full((2, 5, 7), value), np.ones((2, 5, 7), bool)
    masks[1, 1:] = False
    assert pointing_game(maps, masks).tolist() == [0, 0]
    assert pointing_game(maps, masks, tolerance=9).tolist() == [0, 0]
    assert relevance_rank(maps, masks).tolist() == [0, 0]
    assert np.array_equal(mass_in_mask(maps, masks), [1, 1 / 5] if value > 0 else [np.nan] * 2, equal_nan=True)


def test_of_equals_the_first_in_row_major_order_is_pointed_at():
    maps, masks = np.zeros((1, 5, 7)), np.zeros((1, 5, 7), bool)
    maps[0, 1, 6] = maps[0, 2, 0] = 1
    masks[0, 2, 0] = True
    assert pointing_game(maps, masks) == 0
    assert pointing_game(maps, ~masks) == 1
    assert relevance_rank(maps, masks) == 0
    masks[0, 0, 0] = True
    assert relevance_rank(maps, masks) == 0.5


@pytest.mark.parametrize("dtype", [np.uint8, np.int64, np.float32])
def test_masks_of_numbers_are_masks(dtype):
    rng = tl.Generator(5)
    maps, masks = coarse(rng, (4, 5, 7)), random_masks(rng, (4, 5, 7))
    for score in (pointing_game, mass_in_mask, relevance_rank):
        assert np.array_equal(score(maps, masks.astype(dtype)), score(maps, masks), equal_nan=True)
        assert np.array_equal(score(masks, masks), score(masks.astype(dtype), masks), equal_nan=True)


def test_the_truth_itself_has_full_marks():
    data = tl.data.shapes(0, train=12, test=1, size=32).train
    maps, no_maps = data.masks.astype(np.float32), np.where(data.masks, -1.0, 1.0)
    for score in (pointing_game, mass_in_mask, relevance_rank):
        assert score(maps, data.masks).tolist() == [1] * 12
        assert score(no_maps, data.masks).tolist() == [0] * 12
    share = data.masks.mean((1, 2))
    assert mass_in_mask(np.ones_like(maps), data.masks) == pytest.approx(share)


@given(seed=seeds, like_x=st.booleans())
def test_sparsity_is_the_loop_of_the_gini_index(seed, like_x):
    rng = tl.Generator(seed)
    maps = rng.normal((3, 2, 5, 7) if like_x else (3, 5, 7), tl.float64)
    for k, found in enumerate(sparsity(maps)):
        v = [abs(v) for v in (maps[k].sum(0) if like_x else maps[k]).flat]
        spread = sum(
            abs(a - b) for a, b in itertools.product(v, v)
        )  # the mean difference of two places over twice the mean
        assert found == pytest.approx(spread / (2 * 35 * sum(v)), rel=1e-9)
        assert 0 <= found <= 1 - 1 / 35


def test_sparsity_at_its_ends():
    maps = np.zeros((3, 5, 7))
    maps[0, 2, 3], maps[1] = -4, 2
    assert np.allclose(sparsity(maps), [1 - 1 / 35, 0, np.nan], equal_nan=True)


# --- a net whose reason is known ---------------------------------------------------------------------------------------


@given(seed=seeds)
def test_a_net_that_provably_looks_at_one_place_is_pointed_at(seed):
    rng = tl.Generator(seed)
    net, x, masks = planted(rng, 4)
    holes = [1 - hole.reshape(12, 12) for hole in np.eye(144)]
    hidden = np.stack(list(answers(net, x, 0, holes, np.zeros_like(x), 64)), 1).reshape(4, 12, 12)
    occluded = np.round((logits(net, x)[:, 0] - hidden.T).T, 12)  # by how much the answer falls without each pixel
    maps = gradient_x_input(net, x, 0)
    for truth in (maps.sum(1), occluded):
        assert not truth[~masks].any(), "the net cannot see anything else"
        assert (truth[masks] > 0).all()
        for score in (pointing_game, mass_in_mask, relevance_rank):
            assert score(truth, masks).tolist() == [1] * 4
    for score in (pointing_game, mass_in_mask, relevance_rank):
        assert score(maps, masks).tolist() == [1] * 4
        assert np.array_equal(score(maps, np.zeros_like(masks)), [np.nan] * 4, equal_nan=True)
    assert pointing_game(maps, ~masks).tolist() == [0] * 4
    assert pointing_game(maps, ~masks, tolerance=3).tolist() == [1] * 4
    assert np.isnan(mass_in_mask(gradient_x_input(net, x, 1), masks)).all(), "nothing speaks for class 1"


# --- maps against each other --------------------------------------------------------------------------------------------


def looped_spearman(a, b):
    """Pearson's correlation of the mean ranks, without scipy."""
    mean_rank = lambda v: [sum(w < u for w in v) + (1 + sum(w == u for w in v)) / 2 for u in v]
    ranks = np.array([mean_rank(list(m.flat)) for m in (a, b)])
    return np.corrcoef(ranks)[0, 1]


@given(seed=seeds)
def test_spearman_and_agreement_are_the_loops_of_their_definitions(seed):
    rng = tl.Generator(seed)
    maps = {"a": coarse(rng, (3, 2, 4, 4)), "b": coarse(rng, (3, 4, 4)), "c": rng.normal((3, 4, 4))}
    planes = {"a": maps["a"].sum(1), "b": maps["b"], "c": maps["c"]}
    names, matrix = agreement(maps)
    assert names == ("a", "b", "c")
    for i, j in itertools.product(range(3), range(3)):
        each = [looped_spearman(a, b) for a, b in zip(planes[names[i]], planes[names[j]])]
        assert spearman(planes[names[i]], planes[names[j]]) == pytest.approx(each, abs=1e-12)
        assert matrix[i, j] == pytest.approx(sum(each) / 3, abs=1e-12)
    a = planes["c"]
    assert spearman(a, np.exp(a)) == pytest.approx([1] * 3)
    assert spearman(a, -(a**3)) == pytest.approx([-1] * 3)


def test_maps_of_one_value_are_like_each_other_and_unlike_all_others():
    flat, other = np.full((2, 8, 8), 0.1), tl.Generator(0).normal((2, 8, 8))
    assert spearman(flat, 0 * flat).tolist() == [1, 1]
    assert spearman(flat, other).tolist() == [0, 0]
    assert agreement({"flat": flat, "other": other})[1] == pytest.approx(np.eye(2))
    assert ssim(0 * flat, 0 * flat).tolist() == [1, 1]
    assert np.isfinite(likeness(0 * flat, other)).all()


@given(seed=seeds, scale=st.floats(1e-3, 1e3))
def test_ssim_compares_maps_as_grey_over_their_largest_magnitude(seed, scale):
    rng = tl.Generator(seed)
    a, b = rng.normal((2, 3, 8, 8), tl.float64)
    assert ssim(a, scale * a) == pytest.approx([1] * 3)
    assert ssim(scale * a, b) == pytest.approx(ssim(a, b))
    assert ssim(a, -a).max() < 0
    small = slice(None), slice(3), slice(3)
    for k in range(3):  # of 3 × 3 places one window is left, and its formula (Wang et al., 2004, equation 13)
        p, q = (0.5 + m[k][:3, :3] / np.abs(m[k][:3, :3]).max() / 2 for m in (a, b))
        cov = np.cov(p.ravel(), q.ravel())
        c1, c2 = 0.01**2, 0.03**2
        top = (2 * p.mean() * q.mean() + c1) * (2 * cov[0, 1] + c2)
        bottom = (p.mean() ** 2 + q.mean() ** 2 + c1) * (cov[0, 0] + cov[1, 1] + c2)
        assert ssim(a[small], b[small])[k] == pytest.approx(top / bottom)
    assert np.isnan(ssim(a[:, :2], b[:, :2])).all()
    assert [len(ssim(a[:, :n], b[:, :n])) for n in range(3, 9)] == [3] * 6
    assert np.allclose(ssim(a[:, :, :5], b[:, :, :5]), ssim(*(np.swapaxes(each[:, :, :5], 1, 2) for each in (a, b))))


def test_seconds_are_those_of_one_picture(monkeypatch):
    times = iter([0, 10, 20, 24, 30, 31])  # three runs, of 10, 4 and 1 seconds
    monkeypatch.setattr("tinylucid.explain.evaluate.alike.time.perf_counter", lambda: next(times))
    calls = []
    assert seconds(None, np.zeros((4, 1, 2, 2)), 0, lambda model, x, target: calls.append(len(x))) == 1
    assert calls == [4] * 4, "one more, in which kernels may be compiled"


# --- nets that have forgotten --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [Folded, folded_average])
@pytest.mark.parametrize("cascading", [True, False])
@given(seed=seeds)
def test_after_each_layer_the_maps_are_compared_with_the_nets_own(make, cascading, seed):
    rng = tl.Generator(seed)
    net, x = make(rng), pictures(rng, 3)
    found = parameter_randomisation(net, x, 1, gradient, cascading=cascading, rng=tl.Generator(seed))
    assert found.layers == ("Folded", "dense", "norm", "conv"), "the last to run first; Folded itself holds the shift"
    own = gradient(net, x, 1).sum(1)
    twin, draws = make(tl.Generator(seed)), tl.Generator(seed)
    tl.random.default_generator.set_state(draws.get_state())
    for k, layer in enumerate([twin, twin.dense, twin.norm, twin.conv]):
        if not cascading:
            twin.load_state_dict(net.state_dict())
        if layer is twin:
            tl.nn.init.normal_(twin.shift, std=float((twin.shift.data**2).mean()) ** 0.5)
        else:
            layer.reset_parameters()
        maps = gradient(twin, x, 1).sum(1)
        assert np.allclose(found.spearman[:, k], spearman(own, maps), atol=1e-12)
        assert np.allclose(found.magnitudes[:, k], spearman(abs(own), abs(maps)), atol=1e-12)
        assert np.allclose(found.ssim[:, k], ssim(own, maps), atol=1e-9)
    assert all(values.shape == (3, 4) for values in found[1:])


def test_a_layer_reset_is_as_a_new_one():
    for make in (
        lambda: tl.nn.BatchNorm2d(2),
        lambda: tl.nn.InstanceNorm2d(2, affine=True),
        lambda: tl.nn.LayerNorm((2, 6, 6)),
        lambda: tl.nn.GroupNorm(1, 2),
        lambda: tl.nn.BatchNorm2d(2, affine=False, track_running_stats=False),
    ):
        layer, new = make().to(tl.float64), make().to(tl.float64)
        layer(tl.Tensor(pictures(tl.Generator(0)) + 3))
        for p in layer.parameters():
            p.data[...] = 7
        layer.reset_parameters()
        for name, tensor in new.state_dict().items():
            assert np.array_equal(layer.state_dict()[name].data, tensor.data), name


@given(seed=seeds)
def test_where_nothing_is_forgotten_the_maps_are_the_same(seed):
    rng = tl.Generator(seed)
    net, x = Folded(rng), pictures(rng, 3)
    found = parameter_randomisation(net, x, 1, gradient, reset=lambda layer: None)
    for values in found[1:]:
        assert values == pytest.approx(np.ones((3, 4)))


def test_maps_that_do_not_look_at_the_net_stay_and_others_change():
    rng = tl.Generator(1)
    net, x = Folded(rng), pictures(rng, 3)
    for method in (random_map, edges, lambda net, x, target: np.zeros_like(x)):
        found = parameter_randomisation(net, x, 1, method)
        assert all(np.allclose(values, 1) for values in found[1:])
    found = parameter_randomisation(net, x, 1, grad_cam)
    assert (found.spearman[:, -1] < 0.9).all()


def test_the_model_and_chance_are_bit_for_bit_what_they_were_after_exceptions_too():
    rng = tl.Generator(2)
    net, x = Folded(rng), pictures(rng, 3)
    net.norm.eval()
    net(tl.Tensor(x)).sum().backward()
    before = state_of(net)
    assert len(before[0]) == 10
    parameter_randomisation(net, x, 1, smoothgrad)
    parameter_randomisation(net.requires_grad_(False), x, 1, gradient, cascading=False)
    assert state_of(net) == before
    calls = itertools.count()

    def fails(net, x, target):
        if next(calls) == 2:
            raise RuntimeError("the method's own")
        return gradient(net, x, target)

    with pytest.raises(RuntimeError, match="the method's own"):
        parameter_randomisation(net, x, 1, fails)
    assert state_of(net) == before
    drawing = tl.Generator(3)
    parameter_randomisation(net, x, 1, gradient, rng=drawing)
    assert drawing.get_state() != (3, 0), "what was drawn was drawn from it"
    assert state_of(net) == before


def test_the_same_seed_gives_the_same_numbers_and_another_seed_others():
    rng = tl.Generator(4)
    net, x = Folded(rng), pictures(rng, 3)
    run = lambda seed: parameter_randomisation(net, x, 1, gradient, rng=tl.Generator(seed)).spearman
    assert np.array_equal(run(1), run(1))
    assert not np.array_equal(run(1), run(2))
    alone = parameter_randomisation(net, x[1:2], 1, gradient, rng=tl.Generator(1)).spearman
    assert np.allclose(run(1)[1:2], alone, atol=1e-12)


def test_a_net_that_learnt_shuffled_labels_starts_afresh_and_has_other_maps(capsys):
    rng = tl.Generator(5)
    net, x = Folded(rng), rng.normal((24, 2, 6, 6), tl.float64)
    y = rng.integers(0, CLASSES, (24,))
    net(tl.Tensor(x)).sum().backward()
    net.requires_grad_(False)
    before = state_of(net)
    train = lambda seed: train_on_shuffled(net, (x, y), epochs=60, lr=0.02, rng=tl.Generator(seed), batch_size=12)
    shuffled = train(1)
    assert state_of(net) == before
    assert not any(p.requires_grad for p in net.parameters())
    order = tl.Generator(1).permutation(24)
    assert tl.evaluate(shuffled, (x, y[order])).accuracy > 0.6 > tl.evaluate(shuffled, (x, y)).accuracy
    data = tl.data.ArrayDataset(x, y)
    again = train_on_shuffled(net, data, epochs=60, lr=0.02, rng=tl.Generator(1), batch_size=12)
    for name, tensor in shuffled.state_dict().items():
        assert np.array_equal(tensor.data, again.state_dict()[name].data), name
    fresh = train_on_shuffled(net, data, epochs=1, lr=1e-9)
    assert np.abs(fresh.dense.weight.data - net.dense.weight.data).max() > 0.1
    assert np.allclose(fresh.norm.weight.data, 1)
    found = label_randomisation(net, shuffled, x[:3], 1, gradient)
    assert np.allclose(found, likeness(gradient(net, x[:3], 1).sum(1), gradient(shuffled, x[:3], 1).sum(1)))
    assert np.allclose(label_randomisation(net, net, x[:3], 1, gradient), 1)
    assert np.allclose(label_randomisation(net, shuffled, x[:3], 1, edges), 1)
    capsys.readouterr()


def test_the_order_of_the_pictures_in_training_is_drawn_too(monkeypatch):
    net, x, seeds = linear_net(tl.Generator(0)), pictures(tl.Generator(1), 4), []
    room = "tinylucid.explain.evaluate.sanity.fit"
    monkeypatch.setattr(room, lambda *args, seed, **settings: seeds.append(seed))
    for seed in (1, 1, 2):
        train_on_shuffled(net, (x, [0, 1, 2, 3]), epochs=1, rng=tl.Generator(seed))
    assert seeds[0] == seeds[1] != seeds[2]


# --- maps that know nothing ---------------------------------------------------------------------------------------------


def test_a_random_map_is_the_pictures_own_and_is_told_by_the_seed():
    x = tl.Generator(6).normal((3, 2, 6, 6))
    maps = random_map(None, x, 0)
    assert maps.shape == (3, 6, 6)
    assert maps.dtype == np.float32
    assert random_map(None, x.astype(np.float64), 0).dtype == np.float64
    assert np.array_equal(random_map(None, x[1:], 0), maps[1:])
    assert not np.array_equal(maps[0], maps[1])
    assert not np.array_equal(random_map(None, x, 0, rng=tl.Generator(1)), maps)
    assert random_map(None, x[:0], 0).shape == edges(None, x[:0], 0).shape == (0, 6, 6)
    many = random_map(None, np.arange(500.0).reshape(500, 1, 1, 1) * np.ones((6, 6)), 0)
    assert many.min() >= 0
    assert many.max() < 1
    assert many.mean() == pytest.approx(0.5, abs=0.01)
    assert many.mean(0) == pytest.approx(np.full((6, 6), 0.5), abs=0.08), "no place is favoured"


@given(seed=seeds)
def test_edges_are_the_loop_of_sobels_filters(seed):
    x = tl.Generator(seed).normal((2, 3, 5, 6), tl.float64)
    maps = edges(None, x, 0)
    for k, i, j in itertools.product(range(2), range(5), range(6)):
        at = lambda p, q, k=k: x[k, :, min(max(p, 0), 4), min(max(q, 0), 5)].mean()
        down = sum(w * (at(i + 1, j + d) - at(i - 1, j + d)) for d, w in ((-1, 1), (0, 2), (1, 1)))
        right = sum(w * (at(i + d, j + 1) - at(i + d, j - 1)) for d, w in ((-1, 1), (0, 2), (1, 1)))
        assert maps[k, i, j] == pytest.approx((down**2 + right**2) ** 0.5)
    assert edges(None, x.astype(np.float32), 0).dtype == np.float32
    assert not edges(None, np.ones((1, 1, 4, 4)), 0).any()


# --- what is refused ------------------------------------------------------------------------------------------------------


MAPS, MASKS = np.zeros((3, 5, 7)), np.zeros((3, 5, 7), bool)
NOWHERE = tl.nn.Sequential(tl.nn.Flatten())


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: pointing_game(MAPS, MASKS[:2]), ValueError, "need masks (3, 5, 7), got (2, 5, 7)"),
        (lambda: mass_in_mask(MAPS[0], MASKS[0]), ValueError, "(N, C, H, W) or (N, H, W), got shape (5, 7)"),
        (lambda: relevance_rank(MAPS, MASKS + 0.5), ValueError, "True and False, or 1 and 0|float64"),
        (
            lambda: relevance_rank(MAPS, np.eye(5, 7, dtype=int)[None] * [[[1]], [[2]], [[0]]]),
            ValueError,
            "1 and 0|int64",
        ),
        (lambda: pointing_game(MAPS * np.nan, MASKS), ValueError, "NaN or infinity|number 0 of 3"),
        (lambda: pointing_game(MAPS, MASKS, tolerance=-1), ValueError, "tolerance must be at least 0 pixels, got -1"),
        (lambda: sparsity(MAPS[0]), ValueError, "(N, C, H, W) or (N, H, W)"),
        (lambda: agreement([MAPS]), TypeError, 'a dict such as {"gradient": maps}, got list'),
        (lambda: agreement({}), ValueError, "at least one, got none"),
        (lambda: agreement({"a": MAPS, "b": MAPS[:2]}), ValueError, "same pictures|a (3, 5, 7), b (2, 5, 7)"),
        (lambda: agreement({"a": MAPS[:0]}), ValueError, "at least one, got a (0, 5, 7)"),
        (lambda: seconds(None, MAPS[:0], 0, gradient), ValueError, "seconds: the number of pictures|got 0"),
        (lambda: seconds(None, MAPS, 0, gradient, runs=0), ValueError, "seconds: runs|got 0"),
        (lambda: parameter_randomisation(gradient, MAPS, 0, gradient), TypeError, "expected a net, a tl.nn.Module"),
        (
            lambda: parameter_randomisation(NOWHERE, MAPS[:, None], 0, gradient),
            ValueError,
            "no layer of this Sequential",
        ),
        (lambda: parameter_randomisation(linear_net(tl.Generator(0)), MAPS, 0, gradient), ValueError, "(N, C, H, W)"),
        (
            lambda: train_on_shuffled(gradient, (MAPS, [0, 1, 1]), epochs=1),
            TypeError,
            "train_on_shuffled: expected a net",
        ),
        (lambda: random_map(None, MAPS, 0), ValueError, "(N, C, H, W), got shape (3, 5, 7)"),
    ],
)
def test_misuse_has_messages(call, error, words):
    assert len(check_message(call, error, words).splitlines()) == 1
