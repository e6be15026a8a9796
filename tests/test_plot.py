"""Figures: what they show is what they were given, whatever it is; their text stays in its place; nothing global changes."""

import sys
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.text import Text
from words import check_message

import tinylucid as tl
from tinylucid import plot
from tinylucid.explain.evaluate.ranking import Ranking
from tinylucid.plot import page

NAMES = [
    "brick 99%\nis epithelium",
    "$\\frac$ & $5",
    "<script>",
    "中文类别",
    "شجرة",
    "\udcff\x00",
    "a very long name of a class without an end",
    "x",
]
PHONE = 359  # CSS pixels of width that the report leaves to a figure where the screen has 375


def history(epochs, val=True):
    losses = list(np.linspace(2, 0.1, epochs))
    shares = list(np.linspace(0.1, 0.9, epochs))
    return SimpleNamespace(
        loss=losses, accuracy=shares, val_loss=losses[::-1] if val else [], val_accuracy=shares[::-1] if val else []
    )


def images(figure):
    """What the axes show, in the order they were drawn; the colour bar holds none."""
    return [axes.images[0] for axes in figure.axes if axes.images]


def drawn(figure):
    """The pixels of a figure (H, W, 3)."""
    figure.canvas.draw()
    return np.asarray(figure.canvas.buffer_rgba())[..., :3]


def apart(figure):
    """Asserts that no two axes or texts of a figure overlap, and that all lie within it."""
    boxes = [axes.get_window_extent().padded(-1) for axes in figure.axes]
    boxes += [text.get_window_extent() for text in figure.texts]
    assert not any(box.overlaps(other) for i, box in enumerate(boxes) for other in boxes[:i])
    assert all(b.x0 >= 0 and b.x1 <= figure.bbox.width and b.y0 >= 0 and b.y1 <= figure.bbox.height for b in boxes)


def texts(figure):
    """All the text in a figure, by what it says; the numbers along axes are matplotlib's own business."""
    axes = [axis for axes in figure.axes for axis in (axes.xaxis, axes.yaxis)]
    ticks = {id(text) for axis in axes for text in axis.findobj(Text) if text is not axis.label}
    found = {id(text): text for text in figure.findobj(Text) if text.get_text()}
    return {text.get_text(): text for key, text in found.items() if key not in ticks}


def chain(names):
    """A net of 1×1 convolutions with these names."""
    net = tl.nn.Sequential()
    for name in names:
        net.add_module(name, tl.nn.Conv2d(1, 1, 1))
    return net.to(tl.float64)


def ranked(names):
    """A benchmark of methods of these names, as it might have gone."""
    names, rng = (*names, "random_map", "edges"), np.random.default_rng(0)
    measures = (
        "deletion",
        "insertion",
        "sensitivity_n",
        "pointing_game",
        "mass_in_mask",
        "relevance_rank",
        "randomisation",
    )
    return Ranking(names, np.arange(9), {m: rng.normal(size=(len(names), 9)) for m in measures}, np.ones(len(names)))


COUNT = 8
X, RIGHT = np.random.default_rng(0).normal(size=(COUNT, 1, 6, 6)), [k % 2 == 0 for k in range(COUNT)]
KINDS = {  # one figure of each kind, with COUNT names in it
    "saliency": lambda names: plot.saliency_grid(X, X, names, RIGHT),
    "one column": lambda names: plot.saliency_grid(X, X, names, columns=1),
    "explanation": lambda names: plot.explanation_grid(
        X, dict.fromkeys(names[:3], X) | {"cam": abs(X[:, 0])}, names, RIGHT
    ),
    "rows of methods": lambda names: plot.explanation_grid(
        X[:4], dict.fromkeys(names[:6], X[:4]), names[:4], RIGHT[:4]
    ),
    "many methods": lambda names: plot.explanation_grid(X[:1], dict.fromkeys(names[:7], X[:1]), names[:1], RIGHT[:1]),
    "heat": lambda names: plot.heatmap(X, names, shared=True),
    "one map": lambda names: plot.heatmap(X[:1], names[:1]),
    "overlay": lambda names: plot.overlay(X, X, names, columns=5),
    "layers": lambda names: plot.feature_maps(chain(names), X[0]),
    "filters": lambda names: plot.filters(tl.nn.Conv2d(2, 3, (2, 3))),
    "colour filters": lambda names: plot.filters(tl.nn.Conv2d(3, 12, 3)),
    "one filter": lambda names: plot.filters(tl.nn.Conv2d(1, 1, 3)),
    "two columns": lambda names: plot.explanation_grid(X[:1], {"gradient": X[:1]}, names[:1]),
    "pictures": lambda names: plot.picture_grid(X, names, RIGHT),
    "small pictures": lambda names: plot.picture_grid(X, names, columns=10),
    "confusion": lambda names: plot.confusion(np.arange(COUNT**2).reshape(COUNT, COUNT), names),
    "ranking": lambda names: plot.ranking(ranked(names)),
    "bars": lambda names: plot.accuracy_bars({name: k / COUNT for k, name in enumerate(names)}),
    "curves": lambda names: plot.training_curves(history(5)),
}


# --- maps -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("channels", [1, 3])
def test_zero_is_white_in_the_middle_of_the_colours_with_every_method(channels):
    rng = np.random.default_rng(0)
    maps = rng.normal(size=(2, channels, 8, 8))
    maps[:, :, 3, 4] = 0
    x = rng.random((2, channels, 8, 8))
    figure = plot.explanation_grid(x, {"a": maps, "b": 100 * maps, "c": maps.sum(1)}, ["one", "two"])
    shown = images(figure)
    assert len(shown) == 8
    for k, row in enumerate((shown[:4], shown[4:])):
        for image in row[1:]:
            assert image.norm(0.0) == 0.5
            assert image.cmap(0.5) == pytest.approx((1, 1, 1, 1), abs=0.05)
            assert image.get_array()[3, 4] == 0
            np.testing.assert_array_equal(np.sign(image.get_array()), np.sign(maps[k].sum(0)))
        np.testing.assert_allclose(row[1].get_array(), row[2].get_array())  # each to its own scale


def test_red_raises_and_blue_lowers():
    ramp = np.linspace(-1, 1, 36).reshape(1, 1, 6, 6)
    image = images(plot.saliency_grid(np.zeros((1, 1, 6, 6)), ramp, ["a"]))[1]
    (low_red, _, low_blue, _), (high_red, _, high_blue, _) = image.cmap(0.1), image.cmap(0.9)
    assert low_blue > low_red
    assert high_red > high_blue


@pytest.mark.parametrize("channels", [1, 3])
def test_activation_maps_colour_the_picture_where_they_are_above_zero(channels, rng):
    x, cam = rng.random((1, channels, 6, 6)), np.maximum(rng.normal(size=(1, 6, 6)), 0)
    cam[0, 0] = 0
    colour = images(plot.explanation_grid(x, {"grad_cam": cam}, ["a"]))[1].get_array()
    redness = colour[..., 0] / colour[..., 2]
    np.testing.assert_allclose(redness[cam[0] == 0], 1, atol=0.05)
    assert (redness[cam[0] > 0.5 * cam.max()] > 1.25).all()
    assert (redness[cam[0] == cam.max()] > 2).all()
    grey = x[0].mean(0)
    np.testing.assert_array_equal(
        np.argsort(colour[0].sum(-1)), np.argsort(grey[0])
    )  # the picture is seen through zero


@pytest.mark.parametrize("shape", [(2, 1, 8, 8), (2, 8, 8), (2, 3, 8, 8)])
def test_zero_maps_are_drawn_without_a_warning(shape):
    x = np.zeros((2, shape[1] if len(shape) == 4 else 1, 8, 8))
    signed = drawn(plot.explanation_grid(x, {"zero": np.zeros(shape)}, ["a", "b"]))
    assert np.isfinite(signed).all()
    assert signed.min() < 60 < 250 < signed.max()


def test_the_rows_are_the_pictures_and_the_columns_are_the_methods():
    x = np.random.default_rng(0).random((3, 3, 5, 7))
    maps = {"gradient": x - 0.5, "integrated_gradients": 0.5 - x}
    figure = plot.explanation_grid(x, maps, ["brick 99%", "fur 3%\nis lawn", "c"], [True, False, True])
    places = [axes.get_position() for axes in figure.axes if axes.images]
    for k in range(3):
        picture, *others = places[3 * k : 3 * k + 3]
        assert [place.y0 for place in others] == pytest.approx([picture.y0] * 2)
        assert picture.x0 < others[0].x0 < others[1].x0
        np.testing.assert_array_equal(images(figure)[3 * k].get_array(), x[k].transpose(1, 2, 0))
    assert places[0].y0 > places[3].y0 > places[6].y0
    said = texts(figure)
    assert {"✓ brick 99%", "✗ fur 3% · is lawn", "✓ c", "gradient", "integrated\ngradients"} <= set(said)
    assert said["✓ c"].get_color() != said["✗ fur 3% · is lawn"].get_color()
    assert {"lowers the answer", "raises it", "each map to its own scale"} <= set(said)


def test_bytes_are_shown_as_shares():
    x = np.random.default_rng(0).integers(0, 256, (1, 3, 4, 4), dtype=np.uint8)
    (image,) = images(plot.picture_grid(x, ["a"]))
    np.testing.assert_allclose(image.get_array(), x[0].transpose(1, 2, 0) / 255, rtol=1e-6)


def test_grey_pictures_are_stretched_and_flat_ones_are_drawn():
    x = np.stack([np.linspace(-5, 7, 400).reshape(1, 20, 20), np.full((1, 20, 20), 3.0)])
    ramp, flat = images(plot.picture_grid(x, ["a", "b"]))
    assert (ramp.get_array().min(), ramp.get_array().max()) == (0, 1)
    assert (np.diff(ramp.get_array().reshape(400, 3)[5:-5], axis=0) > 0).all()
    assert len(np.unique(flat.get_array())) == 1


def test_pictures_stand_in_reading_order():
    x = np.arange(7.0).reshape(7, 1, 1, 1) * np.ones((7, 3, 2, 2)) / 10
    figure = plot.picture_grid(x, list("abcdefg"), columns=3)
    found = [(-round(a.get_position().y0, 3), round(a.get_position().x0, 3)) for a in figure.axes]
    assert found == sorted(found)
    assert len({row for row, _ in found}) == 3
    assert [a.get_title() for a in figure.axes] == list("abcdefg")
    assert [round(float(i.get_array()[0, 0, 0]), 1) for i in images(figure)] == [k / 10 for k in range(7)]


def test_few_pictures_are_as_large_as_many():
    one, many = plot.picture_grid(X[:1], ["a"]), plot.picture_grid(X, ["a"] * COUNT)
    assert one.get_size_inches()[0] == many.get_size_inches()[0] == page.WIDTH
    assert one.axes[0].get_position().width == pytest.approx(many.axes[0].get_position().width)


def test_a_method_has_the_same_name_everywhere():
    names = ("smoothgrad", "integrated_gradients", "grad_cam", 7)
    figure = plot.explanation_grid(X[:1], dict.fromkeys(names, X[:1]), ["a"])
    assert {"SmoothGrad", "integrated\ngradients", "Grad-CAM", "7"} <= set(texts(figure))


@pytest.mark.parametrize(
    "kind", ["saliency", "one column", "explanation", "rows of methods", "many methods", "one map", "overlay"]
)
def test_the_scale_stands_in_the_middle_and_says_what_is_true_of_every_signed_map(kind):
    figure = KINDS[kind](list("abcdefgh"))
    said = texts(figure)
    low, high, note = (
        said[words].get_window_extent() for words in ("lowers the answer", "raises it", "each map to its own scale")
    )
    middle = figure.bbox.width / 2
    assert (low.x0 + high.x1) / 2 == pytest.approx(middle, abs=1)
    assert (note.x0 + note.x1) / 2 == pytest.approx(middle, abs=1)
    bar = figure.axes[-1].get_window_extent()
    assert low.x1 < bar.x0 < bar.x1 < high.x0


def test_titles_may_be_anything():
    figure = plot.picture_grid(X, np.arange(COUNT))
    assert [axes.get_title() for axes in figure.axes] == [str(k) for k in range(COUNT)]
    assert {"0", "7"} <= set(texts(plot.saliency_grid(X, X, range(COUNT))))
    assert {"3", "4"} <= set(texts(plot.confusion(np.eye(2, dtype=int), np.array([3, 4]))))


def test_colour_a_little_outside_is_clipped():
    x = np.array([-0.04, 0.5, 1.04]).reshape(1, 3, 1, 1) * np.ones((1, 3, 2, 2))
    (image,) = images(plot.picture_grid(x, ["a"]))
    np.testing.assert_array_equal(image.get_array()[0, 0], [0, 0.5, 1])


# --- charts ---------------------------------------------------------------------------------------------------------


def test_curves_draw_the_history():
    past = history(6)
    loss, accuracy = plot.training_curves(past).axes
    for axes, train, val, scale in (
        (loss, past.loss, past.val_loss, 1),
        (accuracy, past.accuracy, past.val_accuracy, 100),
    ):
        lines = axes.get_lines()
        np.testing.assert_array_equal(lines[0].get_xdata(), [1, 2, 3, 4, 5, 6])
        np.testing.assert_allclose(lines[0].get_ydata(), np.array(train) * scale)
        np.testing.assert_allclose(lines[1].get_ydata(), np.array(val) * scale)
        assert lines[0].get_color() != lines[1].get_color()
        assert lines[0].get_linestyle() != lines[1].get_linestyle()


@pytest.mark.parametrize("epochs", [1, 2, 15])
def test_curves_without_validation_or_with_gaps(epochs):
    past = history(epochs, val=False)
    past.loss[-1] = float("nan")
    figure = plot.training_curves(past)
    drawn(figure)
    assert "validation" not in texts(figure)
    past = history(epochs)
    past.val_loss[0] = None
    assert "validation" in texts(plot.training_curves(past))


def test_confusion_counts_and_colours():
    matrix = np.array([[9, 1, 0], [0, 0, 0], [5, 120, 5]])
    figure = plot.confusion(matrix, ["brick", "fur", "lawn"])
    (axes,) = (a for a in figure.axes if a.images)
    counts = {(round(t.get_position()[1]), round(t.get_position()[0])): t.get_text() for t in axes.texts}
    assert counts == {(i, j): str(matrix[i, j]) for i in range(3) for j in range(3) if matrix[i, j]}
    colours = axes.images[0].get_array()
    assert colours[0, 0, 2] > colours[0, 0, 0], "right is blue"
    pale, blue = colours[0, 2], np.array(to_rgb(page.RIGHT))
    np.testing.assert_allclose(colours[0, 0], pale + 0.9 * (blue - pale))  # nine of the row's ten
    assert colours[2, 1, 0] > colours[2, 1, 2], "wrong is vermilion"
    np.testing.assert_array_equal(colours[0, 2], colours[1, 0])
    assert colours[2, 1].sum() < colours[2, 0].sum() < colours[0, 2].sum()
    assert {"true class", "the net's answer"} <= set(texts(figure))


@pytest.mark.parametrize("count", [1, 2, 20, 21, 100])
def test_confusion_of_any_number_of_classes(count):
    figure = plot.confusion(np.eye(count, dtype=int) * 7, [f"class {k}" for k in range(count)])
    assert ("7" in texts(figure)) == (count <= 20)
    assert figure.get_size_inches()[0] == page.WIDTH


@pytest.mark.parametrize("count", [1, 2, 3, 10, 20, 30])
@pytest.mark.parametrize("name", ["c", "a rather long name of class"])
def test_confusion_stands_in_the_middle_with_one_size_of_number_and_nothing_overlaps(count, name):
    figure = plot.confusion(np.eye(count, dtype=int) * 1234 + 1, [f"{name} {k}" for k in range(count)])
    (axes,) = figure.axes
    assert len({text.get_fontsize() for text in axes.texts}) == (count <= 20)
    drawn(figure)
    boxes = [text.get_window_extent().padded(-1) for text in figure.texts]
    left, right = min(box.x0 for box in boxes), axes.get_window_extent().x1
    assert left >= 0
    assert left + right == pytest.approx(figure.bbox.width, rel=0.1)
    for k, box in enumerate(boxes):
        assert box.y1 <= figure.bbox.height
        assert not any(box.overlaps(other) for other in boxes[:k])
    cells = axes.transData.transform(np.array([[0, 0], [1, 1]]))
    for text in axes.texts:
        assert text.get_window_extent().width < abs(np.diff(cells[:, 0]))[0]


@pytest.mark.parametrize("share", [1, 5, 10, 30, 50, 80, 88, 90, 92, 93, 94, 99])
def test_numbers_stand_out_from_their_cells(share):
    figure = plot.confusion([[share, 100 - share]] * 2, ["a", "b"])
    (axes,) = (a for a in figure.axes if a.images)
    for text in axes.texts:
        column, row = text.get_position()
        assert contrast(to_rgb(text.get_color()), axes.images[0].get_array()[row, column]) > 4.4


def contrast(one, other):
    """The contrast ratio of two colours (WCAG 2)."""

    def luminance(color):
        return np.dot(
            [0.2126, 0.7152, 0.0722], [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in color]
        )

    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_the_colours_of_text_can_be_read_on_white():
    for color in (page.INK, page.FAINT, page.RIGHT, page.WRONG):
        assert contrast(to_rgb(color), (1, 1, 1)) > 4.5


def test_bars_are_as_long_as_the_accuracies():
    table = {"this net": 0.961, "guess": 0.1, "nothing": 0.0}
    figure = plot.accuracy_bars(table)
    (axes,) = figure.axes
    assert [patch.get_width() for patch in axes.patches[1::2]] == list(table.values())
    assert [patch.get_width() for patch in axes.patches[::2]] == [1, 1, 1]
    assert {"this net", "96.1%", "guess", "10.0%", "nothing", "0.0%"} <= set(texts(figure))


# --- text, size, and what is left alone -------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_any_name_is_drawn_inside_the_figure_without_a_warning(kind):
    figure = KINDS[kind](NAMES)
    drawn(figure)
    width, height = figure.canvas.get_width_height()
    for said, text in texts(figure).items():
        box = text.get_window_extent()
        assert box.x0 > -2, said
        assert box.y0 > -2, said
        assert box.x1 < width + 2, said
        assert box.y1 < height + 2, said


@pytest.mark.parametrize("kind", KINDS)
def test_text_does_not_run_into_other_text(kind):
    names = ["epithelium 98%\nis gravel and wood", "brick 100%", "中文中文中文中文中文", *"abcde"]
    figure = KINDS[kind](names)
    drawn(figure)
    boxes = [(said, text.get_window_extent().padded(-2)) for said, text in texts(figure).items()]
    for k, (said, box) in enumerate(boxes):
        for other, place in boxes[:k]:
            assert not box.overlaps(place), f"{said!r} and {other!r}"


@pytest.mark.parametrize("kind", sorted(set(KINDS) - {"saliency", "small pictures"}))
def test_text_is_large_enough_for_a_phone(kind):
    figure = KINDS[kind](["fur", "brick", "lawn", *"abcde"])
    width, _ = figure.get_size_inches()
    assert width <= page.WIDTH + 1e-9
    for said, text in texts(figure).items():
        assert text.get_fontsize() / 72 / width * PHONE >= 8, said


def test_what_is_cut_keeps_its_beginning_and_its_end():
    title = plot.picture_grid(np.zeros((5, 1, 4, 4)), ["a-holiday-by-the-sea-in-1987.jpg"] * 5).axes[0].get_title()
    assert title.startswith("a-h")
    assert "…" in title
    assert title.endswith(".jpg")


def test_what_is_a_little_too_long_is_set_smaller_and_stays_whole():
    long, short = (
        axes.title for axes in plot.picture_grid(np.zeros((2, 1, 4, 4)), ["✗ epithelium 99%", "a"], columns=2).axes
    )
    narrow = plot.picture_grid(np.zeros((5, 1, 4, 4)), ["epithelium 99%"] * 5).axes[0].title
    assert (long.get_text(), narrow.get_text()) == ("✗ epithelium 99%", "epithelium 99%")
    assert 0.75 * page.SIZE <= narrow.get_fontsize() < short.get_fontsize() == long.get_fontsize() == page.SIZE


def test_a_letter_that_no_font_has_is_a_box():
    assert page.printable("a\udcffb\nc ✗ ش") == "a▯b\nc ✗ ش"


def test_figures_leave_pyplot_and_settings_alone():
    import matplotlib

    before, settings = "matplotlib.pyplot" in sys.modules, list(dict.items(matplotlib.rcParams))  # [] would load pyplot
    for draw in KINDS.values():
        drawn(draw(list("abcdefgh")))
    assert ("matplotlib.pyplot" in sys.modules) == before
    assert list(dict.items(matplotlib.rcParams)) == settings


# --- what is refused --------------------------------------------------------------------------------------------------

ONE = np.zeros((2, 1, 4, 4))
HOLED = ONE.copy()
HOLED[1, 0, 2, 3] = np.nan


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: plot.picture_grid(np.zeros((2, 2, 4, 4)), ["a", "b"]), "picture_grid|(N, 1 or 3, H, W)|(2, 2, 4, 4)"),
        (lambda: plot.picture_grid(np.zeros((0, 1, 4, 4)), []), "picture_grid|(0, 1, 4, 4)"),
        (lambda: plot.picture_grid(ONE, ["a"]), "2 pictures|1 titles"),
        (lambda: plot.picture_grid(ONE, ["a", "b"], [True]), "2 pictures|1 marks"),
        (lambda: plot.picture_grid(HOLED, ["a", "b"]), "picture_grid: x holds NaN|number 1 of 2"),
        *(
            (lambda low=low, high=high: plot.picture_grid(np.linspace(low, high, 12).reshape(1, 3, 2, 2), ["a"]), words)
            for low, high, words in ((-1, 1, "[0, 1]|-1 … 1|preprocess.shown(x)"), (0, 255, "picture_grid|0 … 255"))
        ),
        (lambda: plot.explanation_grid(ONE, {}, ["a", "b"]), "at least one method"),
        (lambda: plot.explanation_grid(ONE, {"cam": HOLED[:, 0]}, ["a", "b"]), "'cam' holds NaN|number 1 of 2"),
        (
            lambda: plot.explanation_grid(ONE, {"cam": ONE[:, 0, :2]}, ["a", "b"]),
            "'cam'|(2, 1, 4, 4)|(2, 4, 4)|(2, 2, 4)",
        ),
        (lambda: plot.explanation_grid(ONE, {"cam": ONE[:1]}, ["a", "b"]), "explanation_grid|'cam'|(1, 1, 4, 4)"),
        (lambda: plot.saliency_grid(ONE, HOLED, ["a", "b"]), "saliency_grid: maps holds NaN"),
        (lambda: plot.saliency_grid(ONE, np.inf + ONE, ["a", "b"]), "saliency_grid: maps holds NaN or infinity"),
        (lambda: plot.confusion(np.zeros((2, 3)), ["a", "b"]), "confusion|(2, 2)|(2, 3)"),
        (lambda: plot.confusion(np.full((2, 2), -1), ["a", "b"]), "confusion|negative"),
        (lambda: plot.accuracy_bars({}), "accuracy_bars|0 … 1"),
        (lambda: plot.accuracy_bars({"net": 96.0}), "accuracy_bars|96.0"),
        (lambda: plot.accuracy_bars({"net": float("nan")}), "accuracy_bars|nan"),
        (lambda: plot.training_curves(history(0)), "training_curves|no epoch"),
    ],
)
def test_what_cannot_be_drawn_is_refused(call, words):
    check_message(call, ValueError, words)


def test_what_is_of_another_kind_is_refused():
    for maps in (ONE, [ONE], None):
        call = partial(plot.explanation_grid, ONE, maps, ["a", "b"])
        check_message(call, TypeError, f"maps as a dict|{type(maps).__name__}|saliency_grid")
    check_message(lambda: plot.training_curves({"loss": [1.0]}), TypeError, "expected a History|dict")
