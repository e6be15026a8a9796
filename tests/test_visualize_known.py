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


def unit(filters):
    """Filters (K, C, h, w), each of norm 1."""
    filters = np.array(filters)
    return filters / np.linalg.norm(filters.reshape(len(filters), -1), axis=1)[:, None, None, None]


GRATINGS = unit([[gabor(*k)] for k in WAVES])  # of grey pictures
BLOBS = unit([blob(c) for c in COLOURS.values()])  # of pictures in colour


def known_net(filters, padding=0):
    """A channel for each filter; padded, pictures go on at the opposite edge, so that any shift is alike."""
    looks = tl.nn.Conv2d(filters.shape[1], len(filters), SIDE, padding=padding, padding_mode="circular", bias=False)
    looks.weight.data[...] = filters
    return tl.nn.Sequential(looks, tl.nn.ReLU())


def bounded(x):
    """Of norm 1 about grey: what a picture gains by contrast is taken away, so every wave has its price."""
    x = x - 0.5
    return x / ((x * x).sum((1, 2, 3), keepdim=True) ** 0.5 + 1e-3)


def match(x, kx, ky):
    """The correlation of a picture (1, H, W) with the grating at its best phase."""
    y, along = np.mgrid[:SIZE, :SIZE] * 2 * np.pi / SIZE
    phases = np.stack([np.cos(kx * along + ky * y), np.sin(kx * along + ky * y)]).reshape(2, -1)
    phases /= np.linalg.norm(phases, axis=1, keepdims=True)
    return np.linalg.norm(phases @ (x - x.mean()).ravel()) / np.linalg.norm(x - x.mean())


def gratings(make, seed, transforms=()):
    """How each channel's picture matches each grating, (8, 8)."""
    net, goals = known_net(GRATINGS, SIDE // 2), [channel("1", k) for k in range(len(WAVES))]
    start = make((len(WAVES), 1, SIZE, SIZE), rng=tl.Generator(seed))
    x = render(net, goals, start, transforms=transforms, normalize=bounded, steps=64)
    return np.array([[match(picture, *k) for k in WAVES] for picture in x])


@pytest.mark.parametrize("seed", range(3))
def test_each_channels_picture_is_its_grating(seed):
    found = gratings(fourier, seed)
    assert (found.diagonal() >= 0.9).all()
    assert (found - np.diag(found.diagonal()) < 0.4).all()  # and of no other


def test_turning_a_little_costs_a_grating_little():
    assert np.median(gratings(fourier, 0, [rotate(5)]).diagonal()) >= 0.95


def test_pixels_find_most_gratings_too_but_may_be_caught_between_two():
    assert np.median(gratings(pixel, 0).diagonal()) >= 0.95


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("make", [fourier, pixel])
@pytest.mark.parametrize("filters", [GRATINGS, BLOBS], ids=["gratings", "blobs"])
def test_each_neurons_picture_is_its_filter(filters, make, seed):
    n, c = filters.shape[:2]
    start = make((n, c, SIDE + 3, SIDE + 2), rng=tl.Generator(seed))
    goals = [neuron("1", k, 2, 1) for k in range(n)]
    x = render(known_net(filters), goals, start, transforms=(), normalize=bounded, steps=64)
    right = np.zeros(x.shape)
    right[:, :, 2:-1, 1:-1] = filters
    found = np.corrcoef(x.reshape(n, -1), right.reshape(n, -1))[:n, n:]
    assert (found.diagonal() >= 0.9).all()
    assert np.array_equal(found.argmax(1), np.arange(n))
    if filters is BLOBS:
        middle = x[:, :, 2 + SIDE // 2, 1 + SIDE // 2] - 0.5
        assert (np.sign(np.round(middle / np.abs(middle).max(), 1)) == np.sign(list(COLOURS.values()))).all()


def test_a_grating_is_better_than_noise_of_the_same_norm():
    net, y = known_net(GRATINGS, SIDE // 2), np.arange(SIZE)
    grating = 0.5 + 0.4 * np.cos(2 * np.pi * 2 * y / SIZE) * np.ones((1, 1, SIZE, SIZE))
    noise = tl.Generator(0).uniform((500, 1, SIZE, SIZE), np.float32)
    goal = channel("1", 0)
    best = measure(net, goal, noise, normalize=bounded).max()
    assert measure(net, goal, grating.astype(np.float32), normalize=bounded) > 3 * best
