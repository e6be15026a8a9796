"""How far the model runs for a rendering, when a climb stops, its film, and what layers give."""

import numpy as np
import pytest
from test_visualize import SHAPE, small_net
from words import check_message

import tinylucid as tl
from tinylucid.io.gif import side_by_side
from tinylucid.visualize import Objective, activations, channel, logit, measure, pixel, render
from tinylucid.visualize.film import filming
from tinylucid.visualize.render import AWAKENING
from tinylucid.visualize.seen import Seen

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


def test_objectives_that_share_a_batch_share_the_models_run():
    net, goals = Counted(), [channel("a", 0) + channel("a", 1), logit(1), channel("b", 0) + logit(0)]
    render(net, goals, pixel((3, 2, 3, 3), dtype=tl.float64), transforms=(), steps=3)
    assert "".join(net.runs) == 3 * "abbc"


def test_many_channels_of_a_layer_cost_one_average():
    seen = Seen(tl.zeros(2, 1, 1, 1), None, {"a": tl.Tensor(np.ones((2, 3, 4, 5)))})
    assert seen.channels("a") is seen.channels("a")


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


def test_patience_waits_for_the_mean_over_the_pictures_and_for_as_many_steps_below_zero():
    seen = []
    note = lambda x, rng: (seen.append(1), x)[1]
    weight = np.array([0.0, 1.0])  # the second picture of two still climbs
    some = Objective("some", lambda s: s.picture.mean((1, 2, 3)) * weight)
    owed = Objective("owed", lambda s: (s.picture * 0.0 - 1.0).mean((1, 2, 3)))
    for goal, steps in ((some, 60), (owed, AWAKENING + 10)):
        seen.clear()
        picture = pixel((2, 2, 8, 8), dtype=tl.float64)
        render(small_net(), goal, picture, transforms=[note], steps=60, patience=5)
        assert len(seen) == steps


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


def test_a_film_begins_with_the_start_and_what_comes_out_is_after_the_last_step(monkeypatch, tmp_path):
    frames, goal = [], Objective("bright", lambda seen: seen.picture.mean((1, 2, 3)))
    monkeypatch.setattr("tinylucid.visualize.film.write_gif", lambda file, films: frames.extend(films))
    picture = pixel((1, 3, 4, 5), dtype=tl.float64)
    start = picture().data
    x = render(tl.nn.Flatten(), goal, picture, transforms=(), steps=3, gif=tmp_path / "x.gif")
    assert len(frames) == 4  # each of the three steps, before it is taken, and the end
    assert np.array_equal(frames[0], start)
    assert np.array_equal(frames[3], x)
    assert np.array_equal(x, picture().data)
    assert (x > frames[2]).all()


def film_of(path, frames, low=0.0, high=1.0):
    """What a film of these pictures shows, frame by frame, as RGB bytes, and how it plays."""
    from PIL import Image

    with filming(path, pixel(frames[0].shape, low, high, dtype=tl.float64), 3) as film:
        for step, x in enumerate(frames):
            film(step if step < len(frames) - 1 else None, tl.Tensor(x))
    with Image.open(path) as seen:
        shown, pauses = [], []
        for k in range(seen.n_frames):
            seen.seek(k)
            shown.append(np.asarray(seen.convert("RGB")))
            pauses.append(seen.info["duration"])
        return shown, pauses, seen.info["loop"]


def test_pictures_stand_in_rows_each_in_a_white_line_and_what_is_missing_is_white():
    x = np.linspace(-0.2, 1.2, 3 * 70 * 100).reshape(3, 1, 70, 100)  # what lies outside is black or white
    page = side_by_side(x, 2)
    assert (page.shape, page.dtype) == ((2 * 142, 2 * 202), np.uint8)
    right = np.full((2 * 142, 2 * 202), 255)
    for n, (row, column) in enumerate(((0, 0), (0, 1), (1, 0))):
        for i, j in np.ndindex(140, 200):
            share = min(max(x[n, 0, i // 2, j // 2], 0), 1)
            right[142 * row + 1 + i, 202 * column + 1 + j] = round(255 * share)
    assert np.array_equal(page, right)


@pytest.mark.parametrize("n", [1, 2])
def test_a_film_in_colour_keeps_its_colours_and_plays_for_ever(tmp_path, n):
    red, blue = (np.tile(np.reshape(c, (1, 3, 1, 1)), (n, 1, 130, 131)) for c in ([3.0, -1, -1], [-1.0, 1, 2]))
    shown, pauses, loop = film_of(tmp_path / "c.gif", [red, blue], -1, 3)
    for frame, colour in zip(shown, ((255, 0, 0), (0, 128, 191))):
        assert frame.shape == (132, n * 133, 3)
        assert (frame[1:-1, 1:132] == colour).all()
        assert (frame[0] == 255).all()
    assert (pauses, loop) == ([80, 2000], 0)


def test_each_grey_picture_of_a_film_has_its_own_range_and_an_even_one_is_dark(tmp_path):
    ramp = np.linspace(0, 1, 128 * 128).reshape(128, 128)
    faint = np.stack([0.5 + 0.01 * ramp, 0.1 + 0.6 * ramp, np.full((128, 128), 0.3)])[:, None]
    (shown,), _, _ = film_of(tmp_path / "g.gif", [faint])
    one, other, even = (shown[1:-1, 130 * k + 1 : 130 * k + 129, 0] / 255 for k in range(3))
    assert one == pytest.approx(ramp, abs=0.02)
    assert other == pytest.approx(ramp, abs=0.02)
    assert not even.any()


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
    for size in (0, -1, 2.5):
        words = f"activations: batch_size|at least 1|got {size}"
        check_message(lambda size=size: activations(net, x, "2", batch_size=size), ValueError, words)
    check_message(lambda: activations(net, "2", x), TypeError, "activations|expected pictures|got str")
    check_message(lambda: activations(net, x, "2", batch_size=0), ValueError, "activations: batch_size|at least 1")
    data = tl.data.ArrayDataset(np.zeros((2, 2, 8, 8)), np.zeros(2, int))
    check_message(lambda: activations(net, data, "2"), TypeError, "activations|ArrayDataset|data.x")
    check_message(lambda: measure(net, logit(0), data), TypeError, "measure|ArrayDataset|data.x")
