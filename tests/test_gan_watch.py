"""The detector: on histories made up, and on real tiny GANs, trained well and badly; and the walk through a latent space."""

import io
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from words import check_message

import tinylucid as tl
from tinylucid import nn
from tinylucid.gan.distance import spread
from tinylucid.gan.walk import path, walk
from tinylucid.gan.watch import Watch, told_apart
from tinylucid.io.gif import write_gif
from tinylucid.nn import functional as F

logits = st.lists(st.sampled_from([-2.0, -1, 0, 0.5, 1, 3]), min_size=1, max_size=8)


@given(logits, logits)
def test_told_apart_is_the_share_of_pairs_by_loops(real, fake):
    pairs = [(r > f) + 0.5 * (r == f) for r in real for f in fake]
    assert told_apart(np.array(real), np.array(fake, np.float32)) == pytest.approx(sum(pairs) / len(pairs))


def test_told_apart_refuses_nothing_and_nan():
    check_message(lambda: told_apart(np.array([]), np.ones(3)), ValueError, "told_apart|0 and 3|give some of both")
    check_message(lambda: told_apart(np.ones(2), np.array([1, np.nan])), ValueError, "told_apart|NaN|diverged")


# --- made-up histories -------------------------------------------------------------------------------------------------

GOOD = {"apart": 0.85, "spread": [0.8, 0.9, 0.7], "grad_norm": 1.0, "losses": (1.1, 1.3)}


def heard(history, watch=None):
    """What is said, as (epoch, sentence), of a history of what differs from a good epoch."""
    watch = watch or Watch(("cat", "dog", "fox"))
    return [(k + 1, text) for k, epoch in enumerate(history) for text in watch.see(**{**GOOD, **epoch})]


def test_a_good_history_is_silent():
    assert heard([{}] * 50) == []
    assert heard([{"spread": s} for s in (0.01, 0.02, 0.03, 0.05, 0.09, 0.14, 0.3, 0.9)]) == []  # it has only begun
    assert heard([{"spread": 0.16, "apart": 0.997}] * 20) == []
    assert heard([{"apart": 1.0}] * 5 + [{}]) == []  # the gradient has not fallen: it may yet learn
    assert heard(([{"apart": 1.0}] * 5 + [{}]) * 3) == []  # it begins anew
    assert heard([{"losses": (300.0, -500.0)}] * 30) == []  # large from the first: a Wasserstein critic's
    assert heard([{"losses": (2.0**k, 1.0)} for k in range(7)]) == []  # it grows, to 64
    assert heard([{}] * 5 + [{"losses": (999.0, 1.0)}] * 2 + [{}] * 5) == []  # two bad epochs


def test_a_class_that_collapses_is_named_with_when_and_how_much():
    fallen = {"spread": [0.8, 0.04, 0.7]}
    said = heard([{}] * 6 + [fallen] * 9)
    assert [epoch for epoch, _ in said] == [9]  # the third epoch of it, and once
    for words in ("collapsed", "class dog differ", "by 4% of what real ones do", "since epoch 7", "lower", "R1"):
        assert words in said[0][1]
    assert "so do" not in said[0][1]
    again = heard([{}] * 6 + [fallen] * 4 + [{}] + [fallen] * 4)
    assert [epoch for epoch, _ in again] == [9, 14]  # it had recovered
    both = heard([{}] * 6 + [fallen] * 4 + [{"spread": [0.1, 0.04, 0.7]}] * 4)
    assert [(epoch, "class cat" in text, "dog" in text) for epoch, text in both] == [
        (9, False, True),
        (13, True, False),
    ]
    every = heard([{"spread": [0.02, 0.1, 0.01]}] * 9)
    assert [epoch for epoch, _ in every] == [5]
    assert "class fox (so do those of cat, dog) differ by 1% " in every[0][1]
    assert "since epoch 1." in every[0][1]


def test_samples_without_classes_and_with_missing_ones():
    said = heard([{}] * 2 + [{"spread": 0.0}] * 9, Watch())
    assert said[0][0] == 5
    assert "its samples differ by 0% of what" in said[0][1]
    assert heard([{"spread": [np.nan, 0.8, 0.8]}] * 9) == []
    unnamed = heard([{"spread": np.array([0.9, 0.01], np.float32)}] * 9, Watch())
    assert "class 1 differ" in unnamed[0][1]


def test_a_discriminator_that_has_won_is_said_and_whether_the_gradient_has_fallen():
    said = heard([{}] * 2 + [{"apart": 0.999, "grad_norm": 0.05}] * 9)
    assert [epoch for epoch, _ in said] == [5]
    for words in (
        "discriminator has won",
        "99.9% of the pairs",
        "for 3 epochs",
        "fallen to 0.05 from 1",
        "dropout",
        "R1",
        "smooth",
    ):
        assert words in said[0][1]
    said = heard([{}] * 2 + [{"apart": 1.0, "grad_norm": 5.0}] * 9)
    assert [epoch for epoch, _ in said] == [8]
    assert "for 6 epochs, and the generator's gradient (5) leads nowhere" in said[0][1]
    assert heard([{"grad_norm": 0.01}] * 30 + [{"grad_norm": 0.001}] * 30) == []  # it is not told apart


def test_losses_without_bound_are_said():
    said = heard([{}] * 4 + [{"losses": (-3.0 * 10**k, 1.0)} for k in range(1, 9)])
    assert [epoch for epoch, _ in said] == [8]  # 300, 3000, 30000
    for words in ("grow without bound", "-3e+04 and 1", "in epoch 8", "1.3 in the first epochs", "lower both"):
        assert words in said[0][1]
    for wrong in (np.nan, np.inf):
        said = heard([{"losses": (1.0, wrong)}])
        assert [epoch for epoch, _ in said] == [1]


epochs = st.fixed_dictionaries(
    {
        "apart": st.sampled_from([0.6, 0.999, 1.0]),
        "spread": st.lists(st.sampled_from([0.0, 0.05, 0.9, float("nan")]), min_size=2, max_size=2),
        "grad_norm": st.sampled_from([0.01, 1.0]),
        "losses": st.tuples(st.sampled_from([1.0, 500.0]), st.sampled_from([1.0, -9000.0])),
    }
)


@given(st.lists(epochs, min_size=1, max_size=14), st.integers(0, 13))
def test_a_run_that_was_resumed_says_what_it_would_have_said(history, stop):
    whole, first = Watch(("a", "b")), Watch(("a", "b"))
    want = [whole.see(**epoch) for epoch in history]
    got = [first.see(**epoch) for epoch in history[:stop]]
    again = Watch(**json.loads(json.dumps(first.to_dict())))
    assert got + [again.see(**epoch) for epoch in history[stop:]] == want


# --- a walk --------------------------------------------------------------------------------------------------------------


@given(
    st.integers(0, 2**32 - 1),
    st.integers(2, 4),
    st.integers(2, 9),
    st.integers(1, 7),
    st.sampled_from([np.float32, np.float64]),
)
def test_the_way_is_a_great_circle_of_even_steps(seed, points, latent, frames, dtype):
    z = np.random.default_rng(seed).normal(size=(points, latent)).astype(dtype)
    way = path(z, frames)
    assert (way.shape, way.dtype) == ((points * frames, latent), dtype)
    assert np.array_equal(way[::frames], z)
    near = 1e-4 if dtype == np.float32 else 1e-9
    unit = lambda v: v / np.linalg.norm(v)
    for k in range(points):
        a, b = z[k].astype(float), z[(k + 1) % points].astype(float)
        angle = np.arccos(np.clip(unit(a) @ unit(b), -1, 1))
        for i, x in enumerate(way[k * frames : (k + 1) * frames].astype(float)):
            t = i / frames
            assert np.linalg.norm(x) == pytest.approx((1 - t) * np.linalg.norm(a) + t * np.linalg.norm(b), rel=near)
            assert np.arccos(np.clip(unit(a) @ unit(x), -1, 1)) == pytest.approx(t * angle, abs=30 * near**0.5)
            assert np.arccos(np.clip(unit(x) @ unit(b), -1, 1)) == pytest.approx((1 - t) * angle, abs=30 * near**0.5)


def test_a_way_on_a_sphere_stays_there_and_its_steps_are_alike():
    z = np.random.default_rng(0).normal(size=(2, 50))
    z *= 7 / np.linalg.norm(z, axis=1, keepdims=True)
    way = path(z, 20)
    assert np.linalg.norm(way, axis=1) == pytest.approx(np.full(40, 7.0))
    steps = np.linalg.norm(way - np.roll(way, 1, 0), axis=1)  # the last joins the first
    assert steps == pytest.approx(np.full(40, steps[0]))
    same = path(np.stack([z[0], z[0] * 2]), 4)
    assert same == pytest.approx(np.array([1, 1.25, 1.5, 1.75, 2, 1.75, 1.5, 1.25])[:, None] * z[0])
    near = path(np.stack([z[0], z[0] + 1e-5 * z[1]]), 2)
    assert near[1] == pytest.approx(z[0] + 0.5e-5 * z[1], abs=1e-6)


class Echo(nn.Module):
    """A generator of pictures (N, 1, 1, 3): the class, z's first number, and whether it is in eval mode."""

    latent, classes, shape = 2, 10, (1, 1, 3)

    def forward(self, z, y=None):
        assert not tl.is_grad_enabled()
        rows = np.stack(
            [np.zeros(len(z.data)) if y is None else y, z.data[:, 0], np.full(len(z.data), not self.training)], 1
        )
        return tl.Tensor(rows[:, None, None].astype(z.dtype))


def test_a_walk_shows_every_point_in_every_class_and_makes_a_film():
    net, z = Echo().train(), np.array([[1, 0], [0, 2], [-1, 1]], np.float32)
    film = walk(net, z, np.array([4, 7]), frames=5)
    assert (film.shape, film.dtype) == ((15, 2, 1, 1, 3), np.float32)
    assert np.array_equal(film[:, :, 0, 0, 0], np.tile([4, 7], (15, 1)))
    assert np.array_equal(film[:, 0, 0, 0, 1], path(z, 5)[:, 0])
    assert np.array_equal(film[:, 0], np.concatenate([np.full((15, 1, 1, 1), 4), film[:, 1, :, :, 1:]], 3))
    assert (film[..., 2] == 1).all()
    assert net.training
    assert walk(net, z, frames=2).shape == (6, 1, 1, 1, 3)
    file = io.BytesIO()
    write_gif(file, film)
    assert Image.open(file).n_frames > 5


@pytest.mark.parametrize(
    ("z", "more", "words"),
    [
        (np.ones((1, 2)), {}, "walk|K ≥ 2|(1, 2)"),
        (np.ones(4), {}, "walk|(K, latent)|(4,)"),
        (np.ones((2, 2), int), {}, "walk|floating|int64"),
        (np.ones((2, 3)), {}, "walk|(K, 2)|(2, 3)|rng.normal"),
        (np.ones((2, 2)), {"frames": 0}, "walk|frames|got 0|24"),
        (np.ones((2, 2)), {"frames": 2.5}, "walk|frames|integer|2.5"),
        (np.array([[1.0, 0], [0, 0]]), {}, "walk|point 1|length 0|rng.normal"),
        (np.array([[np.nan, 0], [0, 1]]), {}, "walk|point 0|length nan"),
        (np.array([[1.0, 1], [-2, -2]]), {}, "walk|points 0 and 1|opposite|in between"),
        (np.array([[1.0, 1], [2, 2]]), {"y": np.array(3)}, "walk|class numbers (N,)|()"),
        (np.array([[1.0, 1], [2, 2]]), {"y": np.array([0.5])}, "walk|class numbers|float64"),
    ],
)
def test_walks_that_lead_nowhere_are_refused(z, more, words):
    check_message(lambda: walk(Echo(), z, **more), ValueError, words)


# --- real ones -----------------------------------------------------------------------------------------------------------


class Net(nn.Module):
    """A dense net of (x, y): x and the class, as one row."""

    def __init__(self, *layers, ignore=False):
        super().__init__()
        self.net, self.ignore = nn.Sequential(*layers), ignore

    def forward(self, x, y):
        rows = x.reshape(len(y), -1)
        return self.net(tl.cat([rows * 0 if self.ignore else rows, tl.Tensor(np.eye(10, dtype=np.float32)[y])], 1))


def trained(epochs=8, seed=0, *, ignore=False, rates=(1, 1), dropout=0.3, vanish=False):
    """What a Watch says of a small GAN on digits: the usual recipe, or with ``vanish`` the losses of the first paper."""
    data, rng = tl.data.digits()[0], tl.manual_seed(seed)
    batch, drop, leaky = nn.BatchNorm1d, nn.Dropout(dropout), nn.LeakyReLU(0.2)
    relu = [nn.Linear(42, 128), batch(128), nn.ReLU(), nn.Linear(128, 256), batch(256), nn.ReLU()]
    g = Net(*relu, nn.Linear(256, 64), nn.Sigmoid(), ignore=ignore)
    d = Net(nn.Linear(74, 256), leaky, drop, nn.Linear(256, 128), leaky, drop, nn.Linear(128, 1))
    of_d, of_g = (
        tl.optim.Adam(net.parameters(), lr=4e-4 * times, betas=(0.5, 0.999)) for net, times in zip((d, g), rates)
    )
    says = lambda answer, target: F.binary_cross_entropy_with_logits(answer, tl.full(answer.shape, float(target)))
    real, fixed, ten = spread(data.x, data.y), rng.normal((200, 32)), np.arange(200) % 10
    watch, loader, said = Watch(data.classes), tl.data.DataLoader(data, 64, shuffle=True, drop_last=True), []
    for epoch in range(epochs):
        steps = []
        for x, y in loader.epoch(epoch):
            fake = g(tl.Tensor(rng.normal((64, 32))), y)
            a, b = d(tl.Tensor(x), y), d(fake.detach(), y)
            d_loss = says(a, 1 if vanish else 0.9) + says(b, 0)
            of_d.zero_grad()
            d_loss.backward()
            of_d.step()
            c = d(fake, y)
            g_loss = -says(c, 0) if vanish else says(c, 1)
            of_g.zero_grad()
            g_loss.backward()
            norm = np.sqrt(sum(float((p.grad.data**2).sum()) for p in g.parameters()))
            of_g.step()
            steps.append((told_apart(a, b), norm, d_loss.item(), g_loss.item()))
        samples = tl.no_grad()(lambda: g.eval()(tl.Tensor(fixed), ten).data)()
        g.train()
        apart, norm, *losses = np.mean(steps, 0).tolist()
        said += watch.see(apart=apart, spread=spread(samples, ten) / real, grad_norm=norm, losses=losses)
    return said


def test_a_healthy_gan_is_not_disturbed():
    assert trained(12) == []


def test_a_generator_that_ignores_its_noise_has_collapsed():
    said = trained(6, ignore=True)
    assert len(said) == 1
    assert "collapsed" in said[0]
    assert "differ by 0% of what real ones do, since epoch 1." in said[0]


def test_a_discriminator_fifty_times_as_fast_has_won():
    said = trained(6, rates=(50, 1), dropout=0.0, vanish=True)
    assert len(said) == 1
    assert "the discriminator has won: it has told 100.0% of the pairs" in said[0]
    assert "gradient has fallen to 0.00" in said[0]


@pytest.mark.slow
def test_more_ways_to_train_well_and_badly():
    for seed in (1, 2, 3):
        assert trained(40, seed) == []
    slow = trained(12, rates=(5, 0.05), dropout=0.0)
    assert len(slow) == 1
    assert "leads nowhere" in slow[0]
    fast = trained(25, rates=(1, 125), dropout=0.0)  # it jumps about until it is stuck
    assert any("collapsed" in text for text in fast)
