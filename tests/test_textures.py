"""textures(): the crops, and the patches drawn from them."""

from itertools import combinations, product

import numpy as np
import pytest

from tinylucid.data import dihedral, textures
from tinylucid.data.textures import SIZE, SURFACES, draw, photograph
from tinylucid.random import Generator


@pytest.fixture(scope="module")
def small():
    return textures(3, train_per_class=12, test_per_class=7)


def overlap(a, b):
    return max(a[0], b[0]) < min(a[1], b[1]) and max(a[2], b[2]) < min(a[3], b[3])


def test_no_test_region_overlaps_a_training_region_of_any_class():
    for a, b in product(SURFACES.values(), repeat=2):
        if a.photo == b.photo:
            assert not any(overlap(r, s) for r, s in product(a.train, b.test))


def test_regions_of_two_classes_in_one_photograph_are_disjoint():
    for a, b in combinations(SURFACES.values(), 2):
        if a.photo == b.photo:
            assert not any(overlap(r, s) for r, s in product(a.train + a.test, b.train + b.test))


@pytest.mark.parametrize("name", SURFACES)
def test_rectangles_lie_inside_their_photograph_and_hold_a_patch(name):
    surface = SURFACES[name]
    c, h, w = photograph(surface.photo).shape
    least = SIZE * (2 if surface.halved else 1)
    assert c == 1
    for y0, y1, x0, x1 in surface.train + surface.test:
        assert y0 >= 0
        assert y1 <= h
        assert x0 >= 0
        assert x1 <= w
        assert y1 - y0 >= least
        assert x1 - x0 >= least
        assert not surface.halved or all(v % 2 == 0 for v in (y0, y1, x0, x1))


def test_shapes_dtypes_and_classes(small):
    assert small.train.x.shape == (120, 1, 32, 32)
    assert small.test.x.shape == (70, 1, 32, 32)
    assert small.train.x.dtype == small.test.x.dtype == np.float32
    assert small.train.y.dtype == small.test.y.dtype == np.int64
    assert len(small.train.classes) == 10
    assert small.train.classes[:2] == ("brick", "grass")
    assert np.array_equal(small.train.y, np.arange(10).repeat(12))
    assert np.array_equal(small.test.y, np.arange(10).repeat(7))


def test_each_grey_patch_is_normalised(small):
    assert np.abs(small.train.x.mean((1, 2, 3))).max() < 1e-5
    std = small.train.x.std((1, 2, 3))
    assert std.max() < 1
    assert std.min() > 0.3


def test_color_is_as_photographed():
    data = textures(3, 6, 2, color=True)
    assert data.train.x.shape == (60, 3, 32, 32)
    assert data.train.x.dtype == np.float32
    assert data.train.x.min() >= 0
    assert data.train.x.max() <= 1
    grey, retina = data.train.x[:6], data.train.x[data.train.y == data.train.classes.index("retina")]
    assert np.array_equal(grey[:, 0], grey[:, 2])
    assert retina[:, 0].mean() > retina[:, 2].mean() + 0.1  # a retina is red


def test_the_seed_decides_everything(small):
    again, other = textures(3, 12, 7), textures(4, 12, 7)
    assert np.array_equal(small.train.x, again.train.x)
    assert np.array_equal(small.test.x, again.test.x)
    differs = (small.train.x != other.train.x).any((1, 2, 3))
    assert differs.mean() > 0.95


def test_fewer_patches_are_the_first_of_more(small):
    fewer = textures(3, train_per_class=5, test_per_class=2)
    assert np.array_equal(fewer.train.x.reshape(10, 5, -1), small.train.x.reshape(10, 12, -1)[:, :5])
    assert np.array_equal(fewer.test.x.reshape(10, 2, -1), small.test.x.reshape(10, 7, -1)[:, :2])


def test_patches_come_from_inside_the_rectangles_by_area():
    h, w = 100, 160
    places = np.arange(h * w, dtype=float).reshape(1, h, w)
    rectangles = np.array([(0, 32, 0, 32), (40, 100, 0, 150)])  # the first has room for a single place
    patches = draw(Generator(0), places, rectangles, 500)
    y, x = patches // w, patches % w
    first = y.max((1, 2, 3)) < 32
    assert x[first].max() == 31
    assert y[~first].min() == 40
    assert y[~first].max() == 99
    assert x[~first].max() == 149
    assert abs(first.mean() - 1024 / (1024 + 9000)) < 0.05
    assert all(len(np.unique(patch)) == SIZE * SIZE for patch in patches[:20])


def test_dihedral_gives_eight_different_poses():
    x = np.arange(9.0).reshape(1, 1, 3, 3).repeat(8, 0)
    poses = dihedral(x, np.arange(8))
    assert np.array_equal(poses[0], x[0])
    assert np.array_equal(poses[1, 0], [[2, 5, 8], [1, 4, 7], [0, 3, 6]])  # a quarter turn counter-clockwise
    assert np.array_equal(poses[4, 0], x[0, 0, :, ::-1])
    assert len({pose.tobytes() for pose in poses}) == 8


@pytest.mark.parametrize("wrong", [{"seed": -1}, {"train_per_class": 0}, {"test_per_class": 2.5}])
def test_wrong_arguments_are_named(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        textures(**wrong)
