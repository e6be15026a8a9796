"""coins(): the halves and their twelve coins each; crops; and that a small net learns them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from words import check_message

from tinylucid import segment
from tinylucid.data import ArrayDataset, Preprocess, coins, crops


def test_there_are_twelve_coins_in_each_half():
    import skimage.data
    from skimage.measure import label

    train, test = coins()
    assert (train.x.shape, test.x.shape) == ((1, 1, 149, 384), (1, 1, 154, 384))
    whole = np.concatenate([train.x, test.x], 2)[0, 0]
    assert np.array_equal(np.round(whole * 255).astype(np.uint8), skimage.data.coins())
    assert train.x.dtype == np.float32
    y = np.concatenate([train.y, test.y], 1)[0]
    assert (label(y).max(), label(train.y[0]).max(), label(test.y[0]).max()) == (24, 12, 12)
    assert not y[145:156].any()
    sizes = np.bincount(label(y).ravel())[1:]
    assert (sizes.min(), sizes.max(), int(y.sum())) == (1077, 3141, 38943)
    for part in (train, test):
        assert (part.y.shape, part.y.dtype) == ((1, *part.x.shape[2:]), np.int64)
        assert part.classes == ("background", "coin")
        assert part.preprocess == Preprocess(64, color=False)
        assert segment.count(part.y, part.y) == (12, 12, 0)


def test_thresholds_reach_what_they_are_known_to_reach():
    """Otsu's from the half to learn from, and from the half to judge by, which no method may know."""
    train, test = coins()
    for x, accuracy, iou in ((train.x, 0.934, 0.819), (test.x, 0.984, 0.956)):
        found = segment.score(segment.otsu(x, test.x), test.y, test.classes)
        assert found.accuracy == pytest.approx(accuracy, abs=6e-4)
        assert found.iou["coin"] == pytest.approx(iou, abs=6e-4)


@given(st.integers(0, 2**64 - 1), st.integers(1, 7), st.integers(1, 40), st.sampled_from([np.uint8, np.float32]))
def test_crops_are_squares_of_the_picture_with_their_masks(seed, size, n, dtype):
    x = np.arange(2 * 3 * 7 * 9).reshape(2, 3, 7, 9).astype(dtype)
    data = ArrayDataset(x, x[:, 0] % 5, tuple("abcde"), Preprocess(8))
    found = crops(data, n, size, seed)
    assert (found.x.shape, found.x.dtype, found.y.shape) == ((n, 3, size, size), dtype, (n, size, size))
    windows = np.lib.stride_tricks.sliding_window_view(x, (size, size), (2, 3))
    for square, mask in zip(found.x, found.y):
        assert (windows == square[None, :, None, None]).all((1, 4, 5)).any()
        assert np.array_equal(mask, square[0] % 5)
    assert (found.classes, found.preprocess) == (data.classes, data.preprocess)
    assert np.array_equal(crops(data, n + 3, size, seed).x[:n], found.x)


def test_crops_reach_every_place():
    x = np.arange(2 * 5 * 6).reshape(2, 1, 5, 6)
    found = crops(ArrayDataset(x, x[:, 0]), 600, 3)
    assert set(found.x[:, 0, 0, 0]) == {int(x[k, 0, i, j]) for k in range(2) for i in range(3) for j in range(4)}


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: crops(coins().train, 0), "crops: n|≥ 1|got 0"),
        (lambda: crops(coins().train, 4, 150), "crops: size|1 to 149|(149, 384)|got 150"),
        (lambda: crops(coins().train, 4, 8.5), "crops: size|8.5"),
    ],
)
def test_crops_that_there_are_not_are_refused(call, words):
    check_message(call, ValueError, words)


def found_by(net, test):
    answers = segment.masks(net, test.x)
    return segment.score(answers, test.y, test.classes), segment.count(answers, test.y)


def test_a_few_steps_find_most_coins_and_beat_the_training_halfs_threshold():
    train, test = coins()
    score, count = found_by(segment.learn_coins(train, steps=60), test)
    assert score.accuracy > 0.95
    assert score.iou["coin"] > 0.87
    assert count.found >= 11


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_bar_of_coins(seed):
    train, test = coins()
    score, count = found_by(segment.learn_coins(train, seed=seed), test)
    assert score.accuracy >= 0.99
    assert score.iou["coin"] >= 0.975
    assert count == (12, 12, 0)
    for x in (train.x, test.x):  # ahead of both thresholds
        simple = segment.score(segment.otsu(x, test.x), test.y, test.classes)
        assert simple.accuracy < score.accuracy
        assert simple.iou["coin"] < score.iou["coin"]
