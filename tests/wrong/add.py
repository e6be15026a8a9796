"""Ways to get exercise add wrong, and other ways to get it right."""

import numpy as np


def backward__not_summed(g, a, b):
    """broadcast over ax | sum over"""
    return g, g


def backward__size_one_forgotten(g, a, b):
    """broadcast over ax | sum over"""
    return g.sum(tuple(range(g.ndim - a.ndim))), g.sum(tuple(range(g.ndim - b.ndim)))


def backward__size_one_lost(g, a, b):
    """axis of size 1 is lost | keepdims"""

    def fit(g, x):
        g = g.sum(tuple(range(g.ndim - x.ndim)))
        return g.sum(tuple(k for k, n in enumerate(x.shape) if n == 1))

    return fit(g, a), fit(g, b)


def fit(g, x, reduce=np.sum):
    g = reduce(g, axis=tuple(range(g.ndim - x.ndim)))
    return reduce(g, axis=tuple(k for k, n in enumerate(x.shape) if n == 1), keepdims=True)


def backward__mean(g, a, b):
    """off by exactly 1/ | the number of times | the rule divides by it"""
    return fit(g, a, np.mean), fit(g, b, np.mean)


def backward__exchanged(g, a, b):
    """wrong order"""
    return fit(g, b), fit(g, a)


def backward__as_a_product(g, a, b):
    """b"""
    return fit(g * b, a), fit(g * a, b)


def backward__sign(g, a, b):
    """wrong sign"""
    return fit(g, a), -fit(g, b)


def backward__ones(g, a, b):
    """upstream gradient"""
    return fit(np.ones_like(g), a), fit(np.ones_like(g), b)


def backward__one_only(g, a, b):
    """returns 1 thing | expected 2"""
    return (fit(g, a),)


def backward__nothing(g, a, b):
    """returns None"""
    fit(g, a), fit(g, b)


def backward__into_g(g, a, b):
    """writes to its argument g"""
    g *= 1.5
    return fit(g / 1.5, a), fit(g / 1.5, b)


def forward__product(a, b):
    """Your y is wrong"""
    return a * b


def backward__right_in_float32(g, a, b):
    """right"""
    return fit(g.astype(np.float32), a), fit(g.astype(np.float32), b)


def backward__right_as_lists(g, a, b):
    """right"""
    return [fit(g, a).tolist(), fit(g, b).tolist()]


def backward__right_by_loops(g, a, b):
    """right"""
    gradients = np.zeros(a.shape), np.zeros(b.shape)
    for index in np.ndindex(*g.shape):
        for gx in gradients:
            own = index[g.ndim - gx.ndim :]
            gx[tuple(i if n > 1 else 0 for i, n in zip(own, gx.shape))] += g[index]
    return gradients


def backward__right_as_views(g, a, b):
    """right"""
    return fit(g, a)[...], fit(g, b)[...]
