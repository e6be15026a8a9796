"""What a newcomer gives to fit, evaluate, predict and summary, and what is said of it: where, and what to do."""

from pathlib import Path

import numpy as np
import pytest
from words import check_message

import tinylucid as tl
from tinylucid import nn
from tinylucid.data import ArrayDataset, Augment, DataLoader
from tinylucid.optim.lr_scheduler import StepLR

rng = np.random.default_rng(0)
X = rng.normal(size=(20, 1, 4, 4)).astype(np.float32)
Y = (X.mean((1, 2, 3)) > 0).astype(np.int64)
LOADER = DataLoader(ArrayDataset(X, Y), 10)


class Net(nn.Module):
    def __init__(self, outputs=2):
        super().__init__()
        self.conv, self.fc = nn.Conv2d(1, 2, 3), nn.Linear(8, outputs)

    def forward(self, x):
        return self.fc(self.conv(x).flatten(1))


class Own:
    """A dataset of one's own; reading item ``bad`` fails."""

    def __init__(self, x=X, y=Y, bad=-1):
        self.x, self.y, self.bad = x, y, bad

    def __len__(self):
        return len(self.x)

    def __getitem__(self, i):
        if i == self.bad:
            raise OSError("disk is gone")
        return self.x[i], self.y[i]


def fit(train=(X, Y), val=None, **options):
    return tl.fit(Net(), train, val, **{"epochs": 1, **options})


def foreign():
    """A DataLoader of another package."""
    return type("DataLoader", (), {"__module__": "torch.utils.data", "__len__": lambda self: 1})()


WIDE = X.astype(np.float64)
DTYPE = "pictures are float64|parameters float32|.astype(np.float32)"
CALLS = [
    # settings that a DataLoader has itself
    (lambda: fit(LOADER, batch_size=8), ValueError, "train is a DataLoader|its own batch_size"),
    (lambda: fit(LOADER, seed=0), ValueError, "train is a DataLoader|its own seed"),
    (lambda: tl.evaluate(Net(), LOADER, batch_size=8), ValueError, "data is a DataLoader|its own batch_size"),
    (lambda: tl.predict(Net(), LOADER, batch_size=8), ValueError, "x is a DataLoader|its own batch_size"),
    (lambda: tl.train.total_steps(LOADER, 1, 8), ValueError, "train is a DataLoader|its own batch_size"),
    # another dtype
    (lambda: fit((WIDE, Y)), TypeError, f"fit, epoch 1, step 1 of 1: the {DTYPE}"),
    (lambda: fit(Own(WIDE)), TypeError, f"fit, epoch 1, step 1 of 1: the {DTYPE}"),
    (lambda: fit(val=(WIDE, Y)), TypeError, f"fit, epoch 1, validation: the {DTYPE}"),
    (lambda: tl.evaluate(Net(), (WIDE, Y)), TypeError, DTYPE),
    (lambda: tl.predict(Net(), WIDE), TypeError, DTYPE),
    (lambda: tl.predict(Net().to(tl.float64), X), TypeError, "parameters float64|.astype(np.float64)"),
    (lambda: fit((X, Y.astype(np.float32))), TypeError, "fit, epoch 1, step 1 of 1: |labels must be integers"),
    (lambda: fit(loss=lambda logits, y: logits.nothing(y)), AttributeError, "nothing"),
    # what is no net, no optimiser, no data
    (lambda: tl.fit(Net, (X, Y), epochs=1), TypeError, "fit: expected a net|got the class Net|Net(…)"),
    (lambda: tl.evaluate(Net, (X, Y)), TypeError, "evaluate: expected a net|got the class Net"),
    (lambda: tl.predict(len, X), TypeError, "predict: expected a net|the function len"),
    (lambda: tl.summary(Net, (1, 4, 4)), TypeError, "summary: expected a net|got the class Net"),
    (lambda: fit(optimizer="adam"), TypeError, "optimizer must be made before|tl.optim.Adam(model.parameters()|'adam'"),
    (lambda: fit(optimizer=tl.optim.Adam), TypeError, "optimizer must be made before|class"),
    (lambda: fit(scheduler=StepLR), TypeError, "scheduler must be made before|StepLR(optimizer, 100)"),
    (lambda: fit("pics"), TypeError, "train must be data|path 'pics'|tl.data.image_splits"),
    (lambda: fit(val=Path("pics")), TypeError, "val must be data|path 'pics'|tl.data.image_splits"),
    (lambda: tl.predict(Net(), "pics"), TypeError, "x must be data|path 'pics'"),
    (lambda: fit(foreign()), TypeError, "must be a tl.data.DataLoader|got torch.utils.data.DataLoader"),
    (lambda: fit((X, np.array(["cat"] * 20))), TypeError, "targets must be numbers, got|cat|np.unique"),
    (
        lambda: fit(Own(y=["cat", "dog"] * 10)),
        TypeError,
        "targets must be numbers, got|np.unique(names, return_inverse",
    ),
    (lambda: fit(Own(), augment=Augment(mixup=0.2)), ValueError, "give the dataset its classes|attribute `classes`"),
]


@pytest.mark.parametrize(("call", "error", "words"), CALLS)
def test_what_is_wrong_is_said_with_what_to_do(call, error, words):
    check_message(call, error, words)


@pytest.mark.parametrize("prefetch", [0, 2])
def test_an_item_that_fails_is_named(prefetch):
    with pytest.raises(OSError, match="disk is gone") as caught:
        fit(DataLoader(Own(bad=13), prefetch=prefetch))
    assert caught.value.__notes__ == ["DataLoader: this was raised by dataset[13]"]


def test_predict_takes_what_evaluate_takes():
    model = Net()
    logits = tl.predict(model, X, batch_size=7)
    for data in (tl.tensor(X), list(X), (X, Y), ArrayDataset(X, Y), Own(), DataLoader(Own(), 7)):
        found = tl.predict(model, data)
        np.testing.assert_allclose(found, logits, rtol=1e-5, atol=1e-6)


def test_unless_told_otherwise_64_are_learnt_from_and_250_judged_at_a_time():
    sizes = []

    def loss(logits, y):
        sizes.append(len(y))
        return tl.nn.functional.cross_entropy(logits, y)

    data = ArrayDataset(np.tile(X, (13, 1, 1, 1)), np.tile(Y, 13))
    fit(data, data, loss=loss)
    assert sizes == [64, 64, 64, 64, 4, 250, 10]
    assert tl.train.total_steps(data, 2) == 10
    sizes.clear()
    tl.evaluate(Net(), data, loss, batch_size=200)
    assert sizes == [200, 60]
