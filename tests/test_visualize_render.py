"""Rendering: it climbs, repeats exactly, wakes dead ReLUs for a while, and leaves the model as it was."""

import numpy as np
import pytest
from hypothesis import assume, given
from test_visualize import SHAPE, linear_net, seeds, small_net
from words import check_message

import tinylucid as tl
from tinylucid.visualize import (
    Objective,
    channel,
    cppn,
    fourier,
    jitter,
    logit,
    measure,
    neuron,
    pixel,
    render,
    wobble,
)
from tinylucid.visualize.measure import sight, values
from tinylucid.visualize.render import AWAKENING
from tinylucid.visualize.transforms import through


@pytest.mark.parametrize("make", [pixel, fourier])
@given(seed=seeds)
def test_the_whole_gradient_is_the_central_difference(make, seed):
    """Through transforms, normalisation and net, along a random direction; redrawn where a ReLU or a winner flips."""
    net, h = small_net(seed).eval(), 1e-5
    picture = make(SHAPE, dtype=tl.float64)
    how = tl.data.Preprocess(8, per_picture=True).normalized
    z, v = tl.Generator(seed).normal((2, *picture.parameters[0].shape), tl.float64)
    goal = logit(1) + 2 * channel("2", 0)

    def number(z):
        picture.parameters[0].data[...] = z
        x = picture()
        return values(sight(net, [goal]), [goal], how(through(wobble(8), x, tl.Generator(seed))), x).sum()

    (slope,) = tl.grad(number(z), picture.parameters)
    wide, near = ((number(z + s * v).item() - number(z - s * v).item()) / (2 * s) for s in (2 * h, h))
    assume(abs(wide - near) < 1e-6 * max(abs(near), 1e-3))
    assert (slope.data * v).sum() == pytest.approx(near, rel=1e-5, abs=1e-8)


@given(seed=seeds)
def test_best_input_of_bounded_norm_of_a_linear_filter_is_the_filter(seed):
    w = tl.Generator(seed).normal((1, 1, 4, 5), tl.float64)
    unit = lambda x: x / (x * x).sum() ** 0.5
    picture = pixel((1, 1, 4, 5), -1, 1, dtype=tl.float64)
    x = render(linear_net(w), logit(0), picture, transforms=(), normalize=unit, steps=150)
    assert unit(x) == pytest.approx(unit(w), abs=0.02)
    x = render(linear_net(w), logit(0), pixel((1, 1, 4, 5), -1, 1, dtype=tl.float64), transforms=(), steps=20)
    assert np.array_equal(np.sign(x), np.sign(w))  # without a bound on the norm, each pixel goes to its limit


@pytest.mark.parametrize("make", [pixel, fourier])
def test_rendering_raises_each_objective_and_keeps_to_the_range(make):
    net = small_net(3, tl.float32)
    goals = [logit(0), logit(2), channel("2", 1), neuron("3", 2, 1, 1)]
    start = measure(net, goals, make((8, 2, 8, 8), -2, 2)())
    x = render(net, goals, make((8, 2, 8, 8), -2, 2), steps=40, lr=0.05)
    assert x.shape == (8, 2, 8, 8)
    assert x.dtype == np.float32
    assert np.abs(x).max() <= 2
    assert (measure(net, goals, x) > start + 0.1).all()


def test_the_same_seed_gives_the_same_picture_whatever_follows_in_the_batch():
    net, way = small_net(dtype=tl.float32), {"steps": 8}
    shape = lambda n: (n, 2, 8, 8)
    one = render(net, logit(1), fourier(shape(1)), **way)
    assert np.array_equal(one, render(net, logit(1), fourier(shape(1)), **way))
    many = render(net, [logit(1), logit(2), channel("0", 0)], fourier(shape(3)), **way)
    assert many[:1] == pytest.approx(one, abs=1e-4)
    assert not np.allclose(one, render(net, logit(1), fourier(shape(1)), rng=tl.Generator(1), **way), atol=1e-4)
    assert not np.allclose(one, render(net, logit(1), fourier(shape(1), rng=tl.Generator(1)), **way), atol=1e-4)
    before = tl.random.default_generator.get_state()
    render(net, logit(1), fourier(shape(1)), **way)
    assert tl.random.default_generator.get_state() == before


def test_transforms_and_normalize_stand_between_picture_and_net():
    net, seen = small_net(), []
    note = lambda name: lambda x, *rng: (seen.append((name, x.shape)), x)[1]
    shrink = jitter(2)
    grow = lambda x, rng: tl.nn.functional.pad(x, (1, 1, 1, 1))
    steps = [note("first"), shrink, note("second"), grow]
    render(net, logit(0), pixel(SHAPE, dtype=tl.float64), transforms=steps, normalize=note("normalize"), steps=1)
    assert seen == [("first", SHAPE), ("second", (1, 2, 6, 6)), ("normalize", SHAPE)]


def test_penalties_see_the_picture_as_it_is_drawn_and_transforms_are_drawn_anew():
    seen, moved = [], []
    goal = Objective("seen", lambda s: (seen.append(s.picture.data), s.logits[:, 0])[1])
    note = lambda x, rng: (moved.append(rng.integers(0, 10**6, (1,)).item()), x)[1]
    picture = pixel(SHAPE, dtype=tl.float64)
    way = {"transforms": [note, jitter(2)], "normalize": lambda x: 5 - x}
    render(tl.nn.Flatten(), goal, picture, steps=3, **way)
    assert len(set(moved)) == 3
    assert [x.shape for x in seen] == [SHAPE] * 3
    assert np.array_equal(seen[0], pixel(SHAPE, dtype=tl.float64)().data)
    assert all(p.grad is None for p in picture.parameters)


@pytest.mark.parametrize("shape", [(1, 1, 8, 40), (1, 1, 40, 8)])
def test_by_default_a_picture_wobbles_by_its_smaller_side_and_climbs_at_its_own_rate(shape):
    net = tl.nn.Sequential(tl.nn.Conv2d(1, 2, 3)).to(tl.float64)
    net[0].weight.data[...] = tl.Generator(5).normal((2, 1, 3, 3), tl.float64)
    for make in (pixel, cppn):
        begun = [make(shape, dtype=tl.float64) for _ in range(2)]
        plain = render(net, channel("0", 1), begun[0], steps=2)
        given = render(net, channel("0", 1), begun[1], steps=2, transforms=wobble(8), lr=begun[1].lr)
        assert np.array_equal(plain, given)
    assert (pixel(shape).lr, cppn(shape).lr) == (0.02, 0.005)


def test_the_model_stays_as_it_was_also_after_an_error():
    net = small_net(dtype=tl.float32)
    net[1].eval()  # a mixture of modes, to come back as it was
    net(tl.randn(2, 2, 8, 8)).sum().backward()

    def everything():
        state = {k: t.data.tobytes() for k, t in net.state_dict().items()}
        grads = {k: p.grad.data.tobytes() for k, p in net.named_parameters()}
        hooks = [len(m._forward_hooks) for m in net.modules()]
        return state, grads, [m.training for m in net.modules()], hooks

    before = everything()
    with tl.no_grad():
        render(net, [logit(0), channel("2", 1)], fourier((2, 2, 8, 8)), steps=3)
    assert everything() == before
    measure(net, channel("2", 1), np.zeros(SHAPE, np.float32))
    with pytest.raises(ValueError):
        render(net, channel("2", 1) + channel("2", 99), fourier(SHAPE), steps=3)
    assert everything() == before


# --- dead ReLUs ------------------------------------------------------------------------------------------------------


def dead_net():
    """A net whose ReLU is off for every picture near the start: its plain gradient is zero."""
    net = tl.nn.Sequential(tl.nn.Flatten(), tl.nn.Linear(4, 2), tl.nn.ReLU(), tl.nn.Linear(2, 1)).to(tl.float64)
    net[1].weight.data[...] = [[1, 1, 1, 1], [0.5, 0, 0, 0]]
    net[1].bias.data[...] = [-2.2, -5]
    net[3].weight.data[...] = [[1, 1]]
    net[3].bias.data[...] = 0
    return net


def test_dead_starts_wake_up():
    net, way = dead_net(), {"transforms": (), "steps": 60}
    assert measure(net, logit(0), pixel((1, 1, 2, 2), dtype=tl.float64)()) == 0
    x = render(net, logit(0), pixel((1, 1, 2, 2), dtype=tl.float64), **way)
    assert measure(net, logit(0), x) > 0.5


def test_dead_relus_pass_the_gradient_in_the_first_steps_only():
    net, rules = dead_net(), []
    note = lambda x, rng: (rules.append(tl.relu.op in tl.scopes.thread.state.rules), x)[1]
    render(net, logit(0), pixel((1, 1, 2, 2), dtype=tl.float64), transforms=[note], steps=AWAKENING + 5)
    assert rules == [True] * AWAKENING + [False] * 5

    def fail(x, rng):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        render(net, logit(0), pixel((1, 1, 2, 2), dtype=tl.float64), transforms=[fail])
    assert not tl.scopes.thread.state.rules
    x = tl.Tensor(np.full((1, 4), 0.5), requires_grad=True)
    assert np.array_equal(tl.grad(net[3](net[2](net[1](x))).sum(), x)[0].data, np.zeros((1, 4)))


@given(seed=seeds)
def test_a_woken_relu_against_a_loop(seed):
    """A picture for which the plain gradient is all zero gets what would raise its units; all others get the plain one."""
    from tinylucid.visualize.render import wake

    rng = np.random.default_rng(seed)
    out = np.maximum(rng.normal(size=(4, 2, 3)), 0) * rng.integers(0, 2, (4, 1, 1))
    g = rng.normal(size=out.shape) * rng.integers(0, 2, (4, 1, 3))
    found = wake(g, out)
    for n in range(4):
        plain = [[g[n, i, j] if out[n, i, j] > 0 else 0 for j in range(3)] for i in range(2)]
        if not np.any(plain):
            plain = [[min(g[n, i, j], 0) for j in range(3)] for i in range(2)]
        assert np.array_equal(found[n], plain)


# --- what is refused -------------------------------------------------------------------------------------------------


class Apart(tl.nn.Module):
    """Has a layer that never runs, and gives an answer that does not depend on the picture."""

    def __init__(self):
        super().__init__()
        self.unused, self.used = tl.nn.ReLU(), tl.nn.Flatten()

    def forward(self, x):
        return self.used(x).detach()


GOOD = Objective("sum", lambda seen: seen.logits.sum(1))


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda p: render(lambda x: x, logit(0), p), TypeError, "expected a Module|function"),
        (lambda p: render(small_net(), 3, p), TypeError, "expected objectives|int"),
        (lambda p: render(small_net(), [logit(0), 3], p), TypeError, "expected objectives|logit(3)|int"),
        (lambda p: render(small_net(), [], p), ValueError, "shared evenly|0 objectives"),
        (lambda p: render(small_net(), [logit(0), logit(1)], p), ValueError, "1 pictures|2 objectives"),
        (lambda p: render(small_net(), logit(0), p, steps=0), ValueError, "steps|at least 1|got 0"),
        (
            lambda p: render(small_net(), logit(0), pixel((1, 2, 4, 4), dtype=tl.float64)),
            ValueError,
            "cannot take pictures (1, 2, 4, 4)|(1, 16)",
        ),
        (lambda p: render(small_net(), logit(0), SHAPE), TypeError, "picture|fourier((|got tuple|start=x"),
        (lambda p: render(small_net(), p, logit(0)), TypeError, "picture|a parametrisation|got Objective"),
        (lambda p: render(small_net(), logit(0), p, rng=3), TypeError, "render: rng|tl.Generator(7)|got int"),
        (lambda p: render(small_net(), logit(0), p, transforms=jitter(1)), TypeError, "transforms|[jitter(4)]|or ()"),
        (lambda p: render(small_net(), logit(0), p, transforms=[3]), TypeError, "transforms|[jitter(4)]|[3]"),
        (lambda p: render(small_net(), logit(0), p, normalize=True), TypeError, "normalize|a function|got True"),
        (lambda p: render(small_net(), logit(0), p, gif="film.png"), ValueError, "gif|ends with .gif|'film.png'"),
        (lambda p: render(small_net(), logit(0), p, gif=True), ValueError, "gif|ends with .gif|'True'"),
        (
            lambda p: render(small_net(), logit(0), pixel(SHAPE)),
            TypeError,
            "the model is float64|are float32|dtype=tl.float64",
        ),
        (lambda p: render(small_net(), logit(0), p, patience=0), ValueError, "patience|at least 1|got 0"),
        (lambda p: render(Apart(), channel("unused", 0), p), ValueError, "'unused'|does not run"),
        (lambda p: render(Apart(), logit(0), p), RuntimeError, "does not depend on the picture|detach"),
        (lambda p: render(small_net(), logit(0) * np.inf, p), FloatingPointError, "(logit(0) * inf)|step 0|anomaly"),
        (lambda p: render(tl.nn.Flatten(0), logit(0), p), ValueError, "gives shape (128,)|logits (N, K)"),
        (lambda p: render(tl.nn.Flatten(0), channel("", 0), p), ValueError, "layer ''|shape (128,)|(N, K, …)"),
        (
            lambda p: render(small_net(), Objective("wide", lambda seen: seen.logits), p),
            ValueError,
            "wide gives shape (1, 3)|(1,)",
        ),
        (lambda p: render(small_net(), Objective("one", lambda seen: 1.0), p), ValueError, "one gives float"),
    ],
)
def test_bad_input_gets_a_clear_message(call, error, words):
    check_message(lambda: call(pixel(SHAPE, dtype=tl.float64)), error, words)


def test_the_objective_that_broke_is_named():
    goals = [logit(0), logit(1) * np.nan, logit(2)]
    message = check_message(
        lambda: render(small_net(), goals, pixel((6, 2, 8, 8), dtype=tl.float64)), FloatingPointError, "nan"
    )
    assert "logit(1)" in message
    assert " is nan at step 0" in message


def test_an_error_of_the_models_names_the_pictures_once():
    class Wide(tl.nn.Module):
        def forward(self, x):
            return x[:, 7]

    picture = pixel(SHAPE, dtype=tl.float64)
    words = "the model cannot take pictures (1, 2, 8, 8)|index"
    check_message(lambda: render(Wide(), logit(0), picture, transforms=()), IndexError, words)
    flat = check_message(lambda: render(tl.nn.Flatten(0), channel("", 0), picture), ValueError, "layer ''|(128,)")
    assert "cannot take" not in flat


# --- a trained net ---------------------------------------------------------------------------------------------------


def stripes(n, rng):
    """Pictures (n, 1, 8, 8) of class 0, horizontal stripes, or 1, vertical ones, with noise, in 0 … 1."""
    y = np.arange(n) % 2
    wave = np.sin(np.arange(8) * np.pi / 2 + rng.uniform(0, 6.28, (n, 1)))
    x = np.where(y[:, None, None] == 0, wave[:, :, None], wave[:, None, :]) * 0.2 + 0.5
    return (x + rng.normal(0, 0.1, (n, 8, 8)))[:, None].clip(0, 1).astype(np.float32), y


def test_renderings_of_a_trained_net_beat_the_data_and_are_recognised(rng):
    x, y = stripes(120, rng)
    net = tl.nn.Sequential(
        tl.nn.Conv2d(1, 6, 3, padding=1), tl.nn.ReLU(), tl.nn.AdaptiveAvgPool2d(1), tl.nn.Flatten(), tl.nn.Linear(6, 2)
    )
    optimizer = tl.optim.Adam(net.parameters(), lr=0.02)
    how = tl.data.Preprocess(8, color=False, per_picture=True).normalized
    for _ in range(80):
        loss = tl.cross_entropy(net(tl.Tensor(how(x))), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    goals = [logit(0) - logit(1), logit(1) - logit(0)]
    pictures = render(net, goals, fourier((2, 1, 8, 8)), normalize=how, steps=128)
    for k, goal in enumerate(goals):
        assert measure(net, goal, pictures[k : k + 1], normalize=how) > measure(net, goal, x, normalize=how).max()
    rough = np.stack([np.abs(np.diff(pictures, axis=axis)).mean((1, 2, 3)) for axis in (2, 3)])
    assert rough[0, 0] > 2 * rough[1, 0]  # class 0 changes from row to row
    assert rough[1, 1] > 2 * rough[0, 1]  # class 1 from column to column


@pytest.mark.slow
def test_renderings_of_ten_surfaces_beat_every_photograph_of_theirs():
    data = tl.data.textures(0, 100, 1).train
    net = tl.models.build("texture_net", classes=10)
    optimizer = tl.optim.Adam(net.parameters(), lr=5e-3)
    with tl.kernels("cpu"):  # the training is not the subject, and takes minutes in NumPy
        tl.fit(net, data, epochs=12, batch_size=50, optimizer=optimizer)
    how, goals = data.preprocess.normalized, [logit(k) for k in range(10)]
    pictures = render(net, goals, fourier((10, 1, 32, 32)), normalize=how)
    best = np.array([measure(net, goal, data.x).max() for goal in goals])
    assert (measure(net, goals, pictures, normalize=how) > 1.1 * best).all()
    assert (tl.predict(net, how(pictures)).argmax(1) == np.arange(10)).mean() >= 0.8
