"""A GAN's pieces: losses, penalties, the average, changes of real and generated alike, and the two steps that leave each other alone."""

import copy
import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from words import check_message

import tinylucid as tl
from tinylucid import nn
from tinylucid.gan import average, step
from tinylucid.gan.losses import LOSSES, chosen
from tinylucid.random import Generator

R, F = np.array([-2.0, -0.3, 0.4, 3.0]), np.array([-1.5, 0.2, 0.7, 2.0])


def sigmoid(v):
    return 1 / (1 + np.exp(-v))


def expected(name, r, f):
    """Each loss as its paper writes it: (discriminator's, generator's)."""
    return {
        "non_saturating": (-np.log(sigmoid(r)).mean() - np.log(1 - sigmoid(f)).mean(), -np.log(sigmoid(f)).mean()),
        "least_squares": (((r - 1) ** 2).mean() / 2 + (f**2).mean() / 2, ((f - 1) ** 2).mean() / 2),
        "hinge": (np.maximum(0, 1 - r).mean() + np.maximum(0, 1 + f).mean(), -f.mean()),
        "wasserstein": (f.mean() - r.mean(), -f.mean()),
    }[name]


@pytest.mark.parametrize("name", LOSSES)
def test_losses_are_those_of_their_papers(name):
    loss = chosen(name)
    d, g = expected(name, R, F)
    np.testing.assert_allclose(loss.discriminator(tl.tensor(R), tl.tensor(F)).item(), d, rtol=1e-12)
    np.testing.assert_allclose(loss.generator(tl.tensor(F)).item(), g, rtol=1e-12)
    r, f = (tl.tensor(v, requires_grad=True) for v in (R, F))
    assert tl.gradcheck(loss.discriminator, (r, f))
    assert tl.gradcheck(loss.generator, (f,))
    small = loss.discriminator(tl.tensor(R.astype(np.float32)), tl.tensor(F.astype(np.float32)))
    assert small.dtype == tl.float32


@given(st.floats(0.05, 1))
def test_a_smoothed_label_is_cross_entropy_with_it(a):
    r, f = tl.tensor(R), tl.tensor(F)
    bce = nn.functional.binary_cross_entropy_with_logits
    wanted = bce(r, tl.full((4,), a, dtype=tl.float64)) + bce(f, tl.zeros(4, dtype=tl.float64))
    np.testing.assert_allclose(tl.gan.non_saturating(a).discriminator(r, f).item(), wanted.item(), rtol=1e-12)


def test_losses_are_finite_however_sure_the_discriminator_is():
    sure = tl.tensor(np.array([1e4, -1e4]), requires_grad=True)
    loss = tl.gan.non_saturating()
    total = loss.discriminator(sure, sure) + loss.generator(sure)
    total.backward()
    assert np.isfinite(total.item())
    assert np.isfinite(sure.grad.numpy()).all()


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: chosen("hinje"), ValueError, "no loss 'hinje'|did you mean 'hinge'|non_saturating"),
        (lambda: chosen(3), TypeError, "loss must be one of|tl.gan.hinge()|got 3"),
        (lambda: tl.gan.non_saturating(0), ValueError, "real_label|above 0 and at most 1|got 0"),
        (lambda: tl.gan.non_saturating(1.1), ValueError, "real_label|got 1.1"),
        (lambda: tl.gan.gradient_penalty(0), ValueError, "gradient_penalty: weight must be above 0|got 0"),
        (lambda: tl.gan.r1(-1), ValueError, "r1: gamma must be above 0|got -1"),
        (lambda: tl.gan.Alike(shift=2), ValueError, "shift must be a share|got 2"),
        (lambda: tl.gan.Alike(cutout=-0.1), ValueError, "cutout must be a share|got -0.1"),
        (lambda: tl.gan.Alike(brightness=-1), ValueError, "brightness must be at least 0|got -1"),
    ],
)  # fmt: skip
def test_what_is_out_of_range_is_said(call, error, words):
    check_message(call, error, words)


# --- penalties --------------------------------------------------------------------------------------------------------


class Linear(nn.Module):
    """D(x) = w·x, whose slope is w everywhere."""

    def __init__(self, w):
        super().__init__()
        self.w = nn.Parameter(w)

    def forward(self, x, y=None):
        return (x.reshape(len(x), -1) * self.w).sum(1)


@given(st.integers(0, 2**32 - 1), st.integers(1, 4))
def test_penalties_of_a_linear_discriminator_are_known(seed, n):
    rng = np.random.default_rng(seed)
    w = rng.normal(size=12)
    real, fake = rng.random((2, n, 1, 3, 4))
    net = Linear(w)
    gp = tl.gan.gradient_penalty(10).of(net, real, fake, None, Generator(0))
    np.testing.assert_allclose(gp.item(), 10 * (np.linalg.norm(w) - 1) ** 2, rtol=1e-6)
    gp.backward()
    np.testing.assert_allclose(net.w.grad.numpy(), 20 * (1 - 1 / np.linalg.norm(w)) * w, rtol=1e-6, atol=1e-9)
    net.zero_grad()
    r1 = tl.gan.r1(3).of(net, real, fake, None, Generator(0))
    np.testing.assert_allclose(r1.item(), 1.5 * w @ w, rtol=1e-12)
    r1.backward()
    np.testing.assert_allclose(net.w.grad.numpy(), 3 * w, rtol=1e-12)


class Square(nn.Module):
    """D(x) = Σ x², whose slope 2x says where it was taken."""

    def forward(self, x, y=None):
        return (x**2).sum((1, 2, 3))


def test_the_slope_is_taken_between_real_and_generated_and_r1_at_the_real_ones():
    real, fake = np.full((400, 1, 1, 1), 0.5), np.full((400, 1, 1, 1), 1.5)
    at = (real + np.linspace(0, 1, 400).reshape(real.shape)).ravel()
    found = tl.gan.gradient_penalty(1).of(Square(), real, fake, None, Generator(1)).item()
    assert abs(found - ((2 * at - 1) ** 2).mean()) < 0.15  # uniform between 0.5 and 1.5
    rng = Generator(1)
    before = rng.get_state()
    assert tl.gan.r1(1).of(Square(), real, fake, None, rng).item() == pytest.approx(0.5 * 1.0)
    assert rng.get_state() == before


@pytest.mark.parametrize("penalty", [tl.gan.gradient_penalty(2), tl.gan.r1(2)], ids=lambda p: p.name)
@pytest.mark.parametrize("kind", ["dense", "none", "spectral"])
def test_the_penalty_has_the_slope_of_differences_in_every_weight(penalty, kind):
    tl.manual_seed(3)
    net = (
        tl.models.dense_discriminator(4, 1, widths=(5, 4), classes=2)
        if kind == "dense"
        else tl.models.dcgan_discriminator(8, 1, width=2, classes=2, norm=kind)
    )
    net = net.to(tl.float64).eval()  # dropout and the power iteration stand still
    rng = np.random.default_rng(0)
    side = 4 if kind == "dense" else 8
    real, fake = rng.random((2, 3, 1, side, side))
    y = np.array([0, 1, 0])
    for p in net.parameters():
        if p.ndim > 1:
            nn.init.normal_(p, std=0.5)
    of = lambda: penalty.of(net, real, fake, y, Generator(5))
    of().backward()
    for name, p in net.named_parameters():
        if p.grad is None:
            continue
        direction = rng.normal(size=p.shape)
        start, h = p.data.copy(), 1e-5
        values = []
        for sign in (1, -1):
            p.data = start + sign * h * direction
            values.append(of().item())
        p.data = start
        slope = (values[0] - values[1]) / (2 * h)
        np.testing.assert_allclose((p.grad.numpy() * direction).sum(), slope, rtol=1e-4, atol=1e-7, err_msg=name)


class Softplus(nn.Module):
    """What the non-saturating loss is made of."""

    def forward(self, x):
        return nn.functional.softplus(x)


@pytest.mark.parametrize("layer", [
    lambda: nn.Conv2d(2, 3, 4, 2, 1), lambda: nn.ConvTranspose2d(2, 3, 4, 2, 1), lambda: nn.BatchNorm2d(2),
    lambda: nn.Sequential(nn.Flatten(), nn.Linear(32, 3), nn.BatchNorm1d(3), nn.Sigmoid()),
    lambda: nn.LeakyReLU(0.2), lambda: nn.Sequential(nn.Conv2d(2, 2, 3), nn.ReLU()), lambda: nn.Dropout(0.3),
    lambda: nn.Sequential(nn.Flatten(), nn.Linear(32, 8), nn.Unflatten(1, (2, 2, 2))),
    lambda: nn.utils.spectral_norm(nn.Conv2d(2, 2, 3)).eval(), lambda: Softplus(),
])  # fmt: skip
def test_second_derivatives_through_every_layer_of_these_nets(layer):
    tl.manual_seed(1)
    net = layer().to(tl.float64)
    x = tl.tensor(np.random.default_rng(2).normal(size=(3, 2, 4, 4)), requires_grad=True)
    weights = list(net.parameters())
    with tl.kernels("reference"):
        assert tl.gradgradcheck(lambda x, *w: net(x), (x, *weights))


# --- the average ------------------------------------------------------------------------------------------------------


@given(st.floats(0, 0.9999), st.integers(1, 25), st.integers(0, 2**32 - 1))
def test_the_average_is_that_of_the_weights_and_the_running_statistics(decay, steps, seed):
    rng = np.random.default_rng(seed)
    net = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))
    found = average.Average(net, decay)
    wanted = {name: value.numpy().astype(np.float64) for name, value in net.state_dict().items()}
    for t in range(steps):
        for p in (*net.parameters(), net[1].running_mean, net[1].running_var):
            p.data[...] = rng.normal(size=p.shape)
        net[1].num_batches_tracked.data[...] = t
        found.update(net)
        d = min(decay, (1 + t) / (10 + t))
        for name, value in net.state_dict().items():
            wanted[name] = float(t) if "num" in name else d * wanted[name] + (1 - d) * value.numpy()
    for name, value in found.model.state_dict().items():
        np.testing.assert_allclose(value.numpy(), wanted[name], rtol=1e-4, atol=1e-5, err_msg=name)
    assert not found.model.training
    assert not any(p.requires_grad for p in found.model.parameters())
    assert all(p.requires_grad for p in net.parameters())


def test_the_average_shares_no_memory_with_the_generator():
    net = nn.Linear(2, 2)
    found = average.Average(net, 0.0)
    found.update(net)
    np.testing.assert_array_equal(found.model.weight.numpy(), net.weight.detach().numpy())
    assert not np.shares_memory(found.model.weight.data, net.weight.data)


# --- real and generated changed alike ---------------------------------------------------------------------------------

ALL = {"flip": True, "shift": 0.5, "brightness": 1, "cutout": 0.3}
ALIKE = [{"flip": True}, {"shift": 0.25}, {"brightness": 0.3}, {"cutout": 0.5}, ALL]


@pytest.mark.parametrize("how", ALIKE, ids=str)
def test_an_array_and_a_tensor_are_changed_alike_and_the_gradient_passes(how):
    x = np.random.default_rng(0).random((3, 2, 5, 8))
    alike = tl.gan.Alike(**how)
    plain, recorded = alike(x, Generator(7)), alike(tl.tensor(x, requires_grad=True), Generator(7))
    np.testing.assert_array_equal(plain, recorded.detach().numpy())
    assert plain.shape == x.shape
    assert alike(x.astype(np.float32), Generator(7)).dtype == np.float32
    assert tl.gradcheck(lambda t: alike(t, Generator(7)), (tl.tensor(x, requires_grad=True),))
    assert not np.array_equal(alike(x, Generator(7)), alike(x, Generator(8)))


def test_each_change_is_what_it_says():
    x = 1 + np.random.default_rng(1).random((64, 1, 6, 7))
    np.testing.assert_array_equal(tl.gan.Alike()(x, Generator(0)), x)
    flipped = tl.gan.Alike(flip=True)(x, Generator(0))
    mirrored = [np.array_equal(a, b[..., ::-1]) for a, b in zip(flipped, x)]
    assert all(m or np.array_equal(a, b) for m, a, b in zip(mirrored, flipped, x))
    assert 16 < sum(mirrored) < 48
    moves = set()
    for a, b in zip(tl.gan.Alike(shift=1 / 3)(x, Generator(1)), x):  # by up to 2 pixels
        framed = np.pad(b, ((0, 0), (2, 2), (2, 2)))
        found = [
            (i, j)
            for i, j in itertools.product(range(5), repeat=2)
            if np.array_equal(a, framed[:, i : i + 6, j : j + 7])
        ]
        assert len(found) == 1
        moves.add(found[0])
    assert {i for i, _ in moves} == {j for _, j in moves} == set(range(5))
    tall = tl.gan.Alike(shift=0.25)(np.ones((64, 1, 12, 4)), Generator(1))[:, 0] == 0
    assert tall.all(2).sum(1).max() == 3, "a share of the height is rows"
    assert tall.all(1).sum(1).max() == 1
    more = tl.gan.Alike(brightness=0.2)(x, Generator(2)) - x
    assert np.ptp(more, (1, 2, 3)).max() < 1e-12
    assert 0.15 < more.max() <= 0.2
    assert -0.2 <= more.min() < -0.15
    holes = tl.gan.Alike(cutout=0.5)(x, Generator(3)) == 0  # 3 rows and 4 columns, less at the edges
    assert holes.any((1, 2, 3)).all()
    for hole in holes[:, 0]:
        rows, columns = np.flatnonzero(hole.any(1)), np.flatnonzero(hole.any(0))
        assert hole[np.ix_(rows, columns)].all()
        assert 1 <= len(rows) <= 3
        assert 1 <= len(columns) <= 4
    assert {int(h.any(1).sum()) for h in holes[:, 0]} >= {2, 3}
    assert holes.sum((1, 2, 3)).max() == 12


# --- the two steps ----------------------------------------------------------------------------------------------------


class Critic(nn.Module):
    """A discriminator with batch norm, dropout and a spectral norm: all that moves when it is asked."""

    classes = 0

    def __init__(self):
        super().__init__()
        self.conv = nn.utils.spectral_norm(nn.Conv2d(1, 3, 3))
        self.norm, self.drop = nn.BatchNorm2d(3), nn.Dropout(0.4)
        self.end = nn.Linear(3 * 36, 1)

    def forward(self, x, y=None):
        return self.end(self.drop(self.norm(self.conv(x)).reshape(len(x), -1))).reshape(-1)


def game(penalty=None, augment=None, classes=0):
    tl.manual_seed(0)
    g = tl.models.dense_generator(8, latent=4, widths=(6,), classes=classes)
    d = Critic() if not classes else tl.models.dense_discriminator(8, classes=classes, widths=(6,))
    return step.Game(g, d, tl.gan.hinge(), penalty, augment, Generator(0))


def state(net):
    return {name: value.numpy().copy() for name, value in net.state_dict().items()}


def same(a, b):
    return all(np.array_equal(a[name], b[name].numpy()) for name in a)


X = np.random.default_rng(3).random((6, 1, 8, 8)).astype(np.float32)


@pytest.mark.parametrize("penalty", [None, tl.gan.r1(1), tl.gan.gradient_penalty()], ids=str)
def test_the_discriminators_step_leaves_the_generator_alone(penalty):
    it = game(penalty)
    before = state(it.generator)
    step.discriminator_gradients(it, X, None)
    assert same(before, it.generator.state_dict())
    assert all(p.grad is None for p in it.generator.parameters())
    assert all(p.grad is not None for p in it.discriminator.parameters())
    # its statistics move once for the real batch and once for the generated one, never for the penalty
    assert it.discriminator.norm.num_batches_tracked.item() == 2


def test_the_discriminators_statistics_are_of_the_real_and_the_generated_batch():
    it = game()
    means = []
    it.discriminator.norm.register_forward_pre_hook(
        lambda m, args: means.append(args[0].detach().numpy().mean((0, 2, 3)))
    )
    step.discriminator_gradients(it, X, None)
    assert len(means) == 2
    np.testing.assert_allclose(
        it.discriminator.norm.running_mean.numpy(), 0.9 * 0.1 * means[0] + 0.1 * means[1], rtol=1e-5
    )


def test_the_generators_step_leaves_the_discriminator_alone():
    it = game()
    step.discriminator_gradients(it, X, None)
    before, grads = state(it.discriminator), [p.grad.numpy().copy() for p in it.discriminator.parameters()]
    step.generator_gradients(it, len(X), None)
    assert same(before, it.discriminator.state_dict())
    for p, grad in zip(it.discriminator.parameters(), grads):
        np.testing.assert_array_equal(p.grad.numpy(), grad)
        assert p.requires_grad
    assert all(
        p.grad is not None and np.abs(p.grad.numpy()).sum() for n, p in it.generator.named_parameters() if "2." not in n
    )
    assert it.generator.layers[1].num_batches_tracked.item() == 1


def test_gradients_are_those_of_the_loss():
    it = game(classes=3, augment=tl.gan.Alike(shift=0.2))
    it.discriminator.eval()
    y = np.array([0, 1, 2, 0, 1, 2])
    rng = it.rng.get_state()
    half = step.generator_gradients(it, 6, y)
    p = it.generator.layers[0].weight
    direction = np.random.default_rng(0).normal(size=p.shape).astype(np.float32)
    again = []
    for sign in (1, -1):
        other = copy.deepcopy(it.generator)
        other.layers[0].weight.data += sign * np.float32(1e-3) * direction
        it.rng.set_state(rng)
        again.append(step.generator_gradients(it._replace(generator=other), 6, y).loss)
    assert (p.grad.numpy() * direction).sum() == pytest.approx((again[0] - again[1]) / 2e-3, rel=0.05)
    squares = [(q.grad.numpy().astype(float) ** 2).sum() for q in it.generator.parameters()]
    assert half.norm == pytest.approx(np.sqrt(sum(squares)), rel=1e-5)


# --- nets -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [8, 16, 32, 64])
@pytest.mark.parametrize(("channels", "classes"), [(1, 0), (3, 4)])
def test_dcgan_of_every_size(size, channels, classes):
    y = np.array([0, 3]) if classes else None
    g = tl.models.build("dcgan_generator", size=size, channels=channels, classes=classes, latent=5, width=2)
    x = g(tl.randn(2, 5), y)
    assert x.shape == (2, channels, size, size)
    assert x.dtype == tl.float32
    assert x.min().item() >= 0
    assert x.max().item() <= 1
    sides = [m.in_channels for m in g.modules() if isinstance(m, nn.ConvTranspose2d)]
    assert sides == [2 * size // side for side in (4, 8, 16, 32) if side < size]
    for norm in ("batch", "spectral", "none"):
        d = tl.models.build("dcgan_discriminator", size=size, channels=channels, classes=classes, width=2, norm=norm)
        assert d(x, y).shape == (2,)
        assert any("weight_orig" in k for k, _ in d.named_parameters()) == (norm == "spectral")
        assert any(isinstance(m, nn.BatchNorm2d) for m in d.modules()) == (norm == "batch" and size > 8)


@pytest.mark.parametrize("net", ["dense_generator", "dcgan_generator"])
def test_the_class_is_seen_and_only_one_class_is_told(net):
    tl.manual_seed(0)
    g = tl.models.build(net, size=8, channels=1, classes=3, latent=4).eval()
    z = tl.randn(1, 4)
    pictures = [g(z, np.array([k])).detach().numpy() for k in range(3)]
    assert not np.array_equal(pictures[0], pictures[1])
    assert not np.array_equal(pictures[1], pictures[2])
    both = g(tl.tensor(np.repeat(z.numpy(), 2, 0)), np.array([2, 0])).detach().numpy()
    np.testing.assert_allclose(both, np.concatenate([pictures[2], pictures[0]]), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: tl.models.dcgan_generator(12), "size must be one of 8, 16, 32, 64|got 12"),
        (lambda: tl.models.dcgan_discriminator(128), "size must be one of|got 128"),
        (lambda: tl.models.dcgan_discriminator(8, norm="group"), "norm must be one of batch, spectral, none|'group'"),
        (lambda: tl.models.dense_generator()(tl.randn(2, 32), np.array([0, 1])), "DenseGenerator|knows no classes|classes="),
        (lambda: tl.models.dense_generator(classes=3)(tl.randn(2, 32)), "DenseGenerator|expected y|2|got none"),
        (lambda: tl.models.dense_generator(classes=3)(tl.randn(2, 32), np.array([0, 3])), "classes are 0 … 2|0 … 3"),
        (lambda: tl.models.dense_generator(classes=3)(tl.randn(2, 32), np.array([-1, 0])), "classes are 0 … 2|-1"),
        (lambda: tl.models.dense_generator(classes=3)(tl.randn(2, 32), np.array([0])), "expected y|int64 of shape (1,)"),
        (lambda: tl.models.dense_discriminator(classes=3)(tl.rand(2, 1, 8, 8), np.array([0.0, 1])), "DenseDiscriminator|float64"),
    ],
)  # fmt: skip
def test_nets_say_what_they_cannot_take(call, words):
    check_message(call, ValueError, words)


def test_nets_are_saved_and_loaded_with_what_they_need(tmp_path):
    for name, arguments in (
        ("dense_generator", {"classes": 2}),
        ("dcgan_generator", {"size": 16, "latent": 7, "width": 2}),
    ):
        net = tl.models.build(name, **arguments)
        tl.models.save(net, tmp_path / "g.safetensors")
        again = tl.models.load(tmp_path / "g.safetensors").model
        assert again.latent == net.latent
        assert again.classes == net.classes
        assert again.shape == net.shape
        y = [1] if net.classes else None
        np.testing.assert_array_equal(tl.gan.sample(net, 1, y), tl.gan.sample(again, 1, y))
