"""Training as a newcomer calls it: what has no accuracy, and calls that are refused with what to do instead."""

import math

import numpy as np
import pytest
from words import check_message

import tinylucid as tl
from tinylucid import nn

rng = np.random.default_rng(0)
X = rng.normal(size=(20, 1, 4, 4)).astype(np.float32)
Y = (X.mean((1, 2, 3)) > 0).astype(np.int64)


def net(outputs=2):
    return nn.Sequential(nn.Flatten(), nn.Linear(16, outputs))


# --- what has an accuracy ------------------------------------------------------------------------------------------

NUMBERS = {
    "a regression": (nn.MSELoss(), X.mean((2, 3))),
    "two numbers": (nn.MSELoss(), rng.normal(size=(20, 2)).astype(np.float32)),
    "numbers above 0": (nn.MSELoss(), rng.uniform(size=(20, 2)).astype(np.float32)),
    "sums of 1": (nn.MSELoss(), np.array([[2.0, -1.0]] * 20, np.float32)),
    "yes or no": (nn.BCEWithLogitsLoss(), Y[:, None].astype(np.float32)),
    "several at once": (nn.BCEWithLogitsLoss(), np.array([[0, 1], [1, 1]] * 10, np.float32)),
    "whole numbers": (lambda out, y: ((out[:, 0] - y.astype(np.float32)) ** 2).mean(), Y),
}


@pytest.mark.parametrize("kind", NUMBERS)
def test_what_is_no_class_has_no_accuracy(kind, capsys):
    loss, y = NUMBERS[kind]
    model = net(1 if y.ndim == 1 else y.shape[1])
    history = tl.fit(model, (X, y), (X, y), epochs=1, batch_size=1, loss=loss)
    assert math.isnan(history.accuracy[0])
    assert math.isnan(history.val_accuracy[0])
    assert math.isnan(tl.evaluate(model, (X, y), loss, batch_size=1).accuracy)
    assert "accuracy" not in capsys.readouterr().err
    if y.ndim == 2:
        check_message(lambda: tl.metrics.accuracy(tl.predict(model, X), y), ValueError, "probabilities|K ≥ 2 and sum 1")


def test_shares_of_classes_have_one():
    y = np.where(Y[:, None] == np.arange(2), 0.9, 0.1).astype(np.float32)
    model = net()
    history = tl.fit(model, (X, y), epochs=1)
    right = float((tl.predict(model, X).argmax(1) == Y).mean())
    assert 0 <= history.accuracy[0] <= 1
    assert tl.evaluate(model, (X, y)).accuracy == tl.metrics.accuracy(tl.predict(model, X), y) == right
