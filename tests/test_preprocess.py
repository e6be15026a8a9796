"""Preprocess: a picture that comes later is prepared as the training pictures were."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

import tinylucid as tl


def test_preprocess_reads_files_as_it_prepares_arrays(tmp_path):
    rng = np.random.default_rng(0)
    names = [tmp_path / f"{k}.png" for k in range(3)]
    for name in names:
        Image.fromarray(rng.integers(0, 256, (8, 8, 3)).astype(np.uint8)).save(name)
    how = tl.data.Preprocess(8, True, (0.5, 0.4, 0.3), (0.2, 0.1, 0.3))
    x = how.read(*names)
    assert x.shape == (3, 3, 8, 8)
    assert x.dtype == np.float32
    bytes_ = np.stack([tl.data.read_picture(name, 8) for name in names])
    exact = (bytes_ / 255 - np.reshape(how.mean, (3, 1, 1))) / np.reshape(how.std, (3, 1, 1))
    np.testing.assert_allclose(x, exact, atol=1e-5)
    np.testing.assert_array_equal(how.normalized(bytes_), x)
    np.testing.assert_allclose(how.shown(x), bytes_ / 255, atol=1e-6)
    with pytest.raises(tl.data.PictureError, match=r"gone\.png"):
        how.read(tmp_path / "gone.png")


@given(st.data())
def test_a_dictionary_of_it_is_it(data):
    color = data.draw(st.booleans())
    numbers = st.tuples(*[st.floats(0.1, 2)] * (3 if color else 1))
    how = tl.data.Preprocess(data.draw(st.integers(1, 99)), color, data.draw(numbers), data.draw(numbers))
    assert tl.data.Preprocess.from_dict(how.to_dict()) == how
    per_picture = tl.data.Preprocess(8, color, per_picture=True)
    assert tl.data.Preprocess.from_dict(per_picture.to_dict()) == per_picture


def test_each_picture_by_itself():
    x = np.random.default_rng(0).random((3, 2, 5, 4)).astype(np.float32)
    found = tl.data.Preprocess(5, per_picture=True).normalized(x)
    for a, b in zip(x, found):
        np.testing.assert_allclose(b, (a - a.mean()) / (a.std() + 0.02), atol=1e-5)
    assert found.dtype == np.float32


def test_without_numbers_pictures_stay_as_they_are():
    x = np.random.default_rng(0).random((3, 1, 5, 4))
    how = tl.data.Preprocess(5, False)
    assert how.normalized(x) is x
    assert how.shown(x) is x
    assert (how.channels, tl.data.Preprocess(5).channels) == (1, 3)
