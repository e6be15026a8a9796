"""Attribution by gradients, against central differences; and the figure that shows it."""

import sys

import numpy as np
import pytest
from explained import (
    CLASSES,
    Folded,
    folded_average,
    linear_net,
    logit_slope,
    logits,
    pictures,
    without_biases,
)
from hypothesis import assume, given
from hypothesis import strategies as st

import tinylucid as tl
from tinylucid import plot
from tinylucid.explain import gradient, gradient_x_input

seeds = st.integers(0, 10**6)
methods = pytest.mark.parametrize("method", [gradient, gradient_x_input])


@pytest.mark.parametrize("make", [linear_net, Folded, folded_average])
@given(seed=seeds)
def test_gradient_along_any_direction_is_the_central_difference(make, seed):
    rng, h = tl.Generator(seed), 1e-5
    net = make(rng)
    x, v = rng.normal((2, 3, 2, 6, 6), tl.float64)
    target = rng.integers(0, CLASSES, (3,))
    below, here, above = (logits(net, x + s * h * v)[np.arange(3), target] for s in (-1, 0, 1))
    assume(np.abs(above - 2 * here + below).max() < 1e-12)  # piecewise linear: redraw where a ReLU or winner flips
    slope = (gradient(net, x, target) * v).sum((1, 2, 3))
    assert slope == pytest.approx((above - below) / (2 * h), rel=1e-6, abs=1e-7)


@pytest.mark.parametrize("make", [linear_net, Folded, folded_average])
@given(seed=seeds)
def test_gradient_pixel_by_pixel_is_the_central_difference(make, seed):
    rng = tl.Generator(seed)
    net, x, target = make(rng), pictures(rng), rng.integers(0, CLASSES, (2,))
    maps = gradient(net, x, target)
    for k in range(2):
        assert maps[k] == pytest.approx(logit_slope(net, x[k], target[k]), abs=1e-7)


def test_gradient_passes_the_gradient_checker():
    net, rng = Folded(tl.Generator(3)), tl.Generator(4)

    @tl.operation
    def answer(x):
        return logits(net, x)[:, 1]

    @answer.rule
    def _(g, x):
        return g[:, None, None, None] * gradient(net, x, 1)

    assert tl.gradcheck(answer, pictures(rng))


@pytest.mark.parametrize("make", [Folded, folded_average])
@given(seed=seeds)
def test_gradient_times_input_and_biases_times_theirs_sum_to_the_logit(make, seed):
    rng = tl.Generator(seed)
    net, x = make(rng), pictures(rng, 1)
    net.norm.running_mean.data[...] = 0
    net.eval()
    z = net(tl.Tensor(x))[0, 2]
    biases = [net.conv.bias, net.norm.bias, net.shift, net.dense.bias]
    shares = sum(float((b.data * g.data).sum()) for b, g in zip(biases, tl.grad(z, biases)))
    assert gradient_x_input(net, x, 2).sum() + shares == pytest.approx(z.item(), rel=1e-9)
    without_biases(net)
    assert gradient_x_input(net, x, 2).sum() == pytest.approx(logits(net, x)[0, 2], rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("make", [linear_net, Folded, folded_average])
@given(seed=seeds)
def test_gradient_times_input_is_each_pixel_times_its_central_difference(make, seed):
    rng = tl.Generator(seed)
    net, x, target = make(rng), pictures(rng), rng.integers(0, CLASSES, (2,))
    maps = gradient_x_input(net, tl.Tensor(x), target)
    for k in range(2):
        assert maps[k] == pytest.approx(x[k] * logit_slope(net, x[k], target[k]), abs=1e-6)


@given(seed=seeds)
def test_a_function_of_the_logits_is_explained(seed):
    rng = tl.Generator(seed)
    net, x = Folded(rng), pictures(rng, 3)
    contrast = gradient(net, x, lambda z: z[:, 3] - 2 * z[:, 1])
    assert np.allclose(contrast, gradient(net, x, 3) - 2 * gradient(net, x, 1), rtol=1e-12, atol=1e-12)
    chance = gradient(net, x, lambda z: tl.nn.functional.softmax(z, 1)[:, 0])
    e = np.exp(logits(net, x))
    p = e / e.sum(1, keepdims=True)  # ∇p₀ = Σₖ p₀(δ₀ₖ − pₖ)·∇zₖ
    parts = [(p[:, 0] * ((k == 0) - p[:, k]))[:, None, None, None] * gradient(net, x, k) for k in range(CLASSES)]
    assert np.allclose(chance, sum(parts), rtol=1e-10, atol=1e-12)


def test_a_region_of_a_segmentation_is_explained():
    rng = tl.Generator(5)
    net = tl.nn.Conv2d(2, CLASSES, 3, padding=1).to(tl.float64)
    mask = np.zeros((2, 6, 6))
    mask[0, 1, 1] = mask[1, 3:5, 4] = 1  # another region in each picture
    maps = gradient(net, pictures(rng), lambda z: (z[:, 3] * mask).sum((1, 2)))
    filters = net.weight.data[3]
    expected = np.zeros((2, 2, 6, 6))
    expected[0, :, 0:3, 0:3] = filters
    expected[1, :, 2:5, 3:6] = filters
    expected[1, :, 3:6, 3:6] += filters
    assert maps == pytest.approx(expected, abs=1e-14)


def test_a_model_may_be_any_function_and_x_any_shape():
    maps = gradient(lambda x: tl.stack([(x**3).sum(1), x.sum(1)], 1), np.array([[1.0, 2.0], [3.0, 4.0]]), [0, 1])
    assert maps.tolist() == [[3.0, 12.0], [1.0, 1.0]]


def test_a_linear_net_gives_its_weights():
    net = linear_net(tl.Generator(0))
    maps = gradient(net, np.zeros((3, 2, 6, 6)), [2, 0, 2])
    assert np.array_equal(maps.reshape(3, -1), net[1].weight.data[[2, 0, 2]])


@methods
def test_one_target_for_all_is_one_for_each_and_a_row_is_the_single_run(method):
    rng = tl.Generator(1)
    net, x = Folded(rng), rng.normal((4, 2, 6, 6), tl.float64)
    maps = method(net, x, 3)
    assert np.array_equal(maps, method(net, tl.Tensor(x), tl.tensor([3, 3, 3, 3])))
    assert np.allclose(maps[1:2], method(net, x[1:2], 3), rtol=1e-12)
    assert maps.shape == x.shape
    assert maps.dtype == x.dtype
    assert method(net.to(tl.float32), x.astype(np.float32), 3).dtype == np.float32


@methods
def test_nothing_about_the_model_changes(method):
    rng = tl.Generator(2)
    net, x = Folded(rng), tl.Tensor(rng.normal((4, 2, 6, 6), tl.float64))
    net.norm.eval()  # a mixture of modes, to come back as it was
    net(x).sum().backward()
    values = lambda: {k: t.data.tobytes() for k, t in net.state_dict().items()}
    grads = lambda: {k: p.grad.data.tobytes() for k, p in net.named_parameters()}
    modes = lambda: [m.training for m in net.modules()]
    chance = tl.random.default_generator.get_state()
    before = values(), grads(), modes()
    method(net, x, 1)
    with tl.no_grad():
        method(net, x, 1)
    with pytest.raises(ValueError, match="outside"):
        method(net, x, 9)
    assert (values(), grads(), modes()) == before
    assert not x.requires_grad
    assert x.grad is None
    assert tl.random.default_generator.get_state() == chance


@pytest.mark.parametrize("target", [[0, 1], 1.0, [[0], [1], [2]], True, None])
def test_a_target_of_the_wrong_kind_is_refused(target):
    with pytest.raises(ValueError, match="one class number, or one for each of the 3 pictures"):
        gradient(linear_net(tl.Generator(0)), np.zeros((3, 2, 6, 6)), target)


@pytest.mark.parametrize("target", [4, -1, [0, 1, 7]])
def test_a_target_out_of_range_is_refused(target):
    with pytest.raises(ValueError, match=r"outside 0 … 3"):
        gradient(linear_net(tl.Generator(0)), np.zeros((3, 2, 6, 6)), target)


@pytest.mark.parametrize("change", [lambda net: net.requires_grad_(False), lambda net: net.train()])
def test_frozen_parameters_no_grad_and_training_mode_change_nothing(change):
    rng = tl.Generator(6)
    net, x = Folded(rng), pictures(rng)
    plain = gradient(net.eval(), x, 1)
    change(net)
    with tl.no_grad():
        assert np.array_equal(gradient(net, x, 1), plain)


@methods
def test_no_picture_is_no_map(method):
    assert method(Folded(tl.Generator(0)), np.zeros((0, 2, 6, 6)), 1).shape == (0, 2, 6, 6)


def test_a_function_that_does_not_give_one_number_a_picture_is_refused():
    net, x = linear_net(tl.Generator(0)), np.zeros((3, 2, 6, 6))
    for target in (lambda z: z, lambda z: z.sum(), lambda z: z[:2, 0], lambda z: z.data[:, 0]):
        with pytest.raises(ValueError, match=r"one number a picture, \(3,\), got"):
            gradient(net, x, target)
    with pytest.raises(ValueError, match=r"expected logits \(3, K\).*lambda z: z\[:, 3\]"):
        gradient(tl.nn.Conv2d(2, 4, 3).to(tl.float64), x, 0)


def test_a_nan_is_not_explained_but_named():
    x = np.zeros((3, 2, 6, 6))
    x[1, 0, 2, 2] = np.nan
    with pytest.raises(ValueError, match=r"picture 1 of the 3 in this pass holds NaN or infinity"):
        gradient(linear_net(tl.Generator(0)), x, 0)
    x[1, 0, 2, 2] = np.inf
    with pytest.raises(ValueError, match=r"picture 1 of the 3 in this pass holds NaN or infinity"):
        gradient(lambda x: x.sum((2, 3)), x, 0)
    x[1, 0, 2, 2] = 0
    for value, words in ((np.nan, "NaN"), (np.inf, "infinite")):
        with pytest.raises(ValueError, match=rf"is {words} for picture 2 of the 3 in this pass; tl\.detect_anomaly"):
            gradient(lambda x, odd=value: x.sum((2, 3)) + np.array([[0], [0], [odd]]), x, 0)


def test_other_misuse_has_messages_too():
    with pytest.raises(TypeError, match="only float32 and float64"):
        gradient(linear_net(tl.Generator(0)), np.zeros((3, 2, 6, 6), int), 0)
    with pytest.raises(ValueError, match=r"expected logits \(3, K\)"):
        gradient(lambda x: x, np.zeros((3, 2, 6, 6)), 0)
    with pytest.raises(ValueError, match="a single number"):
        gradient(lambda x: x, np.float64(1), 0)
    with pytest.raises(TypeError, match="expected a Tensor of logits from the model, got ndarray"):
        gradient(lambda x: x.data, np.zeros((3, 4)), 0)
    dense = tl.nn.Linear(2, 2).to(tl.float64)
    for model in (lambda x: x.detach(), lambda x: dense(x.detach())):  # nothing recorded; recorded, but not from x
        with pytest.raises(RuntimeError, match="no gradient in x; does the model detach"):
            gradient(model, np.zeros((3, 2)), 0)


# --- the figure -----------------------------------------------------------------------------------------------------


def axes_of(figure):
    """The axes that hold pictures or maps, in the order they were drawn."""
    return [axes for axes in figure.axes if axes.images]


def test_zero_is_the_centre_of_the_colours_and_loud_pixels_do_not_pale_the_rest():
    maps = np.zeros((1, 1, 32, 32))
    maps[0, 0, 0] = np.linspace(-1, 1, 32)
    maps[0, 0, 5, 5] = 1000
    drawn = axes_of(plot.saliency_grid(np.zeros((1, 1, 32, 32)), maps, ["brick"]))[1].images[0]
    assert drawn.norm(0.0) == 0.5
    assert drawn.cmap(0.5) == pytest.approx((1, 1, 1, 1), abs=0.05)
    assert np.abs(drawn.get_array()[0]).max() > 0.9


@pytest.mark.parametrize("channels", [1, 3])
def test_flat_pictures_and_zero_maps_are_drawn(channels):
    figure = plot.saliency_grid(np.zeros((5, channels, 8, 8)), np.zeros((5, channels, 8, 8)), list("abcde"), columns=3)
    figure.canvas.draw()
    assert np.asarray(figure.canvas.buffer_rgba()).shape[2] == 4
    assert len(axes_of(figure)) == 10


def test_right_and_wrong_differ_in_sign_and_in_colour():
    x = np.zeros((2, 1, 8, 8))
    right, _, wrong, _ = axes_of(plot.saliency_grid(x, x, ["brick", "fur"], [True, False]))
    assert right.get_title() == "✓ brick"
    assert wrong.get_title() == "✗ fur"
    assert right.title.get_color() != wrong.title.get_color()


def test_figures_leave_pyplot_alone():
    if "matplotlib.pyplot" in sys.modules:
        import matplotlib.pyplot as plt

        before = plt.get_fignums()
    x = np.zeros((1, 1, 8, 8))
    plot.saliency_grid(x, x, ["a"])
    assert "matplotlib.pyplot" not in sys.modules or plt.get_fignums() == before


@pytest.mark.parametrize(
    ("x", "maps", "titles"),
    [((2, 2, 8, 8), (2, 2, 8, 8), 2), ((2, 1, 8, 8), (2, 1, 8, 9), 2), ((2, 1, 8, 8), (2, 1, 8, 8), 1)],
)
def test_shapes_that_do_not_fit_are_refused(x, maps, titles):
    with pytest.raises(ValueError, match="saliency_grid"):
        plot.saliency_grid(np.zeros(x), np.zeros(maps), ["a"] * titles)
