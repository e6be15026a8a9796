"""Feature maps and filters: what is drawn is what the net computes and holds, and the net stays as it was."""

import numpy as np
import pytest
from explained import Folded, pictures, state_of
from hypothesis import given
from hypothesis import strategies as st
from test_plot import drawn, images, texts
from test_plot_heat import colour, full_colour
from words import check_message

import tinylucid as tl
from tinylucid import plot

SEEDS = st.integers(0, 10**6)


def lines(figure):
    """What is written over the rows, from top to bottom."""
    return [text.get_text() for text in sorted(figure.texts, key=lambda text: -text.get_position()[1])][:-3]


def shown(planes, count):
    """The first ``count`` of planes (K, h, w) as they should be drawn: each over its 99th percentile."""
    return [np.clip(plane / (full_colour(plane) or 1), -1, 1) for plane in planes[:count]]


@given(SEEDS, st.booleans())
def test_each_layer_is_drawn_run_for_run(seed, batch):
    rng = tl.Generator(seed)
    net, x = Folded(rng), pictures(rng, 1)
    net.eval()
    conv = net.conv(tl.Tensor(x))
    norm = net.norm(conv)
    first = np.maximum(norm.data, 0)
    pool = first.reshape(1, 3, 3, 2, 3, 2).max((3, 5))
    second = np.maximum(pool - net.shift.data, 0)
    net.train()
    figure = plot.feature_maps(net, x if batch else tl.Tensor(x[0]), channels=2)
    assert lines(figure) == [
        "the picture · 2 × 6 × 6",
        "conv · Conv2d · 3 × 6 × 6",
        "norm · BatchNorm2d · 3 × 6 × 6",
        "relu · ReLU · 3 × 6 × 6",
        "pool · MaxPool2d · 3 × 3 × 3",
        "relu · ReLU · 3 × 3 × 3",
    ]
    want = [plane for planes in (x, conv.data, norm.data, first, pool, second) for plane in shown(planes[0], 2)]
    assert len(images(figure)) == len(want)
    for image, plane in zip(images(figure), want):
        np.testing.assert_allclose(image.get_array(), plane, atol=1e-12)
        assert image.norm(0.0) == 0.5


@pytest.mark.parametrize("frozen", [False, True])
def test_the_net_stays_as_it_was_after_exceptions_too(frozen):
    rng = tl.Generator(0)
    net, x = Folded(rng), pictures(rng, 1)
    net.conv.eval()  # modes are mixed
    tl.nn.functional.cross_entropy(net(tl.Tensor(x)), np.array([1])).backward()
    net.requires_grad_(not frozen)
    before = state_of(net)
    with tl.no_grad():
        plot.feature_maps(net, x)
    plot.filters(net)
    assert state_of(net) == before
    check_message(lambda: plot.feature_maps(net, x, layers=["dense"]), ValueError, "'dense' gives (1, 4)")
    with pytest.raises(Exception, match="conv"):
        plot.feature_maps(net, x[:, :1])
    net.norm.running_mean.data[1] = np.nan
    before = state_of(net)
    check_message(lambda: plot.feature_maps(net, x), ValueError, "feature_maps: what layer 'norm' gives holds NaN")
    assert state_of(net) == before


def test_what_a_later_layer_overwrites_is_drawn_as_it_was():
    class Scale(tl.nn.Module):
        def forward(self, x):
            x.data[...] = 7
            return x

    net = tl.nn.Sequential(tl.nn.Conv2d(1, 2, 1), Scale()).to(tl.float64)
    x = np.linspace(0, 1, 16).reshape(1, 4, 4)
    want = shown(net[0](tl.Tensor(x[None])).data[0], 2)
    for image, plane in zip(images(plot.feature_maps(net, x))[1:3], want):
        np.testing.assert_allclose(image.get_array(), plane)


def test_the_layers_asked_for_are_drawn_by_name_or_as_modules_and_containers_too():
    net = tl.models.build("resnet", depth=8, channels=1)
    x = np.random.default_rng(0).random((1, 16, 16), np.float32)
    figure = plot.feature_maps(net, x, layers=[net.bn1, "layer2", "layer3.0.relu"], channels=20)
    assert lines(figure) == [
        "the picture · 1 × 16 × 16",
        "bn1 · BatchNorm2d · 16 × 16 × 16",
        "layer2 · Sequential · 32 × 8 × 8",
        "layer3.0.relu · ReLU · 64 × 4 × 4",
        "layer3.0.relu · ReLU · 64 × 4 × 4",
    ]
    assert len(images(figure)) == 1 + 16 + 3 * 20
    assert lines(plot.feature_maps(net, x, layers="bn1"))[1:] == ["bn1 · BatchNorm2d · 16 × 16 × 16"]
    assert lines(plot.feature_maps(net, x, layers=net.layer2))[1:] == ["layer2 · Sequential · 32 × 8 × 8"]
    assert len(lines(plot.feature_maps(net, x))) == 1 + sum(
        2 if name.endswith("relu") and "." in name else 1  # a block's ReLU runs twice
        for name, module in net.named_modules()
        if not module._modules and name not in ("avgpool", "flatten", "fc")
    )


@pytest.mark.parametrize("count", [1, 8, 9, 40])
def test_channels_stand_in_lines_of_eight_and_nothing_overlaps(count):
    net = tl.nn.Sequential(tl.nn.Conv2d(1, 33, 3), tl.nn.ReLU())
    figure = plot.feature_maps(net, np.random.default_rng(0).random((1, 5, 9), np.float32), channels=count)
    boxes = [axes.get_window_extent().padded(-1) for axes in figure.axes if axes.images]
    boxes += [text.get_window_extent() for text in figure.texts]
    assert not any(box.overlaps(other) for i, box in enumerate(boxes) for other in boxes[:i])
    assert all(b.x0 >= 0 and b.x1 <= figure.bbox.width and b.y0 >= 0 and b.y1 <= figure.bbox.height for b in boxes)
    assert len(images(figure)) == 1 + 2 * min(count, 33)
    box = figure.axes[1].get_window_extent()
    assert box.height / box.width == pytest.approx(3 / 7)
    words = "channel" if count == 1 else f"{count} channels"
    assert f"the first {words} of each layer, each to its own scale" in texts(figure)


@pytest.mark.parametrize("value", [0.0, 2.0, -2.0])
@pytest.mark.parametrize("channels", [1, 3, 5])
def test_constant_pictures_and_dead_channels_are_drawn(value, channels):
    net = tl.nn.Sequential(tl.nn.Conv2d(channels, 3, 3), tl.nn.ReLU())
    for p in net.parameters():
        p.data[...] = 0
    figure = plot.feature_maps(net, np.full((channels, 6, 6), value, np.float32))
    assert np.isfinite(drawn(figure)).all()
    for image in images(figure)[-6:]:
        assert colour(image).min() > 0.96


def test_colour_is_drawn_as_it_is_or_stretched_where_it_was_normalised():
    net = tl.nn.Conv2d(3, 2, 1).to(tl.float64)
    x = np.random.default_rng(0).random((3, 4, 4))
    np.testing.assert_array_equal(images(plot.feature_maps(net, x))[0].get_array(), x.transpose(1, 2, 0))
    grey = colour(images(plot.feature_maps(tl.nn.Conv2d(1, 2, 1).to(tl.float64), x[:1]))[0])
    np.testing.assert_array_equal(grey[..., 0], grey[..., 1])
    np.testing.assert_array_equal(grey[..., 0], grey[..., 2])
    normal = (x - 0.5) / 0.2
    image = images(plot.feature_maps(net, normal))[0].get_array()
    np.testing.assert_allclose(image, ((x - x.min()) / (x.max() - x.min())).transpose(1, 2, 0))


# --- filters ----------------------------------------------------------------------------------------------------------


@given(SEEDS, st.sampled_from([1, 3]))
def test_filters_are_drawn_to_one_scale_under_their_numbers(seed, channels):
    net = tl.nn.Sequential(tl.nn.ReLU(), tl.nn.Conv2d(channels, 11, (3, 2)), tl.nn.Conv2d(11, 1, 1))
    weight = tl.Generator(seed).normal((11, channels, 3, 2), tl.float64)
    weight[4, :, 1, 1] = 0
    net[1].weight.data[...] = weight
    weight = net[1].weight.data.astype(float)
    figure = plot.filters(net)
    scale = full_colour(weight)
    assert [axes.get_title() for axes in figure.axes if axes.images] == [str(k) for k in range(11)]
    for image, kernel in zip(images(figure), weight):
        want = np.clip(kernel / scale, -1, 1)
        want = want[0] if channels == 1 else 0.5 + want.transpose(1, 2, 0) / 2
        np.testing.assert_allclose(image.get_array(), want, rtol=1e-6, atol=1e-7)
    assert figure.axes[-1].collections[-1].cmap.name == ("gray" if channels == 3 else images(figure)[0].cmap.name)
    box = images(figure)[0].axes.get_window_extent()
    assert box.height / box.width == pytest.approx(3 / 2)
    middle = colour(images(figure)[4])[1, 1]
    assert middle == pytest.approx(0.5 if channels == 3 else 0.9686, abs=1e-4)
    assert {f"−{scale:.2g}", "0", f"{scale:.2g}", "negative", "positive"} <= set(texts(figure))
    assert f"1 · Conv2d · 11 × {channels} × 3 × 2, one scale for all" in texts(figure)


@pytest.mark.parametrize(("out", "into", "kernel"), [(3, 2, (2, 4)), (1, 4, 1), (70, 130, 1)])
def test_other_filters_are_a_table(out, into, kernel):
    net = tl.nn.Sequential(tl.nn.Conv2d(1, into, 1), tl.nn.Conv2d(into, out, kernel))
    weight = net[1].weight.data.astype(float)
    (h, w), scale = weight.shape[2:], full_colour(weight)
    for layer in ("1", net[1]):
        figure = plot.filters(net, layer=layer)
        (image,) = images(figure)
        table, box = image.get_array(), image.axes.get_window_extent()
        assert table.shape == (min(out, 64) * h, min(into, 64) * w)
        assert box.height / box.width == pytest.approx(table.shape[0] / table.shape[1]), "pixels are square"
        rows, columns = ([segment[0] for segment in lines.get_segments()] for lines in image.axes.collections)
        assert [y for _, y in rows] == [k * h - 0.5 for k in range(1, min(out, 64))]
        assert [x for x, _ in columns] == [k * w - 0.5 for k in range(1, min(into, 64))]
        for k in range(min(out, 64)):
            for m in range(min(into, 64)):
                cell = table[k * h : k * h + h, m * w : m * w + w]
                np.testing.assert_allclose(cell, np.clip(weight[k, m] / scale, -1, 1), rtol=1e-6, atol=1e-7)
    said = set(texts(figure))
    assert ("channel in" if into <= 64 else f"channel in, the first 64 of {into}") in said
    assert ("channel out" if out <= 64 else f"channel out, the first 64 of {out}") in said
    boxes = [text.get_window_extent() for text in figure.texts]
    assert not any(box.overlaps(other) for i, box in enumerate(boxes) for other in boxes[:i])


def test_the_numbers_of_a_table_stand_at_their_rows_and_columns():
    figure = plot.filters(tl.nn.Conv2d(2, 2, 3))
    (axes,) = (axes for axes in figure.axes if axes.images)
    box = axes.get_window_extent()
    numbers = [text.get_window_extent() for text in figure.texts if text.get_text() in ("0", "1")]
    over = sorted((b.x0 + b.x1) / 2 for b in numbers if b.y0 > box.y1)
    beside = sorted((b.y0 + b.y1) / 2 for b in numbers if b.x1 < box.x0)
    assert over == pytest.approx([box.x0 + box.width / 4, box.x0 + 3 * box.width / 4], abs=2)
    assert beside == pytest.approx([box.y0 + box.height / 4, box.y0 + 3 * box.height / 4], abs=4)


def test_filters_of_zeros_and_of_one_channel_each_are_drawn():
    for channels, groups in ((1, 1), (3, 1), (4, 1), (4, 4)):
        net = tl.nn.Conv2d(channels, 4, 3, groups=groups)
        net.weight.data[...] = 0
        figure = plot.filters(net)
        assert np.isfinite(drawn(figure)).all()
        assert len(images(figure)) == (4 if channels // groups in (1, 3) else 1)


# --- what is refused --------------------------------------------------------------------------------------------------

NET = tl.nn.Sequential(tl.nn.Conv2d(1, 2, 3), tl.nn.AdaptiveAvgPool2d(1), tl.nn.Flatten(), tl.nn.Linear(2, 2))
DENSE = tl.nn.Sequential(tl.nn.Flatten(), tl.nn.Linear(25, 2))
X = np.zeros((1, 5, 5), np.float32)


class Lazy(tl.nn.Module):
    """A net of which one layer does not run."""

    def __init__(self):
        super().__init__()
        self.used, self.idle = tl.nn.Conv2d(1, 1, 1), tl.nn.Conv2d(1, 1, 1)

    def forward(self, x):
        return self.used(x)


def holed():
    net = tl.nn.Conv2d(1, 2, 3)
    net.weight.data[0, 0, 1, 1] = np.nan
    return net


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: plot.feature_maps(NET, X[0]), "feature_maps|(C, H, W) or (1, C, H, W)|(5, 5)"),
        (lambda: plot.feature_maps(NET, np.zeros((2, 1, 5, 5))), "feature_maps|one picture|(2, 1, 5, 5)"),
        (lambda: plot.feature_maps(NET, np.zeros((0, 1, 5, 5))), "feature_maps|one picture|(0, 1, 5, 5)"),
        (lambda: plot.feature_maps(NET, X + np.nan), "feature_maps: x holds NaN"),
        (
            lambda: plot.feature_maps(NET, X, layers=["conv9"]),
            "feature_maps: Sequential has no layer 'conv9'|0, 1, 2, 3",
        ),
        (lambda: plot.feature_maps(NET, X, layers=["1"]), "feature_maps: layer '1' gives (1, 2, 1, 1)|(1, K, h, w)"),
        (lambda: plot.feature_maps(NET, X, layers=[]), "feature_maps|no layer"),
        (lambda: plot.feature_maps(Lazy(), X, layers=["idle"]), "feature_maps: layer 'idle' does not run"),
        (lambda: plot.feature_maps(DENSE, X), "feature_maps: no layer|planes"),
        (lambda: plot.feature_maps(NET, X, channels=0), "feature_maps: channels|0"),
        (lambda: plot.feature_maps(holed(), X), "feature_maps: what layer '' gives holds NaN"),
        (lambda: plot.filters(DENSE), "filters: Sequential has no Conv2d"),
        (lambda: plot.filters(NET, layer="3"), "filters: layer '3' is a Linear, expected a Conv2d"),
        (lambda: plot.filters(NET, layer="4"), "filters: Sequential has no layer '4'|0, 1, 2, 3"),
        (lambda: plot.filters(NET, layer=DENSE), "filters: Sequential has no layer a Sequential that is not in it"),
        (lambda: plot.filters(holed()), "filters: the weight of layer ''|NaN"),
    ],
)
def test_what_cannot_be_drawn_is_refused(call, words):
    check_message(call, ValueError, words)


def test_what_is_no_net_or_no_floating_picture_is_refused():
    check_message(lambda: plot.feature_maps(lambda x: x, X), TypeError, "feature_maps|Module")
    check_message(lambda: plot.filters(tl.nn.Conv2d), TypeError, "filters|Conv2d(…)")
    check_message(lambda: plot.feature_maps(NET, X.astype(np.uint8)), TypeError, "feature_maps|uint8")
