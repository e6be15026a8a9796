"""Attribution by gradients, against central differences; and the figure that shows it."""

import sys

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import tinylucid as tl
from tinylucid import plot
from tinylucid.explain import gradient
from tinylucid.explain.gradients import evaluating

seeds = st.integers(0, 10**6)


class Folded(tl.nn.Module):
    """Convolution, batch norm, pooling, and one ReLU that is used twice."""

    def __init__(self, rng):
        super().__init__()
        self.conv = tl.nn.Conv2d(2, 3, 3, padding=1)
        self.norm = tl.nn.BatchNorm2d(3)
        self.pool = tl.nn.MaxPool2d(2)
        self.relu = tl.nn.ReLU()
        self.drop = tl.nn.Dropout(0.5)
        self.dense = tl.nn.Linear(3 * 3 * 3, 4)
        self.to(tl.float64)
        for tensor in (*self.parameters(), self.norm.running_mean):
            tl.nn.init.normal_(tensor, std=0.5, rng=rng)
        tl.nn.init.uniform_(self.norm.running_var, 0.5, 2, rng=rng)

    def forward(self, x):
        hidden = self.pool(self.relu(self.norm(self.conv(x))))
        return self.dense(self.drop(self.relu(hidden - 0.3).flatten(1)))


def linear_net(rng):
    net = tl.nn.Sequential(tl.nn.Flatten(), tl.nn.Linear(2 * 6 * 6, 4)).to(tl.float64)
    for p in net.parameters():
        tl.nn.init.normal_(p, rng=rng)
    return net


def logit(net, x, target):
    with tl.no_grad(), evaluating(net):
        return net(tl.Tensor(x)).data[np.arange(len(x)), target]


@pytest.mark.parametrize("make", [linear_net, Folded])
@given(seed=seeds)
def test_gradient_along_any_direction_is_the_central_difference(make, seed):
    rng, h = tl.Generator(seed), 1e-5
    net = make(rng)
    x, v = rng.normal((2, 3, 2, 6, 6), tl.float64)
    target = rng.integers(0, 4, (3,))
    below, here, above = (logit(net, x + s * h * v, target) for s in (-1, 0, 1))
    assume(np.abs(above - 2 * here + below).max() < 1e-12)  # piecewise linear: redraw where a ReLU or winner flips
    slope = (gradient(net, x, target) * v).sum((1, 2, 3))
    assert slope == pytest.approx((above - below) / (2 * h), rel=1e-6, abs=1e-7)


def test_a_linear_net_gives_its_weights():
    net = linear_net(tl.Generator(0))
    maps = gradient(net, np.zeros((3, 2, 6, 6)), [2, 0, 2])
    assert np.array_equal(maps.reshape(3, -1), net[1].weight.data[[2, 0, 2]])


def test_one_target_for_all_is_one_for_each_and_a_row_is_the_single_run():
    rng = tl.Generator(1)
    net, x = Folded(rng), rng.normal((4, 2, 6, 6), tl.float64)
    maps = gradient(net, x, 3)
    assert np.array_equal(maps, gradient(net, tl.Tensor(x), tl.tensor([3, 3, 3, 3])))
    assert np.allclose(maps[1:2], gradient(net, x[1:2], 3), rtol=1e-12)
    assert maps.shape == x.shape
    assert maps.dtype == x.dtype
    assert gradient(net.to(tl.float32), x.astype(np.float32), 3).dtype == np.float32


def test_nothing_about_the_model_changes():
    rng = tl.Generator(2)
    net, x = Folded(rng), tl.Tensor(rng.normal((4, 2, 6, 6), tl.float64))
    net.norm.eval()  # a mixture of modes, to come back as it was
    net(x).sum().backward()
    values = lambda: {k: t.data.tobytes() for k, t in net.state_dict().items()}
    grads = lambda: {k: p.grad.data.tobytes() for k, p in net.named_parameters()}
    modes = lambda: [m.training for m in net.modules()]
    chance = tl.random.default_generator.get_state()
    before = values(), grads(), modes()
    gradient(net, x, 1)
    with tl.no_grad():
        gradient(net, x, 1)
    with pytest.raises(ValueError, match="outside"):
        gradient(net, x, 9)
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


def test_other_misuse_has_messages_too():
    with pytest.raises(TypeError, match="only float32 and float64"):
        gradient(linear_net(tl.Generator(0)), np.zeros((3, 2, 6, 6), int), 0)
    with pytest.raises(ValueError, match=r"expected logits \(3, K\)"):
        gradient(lambda x: x, np.zeros((3, 2, 6, 6)), 0)
    with pytest.raises(RuntimeError, match="no gradient"):
        gradient(lambda x: x.detach().flatten(1), np.zeros((3, 2, 6, 6)), 0)


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
