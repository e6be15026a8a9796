"""Cases: reductions, shapes, slices, joins, matrix products."""

import numpy as np
from hypothesis import strategies as st

import tinylucid as tl

from .draws import CASES, LINEAR, broadcastable, case, shapes, sides, values

F = tl.nn.functional


def dims(draw, ndim):
    """None, one axis (negative too) or several."""
    if not ndim or draw(st.booleans()):
        return None
    axes = draw(st.lists(st.integers(0, ndim - 1), min_size=1, max_size=ndim, unique=True))
    axes = [a - ndim if draw(st.booleans()) else a for a in axes]
    return axes[0] if len(axes) == 1 else tuple(axes)


def reduction(name, function, kind="normal"):
    """Register a reduction over drawn axes."""

    def build(draw):
        x = values(draw, shapes(draw), kind)
        dim, keepdim = dims(draw, x.ndim), draw(st.booleans())
        return lambda x: function(x, dim, keepdim), [x]

    CASES[name] = build


reduction("sum", lambda x, dim, keepdim: tl.sum(x, dim, keepdim))
reduction("mean", lambda x, dim, keepdim: tl.mean(x, dim, keepdim))
reduction("var_biased", lambda x, dim, keepdim: tl.var(x, dim, correction=0, keepdim=keepdim))
reduction("logsumexp", lambda x, dim, keepdim: tl.logsumexp(x, dim, keepdim))
LINEAR |= {"sum", "mean", "neg", "clone", "flatten", "squeeze"}


def along(name, function, kind="normal", low=1):
    """Register a function along one drawn axis."""

    def build(draw):
        shape = sides(draw, draw(st.integers(1, 3)), low)
        dim = draw(st.integers(-len(shape), len(shape) - 1))
        return lambda x: function(x, dim), [values(draw, shape, kind)]

    CASES[name] = build


along("softmax", tl.softmax)
along("log_softmax", tl.log_softmax)
along("max_dim", lambda x, dim: tl.max(x, dim)[0], "distinct")
along("min_dim", lambda x, dim: tl.min(x, dim, keepdim=True)[0], "distinct")
along("var", lambda x, dim: tl.var(x, dim), low=2)
along("std", lambda x, dim: tl.std(x, dim), "distinct", low=2)
along("unsqueeze", tl.unsqueeze)
along("split", lambda x, dim: tl.split(x, 2, dim))
along("cat_with_itself", lambda x, dim: tl.concatenate([x, x * 2.0, x], dim))
LINEAR |= {"unsqueeze", "split", "cat_with_itself"}


@case(linear=True)
def reshape(draw):
    shape = shapes(draw)
    return lambda x: x.reshape(-1, *shape[:1][::-1]) if 0 not in shape else x.reshape(shape), [values(draw, shape)]


@case(linear=True)
def permute(draw):
    shape = shapes(draw, 1)
    order = draw(st.permutations(range(len(shape))))
    return lambda x: x.permute(*order), [values(draw, shape)]


@case(linear=True)
def transpose(draw):
    shape = shapes(draw, 2)
    return lambda x: x.transpose(0, -1), [values(draw, shape)]


@case(linear=True)
def expand(draw):
    shape = shapes(draw)
    full = sides(draw, 1) + tuple(draw(st.integers(1, 3)) if n == 1 else n for n in shape)
    return lambda x: tl.expand(x, full), [values(draw, shape)]


@case(linear=True)
def sum_to_size(draw):
    full = shapes(draw)
    target = tuple(1 if draw(st.booleans()) else n for n in full)[draw(st.integers(0, len(full))) :]
    return lambda x: tl.sum_to_size(x, target), [values(draw, full)]


@case(linear=True)
def slicing(draw):
    n, m, k = sides(draw, 3, 1, 5)
    start, step = draw(st.integers(-n, n - 1)), draw(st.sampled_from([1, 2, -1]))
    return lambda x: x[start::step, None, ..., -1], [values(draw, (n, m, k))]


@case(linear=True)
def fancy_indexing(draw):
    n, m = sides(draw, 2, 1, 4)
    rows = draw(st.lists(st.integers(-n, n - 1), min_size=1, max_size=5))  # repeats: both gradients add
    return lambda x: x[tl.tensor(rows), m - 1], [values(draw, (n, m))]


@case(linear=True)
def boolean_mask(draw):
    shape = sides(draw, 2)
    mask = values(draw, shape) > 0
    return lambda x: x[mask], [values(draw, shape)]


@case(linear=True)
def gather(draw):
    shape = sides(draw, draw(st.integers(1, 3)))
    dim = draw(st.integers(0, len(shape) - 1))
    places = tuple(draw(st.integers(1, 4)) if k == dim else draw(st.integers(1, n)) for k, n in enumerate(shape))
    index = np.random.default_rng(draw(st.integers(0, 99))).integers(0, shape[dim], places)
    return lambda x: tl.gather(x, dim, index), [values(draw, shape)]


@case
def indexed_assignment(draw):
    n, m = sides(draw, 2, 2, 4)
    rows = draw(st.lists(st.integers(0, n - 1), min_size=1, max_size=3))  # a place named twice keeps the last value

    def assign(x, v):
        y = x * 1.0
        y[rows] = v
        return y * y

    return assign, [values(draw, (n, m)), values(draw, (len(rows), m) if draw(st.booleans()) else (m,))]


@case
def in_place(draw):
    shape = shapes(draw)

    def edit(x, y):
        z = x * 2.0
        z += y
        z *= x
        z -= 1.0
        z /= y
        return z

    return edit, [values(draw, shape), values(draw, shape, "nonzero")]


@case
def concatenate(draw):
    shape = list(sides(draw, draw(st.integers(1, 3))))
    dim = draw(st.integers(0, len(shape) - 1))
    parts = [(*shape[:dim], n, *shape[dim + 1 :]) for n in sides(draw, 2, 1, 3)]
    return lambda *xs: tl.concatenate(xs, dim), [values(draw, p) for p in parts]


@case
def stack(draw):
    shape = shapes(draw)
    dim = draw(st.integers(-len(shape) - 1, len(shape)))
    return lambda *xs: tl.stack(xs, dim), [values(draw, shape) for _ in range(3)]


@case(linear=True)
def pad(draw):
    shape = sides(draw, draw(st.integers(1, 3)))
    frame = [draw(st.integers(0, 2)) for _ in range(2 * draw(st.integers(1, len(shape))))]
    return lambda x: F.pad(x, frame), [values(draw, shape)]


@case
def matmul(draw):
    i, k, j = sides(draw, 3)
    a, b = broadcastable(draw)
    kinds = draw(st.sampled_from(["matrices", "vector-matrix", "matrix-vector", "vectors"]))
    x = (k,) if kinds.startswith("vector") else (*a, i, k)
    y = (k,) if kinds.endswith(("-vector", "vectors")) else (*b, k, j)
    return tl.matmul, [values(draw, x), values(draw, y)]


@case
def linear(draw):
    i, o = sides(draw, 2)
    inputs = [values(draw, (*sides(draw, draw(st.integers(0, 2))), i)), values(draw, (o, i)), values(draw, (o,))]
    return F.linear, inputs if draw(st.booleans()) else inputs[:2]
