"""A GAN's run against the same written out, and what it says of itself: remarks, spread, history, the sums of an epoch."""

import copy
import dataclasses
import itertools
import math
import os
import signal
from functools import partial

import numpy as np
import pytest
from PIL import Image
from words import check_message

import tinylucid as tl
from tinylucid import nn
from tinylucid.data import ArrayDataset, DataLoader
from tinylucid.gan import step
from tinylucid.gan.augment import Alike
from tinylucid.gan.distance import spread
from tinylucid.gan.grid import Grid
from tinylucid.gan.penalty import Penalty
from tinylucid.models.conditional import told
from tinylucid.random import Generator, default_generator

RNG = np.random.default_rng(0)
X, Y = RNG.random((22, 1, 8, 8)).astype(np.float32), np.arange(22) % 2
DATA = ArrayDataset(X, Y, ("a", "b"))
SIZE, STEPS, D_STEPS, EPOCHS, DECAY = 4, 3, 2, 2, 0.4


def nets(classes=2):
    tl.manual_seed(0)
    return (tl.models.dense_generator(8, latent=3, classes=classes, widths=(5,)),
            tl.models.dense_discriminator(8, classes=classes, widths=(6,), dropout=0.0))  # fmt: skip


# --- the loop ---------------------------------------------------------------------------------------------------------


def pictures(generator, y, rng):
    """As many generated ones, recorded."""
    return generator(tl.tensor(rng.normal((len(y), 3), np.float32)), y)


def without_a_trace(generator, y, rng):
    """The same as an array, the generator's running statistics left alone."""
    return pictures(copy.deepcopy(generator), y, rng).detach().numpy()


def length(net):
    return math.sqrt(sum((p.grad.numpy().astype(float) ** 2).sum() for p in net.parameters()))


def written_out(g, d, seed):
    """The training of a GAN as a textbook has it: hinge loss, R1 of γ = 2, two steps of D to one of G; its history."""
    loader = DataLoader(DATA, SIZE, shuffle=True, seed=seed, drop_last=True)
    batches = (batch for k in range(9) for batch in loader.epoch(k))
    rng, adam = Generator(seed), partial(tl.optim.Adam, lr=2e-4, betas=(0.5, 0.999))
    of_g, of_d, average = adam(g.parameters()), adam(d.parameters()), copy.deepcopy(g).eval()
    history, updates = [], 0
    for _ in range(EPOCHS):
        rows, g_rows = [], []
        for _ in range(STEPS):
            for _ in range(D_STEPS):
                x, y = next(batches)
                r, f = d(tl.tensor(x), y), d(tl.tensor(without_a_trace(g, y, rng)), y)
                loss = tl.relu(1 - r).mean() + tl.relu(1 + f).mean()
                inside = tl.tensor(x, requires_grad=True)
                (slope,) = tl.grad(d(inside, y).sum(), inside, create_graph=True)
                penalty = (slope**2).sum((1, 2, 3)).mean()
                d.zero_grad()
                (loss + penalty).backward()
                of_d.step()
                apart = np.mean(r.detach().numpy()[:, None] > f.detach().numpy())
                rows.append((loss.item(), penalty.item(), apart, length(d)))
            loss = -d(pictures(g, y, rng), y).mean()
            g.zero_grad()
            loss.backward()
            of_g.step()
            g_rows.append((loss.item(), length(g)))
            keep, updates = min(DECAY, (1 + updates) / (10 + updates)), updates + 1
            for (name, mine), its in zip(average.state_dict().items(), g.state_dict().values()):
                if "num" not in name:
                    mine.data[...] = keep * mine.numpy() + (1 - keep) * its.numpy()
        history.append((*np.mean(rows, 0), *np.mean(g_rows, 0)))
    return average, np.transpose(history)


def test_the_run_is_the_textbooks_loop():
    g, d = nets()
    average, wanted = written_out(g, d, seed=5)
    mine, its = nets()
    found = tl.gan.fit(mine, its, DATA, epochs=EPOCHS, steps_per_epoch=STEPS, batch_size=SIZE, loss="hinge", average=DECAY,
                       penalty=tl.gan.r1(2), d_steps=D_STEPS, seed=5)  # fmt: skip
    for one, other in ((mine, g), (its, d), (found.generator, average)):
        for (name, a), b in zip(one.state_dict().items(), other.state_dict().values()):
            if one is not found.generator or "num" not in name:
                np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-4, atol=1e-6, err_msg=name)
    history = found.history
    columns = history.d_loss, history.penalty, history.apart, history.d_norm, history.g_loss, history.g_norm
    np.testing.assert_allclose(columns, wanted, rtol=1e-4)
    shares = spread(X, Y)
    grid = Grid(found.generator, 2, 5, None)
    drawn = spread(grid.draw(found.generator), grid.y)
    np.testing.assert_allclose(history.spread[-1], (drawn / shares).mean() * math.sqrt(8 / 7), rtol=1e-5)


def test_an_epoch_is_one_pass_of_the_discriminator(tmp_path):
    """5 whole batches of 4; two a step make three steps, and what is left over (2 pictures) is no batch."""
    g, d = nets()
    sizes = []
    d.register_forward_pre_hook(lambda m, args: sizes.append(len(args[0])))
    tl.gan.fit(g, d, DATA, epochs=1, batch_size=4, d_steps=2, out=tmp_path)
    assert tl.load(tmp_path / "last.safetensors").metadata["training"]["gan"]["steps_per_epoch"] == 3
    assert sizes == [4] * (1 + 3 * (2 * 2 + 1))  # the trial; real and generated twice a step, and the generator's


def test_the_generator_draws_as_many_as_the_last_batch_holds():
    g, d = nets(0)
    sizes = []
    d.register_forward_pre_hook(lambda m, args: sizes.append(len(args[0])))
    tl.gan.fit(g, d, DataLoader(ArrayDataset(X[:6], Y[:6]), 4), epochs=1)
    assert sizes[1:] == [4, 4, 4, 2, 2, 2]


def test_steps_and_time_are_counted_on_after_a_stop(tmp_path, monkeypatch):
    seen, ticks = [], itertools.count()
    how = {"epochs": 2, "steps_per_epoch": 3, "batch_size": 4, "out": tmp_path}
    monkeypatch.setattr("time.perf_counter", lambda: float(next(ticks)))
    monkeypatch.setattr(
        "tinylucid.train.progress.Progress.step", lambda self, sums: seen.append((self.run.steps_left, sums.pictures))
    )
    loss = tl.gan.hinge()
    with pytest.raises(KeyboardInterrupt):
        tl.gan.fit(*nets(), DATA, loss=dataclasses.replace(loss, generator=pressing(loss.generator, 2)), **how)
    stored = tl.load(tmp_path / "last.safetensors").metadata["training"]["sums"]["seconds"]
    history = tl.gan.fit(*nets(), DATA, loss=loss, resume=True, **how).history
    assert seen == [(5, 4), (4, 8), (3, 12), (2, 4), (1, 8), (0, 12)]
    assert history.seconds[0] > stored > 0


def pressing(call, number):
    """``call``, in the so-many-th of which Ctrl-C is pressed."""
    count = itertools.count(1)

    def pressed(*args):
        if next(count) == number:
            os.kill(os.getpid(), signal.SIGINT)
        return call(*args)

    return pressed


def test_ctrl_c_while_the_samples_are_drawn_stops_after_the_epoch(tmp_path, monkeypatch, capsys):
    draw = Grid.draw
    monkeypatch.setattr(Grid, "draw", pressing(draw, 1))
    with pytest.raises(KeyboardInterrupt):
        tl.gan.fit(*nets(), DATA, epochs=3, batch_size=4, out=tmp_path)
    assert "stopped after epoch 1, saved in" in capsys.readouterr().err
    assert len(tl.gan.GANHistory.load(tmp_path / "last.safetensors")) == 1


def test_both_nets_learn_in_training_mode_and_are_given_back_in_their_own():
    g, d = nets()
    g.eval()
    d.eval()
    modes = set()
    for net in (g, d):
        net.register_forward_pre_hook(lambda m, args: modes.add(m.training) if m in (g, d) else None)
    tl.gan.fit(g, d, DATA, epochs=1, batch_size=4)
    assert modes == {True}  # the fixed samples are drawn by the average, a copy
    assert not g.training
    assert not d.training


# --- the sums of a step -----------------------------------------------------------------------------------------------


class Brightness(nn.Module):
    """Logits a·(mean brightness) + b·class: whatever it is shown and told can be read from its answers."""

    classes = 3

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(np.array([1.0, 10.0], np.float32))
        self.seen = []

    def forward(self, x, y=None):
        raw = tl.devices.raw(x)
        self.seen.append((raw.copy(), None if y is None else y.copy()))
        return x.reshape(len(x), -1).mean(1) * self.weight[0] + tl.tensor(np.asarray(y, np.float32)) * self.weight[1]


def playing(**changes):
    tl.manual_seed(0)
    g = tl.models.dense_generator(8, latent=3, classes=3, widths=(5,))
    game = step.Game(g, Brightness(), tl.gan.wasserstein(), None, None, Generator(0))
    return game._replace(**changes)


PART, WHICH = X[:6], np.array([0, 1, 2, 2, 1, 0])


def test_real_generated_and_penalised_pictures_are_changed_and_told_their_classes():
    """Changed to 5 and more, so that one that was passed by is seen."""
    given, lift = [], lambda x, rng: x + 5
    spy = Penalty("spy", lambda net, real, fake, y, rng: given.append((real, fake, y)) or net(tl.tensor(real), y).sum())
    game = playing(augment=lift, penalty=spy)
    step.discriminator_gradients(game, PART, WHICH)
    step.generator_gradients(game, 6, WHICH)
    for x, y in game.discriminator.seen:
        assert x.min() >= 5
        np.testing.assert_array_equal(y, WHICH)
    assert len(game.discriminator.seen) == 4
    ((real, fake, y),) = given
    np.testing.assert_array_equal(real, PART + 5)
    assert fake.min() >= 5
    assert not np.array_equal(fake, real)
    np.testing.assert_array_equal(y, WHICH)


def test_a_step_of_the_discriminator_tells_its_loss_penalty_and_the_share_told_apart():
    dark = np.zeros_like(PART)
    fixed = Penalty("fixed", lambda net, real, fake, y, rng: net.weight[0] * 3)
    game = playing(penalty=fixed)
    game.discriminator.weight.data[1] = 0
    half = step.discriminator_gradients(game, dark, WHICH)
    assert half.apart == 0, "the real ones, black, are given less than any generated one"
    fake = game.discriminator.seen[1][0].mean()
    assert half.loss == pytest.approx(fake, rel=1e-5)
    assert half.penalty == pytest.approx(3)
    assert half.norm == pytest.approx(abs(fake + 3), rel=1e-5)
    again = step.discriminator_gradients(game, dark, WHICH)  # of this step alone: nothing is left of the last one
    assert again.norm == pytest.approx(abs(game.discriminator.seen[3][0].mean() + 3), rel=1e-5)
    first = step.generator_gradients(game, 6, WHICH)
    second = step.generator_gradients(game, 6, WHICH)
    assert second.norm < 1.5 * first.norm


def test_what_was_frozen_stays_frozen():
    game = playing()
    frozen = game.discriminator.weight
    frozen.requires_grad = False
    step.generator_gradients(game, 6, WHICH)
    assert not frozen.requires_grad


@pytest.mark.parametrize("penalty", [math.nan, math.inf])
def test_a_penalty_that_is_no_number_is_told_and_nothing_moves(penalty):
    wrong = Penalty("wrong", lambda net, real, fake, y, rng: tl.log(net.weight[0] * 0 - 1) if penalty != penalty else
                    net.weight[0] / 0)  # fmt: skip
    game = playing(penalty=wrong)
    rng, general = game.rng.get_state(), default_generator.get_state()
    attempt = partial(
        step.checked, game, "discriminator", lambda: step.discriminator_gradients(game, PART, WHICH), PART
    )
    check_message(
        attempt, FloatingPointError, f"the discriminator: its penalty is {penalty}|did not change its weights"
    )
    assert (game.rng.get_state(), default_generator.get_state()) == (rng, general)


@pytest.mark.parametrize(
    ("inside", "norm"), [(lambda w: w * 0, "nan|anomaly mode:"), (lambda w: w - 1, "inf|grew beyond")]
)
def test_a_gradient_that_is_no_number_is_told_and_nothing_moves(inside, norm):
    """√0 is 0, and its slope infinite."""
    steep = Penalty("steep", lambda net, real, fake, y, rng: tl.sqrt(inside(net.weight[0])))
    game = playing(penalty=steep)
    rng = game.rng.get_state()
    attempt = partial(
        step.checked, game, "discriminator", lambda: step.discriminator_gradients(game, PART, WHICH), PART
    )
    check_message(attempt, FloatingPointError, f"the discriminator: the norm of its gradient is {norm}")
    assert game.rng.get_state() == rng
    for net in (game.generator, game.discriminator):
        assert all(p.grad is None for p in net.parameters()), "no gradient that is no number is left lying about"


def test_ctrl_c_in_a_step_leaves_statistics_and_random_numbers():
    game = playing()

    def interrupted():
        game.drawn(6, WHICH)
        raise KeyboardInterrupt

    before = [b.numpy().copy() for b in game.generator.buffers()], game.rng.get_state()
    with pytest.raises(KeyboardInterrupt):
        step.checked(game, "generator", interrupted, PART)
    for a, b in zip(before[0], game.generator.buffers()):
        np.testing.assert_array_equal(a, b.numpy())
    assert game.rng.get_state() == before[1]


def test_a_discriminator_that_is_flat_can_be_penalised():
    class Flat(nn.Module):
        def __init__(self):
            super().__init__()
            self.w = nn.Parameter(np.zeros(1))

        def forward(self, x, y=None):
            return x.reshape(len(x), -1).sum(1) * self.w

    net = Flat()
    added = tl.gan.gradient_penalty(1).of(net, PART.astype(float), PART.astype(float), None, Generator(0))
    added.backward()
    assert added.item() == pytest.approx(1, abs=1e-5)
    assert np.isfinite(net.w.grad.numpy()).all()


# --- what a run says of itself ----------------------------------------------------------------------------------------


class Collapsed(nn.Module):
    """Whatever z: the same picture for class "b", and for "a" one that differs."""

    latent, classes, shape = 3, 2, (1, 8, 8)

    def __init__(self):
        super().__init__()
        self.picture = nn.Parameter(np.zeros((1, 1, 8, 8), np.float32))

    def forward(self, z, y=None):
        varied = tl.tensor((np.asarray(y) == 0).astype(np.float32).reshape(-1, 1, 1, 1))
        return tl.sigmoid(self.picture + z[:, :1].reshape(-1, 1, 1, 1) * varied)


def collapse(epochs, **more):
    _, d = nets()
    return tl.gan.fit(Collapsed(), d, DATA, epochs=epochs, steps_per_epoch=1, batch_size=4, **more)


def test_a_collapse_is_said_once_and_kept_over_a_stop(tmp_path, capsys):
    whole = collapse(7)
    said = [line for line in capsys.readouterr().err.splitlines() if "collapsed" in line]
    (remark,) = whole.remarks
    assert said == [remark]
    assert remark.startswith("epoch 5: the generator has collapsed: its samples of class b differ by 0%")
    assert 0.2 < whole.history.spread[-1] < 2, "of both classes the mean"
    for stop in (2, 6):  # before it is said, and after
        out = tmp_path / str(stop)
        assert len(collapse(stop, out=out).remarks) == (stop > 5)
        capsys.readouterr()
        again = collapse(7, out=out, resume=True)
        assert again.remarks == whole.remarks
        assert ("collapsed" in capsys.readouterr().err) == (stop < 5), "what was said is not said again"


def test_the_watch_is_fed_the_means_of_the_epoch(monkeypatch):
    fed = []
    monkeypatch.setattr("tinylucid.gan.watch.Watch.see", lambda self, **all_of_it: fed.append(all_of_it) or ["so"])
    found = tl.gan.fit(*nets(), DATA, epochs=2, batch_size=4)
    assert found.remarks == ("epoch 1: so", "epoch 2: so")
    h = found.history
    for k, it in enumerate(fed):
        assert (it["apart"], it["grad_norm"], it["losses"]) == (h.apart[k], h.g_norm[k], (h.d_loss[k], h.g_loss[k]))
        assert np.mean(it["spread"]) == pytest.approx(h.spread[k])
        assert len(it["spread"]) == 2


@pytest.mark.parametrize("bytes_", [False, True])
def test_spread_is_a_share_of_the_real_pictures(bytes_):
    """A generator that draws as much as there is in the data has a spread of about 1, in bytes too, with classes or without."""

    class Noise(Collapsed):
        classes = 0

        def forward(self, z, y=None):
            found = np.random.default_rng(0).random((len(z), 1, 8, 8)).astype(np.float32)
            return tl.tensor(found) + self.picture

    x = (255 * X).round().astype(np.uint8) if bytes_ else X
    loader = DataLoader(ArrayDataset(x, Y, ("a", "b")), 4, seed=0)
    found = tl.gan.fit(Noise(), nets(0)[1], loader, epochs=1, steps_per_epoch=1, average=0.0)
    assert found.history.spread[0] == pytest.approx(1, abs=0.06)


def test_what_is_not_known_of_the_data_has_no_share():
    class Elsewhere:
        """Pictures that are not in memory."""

        def __len__(self):
            return len(X)

        def __getitem__(self, k):
            return X[k], Y[k]

    found = tl.gan.fit(*nets(0), DataLoader(Elsewhere(), 4), epochs=1, steps_per_epoch=1)
    assert math.isnan(found.history.spread[0])
    assert found.remarks == ()
    alike = ArrayDataset(np.where(Y[:, None, None, None] == 1, np.float32(0.5), X), Y)  # class 1 does not differ
    found = tl.gan.fit(*nets(), alike, epochs=1, steps_per_epoch=1, batch_size=4)
    assert 0 < found.history.spread[0] < math.inf


def test_progress_tells_the_whole_epoch(capsys):
    tl.gan.fit(*nets(), DATA, epochs=2, steps_per_epoch=2, batch_size=4)
    for line, epoch in zip(capsys.readouterr().err.splitlines(), "12"):
        assert line.startswith(f"epoch {epoch}/2  D ")
        assert all(f"  {word} " in line for word in ("G", "told apart", "spread"))
        assert "penalty" not in line


# --- samples ----------------------------------------------------------------------------------------------------------


def test_the_fixed_noise_is_no_part_of_the_training_and_has_every_class_as_a_column():
    g, _ = nets(classes=3)
    before = default_generator.get_state()
    grid = Grid(g, 3, 4, None)
    assert default_generator.get_state() == before
    assert grid.y.reshape(8, 3).tolist() == [[0, 1, 2]] * 8
    training = Generator(4).normal((24, 3), np.float32)
    assert np.abs(grid.z.numpy() - training).min(1).max() > 0
    assert not np.array_equal(grid.z.numpy(), training)
    assert np.array_equal(Grid(g, 3, 4, None).z.numpy(), grid.z.numpy())
    assert not np.array_equal(Grid(g, 3, 5, None).z.numpy(), grid.z.numpy())
    many = Grid(tl.models.dense_generator(8, classes=20), 20, 0, None)
    assert (many.columns, many.n, many.y.max()) == (16, 128, 15)


def test_each_sample_is_of_its_own_class_beyond_one_batch():
    g, _ = nets()
    g.eval()
    z = RNG.normal(size=(260, 3)).astype(np.float32)
    y = np.repeat([0, 1], [250, 10])
    x = tl.gan.sample(g, 260, y, z=z)
    np.testing.assert_allclose(x[250:], g(tl.tensor(z[250:]), y[250:]).detach().numpy(), rtol=1e-5)
    check_message(lambda: tl.gan.sample(g, 0, 1), ValueError, "sample: n must be a whole number of at least 1, got 0")


def test_the_film_is_in_the_order_of_the_epochs_and_forgives_pictures_that_are_gone(tmp_path):
    grid = Grid(nets(0)[0], 0, 0, tmp_path / "samples")
    (tmp_path / "samples").mkdir()
    for k in range(1, 13):
        Image.fromarray(np.full((4, 4), 20 * k, np.uint8)).save(tmp_path / "samples" / f"epoch-{k:04}.png")
    (tmp_path / "samples" / "epoch-0003.png").unlink()
    grid.drawn = 11
    grid.film(tmp_path / "film.gif")
    with Image.open(tmp_path / "film.gif") as film:
        shown = []
        for k in range(film.n_frames):
            film.seek(k)
            shown.append((int(np.asarray(film.convert("L"))[0, 0]), film.info["duration"]))
    greys = [20 * k for k in range(1, 12) if k != 3]
    assert shown == [*((grey, 80) for grey in greys[:-1]), (greys[-1], 2000)]
    for each in (tmp_path / "samples").iterdir():
        each.unlink()
    grid.film(tmp_path / "none.gif")
    assert not (tmp_path / "none.gif").exists()


# --- what is refused --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("average", [None, "ema", 1.0, -0.1])
def test_a_decay_that_is_none_is_said(average):
    words = f"gan.fit: average must be a number, at least 0 and below 1, got {average!r}; usual is 0.999, 0 is none"
    check_message(lambda: tl.gan.fit(*nets(), DATA, epochs=1, average=average), ValueError, words)


def test_what_no_file_can_hold_is_said_before_training(tmp_path):
    nameless = dataclasses.replace(tl.gan.hinge(), name=object())
    attempt = partial(tl.gan.fit, *nets(), DATA, epochs=1, loss=nameless, out=tmp_path)
    check_message(attempt, ValueError, "last.safetensors")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"penalty": "r1"}, "gan.fit: penalty must be made before, such as|tl.gan.r1(1)|'r1'"),
        ({"penalty": tl.gan.r1}, "gan.fit: penalty must be made before|function r1"),
        ({"augment": tl.data.Augment()}, "gan.fit: augment must be made before, such as tl.gan.Alike(flip=True)|Augment"),
        ({"augment": Alike}, "gan.fit: augment must be made before"),
        ({"loss": ["hinge"]}, "gan.fit: loss must be one of|['hinge']"),
        ({"loss": tl.gan.hinge}, "gan.fit: loss must be one of|tl.gan.hinge()"),
    ],
)  # fmt: skip
def test_what_was_not_made_is_said_before_training(options, words):
    check_message(lambda: tl.gan.fit(*nets(), DATA, epochs=1, **options), TypeError, words)


def test_another_run_is_named_and_changes_nothing(tmp_path):
    def run(**changes):
        g, d = nets()
        how = {"epochs": 2, "steps_per_epoch": 2, "batch_size": 4, "seed": 0, **changes}
        return tl.gan.fit(g, d, how.pop("data", DATA), out=tmp_path, **how)

    run(epochs=1)
    for change, words in (
        ({"d_steps": 2}, "d_steps was 1 and is 2"),
        ({"steps_per_epoch": 3}, "steps_per_epoch was 2 and is 3"),
        ({"augment": Alike(flip=True)}, "augment was None and is Alike(flip=True"),
        ({"seed": 1}, "seed was 0 and is 1"),
        ({"data": (X[:20], Y[:20])}, "pictures was 22 and is 20"),
    ):
        check_message(partial(run, resume=True, **change), ValueError, f"gan.fit: {tmp_path}|is of another run|{words}")
    (tmp_path / "last.safetensors").rename(tmp_path / "kept")
    check_message(run, FileExistsError, "gan.fit|generator.safetensors holds an earlier run; give another out=")


def test_a_file_that_lacks_a_net_changes_neither(tmp_path):
    g, d = nets()
    how = {"steps_per_epoch": 1, "batch_size": 4, "out": tmp_path}
    tl.gan.fit(g, d, DATA, epochs=1, **how)
    file = tl.load(tmp_path / "last.safetensors")
    tl.save(
        {k: v for k, v in file.items() if not k.startswith("average/")}, tmp_path / "last.safetensors", file.metadata
    )
    g, d = nets()
    before = [p.detach().numpy().copy() for net in (g, d) for p in net.parameters()]
    attempt = partial(tl.gan.fit, g, d, DATA, epochs=2, resume=True, **how)
    check_message(attempt, ValueError, "gan.fit|average: is of another net|missing")
    for a, b in zip(before, [p for net in (g, d) for p in net.parameters()]):
        np.testing.assert_array_equal(a, b.detach().numpy())


def test_the_trial_is_of_the_smallest_batch_in_training_mode_and_draws_nothing():
    seen = []

    class Noted(nn.Module):
        def __init__(self):
            super().__init__()
            self.norm, self.end, self.drop = nn.BatchNorm2d(1), nn.Linear(64, 1), nn.Dropout(0.5)

        def forward(self, x, y=None):
            seen.append((len(x), self.training))
            return self.end(self.drop(self.norm(x).reshape(len(x), -1))).reshape(-1)

    g, _ = nets(0)
    game = step.Game(g, Noted().eval(), tl.gan.hinge(), None, None, Generator(0))
    states = game.rng.get_state(), default_generator.get_state()
    for drop_last, smallest in ((False, 2), (True, 4)):
        tl.gan.fitting.check(game, DataLoader(DATA, 4, drop_last=drop_last))
        assert seen.pop() == (smallest, True)
    assert (game.rng.get_state(), default_generator.get_state()) == states
    counts = [b.item() for net in (g, game.discriminator) for name, b in net.named_buffers() if "num" in name]
    assert counts == [0, 0], "running statistics stand where they stood"


def test_data_is_judged_whole_where_it_is_in_memory():
    x, y = X.copy(), Y.copy()
    x[-1, 0, 0, 0], y[-1] = 1.5, 7
    loader = partial(DataLoader, batch_size=4)
    check_message(
        lambda: tl.gan.fit(*nets(), loader(ArrayDataset(x, Y)), epochs=1), ValueError, "in [0, 1]|1.5|as they are seen"
    )
    check_message(lambda: tl.gan.fit(*nets(), loader(ArrayDataset(X, y)), epochs=1), ValueError, "classes 0 … 1|0 … 7")
    d = nn.Sequential(nn.Flatten(), nn.Linear(64, 2), nn.BatchNorm1d(2))
    attempt = partial(tl.gan.fit, nets(0)[0], d, DATA, epochs=1, penalty=tl.gan.r1())
    check_message(attempt, ValueError, "BatchNorm1d|mixes pictures")


# --- nets -------------------------------------------------------------------------------------------------------------


def layers(net):
    return [m for m in net.modules() if not isinstance(m, nn.Sequential)][1:]


def test_dcgan_is_that_of_the_paper():
    g = tl.models.dcgan_generator(16, 2, latent=5, classes=3, width=4)
    first, _, *blocks, last, end = layers(g)
    assert (first.in_features, first.out_features, first.bias) == (8, 16 * 16, None)
    assert [type(m).__name__ for m in blocks] == ["BatchNorm2d", "ReLU", "ConvTranspose2d", "BatchNorm2d", "ReLU"]
    assert blocks[2].bias is None, "batch norm has one of its own"
    assert (blocks[2].in_channels, blocks[2].out_channels, last.out_channels) == (16, 8, 2)
    assert last.bias is not None
    assert isinstance(end, nn.Sigmoid)
    for norm in ("batch", "none"):
        d = tl.models.dcgan_discriminator(32, 2, classes=3, width=4, norm=norm)
        convs = [m for m in d.modules() if isinstance(m, nn.Conv2d)]
        assert [(m.in_channels, m.out_channels) for m in convs] == [(5, 4), (4, 8), (8, 16)]
        assert [m.bias is not None for m in convs] == [True] + [norm == "none"] * 2
        batch = ["Conv2d", "BatchNorm2d", "LeakyReLU"] if norm == "batch" else ["Conv2d", "LeakyReLU"]
        assert [type(m).__name__ for m in layers(d)] == ["Conv2d", "LeakyReLU", *batch * 2, "Flatten", "Linear"]
        assert {m.negative_slope for m in d.modules() if isinstance(m, nn.LeakyReLU)} == {0.2}
    spectral = tl.models.dcgan_discriminator(16, width=2, norm="spectral")
    weighty = [m for m in layers(spectral) if isinstance(m, (nn.Conv2d, nn.Linear))]
    assert len(weighty) == 3
    assert all("weight_orig" in dict(m.named_parameters()) for m in weighty)


def test_first_weights_of_dcgan_are_small():
    tl.manual_seed(0)
    for net in (tl.models.dcgan_generator(16), tl.models.dcgan_discriminator(16)):
        for m in layers(net):
            if isinstance(m, nn.BatchNorm2d):
                assert abs(m.weight.detach().numpy().mean() - 1) < 0.02
            elif hasattr(m, "weight"):
                assert m.weight.detach().numpy().std() == pytest.approx(0.02, rel=0.15)
    spectral = tl.models.dcgan_discriminator(16, norm="spectral")
    stds = [p.detach().numpy().std() for name, p in spectral.named_parameters() if name.endswith("weight_orig")]
    np.testing.assert_allclose(stds, 0.02, rtol=0.15)


def test_dense_nets_are_what_they_say():
    g = tl.models.dense_generator(8, 1, latent=5, classes=3, widths=(7, 9))
    names = [type(m).__name__ for m in layers(g)]
    assert names == ["Linear", "BatchNorm1d", "ReLU"] * 2 + ["Linear", "Sigmoid"]
    assert [m.in_features for m in layers(g) if isinstance(m, nn.Linear)] == [8, 7, 9]
    d = tl.models.dense_discriminator(8, 1, classes=3, widths=(9, 7), dropout=0.25)
    assert [type(m).__name__ for m in layers(d)] == ["Linear", "LeakyReLU", "Dropout"] * 2 + ["Linear"]
    assert [m.in_features for m in layers(d) if isinstance(m, nn.Linear)] == [67, 9, 7]
    assert {m.negative_slope for m in layers(d) if isinstance(m, nn.LeakyReLU)} == {0.2}
    assert {m.p for m in layers(d) if isinstance(m, nn.Dropout)} == {0.25}


def test_a_class_is_told_by_its_one_hot_code():
    net = tl.models.dcgan_discriminator(8, 1, classes=3, width=2)
    x = told(net, tl.zeros(3, 1, 2, 2), np.array([2, 0, 1])).numpy()
    assert x[:, 1:, 1, 0].tolist() == [[0, 0, 1], [1, 0, 0], [0, 1, 0]]
    assert (x == x[:, :, :1, :1]).all()
    assert told(net, tl.zeros(2, 4), np.array([1, 1])).numpy()[:, 4:].tolist() == [[0, 1, 0]] * 2
