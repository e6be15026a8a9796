"""A net set by hand, so that the right picture of each channel is known: rendering finds it, whatever it starts from."""

import numpy as np
import pytest

import tinylucid as tl
from tinylucid.visualize import channel, fourier, measure, neuron, pixel, render, rotate

SIZE, SIDE = 16, 11  # pixels of a picture, of a filter
WAVES = ((2, 0), (0, 2), (2, 2), (2, -2), (4, 0), (0, 4), (3, 3), (3, -3))  # waves along x and along y in a picture
COLOURS = {
    "red": (1, -1, 0), "green": (-1, 1, 0), "blue": (-0.5, -0.5, 1), "yellow": (0.5, 0.5, -1), "white": (1, 1, 1), "black": (-1, -1, -1),
}  # fmt: skip
X, Y = np.meshgrid(*[np.arange(SIDE) - SIDE // 2] * 2)


def bell(sd):
    """A Gaussian of sum 1."""
    g = np.exp(-(X**2 + Y**2) / (2 * sd**2))
    return g / g.sum()


def gabor(kx, ky):
    """Waves of one orientation and length under a bell, of sum 0."""
    wave = np.cos(2 * np.pi * (kx * X + ky * Y) / SIZE)
    return bell(3) * (wave - (bell(3) * wave).sum())


def blob(colour):
    """A spot of that colour in surroundings of its opposite, of sum 0."""
    return np.multiply.outer(colour, bell(1.5) - bell(3))


FILTERS = np.stack([*(np.stack([gabor(*k)] * 3) for k in WAVES), *map(blob, COLOURS.values())])
FILTERS /= np.linalg.norm(FILTERS.reshape(len(FILTERS), -1), axis=1)[:, None, None, None]


def known_net(padding=SIDE // 2):
    """Channels 0 … 7 for the gratings, 8 … 13 for the blobs; pictures go on at the opposite edge, so any shift is alike."""
    looks = tl.nn.Conv2d(3, len(FILTERS), SIDE, padding=padding, padding_mode="circular", bias=False)
    net = tl.nn.Sequential(looks, tl.nn.ReLU())
    net[0].weight.data[...] = FILTERS
    return net


def bounded(x):
    """Of norm 1 about grey: what a picture gains by contrast is taken away, so every wave has its price."""
    x = x - 0.5
    return x / ((x * x).sum((1, 2, 3), keepdim=True) ** 0.5 + 1e-3)


def match(x, kx, ky):
    """The correlation of a picture (3, H, W) with the grey grating at its best phase."""
    y, along = np.mgrid[:SIZE, :SIZE] * 2 * np.pi / SIZE
    phases = np.stack([np.cos(kx * along + ky * y), np.sin(kx * along + ky * y)]).reshape(2, 1, -1)
    phases = np.broadcast_to(phases, (2, 3, SIZE * SIZE)).reshape(2, -1)
    phases /= np.linalg.norm(phases, axis=1, keepdims=True)
    return np.linalg.norm(phases @ (x - x.mean()).ravel()) / np.linalg.norm(x - x.mean())


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("make", [fourier, pixel])
def test_each_channels_picture_is_its_grating(make, seed):
    goals = [channel("1", k) for k in range(len(WAVES))]
    start = make((len(WAVES), 3, SIZE, SIZE), rng=tl.Generator(seed))
    x = render(known_net(), goals, start, transforms=(), normalize=bounded, steps=64)
    found = np.array([[match(picture, *k) for k in WAVES] for picture in x])
    assert (found.diagonal() >= 0.9).all()
    assert (found - np.diag(found.diagonal()) < 0.4).all()  # and of no other


def test_turning_a_little_costs_a_grating_little():
    goals = [channel("1", k) for k in range(len(WAVES))]
    start = fourier((len(WAVES), 3, SIZE, SIZE))
    x = render(known_net(), goals, start, transforms=[rotate(5)], normalize=bounded, steps=64)
    assert min(match(picture, *k) for picture, k in zip(x, WAVES)) >= 0.9


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("make", [fourier, pixel])
def test_each_neurons_picture_is_its_filter(make, seed):
    goals = [neuron("1", k, 2, 1) for k in range(len(FILTERS))]
    start = make((len(FILTERS), 3, SIDE + 3, SIDE + 2), rng=tl.Generator(seed))
    x = render(known_net(padding=0), goals, start, transforms=(), normalize=bounded, steps=64)
    right = np.zeros(x.shape)
    right[:, :, 2:-1, 1:-1] = FILTERS
    found = np.corrcoef(x.reshape(len(x), -1), right.reshape(len(x), -1))[: len(x), len(x) :]
    assert (found.diagonal() >= 0.9).all()
    assert np.array_equal(found.argmax(1), np.arange(len(x)))
    middle = x[len(WAVES) :, :, 2 + SIDE // 2, 1 + SIDE // 2] - 0.5  # the blob's colour
    assert (np.sign(np.round(middle / np.abs(middle).max(), 1)) == np.sign(list(COLOURS.values()))).all()


def test_a_grating_is_better_than_noise_of_the_same_norm():
    net, y = known_net(), np.arange(SIZE)
    grating = 0.5 + 0.4 * np.cos(2 * np.pi * 2 * y / SIZE) * np.ones((1, 3, SIZE, SIZE))
    noise = tl.Generator(0).uniform((500, 3, SIZE, SIZE), np.float32)
    goal = channel("1", 0)
    best = measure(net, goal, noise, normalize=bounded).max()
    assert measure(net, goal, grating.astype(np.float32), normalize=bounded) > 3 * best
