"""Maps as colours: zero is the middle, scales are shared or not as one says, and grids of any size hold every map."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_plot import drawn, images, texts
from words import check_message

import tinylucid as tl
from tinylucid import plot
from tinylucid.plot import colours, maps, page

SEEDS = st.integers(0, 10**6)


def colour(image):
    """The colours (H, W, 3) in which matplotlib draws an image."""
    array = image.get_array()
    return np.asarray(array if array.ndim == 3 else image.to_rgba(array)[..., :3])


def full_colour(plane):
    """The magnitude at the 99th percentile, by sorting: between the two values around place 0.99·(n − 1)."""
    ordered = sorted(abs(float(v)) for v in plane.ravel())
    at = 0.99 * (len(ordered) - 1)
    low = int(at)
    return ordered[low] + (at - low) * (ordered[min(low + 1, len(ordered) - 1)] - ordered[low])


# --- heat maps --------------------------------------------------------------------------------------------------------


@given(SEEDS, st.sampled_from([(), (1,), (3,)]))
def test_a_heat_map_shows_the_sum_of_channels_over_its_99th_percentile(seed, channels):
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(3, *channels, 5, 8)) * rng.lognormal(sigma=4, size=(3, *[1] * len(channels), 1, 1))
    planes = np.array([sum(v) if channels else v for v in values])
    for image, plane in zip(images(plot.heatmap(values)), planes):
        scale = full_colour(plane)
        np.testing.assert_allclose(image.get_array(), np.clip(plane / scale, -1, 1), rtol=1e-9)
    scale = full_colour(planes)
    for image, plane in zip(images(plot.heatmap(values, shared=True)), planes):
        np.testing.assert_allclose(image.get_array(), np.clip(plane / scale, -1, 1), rtol=1e-9)


def test_zero_has_exactly_the_middle_colour_and_both_signs_are_as_strong():
    ramp = np.linspace(-1, 1, 257).reshape(1, 1, 257)
    (image,) = images(plot.heatmap(ramp))
    line = colour(image)[0]
    assert line[128].tolist() == [line[128, 0]] * 3
    assert line[128, 0] > 0.96
    assert (line[129:, 0] > line[129:, 2]).all(), "red is above zero"
    assert (line[:128, 0] < line[:128, 2]).all(), "blue is below"
    distance = np.abs(line - line[128]).max(1)
    assert (distance[[127, 129]] < 0.02).all()
    assert (np.diff(distance[128:250].round(2)) >= 0).all()


@given(
    SEEDS,
    st.floats(-1, 1),
    st.sampled_from([plot.heatmap, lambda m, **k: plot.overlay(np.full((2, 1, 4, 4), 0.5), m, **k)]),
)
def test_with_one_scale_a_value_has_one_colour_and_without_it_has_not(seed, value, draw):
    values = np.random.default_rng(seed).uniform(-1, 1, (2, 4, 4))
    values[:, 0, 0], values[1, 1:] = value, 5 * np.sign(values[1, 1:])
    one, other = (colour(image)[0, 0] for image in images(draw(values, shared=True)))
    np.testing.assert_array_equal(one, other)
    if abs(value) > 0.1:
        one, other = (colour(image)[0, 0] for image in images(draw(values)))
        assert np.abs(one - other).max() > 0.02


def test_the_numbers_of_the_shared_scale_are_those_of_full_colour():
    values = np.linspace(-2, 0.2, 800).reshape(2, 20, 20)
    for figure in (plot.heatmap(values, shared=True), plot.overlay(np.zeros((2, 1, 20, 20)), values, shared=True)):
        said = texts(figure)
        assert {f"−{full_colour(values):.2g}", "0", f"{full_colour(values):.2g}", "one scale for all maps"} <= set(said)
        bar = figure.axes[-1].get_window_extent()
        left, middle, right = (
            said[word].get_window_extent()
            for word in (f"−{full_colour(values):.2g}", "0", f"{full_colour(values):.2g}")
        )
        assert (left.x0 + left.x1) / 2 == pytest.approx(bar.x0, abs=1)
        assert (middle.x0 + middle.x1) / 2 == pytest.approx((bar.x0 + bar.x1) / 2, abs=1)
        assert (right.x0 + right.x1) / 2 == pytest.approx(bar.x1, abs=1)
    alone = texts(plot.heatmap(values))
    assert "each map to its own scale" in alone
    assert "0" not in alone


@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("shape", [(2, 8, 8), (2, 1, 8, 8), (2, 3, 8, 8)])
def test_maps_of_zeros_are_white_and_over_a_picture_unseen(shape, shared):
    for image in images(plot.heatmap(np.zeros(shape), shared=shared)):
        assert colour(image).min() > 0.96
    x = np.random.default_rng(0).random((2, shape[1] if len(shape) == 4 else 1, 8, 8))
    figure = plot.overlay(x, np.zeros(shape), shared=shared)
    for image in images(figure):
        shown = colour(image)
        np.testing.assert_array_equal(shown[..., 0], shown[..., 1])
        np.testing.assert_array_equal(shown[..., 0], shown[..., 2])
    assert np.isfinite(drawn(figure)).all()


@given(SEEDS, st.sampled_from([1, 3]))
def test_each_map_lies_over_its_own_picture(seed, channels):
    rng = np.random.default_rng(seed)
    x = rng.random((3, channels, 4, 6))
    for image, picture in zip(images(plot.overlay(x, np.zeros((3, 4, 6)))), x):
        grey = sum(picture) / channels
        grey = (grey - grey.min()) / (grey.max() - grey.min())
        np.testing.assert_allclose(colour(image)[..., 0], colours.PALE + (1 - colours.PALE) * grey, atol=0.03)


@pytest.mark.parametrize("shared", [False, True])
def test_values_of_any_size_are_drawn_without_a_warning(shared):
    loud, rare, bytes_ = np.zeros((1, 25, 40)), np.zeros((1, 25, 40)), np.full((1, 4, 4), -128, np.int8)
    loud[0, 0, :30], loud[0, 1, 0] = 1e-310, 1e300  # over its scale, the largest is no number that there is
    rare[0, 0, :2] = -0.001, 0.0005  # the 99th percentile is 0
    bytes_[0, 0, 0] = -64  # and the magnitude of −128 is no int8
    for values, at, want in (
        (loud, (1, 0), 1),
        (loud, (0, 0), 1),
        (rare, (0, 0), -1),
        (rare, (0, 1), 0.5),
        (bytes_, (0, 0), -0.5),
    ):
        (image,) = images(plot.heatmap(values, shared=shared))
        assert image.get_array()[at] == pytest.approx(want)
    (image,) = images(plot.heatmap(np.full((1, 2, 2), 5e-324), shared=shared))
    assert image.get_array().min() == 1


def test_float32_bytes_and_yes_or_no_are_maps_too():
    for dtype in (np.float32, np.uint8, bool):
        (image,) = images(plot.heatmap(np.eye(4, dtype=dtype)[None]))
        np.testing.assert_array_equal(image.get_array(), np.eye(4))
    (image,) = images(plot.heatmap(tl.Tensor(np.eye(4))[None]))
    np.testing.assert_array_equal(image.get_array(), np.eye(4))


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 9])
@pytest.mark.parametrize("size", [(4, 8), (9, 3)])
def test_cells_have_the_maps_shape_stand_in_reading_order_and_in_the_middle(count, size):
    values = np.arange(1.0, count + 1)[:, None, None] * np.ones((count, *size))
    figure = plot.heatmap(values, [f"map {k}" for k in range(count)], shared=True)
    cells = [axes for axes in figure.axes if axes.images]
    assert [axes.get_title() for axes in cells] == [f"map {k}" for k in range(count)]
    boxes = [axes.get_window_extent() for axes in cells]
    assert [(-round(box.y0), round(box.x0)) for box in boxes] == sorted((-round(b.y0), round(b.x0)) for b in boxes)
    assert all(box.height / box.width == pytest.approx(size[0] / size[1]) for box in boxes)
    row = boxes[: min(count, 4)]
    assert row[0].x0 + row[-1].x1 == pytest.approx(figure.bbox.width)
    assert figure.get_size_inches()[0] == page.WIDTH
    assert colour(cells[-1].images[0]).sum() <= colour(cells[0].images[0]).sum()


# --- over pictures ----------------------------------------------------------------------------------------------------


LEVELS = np.array([-1, -0.5, -0.1, 0, 0.1, 0.5, 1])


@pytest.mark.parametrize("channels", [1, 3])
def test_over_a_picture_colour_says_sign_and_strength(channels):
    planes = LEVELS[None, :, None] * np.ones((1, 7, 7))
    (image,) = images(plot.overlay(np.full((1, channels, 7, 7), 0.5), planes))
    line = colour(image)[:, 0]
    red_over_blue = line[:, 0] - line[:, 2]
    assert (np.diff(red_over_blue) > 0).all(), "the more above zero, the redder; the more below, the bluer"
    assert red_over_blue[3] == 0
    np.testing.assert_allclose(line[1], (line[0] + line[3]) / 2)  # half as strong, half as much of the picture


@given(SEEDS, st.sampled_from([1, 3]), st.sampled_from(list(LEVELS)))
def test_the_picture_is_seen_under_every_colour(seed, channels, level):
    x = np.sort(np.random.default_rng(seed).random((1, channels, 6, 9)), axis=-1)
    plane = np.full((1, 6, 9), level)
    plane[0, 0] = 1  # so that the level is not the loudest
    (image,) = images(plot.overlay(x, plane))
    light = colour(image).sum(-1)[1:]
    assert (np.diff(light, axis=-1) >= -1e-12).all(), "what is brighter is brighter under the colour"
    assert light.max() - light.min() > 0.1


@pytest.mark.parametrize("ground", [0.0, 0.5, 1.0])
def test_red_and_blue_are_told_apart_on_any_grey(ground):
    red, blue = colours.tinted(np.full(2, ground), np.array([1, -1]))
    assert red[0] - red[2] > 0.25
    assert blue[2] - blue[0] > 0.25


def test_constant_and_long_pictures_and_colour_are_drawn_over():
    for x in (np.full((1, 1, 4, 9), 3.0), np.full((1, 3, 4, 9), 0.5), np.zeros((1, 3, 4, 9), np.uint8)):
        figure = plot.overlay(x, np.ones((1, 4, 9)))
        assert np.isfinite(drawn(figure)).all()
        box = figure.axes[0].get_window_extent()
        assert box.height / box.width == pytest.approx(4 / 9)


# --- grids ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("pictures", "methods"), [(1, 5), (3, 5), (1, 6), (1, 24), (2, 6), (3, 9), (7, 24), (13, 6)])
def test_a_grid_holds_every_map_once_and_nothing_overlaps(pictures, methods):
    x = np.linspace(0, 1, pictures)[:, None, None, None] * np.ones((pictures, 1, 2, 3))
    x[:, :, 0, 0] += 0.001  # not flat
    given = {f"m{j}": np.zeros((pictures, 1, 2, 3)) for j in range(methods)}
    for j, values in enumerate(given.values()):
        for k in range(pictures):
            values[k, 0, 0, :2], values[k, 0, 1, 2] = 1, (k * methods + j) / (pictures * methods)  # 1 is full colour
    figure = plot.explanation_grid(x, given, [f"p{k}" for k in range(pictures)])
    cells = [axes for axes in figure.axes if axes.images]
    maps_at = {}
    for axes in cells:
        array = axes.images[0].get_array()
        if array.ndim == 2:
            number = round(float(array[1, 2]) * pictures * methods)
            assert divmod(number, methods) not in maps_at
            maps_at[divmod(number, methods)] = axes.get_window_extent()
    assert sorted(maps_at) == [(k, j) for k in range(pictures) for j in range(methods)]
    boxes = [axes.get_window_extent().padded(-1) for axes in cells]
    assert not any(box.overlaps(other) for i, box in enumerate(boxes) for other in boxes[:i])
    assert all(b.x0 >= 0 and b.x1 <= figure.bbox.width and b.y0 >= 0 and b.y1 <= figure.bbox.height for b in boxes)
    assert all(b.height / b.width == pytest.approx(2 / 3, rel=0.02) for b in boxes)
    assert figure.get_size_inches()[0] <= page.WIDTH + 1e-9
    if methods > 5:  # first comes first
        for k in range(pictures):
            order = [(-round(maps_at[k, j].y0), round(maps_at[k, j].x0)) for j in range(methods)]
            assert order == sorted(order)
    if pictures > 1 and methods > 5:  # a method is a row, a picture a column
        names = {text.get_text(): text.get_window_extent() for text in figure.texts}
        for (k, j), box in maps_at.items():
            assert any(
                axes.get_title() == f"p{k}" and axes.get_window_extent().x0 == pytest.approx(box.x0) for axes in cells
            )
            near = [t for t in figure.texts if t.get_text() == f"m{j}"]
            assert any(abs(t.get_window_extent().y0 - box.y0) < box.height for t in near)
            assert all(t.get_window_extent().x1 < box.x0 for t in near)
        assert set(given) <= set(names)


@pytest.mark.parametrize("methods", [2, 7])
def test_a_method_is_drawn_in_one_way_whatever_a_single_picture_holds(methods):
    x = np.random.default_rng(0).random((2, 1, 5, 5))
    never = np.abs(x[:, 0] - 0.5)
    once = never.copy()
    once[1, 2, 2] = -0.1
    pixels = never[:, None]
    kinds = {"never": never, "once": once, **{f"pixels {k}": pixels for k in range(methods - 2)}}
    for n, over in ((2, {"never"}), (1, {"never", "once"})):  # once is nowhere negative in the first picture alone
        figure = plot.explanation_grid(x[:n], {name: some[:n] for name, some in kinds.items()}, ["a", "b"][:n])
        in_colour = [image.get_array().ndim == 3 for image in images(figure)]
        assert sum(in_colour) == n * (1 + len(over))


def test_one_scale_a_method_makes_its_pictures_comparable():
    rng = np.random.default_rng(0)
    x, loud = rng.random((2, 1, 6, 6)), rng.normal(size=(2, 1, 6, 6))
    loud[1] *= 10
    given = {"gradient": loud, "lime": loud[:, 0] / 7, "grad_cam": np.abs(loud[:, 0])}
    for shared in (False, True):
        figure = plot.explanation_grid(x, given, ["a", "b"], shared=shared)
        shown = images(figure)
        for k in range(2):
            scale = full_colour(loud if shared else loud[k])
            want = np.clip(loud[k, 0] / scale, -1, 1)
            np.testing.assert_allclose(shown[4 * k + 1].get_array(), want, rtol=1e-9)
            np.testing.assert_allclose(shown[4 * k + 2].get_array(), want, rtol=1e-9)
        strength = [np.ptp(colour(shown[4 * k + 3]), axis=-1).mean() for k in range(2)]
        assert (strength[0] < 0.3 * strength[1]) == shared
        note = "each method to its own scale, the same for all pictures"
        assert (note in texts(figure)) == shared
        assert ("each map to its own scale" in texts(figure)) != shared


def test_the_pictures_come_again_over_every_few_methods_with_their_titles():
    x = np.random.default_rng(0).random((2, 3, 4, 4))
    figure = plot.explanation_grid(x, {f"m{k}": x for k in range(17)}, ["brick\nis fur", "wood"], [False, True])
    shown = [axes for axes in figure.axes if axes.images and axes.images[0].get_array().ndim == 3]
    assert [axes.get_title() for axes in shown] == ["✗ brick\nis fur", "✓ wood"] * 3
    numbers = [axes.images[0].get_array().ndim for axes in figure.axes if axes.images]
    assert numbers == 2 * [3, 3, *[2] * 12] + [3, 3, *[2] * 10]  # as even as 17 can be
    for axes, k in zip(shown, [0, 1] * 3):
        np.testing.assert_array_equal(axes.images[0].get_array(), x[k].transpose(1, 2, 0))


def test_all_methods_have_a_name():
    names = {
        "gradient": "gradient",
        "gradient_x_input": "gradient × input",
        "smoothgrad": "SmoothGrad",
        "smoothgrad_squared": "SmoothGrad²",
        "vargrad": "VarGrad",
        "integrated_gradients": "integrated gradients",
        "expected_gradients": "expected gradients",
        "guided_backprop": "guided backprop",
        "deconvnet": "DeconvNet",
        "grad_cam": "Grad-CAM",
        "grad_cam_pp": "Grad-CAM++",
        "hires_cam": "HiRes-CAM",
        "layer_cam": "Layer-CAM",
        "score_cam": "Score-CAM",
        "guided_grad_cam": "guided Grad-CAM",
        "lrp": "LRP",
        "deeplift": "DeepLIFT",
        "occlusion": "occlusion",
        "rise": "RISE",
        "lime": "LIME",
        "kernel_shap": "KernelSHAP",
        "meaningful_perturbation": "meaningful perturbation",
        "feature_ablation": "feature ablation",
    }
    assert {name: maps.called(name) for name in names} == names
    x = np.random.default_rng(0).random((3, 1, 4, 4))
    for n in (1, 3):  # whole and readable in both kinds of grid
        figure = plot.explanation_grid(x[:n], dict.fromkeys(names, x[:n]), list("abc")[:n])
        said = {text.replace("\n", " "): drawn_text for text, drawn_text in texts(figure).items()}
        assert set(names.values()) <= set(said)
        assert min(said[name].get_fontsize() for name in names.values()) >= 10


# --- what is refused --------------------------------------------------------------------------------------------------

ONE = np.zeros((2, 1, 4, 4))
HOLED = ONE.copy()
HOLED[1, 0, 2, 3] = np.nan


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: plot.heatmap(HOLED), "heatmap: maps holds NaN|number 1 of 2"),
        (lambda: plot.heatmap(np.inf + ONE), "heatmap: maps holds NaN or infinity"),
        (lambda: plot.heatmap(ONE[0, 0]), "heatmap|(N, H, W) or (N, C, H, W)|(4, 4)"),
        (lambda: plot.heatmap(ONE[:0]), "heatmap|(0, 1, 4, 4)"),
        (lambda: plot.heatmap(ONE, ["a"]), "heatmap: 2 maps|1"),
        (lambda: plot.heatmap(ONE, columns=0), "heatmap: columns|0"),
        (lambda: plot.overlay(HOLED, ONE), "overlay: x holds NaN"),
        (lambda: plot.overlay(ONE, HOLED), "overlay: maps holds NaN"),
        (lambda: plot.overlay(ONE, HOLED[:, 0]), "overlay: maps holds NaN"),
        (lambda: plot.overlay(ONE, ONE[:1]), "overlay: maps|(2, 1, 4, 4)|(2, 4, 4)|(1, 1, 4, 4)"),
        (lambda: plot.overlay(1.0, ONE), "overlay|(N, 1 or 3, H, W)|()"),
        (lambda: plot.overlay(ONE[0], ONE), "overlay|(N, 1 or 3, H, W)|(1, 4, 4)"),
        (lambda: plot.overlay(ONE, ONE, ["a"]), "overlay: 2 pictures|1 titles"),
        (lambda: plot.overlay(ONE.repeat(3, 1) - 1, ONE[:, 0]), "overlay|[0, 1]|preprocess.shown"),
        (lambda: plot.overlay(ONE, ONE, columns=2.5), "overlay: columns|2.5"),
    ],
)
def test_what_cannot_be_drawn_is_refused(call, words):
    check_message(call, ValueError, words)
