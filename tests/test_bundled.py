"""digits() and faces(): real pictures that come with scikit-learn and scikit-image."""

import numpy as np
import pytest
import skimage.data
from hypothesis import given
from hypothesis import strategies as st
from skimage.transform import resize
from sklearn.datasets import load_digits

from tinylucid.data import digits, faces


def keys(x):
    """Each picture's bytes, to find it again."""
    return {picture.tobytes() for picture in x}


@given(seed=st.integers(0, 2**64 - 1), test_fraction=st.floats(0.05, 0.95))
def test_every_digit_is_on_one_side_and_every_class_in_proportion(seed, test_fraction):
    data, found = digits(seed, test_fraction), load_digits()
    assert len(data.train) + len(data.test) == 1797
    x, y = (np.concatenate([getattr(part, name) for part in data]) for name in "xy")
    assert sorted(zip(keys(x))) == sorted(zip(keys((found.images[:, None] / 16).astype(np.float32))))
    assert np.bincount(y).tolist() == np.bincount(found.target).tolist()
    assert np.abs(np.bincount(data.test.y) - np.bincount(found.target) * test_fraction).max() <= 0.5


def test_digits_are_ink_on_paper():
    train, test = digits()
    assert (train.x.shape, test.x.shape) == ((1347, 1, 8, 8), (450, 1, 8, 8))
    assert train.x.dtype == np.float32
    assert train.y.dtype == np.int64
    assert (train.x.min(), train.x.max()) == (0, 1)
    assert np.array_equal(train.x * 16, np.round(train.x * 16))
    assert train.classes == tuple("0123456789")
    assert (train.preprocess.size, train.preprocess.color) == (8, False)
    zero, one = (train.x[train.y == k, 0, 3:5, 3:5].mean() for k in range(2))
    assert one > zero + 0.5  # the middle of a 0 is empty


def test_digits_keep_picture_and_class_together():
    found, train = load_digits(), digits().train
    of = {image.astype(np.float32).tobytes(): k for image, k in zip(found.images, found.target)}
    assert [of[(x * 16).tobytes()] for x in train.x] == train.y.tolist()


def test_larger_digits_are_the_same_ones_resized():
    small, large = digits(5).test, digits(5, size=32).test
    assert large.x.shape == (450, 1, 32, 32)
    assert large.preprocess.size == 32
    assert np.array_equal(small.y, large.y)
    expected = [resize(x[0], (32, 32), order=1, mode="edge", anti_aliasing=False) for x in small.x[:20]]
    assert np.allclose(large.x[:20, 0], expected, atol=1e-6)


def test_seeds_draw_other_digits_and_faces():
    assert np.array_equal(digits(1).train.x, digits(1).train.x)
    assert not np.array_equal(digits(1).train.x, digits(2).train.x)
    assert np.array_equal(faces(1).train.x, faces(1).train.x)
    assert not np.array_equal(faces(1).train.x, faces(2).train.x)


@given(seed=st.integers(0, 2**64 - 1), n=st.integers(1, 99))
def test_faces_are_balanced_and_apart(seed, n):
    train, test = faces(seed, n)
    assert (len(train), len(test)) == (2 * n, 200 - 2 * n)
    assert np.bincount(train.y).tolist() == [n, n]
    assert np.bincount(test.y).tolist() == [100 - n, 100 - n]
    assert not keys(train.x) & keys(test.x)
    fewer = faces(seed, (n + 1) // 2).train
    assert np.array_equal(fewer.x, train.x[: len(fewer)])


def test_faces_are_framed_normalised_and_rightly_named():
    train, test = faces()
    assert train.x.shape == (20, 1, 32, 32)
    assert train.x.dtype == np.float32
    assert train.classes == ("other", "face")
    assert (train.preprocess.size, train.preprocess.color, train.preprocess.per_picture) == (32, False, True)
    x = np.concatenate([train.x, test.x])
    assert np.abs(x.mean((1, 2, 3))).max() < 1e-5
    found = skimage.data.lfw_subset()[:100].astype(np.float32)  # the first hundred are the faces
    framed = np.pad(found, ((0, 0), (3, 4), (3, 4)), mode="reflect")
    expected = [(p - p.mean()) / (p.std() + 0.02) for p in framed]
    shown = sorted(p.ravel().tolist() for p in x[np.concatenate([train.y, test.y]) == 1, 0])
    assert np.allclose(shown, sorted(p.ravel().tolist() for p in expected), atol=1e-4)


@pytest.mark.parametrize(
    ("call", "wrong"),
    [(digits, {"size": 7}), (digits, {"size": 16.0}), (digits, {"test_fraction": 1}), (digits, {"test_fraction": 0}),
     (digits, {"seed": -1}), (faces, {"train_per_class": 0}), (faces, {"train_per_class": 100}), (faces, {"seed": -1})],
)  # fmt: skip
def test_wrong_arguments_are_named(call, wrong):
    name, value = next(iter(wrong.items()))
    with pytest.raises(ValueError, match=name) as caught:
        call(**wrong)
    assert str(value) in str(caught.value)
