"""How renderings are judged: against loops, and on nets of which it is known what beats what."""

import functools

import numpy as np
import pytest
from test_visualize import small_net
from words import check_message

import tinylucid as tl
from tinylucid import demo
from tinylucid.visualize import Comparison, channel, compare, fourier, jitter, l2, logit, measure, pad, pixel, render
from tinylucid.visualize.judge import alike, between, most_exciting, scores

GOALS = [logit(0), logit(2) - logit(1), channel("2", 1)]


DENSE = tl.nn.Sequential(tl.nn.Flatten())


def small_data(n=300, preprocess=None, dtype=np.float32, names=()):
    x = tl.Generator(1).uniform((n, 2, 8, 8), dtype)
    return tl.data.ArrayDataset(x, np.arange(n) % 3, tuple(names), preprocess)


def broken():
    """Pictures of which one holds NaN."""
    data = small_data(4)
    data.x[2, 1, 3, 4] = np.nan
    return data


@pytest.fixture(scope="module")
def small():
    """A comparison of three objectives from two starts, and what it was asked for."""
    how = {"picture": functools.partial(fourier, decay=2), "seeds": 2, "steps": 20}
    net, other, data = small_net(1, tl.float32), small_net(2, tl.float32), small_data()
    return compare(net, data, GOALS, other=other, classes=[0, 2, 1], **how), net, other, data


def test_renderings_are_those_of_render_and_pixels_have_the_same_budget(small):
    found, net, other, _ = small
    how = {"steps": 20}
    waves = render(net, GOALS, fourier((6, 2, 8, 8), decay=2), **how)
    pixels = render(net, GOALS, pixel((6, 2, 8, 8)), **how)
    assert np.array_equal(found.pictures, waves.reshape(3, 2, 2, 8, 8))
    assert found.objective.ravel() == pytest.approx(measure(net, GOALS, waves), abs=1e-5)
    assert found.pixel.ravel() == pytest.approx(measure(net, GOALS, pixels), abs=1e-5)
    for name, x in (("recognised", waves), ("pixel_recognised", pixels)):
        answers = tl.predict(other, x).argmax(1).reshape(3, 2)
        assert np.array_equal(getattr(found, name), [answers[0] == 0, answers[1] == 2, answers[2] == 1])
    assert found.names == ("logit(0)", "(logit(2) - logit(1))", "channel('2', 1)")


def test_the_best_picture_of_the_data_is_the_best_of_all(small):
    found, net, _, data = small
    each = np.array([measure(net, goal, data.x) for goal in GOALS])
    assert found.data == pytest.approx(each.max(1), rel=1e-5)
    assert found.ratio == pytest.approx(np.where(each.max(1) > 0, 1 / each.max(1), np.nan)[:, None] * found.objective)
    assert scores(net, GOALS, data) == pytest.approx(each.T, rel=1e-4, abs=1e-5)


def distance(net, a, b):
    """1 − the cosine of two pictures' Gram matrices of layer 3, by loops."""
    grams = []
    for x in (a, b):
        planes = net[3](net[2](net[1](net[0](tl.Tensor(x[None]))))).data[0]
        k = len(planes)
        grams.append([(planes[i] * planes[j]).sum() for i in range(k) for j in range(k)])
    return 1 - np.dot(*grams) / np.linalg.norm(grams[0]) / np.linalg.norm(grams[1])


def test_distances_are_those_of_gram_matrices_in_the_other_net(small):
    found, net, other, data = small
    other.eval()
    again = render(net, GOALS, fourier((6, 2, 8, 8), decay=2), steps=20, rng=tl.Generator(1)).reshape(3, 2, 2, 8, 8)
    for k, (goal, of_class) in enumerate(zip(GOALS, (0, 2, 1))):
        a, b = found.pictures[k]
        assert found.apart[k] == pytest.approx(distance(other, a, b), abs=1e-4)
        repeats = [distance(other, x, np.asarray(y)) for x, y in zip(found.pictures[k], again[k])]
        assert found.again[k] == pytest.approx(np.mean(repeats), abs=1e-4)
        x = data.x[data.y == of_class]
        a, b = x[np.argsort(-measure(net, goal, x))[:2]]
        assert found.data_apart[k] == pytest.approx(distance(other, a, b), abs=1e-4)


def test_pairs_and_the_most_exciting_by_hand():
    u = np.eye(3)[None, [0, 1, 1]]  # of three pairs two have nothing in common, one everything
    assert between(u) == pytest.approx([2 / 3])
    numbers = np.array([[1.0, -9], [4, -2], [3, 3], [4, 1]])
    assert most_exciting(numbers, np.array([0, 0, 1, 1]), 2, None).tolist() == [1, 3, 2, 3]
    assert most_exciting(numbers, np.array([0, 0, 1, 1]), 2, [1, 0]).tolist() == [3, 2, 1, 0]


def test_a_shifted_picture_is_the_same_and_another_is_not():
    net = tl.nn.Sequential(
        tl.nn.Conv2d(1, 6, 3, padding=1, padding_mode="circular"), tl.nn.ReLU(), tl.nn.Flatten(), tl.nn.Linear(384, 2)
    )
    x = tl.Generator(0).normal((2, 1, 8, 8), np.float32)
    x[1] = np.cos(np.pi / 2 * np.arange(8))
    grams = alike(net, np.concatenate([x, np.roll(x, (3, 2), (2, 3)), 5 * x]))
    assert between(grams[None, [0, 2]]) == pytest.approx(0, abs=1e-5)
    assert between(grams[None, [1, 3]]) == pytest.approx(0, abs=1e-5)
    assert between(grams[None, [0, 1]]) > 0.02


def test_without_another_net_the_model_tells_renderings_apart():
    net, how = small_net(1), tl.data.Preprocess(8, per_picture=True)
    data = small_data(20, how, np.float64)
    make = functools.partial(fourier, low=-2, high=3, dtype=tl.float64)
    found = compare(net, data, GOALS[:1], picture=make, seeds=3, steps=3)
    x = render(net, GOALS[0], make((3, 2, 8, 8)), steps=3, normalize=how.normalized)
    assert np.array_equal(found.pictures[0], x)
    assert found.objective.dtype == found.apart.dtype == np.float64
    assert found.recognised is None
    assert found.pixel_recognised is None
    pixels = render(net, GOALS[0], pixel((3, 2, 8, 8), -2, 3, dtype=tl.float64), steps=3, normalize=how.normalized)
    assert np.array_equal(found.pixel[0], measure(net, GOALS[0], pixels, normalize=how.normalized))
    pairs = [distance(net.eval(), *how.normalized(np.asarray(x[list(p)]))) for p in ((0, 1), (0, 2), (1, 2))]
    assert found.apart[0] == pytest.approx(np.mean(pairs), abs=1e-9)
    assert found.data[0] == pytest.approx(measure(net, GOALS[0], data.x).max())
    assert "recognis" not in str(found)


def test_prepared_data_is_compared_through_the_transforms_that_are_given():
    how = tl.data.Preprocess(8, mean=(0.2, 0.6), std=(0.5, 0.1))
    net, other, data = small_net(1, tl.float32), small_net(7, tl.float32), small_data(270, how)
    data.x[:] = how.normalized(data.x)
    goals, way = [logit(0) - 3 * l2(0.3), logit(1)], {"steps": 2, "transforms": [pad(1), jitter(2)]}
    found = compare(net, data, goals, seeds=np.int64(3), other=other, classes=np.array([2, 0]), **way)
    draws = (fourier, 0), (fourier, 1), (pixel, 0)
    waves, again, pixels = (
        np.asarray(render(net, goals, make((6, 2, 8, 8)), normalize=how.normalized, rng=tl.Generator(seed), **way))
        for make, seed in draws
    )
    assert np.array_equal(found.pictures.reshape(waves.shape), waves)
    x = how.shown(data.x)
    each = np.stack([measure(net, goal, x, normalize=how.normalized) for goal in goals])
    assert scores(net, goals, data) == pytest.approx(each.T, rel=1e-4, abs=1e-5)
    assert found.data == pytest.approx(each.max(1), rel=1e-4)
    for name, pictures in (("recognised", waves), ("pixel_recognised", pixels)):
        answers = tl.predict(other, how.normalized(pictures)).argmax(1).reshape(2, 3)
        assert np.array_equal(getattr(found, name), answers == [[2], [0]])
    other.eval()
    repeats = [distance(other, *how.normalized(np.stack(pair))) for pair in zip(waves, again)]
    assert found.again == pytest.approx(np.reshape(repeats, (2, 3)).mean(1), abs=1e-4)
    for k, of_class in enumerate((2, 0)):
        members = np.flatnonzero(data.y == of_class)
        a, b, c = data.x[members[np.argsort(-each[k, members])[:3]]]
        pairs = [distance(other, *pair) for pair in ((a, b), (a, c), (b, c))]
        assert found.data_apart[k] == pytest.approx(np.mean(pairs), abs=1e-4)
    assert [line.split()[-2:] for line in str(found).splitlines()[1:3]] == [
        [f"{ok.sum()}/3" for ok in both] for both in zip(found.recognised, found.pixel_recognised)
    ]


def test_waves_and_pixels_are_recognised_each_for_itself():
    """A net that tells even pictures from rough ones; pixels climb roughness, waves that are very coarse do not reach it."""
    rough = tl.nn.Sequential(
        tl.nn.Conv2d(1, 2, 2, bias=False), tl.nn.ReLU(), tl.nn.AdaptiveAvgPool2d(1), tl.nn.Flatten()
    )
    rough[0].weight.data[...] = [[[[1, -1], [-1, 1]]], [[[0.1, 0.1], [0.1, 0.1]]]]
    data = tl.data.ArrayDataset(tl.Generator(0).uniform((4, 1, 8, 8)), np.zeros(4, int))
    even = functools.partial(fourier, decay=6)
    found = compare(rough, data, [logit(0)], picture=even, seeds=4, transforms=(), steps=60, other=rough, classes=[0])
    assert not found.recognised.any()
    assert found.pixel_recognised.all()


def test_pictures_in_which_a_layer_finds_nothing_have_a_row_of_zeros():
    net = small_net(1).eval()
    net[1].bias.data[...] = -1e3  # its ReLUs give nothing
    assert np.array_equal(alike(net, np.ones((2, 2, 8, 8))), np.zeros((2, 16)))


@pytest.mark.parametrize(
    ("data", "way", "error", "words"),
    [
        (small_data(4), {"seeds": 5}, ValueError, "compare|5 starts|as many pictures|has 4"),
        (small_data(7), {"seeds": 3, "classes": [0, 1]}, ValueError, "3 starts|as many pictures of class 1|has 2"),
        (small_data(4), {"seeds": 2, "classes": [0, 3]}, ValueError, "class 3 is not one of 0 … 2"),
        (small_data(0), {}, ValueError, "compare|at least one|(0, 2, 8, 8)"),
        (small_data(4).x, {}, TypeError, "compare: expected an ArrayDataset|ndarray"),
    ],
)
def test_data_with_less_to_tell_apart_than_starts_is_refused_before_the_climb(data, way, error, words):
    net, seen = small_net(), []
    way = {"transforms": [lambda x, rng: (seen.append(1), x)[1]], **way}
    if "classes" in way:
        way["other"] = small_net()
    check_message(lambda: compare(net, data, [logit(0), logit(1)], **way), error, words)
    assert not seen


def test_the_text_says_plainly_what_beats_what():
    numbers = np.array([[3.0, 2, 5], [1, 4, 2], [1, 0, 1]])
    found = Comparison(
        ("logit(0)", "logit(1)", "logit(2)"),
        objective=numbers,
        pixel=np.array([[9.0, 1, 1], [2, 3, 3], [1, 1, 0]]),
        data=np.array([1.5, 3, -1]),
        apart=np.array([0.5, 0.25, 0.1]),
        again=np.array([0.1, 0.1, 0.1]),
        data_apart=np.array([0.4, 0.4, 0.4]),
        recognised=np.array([[True, True, True], [True, False, False], [False, False, False]]),
        pixel_recognised=np.array([[True, False, False], [False] * 3, [False] * 3]),
        pictures=np.zeros((3, 3, 1, 2, 2)),
    )
    assert np.array_equal(found.ratio[:2], numbers[:2] / [[1.5], [3]])
    assert np.isnan(found.ratio[2]).all()
    lines = str(found).splitlines()
    assert lines[0].split() == [
        "objective",
        "rendered",
        "best",
        "ratio",
        "pixels",
        "apart",
        "again",
        "data",
        "recognised",
        "of",
        "pixels",
    ]
    assert lines[1].split() == ["logit(0)", "3", "1.5", "2", "1", "0.5", "0.1", "0.4", "3/3", "1/3"]
    assert lines[3].split() == ["logit(2)", "1", "-1", "–", "1", "0.1", "0.1", "0.4", "0/3", "0/3"]
    assert lines[5:9] == [
        "Renderings beat the data's best picture from every one of 3 starts for 2 of 3 objectives, from some for 3.",
        "Waves beat pixels, median against median, for 1 of 3.",
        "Starts differ more than one start climbed twice for 2 of 3, and more than the data's pictures for 1.",
        "The other net recognises 44% of the renderings, and 11% of those by pixels.",
    ]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"goals": []}, "compare|at least one objective|none"),
        ({"seeds": 1}, "compare|seeds|at least 2|told apart|got 1"),
        ({"seeds": 2.5}, "seeds|2.5"),
        ({"classes": [0]}, "another net and a class|or neither|other=NoneType|[0]"),
        ({"other": small_net()}, "a class for each of 1 objectives|classes=None"),
        ({"other": small_net(), "classes": [0, 1]}, "for each of 1 objectives|[0, 1]"),
        ({"other": small_net(), "classes": [99]}, "class 99|not one of 0 … 2|the data has no more"),
        (
            {"other": small_net(), "classes": [2], "data": small_data(2, names="abc")},
            "compare: class 2 has no pictures",
        ),
        ({"other": DENSE, "classes": [0]}, "compare: no layer of this model gives (N, K, h, w)|a convolution"),
        ({"data": small_data(0)}, "compare|at least one|(0, 2, 8, 8)"),
        ({"data": broken()}, "compare: the data's picture 2|NaN or infinite|prepared"),
    ],
)
def test_bad_input_gets_a_clear_message(change, words):
    settings = {"data": small_data(15), "goals": [logit(0)]} | change
    check_message(lambda: compare(small_net(), **settings), ValueError, words)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"data": small_data(4).x}, "compare: expected an ArrayDataset|ndarray"),
        ({"goals": logit}, "expected objectives|function"),
        ({"other": small_net(), "classes": ["cat"]}, "by its number|classes.index('cat')"),
        ({"other": logit, "classes": [0]}, "compare: other: expected a net"),
    ],
)
def test_what_is_of_another_kind_is_refused(change, words):
    settings = {"data": small_data(15), "goals": [logit(0)]} | change
    check_message(lambda: compare(small_net(), **settings), TypeError, words)


def test_one_objective_needs_no_list():
    found = compare(small_net(dtype=tl.float32), small_data(4), logit(0), seeds=2, steps=1)
    assert found.names == ("logit(0)",)


@pytest.mark.slow
def test_renderings_of_ten_surfaces_are_recognised_by_a_net_trained_separately():
    nets = []
    with tl.kernels("cpu"):  # the training is not the subject, and takes minutes in NumPy
        for seed in (0, 1):
            tl.manual_seed(seed)
            data = tl.data.textures(seed, 200, 1)
            nets.append(tl.models.build("texture_net", classes=10))
            demo.train(nets[-1], data, 12, seed)
        seen = tl.data.textures(0, 200, 1).train
        waves = functools.partial(fourier, decay=2)
        goals = [logit(k) for k in range(10)]
        found = compare(nets[0], seen, goals, picture=waves, other=nets[1], classes=range(10))
    assert found.recognised.mean() >= 0.8
    assert found.recognised.mean() > found.pixel_recognised.mean()
    assert (found.ratio.min(1) > 1).all()
    assert (found.apart < 0.5).all()  # one surface, whatever it starts from
