"""The gallery: renderings beside the pictures that excite a channel most, by loops; its figure, and the command."""

import dataclasses
import shutil
import sys

import numpy as np
import pytest
from explained import state_of
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from test_commands import draw_folder, refused, said
from test_plot import apart, drawn, images, texts
from test_visualize import small_net
from words import check_message

import tinylucid as tl
from tinylucid import plot
from tinylucid.commands.given import class_number, layer_name
from tinylucid.data import ArrayDataset, Preprocess
from tinylucid.report import Report
from tinylucid.visualize import channel, color_matrix, exciting, fourier, gallery, logit, many, measure, render
from tinylucid.visualize import data as by_data
from tinylucid.visualize.data import palette
from tinylucid.visualize.gallery import LayerGallery, pooled, times

short = sys.modules[plot.gallery.__module__].short  # of the room of that name, which tl.plot.gallery hides


def pictures(n, shape=(2, 8, 8), seed=0, dtype=tl.float64, how=None):
    """A data set of noise."""
    return ArrayDataset(tl.Generator(seed).uniform((n, *shape), dtype), np.zeros(n, int), preprocess=how)


def gratings(angles=(0, 45, 90, 135)):
    """A net whose channel k is excited by waves of four pixels at one angle, and twenty pictures at that angle, k = 0 … 3."""
    y, x = np.mgrid[:16, :16]
    wave = lambda angle, phase: np.cos(
        np.pi / 2 * (np.cos(np.radians(angle)) * x + np.sin(np.radians(angle)) * y) + phase
    )
    net = tl.nn.Sequential(tl.nn.Conv2d(1, len(angles), 8, bias=False), tl.nn.ReLU())
    net[0].weight.data[...] = np.stack([wave(angle, 0)[None, :8, :8] for angle in angles])
    data = [[wave(angle, phase) / 2 + 0.5] for phase in np.arange(5) for angle in angles]
    return net, ArrayDataset(np.array(data, np.float32), np.tile(np.arange(len(angles)), 5))


# --- what is found ---------------------------------------------------------------------------------------------------


@given(st.integers(0, 10**6), st.integers(1, 7), st.integers(1, 4))
def test_the_best_pictures_are_those_of_a_sort_by_hand(seed, n, top):
    net, data = small_net(seed), pictures(n, seed=seed)
    (found,) = gallery(net, data, layers="2", steps=1, top=top, seed=seed).layers
    assert (found.name, found.kind, found.count, found.numbers.tolist()) == ("2", "ReLU", 4, [0, 1, 2, 3])
    for k in range(4):
        by_hand = [float(measure(net, channel("2", k), data.x[i : i + 1])[0]) for i in range(n)]
        order = sorted(range(n), key=lambda i: (-by_hand[i], i))[:top]
        assert np.allclose(found.values[k], [by_hand[i] for i in order])
        assert np.allclose([by_hand[i] for i in found.best[k]], found.values[k])  # ties of the last bit may turn
        assert np.array_equal(found.photographs[k], data.x[found.best[k]])
    assert found.pictures.dtype == found.values.dtype == np.float64


@pytest.mark.parametrize("how", [None, Preprocess(8, mean=(0.2, 0.6), std=(0.5, 0.3)), Preprocess(8, per_picture=True)])
def test_what_is_reached_is_measured_as_the_net_is_given_it(how):
    net, raw = small_net(), pictures(5).x
    data = ArrayDataset(how.normalized(raw) if how else raw, np.zeros(5, int), preprocess=how)
    found = gallery(net, data, layers=["2", "0"], steps=3, channels=3)
    prepared = how.normalized if how else None
    for layer in found.layers:
        goals = [channel(layer.name, k) for k in range(3)]
        assert np.allclose(layer.reached, measure(net, goals, layer.pictures, normalize=prepared))
        alone = fourier((3, 2, 8, 8), dtype=tl.float64)
        assert np.allclose(layer.pictures, render(net, goals, alone, normalize=prepared, steps=3))
        best = data.x[layer.best[:, 0]]
        assert np.allclose(layer.values[:, 0], measure(net, goals, best))
        for ratio, reached, best in zip(layer.ratio, layer.reached, layer.values[:, 0]):
            assert np.isnan(ratio) if best <= 0 else ratio == pytest.approx(reached / best)
        assert 0 <= layer.photographs.min() <= layer.photographs.max() <= 1
        if how is None or not how.per_picture:
            assert np.allclose(layer.photographs, raw[layer.best])
    assert np.array_equal(found.ratio, np.concatenate([layer.ratio for layer in found.layers]), equal_nan=True)


def test_pictures_need_not_be_square():
    net, data = tl.nn.Sequential(*list(small_net())[:3]), pictures(3, (2, 6, 9))
    (found,) = gallery(net, data, layers=net[2], steps=2, channels=np.int64(2), top=2).layers
    goals = [channel("2", k) for k in range(2)]
    assert np.allclose(found.pictures, render(net, goals, fourier((2, 2, 6, 9), dtype=tl.float64), steps=2))
    assert found.photographs.shape == (2, 2, 2, 6, 9)
    assert many.at_a_time((3, 4, 2**15)) == many.at_a_time((1, 2**15, 4)) == 2


def test_of_pictures_that_excite_alike_the_first_come_first():
    net = tl.nn.Sequential(tl.nn.Conv2d(2, 3, 3), tl.nn.ReLU()).to(tl.float64)
    net[0].weight.data[...], net[0].bias.data[...] = 1, 0
    data = pictures(300)
    data.x[...] = (np.arange(300) % 3 == 0)[:, None, None, None]
    (found,) = gallery(net, data, layers="1", steps=1, top=50).layers
    assert np.array_equal(found.best, np.tile(np.arange(0, 150, 3), (3, 1)))


def test_batches_change_nothing(monkeypatch):
    net, data = tl.nn.Sequential(*list(small_net())[:3]), pictures(7)
    ways = [gallery(net, data, layers=["0", "2"], steps=20, size=10)]
    sizes, climb = [], many.render
    monkeypatch.setattr(
        many, "render", lambda net, goals, *a, **kw: sizes.append(len(goals)) or climb(net, goals, *a, **kw)
    )
    monkeypatch.setattr(many, "PIXELS", 3 * 100)
    ways.append(gallery(net, data, layers=["0", "2"], steps=20, size=10))
    assert sizes == [3, 1, 3, 1]
    monkeypatch.setattr(many, "PIXELS", 1)
    assert many.at_a_time((3, 8, 8)) == 1
    assert np.array_equal(
        pooled(net, data.x, "2", None), np.concatenate([pooled(net, x[None], "2", None) for x in data.x])
    )
    for one, other in zip(*(way.layers for way in ways)):
        for name in ("pictures", "reached", "values", "photographs"):
            assert np.allclose(getattr(one, name), getattr(other, name), atol=1e-9), name
        assert np.array_equal(one.best, other.best)
        assert one.pictures.shape == (4, 2, 10, 10)
        assert one.photographs.shape == (4, 4, 2, 8, 8)


def test_the_seed_and_the_channel_decide_not_what_else_is_asked_for():
    net, data = small_net(), pictures(3)
    whole = gallery(net, data, layers=["0", "2"], steps=3, seed=5).layers
    some = gallery(net, data, layers="2", channels=[0, 1], steps=3, seed=5).layers
    assert np.allclose(whole[1].pictures[:2], some[0].pictures)
    assert not np.allclose(
        some[0].pictures, gallery(net, data, layers="2", channels=2, steps=3, seed=6).layers[0].pictures
    )
    (other,) = gallery(net, data, layers="2", channels=[3, 1], steps=3, seed=5).layers
    assert (other.numbers.tolist(), other.count) == ([3, 1], 4)
    assert [layer.name for layer in gallery(net, data, layers=["2", "0"], steps=1, channels=1).layers] == ["2", "0"]
    assert np.allclose(other.values, whole[1].values[[3, 1]])
    assert np.allclose(other.reached, measure(net, [channel("2", 3), channel("2", 1)], other.pictures))
    assert np.array_equal(other.best, whole[1].best[[3, 1]])


def test_each_channel_of_a_net_set_by_hand_finds_its_own_gratings():
    net, data = gratings()
    (found,) = gallery(net, data, steps=96).layers
    assert (found.name, found.kind, found.count) == ("1", "ReLU", 4)
    assert np.array_equal(data.y[found.best], np.arange(4)[:, None].repeat(4, 1))
    assert np.array_equal(pooled(net, found.pictures, "1", None).argmax(1), np.arange(4))
    assert (found.ratio > 0.5).all()  # beside waves as the filter itself has them, at exactly its angle
    assert times(found.ratio).startswith(f"renderings reach {np.median(found.ratio):.1f} times")
    assert "1 · ReLU · 4 channels" in repr(found)


def test_colours_are_mixed_as_in_the_data_as_it_looks(monkeypatch):
    how = Preprocess(8, mean=(0.4, 0.5, 0.6), std=(0.1, 0.2, 0.3))
    data = pictures(7, (3, 8, 8), how=how)
    data.x[:, 1] = data.x[:, 0] / 2 + data.x[:, 1] / 4
    seen = how.shown(data.x)
    assert np.allclose(palette(data), color_matrix(seen))
    monkeypatch.setattr(by_data, "ENOUGH", 3)
    assert np.allclose(palette(data), color_matrix(seen[::3]))
    assert palette(pictures(2, (1, 8, 8))) is None
    given = []
    monkeypatch.setattr(many, "fourier", lambda *a, **kw: given.append(kw["colors"]) or fourier(*a, **kw))
    gallery(tl.nn.Sequential(tl.nn.Conv2d(3, 2, 3), tl.nn.ReLU()).to(tl.float64), data, steps=1)
    assert np.allclose(given, [color_matrix(seen[::3])])


def test_a_channel_that_nothing_excites_has_no_ratio():
    net, data = gratings()
    net[0].weight.data[2] = -100  # pictures are bright
    (found,) = gallery(net, data, steps=4).layers
    assert np.isnan(found.ratio).tolist() == [False, False, True, False]
    assert "nan" not in times(found.ratio)
    assert times(np.array([np.nan])) == "no picture excites any"


def test_the_layers_are_the_activations_that_give_planes_or_all_that_do():
    conv, relu = tl.nn.Conv2d(1, 2, 3), tl.nn.ReLU()
    flat = (tl.nn.Flatten(), tl.nn.Linear(18, 5), tl.nn.Tanh())
    names = lambda *layers: [row.name for row in many.active_layers(tl.nn.Sequential(*layers), (1, 5, 5))]
    assert names(conv, relu, *flat) == ["1"]
    assert names(conv, tl.nn.SiLU(), tl.nn.Dropout(0.5), relu, *flat) == ["1", "3"]
    assert names(conv, tl.nn.BatchNorm2d(2), *flat) == ["0", "1"]
    assert names(tl.nn.Flatten(), tl.nn.Linear(25, 5), relu) == []
    net = tl.models.build("resnet", depth=8, channels=1)
    assert [row.name for row in many.active_layers(net, (1, 16, 16))][:2] == ["relu", "layer1.0.relu"]
    assert len(many.active_layers(net, (1, 16, 16))) == 4  # those of the blocks run twice


def test_of_a_layer_that_runs_twice_the_last_run_says_where_it_stands_and_whether_it_gives_planes():
    relu, conv = tl.nn.ReLU(), lambda: tl.nn.Conv2d(1, 1, 3)
    head = tl.nn.AdaptiveAvgPool2d(1), tl.nn.Flatten(), tl.nn.Linear(1, 2)
    names = lambda *layers: [row.name for row in many.active_layers(tl.nn.Sequential(*layers), (1, 9, 9))]
    assert names(conv(), relu, conv(), tl.nn.Tanh(), conv(), relu, *head) == ["3", "1"]
    assert names(conv(), relu, *head, relu) == ["0", "2"]
    assert names(conv(), relu, conv(), tl.nn.Tanh(), *head, relu) == ["3"]


def test_a_layer_without_planes_is_shown_where_it_is_named():
    (found,) = gallery(small_net(), pictures(3), layers="6", steps=2).layers
    assert found.reached.shape == (3,)
    rows = tl.nn.Sequential(tl.nn.Conv2d(2, 3, 3), tl.nn.Flatten(2)).to(tl.float64)
    x = pictures(2).x
    assert np.allclose(pooled(rows, x, "1", None), pooled(rows, x, "0", None))
    (by_module,) = gallery(net := small_net(), pictures(3), layers=[net[6]], steps=2).layers
    assert np.array_equal(found.pictures, by_module.pictures)


@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning", "ignore:overflow:RuntimeWarning")
def test_the_net_stays_as_it_was_after_errors_too():
    net = small_net()
    net[2].eval()  # modes are mixed
    net(tl.Tensor(pictures(2).x)).sum().backward()
    before = state_of(net)
    hooks = lambda: sum(len(module._forward_hooks) for module in net.modules())
    data = pictures(3)
    gallery(net, data, steps=2)
    broken = pictures(3)
    broken.x[1] = np.finfo(broken.x.dtype).max  # finite, but the layer's sums are not
    check_message(
        lambda: gallery(net, broken, steps=2), ValueError, "gallery: layer '2' gives NaN or infinity for picture 1"
    )
    assert state_of(net) == before
    assert hooks() == 0
    broken.x[1] = np.nan
    check_message(lambda: gallery(net, broken), ValueError, "gallery: the data's picture 1|NaN or infinite|prepared")


DENSE = tl.nn.Sequential(tl.nn.Flatten(), tl.nn.Linear(128, 2))


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: gallery(lambda x: x, pictures(2)), TypeError, "gallery|Module"),
        (lambda: gallery(small_net(), pictures(2).x), TypeError, "gallery: expected an ArrayDataset|got ndarray"),
        (
            lambda: gallery(small_net(), tl.data.Splits(pictures(2), pictures(2))),
            TypeError,
            "got Splits; give one part of it, such as .test",
        ),
        (lambda: gallery(small_net(), pictures(0)), ValueError, "at least one|(0, 2, 8, 8)"),
        (lambda: gallery(small_net(), ArrayDataset(np.ones((3, 4)), np.ones(3))), ValueError, "(N, C, H, W)|(3, 4)"),
        (lambda: gallery(small_net(), pictures(2), layers="conv"), ValueError, "gallery|no layer 'conv'|0, 1, 2"),
        (lambda: gallery(small_net(), pictures(2), layers=[]), ValueError, "gallery: got no layer|layers=['0']"),
        (lambda: gallery(DENSE, pictures(2)), ValueError, "gallery: no layer of this Sequential gives planes|name one"),
        (lambda: gallery(small_net(), pictures(2), channels=[4]), ValueError, "channel 4|0 … 3|'2' gives 4 channels"),
        (lambda: gallery(small_net(), pictures(2), channels=0), ValueError, "gallery: channels|at least 1"),
        (
            lambda: gallery(small_net(), pictures(2), channels=[]),
            ValueError,
            "gallery: channels|how many, or a list|[]",
        ),
        (lambda: gallery(small_net(), pictures(2), channels="all"), ValueError, "gallery: channels|a list|'all'"),
        (lambda: gallery(small_net(), pictures(2), channels=1.5), ValueError, "gallery: channels|at least 1|1.5"),
        (lambda: gallery(small_net(), pictures(2), size=0), ValueError, "gallery: size|at least 1"),
        (lambda: gallery(small_net(), pictures(2), steps=0), ValueError, "gallery: steps|at least 1"),
        (lambda: gallery(small_net(), pictures(2), top=0), ValueError, "gallery: top|at least 1"),
        (
            lambda: gallery(small_net(), ArrayDataset(np.zeros((2, 2, 8, 8), np.uint8), np.zeros(2, int))),
            TypeError,
            "gallery|uint8",
        ),
        (lambda: plot.gallery([1]), TypeError, "gallery: expected what tl.visualize.gallery gives, got list"),
    ],
)
def test_what_cannot_be_shown_is_refused(call, error, words):
    assert len(check_message(call, error, words).splitlines()) == 1


# --- the figure ------------------------------------------------------------------------------------------------------


def made(k=5, top=4, channels=1, size=(8, 8), shown=(6, 6), seed=0):
    """The gallery of a layer of noise."""
    rng = np.random.default_rng(seed)
    values = -np.sort(-rng.random((k, top)) * 200, 1)
    renderings, photographs = rng.random((k, channels, *size)), rng.random((k, top, channels, *shown))
    best = rng.integers(0, 99, (k, top))
    return LayerGallery("3", "ReLU", 70, np.arange(k) + 2, renderings, rng.random(k), best, values, photographs)


@pytest.mark.parametrize(("k", "top", "channels"), [(1, 1, 1), (3, 2, 3), (4, 4, 3), (64, 5, 1)])
def test_everything_has_its_place_and_nothing_overlaps(k, top, channels):
    layer = made(k, top, channels, size=(8, 5), shown=(4, 7))
    figure = plot.gallery(layer, channels=64)
    apart(figure)
    assert len(images(figure)) == 2 * k
    for i in range(k):
        one, several = (image.get_array() for image in images(figure)[2 * i : 2 * i + 2])
        (left, right), x = (axes.get_window_extent() for axes in figure.axes[2 * i : 2 * i + 2]), layer.pictures[i]
        assert (left.height / left.width, right.height / right.width) == pytest.approx((8 / 5, 4 / 7))
        assert right.x0 > left.x1
        want = np.broadcast_to(stretch(x), (3, 8, 5)).transpose(1, 2, 0)
        np.testing.assert_allclose(one, want)
        across = {1: 1, 2: 2, 4: 2, 5: 3}[top]
        for j in range(top):
            down, along = divmod(j, across)
            some = several[down * 5 : down * 5 + 4, along * 8 : along * 8 + 7]
            want = np.broadcast_to(stretch(layer.photographs[i, j]), (3, 4, 7)).transpose(1, 2, 0)
            np.testing.assert_allclose(some, want)
    assert np.isfinite(drawn(figure)).all()


@pytest.mark.parametrize("size", [(8, 5), (5, 8)])
def test_a_line_is_as_high_as_the_higher_of_both(size):
    layer = made(6, size=size, shown=size[::-1])
    apart(plot.gallery(layer))
    apart(plot.gallery(tl.visualize.ChannelGallery((layer, layer))))


@pytest.mark.parametrize("scale", [1e-9, 1, 500, 1e9])
def test_long_numbers_have_room_beside_each_other(scale):
    layer = made(6)
    layer.numbers[:] += 1020
    layer.values[...] *= scale
    layer.reached[...] *= scale
    figure = plot.gallery(layer)
    apart(figure)
    assert not any("…" in text for text in texts(figure))


@given(st.floats(1e-30, 1e30) | st.floats(-1e30, -1e-30))
def test_short_numbers_are_short_and_near(value):
    written = short(value)
    assert len(written) <= 8
    assert "e" not in written or not 1e-3 <= abs(value) < 99999
    assert float(written) == pytest.approx(value, rel=0.051, abs=0)


def test_short_numbers():
    values = 0.9, 2, 13.2, 99.4, 99.7, -99.7, 131.6, -131.6, 99999, 123456, 0
    words = ["0.90", "2.0", "13", "99", "100", "-100", "132", "-132", "99999", "1.2e+05", "0.0"]
    assert [short(value) for value in values] == words


def stretch(x):
    """Grey between its percentiles, colour as it is."""
    low, high = np.percentile(x, (0.5, 99.5)) if len(x) == 1 else (0, 1)
    return np.clip((x - low) / (high - low), 0, 1)


def test_the_words_say_which_channel_and_how_much():
    layer = made(4)
    layer.reached[:] = 0.904, 2.0, 13.2, 1234.5
    layer.values[:, 0] = 0.1, 0.0, 0.02, 617.0
    figure = plot.gallery(layer, channels=4)
    numbers = [text.get_text() for text in figure.texts][2:-1]
    assert numbers == ["2", "0.90", "0.10", "3", "2.0", "0.0", "4", "13", "0.020", "5", "1234", "617"]
    assert {"3 · ReLU · 70 channels, 4 of them here", "renderings reach 9.0 times the best picture (median)"} <= set(
        texts(figure)
    )
    assert len(images(plot.gallery(layer, channels=3))) == 6
    assert "renderings reach 9.0 times the best picture (median)" in texts(plot.gallery(layer, channels=3))
    assert len(images(plot.gallery(made(30, 1)))) == 48
    whole = plot.gallery(tl.visualize.ChannelGallery((layer, made(2))), channels=3)
    assert len(images(whole)) == 10
    with pytest.raises(ValueError, match=r"gallery: expected colour in \[0, 1\]"):
        plot.gallery(
            made(2, channels=3, seed=1).__class__(
                **{**vars(made(2, channels=3)), "pictures": np.full((2, 3, 8, 8), 9.0)}
            )
        )


def test_a_gallery_shows_itself_in_a_notebook():
    net, data = gratings()
    found = gallery(net, data, steps=2)
    png, size = found._repr_png_()
    assert png.startswith(b"\x89PNG")
    assert size["width"] == 6 * 96
    assert repr(found).startswith("LayerGallery(1 · ReLU · 4 channels, renderings reach ")
    many_channels = tl.visualize.ChannelGallery((made(24), dataclasses.replace(made(24), name="")))
    assert "the net · ReLU · 70 channels" in repr(many_channels)
    few = plot.gallery(many_channels, channels=6)
    assert many_channels._repr_png_()[1]["height"] == few._repr_png_()[1]["height"]


# --- the command -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return draw_folder(tmp_path_factory.mktemp("pictures"), count=3)


@pytest.fixture(scope="module")
def net(tmp_path_factory):
    """A file of an untrained net with three activation layers."""
    tl.manual_seed(0)
    path = tmp_path_factory.mktemp("net") / "net.safetensors"
    how = Preprocess(16, mean=(0.5,) * 3, std=(0.25,) * 3)
    tl.models.save(tl.models.build("texture_net", classes=3, channels=3), path, ("grün", "red", "белый"), how)
    return path


def files(out):
    return sorted(path.name for path in out.iterdir())


def test_channels_are_rendered_by_the_layers_kind_and_number(net, tmp_path, capsys):
    visualize = "visualize", net, "--steps", 2, "--out", tmp_path
    code, out, err = said(capsys, *visualize, "--layer", "conv2", "--channel", 3, "--channel", 31, "--size", 24)
    assert (code, err) == (0, "")
    assert out.strip() == str(tmp_path / "layer-conv2.png")
    assert said(capsys, *visualize, "--layer", "4", "--channels", 2, "--gif")[0] == 0
    assert files(tmp_path) == ["layer-4.gif", "layer-4.png", "layer-conv2.png"]
    with Image.open(tmp_path / "layer-4.gif") as film:
        assert film.n_frames > 1


def test_all_channels_and_the_pictures_of_a_folder_beside_them(net, folder, tmp_path, capsys, monkeypatch):
    asked, draw = [], plot.gallery
    monkeypatch.setattr(plot, "gallery", lambda found, **kw: asked.append(found) or draw(found, **kw))
    visualize = "visualize", net, "--steps", 1, "--out", tmp_path, "--data", folder
    code, out, err = said(capsys, *visualize, "--all", "--channels", 3)
    assert (code, err) == (0, "")
    assert [line.split("layer-")[1] for line in out.splitlines()] == ["2.png", "6.png", "10.png"]
    assert [(found.name, found.numbers.tolist(), found.best.shape) for found in asked] == [
        ("2", [0, 1, 2], (3, 4)), ("6", [0, 1, 2], (3, 4)), ("10", [0, 1, 2], (3, 4)),
    ]  # fmt: skip
    asked.clear()
    assert said(capsys, *visualize, "--layer", "relu3", "--channel", 60)[0] == 0
    assert [(found.name, found.numbers.tolist()) for found in asked] == [("10", [60])]
    saved = tl.models.load(net)
    data = tl.data.image_folder(folder, preprocess=saved.preprocess, classes=saved.classes).load()
    (want,) = gallery(saved.model, data, layers="10", channels=[60], steps=1).layers
    assert np.array_equal(asked[0].pictures, want.pictures)
    assert np.array_equal(asked[0].best, want.best)


def test_all_is_every_channel(net, tmp_path, capsys, monkeypatch):
    counts = []
    monkeypatch.setattr(
        "tinylucid.visualize.exciting",
        lambda model, goals, *a, **kw: counts.append(len(goals)) or np.zeros((1, 3, 8, 8)),
    )
    monkeypatch.setattr(plot, "picture_grid", lambda x, titles: plot.heatmap(np.zeros((1, 8, 8)), None))
    assert said(capsys, "visualize", net, "--all", "--out", tmp_path)[0] == 0
    assert said(capsys, "visualize", net, "--layer", "relu2", "--out", tmp_path)[0] == 0
    assert counts == [16, 32, 64, 16]


def test_classes_begin_with_coarse_waves(net, tmp_path, capsys, monkeypatch):
    asked = []
    monkeypatch.setattr(
        many, "render", lambda net, goals, picture, **kw: asked.append((goals, picture().data)) or picture().data
    )
    assert said(capsys, "visualize", net, "--class", "red", "--seed", 3, "--size", 12, "--out", tmp_path)[0] == 0
    ((goals, x),) = asked
    assert [str(goal) for goal in goals] == [str(logit(1))]
    assert np.array_equal(x, fourier((1, 3, 12, 12), decay=2, rng=tl.Generator(3))().data)


@pytest.fixture
def grids(monkeypatch):
    """What plot.picture_grid is asked for: pictures, and their titles."""
    asked, draw = [], plot.picture_grid
    monkeypatch.setattr(plot, "picture_grid", lambda x, titles: asked.append((x, titles)) or draw(x, titles))
    return asked


def test_classes_as_they_are_asked_for_and_what_is_remembered_of_them(net, folder, tmp_path, capsys, grids):
    way = "--steps", 2, "--seed", 3, "--size", 20, "--out", tmp_path
    classes = "--class", "red", "--class", "grün"
    assert said(capsys, "visualize", net, *classes, "--data", folder, *way)[0] == 0
    assert files(tmp_path) == ["classes.png", "remembered.png"]
    saved = tl.models.load(net)
    data = tl.data.image_folder(folder, preprocess=saved.preprocess, classes=saved.classes).load()
    look = {"decay": 2, "colors": palette(data), "steps": 2, "seed": 3}
    drawn = exciting(saved.model, [logit(1), logit(0)], (3, 20, 20), saved.preprocess, **look)
    kept = tl.visualize.remembered(saved.model, data, [1, 0], size=20, steps=4, seed=3)
    for (x, titles), want in zip(grids, (drawn, kept), strict=True):
        assert titles == ["red", "grün"]
        assert np.array_equal(x, want)


def test_what_the_folder_has_no_pictures_of_is_not_remembered(net, tmp_path, capsys, grids):
    two = draw_folder(tmp_path / "two", ("белый", "red"), 2)
    visualize = "visualize", net, "--steps", 1, "--data", two, "--out", tmp_path / "out"
    code, _, err = said(capsys, *visualize)
    assert code == 0
    assert "no pictures of grün" in err
    (_, drawn), (x, kept) = grids
    assert (drawn, kept) == (("grün", "red", "белый"), ["red", "белый"])
    saved = tl.models.load(net)
    with pytest.warns(UserWarning, match="no pictures of grün"):
        data = tl.data.image_folder(two, preprocess=saved.preprocess, classes=saved.classes).load()
    assert np.array_equal(x, tl.visualize.remembered(saved.model, data, [1, 2], steps=2))
    _, _, err = said(capsys, *visualize, "--class", "grün")
    assert f"{two} has no pictures of grün" in err


def test_channels_stand_under_their_numbers(net, folder, tmp_path, capsys, grids, monkeypatch):
    visualize = "visualize", net, "--seed", 2, "--steps", 1, "--out", tmp_path
    assert said(capsys, *visualize, "--layer", "conv2", "--channel", 31, "--channel", 3)[0] == 0
    ((x, titles),) = grids
    assert titles == ["31", "3"]
    saved = tl.models.load(net)
    goals = [channel("4", 31), channel("4", 3)]
    assert np.array_equal(x, exciting(saved.model, goals, (3, 16, 16), saved.preprocess, steps=1, seed=2))
    counts, draw = [], plot.gallery
    monkeypatch.setattr(
        plot, "gallery", lambda *a, **kw: counts.append(len(images(figure := draw(*a, **kw)))) or figure
    )
    assert said(capsys, *visualize, "--layer", "relu3", "--channels", 26, "--data", folder)[0] == 0
    assert counts == [2 * 26]


def test_a_class_is_meant_by_its_name_before_its_number():
    assert [class_number(name, ("1", "0", "a")) for name in ("1", "0", "2", "a")] == [0, 1, 2, 2]
    check_message(lambda: class_number("3", ("1", "0", "a")), ValueError, "no class '3'|1, 0, a")


def test_what_the_command_refuses(net, folder, tmp_path, capsys):
    visualize = "visualize", net, "--out", tmp_path / "out"
    message = refused(capsys, *visualize, "--layer", "cnv2")
    assert "no layer 'cnv2', perhaps 'conv2'; there are: 0 (conv1), 1 (batchnorm1), 2 (relu1), " in message
    assert "8" in refused(capsys, *visualize, "--size", 7)
    assert "channel 32 is not one of 0 … 31" in refused(capsys, *visualize, "--layer", "conv2", "--channel", 32)
    assert "say which by --layer" in refused(capsys, *visualize, "--channel", 3)
    assert "say which by --layer" in refused(capsys, *visualize, "--all", "--channel", 3)
    assert "say which by --layer" in refused(capsys, *visualize, "--channels", 3)
    assert "not allowed with" in refused(capsys, *visualize, "--all", "--class", "red")
    assert "nowhere" in refused(capsys, *visualize, "--all", "--data", tmp_path / "nowhere")
    assert "perhaps 'red'; there are: grün, red, белый" in refused(capsys, *visualize, "--class", "rad")


def test_names_by_kind_and_number_count_in_the_order_of_the_names():
    net = tl.models.build("resnet", depth=8, channels=1)
    assert layer_name(net, "conv1") == "conv1"  # a name of its own comes first
    assert layer_name(net, "conv2") == "layer1.0.conv1"
    assert layer_name(net, "batchnorm1") == "bn1"
    assert layer_name(net, "linear1") == "fc"
    message = check_message(lambda: layer_name(net, "conv99"), ValueError, "no layer 'conv99'")
    assert (
        ", bn1 (batchnorm1), relu (relu1), maxpool (identity1), layer1, layer1.0, layer1.0.conv1 (conv2),"
        in message.replace("are: ", ", ")
    )


# --- the report ------------------------------------------------------------------------------------------------------


def page_of(net, data, quick=False):
    from tinylucid import findings, page

    found = findings.Findings("", 0, quick=quick)
    found.judge(net, data, None)
    report = Report("")
    page.gallery(report, found)
    return report.html()


def test_the_report_says_what_was_measured(monkeypatch):
    net, data = gratings()
    head = tl.nn.Sequential(net[0], net[1], tl.nn.AdaptiveAvgPool2d(1), tl.nn.Flatten())
    data.classes = ("a", "b", "c", "d")
    written = page_of(head, data, quick=True)
    assert written.count("<img") == 3
    assert "made of the same stuff as the classes a, b, c, d" in written
    assert "In 4 channels renderings reach " in written
    assert "Layer 1 (ReLU)" in written


def test_the_report_shows_what_it_says(monkeypatch):
    from tinylucid import findings, page

    how = Preprocess(16, mean=(0.4, 0.5, 0.6), std=(0.1, 0.2, 0.3))
    raw = tl.Generator(0).uniform((9, 3, 16, 16), tl.float32)
    data = ArrayDataset(how.normalized(raw), np.repeat([0, 2, 3], 3), ("a", "b", "c", "d"), how)
    net = tl.nn.Sequential(
        tl.nn.Conv2d(3, 14, 3), tl.nn.ReLU(), tl.nn.AdaptiveAvgPool2d(1), tl.nn.Flatten(), tl.nn.Linear(14, 4)
    )
    found = findings.Findings("", 7)
    found.judge(net, data, None)
    asked = []
    for where, name in ((tl.visualize, "exciting"), (tl.visualize, "remembered"), (tl.visualize, "gallery")):
        call = getattr(where, name)
        monkeypatch.setattr(
            where,
            name,
            lambda *a, call=call, name=name, **kw: asked.append((name, a, dict(kw))) or call(*a, **{**kw, "steps": 1}),
        )
    for name in ("picture_grid", "gallery"):
        draw = getattr(plot, name)
        monkeypatch.setattr(plot, name, lambda *a, draw=draw, name=name: asked.append((name, a, {})) or draw(*a))
    report = Report("")
    page.gallery(report, found)
    named = [name for name, _, _ in asked]
    assert named == ["exciting", "picture_grid", "remembered", "picture_grid", "gallery", "gallery"]
    (_, classes, look), (_, (_, first), _), (_, kept, way), (_, (_, second), _), (_, _, channels), (_, drawn, _) = asked
    assert [str(goal) for goal in classes[1]] == [f"logit({k})" for k in range(4)]
    assert classes[2:] == ((3, 16, 16), how)
    assert np.allclose(look.pop("colors"), palette(data))
    assert look == {"decay": 2, "steps": 256, "seed": 7}
    assert (list(kept[2]), way) == ([0, 2, 3], {"steps": 512, "seed": 7})
    assert (list(first), list(second)) == (["a", "b", "c", "d"], ["a", "c", "d"])
    assert channels == {"layers": ["1"], "channels": 12, "steps": 256, "seed": 7}
    assert isinstance(drawn[0], LayerGallery)


def test_a_net_without_planes_has_a_report_too():
    data = pictures(4, (1, 8, 8), dtype=tl.float32)
    data.classes = ("a", "b")
    written = page_of(tl.nn.Sequential(tl.nn.Flatten(), tl.nn.Linear(64, 2)), data, quick=True)
    assert written.count("<img") == 1
    assert "no channels to show" in written


def test_of_many_layers_some_from_the_first_to_the_last_are_in_the_report():
    from types import SimpleNamespace

    from tinylucid import page

    rows = [SimpleNamespace(name=str(k)) for k in range(19)]
    assert page.spread(rows) == ["0", "6", "12", "18"]
    assert page.spread(rows[:3]) == ["0", "1", "2"]
    assert page.spread([]) == []


def test_exciting_keeps_a_film_of_the_first_batch(tmp_path, monkeypatch):
    monkeypatch.setattr(many, "PIXELS", 2 * 64)
    net, _ = gratings()
    x = exciting(net, [channel("1", k) for k in range(3)], (1, 8, 8), None, steps=4, gif=tmp_path / "x.gif")
    assert x.shape == (3, 1, 8, 8)
    assert np.array_equal(x, exciting(net, [channel("1", k) for k in range(3)], (1, 8, 8), None, steps=4, seed=0))
    with Image.open(tmp_path / "x.gif") as film:
        assert film.size == (2 * 130, 130)


def test_a_folder_that_has_nothing_of_what_is_asked_for_is_refused_before_anything_is_drawn(
    net, folder, tmp_path, capsys
):
    some = tmp_path / "some"
    shutil.copytree(folder / "red", some / "red")
    visualize = "visualize", net, "--out", tmp_path / "out", "--steps", 1, "--data", some
    code, out, err = said(capsys, *visualize, "--class", "grün")
    assert (code, out) == (2, "")
    assert f"{some} has no pictures of grün: nothing to remember them by; leave out --data" in err
    assert files(tmp_path / "out") == []
    assert said(capsys, *visualize, "--class", "red")[0] == 0
    assert files(tmp_path / "out") == ["classes.png", "remembered.png"]
