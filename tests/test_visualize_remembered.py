"""What a net remembers of classes: likeness to their pictures, layer by layer, by hand; on nets whose answer is known."""

import numpy as np
import pytest
from explained import state_of
from test_commands import draw_folder, said
from test_visualize_gallery import gratings, pictures
from words import check_message

import tinylucid as tl
from tinylucid.data import ArrayDataset, Preprocess
from tinylucid.visualize import (
    activations,
    color_matrix,
    exciting,
    fourier,
    jitter,
    logit,
    pad,
    remembered,
    render,
    style,
)
from tinylucid.visualize.many import active_layers, at_a_time
from tinylucid.visualize.remembered import likeness


def surfaces(seed=0, dtype=tl.float32):
    """A net of two convolutions, by seed, and pictures of two classes, bright ones and dark ones with stripes."""
    rng = tl.Generator(seed)
    net = tl.nn.Sequential(
        tl.nn.Conv2d(1, 4, 3, padding=1), tl.nn.ReLU(), tl.nn.MaxPool2d(2), tl.nn.Conv2d(4, 6, 3, padding=1), tl.nn.Tanh(),
        tl.nn.AdaptiveAvgPool2d(1), tl.nn.Flatten(), tl.nn.Linear(6, 2),
    ).to(dtype)  # fmt: skip
    for p in net.parameters():
        tl.nn.init.normal_(p, std=0.5, rng=rng)
    x = rng.uniform((8, 1, 16, 16), dtype) / 2
    x[::2] += 0.5
    x[1::2, :, ::4] = 0
    return net, ArrayDataset(x, np.arange(8) % 2, ("bright", "striped"))


@pytest.mark.parametrize("dtype", [tl.float32, tl.float64])
def test_it_is_likeness_in_every_activation_layer_and_a_little_of_the_logit(dtype):
    net, data = surfaces(3, dtype)
    data.preprocess = Preprocess(16, color=False, mean=(0.5,), std=(0.25,))
    found = remembered(net, data, [1], steps=4, seed=5, size=33)
    goal = 0.005 * logit(1)
    for name in ("1", "4"):
        goal = goal + style(name, activations(net, data.x[1::2], name))
    begun = fourier((1, 1, 33, 33), decay=2, rng=tl.Generator(5), dtype=dtype)
    way = {"transforms": [pad(2), jitter(4)], "normalize": data.preprocess.normalized, "rng": tl.Generator(5)}
    assert found.dtype == dtype
    assert found.shape == (1, 1, 33, 33)
    assert found == pytest.approx(np.asarray(render(net, goal, begun, steps=4, **way)), abs=1e-5)


@pytest.mark.parametrize("shape", [(48, 16), (16, 48)])
def test_pictures_that_are_not_square_and_classes_without_names(shape):
    net, _ = surfaces(1)
    data = ArrayDataset(tl.Generator(2).uniform((4, 1, *shape)), np.array([0, 1, 0, 1]))
    found = remembered(net, data, steps=2)
    goals = [likeness(net, data.x[k::2], k, ("1", "4")) for k in range(2)]
    begun = fourier((2, 1, *shape), decay=2, rng=tl.Generator(0))
    by_hand = render(net, goals, begun, steps=2, transforms=[pad(1), jitter(2)], rng=tl.Generator(0))
    assert found == pytest.approx(np.asarray(by_hand), abs=1e-5)


def test_sixty_pictures_of_a_class_are_enough(monkeypatch):
    net, data = surfaces()
    data = ArrayDataset(np.concatenate([data.x] * 16), np.tile(data.y, 16), data.classes)
    before = remembered(net, data, steps=2)
    data.x[120:] = 0.5  # what stands after the sixtieth of either class
    assert np.array_equal(before, remembered(net, data, steps=2))
    data.x[119] = 0.5
    assert not np.array_equal(before, remembered(net, data, steps=2))


def test_each_class_comes_out_as_what_its_pictures_are_made_of():
    net, data = gratings(angles=(0, 90))
    net = tl.nn.Sequential(net[0], net[1], tl.nn.AdaptiveAvgPool2d(1), tl.nn.Flatten())
    x = np.asarray(remembered(net, data, size=24, steps=128))
    across, down = (np.abs(np.diff(x, axis=axis)).mean((1, 2, 3)) for axis in (3, 2))
    assert across[0] > 1.5 * down[0]
    assert down[1] > 1.5 * across[1]
    want = [activations(net, data.x[data.y == k], "1") for k in range(2)]
    likeness = [[float(tl.visualize.measure(net, style("1", w), one[None])[0]) for w in want] for one in x]
    assert likeness[0][0] > likeness[0][1] + 0.3
    assert likeness[1][1] > likeness[1][0] + 0.3


def test_colours_are_mixed_as_in_the_data(monkeypatch):
    from tinylucid.visualize import many

    asked = []
    monkeypatch.setattr(many, "fourier", lambda *a, **kw: asked.append(kw["colors"]) or fourier(*a, **kw))
    data = pictures(6, (3, 8, 8))
    net = tl.nn.Sequential(tl.nn.Conv2d(3, 2, 3), tl.nn.ReLU(), tl.nn.Flatten()).to(tl.float64)
    assert remembered(net, data, steps=1).shape == (1, 3, 8, 8)
    assert np.allclose(asked[0], color_matrix(data.x))


def test_the_model_stays_as_it_was_and_the_seed_says_all():
    net, data = surfaces()
    net.train()
    net(tl.Tensor(data.x)).sum().backward()
    before = state_of(net)
    first = remembered(net, data, steps=2)
    assert state_of(net) == before
    assert first.shape == (2, 1, 16, 16)
    assert type(first).__name__ == "Pictures"
    assert np.array_equal(first, remembered(net, data, steps=2))
    assert not np.allclose(first, remembered(net, data, steps=2, seed=1))
    assert np.allclose(first[1:], remembered(net, data, [0, 1], steps=2)[1:])


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda net, data: remembered(net, data.x), TypeError, "remembered: expected an ArrayDataset|ndarray"),
        (lambda net, data: remembered(lambda x: x, data), TypeError, "remembered|Module"),
        (lambda net, data: remembered(net, data, [2]), ValueError, "class 2|0 … 1"),
        (lambda net, data: remembered(net, data, ["bright"]), TypeError, "its number|classes.index('bright')"),
        (lambda net, data: remembered(net, data.subset(slice(0, 8, 2))), ValueError, "remembered: class 1 has no pictures"),
        (lambda net, data: remembered(net, data, "bright"), TypeError, "its number|classes.index('bright')"),
        (lambda net, data: remembered(net, data, []), ValueError, "remembered: got no class|leave classes out"),
        (lambda net, data: remembered(net, data, steps=0), ValueError, "remembered: steps|at least 1|0"),
        (lambda net, data: remembered(net, data, size=0), ValueError, "remembered: size|at least 1|0"),
        (lambda net, data: remembered(net, data.subset(slice(0, 0))), ValueError, "remembered|at least one|(0, 1, 16, 16)"),
        (
            lambda net, data: remembered(tl.nn.Sequential(tl.nn.Flatten(), tl.nn.Linear(256, 2)), data),
            ValueError,
            "remembered: no layer of this model gives planes|logits",
        ),
        (
            lambda net, data: remembered(net, ArrayDataset(data.x, np.zeros((8, 16, 16), int))),
            ValueError,
            "remembered: expected a class number for each picture|(8, 16, 16)",
        ),
        (
            lambda net, data: remembered(net, ArrayDataset(data.x, np.zeros(8))),
            ValueError,
            "remembered: expected a class number for each picture|float64 (8,)",
        ),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_said(call, error, words):
    net, data = surfaces()
    check_message(lambda: call(net, data), error, words)


def test_one_class_needs_no_list():
    net, data = surfaces()
    assert np.array_equal(remembered(net, data, 1, steps=1), remembered(net, data, [1], steps=1))


def test_a_layer_that_gives_two_things_has_no_planes():
    class Twice(tl.nn.Module):
        def forward(self, x):
            return x, x

    class Net(tl.nn.Module):
        def __init__(self):
            super().__init__()
            self.relu, self.twice = tl.nn.ReLU(), Twice()

        def forward(self, x):
            return self.twice(self.relu(x))[0].mean((2, 3))

    assert [row.name for row in active_layers(Net(), (2, 8, 8))] == ["relu"]
    assert [at_a_time(shape) for shape in ((3, 16, 64), (1, 64, 16), (3, 2000, 2000))] == [256, 256, 1]


def test_a_batch_of_objectives_has_at_least_one():
    check_message(lambda: exciting(surfaces()[0], [], (1, 16, 16), None), ValueError, "at least one objective|got none")


def test_the_command_shows_it_for_a_folder(tmp_path, capsys):
    folder = draw_folder(tmp_path / "pictures", count=3)
    data = tl.data.image_folder(folder, size=16).load()
    path = tmp_path / "net.safetensors"
    net = tl.models.build("texture_net", classes=3, channels=3)
    tl.models.save(net, path, data.classes, data.preprocess)
    code, out, err = said(
        capsys, "visualize", path, "--steps", 1, "--data", folder, "--class", "red", "--out", tmp_path
    )
    assert (code, err) == (0, "")
    assert [line.rsplit("/", 1)[1] for line in out.splitlines()] == ["classes.png", "remembered.png"]
    assert (tmp_path / "remembered.png").read_bytes().startswith(b"\x89PNG")
