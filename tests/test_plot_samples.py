"""Figures of generated pictures: what is drawn is what was given, unstretched, beside the right training picture."""

import numpy as np
import pytest
from test_plot import apart, images, texts
from words import check_message

from tinylucid import plot


def pictures(n, seed=0, channels=1, dtype=np.float32):
    return np.random.default_rng(seed).uniform(0.2, 0.6, (n, channels, 6, 5)).astype(dtype)


def cells(axes, n):
    """The n pictures (n, 6, 5, 3) in a drawn row, which stand one white pixel apart."""
    row = np.asarray(axes.get_array())
    assert row.shape == (6, 6 * n - 1, 3)
    assert all((row[:, 6 * k + 5] == 1).all() for k in range(n - 1))
    return np.stack([row[:, 6 * k : 6 * k + 5] for k in range(n)])


@pytest.mark.parametrize(("channels", "dtype"), [(1, np.float32), (3, np.float64)])
def test_samples_stand_beside_their_nearest_training_picture(channels, dtype):
    x, train, held = pictures(6, 0, channels, dtype), pictures(9, 1, channels, dtype), pictures(4, 2, channels, dtype)
    train[7] = x[2]
    figure = plot.nearest_training(x, train, held)
    distances = np.linalg.norm((x[:, None] - train[None]).reshape(6, 9, -1), axis=2)
    assert len(images(figure)) == 6
    for k, shown in enumerate(images(figure)):
        assert shown.get_interpolation() == "nearest"
        left, right = cells(shown, 2).transpose(0, 3, 1, 2)
        assert np.array_equal(left, np.broadcast_to(x[k], left.shape))
        assert np.array_equal(right, np.broadcast_to(train[distances[k].argmin()], left.shape))
    titles = [axes.get_title() for axes in figure.axes]
    assert titles == [f"{row.min():.2f}" for row in distances]
    assert titles[2] == "0.00"
    usual = np.median(np.linalg.norm((held[:, None] - train[None]).reshape(4, 9, -1), axis=2).min(1))
    assert any(f"held out are {usual:.2f} from theirs" in text for text in texts(figure))
    assert any(f"the samples {np.median(distances.min(1)):.2f}" in text for text in texts(figure))
    apart(figure)


def test_every_class_has_a_row_of_its_samples_as_they_are():
    x, y = pictures(9), np.array([2, 0, 2, 2, 0, 2, 2, 0, 0])
    figure = plot.samples_by_class(x, y, ["cat", "a dog with a very long name", "fox"], each=4)
    rows = [cells(shown, 4) for shown in images(figure)]
    assert np.array_equal(rows[0][..., 0], x[y == 0, 0])
    assert (rows[1] == 1).all()
    assert np.array_equal(rows[2][..., 0], x[y == 2, 0][:4])
    named = [text.get_text() for text in figure.texts]
    assert named[::2] == ["cat", "fox"]
    assert "…" in named[1]
    apart(figure)


def test_what_cannot_be_drawn_is_refused():
    x, y = pictures(4), np.zeros(4, int)
    check_message(lambda: plot.nearest_training(x, x[..., :3], x), ValueError, "nearest|30 and 18|one size")
    check_message(
        lambda: plot.nearest_training(x[:, 0], x, x), ValueError, "nearest_training|(N, 1 or 3, H, W)|(4, 6, 5)"
    )
    check_message(lambda: plot.nearest_training(x, x, x, columns=0), ValueError, "nearest_training: columns|0")
    check_message(lambda: plot.samples_by_class(x, y[:3], ["a"]), ValueError, "samples_by_class|4 samples|(3,)")
    check_message(lambda: plot.samples_by_class(x, y + 1, ["a"]), ValueError, "samples_by_class|below 1|up to 1")
    check_message(lambda: plot.samples_by_class(x, y, ["a"], each=0), ValueError, "samples_by_class: each|0")
    check_message(lambda: plot.samples_by_class(x * np.nan, y, ["a"]), ValueError, "samples_by_class|NaN")
