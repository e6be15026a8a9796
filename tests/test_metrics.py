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


@st.composite
def masks(draw):
    """Predicted and true class numbers (N, H, W) of small pictures, some pixels not to count."""
    shape = (draw(st.integers(1, 2)), draw(st.integers(1, 6)), draw(st.integers(1, 7)))
    k = draw(st.integers(1, 3))
    predicted = draw(hnp.arrays(np.int64, shape, elements=st.integers(0, k)))
    return predicted, draw(hnp.arrays(np.int64, shape, elements=st.sampled_from([-100, *range(k + 1)])))


@given(masks())
def test_means_over_classes_are_the_papers(drawn):
    """n[i][j] pixels of class i taken for j, t[i] of class i, as Long et al. write them; classes that are nowhere left out."""
    predicted, y = drawn
    confusion = metrics.confusion_matrix(predicted, y, 5)
    n = [[int(((y == i) & (predicted == j)).sum()) for j in range(5)] for i in range(5)]
    t = [sum(row) for row in n]
    union = [t[i] + sum(n[j][i] for j in range(5)) - n[i][i] for i in range(5)]
    mean = lambda values: sum(values) / len(values) if values else NAN
    np.testing.assert_allclose(metrics.mean_accuracy(confusion), mean([n[i][i] / t[i] for i in range(5) if t[i]]))
    np.testing.assert_allclose(metrics.mean_iou(confusion), mean([n[i][i] / union[i] for i in range(5) if union[i]]))
    weighted = sum(t[i] * n[i][i] / union[i] for i in range(5) if t[i]) / sum(t) if sum(t) else NAN
    np.testing.assert_allclose(metrics.frequency_weighted_iou(confusion), weighted)


def test_a_class_that_was_only_answered_counts_in_the_overlap_alone():
    confusion = np.array([[3, 1, 0], [0, 0, 0], [0, 0, 0]])
    assert metrics.mean_accuracy(confusion) == 0.75
    assert metrics.mean_iou(confusion) == 0.375
    assert metrics.frequency_weighted_iou(confusion) == 0.75


def pixels(plane):
    return [(i, j) for i in range(plane.shape[0]) for j in range(plane.shape[1])]


@given(masks(), st.sampled_from([1, 1.5, 2, 3]))
def test_accuracy_near_borders_by_loops(drawn, radius):
    found = []
    for predicted, y in zip(*drawn):
        for p in pixels(y):
            others = [q for q in pixels(y) if y[q] not in (-100, y[p])]
            if y[p] != -100 and any(math.dist(p, q) <= radius for q in others):
                found.append(predicted[p] == y[p])
    np.testing.assert_equal(metrics.boundary_accuracy(*drawn, radius), sum(found) / len(found) if found else NAN)


def border(plane, k):
    """The pixels of class k with one of another class above, below or beside them."""
    beside = lambda p: [q for q in pixels(plane) if math.dist(p, q) == 1 and plane[q] not in (-100, k)]
    return [p for p in pixels(plane) if plane[p] == k and beside(p)]


@given(masks(), st.sampled_from([0, 1, 1.5, 2]))
def test_f1_of_borders_by_loops(drawn, tolerance):
    pictures = []
    for predicted, y in zip(*drawn):
        predicted, classes = np.where(y == -100, -100, predicted), []
        for k in range(4):
            a, b = border(predicted, k), border(y, k)
            if a or b:
                near = lambda some, those: [p for p in some if any(math.dist(p, q) <= tolerance for q in those)]
                p, r = (len(near(*pair)) / len(pair[0]) if pair[0] else 0.0 for pair in ((a, b), (b, a)))
                classes.append(2 * p * r / (p + r) if p + r else 0.0)
        if classes:
            pictures.append(sum(classes) / len(classes))
    expected = sum(pictures) / len(pictures) if pictures else NAN
    np.testing.assert_allclose(metrics.boundary_f1(*drawn, tolerance), expected)


def test_borders_of_one_picture_and_of_none():
    y = np.repeat([[0, 1]], 4, 0).repeat(4, 1)
    assert metrics.boundary_f1(y, y) == metrics.boundary_accuracy(tl.tensor(y), y) == 1
    assert metrics.boundary_f1(np.repeat([[0, 1]], 4, 0).repeat((7, 1), 1), y, tolerance=2) == 0
    assert metrics.boundary_f1(y == 1, y == 1) == metrics.boundary_accuracy(y == 1, y == 1) == 1  # bool, as y > 0 gives
    assert math.isnan(metrics.boundary_f1(y[None][:0], y[None][:0]))
    assert math.isnan(metrics.boundary_accuracy(y[None][:0], y[None][:0]))
    assert math.isnan(metrics.boundary_accuracy(y, 0 * y))


BAD = [
    (lambda: metrics.boundary_f1(np.zeros((2, 3, 4, 4)), np.zeros((2, 4, 4), int)), "boundary_f1|(2, 3, 4, 4)|argmax"),
    (lambda: metrics.boundary_f1(np.zeros((2, 4, 4)), np.zeros((2, 4, 4), int)), "boundary_f1: predicted|float64"),
    (lambda: metrics.boundary_f1(np.zeros((4, 4), int), np.zeros((4, 4), int), -1), "boundary_f1: tolerance|≥ 0|-1"),
    (lambda: metrics.boundary_f1(np.zeros((4, 4), int), np.zeros((4, 4), int), NAN), "boundary_f1: tolerance|≥ 0|nan"),
    (lambda: metrics.boundary_accuracy(np.zeros((4, 5), int), np.zeros((4, 4), int)), "accuracy|(4, 5)|(4, 4)"),
    (lambda: metrics.boundary_accuracy(np.zeros((4, 4), int), np.zeros((4, 4), int), 0), "radius|≥ 1|got 0"),
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


@pytest.mark.parametrize("name", ["mean_iou", "mean_accuracy", "frequency_weighted_iou"])
@pytest.mark.parametrize("wrong", [np.zeros((2, 3), int), -np.eye(3), np.full((3, 3), 0.5), np.zeros((2, 4, 4), int)])
def test_means_over_classes_are_of_a_confusion_matrix(name, wrong):
    check_message(
        lambda: getattr(tl.metrics, name)(wrong), ValueError, f"{name}: expected a confusion matrix (K, K)|masks"
    )
