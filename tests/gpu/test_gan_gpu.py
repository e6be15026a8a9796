"""A GAN on the GPU: its steps are the CPU's, every part of it included; and it is kept, gone on with and drawn from there."""

from functools import partial

import numpy as np
import pytest
from words import check_message

import tinylucid as tl
from tinylucid.gan import step
from tinylucid.gan.average import Average
from tinylucid.random import Generator

rng = np.random.default_rng(0)
X, Y = rng.random((8, 1, 8, 8)).astype(np.float32), np.arange(8) % 2


@pytest.fixture
def on_gpu():
    """What the test makes lives on the GPU unless it says otherwise."""
    tl.set_default_device("cuda")
    yield
    tl.set_default_device("cpu")


def dense():
    return (tl.models.dense_generator(8, latent=3, classes=2, widths=(5,)),
            tl.models.dense_discriminator(8, classes=2, widths=(6,)))  # fmt: skip


def conv(norm="spectral"):
    return (tl.models.dcgan_generator(8, 1, latent=3, classes=2, width=2),
            tl.models.dcgan_discriminator(8, 1, classes=2, width=2, norm=norm))  # fmt: skip


ALL = tl.gan.Alike(flip=True, shift=0.2, brightness=0.1, cutout=0.3)
WAYS = {
    "wgan-gp": (dense, tl.gan.wasserstein(), tl.gan.gradient_penalty(), None),
    "r1, spectral norm, augmented": (conv, tl.gan.hinge(), tl.gan.r1(), ALL),
    "dcgan": (lambda: conv("batch"), tl.gan.non_saturating(0.9), None, ALL),
}


@pytest.mark.parametrize("way", WAYS)
def test_three_steps_are_those_of_the_cpu(way):
    make, loss, penalty, augment = WAYS[way]
    runs = []
    for device in ("cuda", "cpu"):
        tl.manual_seed(0)
        g, d = (net.to(device) for net in make())
        game = step.Game(g, d, loss, penalty, augment, Generator(1))
        of_g, of_d = (tl.optim.SGD(net.parameters(), lr=0.05) for net in (g, d))
        average, told = Average(g, 0.9), []
        for _ in range(3):
            told.append(step.checked(game, "discriminator", partial(step.discriminator_gradients, game, X, Y), X))
            of_d.step()
            told.append(step.checked(game, "generator", partial(step.generator_gradients, game, 8, Y), X))
            of_g.step()
            average.update(g)
        nets = (g, d, average.model)
        assert {p.device for net in nets for p in net.parameters()} == {device}
        runs.append((told, [tl.devices.host(v) for net in nets for v in net.state_dict().values()]))
    (told, there), (expected, here) = runs
    np.testing.assert_allclose(told, expected, rtol=2e-3, atol=1e-5)
    for a, b in zip(there, here):
        np.testing.assert_allclose(a, b, rtol=0, atol=2e-4 * max(1, np.abs(b).max()))


def test_a_run_goes_on_from_its_file_to_the_same_bits_and_draws(on_gpu, tmp_path):
    def trained(epochs, **more):
        tl.manual_seed(0)
        g, d = tl.models.build("dense_generator", latent=3, classes=2, widths=(5,)), dense()[1]
        return tl.gan.fit(g, d, (X, Y), epochs=epochs, batch_size=4, steps_per_epoch=1, **more)

    whole = trained(2)
    trained(1, out=tmp_path)
    again = trained(2, out=tmp_path, resume=True)
    assert again.history.g_loss == whole.history.g_loss
    z = rng.normal(size=(2, 3)).astype(np.float32)
    x = tl.gan.sample(again.generator, 2, [0, 1], z=z)
    assert type(x) is np.ndarray
    np.testing.assert_array_equal(x, tl.gan.sample(whole.generator, 2, [0, 1], z=z))
    kept = tl.models.load(tmp_path / "generator.safetensors").model.to("cpu")
    np.testing.assert_allclose(tl.gan.sample(kept, 2, [0, 1], z=z), x, atol=1e-5)


def test_nets_on_two_devices_are_refused():
    g, d = dense()
    words = "gan.fit: the generator is on 'cuda' and the discriminator on 'cpu'|discriminator.to('cuda')"
    check_message(lambda: tl.gan.fit(g.to("cuda"), d, (X, Y), epochs=1), ValueError, words)


def test_noise_given_from_the_cpu_is_drawn_from_on_the_gpu():
    tl.manual_seed(0)
    g, _ = dense()
    z = tl.randn(2, 3)
    expected = tl.gan.sample(g, 2, 1, z=z)
    np.testing.assert_allclose(tl.gan.sample(g.to("cuda"), 2, 1, z=z), expected, atol=1e-5)
