"""What simple methods reach, to hold a net's accuracy against: softmax regression on features made by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from . import devices, nn
from .creation import tensor
from .data import Splits
from .nn import functional as F
from .optim import Adam


def baselines(data: Splits) -> dict[str, float]:
    """Test accuracy of guessing, and of softmax regression (this engine's Linear) on features made by hand."""
    table = {"guess": 1 / len(data.train.classes)}
    features = {
        "softmax regression on pixels": lambda x: x.reshape(len(x), -1),
        "… on a histogram of 16 bins": histogram,
        "… on gradient, skewness, kurtosis": moments,
    }
    train, test = data
    # NumPy's products this small are slower on two threads, much so on a busy machine
    with threadpool_limits(1, "blas"):
        for name, function in features.items():
            answers = softmax_regression(function(train.x), train.y, function(test.x))
            table[name] = float((answers == test.y).mean())
    return table


def softmax_regression(x: Any, y: Any, asked: Any, steps: int = 300, lr: float = 0.1) -> Any:
    """The classes (M,) that a linear classifier gives features ``asked`` (M, D), learnt from x (N, D) and y (N,), all at once.

    Features are standardised as those of x.
    """
    mean, std = x.mean(0), x.std(0) + 1e-6
    x, asked = (tensor(((a - mean) / std).astype(np.float32)) for a in (x, asked))
    model = nn.Linear(x.shape[1], int(y.max()) + 1)
    for parameter in model.parameters():
        nn.init.zeros_(parameter)  # the loss is convex: every start leads to the same end, and this one repeats
    optimizer = Adam(model.parameters(), lr=lr)
    for _ in range(steps):
        loss = F.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return devices.host(model(asked)).argmax(1)


def histogram(x: Any, bins: int = 16) -> Any:
    """The share of each patch's values in bins over −3 … 3, the outer ones open: (N, bins)."""
    values = x.reshape(len(x), -1)
    which = np.clip((values + 3) / 6 * bins, 0, bins - 1).astype(int)
    return (which[:, :, None] == np.arange(bins)).mean(1)


def moments(x: Any) -> Any:
    """Mean absolute difference of neighbouring pixels, mean cube and mean fourth power: (N, 3)."""
    rough = sum(np.abs(np.diff(x, axis=axis)).mean((1, 2, 3)) for axis in (2, 3))
    return np.stack([rough, (x**3).mean((1, 2, 3)), (x**4).mean((1, 2, 3))], 1)
