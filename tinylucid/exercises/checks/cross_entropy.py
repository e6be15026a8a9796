"""The check of exercise cross_entropy: logits near 0, near ±1000, and far apart within a row."""

import numpy as np

from ... import devices
from ...ops import cross_entropy, log_softmax, logsumexp, softmax
from ..drawn import generator, labels, one_of, whole
from ..task import Exercise, Task


def cases(draw):
    """Logits are multiples of 1/4, which float32 holds exactly even near 1000."""
    n, k = whole(draw, 1, 4), whole(draw, 1, 4)
    rng = generator(draw)
    x = rng.integers(-8, 9, (n, k)) / 4
    where = one_of(draw, "near 0", "near 0", "rows far from 0", "far apart", "far apart")
    if where == "rows far from 0":
        x = x + rng.choice([-1000, 0, 1000], (n, 1))
    elif where == "far apart":
        x = x + rng.choice([-1000, 0], (n, k))
    return {"x": x, "labels": labels(draw, n, k)}


def one_hot(x, labels):
    """1 at each row's label, else 0."""
    return np.eye(x.shape[1])[labels]


def features(x, labels, **_):
    """What cases differ in."""
    x = np.asarray(x)
    rows = x.max(1)
    return {
        "a logit is large: exp(1000) is infinity": bool((x > 500).any()),
        "all logits of a row are very negative: their exponentials are 0": bool((rows < -500).any()),
        "logits are far from 0": bool((abs(x) > 500).any()),
        "a probability is 0 in floating point: do not divide by it": bool((x < x.max(1, keepdims=True) - 500).any()),
        "a label's probability is 0 in floating point, and has no logarithm": bool(
            (x[np.arange(len(x)), labels] < rows - 500).any()
        ),
        "rows are far apart: each has its own largest logit": bool(np.ptp(rows) > 500),
    }


def parts(g, x, labels):
    """p/N and what the label's own logit adds."""
    return {
        "x": {
            "the probability p_ij (over N)": g * np.asarray(softmax(x, 1)) / len(x),
            "the label's −1 (over N)": -g * one_hot(x, labels) / len(x),
        }
    }


def places(x, labels, **_):
    """Where the loss depends on a logit only through the sum."""
    advice = "its logit is in the sum of the exponentials, so the loss depends on it"
    return {"x": {f"a class is not the label: {advice}": one_hot(x, labels) == 0}}


def of_labels(x, labels, values):
    """−mean of each row's value at its label."""
    return -(values * one_hot(x, labels)).sum() / x.shape[0]


def all_pairs(x, labels):
    """The mean of −log p[:, labels]."""
    return -(log_softmax(x, 1) * one_hot(x, labels).sum(0)).sum() / len(labels) ** 2


def over(count, function=cross_entropy):
    """The function divided by something else than N."""
    return lambda x, labels: function(x, labels) * x.shape[0] / count(x)


SAMPLES = "with the softmax over axis 0, the samples: the classes of a sample lie along axis 1"
PAIRS = "for [:, labels], which takes those columns of every row: row i has its own labels[i]"
CLASSES = "if it is divided by K in the place of N: the mean is over the samples, of which there are N = x.shape[0]"
FORWARD = {
    SAMPLES: lambda x, labels: of_labels(x, labels, log_softmax(x, 0)),
    PAIRS: all_pairs,
    "with the probability in the place of its logarithm": lambda x, labels: of_labels(x, labels, softmax(x, 1)),
    "with x in the place of log p: the softmax is left out": lambda x, labels: of_labels(x, labels, x),
    CLASSES: over(lambda x: x.shape[1]),
}


def terms(total, at_labels):
    """(Σ_i total − Σ_i at_labels) / N, in the place of the mean of log Σ_k exp(x_ik) − x_i,labels[i]."""
    return lambda x, labels: (total(x) - at_labels(x, one_hot(x, labels))) / x.shape[0]


def sums(x):
    """Σ_i log Σ_k exp(x_ik)."""
    return logsumexp(x, 1).sum()


def taken(x, hot):
    """Σ_i x_i,labels[i]."""
    return (x * hot).sum()


def of_the_probability(least):
    """The slope −1/(p + least) of −log p, as if p were the logit."""
    return lambda x, labels: (
        -(x * one_hot(x, labels) / (np.asarray(devices.host(softmax(x, 1))) + least)).sum() / x.shape[0]
    )


SLOPE = "without the softmax's own slope: p depends on all the logits of its row"
BACKWARD = {
    CLASSES: over(lambda x: x.shape[1]),
    f"with −1/p at the label, {SLOPE}": of_the_probability(0),
    f"with −1/(p + 1e-12) at the label, {SLOPE}": of_the_probability(1e-12),
    SAMPLES: terms(lambda x: logsumexp(x, 0).sum(), taken),
    PAIRS: terms(sums, lambda x, hot: taken(x, hot.max(0))),
    "with x in the place of p: the softmax is left out": terms(lambda x: (x * x).sum() / 2, taken),
    "if only p is divided by N: both terms should be": terms(sums, lambda x, hot: taken(x, hot) * x.shape[0]),
    "if only the one-hot rows are divided by N: both terms should be": terms(lambda x: sums(x) * x.shape[0], taken),
}

EXERCISE = Exercise(
    title="Softmax and cross-entropy",
    tasks=(
        Task("forward", cross_entropy, cases, results=("loss",), features=features, variants=FORWARD),
        Task("backward", cross_entropy, cases, results=("x",), gradient=True, features=features, places=places,
             parts=parts, variants=BACKWARD),
    ),
    hints=(
        "Take one sample and K = 2 and write the loss with a logarithm of a fraction; then take the fraction apart.",
        "−log p_c = log Σ_k exp(x_k) − x_c. In which of the two terms is x_j, if j is the label, and if it is not?",
        "The slope of log Σ_k exp(x_k) in x_j is exp(x_j) / Σ_k exp(x_k), which is p_j itself.",
        "p does not change when each row's largest logit is subtracted from that row. For the loss take log Σ − x_c, never log of p.",
        "The gradient is g · (p − one-hot) / N; p[np.arange(N), labels] -= 1 subtracts the one-hot rows.",
    ),
)  # fmt: skip
