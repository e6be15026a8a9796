"""texture_mosaic(): regions, what they show, and that no test patch is seen in training."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinylucid.data import Preprocess, texture_mosaic, textures
from tinylucid.data.mosaic import APART, PATCHES, mosaic, scattered
from tinylucid.random import Generator

SEEDS = st.integers(0, 2**64 - 1)


@pytest.fixture(scope="module")
def data():
    return texture_mosaic(5, train=12, test=8)


def mirrored(tiles, size):
    """Tiles (N, C, 32, 32) mirrored at their lower and right edges up to the size."""
    return np.pad(tiles, ((0, 0), (0, 0), (0, size - 32), (0, size - 32)), mode="symmetric")


def test_shapes_dtypes_and_classes(data):
    for part, n in zip(data, (12, 8)):
        assert (part.x.shape, part.x.dtype) == ((n, 3, 64, 64), np.float32)
        assert (part.y.shape, part.y.dtype) == ((n, 64, 64), np.int64)
        assert part.x.min() >= 0
        assert part.x.max() <= 1
        assert (part.classes[0], len(part.classes)) == ("brick", 10)
        assert part.preprocess == Preprocess(64)
    assert set(np.concatenate([np.unique(y) for y in data.train.y])) == set(range(10))


def test_every_region_shows_one_patch_of_its_class_and_of_its_part_of_the_photograph(data):
    for part, patches in zip(data, textures(5, *PATCHES, color=True)):
        tiles = mirrored(patches.x, 64)
        for x, y in zip(part.x, part.y):
            for k in np.unique(y):
                rows, columns = np.nonzero(y == k)
                few = tiles[(patches.y == k) & (tiles[:, :, rows[0], columns[0]] == x[:, rows[0], columns[0]]).all(1)]
                assert (few[:, :, rows, columns] == x[:, rows, columns]).all((1, 2)).any()


@given(SEEDS, st.integers(32, 150))
def test_a_pixel_is_of_the_nearest_seeds_class(seed, size):
    tiles = np.arange(10 * 7)[:, None, None, None].repeat(32, 2).repeat(32, 3).reshape(10, 7, 1, 32, 32)
    x, y = mosaic(Generator(seed), tiles, size)
    rng = Generator(seed)
    seeds = scattered(rng, int(rng.integers(3, 6, ())), APART) * size
    assert np.array_equal(x[0] // 7, y)
    where = np.random.default_rng(0).integers(0, size, (40, 2))
    nearest = [min(range(len(seeds)), key=lambda s, p=p: np.hypot(*(p - seeds[s]))) for p in where]
    of = dict(zip(nearest, x[0][tuple(where.T)]))
    assert [of[s] for s in nearest] == x[0][tuple(where.T)].tolist()
    assert len(np.unique(y)) == len(np.unique(x))
    assert len(set(nearest)) == len(set(of.values()))  # no class twice


@given(SEEDS, st.integers(3, 5))
def test_seeds_are_apart(seed, n):
    points = scattered(Generator(seed), n, APART)
    assert points.shape == (n, 2)
    assert 0 <= points.min() <= points.max() < 1
    distance = np.hypot(*(points[:, None] - points).T) * 64
    assert distance[~np.eye(n, dtype=bool)].min() >= 15


def test_there_are_three_to_five_regions():
    tiles = np.zeros((10, 2, 1, 32, 32), np.float32)
    found = [len(np.unique(mosaic(Generator(seed), tiles, 64)[1])) for seed in range(60)]
    assert set(found) == {3, 4, 5}


def test_the_seed_decides_everything(data):
    again, other = texture_mosaic(5, 12, 8), texture_mosaic(6, 12, 8)
    for a, b, c in zip(data, again, other):
        assert np.array_equal(a.x, b.x)
        assert np.array_equal(a.y, b.y)
        assert not np.array_equal(a.y, c.y)
    assert not np.array_equal(data.train.y[:8], data.test.y)


def test_fewer_pictures_are_the_first_of_more(data):
    for few, part in zip(texture_mosaic(5, 3, 2), data):
        assert np.array_equal(few.x, part.x[: len(few)])
        assert np.array_equal(few.y, part.y[: len(few)])


def test_grey_is_the_same_mosaic_each_normalised(data):
    grey = texture_mosaic(5, 12, 8, color=False).train
    assert grey.x.shape == (12, 1, 64, 64)
    assert grey.x.dtype == np.float32
    assert np.array_equal(grey.y, data.train.y)
    light = np.einsum("nchw,c->nhw", data.train.x, [0.2125, 0.7154, 0.0721])[:, None]
    expected = [(x - x.mean()) / (x.std() + 0.02) for x in light]
    assert np.allclose(grey.x, expected, atol=1e-4)
    assert grey.preprocess == Preprocess(64, color=False, per_picture=True)


def test_other_sizes():
    data = texture_mosaic(0, 2, 1, size=100).train
    assert data.x.shape == (2, 3, 100, 100)
    assert data.y.shape == (2, 100, 100)
    assert data.preprocess.size == 100


@pytest.mark.parametrize("wrong", [{"seed": -1}, {"train": 0}, {"test": 2.5}, {"size": 31}, {"size": 513}], ids=str)
def test_wrong_arguments_are_named(wrong):
    ((name, value),) = wrong.items()
    with pytest.raises(ValueError, match=name) as caught:
        texture_mosaic(**wrong)
    assert str(value) in str(caught.value)
