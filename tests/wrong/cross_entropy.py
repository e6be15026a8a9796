"""Ways to get exercise cross_entropy wrong, and other ways to get it right."""

import math

import numpy as np


def softmax(x, axis=1):
    e = np.exp(x - x.max(axis, keepdims=True))
    return e / e.sum(axis, keepdims=True)


def hot(x, labels):
    return np.eye(x.shape[1])[labels]


def forward__overflow(x, labels):
    """NaN or infinity | overflows | logits are far from 0"""
    return np.mean(np.log(np.exp(x).sum(1)) - x[np.arange(len(x)), labels])


def forward__log_of_softmax(x, labels):
    """NaN or infinity | logarithm of 0 | a label's probability is 0"""
    return -np.mean(np.log(softmax(x)[np.arange(len(x)), labels]))


def forward__clipped_probability(x, labels):
    """a label's probability is 0"""
    return -np.mean(np.log(np.clip(softmax(x), 1e-12, 1))[np.arange(len(x)), labels])


def forward__one_largest_of_all(x, labels):
    """NaN or infinity | rows are far apart"""
    x = x - x.max()
    return np.mean(np.log(np.exp(x).sum(1)) - x[np.arange(len(x)), labels])


def forward__sum(x, labels):
    """the size of axis 0 of x | it should be divided by it"""
    return forward__right_by_loops(x, labels) * len(x)


def forward__mean_over_everything(x, labels):
    """the size of axis 1 of x | it should not be divided by it"""
    return -np.mean(hot(x, labels) * log_softmax(x))


def log_softmax(x):
    x = x - x.max(1, keepdims=True)
    return x - np.log(np.exp(x).sum(1, keepdims=True))


def forward__mean_over_classes(x, labels):
    """divided by K in the place of N"""
    return forward__right_by_loops(x, labels) * len(x) / x.shape[1]


def backward__mean_over_classes(g, x, labels):
    """divided by K in the place of N"""
    return g * (softmax(x) - hot(x, labels)) / x.shape[1]


def forward__sign(x, labels):
    """wrong sign"""
    return np.mean(log_softmax(x)[np.arange(len(x)), labels])


def forward__all_pairs(x, labels):
    """row i has its own labels[i]"""
    return -np.mean(log_softmax(x)[:, labels])


def forward__over_the_samples(x, labels):
    """softmax over axis 0"""
    x = x - x.max(0)
    return -np.mean((x - np.log(np.exp(x).sum(0)))[np.arange(len(x)), labels])


def forward__no_mean(x, labels):
    """Your loss has shape"""
    return -log_softmax(x)[np.arange(len(x)), labels]


def forward__no_logarithm(x, labels):
    """the probability in the place of its logarithm"""
    return -np.mean(softmax(x)[np.arange(len(x)), labels])


def forward__into_x(x, labels):
    """writes to its argument x"""
    x -= x.max(1, keepdims=True)
    return np.mean(np.log(np.exp(x).sum(1)) - x[np.arange(len(x)), labels])


def backward__only_p(g, x, labels):
    """the label's −1 (over N) is missing"""
    return g * softmax(x) / len(x)


def backward__onehot_minus_p(g, x, labels):
    """wrong sign everywhere"""
    return g * (hot(x, labels) - softmax(x)) / len(x)


def backward__plus_one(g, x, labels):
    """the label's −1 (over N) has the wrong sign"""
    return g * (softmax(x) + hot(x, labels)) / len(x)


def backward__no_mean(g, x, labels):
    """the size of axis 0 of x | a mean divides by it and the rule does not"""
    return g * (softmax(x) - hot(x, labels))


def backward__mean_of_one_part(g, x, labels):
    """if only p is divided by N"""
    return g * (softmax(x) / len(x) - hot(x, labels))


def backward__no_g(g, x, labels):
    """upstream gradient is missing"""
    return (softmax(x) - hot(x, labels)) / len(x)


def backward__label_only(g, x, labels):
    """a class is not the label"""
    return g * (softmax(x) - 1) * hot(x, labels) / len(x)


def backward__in_every_row(g, x, labels):
    """row i has its own labels[i]"""
    slope = softmax(x)
    slope[:, labels] -= 1
    return g * slope / len(x)


def backward__over_the_samples(g, x, labels):
    """softmax over axis 0"""
    return g * (softmax(x, 0) - hot(x, labels)) / len(x)


def backward__overflow(g, x, labels):
    """NaN or infinity | logits are far from 0"""
    e = np.exp(x)
    return g * (e / e.sum(1, keepdims=True) - hot(x, labels)) / len(x)


def backward__no_softmax(g, x, labels):
    """x in the place of p"""
    return g * (x - hot(x, labels)) / len(x)


def backward__of_the_clipped_probability(g, x, labels):
    """−1/(p + 1e-12) at the label | the softmax's own slope"""
    return -g * hot(x, labels) / np.maximum(softmax(x), 1e-12) / len(x)


def backward__of_the_probability(g, x, labels):
    """−1/(p + 1e-12) at the label | the softmax's own slope"""
    return -g * hot(x, labels) / (softmax(x) + 1e-12) / len(x)


def backward__through_the_probability(g, x, labels):
    """NaN or infinity | a probability is 0"""
    p = softmax(x)
    gp = -g * hot(x, labels) / p / len(x)
    return p * (gp - (gp * p).sum(1, keepdims=True))


def backward__summed(g, x, labels):
    """Your gradient for x has shape"""
    return (g * (softmax(x) - hot(x, labels))).mean(0)


def forward__right_by_loops(x, labels):
    """right"""
    total = 0.0
    for row, label in zip(x.tolist(), labels):
        m = max(row)
        total += m + math.log(sum(math.exp(v - m) for v in row)) - row[label]
    return total / len(x)


def forward__right_by_logaddexp(x, labels):
    """right"""
    return np.mean(np.logaddexp.reduce(x, axis=1) - np.take_along_axis(x, labels[:, None], 1)[:, 0], keepdims=True)[0]


def backward__right_in_float32(g, x, labels):
    """right"""
    return np.float32(g) * (softmax(np.float32(x)) - hot(x, labels).astype(np.float32)) / len(x)


def backward__right_by_the_jacobian(g, x, labels):
    """right"""
    gx = np.zeros_like(x)
    for i, label in enumerate(labels):
        p = softmax(x[i : i + 1])[0]
        gx[i] = p - (np.arange(x.shape[1]) == label)
    return (g / len(x) * gx).tolist()
