"""The views: vectors by loops, receptive fields by closed form, paths whose answer is known, atlases that lose no vector."""

import sys
from functools import partial

import numpy as np
import pytest
from explained import Folded, pictures, state_of, without_biases
from hypothesis import given, settings
from hypothesis import strategies as st
from test_plot import apart, drawn, images, texts
from words import check_message

import tinylucid as tl
from tinylucid import plot
from tinylucid import visualize as v
from tinylucid.visualize.activation_grid import blocks
from tinylucid.visualize.atlas import picked, spread_out
from tinylucid.visualize.data import palette
from tinylucid.visualize.field import receptive_field
from tinylucid.visualize.path import contributions, strongest

seeds = st.integers(0, 10**6)


def gave(net, x):
    """What a net of Folded's layers gives at its last ReLU, in eval mode."""
    net.eval()
    with tl.no_grad():
        out = net.features(tl.Tensor(x)).data
    net.train()
    return out


def colour_net(channels=3, dtype=np.float32):
    """A small net on pictures of 8 × 8, by seed."""
    net = tl.nn.Sequential(
        tl.nn.Conv2d(channels, 4, 3, padding=1), tl.nn.ReLU(), tl.nn.MaxPool2d(2), tl.nn.Conv2d(4, 5, 3), tl.nn.ReLU(),
        tl.nn.AdaptiveAvgPool2d(1), tl.nn.Flatten(), tl.nn.Linear(5, 3),
    ).to(dtype)  # fmt: skip
    for k, p in enumerate(net.parameters()):
        tl.nn.init.normal_(p, std=0.5, rng=tl.Generator(k))
    return net


def data_for(n=24, channels=3, dtype=np.float32):
    x = tl.Generator(5).uniform((n, channels, 8, 8), dtype)
    return tl.data.ArrayDataset(x, np.arange(n) % 3, ("a", "b", "c"))


# --- activation grids ------------------------------------------------------------------------------------------------


@given(st.integers(1, 20), st.integers(1, 20), seeds)
def test_planes_are_averaged_over_blocks_to_at_most_eight_by_eight(h, w, seed):
    a = tl.Generator(seed).normal((2, h, w), tl.float64)
    side = 1 if max(h, w) <= 8 else 2 if max(h, w) <= 16 else 3
    found = blocks(a)
    assert found.shape == (2, -(-h // side), -(-w // side))
    for k, i, j in np.ndindex(found.shape):
        assert found[k, i, j] == pytest.approx(a[k, i * side : (i + 1) * side, j * side : (j + 1) * side].mean())


@given(seeds)
def test_a_cell_is_the_rendering_of_its_places_vector(seed):
    rng = tl.Generator(seed)
    net, x = Folded(rng), pictures(rng, 1)
    a = gave(net, x)[0]
    grid = v.activation_grid(net, x[0], "relu", steps=2, rng=tl.Generator(1))
    assert grid.picture.tobytes() == x[0].tobytes()
    assert grid.magnitudes == pytest.approx(np.sqrt((a**2).sum(0)))
    for i, j in np.argwhere(a.any(0))[-2:]:
        picture = v.fourier((1, 2, 6, 6), rng=tl.Generator(1), dtype=tl.float64)
        goal = v.direction("relu", a[:, i, j], 2)
        rng = tl.Generator(1)
        rng.set_state(after_start(a.any(0).sum()))
        alone = v.render(net, goal, picture, steps=2, rng=rng)
        assert grid.renderings[i, j] == pytest.approx(alone[0], abs=1e-9)
    assert (grid.renderings[~a.any(0)] == 0).all()


def after_start(n):
    """Where the numbers of seed 1 stand once n starts of (2, 6, 6) have been drawn."""
    rng = tl.Generator(1)
    v.fourier((int(n), 2, 6, 6), rng=rng, dtype=tl.float64)
    return rng.get_state()


def test_like_places_give_like_cells_and_normalize_holds_for_both():
    net = colour_net(1)
    x = np.full((1, 1, 8, 8), 0.9, np.float32)
    how = lambda z: z - 0.25
    grid = v.activation_grid(net, x, "1", steps=2, size=10, normalize=how)
    assert grid.renderings.shape == (8, 8, 1, 10, 10)
    assert grid.renderings.dtype == np.float32
    assert np.array_equal(grid.renderings[3, 3], grid.renderings[4, 5])
    assert grid.magnitudes == pytest.approx(np.sqrt((v.activations(net, x - 0.25, "1")[0] ** 2).sum(0)))


def expected(net, goals, shape, decay=1.0, colors=None, normalize=None, rng=None):
    """Renderings of two steps that all begin as the first one's noise."""
    picture = v.fourier((len(goals), *shape), decay=decay, colors=colors, rng=rng)
    for p in picture.parameters:
        p.data[...] = p.data[:1]
    return np.asarray(v.render(net, goals, picture, normalize=normalize, steps=2, rng=rng))


def oblong(h=7, w=10, n=3, channels=3):
    """A net of one convolution and pictures in colour that are not square, prepared."""
    how = tl.data.Preprocess(8, mean=(0.4, 0.5, 0.6), std=(0.1, 0.2, 0.3))
    net = tl.nn.Sequential(
        tl.nn.Conv2d(3, 24, 3), tl.nn.ReLU(), tl.nn.AdaptiveAvgPool2d(1), tl.nn.Flatten(), tl.nn.Linear(24, 3)
    )
    x = tl.Generator(3).uniform((n, 3, h, w), tl.float32)
    return net, how, x, tl.data.ArrayDataset(how.normalized(x), np.arange(n) % 3, preprocess=how)


def test_a_grid_and_a_place_of_an_oblong_picture_are_what_is_rendered_as_it_is_given():
    net, how, (x, *_), _ = oblong()
    a = v.activations(net, how.normalized(x[None]), "1")[0]
    grid = v.activation_grid(net, x, "1", normalize=how.normalized, steps=2)
    goals = [v.direction("1", a[:, i, j], 2) for i, j in np.ndindex(5, 8)]
    assert grid.renderings.shape == (5, 8, 3, 7, 10)
    assert np.allclose(
        grid.renderings.reshape(40, 3, 7, 10), expected(net, goals, x.shape, normalize=how.normalized), atol=1e-5
    )
    assert np.array_equal(grid.picture, x)
    seen = v.place(net, x, "1", 1, 7, channels=3, normalize=how.normalized, steps=2, rng=tl.Generator(4))
    assert (seen.row, seen.column, seen.window) == (1, 7, (slice(1, 4), slice(7, 10)))
    assert seen.channels.tolist() == np.argsort(-a[:, 1, 7], kind="stable")[:3].tolist()
    assert np.array_equal(seen.picture, x)
    assert seen.values == pytest.approx(a[seen.channels, 1, 7])
    goals = [v.channel("1", int(k)) for k in seen.channels]
    want = expected(net, goals, x.shape, normalize=how.normalized, rng=tl.Generator(4))
    assert np.allclose(seen.renderings, want, atol=1e-5)
    assert v.place(net, x, "1", 0, 0, size=9, normalize=how.normalized, steps=1).renderings.shape[2:] == (9, 9)
    grey = v.place(net, x[:1], "1", 1, 7, normalize=lambda z: tl.concatenate([z, z, z], 1), steps=1)
    assert grey.window == seen.window
    check_message(lambda: v.place(net, x, "1", 5, 0), ValueError, "row 5|0 … 4|5 × 8")
    check_message(lambda: v.place(net, x, "1", 0, 8), ValueError, "column 8|0 … 7|5 × 8")


def test_of_channels_that_give_the_same_the_first_come_first():
    net = tl.nn.Sequential(tl.nn.Conv2d(1, 300, 1))
    often = (np.arange(300) % 3 == 0).astype(np.float32)
    net[0].weight.data[...], net[0].bias.data[...] = 1, often
    assert v.place(net, ONE, "0", 0, 0, channels=20, steps=1).channels.tolist() == list(range(0, 60, 3))
    x = np.broadcast_to(often[:, None, None, None], (300, 1, 4, 4))
    assert strongest(net, v.channel("0", 0), x, 20).tolist() == list(range(0, 60, 3))


# --- what a place sees -----------------------------------------------------------------------------------------------

WINDOWS = st.tuples(
    st.sampled_from(["conv", "max", "avg"]), st.integers(1, 3), st.integers(1, 2), st.integers(0, 1), st.integers(1, 2)
)


def seen_from(at, chain, sizes):
    """The pixels along one axis that place ``at`` after the chain looks at: from the last layer back, tap by tap."""
    places = {at}
    for (kind, kernel, stride, padding, dilation), size in zip(chain[::-1], sizes[::-1]):
        taps = [t * (1 if kind == "avg" else dilation) for t in range(kernel)]
        places = {p * stride + t - padding for p in places for t in taps} & set(range(size))
    return places


@given(st.lists(WINDOWS, min_size=1, max_size=3), seeds, st.booleans(), st.booleans())
def test_the_field_is_that_of_the_closed_form_whether_units_are_dead_or_not(chain, seed, dead, alone):
    rng, layers, sizes, size = tl.Generator(seed), [], [], (13, 11)
    chain = [(kind, k, s, min(p, k // 2), d) for kind, k, s, p, d in chain]
    kept = []
    for kind, k, s, p, d in chain:
        nxt = tuple((n + 2 * p - (d if kind != "avg" else 1) * (k - 1) - 1) // s + 1 for n in size)
        if min(nxt) < 1 or (kind == "max" and p and d > min(size)):
            break
        kept.append((kind, k, s, p, d))
        sizes.append(size)
        size = nxt
        width = 1 if alone else 2
        if kind == "conv":
            layers += [tl.nn.Conv2d(width, width, k, s, p, d), tl.nn.ReLU()]
            layers[-2].weight.data[...] = rng.normal(layers[-2].weight.shape)
            layers[-2].bias.data[...] = -1e3 if dead else 0.1
        else:
            layers.append(tl.nn.MaxPool2d(k, s, p, d) if kind == "max" else tl.nn.AvgPool2d(k, s, p))
    net = tl.nn.Sequential(*layers)
    at = tuple(int(rng.integers(0, n, (1,))[0]) for n in size)
    found = receptive_field(net, rng.normal((1, width, 13, 11)), str(len(layers) - 1), *at)
    rows, columns = (seen_from(at[axis], kept, [n[axis] for n in sizes]) for axis in (0, 1))
    want = np.zeros((13, 11), bool)
    want[np.ix_(sorted(rows), sorted(columns))] = True
    assert np.array_equal(found, want)


def test_the_field_knows_no_cancelling_and_no_weights_of_zero():
    net = tl.nn.Sequential(tl.nn.Conv2d(1, 1, (1, 2), bias=False), tl.nn.ReLU(), tl.nn.Conv2d(1, 1, (1, 2), bias=False))
    net[0].weight.data[...], net[2].weight.data[...] = [1, -1], [1, 1]  # as a linear chain: 1, 0, −1
    x = np.ones((1, 1, 3, 6), np.float32)
    assert receptive_field(net, x, "2", 1, 2).tolist() == [
        [False] * 6,
        [False, False, True, True, True, False],
        [False] * 6,
    ]
    net[2].weight.data[...] = [0, 1]
    assert receptive_field(net, x, "2", 1, 2)[1].tolist() == [False, False, False, True, True, False]


def test_the_field_is_that_of_all_channels_together():
    net = tl.nn.Sequential(tl.nn.Conv2d(2, 2, (1, 3), bias=False))
    net[0].weight.data[...] = 0
    net[0].weight.data[0, 0, 0, 0], net[0].weight.data[1, 1, 0, 2] = -1, 1  # each looks at one side of one channel
    field = receptive_field(net, np.ones((1, 2, 2, 5), np.float32), "0", 1, 1)
    assert field.tolist() == [[False] * 5, [False, True, False, True, False]]


@pytest.mark.parametrize(
    "layers",
    [
        lambda: [tl.nn.AdaptiveMaxPool2d(1)],
        lambda: [tl.nn.AdaptiveMaxPool2d((1, 1)), tl.nn.ReLU()],
        lambda: [Largest()],
        lambda: [tl.nn.Conv2d(2, 2, 1), Clipped(), tl.nn.AdaptiveAvgPool2d(1)],
    ],
)
def test_the_field_of_what_looks_at_the_whole_picture_is_the_whole_picture(layers):
    net = tl.nn.Sequential(*layers())
    assert receptive_field(net, tl.Generator(0).normal((1, 2, 5, 4)), str(len(net) - 1), 0, 0).all()


class Largest(tl.nn.Module):
    def forward(self, x):
        return tl.max(tl.max(x)) * tl.ones(1, 1, 1, 1)


class Clipped(tl.nn.Module):
    def forward(self, x):
        return tl.clip(x, 5, 6)


@given(seeds)
def test_a_place_has_its_window_and_its_strongest_channels(seed):
    rng = tl.Generator(seed)
    net, x = Folded(rng), pictures(rng, 1)
    a = gave(net, x)[0, :, 1, 2]
    if not a.any():
        check_message(lambda: v.place(net, x, "relu", 1, 2), ValueError, "no channel|'relu'|(1, 2)|another place")
        return
    seen = v.place(net, x[0], "relu", 1, 2, channels=2, steps=1)
    assert seen.window == (slice(1, 5), slice(3, 6))
    assert seen.field.sum() == 12
    order = [int(k) for k in np.argsort(-a) if a[k] > 0][:2]
    assert seen.channels.tolist() == order
    assert seen.values == pytest.approx(a[order])
    assert seen.renderings.shape == (len(order), 2, 6, 6)


# --- the path from a class -------------------------------------------------------------------------------------------


def wired():
    """Two layers of two and three channels with weights by hand: class 1 ← channel 2 ← channel 1, class 0 ← channel 0 ← channel 0."""
    net = tl.nn.Sequential(
        tl.nn.Conv2d(1, 2, 1, bias=False), tl.nn.ReLU(), tl.nn.Conv2d(2, 3, 1, bias=False), tl.nn.ReLU(),
        tl.nn.AdaptiveAvgPool2d(1), tl.nn.Flatten(), tl.nn.Linear(3, 2, bias=False),
    ).to(tl.float64)  # fmt: skip
    net[0].weight.data[...] = np.reshape([1.0, 2.0], (2, 1, 1, 1))
    net[2].weight.data[...] = np.reshape([[3.0, 0.5], [1.0, 0.0], [1.0, 4.0]], (3, 2, 1, 1))
    net[6].weight.data[...] = [[3, 1, -1], [-1, 2, 1]]
    return net


def test_the_path_through_a_wired_net_is_the_wired_one():
    x = np.concatenate([np.full((2, 1, 4, 4), 0.25), np.full((3, 1, 4, 4), 0.5)])
    data = tl.data.ArrayDataset(x, [0, 0, 1, 1, 1], ("dark", "bright"))
    found = v.path(wired(), data, 1, steps=1, pictures=2)
    assert found.layers == ("1", "3")
    assert found.channels.tolist() == [1, 2]
    # a1 = (½, 1), a3 = (2, ½, 4½): to the class −2 + 1 + 4½; to channel 2 then ½ + 4
    assert found.contributions[1] == pytest.approx([-2, 1, 4.5])
    assert found.contributions[0] == pytest.approx([0.5, 4])
    assert found.shares == pytest.approx([4 / 4.5, 4.5 / 5.5])
    assert found.name == "bright"
    assert found.renderings.shape == (3, 1, 4, 4)
    assert found.best.shape == (3, 2, 1, 4, 4)
    assert (found.best[:2] == 0.5).all()
    dark = v.path(wired(), data, 0, steps=1)
    assert dark.channels.tolist() == [0, 0]
    assert v.path(wired(), data, 0, layers=["3"], steps=1).channels.tolist() == [0]


def test_a_path_leaves_out_layers_of_a_single_place():
    net = wired()
    net = tl.nn.Sequential(*list(net)[:5], tl.nn.Conv2d(3, 3, 1, bias=False).to(tl.float64), net[1], *list(net)[5:])
    net[5].weight.data[...] = np.eye(3)[:, :, None, None]
    found = v.path(net, tl.data.ArrayDataset(np.full((4, 1, 4, 4), 0.5), [0, 1, 0, 1]), 1, steps=1)
    assert found.layers == ("3",)  # the other ReLU runs last on the means


@given(seeds)
def test_without_biases_contributions_sum_to_the_objective(seed):
    rng = tl.Generator(seed)
    net, x = without_biases(Folded(rng)), pictures(rng, 3)
    for goal, layer in ((v.logit(2), "relu"), (v.logit(1), "conv"), (v.channel("relu", 1), "norm")):
        found = contributions(net, goal, x, layer)
        assert found.shape == (3,)
        assert found.sum() == pytest.approx(v.measure(net, goal, x).mean(), abs=1e-12)


def test_batches_change_nothing(monkeypatch):
    net, data = colour_net(), data_for()
    whole = contributions(net, v.logit(1), data.x, "1")
    monkeypatch.setattr(sys.modules["tinylucid.visualize.path"], "BATCH", 7)
    assert contributions(net, v.logit(1), data.x, "1") == pytest.approx(whole, rel=1e-4)
    rising = np.broadcast_to(np.arange(24, dtype=np.float32)[:, None, None, None], (24, 1, 4, 4))
    assert strongest(tl.nn.Sequential(tl.nn.ReLU()), v.channel("0", 0), rising, 24).tolist() == list(range(24))[::-1]
    first = v.path(net, data, 2, steps=1)
    score = v.measure(net, v.logit(2), data.x)
    assert np.array_equal(first.best[-1], data.x[np.argsort(-score)[:3]])


class Around(tl.nn.Module):
    """A ReLU that runs twice, and a way around its second run."""

    def __init__(self):
        super().__init__()
        self.relu = tl.nn.ReLU()

    def forward(self, x):
        first = self.relu(x)
        return (5 * first + self.relu(2 * first)).mean((2, 3))


def test_of_a_layer_that_runs_twice_the_last_run_adds():
    x = np.full((2, 3, 4, 4), 0.5)
    assert contributions(Around(), v.logit(1), x, "relu") == pytest.approx([0, 1, 0])


def test_a_path_is_rendered_and_shown_as_the_data_looks():
    net, how, x, data = oblong(n=6)
    found = v.path(net, data, 1, pictures=2, steps=2)
    way = {"colors": palette(data), "normalize": how.normalized}
    first = expected(net, [v.channel("1", int(found.channels[0]))], x.shape[1:], **way)
    last = expected(net, [v.logit(1)], x.shape[1:], decay=2.0, **way)
    assert np.allclose(found.renderings, np.concatenate([first, last]), atol=1e-5)
    order = np.argsort(-v.measure(net, v.logit(1), data.x))[:2]
    assert np.allclose(found.best[1], x[order], atol=1e-6)
    assert found.name == "class 1"
    assert v.path(net, data, 1, size=9, steps=1).renderings.shape == (2, 3, 9, 9)
    again = [v.path(net, data, 1, steps=1, rng=tl.Generator(seed)).renderings for seed in (1, 2)]
    assert not np.allclose(*again)


def test_a_path_of_two_layers_has_their_renderings_in_order():
    net, data = colour_net(1), data_for(6, 1)
    found = v.path(net, data, 1, steps=2)
    goals = [v.channel(name, int(k)) for name, k in zip(("1", "4"), found.channels)]
    want = expected(net, goals, (1, 8, 8))
    assert np.abs(want[0] - want[1]).max() > 0.01
    assert np.allclose(found.renderings[:2], want, atol=1e-4)


# --- atlases ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def two_kinds():
    """A net whose two channels see dark and bright, and pictures all dark (class 0) or all bright (class 1), a little noisy."""
    net = tl.nn.Sequential(tl.nn.Conv2d(1, 2, 1), tl.nn.ReLU())
    net[0].weight.data[...], net[0].bias.data[...] = np.reshape([-1, 1], (2, 1, 1, 1)), [1, 0]
    y = np.arange(60) % 2
    x = (0.1 + 0.8 * y[:, None, None, None] + 0.02 * tl.Generator(0).normal((60, 1, 4, 4))).astype(np.float32)
    return net, tl.data.ArrayDataset(x, y, ("dark", "bright"))


def test_an_atlas_counts_each_vector_once_and_parts_two_kinds(two_kinds):
    net, data = two_kinds
    found = v.atlas(net, data, "1", cells=3, places=2, fewest=2, steps=24)
    assert found.counts.sum() == len(found.points) == len(found.cells) == 120
    assert np.bincount(found.pictures).tolist() == [2] * 60
    counts, votes = np.zeros((3, 3), int), np.zeros((3, 3, 2), int)
    for (x, y), (row, column), k in zip(found.points, found.cells, data.y[found.pictures]):
        assert (row, column) == (min(int(y * 3), 2), min(int(x * 3), 2))
        counts[row, column] += 1
        votes[row, column, k] += 1
    assert np.array_equal(counts, found.counts)
    assert np.array_equal(found.classes, np.where(counts >= 2, votes.argmax(2), -1))
    assert (votes.max(2).sum() / counts.sum()) > 0.95  # hardly any cell holds both kinds
    assert (found.renderings[counts < 2] == 0).all()
    light = found.renderings.mean((2, 3, 4))
    assert light[found.classes == 1].min() > light[found.classes == 0].max()


def test_an_atlas_is_rendered_as_the_data_looks(monkeypatch):
    net, how, x, data = oblong(4, 6, n=15)
    found = v.atlas(net, data, "1", cells=2, places=3, fewest=1, steps=2, rng=tl.Generator(2))
    rng = tl.Generator(2)
    vectors, where = picked(net, data.x, "1", 3, rng)
    assert np.array_equal(where, found.places)
    flat = found.cells @ [2, 1]
    goals = [v.direction("1", vectors[flat == k].mean(0) - vectors.mean(0), 2) for k in np.unique(flat)]
    want = expected(net, goals, x.shape[1:], colors=palette(data), normalize=how.normalized, rng=rng)
    assert np.allclose(found.renderings[found.counts > 0], want, atol=1e-4)
    assert found.names == ("class 0", "class 1", "class 2")
    assert v.atlas(net, data, "1", cells=2, fewest=1, size=9, steps=1).renderings.shape[2:] == (3, 9, 9)
    drawn(plot.atlas(found))


def test_places_of_oblong_planes_batch_by_batch(monkeypatch):
    net, _, _, data = oblong(4, 7, n=8)
    a = v.activations(net, data.x, "1")
    monkeypatch.setattr(sys.modules["tinylucid.visualize.atlas"], "BATCH", 3)
    vectors, where = picked(net, data.x, "1", 10, tl.Generator(0))
    assert where.max(0).tolist() == [1, 4]
    rows, columns = where.T
    assert np.allclose(vectors, a[np.repeat(np.arange(8), 10), :, rows, columns], atol=1e-6)


def test_an_atlas_reaches_to_all_but_the_outermost_and_is_made_of_ten():
    vectors = tl.Generator(0).normal((100, 3), tl.float64)
    points = spread_out(vectors)
    assert ((points == 0).sum(0) <= 1).all()
    assert ((points == 1).sum(0) <= 1).all()
    net, _, _, data = oblong(n=10)  # fewer vectors than channels
    found, same = (v.atlas(net, data, "1", cells=2, fewest=1, steps=1, rng=rng) for rng in (None, tl.Generator(0)))
    assert found.counts.sum() == 10
    assert np.array_equal(found.places, same.places)


def test_an_atlas_of_a_single_channel():
    net = tl.nn.Sequential(tl.nn.Conv2d(3, 1, 3, padding=1))
    found = v.atlas(net, data_for(), "0", cells=2, fewest=1, steps=1)
    assert found.counts.sum() == 24


def test_the_seed_decides_an_atlas(two_kinds):
    net, data = two_kinds
    one, same, other = (v.atlas(net, data, "1", cells=2, steps=1, rng=tl.Generator(s)) for s in (3, 3, 4))
    assert all(np.array_equal(getattr(one, n), getattr(same, n)) for n in ("points", "places", "renderings", "counts"))
    assert not np.array_equal(one.places, other.places)


@given(seeds, st.integers(1, 9))
def test_the_vectors_of_an_atlas_are_those_of_its_places(seed, places):
    rng = tl.Generator(seed)
    net, x = Folded(rng), pictures(rng, 4)
    a = gave(net, x)
    vectors, where = picked(net, x, "relu", places, rng)
    assert vectors.shape == (4 * places, 3)
    for n in range(4):
        rows = where[n * places : (n + 1) * places]
        assert len({tuple(at) for at in rows.tolist()}) == places
        for vector, (i, j) in zip(vectors[n * places :], rows):
            assert vector == pytest.approx(a[n, :, i, j])


# --- what all promise ------------------------------------------------------------------------------------------------


def all_views(net, data, **how):
    return [
        v.activation_grid(net, data.x[0], "1", **how),
        v.place(net, data.x[:1], "4", 0, 0, **how),
        v.path(net, data, 1, **how),
        v.atlas(net, data, "4", cells=2, **how),
    ]


@pytest.mark.parametrize(("channels", "dtype"), [(1, np.float64), (3, np.float32)])
def test_the_model_stays_floats_keep_their_dtype_and_views_show_themselves(channels, dtype):
    net, data = colour_net(channels, dtype), data_for(24, channels, dtype)
    tl.cross_entropy(net(tl.Tensor(data.x)), data.y).backward()
    net[0].eval()
    net[3].weight.requires_grad_(False)
    before = state_of(net)
    with tl.no_grad():
        views = all_views(net, data, steps=1)
    assert state_of(net) == before
    for view in views:
        assert view.renderings.dtype == dtype
        assert view.renderings.shape[-3:] == (channels, 8, 8)
        assert 0 <= view.renderings.min() <= view.renderings.max() <= 1
        assert type(view.renderings) is np.ndarray
        png, size = view._repr_png_()
        assert png.startswith(b"\x89PNG")
        assert size["width"] == 576
        with pytest.raises(AttributeError):
            view.layer = "other"
    again = all_views(net, data, steps=1)
    assert all(np.array_equal(a.renderings, b.renderings) for a, b in zip(views, again))


BAD = tl.nn.Sequential(tl.nn.Conv2d(1, 2, 3), tl.nn.ReLU(), tl.nn.Flatten(), tl.nn.Linear(72, 3))
for number, p in enumerate(BAD.parameters()):
    tl.nn.init.uniform_(p, 0, 0.5, rng=tl.Generator(number))  # of no dead ReLUs
ONE = np.ones((1, 1, 8, 8), np.float32)
DATA = tl.data.ArrayDataset(tl.Generator(0).uniform((12, 1, 8, 8)), np.zeros(12, int), ("a", "b"))

HOLED = tl.data.ArrayDataset(np.where(np.arange(12).reshape(-1, 1, 1, 1) < 7, DATA.x, np.nan), DATA.y)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: v.activation_grid(BAD, np.ones((2, 1, 8, 8), np.float32), "0"), "activation_grid|one picture|(2, 1, 8, 8)|x[k]"),
        (lambda: v.activation_grid(BAD, ONE, "3"), "activation_grid|'3'|(1, 3)|planes"),
        (lambda: v.activation_grid(BAD, ONE, "conv"), "no layer 'conv'|0, 1, 2"),
        (lambda: v.place(BAD, np.ones((8, 8), np.float32), "0", 0, 0), "place|one picture|(8, 8)"),
        (lambda: v.place(BAD, ONE, "2", 0, 0), "place|'2'|(1, 72)|planes"),
        (lambda: v.place(BAD, ONE, "0", 6, 0), "row 6|0 … 5|6 × 6"),
        (lambda: v.place(BAD, ONE, "0", 0, -1), "column -1|0 … 5"),
        (lambda: v.place(BAD, ONE, "0", 0, 0, channels=0), "place: channels|at least 1|0"),
        (lambda: v.path(BAD, DATA, 2), "class 2|0 … 1|the data"),
        (lambda: v.path(BAD, DATA, 1), "path|class 1|no pictures|give data"),
        (lambda: v.path(BAD, DATA, 0, layers=["3", "9"]), "path|no layer '9'|0, 1, 2, 3"),
        (lambda: v.path(BAD, DATA, 0, layers=["3"]), "path: layer '3' gives (12, 3), expected|more than one place"),
        (lambda: v.path(BAD, DATA, 0, layers=["1", "0"]), "path|channel('0'|does not depend|'1'|order"),
        (lambda: v.path(tl.nn.Sequential(tl.nn.Flatten(), tl.nn.ReLU(), tl.nn.Linear(64, 2)), DATA, 0), "no layer of this model|planes"),
        (lambda: v.atlas(BAD, tl.data.ArrayDataset(DATA.x[:9], DATA.y[:9]), "1"), "atlas|9 pictures|10 or more|more pictures"),
        (lambda: v.atlas(BAD, DATA, "2"), "atlas|'2'|planes"),
        (lambda: v.atlas(BAD, DATA, "1", places=37), "atlas|6 × 6|36 places|37"),
        (lambda: v.atlas(BAD, DATA, "1", cells=0), "atlas: cells|at least 1"),
        (lambda: v.atlas(BAD, DATA, "1", cells=1), "atlas|2 cells a side or more|got 1"),
        (lambda: v.atlas(BAD, DATA, "1", fewest=13), "atlas|no cell holds 13|fewer cells"),
        (lambda: v.atlas(BAD, tl.data.ArrayDataset(np.ones((12, 1, 8, 8), np.float32), DATA.y), "1"), "atlas|'1'|the same"),
        (lambda: v.atlas(BAD, tl.data.ArrayDataset(DATA.x, DATA.y > 0), "1"), "atlas|y (N,)|bool (12,)"),
        (lambda: v.atlas(BAD, tl.data.ArrayDataset(DATA.x, np.zeros((12, 8, 8), int)), "1"), "atlas|y (N,)|(12, 8, 8)"),
        (lambda: v.path(BAD, DATA, 0, layers=[]), "path: got no layer|leave layers out"),
        (lambda: v.path(BAD, DATA, 0, layers=["3"]), "layer '3' gives (12, 3)|expected (N, K, h, w)"),
        (lambda: v.activation_grid(BAD, ONE * np.inf, "0"), "activation_grid: picture 0|NaN or infinite|prepared"),
        (lambda: v.place(BAD, ONE * np.nan, "0", 0, 0), "place: picture 0|NaN or infinite"),
        (lambda: v.path(BAD, HOLED, 0), "path: the data's picture 7|NaN or infinite|prepared"),
        (lambda: v.atlas(BAD, HOLED, "1"), "atlas: the data's picture 7|NaN or infinite"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused(call, words):
    check_message(call, ValueError, words)


def test_one_layer_of_a_path_may_be_a_name():
    assert v.path(BAD, DATA, 0, layers="1", steps=1).layers == ("1",)


def test_an_atlas_refuses_numbers_before_it_lays_anything_out(monkeypatch):
    monkeypatch.setattr("sklearn.manifold.TSNE.fit_transform", lambda *_: pytest.fail("began"))
    check_message(lambda: v.atlas(BAD, DATA, "1", steps=0), ValueError, "atlas: steps|at least 1|0")
    check_message(lambda: v.atlas(BAD, DATA, "1", size=0), ValueError, "atlas: size|at least 1|0")


def test_what_finds_nothing_says_so():
    net = colour_net(1)
    net[3].bias.data[...] = -1e3
    check_message(
        lambda: v.activation_grid(net, ONE, "4"), ValueError, "activation_grid|'4'|0 everywhere|another layer"
    )
    check_message(lambda: v.place(net, ONE, "4", 0, 0), ValueError, "place|no channel|'4'|(0, 0)")
    check_message(lambda: v.path(net, DATA, 0), ValueError, "path|no channel of layer '4'|logit(0)")
    net = tl.nn.Sequential(tl.nn.Conv2d(1, 1, 3))
    net[0].weight.data[...], net[0].bias.data[...] = 0, 1
    check_message(lambda: v.place(net, ONE, "0", 0, 0), ValueError, "place|(0, 0)|depends on no pixel")


def test_what_is_of_another_kind_is_refused():
    check_message(lambda: v.atlas(BAD, DATA.x, "1"), TypeError, "atlas|ndarray|ArrayDataset")
    check_message(lambda: v.path(BAD, DATA, "a"), TypeError, "a class is given by its number|classes.index('a')")
    check_message(lambda: v.place(BAD, np.ones((1, 1, 8, 8), int), "0", 0, 0), TypeError, "place|float")
    for figure in ("activation_grid", "atlas", "path", "place"):
        check_message(
            lambda name=figure: getattr(plot, name)(ONE), TypeError, f"{figure}|tl.visualize.{figure}|ndarray"
        )


@pytest.mark.parametrize("channels", [2, 5])
def test_a_figure_of_neither_grey_nor_colour_is_refused(channels):
    names = ("activation_grid", "place", "path", "atlas")
    for name, view in zip(names, all_views(colour_net(channels), data_for(24, channels), steps=1)):
        check_message(
            partial(getattr(plot, name), view), ValueError, f"{name}: expected pictures|1 or 3|{channels}, 8, 8"
        )
        assert view._repr_png_() is None


def test_a_picture_prepared_twice_is_refused_when_it_is_drawn():
    net, x = colour_net(), data_for().x[:1]
    for picture, range_ in ((x * 255, "in [0, 1], got"), (x * 4 - 2, "preprocess.shown(x)")):
        for name, view in (("activation_grid", v.activation_grid(net, picture, "1", steps=1)),
                           ("place", v.place(net, picture, "1", 4, 4, steps=1))):  # fmt: skip
            check_message(partial(getattr(plot, name), view), ValueError, f"{name}|{range_}")


# --- figures ---------------------------------------------------------------------------------------------------------

WORDY = "encoder.blocks.12.attention.projection.which_has_a_very_long_name.relu"


def test_cells_are_as_large_as_there_is_much_behind_them():
    magnitudes = np.array([[4.0, 1.0, 0.0], [0.0, 0.1, 2.25]])
    x = tl.Generator(0).uniform((2, 3, 1, 8, 8))
    figure = plot.activation_grid(v.ActivationGrid("relu", np.zeros((1, 8, 8)), x, magnitudes))
    assert len(images(figure)) == 4  # the picture, and the three cells that are large enough
    places = [axes.get_position() for axes in figure.axes[1:]]
    assert [place.width / places[0].width for place in places] == pytest.approx([1, 0.5, 0.75])
    middles = np.array([(place.x0 + place.width / 2, -place.y0 - place.height / 2) for place in places])
    inches = (middles - middles[0]) * figure.get_size_inches()
    assert inches / inches[1, 0] == pytest.approx(np.array([[0, 0], [1, 0], [2, 1]]))
    for image, picture in zip(images(figure)[1:], (x[0, 0], x[0, 1], x[1, 2])):
        low, high = np.percentile(picture, (0.5, 99.5))
        assert np.allclose(image.get_array()[..., 0], np.clip((picture[0] - low) / (high - low), 0, 1))
    assert "what layer relu makes of it, place by place" in texts(figure)
    drawn(figure)


@pytest.mark.parametrize(("cells", "size"), [((1, 1), (8, 8)), ((1, 6), (30, 9)), ((6, 1), (9, 30))])
def test_grids_of_any_form_have_room(cells, size):
    grid = v.ActivationGrid(WORDY, np.zeros((1, *size)), np.zeros((*cells, 1, *size)), np.ones(cells))
    figure = plot.activation_grid(grid)
    apart(figure)
    ratio = figure.axes[0].get_window_extent()
    assert ratio.height / ratio.width == pytest.approx(size[0] / size[1])
    boxes = [axes.get_window_extent() for axes in figure.axes[1:]]
    assert max(box.y1 for box in boxes) - min(box.y0 for box in boxes) < 0.75 * figure.bbox.width
    (heading,) = (text for text in texts(figure) if text.startswith("what layer enc"))
    assert heading.endswith("place by place")


def test_an_atlas_names_each_class_once_where_most_of_it_lies(two_kinds):
    net, data = two_kinds
    found = v.atlas(net, data, "1", cells=3, fewest=2, steps=1)
    figure = plot.atlas(found)
    assert sorted(texts(figure)) == sorted(["layer 1: 60 places of 60 pictures, like beside like", "dark", "bright"])
    assert len(images(figure)) == (found.counts >= 2).sum()
    drawn(figure)


def mapped(classes, counts, names, layer="conv"):
    """An atlas of grey cells."""
    n = int(counts.sum())
    x, where = np.full((*counts.shape, 1, 8, 8), 0.5), np.zeros((n, 2))
    return v.Atlas(layer, names, x, counts, classes, where, where, np.repeat(np.arange(n), 2)[:n], where)


def test_names_stand_in_the_cell_that_holds_most_of_their_class():
    classes, counts = np.array([[1, 1, 1], [-1, 0, 0], [-1, -1, 0]]), np.array([[3, 9, 4], [1, 3, 5], [2, 0, 3]])
    figure = plot.atlas(mapped(classes, counts, ("fur", "wood")))
    at = {}
    for name in ("fur", "wood"):
        box = texts(figure)[name].get_window_extent()
        at[name] = (box.x0 + box.x1) / 2 / figure.dpi, (figure.bbox.height - box.y0) / figure.dpi
    cell = 5.8 / 3
    top = figure.bbox.height / figure.dpi - 0.1 - 5.8
    assert at["wood"] == pytest.approx((0.1 + 1.5 * cell, top + cell), abs=0.08)
    assert at["fur"] == pytest.approx((0.1 + 2.5 * cell, top + 2 * cell), abs=0.08)
    assert len(images(figure)) == 6
    assert "layer conv: 30 places of 15 pictures, like beside like" in texts(figure)


@settings(max_examples=5)
@given(seeds, st.integers(2, 8), st.integers(1, 30))
def test_names_in_an_atlas_overlap_neither_each_other_nor_its_edges(seed, cells, many):
    rng = tl.Generator(seed)
    classes, counts = (np.asarray(rng.integers(low, high, (cells, cells))) for low, high in ((-1, many), (3, 9)))
    figure = plot.atlas(mapped(classes, counts, tuple(f"a class of long name {k}" for k in range(many)), WORDY))
    boxes = [text.get_window_extent() for text in figure.texts]
    assert len(boxes) == 1 + len(set(classes[classes >= 0].tolist()))
    assert not any(box.overlaps(other) for i, box in enumerate(boxes) for other in boxes[:i])
    assert all(0 <= box.x0 <= box.x1 <= figure.bbox.width for box in boxes)


def test_the_window_of_a_place_is_framed_and_enlarged():
    x = np.arange(64.0).reshape(1, 8, 8)
    field = np.zeros((8, 8), bool)
    field[2:5, 1:7] = True
    renderings = np.stack([np.eye(8)[None], 1 - np.eye(8)[None]])
    seen = v.Place("conv", 1, 2, x, field, np.array([3, 1]), np.array([2.5, 0.25]), renderings)
    figure = plot.place(seen)
    (frame,) = figure.axes[0].patches
    assert frame.get_bbox().bounds == (0.5, 1.5, 6, 3)
    assert images(figure)[1].get_array().shape == (3, 6, 3)
    assert [image.get_array()[0, 0, 0] for image in images(figure)[2:]] == [1, 0]
    assert {"3: 2.5", "1: 0.25", "all that layer conv sees at (1, 2)"} <= set(texts(figure))
    drawn(figure)


@pytest.mark.parametrize(("count", "size"), [(1, (20, 7)), (5, (7, 20)), (14, (8, 8))])
def test_places_of_any_form_have_room(count, size):
    field = np.zeros(size, bool)
    field[1:3, 2:7] = True
    values = np.linspace(1e6, 1, count)
    seen = v.Place(
        WORDY, 10, 12, np.zeros((1, *size)), field, np.arange(count) + 1000, values, np.zeros((count, 1, *size))
    )
    figure = plot.place(seen)
    apart(figure)
    shapes = [axes.get_window_extent() for axes in figure.axes]
    forms = [size[0] / size[1], 2 / 5, *[size[0] / size[1]] * count]
    assert [box.height / box.width for box in shapes] == pytest.approx(forms)
    assert "1000: 1e+06" in texts(figure)


def followed(count, shown, name="fur", layer="3", size=(8, 8)):
    """A path of ``count`` layers, its pictures grey, each brighter than the one before."""
    levels = np.arange(1.0, count + 2)[:, None, None, None] / (count + 2)
    x = np.broadcast_to(levels, (count + 1, 3, *size))
    best = np.stack([x * (1 - 0.1 * j / shown) for j in range(shown)], 1)
    return v.Path(1, name, (layer,) * count, np.arange(count) + 1000, np.linspace(1, 0.2, count), (), x, best)


@pytest.mark.parametrize(
    ("count", "shown", "size"), [(1, 1, (20, 7)), (2, 3, (7, 20)), (4, 20, (8, 8)), (6, 2, (7, 20)), (17, 1, (20, 7))]
)
def test_paths_of_any_length_have_room(count, shown, size):
    found = followed(count, shown, "a class with a very long name, longer than its picture", WORDY, size)
    figure = plot.path(found)
    apart(figure)
    pictures = np.concatenate([np.concatenate([x[None], best]) for x, best in zip(found.renderings, found.best)])
    assert [image.get_array().mean() for image in images(figure)] == pytest.approx(pictures.mean((1, 2, 3)))
    boxes = [axes.get_window_extent() for axes in figure.axes]
    assert [box.height / box.width for box in boxes] == pytest.approx([size[0] / size[1]] * len(boxes))
    assert "100%" in texts(figure)
    assert figure.get_size_inches()[0] == 6


def test_a_path_is_drawn_from_the_first_layer_to_the_class():
    rng = tl.Generator(0)
    found = v.Path(
        1, "fur", ("1", "3"), np.array([5, 7]), np.array([0.25, 0.5]), (), rng.uniform((3, 1, 8, 8)), rng.uniform((3, 2, 1, 8, 8))
    )  # fmt: skip
    figure = plot.path(found)
    assert len(images(figure)) == 9
    assert [t for t in texts(figure) if "%" in t] == ["25%", "50%"]
    assert {"layer 1\nchannel 5", "layer 3\nchannel 7", "fur"} <= set(texts(figure))
    drawn(figure)
