"""Segmentations drawn: what colour a pixel has, where lines run, what the legend says, where things stand on the page."""

from itertools import pairwise

import numpy as np
import pytest
from words import check_message

import tinylucid as tl
from tinylucid import plot
from tinylucid.plot.segmentation import COLOURS, FULL, entry_width, legend_lines, painted, palette

NAMES = ("background", "coin", "plate")


def texts(figure):
    """What is written, and where: (text, inches from the left, inches from the top)."""
    figure.draw_without_rendering()
    w, h = figure.get_size_inches()
    return {t.get_text(): (t.get_position()[0] * w, (1 - t.get_position()[1]) * h) for t in figure.texts}


def boxes(figure):
    return [axes.get_position() for axes in figure.axes]


def test_a_pixel_is_its_classes_colour_over_its_grey():
    from matplotlib.colors import to_rgb

    grey, mask = np.array([[0.0, 0.5, 1.0]]), np.array([[0, 1, 2]])
    image = painted(grey, mask, palette(NAMES), 1.5)
    assert image.shape == (100, 300, 3)
    middles = image[50, [50, 150, 250]]
    np.testing.assert_allclose(middles[0], 0)  # the background keeps its own
    for k, g in ((1, 0.5), (2, 1.0)):
        np.testing.assert_allclose(middles[k], 0.4 * g + 0.6 * np.array(to_rgb(COLOURS[k - 1])))


def test_lines_run_where_a_class_ends_and_only_there():
    mask = np.array([[1, 1], [1, 2]])
    image = painted(np.full((2, 2), 0.5), mask, palette(NAMES), 0.1)
    white, black = (image == 1).all(2), (image == 0.1).all(2)
    size = len(image)
    half = size // 2
    expected = np.zeros((size, size), bool)
    expected[half, half:] = expected[half:, half] = True
    np.testing.assert_array_equal(white, expected)
    expected[:] = False
    expected[half - 1, half:] = expected[half:, half - 1] = True
    np.testing.assert_array_equal(black, expected)


def test_what_does_not_count_is_hatched_and_has_no_colour():
    image = painted(np.full((1, 1), 0.25), np.array([[-100]]), palette(NAMES), 0.2)
    assert {tuple(p) for p in image.reshape(-1, 3).tolist()} == {(0.25,) * 3, (0.6,) * 3}
    assert (image[1:, :-1] == image[:-1, 1:]).all()  # stripes that rise


def test_colours_are_all_different_and_the_background_has_none():
    names = ["background", *(str(k) for k in range(30))]
    found = palette(names)
    assert len({tuple(row[:3]) for row in found[1:]}) == 30
    assert found[0, 3] == 0
    assert (found[1:, 3] == FULL).all()
    np.testing.assert_array_equal(palette(names[1:]), found[1:])
    np.testing.assert_allclose(found[13, :3], (1 + found[1, :3]) / 2)


def test_colours_are_apart_for_eyes_without_green_too():
    """By Viénot, Brettel and Mollon's (1999) matrices for colours as a deuteranope and a protanope see them."""
    from itertools import combinations

    linear = np.array(palette(list("abcdefg")))[:, :3] ** 2.2
    deutan = np.array([[0.29275, 0.70725, 0.0], [0.29275, 0.70725, 0.0], [-0.02234, 0.02234, 1.0]])
    protan = np.array([[0.11238, 0.88762, 0.0], [0.11238, 0.88762, 0.0], [0.00401, -0.00401, 1.0]])
    for matrix in (deutan, protan):
        seen = np.clip(linear @ matrix.T, 0, 1) ** (1 / 2.2)
        assert min(np.abs(a - b).max() for a, b in combinations(seen, 2)) > 0.09


def test_the_legend_has_what_is_there_and_fits_the_page():
    names = [f"class number {k}" for k in range(12)]
    lines = legend_lines([-100, *range(12)], names)
    assert [k for line in lines for k in line] == [*range(12), -100]
    assert all(sum(entry_width(k, names) for k in line) <= 5.8 for line in lines)
    y = np.zeros((2, 8, 8), int)
    y[1, :4] = 2
    figure = plot.segmentation(np.zeros((2, 1, 8, 8)), y, NAMES)
    assert set(texts(figure)) == {"the net", "background", "plate"}
    y[0, 0, 0] = -100
    assert "does not count" in texts(plot.segmentation(np.zeros((2, 1, 8, 8)), 0 * y, NAMES, y))


@pytest.mark.parametrize(
    ("n", "shape", "truth"), [(1, (8, 8), True), (5, (8, 9), True), (3, (8, 30), False), (1, (30, 8), True)]
)
def test_pictures_stand_over_their_masks_inside_the_page(n, shape, truth):
    y = np.zeros((n, *shape), int)
    titles = [f"number {k}" for k in range(n)]
    figure = plot.segmentation(np.zeros((n, 3, *shape)), tl.tensor(y), NAMES, y if truth else None, titles=titles)
    found, rows = boxes(figure), 3 if truth else 2
    assert len(found) == n * rows + 1
    for k in range(n):
        block = found[k * rows : (k + 1) * rows]
        for upper, lower in pairwise(block):
            assert upper.x0 == pytest.approx(lower.x0)
            assert upper.y0 > lower.y1
    assert all(0 <= b.x0 < b.x1 <= 1 and 0 <= b.y0 < b.y1 <= 1 for b in found)
    written = texts(figure)
    assert ("truth" in written) == truth
    assert all(0 < top < figure.get_size_inches()[1] for _, top in written.values())
    assert [axes.get_title() for axes in figure.axes[: n * rows : rows]] == titles


def test_several_nets_are_rows_in_their_order():
    y = np.zeros((2, 8, 8), int)
    figure = plot.segmentation(np.zeros((2, 1, 8, 8)), {"first": y, "second": y + 1}, NAMES, y + 2)
    tops = {name: top for name, (_, top) in texts(figure).items()}
    assert tops["first"] < tops["second"] < tops["truth"]
    assert "the net" not in tops
    assert {"background", "coin", "plate"} <= tops.keys()  # the legend has what any of them has
    assert len(boxes(figure)) == 2 * 4 + 3


def test_each_picture_stands_over_its_own_mask_and_each_name_beside_its_own_colour():
    """Of several pictures each is drawn as it is alone."""
    from matplotlib.colors import to_rgb

    rng = np.random.default_rng(0)
    x, y = rng.random((2, 3, 4, 5)), rng.integers(0, 3, (2, 4, 5))
    drawn = lambda some: [
        np.array(axes.images[0].get_array())
        for axes in plot.segmentation(x[some], y[some], NAMES, 2 - y[some], columns=1).axes
    ]
    both = drawn(slice(2))
    for k in range(2):
        for found, alone in zip(both[3 * k : 3 * k + 3], drawn(slice(k, k + 1))[:3], strict=True):
            np.testing.assert_array_equal(found, alone)
    for k, image in enumerate(both[6:]):
        middle = image[image.shape[0] // 2, image.shape[1] // 2]
        wanted = 0.4 * 0.85 + 0.6 * np.array(to_rgb(COLOURS[k - 1])) if k else np.full(3, 0.85)
        np.testing.assert_allclose(middle, wanted)


X, Y = np.zeros((2, 1, 8, 8)), np.zeros((2, 8, 8), int)
BAD = [
    (lambda: plot.segmentation(X[0], Y, NAMES), "segmentation|(N, 1 or 3, H, W)|(1, 8, 8)"),
    (lambda: plot.segmentation(X, Y[:1], NAMES), "segmentation|(2, 8, 8) as the net|(1, 8, 8)"),
    (lambda: plot.segmentation(X, Y * 0.5, NAMES), "segmentation|float64|argmax"),
    (lambda: plot.segmentation(X, Y, NAMES, Y[:, 1:]), "as truth|(2, 7, 8)"),
    (lambda: plot.segmentation(X, Y + 3, NAMES), "the net holds class 3|0 … 2"),
    (lambda: plot.segmentation(X, {"a": Y, "b": Y[:1]}, NAMES), "segmentation|(2, 8, 8) as b|(1, 8, 8)"),
    (lambda: plot.segmentation(X, Y, NAMES, Y - 1), "truth holds class -1"),
    (lambda: plot.segmentation(X, Y, NAMES, titles=["a"]), "2 pictures|1 titles"),
    (lambda: plot.segmentation(X, Y, NAMES, columns=0), "segmentation: columns|0"),
    (lambda: plot.segmentation(X + np.nan, Y, NAMES), "x holds NaN"),
]


@pytest.mark.parametrize(("call", "words"), BAD)
def test_what_cannot_be_drawn_is_refused(call, words):
    check_message(call, ValueError, words)
