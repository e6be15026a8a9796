"""Rendering for a net on the GPU, and figures of one: the pictures are the CPU's, and NumPy arrays."""

import numpy as np
import pytest
from explained import Folded, pictures

import tinylucid as tl
from tinylucid import devices
from tinylucid import visualize as v
from tinylucid.visualize.measure import sight, values

SHAPE = (2, 2, 6, 6)


def on_both(seed):
    """The same net on the CPU and on the GPU."""
    return Folded(tl.Generator(seed)), Folded(tl.Generator(seed)).to("cuda")


@pytest.mark.parametrize("make", [v.pixel, v.fourier, v.cppn])
def test_a_few_steps_of_rendering_are_the_cpus(make):
    goals = [v.logit(1) + 2 * v.channel("conv", 0), v.neuron("pool", 2, 1, 1)]
    mean = np.full((2, 1, 1), 0.4)
    found = []
    for net in on_both(1):
        picture = make(SHAPE, low=[0, -1], high=1, dtype=tl.float64, rng=tl.Generator(3))
        found.append(v.render(net, goals, picture, steps=3, normalize=lambda x: x - mean, rng=tl.Generator(4)))
        assert {p.device for p in picture.parameters} == {"cuda" if net.conv.weight.device == "cuda" else "cpu"}
        assert net.training
    on_cpu, on_gpu = found
    assert isinstance(on_gpu, np.ndarray)
    assert np.abs(on_gpu - on_cpu).max() <= 1e-9
    start = make(SHAPE, low=[0, -1], high=1, dtype=tl.float64, rng=tl.Generator(3))().data
    assert np.abs(on_gpu - start).max() > 1e-3


@pytest.mark.parametrize("make", [v.pixel, v.fourier])
def test_a_start_and_its_colours_on_the_gpu(make):
    rng = tl.Generator(14)
    x, matrix = rng.uniform((2, 3, 5, 4), tl.float64), rng.uniform((3, 3), tl.float64) + np.eye(3)
    on_gpu = [tl.Tensor(a).to("cuda") for a in (x, matrix)]
    picture = make(x.shape, start=on_gpu[0], colors=on_gpu[1], dtype=tl.float64)
    assert np.abs(picture().data - x.clip(0.01, 0.99)).max() <= 1e-9
    for p in picture.parameters:
        p.data = tl.devices.put(p.data, "cuda")
    assert picture().device == "cuda"
    assert np.abs(picture().cpu().data - x.clip(0.01, 0.99)).max() <= 1e-9
    assert np.array_equal(v.color_matrix(on_gpu[0]), v.color_matrix(x))


def test_a_picture_goes_on_where_the_next_net_is():
    net, there = on_both(2)
    one, other = (v.pixel(SHAPE, dtype=tl.float64) for _ in range(2))
    for each in (there, net):
        moved = v.render(each, v.logit(0), one, steps=2, transforms=())
    for _ in range(2):
        plain = v.render(net, v.logit(0), other, steps=2, transforms=())
    assert np.abs(moved - plain).max() <= 1e-9
    assert one.parameters[0].device == "cpu"


def test_dead_relus_are_woken():
    steps = []
    for net in on_both(3):
        net.norm.bias.data[...] = -50.0  # nothing passes
        picture = v.pixel(SHAPE, dtype=tl.float64)
        start = picture().data
        steps.append(v.render(net, v.channel("pool", 1), picture, steps=2, transforms=()) - start)
    assert np.abs(steps[0] - steps[1]).max() <= 1e-9
    assert steps[1].any()


@pytest.mark.parametrize("transform", [v.pad(1), v.jitter(1), v.scale(0.9, 1.1), v.rotate(20)])
def test_each_transform(transform):
    x = pictures(tl.Generator(4))
    here, there = (transform(tl.Tensor(x).to(device), tl.Generator(5)) for device in ("cpu", "cuda"))
    assert there.device == "cuda"
    assert np.abs(there.cpu().data - here.data).max() <= 1e-9


def test_measures_are_the_cpus():
    net, there = on_both(5)
    x = pictures(tl.Generator(6))
    goal = v.logit(2) * v.channel("norm", 1) - 0.5
    found = v.measure(there, goal, x)
    assert type(found) is np.ndarray
    assert found == pytest.approx(v.measure(net, goal, x))
    assert v.measure(there, goal, tl.Tensor(x).to("cuda")) == pytest.approx(found)


OBJECTIVES = {  # of a reference picture's target, a NumPy array
    "layer": lambda target: v.layer("norm"),
    "direction": lambda target: v.direction("norm", target.mean((0, 2, 3)), 2),
    "style": lambda target: v.style("norm", target[..., :4]),
    "caricature": lambda target: v.caricature("norm", target),
    "inversion": lambda target: v.inversion("norm", target),
    "diversity": lambda target: v.diversity("norm"),
    "total variation": lambda target: v.total_variation(),
    "l1": lambda target: v.l1(),
    "l2": lambda target: v.l2(),
    "blur": lambda target: v.blur(),
}


@pytest.mark.parametrize("name", OBJECTIVES)
@pytest.mark.parametrize("dtype", [tl.float32, tl.float64])
def test_each_objective_and_its_gradient_are_the_cpus(name, dtype):
    net, there = (each.to(dtype).eval() for each in on_both(14))
    x, one = (pictures(tl.Generator(seed), n).astype(dtype) for seed, n in ((15, 3), (16, 1)))
    goal = OBJECTIVES[name](v.activations(there, one, "norm"))
    numbers, slopes = [], []
    for each in (net, there):
        picture = tl.Tensor(devices.put(x, each.conv.weight.device), requires_grad=True)
        number = values(sight(each, [goal]), [goal], picture, picture)
        (slope,) = tl.grad(number.sum(), picture)
        assert (number.device, number.dtype, slope.dtype) == (each.conv.weight.device, dtype, dtype)
        numbers.append(number.cpu().data)
        slopes.append(slope.cpu().data)
    close = 1e-9 if dtype == tl.float64 else 1e-4
    assert numbers[1] == pytest.approx(numbers[0], rel=close)
    assert np.abs(slopes[1] - slopes[0]).max() <= close * np.abs(slopes[0]).max()
    assert v.measure(there, goal, x) == pytest.approx(numbers[0], rel=close)


def test_an_objective_that_is_nan_is_named():
    _, there = on_both(7)
    there.dense.bias.data[1] = np.nan
    with pytest.raises(FloatingPointError, match=r"logit\(1\) is nan at step 0"):
        v.render(there, v.logit(1), v.pixel(SHAPE, dtype=tl.float64), steps=2)


def test_views_are_the_cpus():
    x = pictures(tl.Generator(14), 12)
    data = tl.data.ArrayDataset(x, np.arange(12) % 4)
    both = []
    for net in on_both(15):
        both.append(
            [
                v.activation_grid(net, x[:1], "conv", steps=2),
                v.place(net, tl.Tensor(x[:1]).to("cuda"), "pool", 1, 1, steps=2),
                v.path(net, data, 1, layers=["relu"], steps=2),
                v.atlas(net, data, "conv", cells=2, fewest=1, steps=2),
            ]
        )
    for here, there in zip(*both):
        assert type(there.renderings) is np.ndarray
        assert np.abs(here.renderings - there.renderings).max() <= 1e-8
    assert np.array_equal(both[0][1].field, both[1][1].field)
    assert both[1][2].contributions[0] == pytest.approx(both[0][2].contributions[0])


def test_a_gallery_and_what_is_remembered_are_the_cpus():
    x = pictures(tl.Generator(16), 8)
    data = tl.data.ArrayDataset(x, np.arange(8) % 4)
    galleries, kept = [], []
    for net in on_both(17):
        galleries.append(v.gallery(net, data, layers=["conv", "relu"], steps=2, top=3))
        kept.append(np.asarray(v.remembered(net, data, steps=2)))
    for here, there in zip(*(found.layers for found in galleries)):
        assert np.array_equal(here.best, there.best)
        for name in ("pictures", "reached", "values", "photographs"):
            assert type(getattr(there, name)) is np.ndarray
            assert np.abs(getattr(there, name) - getattr(here, name)).max() <= 1e-8
    assert np.abs(kept[1] - kept[0]).max() <= 1e-8


# --- figures ----------------------------------------------------------------------------------------------------------


def drawn(figure):
    """The pixels of a figure."""
    figure.set_dpi(40)
    figure.canvas.draw()
    return np.asarray(figure.canvas.buffer_rgba())


def test_feature_maps_and_filters_of_a_net_on_the_gpu_are_the_cpus():
    net, there = on_both(8)
    x = pictures(tl.Generator(9), 1)
    expected = drawn(tl.plot.feature_maps(net, x))
    assert np.array_equal(drawn(tl.plot.feature_maps(there, x)), expected)
    assert np.array_equal(drawn(tl.plot.feature_maps(there, tl.Tensor(x).to("cuda"))), expected)
    assert np.array_equal(drawn(tl.plot.filters(there)), drawn(tl.plot.filters(net)))


def test_pictures_and_maps_on_the_gpu_are_drawn():
    x = tl.Generator(10).uniform((2, 3, 6, 6), tl.float64)
    maps = pictures(tl.Generator(11)).sum(1)
    there, maps_there = (tl.Tensor(a).to("cuda") for a in (x, maps))
    assert np.array_equal(drawn(tl.plot.overlay(there, maps_there)), drawn(tl.plot.overlay(x, maps)))
    assert np.array_equal(drawn(tl.plot.heatmap(maps_there)), drawn(tl.plot.heatmap(maps)))
    titles = ["a", "b"]
    assert np.array_equal(drawn(tl.plot.picture_grid(there, titles)), drawn(tl.plot.picture_grid(x, titles)))


def test_what_layers_give_is_watched_on_the_gpu():
    from tinylucid.nn.watch import watched

    _, there = on_both(12)
    seen = []
    with watched(there.named_modules(), lambda name, out: seen.append(out.device)), tl.no_grad():
        there.eval()(tl.Tensor(pictures(tl.Generator(13))).to("cuda"))
    assert set(seen) == {"cuda"}
