"""How far the model runs for a rendering, when a climb stops, its film, and what layers give."""

import numpy as np
import pytest
from test_visualize import SHAPE, small_net
from words import check_message

import tinylucid as tl
from tinylucid.visualize import Objective, activations, channel, logit, measure, pixel, render
from tinylucid.visualize.film import filming
from tinylucid.visualize.render import AWAKENING

# --- how far the model runs ------------------------------------------------------------------------------------------


class Counted(tl.nn.Module):
    """Layers a, b (twice, the second run on its own output) and c, each counting its runs."""

    def __init__(self):
        super().__init__()
        self.a, self.b, self.c = tl.nn.ReLU(), tl.nn.Tanh(), tl.nn.Flatten()
        self.runs = []
        for name in "abc":
            getattr(self, name).register_forward_hook(lambda module, args, out, name=name: self.runs.append(name))

    def forward(self, x):
        return self.c(self.b(self.b(self.a(x))))


@pytest.mark.parametrize(
    ("goal", "later"),
    [
        (channel("a", 0), "a"),
        (channel("b", 0), "abb"),
        (channel("a", 0) + channel("b", 1), "abb"),
        (channel("a", 0) + logit(1), "abbc"),
        (logit(1), "abbc"),
    ],
)
def test_the_model_runs_no_further_than_the_objective_looks(goal, later):
    net = Counted()
    x = render(net, goal, pixel((1, 2, 3, 3), dtype=tl.float64), transforms=(), steps=3)
    assert "".join(net.runs) == "abbc" + 2 * later
    whole = pixel((1, 2, 3, 3), dtype=tl.float64)
    assert np.array_equal(x, render(net, goal + 0 * logit(0), whole, transforms=(), steps=3))


def test_an_objective_that_asks_for_the_answer_late_gets_it():
    net, asked = Counted(), []

    def value(seen):
        asked.append(len(asked))
        return seen.channels("a")[:, 0] if len(asked) < 3 else seen.logits[:, 0]

    render(net, Objective("late", value, frozenset("a")), pixel((1, 2, 3, 3), dtype=tl.float64), transforms=(), steps=5)
    assert "".join(net.runs) == "abbc" + "a" + "a" + "abbc" + "abbc" + "abbc"


# --- stopping early, and films ---------------------------------------------------------------------------------------


def test_patience_stops_a_climb_that_is_over_and_no_other():
    seen = []
    note = lambda x, rng: (seen.append(1), x)[1]
    flat = Objective("flat", lambda s: (s.picture * 0.0 + 1.0).mean((1, 2, 3)))
    steep = Objective("steep", lambda s: s.picture.mean((1, 2, 3)))
    way = {"transforms": [note], "steps": 60, "patience": 5}
    render(small_net(), flat, pixel(SHAPE, dtype=tl.float64), **way)
    assert len(seen) == AWAKENING + 10
    seen.clear()
    render(small_net(), steep, pixel(SHAPE, dtype=tl.float64), **way)
    assert len(seen) == 60


@pytest.mark.parametrize("channels", [1, 3])
def test_a_film_shows_the_pictures_from_the_first_to_the_last(tmp_path, channels):
    from PIL import Image

    slope = np.linspace(-1, 1, 30, dtype=np.float32)  # brighter from left to right
    goal = Objective("slope", lambda seen: (seen.picture * slope).mean((1, 2, 3)))
    net, path = tl.nn.Flatten(), tmp_path / "climb.gif"
    shape = (7, channels, 20, 30)
    x = render(net, goal, pixel(shape, -1, 3), transforms=(), steps=100, lr=0.05, gif=path)
    with Image.open(path) as film:
        assert 40 < film.n_frames <= 51  # every second step, and the end; frames that do not differ are one
        assert film.size == (
            5 * (5 * 30 + 2),
            2 * (5 * 20 + 2),
        )  # each pixel five times as large, a line around each picture
        film.seek(film.n_frames - 1)
        assert film.info["duration"] == 2000
        last = np.asarray(film.convert("RGB"))[1:101, 1:151] / 255.0
        if channels == 3:
            unit = (x[0] + 1) / 4
            assert last[2::5, 2::5] == pytest.approx(unit.transpose(1, 2, 0), abs=0.15)  # a GIF has 256 colours
        film.seek(0)
        first = np.asarray(film.convert("RGB"))[1:101, 1:151] / 255.0
    assert np.ptp(last.mean((0, 2))) > 2 * np.ptp(first.mean((0, 2)))


def test_a_film_ends_with_what_came_out(tmp_path):
    from PIL import Image

    picture, path = pixel((1, 1, 128, 128), dtype=tl.float64), tmp_path / "end.gif"
    dark, light = (tl.Tensor(np.linspace(0, 1, 128 * 128)[::s].reshape(1, 1, 128, 128)) for s in (1, -1))
    with filming(path, picture, 100) as film:
        for step, x in ((0, dark), (1, light), (2, dark), (None, light)):  # every second one, and the end
            film(step, x)
    with Image.open(path) as seen:
        assert seen.n_frames == 2  # what does not differ is one frame
        for frame, wanted in enumerate((dark, light)):
            seen.seek(frame)
            assert np.asarray(seen.convert("L"))[1:-1, 1:-1] / 255 == pytest.approx(wanted.data[0, 0], abs=0.02)


def test_a_film_that_cannot_be_written_is_refused_before_the_climb(tmp_path):
    seen = []
    note = lambda x, rng: (seen.append(1), x)[1]
    with pytest.raises(OSError, match="make its folder first"):
        render(tl.nn.Flatten(), logit(0), pixel((1, 1, 4, 4)), transforms=[note], gif=tmp_path / "no" / "climb.gif")
    check_message(
        lambda: render(tl.nn.Flatten(), logit(0), pixel((1, 2, 4, 4)), transforms=[note], gif=tmp_path / "x.gif"),
        ValueError,
        "grey or RGB|(1, 2, 4, 4)|leave out gif",
    )
    assert not seen
    assert list(tmp_path.iterdir()) == []


# --- what layers give ------------------------------------------------------------------------------------------------


def test_activations_are_what_the_layer_gives_batch_by_batch():
    net, x = small_net(dtype=tl.float32), tl.Generator(0).normal((7, 2, 8, 8))
    net.train()
    found = activations(net, x, "2", normalize=lambda x: x * 2.0, batch_size=3)
    assert net.training
    net.eval()
    assert np.allclose(found, net[2](net[1](net[0](tl.Tensor(2 * x)))).data, atol=1e-6)
    assert found.dtype == np.float32
    check_message(lambda: activations(net, x, "conv"), ValueError, "no layer 'conv'|it has: 0, 1, 2")
    check_message(lambda: activations(net, x[:0], "2"), ValueError, "at least one picture|(0, 2, 8, 8)")
    check_message(lambda: activations(lambda x: x, x, "2"), TypeError, "expected a Module")
    check_message(lambda: activations(net, "2", x), TypeError, "activations|expected pictures|got str")
    check_message(lambda: activations(net, x, "2", batch_size=0), ValueError, "activations: batch_size|at least 1")
    data = tl.data.ArrayDataset(np.zeros((2, 2, 8, 8)), np.zeros(2, int))
    check_message(lambda: activations(net, data, "2"), TypeError, "activations|ArrayDataset|data.x")
    check_message(lambda: measure(net, logit(0), data), TypeError, "measure|ArrayDataset|data.x")
