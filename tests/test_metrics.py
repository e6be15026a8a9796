"""Metrics against literal loops and scikit-learn; ties, what does not count, and messages."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from words import check_message

import tinylucid as tl
from tinylucid import metrics

NAN = float("nan")


@st.composite
def answers(draw):
    """Logits of few values, so that there are ties, and class numbers, some ignored."""
    n, k = draw(st.integers(1, 8)), draw(st.integers(2, 5))
    logits = draw(hnp.arrays(np.float32, (n, k), elements=st.sampled_from([-1.0, 0.0, 2.0, NAN])))
    return logits, draw(hnp.arrays(np.int64, (n,), elements=st.sampled_from([-100, *range(k)])))


def order(row):
    """Class numbers from the largest logit to the least, NaN the largest of all, the first of equals first."""
    return sorted(range(len(row)), key=lambda c: (-math.inf if math.isnan(row[c]) else -row[c], c))


@given(answers())
def test_accuracies_count_as_a_loop_does(drawn):
    logits, y = drawn
    for k in range(1, logits.shape[1] + 1):
        found = [label in order(row)[:k] for row, label in zip(logits, y) if label != -100]
        expected = sum(found) / len(found) if found else NAN
        np.testing.assert_equal(metrics.top_k_accuracy(logits, y, k), expected)
        if k == 1:
            np.testing.assert_equal(metrics.accuracy(tl.tensor(logits), tl.tensor(y)), expected)


@given(answers())
def test_segmentation_is_classification_of_pixels(drawn):
    logits, y = drawn
    pictures, masks = logits.T[None, :, :, None], y[None, :, None]  # one picture, N pixels high
    for k in (1, 2):
        np.testing.assert_equal(metrics.top_k_accuracy(pictures, masks, k), metrics.top_k_accuracy(logits, y, k))
    np.testing.assert_equal(metrics.accuracy(pictures, masks), metrics.accuracy(logits, y))


def test_probabilities_as_targets_mean_the_largest():
    logits = np.array([[0.1, 0.9], [0.8, 0.2]], np.float32)
    shares = np.array([[0.3, 0.7], [0.4, 0.6]], np.float32)
    assert metrics.accuracy(logits, shares) == 0.5
    assert metrics.top_k_accuracy(logits, shares, 1) == 0.5


def test_the_first_of_equal_logits_is_the_answer():
    assert metrics.accuracy(np.zeros((2, 3)), np.array([0, 1])) == 0.5
    assert metrics.top_k_accuracy(np.zeros((3, 3)), np.array([0, 1, 2]), 2) == 2 / 3


@pytest.mark.filterwarnings("ignore")  # scikit-learn warns of a single class
@given(st.data(), st.integers(1, 5))
def test_confusion_precision_recall_as_scikit_learn(data, classes):
    sklearn = pytest.importorskip("sklearn.metrics")
    numbers = hnp.arrays(np.int64, data.draw(st.integers(1, 12)), elements=st.integers(0, classes - 1))
    predicted = data.draw(numbers)
    y = data.draw(hnp.arrays(np.int64, len(predicted), elements=st.integers(0, classes - 1)))
    confusion, labels = metrics.confusion_matrix(predicted, y, classes), list(range(classes))
    np.testing.assert_array_equal(confusion, sklearn.confusion_matrix(y, predicted, labels=labels))
    options = {"labels": labels, "average": None, "zero_division": np.nan}
    np.testing.assert_allclose(metrics.precision(confusion), sklearn.precision_score(y, predicted, **options))
    np.testing.assert_allclose(metrics.recall(confusion), sklearn.recall_score(y, predicted, **options))
    overlap = sklearn.jaccard_score(y, predicted, **{**options, "zero_division": 0})  # it has no NaN
    np.testing.assert_allclose(np.nan_to_num(metrics.iou(confusion)), overlap)


def test_confusion_leaves_out_what_does_not_count():
    predicted, y = np.array([[0, 1], [1, 1]]), np.array([[0, -100], [0, 1]])
    assert metrics.confusion_matrix(predicted, y, 2).tolist() == [[1, 1], [0, 1]]
    assert np.isnan(metrics.recall(np.array([[0, 0], [1, 1]]))).tolist() == [True, False]
    assert np.isnan(metrics.precision(np.array([[0, 1], [0, 1]]))).tolist() == [True, False]


BAD = [
    (lambda: metrics.accuracy(np.zeros((2, 3)), np.zeros(3, int)), "accuracy|(N, K)|(2, 3) and (3,)"),
    (lambda: metrics.accuracy(np.zeros(3), np.zeros(3, int)), "accuracy|(N, K)"),
    (lambda: metrics.accuracy(np.zeros((2, 3)), np.array([0, 3])), "accuracy: y|0 … 2|0 … 3"),
    (lambda: metrics.accuracy(np.zeros((2, 3)), np.array([0.0, 1.0])), "accuracy: y|integers|float64"),
    (lambda: metrics.top_k_accuracy(np.zeros((2, 3)), np.array([0, 1]), 4), "top_k_accuracy|from 1 to the 3|got 4"),
    (lambda: metrics.top_k_accuracy(np.zeros((2, 3)), np.array([0, 1]), 0), "top_k_accuracy|got 0"),
    (lambda: metrics.confusion_matrix(np.zeros((2, 3)), np.array([0, 1]), 3), "one shape|argmax"),
    (lambda: metrics.confusion_matrix(np.array([0, 3]), np.array([0, 1]), 3), "predicted|0 … 2|0 … 3"),
    (lambda: metrics.confusion_matrix(np.array([0, 1]), np.array([-1, 1]), 3), "confusion_matrix: y|-1 … 1"),
]


@pytest.mark.parametrize(("call", "words"), BAD)
def test_what_does_not_fit_is_refused(call, words):
    check_message(call, ValueError, words)
