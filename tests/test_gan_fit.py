"""A GAN's training: the same bits after a stop anywhere, everything kept, and what does not fit is said before it begins."""

import itertools
import os
import signal
import warnings
from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from words import check_message

import tinylucid as tl
from tinylucid import nn
from tinylucid.data import ArrayDataset, DataLoader
from tinylucid.gan.losses import Loss, chosen
from tinylucid.random import default_generator

RNG = np.random.default_rng(0)
DATA = ArrayDataset(RNG.random((14, 1, 8, 8)).astype(np.float32), np.arange(14) % 2, ("a", "b"))
STEPS, EPOCHS = 3, 3
WAYS = {
    "plain": {},
    "wgan-gp": {"loss": "wasserstein", "penalty": tl.gan.gradient_penalty(), "d_steps": 2},
    "r1": {"loss": tl.gan.non_saturating(0.9), "penalty": tl.gan.r1(), "augment": tl.gan.Alike(flip=True, shift=0.1)},
    "conv": {"loss": "hinge", "conv": "spectral"},
    "conv-batch": {"loss": "least_squares", "conv": "batch", "average": 0.0},
}


def nets(conv=None, classes=2):
    if conv == "batch16":
        return None, tl.models.dcgan_discriminator(16, 1, width=2)
    if conv:
        return (tl.models.build("dcgan_generator", size=8, channels=1, latent=3, classes=classes, width=2),
                tl.models.build("dcgan_discriminator", size=8, channels=1, classes=classes, width=2, norm=conv))  # fmt: skip
    return (tl.models.build("dense_generator", latent=3, classes=classes, widths=(5,)),
            tl.models.build("dense_discriminator", classes=classes, widths=(6,)))  # fmt: skip


def pressed(loss, step):
    """The loss, during whose so-many-th generator's step Ctrl-C is pressed."""
    count = itertools.count(1)

    def generator(f):
        if next(count) == step:
            os.kill(os.getpid(), signal.SIGINT)
        return loss.generator(f)

    return Loss(loss.name, loss.discriminator, generator)


def run(seed=0, stop=None, conv=None, **options):
    """Train; all that there is afterwards. A resumed run begins with another seed: nothing is left of it."""
    tl.manual_seed(seed)
    g, d = nets(conv)
    how = {"epochs": EPOCHS, "steps_per_epoch": STEPS, "batch_size": 4, **options}
    loss = chosen(how.pop("loss", "non_saturating"))
    trained = tl.gan.fit(g, d, DATA, loss=loss if stop is None else pressed(loss, stop), **how)
    record = {name: values for name, values in trained.history.to_dict().items() if name != "seconds"}
    return g, d, trained.generator, record, default_generator.get_state()


def same(a, b):
    """Whether two ends of a run are equal to the last bit."""
    for one, other in zip(a[:3], b[:3]):
        mine, its = one.state_dict(), other.state_dict()
        for name in mine:
            np.testing.assert_array_equal(mine[name].numpy(), its[name].numpy(), err_msg=name, strict=True)
    np.testing.assert_equal(a[3:], b[3:])


@pytest.mark.parametrize("step", range(1, STEPS * EPOCHS + 1))
def test_stopped_in_any_step(step, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        run(stop=step, out=tmp_path)
    training = tl.load(tmp_path / "last.safetensors").metadata["training"]
    assert len(training["history"]["d_loss"]) * STEPS + training["done"] == step
    same(run(seed=7, out=tmp_path, resume=True), run())


@pytest.mark.parametrize("way", WAYS)
def test_every_way_of_training_goes_on_bit_by_bit(way, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        run(stop=4, out=tmp_path, **WAYS[way])  # where two steps of D an epoch leave it in the middle of a pass
    again = run(seed=7, out=tmp_path, resume=True, **WAYS[way])
    same(again, run(**WAYS[way]))
    assert all(len(v) in (0, EPOCHS) and np.isfinite(v).all() for v in again[3].values())
    assert bool(again[3]["penalty"]) == ("penalty" in WAYS[way])


@given(st.integers(0, 2**32 - 1))
def test_the_seed_decides_noise_and_batches(seed):
    a, b = (run(seed=1, average=0.9, epochs=1, stop=None), run(seed=1, average=0.9, epochs=1))
    same(a, b)
    tl.manual_seed(1)
    g, d = nets()
    other = tl.gan.fit(g, d, DATA, epochs=1, steps_per_epoch=STEPS, batch_size=4, average=0.9, seed=seed + 1)
    values = zip(a[2].state_dict().values(), other.generator.state_dict().values())
    assert any(not np.array_equal(p.numpy(), q.numpy()) for p, q in values)


def test_an_epoch_is_one_pass_unless_told():
    seen = []

    class Watched(ArrayDataset):
        def __getitem__(self, i):
            seen.extend(np.atleast_1d(i).tolist())
            return super().__getitem__(i)

    g, d = nets()
    data = DataLoader(Watched(DATA.x, DATA.y, DATA.classes), 7, shuffle=True, prefetch=0)
    tl.gan.fit(g, d, data, epochs=2)
    assert sorted(seen[7:]) == sorted([*range(14)] * 2)  # the first seven are the trial


def test_pictures_and_film_of_every_epoch_are_of_the_same_noise(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        run(stop=4, out=tmp_path)
    end = run(out=tmp_path, resume=True)
    whole = tmp_path / "whole"
    run(out=whole)
    names = [f"epoch-{k:04}.png" for k in range(1, EPOCHS + 1)]
    assert sorted(p.name for p in (tmp_path / "samples").iterdir()) == names
    for name in names:
        a, b = (np.asarray(Image.open(folder / "samples" / name)) for folder in (tmp_path, whole))
        np.testing.assert_array_equal(a, b)
    with Image.open(tmp_path / "samples.gif") as film:
        assert film.n_frames == EPOCHS
    # column k is class k
    z = tl.gan.grid.Grid(end[2], 2, 0, None)
    x = tl.gan.sample(end[2], z.n, z.y, z=z.z)
    page = np.asarray(Image.open(tmp_path / "samples" / names[-1]))
    for k in (0, 1, 5):
        row, column = divmod(k, 2)
        cell = page[row * 130 + 1 : row * 130 + 129, column * 130 + 1 : column * 130 + 129][::16, ::16]
        np.testing.assert_allclose(cell / 255, x[k, 0], atol=0.5 / 255)


def test_the_kept_generator_is_the_average_and_knows_its_classes(tmp_path):
    end = run(out=tmp_path)
    saved = tl.models.load(tmp_path / "generator.safetensors")
    assert saved.classes == ("a", "b")
    assert saved.metadata["epoch"] == EPOCHS
    np.testing.assert_array_equal(tl.gan.sample(saved.model, 4, 1), tl.gan.sample(end[2], 4, 1))
    assert end[0].training
    assert not end[2].training
    history = tl.gan.GANHistory.load(tmp_path / "last.safetensors")
    assert len(history) == EPOCHS
    assert "told apart" not in str(history)
    assert "apart" in str(history)


def test_a_finished_run_is_given_back_and_more_epochs_go_on(tmp_path, capsys):
    short = run(out=tmp_path, epochs=2)
    same(run(seed=3, out=tmp_path, resume=True, epochs=2), short)
    assert "nothing is left to do" in capsys.readouterr().err
    same(run(seed=3, out=tmp_path, resume=True), run())


def test_progress_is_plain_where_no_terminal_is(capsys):
    run(**WAYS["r1"])
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == EPOCHS
    assert lines[0].startswith("epoch 1/3  D ")
    assert "told apart" in lines[0]
    assert "penalty" in lines[0]
    assert "images/s" in lines[0]
    assert "\x1b" not in lines[0]


# --- what goes wrong --------------------------------------------------------------------------------------------------


class Breaks(nn.Module):
    """A discriminator, of one weight, that gives NaN when it is called the so-many-th time."""

    def __init__(self, call):
        super().__init__()
        self.end, self.left = nn.Linear(64, 1), call

    def forward(self, x, y=None):
        self.left -= 1
        out = self.end(x.reshape(len(x), -1)).reshape(-1)
        return tl.log(out * 0 - 1) if self.left <= 0 else out


@pytest.mark.parametrize(("call", "who"), [(1 + 3 * 3 + 1, "discriminator"), (1 + 3 * 3 + 3, "generator")])
def test_nan_is_located_and_nothing_is_lost(call, who, tmp_path):
    g, _ = nets(classes=0)
    d = Breaks(call)  # one call is the trial, three a step
    before = {}

    def note(f):
        before.update({n: v.detach().numpy().copy() for n, v in g.named_parameters()})
        return -f.mean()

    loss = Loss("hinge", tl.gan.hinge().discriminator, note)
    words = f"gan.fit, epoch 2, step 2 of 2|the {who}: its loss is nan|log|anomaly mode|did not change its weights"
    check_message(
        lambda: tl.gan.fit(g, d, DATA, epochs=3, steps_per_epoch=2, batch_size=4, loss=loss, out=tmp_path),
        FloatingPointError, words,
    )  # fmt: skip
    assert all(np.isfinite(p.numpy()).all() for net in (g, d) for p in net.state_dict().values())
    if who == "generator":
        assert all(np.array_equal(v.detach().numpy(), before[n]) for n, v in g.named_parameters())
    assert len(tl.gan.GANHistory.load(tmp_path / "last.safetensors")) == 1
    assert (tmp_path / "generator.safetensors").exists()
    assert (tmp_path / "samples.gif").exists()
    assert all(p.requires_grad for p in d.parameters())


def test_a_nan_in_the_data_is_named():
    x = DATA.x.copy()
    x[3, 0, 2, 2] = np.nan
    g, d = nets(classes=0)
    check_message(
        lambda: tl.gan.fit(g, d, (x, DATA.y), epochs=1), ValueError, "gan.fit|must be in [0, 1]|picture 3 holds NaN"
    )


class Wide(nn.Module):
    def __init__(self, shape):
        super().__init__()
        self.weight, self.shape = nn.Parameter(np.ones(1, np.float32)), shape

    def forward(self, x, y=None):
        return (self.weight * 1.0).reshape(1, *(1,) * (len(self.shape) - 1)) + tl.zeros(*self.shape)


def bad(**changes):
    g, d = nets(changes.pop("conv", None), changes.pop("classes", 0))
    how = {"generator": g, "discriminator": d, "train": DATA, "epochs": 1, "batch_size": 4, **changes}
    return lambda: tl.gan.fit(**how)


SMALL = DATA.x[:, :, :4, :4]


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: bad(epochs=0), ValueError, "epochs must be an integer ≥ 1, got 0"),
        (lambda: bad(d_steps=1.5), ValueError, "d_steps must be an integer ≥ 1, got 1.5"),
        (lambda: bad(steps_per_epoch=0), ValueError, "steps_per_epoch"),
        (lambda: bad(average=1), ValueError, "average must be a number, at least 0 and below 1, got 1|0.999"),
        (lambda: bad(resume=True), ValueError, "resume=True|out="),
        (lambda: bad(generator=3), TypeError, "gan.fit: generator|got"),
        (lambda: bad(generator=nn.Linear(3, 64)), TypeError, "attribute latent|got None|generator.latent ="),
        (lambda: bad(train=(SMALL, DATA.y)), ValueError, "generator draws pictures (4, 1, 8, 8)|(4, 1, 4, 4)|size and channels"),
        (lambda: bad(train=(np.repeat(DATA.x, 3, 1), DATA.y)), ValueError, "(4, 1, 8, 8)|(4, 3, 8, 8)"),
        (lambda: bad(discriminator=tl.models.dense_discriminator(16)), ValueError, "discriminator does not take|(4, 1, 8, 8)|256"),
        (lambda: bad(discriminator=tl.models.dcgan_discriminator(16, 1)), ValueError, "discriminator does not take|(4, 1, 8, 8)"),
        (lambda: bad(discriminator=Wide((4, 1))), ValueError, "one logit a picture, (4,)|got (4, 1)|reshape(-1)"),
        (lambda: bad(discriminator=Wide((3,))), ValueError, "one logit a picture, (4,)|got (3,)"),
        (lambda: bad(train=(DATA.x * 2 - 1, DATA.y)), ValueError, "in [0, 1]|got -|as they look|shown()"),
        (lambda: bad(train=(DATA.x.astype(np.float64), DATA.y)), TypeError, "float32|float64"),
        (lambda: bad(train=(DATA.x[:, 0], DATA.y)), ValueError, "(N, C, H, W)|(4, 8, 8)"),
        (lambda: bad(classes=1), ValueError, "classes 0 … 0|0 … 1"),
        (lambda: bad(classes=2, train=(DATA.x, DATA.x[:, 0])), ValueError, "classes 0 … 1, one a picture|float32 (14, 8, 8)"),
        (lambda: bad(discriminator=nets(classes=2)[1]), ValueError, "one of 0 classes|discriminator of 2"),
        (lambda: bad(train=ArrayDataset(DATA.x[:1], DATA.y[:1])), ValueError, "generator does not take z (1, 3)|more than one"),
        (lambda: bad(train=DataLoader(ArrayDataset(DATA.x[:5], DATA.y[:5]), 4), batch_size=None), ValueError, "z (1, 3)|more than one"),
        (lambda: bad(train=ArrayDataset(DATA.x[:0], DATA.y[:0])), ValueError, "train is empty"),
        (lambda: bad(penalty=tl.gan.r1(), discriminator=nets("batch16")[1]), ValueError, "r1(1)|BatchNorm2d|mixes pictures|norm="),
        (lambda: bad(loss="dcgan"), ValueError, "no loss 'dcgan'|hinge"),
        (lambda: bad(g_optimizer="adam"), TypeError, "g_optimizer must be made before|'adam'"),
        (lambda: bad(g_optimizer=tl.optim.Adam(nets()[0].parameters())), ValueError, "g_optimizer|not the generator's|make it of"),
        (lambda: bad(d_optimizer=tl.optim.Adam(nets()[0].parameters())), ValueError, "d_optimizer|not the discriminator's"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_said_before_training(call, error, words, tmp_path):
    attempt = call()
    state = default_generator.get_state()
    check_message(attempt, error, words)
    assert default_generator.get_state() == state


def test_a_trial_leaves_both_nets_as_they_were():
    g, d = nets("batch")
    before = [v.numpy().copy() for net in (g, d) for v in net.state_dict().values()]
    with pytest.raises(TypeError):
        tl.gan.fit(g, d, DATA, epochs=1, batch_size=4, g_optimizer=3)
    for a, b in zip(before, [v for net in (g, d) for v in net.state_dict().values()]):
        np.testing.assert_array_equal(a, b.numpy())
    assert g.training
    assert d.training


def test_another_run_is_neither_overwritten_nor_gone_on_with(tmp_path):
    run(out=tmp_path, epochs=1)
    kept = (tmp_path / "last.safetensors").read_bytes()
    check_message(lambda: run(out=tmp_path), FileExistsError, "gan.fit|holds an earlier run|resume=True|another out=")
    for change, words in (
        ({"loss": "hinge"}, "loss was non_saturating(1) and is hinge"),
        ({"average": 0.5}, "average was 0.999 and is 0.5"),
        ({"batch_size": 5}, "batch_size was 4 and is 5"),
        ({"penalty": tl.gan.r1(2)}, "penalty was None and is r1(2)"),
        ({"conv": "none"}, "generator was"),
    ):
        check_message(partial(run, out=tmp_path, resume=True, **change), ValueError, f"is of another run|{words}")
    assert (tmp_path / "last.safetensors").read_bytes() == kept
    other = tmp_path / "other"
    other.mkdir()
    tl.save(nn.Linear(2, 2), other / "last.safetensors")
    check_message(lambda: run(out=other, resume=True), ValueError, "holds no GAN's training")
    (other / "last.safetensors").write_bytes(kept[: len(kept) // 2])
    check_message(lambda: run(out=other, resume=True), ValueError, str(other / "last.safetensors"))


def test_samples_are_the_same_whatever_the_batch_and_the_mode_is_put_back():
    g, _ = nets("batch")
    g.train()
    z = np.random.default_rng(0).normal(size=(300, 3)).astype(np.float32)
    x = tl.gan.sample(g, 300, 1, z=z)
    assert x.shape == (300, 1, 8, 8)
    assert x.dtype == np.float32
    assert g.training
    np.testing.assert_allclose(tl.gan.sample(g, 3, [1, 1, 1], z=z[255:258]), x[255:258], rtol=1e-5)
    np.testing.assert_array_equal(tl.gan.sample(g, 2, 0), tl.gan.sample(g, 2, 0))
    assert not np.array_equal(tl.gan.sample(g, 2, 0), tl.gan.sample(g, 2, 0, rng=tl.Generator(1)))
    check_message(lambda: tl.gan.sample(g, 3, [1, 1]), ValueError, "sample: 3 pictures|(2,)")
    check_message(lambda: tl.gan.sample(g, 3, 1, z=z[:2]), ValueError, "sample: 3 pictures|(2, 3)")


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda g: tl.gan.sample(g, 2.5, 1), ValueError, "whole number of at least 1, got 2.5"),
        (lambda g: tl.gan.sample(g, 2, 1, rng=np.random.default_rng(0)), TypeError, "must be a tl.Generator"),
        (lambda g: tl.gan.sample(g, 2, 1, z=np.zeros((2, 4), np.float32)), ValueError, "takes z (2, 3), got (2, 4)"),
        (lambda g: tl.gan.sample(nn.Linear(2, 2), 2), TypeError, "attribute latent"),
        (lambda g: tl.gan.Average(g, 2), ValueError, "decay must be at least 0 and below 1, got 2"),
        (lambda g: tl.gan.Alike(flip=2), ValueError, "flip must be True or False, got 2"),
        (lambda g: tl.gan.compare(None, DATA, DATA, {"a": (DATA.x, None)}), ValueError, "test is train"),
        (lambda g: tl.gan.compare(None, DATA, DATA, DATA.x), TypeError, "samples must be {name: (x, y)}"),
    ],
)
def test_what_beginners_get_wrong_is_said(call, error, words):
    check_message(lambda: call(nets()[0]), error, words)


def test_noise_of_any_dtype_is_taken():
    g, _ = nets()
    z = np.random.default_rng(0).normal(size=(2, 3))
    assert tl.gan.sample(g, 2, 1, z=z).dtype == np.float32
    assert tl.gan.walk(g, z, [0, 1], frames=2).dtype == np.float32


class Tanh(nn.Module):
    """A generator in −1 … 1."""

    latent = 3

    def __init__(self):
        super().__init__()
        self.end = nn.Linear(3, 64)

    def forward(self, z, y=None):
        return tl.tanh(self.end(z)).reshape(-1, 1, 8, 8)


def test_a_generator_that_leaves_the_range_of_pictures_is_refused():
    check_message(bad(generator=Tanh()), ValueError, "the generator draws -|in [0, 1]|end it by a sigmoid")


def test_a_discriminator_that_gives_chances_is_refused():
    d = nets(classes=0)[1]
    d.end = nn.Sigmoid()
    check_message(bad(discriminator=d), ValueError, "ends in a sigmoid|take logits|leave it out")


def test_a_critic_of_any_slope_is_warned_of():
    with pytest.warns(UserWarning, match=r"slope is bounded; give penalty=tl.gan.gradient_penalty\(10\)"):
        bad(loss="wasserstein")()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        bad(loss="wasserstein", penalty=tl.gan.gradient_penalty())()
        bad(loss="wasserstein", conv="spectral")()
        bad(loss="hinge")()
