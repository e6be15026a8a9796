"""What surrounds nets for pixels: Dice, tiles, a region as a target, scores, counting, simple methods; by loops and by the whole."""

import json
import math
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from words import check_message

import tinylucid as tl
import tinylucid.nn.functional as F
from tinylucid import explain, metrics, nn, segment
from tinylucid.data import ArrayDataset, DataLoader
from tinylucid.segment import count, dice_loss, region, tiled, tiles

SEEDS = st.integers(0, 2**32)


def draw(seed, *shape):
    return np.random.default_rng(seed).normal(size=shape)


# --- losses ----------------------------------------------------------------------------------------------------------


@given(
    SEEDS,
    st.sampled_from([(1, 2, 3, 4), (2, 3, 2, 2), (3, 4), (2, 1, 5)]),
    st.booleans(),
    st.sampled_from([-100, 0, 7]),
)
def test_dice_is_the_loop_of_its_formula(seed, shape, weighted, ignore):
    z, rng = draw(seed, *shape), np.random.default_rng(seed)
    y = rng.integers(0, shape[1], (shape[0], *shape[2:]))
    y.flat[1:][rng.random(y.size - 1) < 0.3] = ignore
    if (y == ignore).all():
        return
    weight = rng.random(shape[1]) + 0.1 if weighted else None
    p, terms = F.softmax(z, 1), []
    for c in range(shape[1]):
        top, bottom = 0.5, 0.5
        for place in np.ndindex(y.shape):
            if y[place] != ignore:
                q, t = p[(place[0], c, *place[1:])], float(y[place] == c)
                top, bottom = top + 2 * q * t, bottom + q * q + t * t
        terms.append(top / bottom)
    expected = 1 - np.average(terms, weights=weight)
    found = dice_loss(tl.tensor(z), y, weight=weight, ignore_index=ignore, smooth=0.5)
    np.testing.assert_allclose(found.item(), expected, rtol=1e-10)
    np.testing.assert_allclose(dice_loss(z, y, weight=weight, ignore_index=ignore, smooth=0.5), expected, rtol=1e-10)
    single = dice_loss(tl.tensor(z.astype(np.float32)), y, weight=weight, ignore_index=ignore, smooth=0.5)
    assert single.dtype == np.float32
    np.testing.assert_allclose(single.item(), expected, rtol=1e-4)


def test_losses_of_pixels_have_gradients_of_both_orders():
    y = np.array([[[0, 2, -100], [1, 1, 2]]])
    z, weight = draw(0, 1, 3, 2, 3), np.array([0.2, 1.0, 3.0])
    both = lambda z: dice_loss(z, y, weight=weight) + F.cross_entropy(z, y, weight)
    for loss in (lambda z: dice_loss(z, y), both):
        assert tl.gradcheck(loss, z)
        assert tl.gradgradcheck(loss, z)


def test_pixels_that_do_not_count_have_no_slope_in_either_loss():
    y, z = np.array([[[0, -100], [1, 1]]]), tl.tensor(draw(1, 1, 2, 2, 2), requires_grad=True)
    for loss in (dice_loss, F.cross_entropy):
        (g,) = tl.grad(loss(z, y), z)
        assert (g.numpy()[:, :, 0, 1] == 0).all()
        assert (g.numpy()[:, :, 1, 1] != 0).all()


def test_cross_entropy_of_pixels_weighs_classes_and_leaves_out():
    y, z, weight = np.array([[[0, -100], [1, 1]]]), draw(2, 1, 2, 2, 2), np.array([3.0, 0.5])
    p = F.softmax(z, 1)
    places = [(0, 0), (1, 0), (1, 1)]
    total = sum(weight[y[0][ij]] * -math.log(p[0, y[0][ij], *ij]) for ij in places)
    np.testing.assert_allclose(F.cross_entropy(z, y, weight), total / (3.0 + 0.5 + 0.5))


def test_a_perfect_answer_has_no_dice_loss_and_a_wrong_one_nearly_one():
    y = np.random.default_rng(3).integers(0, 3, (2, 8, 8))
    right = (np.moveaxis(np.eye(3)[y], -1, 1) - 0.5) * 80
    assert dice_loss(right, y) < 1e-12
    assert dice_loss(right, (y + 1) % 3) > 0.95


# --- tiles -----------------------------------------------------------------------------------------------------------


@given(st.integers(1, 200), st.integers(6, 60), st.data())
def test_tiles_cover_an_axis_and_weights_sum_to_one(length, tile, data):
    overlap = data.draw(st.integers(3, tile // 2))
    places = list(tiles.spans(length, tile, overlap))
    total, step = np.zeros(length), tile - overlap
    for place, weight in zip(places, tiles.weights(places, length, overlap)):
        assert min(length, overlap) <= place.stop - place.start <= tile
        assert place.start % (step & -step) == 0
        assert (weight >= 0).all()
        total[place] += weight
        inner = np.arange(place.start, place.stop)
        near = (inner - place.start < overlap // 3) & (place.start > 0)
        near |= (place.stop - inner <= overlap // 3) & (place.stop < length)
        assert (weight[near] == 0).all()
    np.testing.assert_allclose(total, 1)


class Pools(nn.Module):
    """Sees 3 + 2 · (2 + 1) = 9 pixels or fewer to each side, and halves the picture on its way."""

    def __init__(self):
        super().__init__()
        self.fine, self.coarse = nn.Conv2d(2, 3, 3, padding=1), nn.Conv2d(2, 3, 3, padding=1)

    def forward(self, x):
        deep = self.coarse(F.max_pool2d(x, 2, ceil_mode=True))
        return self.fine(x) + F.interpolate(deep, scale_factor=2, mode="nearest")[:, :, : x.shape[2], : x.shape[3]]


@given(SEEDS, st.integers(5, 70), st.integers(5, 70), st.sampled_from([(24, 12), (32, 16), (27, 12), (40, 12)]))
def test_tiles_are_the_whole_picture_where_the_net_sees_no_further(seed, height, width, how):
    tl.manual_seed(seed)
    net = (
        Pools()
        if how[0] % 2 == 0
        else nn.Sequential(nn.Conv2d(2, 4, 5, padding=2), nn.Tanh(), nn.Conv2d(4, 3, 3, padding=1))
    )
    x = draw(seed, 2, 2, height, width).astype(np.float32)
    found = tiled(net.train(), x, tile=how[0], overlap=how[1])
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, tl.predict(net, x), atol=1e-5)
    assert all(m.training for m in net.modules())


def test_a_net_that_sees_further_gives_answers_without_seams():
    """Of a net whose tiles differ by a level each, the answer goes over smoothly."""
    levels = iter(range(10))
    net = lambda x: x[:, :1] * 0 + float(next(levels))
    found = tiled(net, np.zeros((1, 1, 20, 68), np.float32), tile=40, overlap=12)[0, 0]
    assert (found == found[0]).all()
    assert np.abs(np.diff(found[0])).max() < 0.45
    assert (found[0, :32], found[0, 36:].min()) == (pytest.approx(0), pytest.approx(1))


def test_one_tile_at_a_time_passes_and_bytes_and_memory_maps_are_pictures(tmp_path):
    x = np.random.default_rng(0).integers(0, 256, (1, 1, 40, 70), np.uint8)
    (tmp_path / "x").write_bytes(x.tobytes())
    seen = []
    net = nn.Conv2d(1, 2, 3, padding=1)
    net.register_forward_pre_hook(lambda module, args: seen.append(args[0].shape))
    found = tiled(net, np.memmap(tmp_path / "x", np.uint8, "r", shape=x.shape), tile=24, overlap=6)
    assert max(seen) == (1, 1, 24, 24)
    np.testing.assert_allclose(found, tl.predict(net, x), atol=1e-5)


def test_the_memory_is_a_tiles_and_the_results():
    x = np.zeros((1, 1, 700, 900), np.uint8)
    net = nn.Sequential(nn.Conv2d(1, 32, 3, padding=1), nn.ReLU(), nn.Conv2d(32, 2, 3, padding=1))
    with tl.kernels("cpu"):  # the reference unfolds each tile
        tiled(net, x[:, :, :64, :64], tile=64, overlap=8)  # what is made once
        tracemalloc.start()
        try:
            found = tiled(net, x, tile=64, overlap=8)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert found.nbytes == 2 * 700 * 900 * 4
    # of a whole picture a single layer is 80 MB
    assert peak < found.nbytes + 6 * 32 * 64 * 64 * 4 < 32 * 700 * 900 * 4 / 8


def test_a_bar_shows_tiles_on_a_terminal_after_a_while(monkeypatch, capsys):
    from tinylucid import patience

    monkeypatch.setattr(patience, "SECONDS", -1)
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    tiled(nn.Conv2d(1, 2, 1), np.zeros((1, 1, 40, 40), np.float32), tile=20, overlap=4)
    assert "tiled" in capsys.readouterr().err


# --- a region as a target --------------------------------------------------------------------------------------------


def net_of(seed):
    tl.manual_seed(seed)
    return nn.Sequential(nn.Conv2d(2, 4, 3, padding=1), nn.ReLU(), nn.Conv2d(4, 3, 1)).to(tl.float64)


@given(SEEDS, st.sampled_from(["one", "each", "all"]), st.integers(0, 2))
def test_maps_of_a_region_are_true(seed, which, k):
    net, x, rng = net_of(seed), draw(seed, 2, 2, 6, 5), np.random.default_rng(seed)
    mask = rng.random((2, 6, 5)) < 0.4
    mask[:, 2, 2] = True
    mask = {"one": mask[0], "each": mask, "all": None}[which]
    target = region(k, mask)

    def number(x):
        logits = tl.predict(net, x)
        full = np.broadcast_to(True if mask is None else mask, (2, 6, 5))
        return np.array([logits[i, k][full[i]].mean() for i in range(2)])

    np.testing.assert_allclose(explain.common.values(net, x, target), number(x))
    g, way = explain.gradient(net, x, target), draw(seed + 1, *x.shape)
    slope = (number(x + 1e-6 * way) - number(x - 1e-6 * way)) / 2e-6
    np.testing.assert_allclose((g * way).sum((1, 2, 3)), slope, atol=1e-5)
    maps = explain.integrated_gradients(net, x, target, steps=300)
    np.testing.assert_allclose(maps.sum((1, 2, 3)), number(x) - number(0 * x), atol=2e-2)
    hidden = explain.occlusion(net, x, target, window=(6, 5), baseline=0)
    np.testing.assert_allclose(hidden[:, 0, 0], number(x) - number(0 * x))
    assert explain.grad_cam(net, x, target).shape == (2, 6, 5)


def test_a_region_may_be_what_the_net_itself_says():
    net, x = net_of(0), draw(0, 3, 2, 9, 9)
    says = segment.masks(net, x)
    np.testing.assert_array_equal(says, tl.predict(net, x).argmax(1))
    k = int(np.bincount(says[0].ravel()).argmax())
    own = region(k, (says == k)[:1])
    assert explain.gradient(net, x[:1], own).any()


# --- scores and counts -----------------------------------------------------------------------------------------------


@given(SEEDS, st.integers(1, 4))
def test_judging_is_scoring_the_answers_batch_by_batch(seed, batch):
    net, x, rng = net_of(seed), draw(seed, 3, 2, 6, 7), np.random.default_rng(seed)
    y = rng.integers(0, 3, (3, 6, 7))
    y[rng.random(y.shape) < 0.2] = -100
    data = ArrayDataset(x, y, ("a", "b", "c"))
    found, says = segment.judge(net, data, batch), tl.predict(net, x).argmax(1)
    confusion = metrics.confusion_matrix(says, y, 3)
    np.testing.assert_array_equal(found.confusion, confusion)
    assert found.accuracy == metrics.accuracy(tl.predict(net, x), y)
    for name in ("mean_accuracy", "mean_iou", "frequency_weighted_iou"):
        assert getattr(found, name) == getattr(metrics, name)(confusion)
    assert list(found.iou.values()) == pytest.approx(metrics.iou(confusion).tolist(), nan_ok=True)
    assert found.boundary_accuracy == metrics.boundary_accuracy(says, y, 3)
    assert found.boundary_f1 == metrics.boundary_f1(says, y, 2)
    loaded = segment.judge(net, DataLoader(data, 2))
    np.testing.assert_equal(loaded.to_dict(), found.to_dict())


def test_scores_print_as_a_table_and_go_into_a_file():
    y = np.repeat([[0, 1]], 4, 0).repeat(4, 1)[None]
    found = segment.score(np.where(y == 1, 1, y), y, ("sand", "sea", "sky"))
    lines = str(found).splitlines()
    assert lines[0].split() == ["pixel", "accuracy", "100.0%"]
    assert lines[-1].split() == ["IoU", "of", "sky", "–"]
    assert len({len(line) for line in lines}) == 1
    assert json.loads(json.dumps(found.to_dict()))["mean_iou"] == 1
    assert "<td" in found._repr_html_()
    assert segment.score(y, y).classes == ("0", "1")


def test_things_are_counted_as_one_would():
    y = np.zeros((12, 20), int)
    y[1:6, 1:6] = y[1:6, 8:13] = y[8:11, 1:4] = 1
    assert count(y, y, smallest=9) == (3, 3, 0)
    assert count(y, y, smallest=10) == (2, 2, 0)
    other = np.zeros_like(y)
    other[1:6, 1:4] = 1  # 15 of 25
    other[1:6, 8:10] = 1  # 10 of 25: too few, and false
    other[8:12, 14:18] = 1  # nothing there
    other[0, 15:18] = 1  # a speck
    assert count(other, y, smallest=4) == (3, 1, 2)
    both = y.copy()
    both[3, 5:9] = 1  # two things in one
    assert count(both[None], y[None], smallest=4) == (3, 1, 1)
    assert count(np.eye(4, dtype=int), np.eye(4, dtype=int), smallest=4) == (1, 1, 0)


def test_nets_are_asked_in_eval_mode():
    """Their running statistics neither move nor give way to the batch's, whole or in tiles."""
    net, x = nn.Sequential(net_of(0), nn.BatchNorm2d(3)).to(tl.float64).train(), draw(0, 2, 2, 12, 20)
    before, wanted = {k: np.array(v) for k, v in net.state_dict().items()}, tl.predict(net, x)
    np.testing.assert_array_equal(segment.masks(net, x), wanted.argmax(1))
    np.testing.assert_allclose(tiled(net, x, tile=12, overlap=4), wanted)
    np.testing.assert_equal({k: np.array(v) for k, v in net.state_dict().items()}, before)
    assert all(m.training for m in net.modules())


def test_scores_know_classes_that_are_only_answered_and_masks_that_do_not_count():
    y = np.zeros((1, 4, 4), int)
    assert segment.score(y + 2, y).classes == ("0", "1", "2")
    assert math.isnan(segment.score(y, y - 100).accuracy)


def test_only_things_of_the_class_are_counted():
    y = np.zeros((8, 8), int)
    y[:3, :3], y[5:, 5:] = 1, 2
    assert count(y, y, 2, smallest=4) == (1, 1, 0)


def test_a_region_of_float32_stays_float32():
    assert region(1, np.eye(4, dtype=bool))(tl.tensor(draw(0, 2, 3, 4, 4).astype(np.float32))).dtype == np.float32


# --- simple methods --------------------------------------------------------------------------------------------------


def test_otsu_and_regression_know_what_is_bright():
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, (3, 16, 16))
    x = (0.3 + 0.4 * y + rng.normal(0, 0.02, y.shape)).astype(np.float32)[:, None]
    assert (segment.otsu(x[:1], x) == y).mean() > 0.99
    assert not segment.otsu(x[:1] + 1, x).any()  # the threshold is not of the pictures that are asked about
    y[0, :4] = -100
    data = ArrayDataset(x, y)
    found = segment.pixel_regression(data, x)
    assert (found.shape, found.dtype) == (y.shape, np.int64)
    assert (found == y)[y >= 0].mean() > 0.99


def test_regression_keeps_a_pixels_channels_together():
    """Only the second of three channels knows the class, and noise blurs it."""
    rng = np.random.default_rng(1)
    y, x = rng.integers(0, 2, (2, 9, 11)), rng.normal(size=(2, 3, 9, 11)).astype(np.float32)
    x[:, 1] += 3 * y
    data = ArrayDataset(x, y)
    found = segment.pixel_regression(data, x)
    assert (found == y).mean() > 0.85
    np.testing.assert_array_equal(segment.pixel_regression(data, x[:, :, 2:7])[1], found[1, 2:7])


# --- what is refused -------------------------------------------------------------------------------------------------

Z, Y = np.zeros((2, 3, 4, 4)), np.zeros((2, 4, 4), int)
FLAT = nn.Sequential(nn.Flatten(), nn.Linear(48, 3)).to(tl.float64)
BIG = np.zeros((1, 3, 64, 64))
BAD = [
    (lambda: dice_loss(Z, Y[:1]), "dice_loss|(2, 3, 4, 4)|(2, 4, 4)|(1, 4, 4)"),
    (lambda: dice_loss(Z, Y + 3), "dice_loss|label 3|0 … 2"),
    (lambda: dice_loss(Z, Y - 100), "dice_loss|ignore_index=-100"),
    (lambda: dice_loss(Z, Y, weight=[1.0]), "dice_loss|(3,)|(1,)"),
    (lambda: dice_loss(Z, Y, weight=[0.0] * 3), "dice_loss|all be 0"),
    (lambda: dice_loss(Z, Y, smooth=0), "dice_loss: smooth|above 0|got 0"),
    (lambda: tiled(FLAT, BIG[0]), "tiled|(N, C, H, W)|(3, 64, 64)|x[None]"),
    (lambda: tiled(FLAT, Z, tile=4, overlap=3), "tiled: overlap|from 3|got 3"),
    (lambda: tiled(FLAT, Z, tile=32, overlap=2), "tiled: overlap|from 3|16|got 2"),
    (lambda: tiled(FLAT, Z, tile=32.0), "tiled: tile|whole number|32.0"),
    (lambda: tiled(FLAT, Z, tile=32, overlap=8), "tiled|(1, K, 4, 4)|(1, 3)"),
    (lambda: region(-1), "region: k|≥ 0|-1"),
    (lambda: region("coin"), "region: k|'coin'|classes.index"),
    (lambda: region(1, np.ones((4, 4))), "region: mask|bool|float64 (4, 4)|y == k"),
    (lambda: region(1, np.zeros((2, 4, 4), bool)), "region|of picture 0|(4, 4)|no pixel"),
    (lambda: region(3)(Z), "region|K > 3|(2, 3, 4, 4)"),
    (lambda: region(0)(np.zeros((2, 3))), "region|(N, K, H, W)|(2, 3)"),
    (lambda: region(1, np.ones((5, 4), bool))(Z), "region|(2, 3, 4, 4)|(4, 4) or (2, 4, 4)|got (5, 4)"),
    (lambda: region(1, np.ones((3, 4, 4), bool))(Z), "region|(2, 4, 4)|got (3, 4, 4)"),
    (lambda: segment.masks(FLAT, Z), "masks|(N, K, H, W)|(2, 3, 4, 4)|(2, 3)"),
    (lambda: segment.judge(FLAT, (Z[:0], Y[:0])), "data is empty"),
    (lambda: segment.score(Y, Y[:, :2]), "(2, 4, 4)|(2, 2, 4)"),
    (lambda: count(Z, Y), "count|(2, 3, 4, 4)|(2, 4, 4)"),
    (lambda: segment.otsu(Z, Z), "otsu|grey|(2, 3, 4, 4)"),
    (lambda: segment.pixel_regression(ArrayDataset(Z, Y - 100), Z), "pixel_regression|(2, 4, 4)|counts"),
]


@pytest.mark.parametrize(("call", "words"), BAD)
def test_what_does_not_fit_is_refused(call, words):
    check_message(call, ValueError, words)


def test_masks_of_bytes_are_scored_and_255_is_asked_about():
    y = np.random.default_rng(0).integers(0, 3, (2, 8, 8)).astype(np.uint8)
    assert segment.score(y, y).accuracy == 1
    y[0, 0, 0] = 255
    check_message(lambda: segment.score(y, y), ValueError, "score: y holds class 255|nobody knows|y[y == 255] = -100")


def test_the_regression_repeats_whatever_was_drawn_before():
    data = tl.data.texture_mosaic(0, train=4, test=2)
    tl.randn(7)
    first = segment.pixel_regression(data.train, data.test.x)
    tl.randn(5)
    np.testing.assert_array_equal(segment.pixel_regression(data.train, data.test.x), first)
