"""Every differentiable operation as a case: a function and inputs drawn by hypothesis, for all tests that run over them.

A case is a function of hypothesis' ``draw``; it returns (function, inputs). Values come from a drawn seed, so that
shrinking works on shapes and arguments. Inputs stay clear of kinks (relu, abs: |x| ≥ 0.05; maxima: distinct values).
"""

import numpy as np
from hypothesis import strategies as st

import tinylucid as tl

F = tl.nn.functional
CASES = {}
LINEAR = set()  # cases whose function is linear in its first input


def case(function=None, *, linear=False):
    """Register a case under its name."""
    if function is None:
        return lambda f: case(f, linear=linear)
    CASES[function.__name__] = function
    if linear:
        LINEAR.add(function.__name__)
    return function


def sides(draw, count, low=1, high=4):
    """Sizes of axes, size 1 included."""
    return tuple(draw(st.integers(low, high)) for _ in range(count))


def shapes(draw, low=0, high=3):
    """A shape of up to three axes, 0-d included."""
    return sides(draw, draw(st.integers(low, high)))


def values(draw, shape, kind="normal"):
    """An array of that shape: normal, away from zero, positive, or all distinct."""
    rng = np.random.default_rng(draw(st.integers(0, 2**31)))
    x = rng.standard_normal(shape)
    if kind == "nonzero":
        x = np.where(x < 0, -1, 1) * (0.05 + np.abs(x))
    elif kind == "positive":
        x = 0.3 + np.abs(x)
    elif kind == "distinct":
        x = (rng.permutation(x.size).reshape(shape) - x.size / 2) * 0.1
    return np.asarray(x)


def broadcastable(draw):
    """Two shapes that broadcast: axes of size 1, missing leading axes, 0-d."""
    full = shapes(draw)
    both = [tuple(1 if draw(st.booleans()) else n for n in full)[draw(st.integers(0, len(full))) :] for _ in range(2)]
    return [full[len(full) - len(b) :] if draw(st.booleans()) else b for b in both]


def unary(name, function, kind="normal", low=0):
    """Register a function of one tensor of any shape."""

    def build(draw):
        return function, [values(draw, shapes(draw, low), kind)]

    CASES[name] = build


def binary(name, function, kinds=("normal", "normal")):
    """Register a function of two tensors that broadcast."""

    def build(draw):
        a, b = broadcastable(draw)
        return function, [values(draw, a, kinds[0]), values(draw, b, kinds[1])]

    CASES[name] = build


unary("neg", lambda x: -x)
unary("abs", tl.abs, "nonzero")
unary("square", lambda x: x**2)
unary("cube", lambda x: x**3)
unary("power_zero", lambda x: x**0 + x)
unary("power_half", lambda x: x**0.5, "positive")
unary("power_negative", lambda x: x**-1.5, "positive")
unary("reciprocal", lambda x: 1 / x, "nonzero")
unary("exp", tl.exp)
unary("exponential_of_a_number", lambda x: 2.0**x)
unary("log", tl.log, "positive")
unary("sqrt", tl.sqrt, "positive")
unary("sin", tl.sin)
unary("cos", tl.cos)
unary("tanh", tl.tanh)
unary("sigmoid", tl.sigmoid)
unary("relu", tl.relu, "nonzero")
unary("leaky_relu", lambda x: tl.leaky_relu(x, 0.3), "nonzero")
unary("gelu", F.gelu)
unary("gelu_tanh", lambda x: F.gelu(x, "tanh"))
unary("clip", lambda x: tl.clip(x, -0.42, 0.77))
unary("clip_below", lambda x: tl.clip(x, min=-0.42))
unary("clone", lambda x: x.clone())
unary("max_all", lambda x: x.max(), "distinct")
unary("min_all", lambda x: x.min(), "distinct")
unary("flatten", lambda x: x.flatten())
unary("squeeze", lambda x: x.squeeze())
unary("reused", lambda x: x * x + tl.exp(x) * x)
binary("add", lambda x, y: x + y)
binary("sub", lambda x, y: x - y)
binary("mul", lambda x, y: x * y)
binary("div", lambda x, y: x / y, ("normal", "nonzero"))
binary("pow_tensor", lambda x, y: x**y, ("positive", "normal"))
binary("maximum", tl.maximum)
binary("minimum", tl.minimum)


@case
def where(draw):
    x, y = broadcastable(draw)
    condition = values(draw, np.broadcast_shapes(x, y)) > 0
    return lambda a, b: tl.where(condition, a, b), [values(draw, x), values(draw, y)]


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
reduction("var_biased", lambda x, dim, keepdim: tl.var(x, dim, 0, keepdim))
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


def windows(draw, h, w, dilated=True):
    """kernel (rows ≠ columns often), stride, padding up to kernel − 1, dilation; small enough for an h × w picture."""
    kernel = sides(draw, 2, 1, 3)
    padding = tuple(draw(st.integers(0, k - 1)) for k in kernel)
    dilation = tuple(
        draw(st.integers(1, 2 if dilated and 2 * (k - 1) < n + 2 * p else 1))
        for k, p, n in zip(kernel, padding, (h, w))
    )
    kernel = tuple(k if d * (k - 1) < n + 2 * p else 1 for k, p, n, d in zip(kernel, padding, (h, w), dilation))
    return kernel, sides(draw, 2, 1, 3), tuple(min(p, k - 1) for p, k in zip(padding, kernel)), dilation


@case
def conv2d(draw):
    n, groups, per_in, per_out = sides(draw, 4, 1, 2)
    h, w = sides(draw, 2, 1, 5)
    kernel, stride, padding, dilation = windows(draw, h, w)
    inputs = [
        values(draw, (n, groups * per_in, h, w)),
        values(draw, (groups * per_out, per_in, *kernel)),
        values(draw, (groups * per_out,)),
    ]
    if draw(st.booleans()):
        inputs.pop()
    how = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    return lambda x, w, b=None: F.conv2d(x, w, b, **how), inputs


@case(linear=True)
def conv2d_of_the_input(draw):
    function, (x, w, *_) = conv2d(draw)
    return lambda x: function(x, w), [x]


@case(linear=True)
def conv2d_of_the_weight(draw):
    function, (x, w, *_) = conv2d(draw)
    return lambda w: function(x, w), [w]


@case
def conv2d_same(draw):
    h, w = sides(draw, 2, 2, 4)
    inputs = [values(draw, (2, 1, h, w)), values(draw, (2, 1, *sides(draw, 2, 1, 3)))]
    return lambda x, w: F.conv2d(x, w, padding="same"), inputs


@case
def max_pool2d(draw):
    n, c, h, w = *sides(draw, 2, 1, 2), *sides(draw, 2, 1, 5)
    kernel, stride, padding, dilation = windows(draw, h, w)
    padding = tuple(min(p, k // 2) for p, k in zip(padding, kernel))
    kernel = tuple(k if d * (k - 1) < s + 2 * p else 1 for k, p, s, d in zip(kernel, padding, (h, w), dilation))
    padding = tuple(min(p, k // 2) for p, k in zip(padding, kernel))
    dilation = tuple(min(d, n) for d, n in zip(dilation, (h, w)))
    indices = draw(st.booleans())
    pool = lambda x: F.max_pool2d(x, kernel, stride, padding, dilation, indices)
    return lambda x: pool(x)[0] if indices else pool(x), [values(draw, (n, c, h, w), "distinct")]


@case(linear=True)
def avg_pool2d(draw):
    n, c, h, w = *sides(draw, 2, 1, 2), *sides(draw, 2, 1, 5)
    kernel, stride, padding, _ = windows(draw, h, w, dilated=False)
    padding = tuple(min(p, k // 2) for p, k in zip(padding, kernel))
    kernel = tuple(min(k, s + 2 * p) for k, p, s in zip(kernel, padding, (h, w)))
    padding = tuple(min(p, k // 2) for p, k in zip(padding, kernel))
    count = draw(st.booleans())
    return lambda x: F.avg_pool2d(x, kernel, stride, padding, count), [values(draw, (n, c, h, w))]


@case(linear=True)
def adaptive_avg_pool2d(draw):
    n, c, h, w = *sides(draw, 2, 1, 2), *sides(draw, 2, 1, 5)
    size = draw(st.sampled_from([1, (2, 3), (None, 2), (h, 1)]))
    return lambda x: F.adaptive_avg_pool2d(x, size), [values(draw, (n, c, h, w))]


@case
def batch_norm_train(draw):
    n, c = draw(st.integers(3, 4)), draw(st.integers(1, 3))  # of two values the gradient nearly cancels
    x = values(draw, (n, c, *sides(draw, draw(st.integers(0, 2)), 1, 3)), "distinct")
    inputs = [x + values(draw, x.shape), values(draw, (c,)), values(draw, (c,))]
    return lambda x, w, b: F.batch_norm(x, None, None, w, b, training=True), inputs


@case
def batch_norm_fixed(draw):
    n, c = sides(draw, 2, 1, 3)
    inputs = [values(draw, (n, c, *sides(draw, draw(st.integers(0, 2)), 1, 3))), values(draw, (c,)), values(draw, (c,))]
    mean, var = tl.tensor(values(draw, (c,))), tl.tensor(values(draw, (c,), "positive"))
    return lambda x, w, b: F.batch_norm(x, mean.to(x.dtype), var.to(x.dtype), w, b), inputs


@case(linear=True)
def dropout(draw):
    p = draw(st.sampled_from([0.0, 0.3, 0.9, 1.0]))
    return lambda x: F.dropout(x, p), [values(draw, shapes(draw))]


@case
def cross_entropy(draw):
    n, c = sides(draw, 2, 1, 4)
    places = sides(draw, draw(st.integers(0, 2)), 1, 2)
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    target = rng.integers(0, c, (n, *places))
    if draw(st.booleans()) and target.size > 1:
        target.reshape(-1)[1:][rng.random(target.size - 1) < 0.3] = -100
    how = {
        "weight": rng.random(c) + 0.5 if draw(st.booleans()) else None,
        "label_smoothing": draw(st.sampled_from([0.0, 0.2])),
        "reduction": draw(st.sampled_from(["mean", "sum", "none"])),
    }
    return lambda z: F.cross_entropy(z, target, **how), [values(draw, (n, c, *places))]


@case
def cross_entropy_soft(draw):
    n, c = sides(draw, 2, 1, 4)
    q = values(draw, (n, c), "positive")
    weight = values(draw, (c,), "positive") if draw(st.booleans()) else None
    return lambda z, q: F.cross_entropy(z, q, weight=weight, label_smoothing=0.1), [values(draw, (n, c)), q]


@case
def mse_loss(draw):
    shape = shapes(draw, 1)
    reduction = draw(st.sampled_from(["mean", "sum", "none"]))
    return lambda x, y: F.mse_loss(x, y, reduction), [values(draw, shape), values(draw, shape)]


@case(linear=True)
def cast(draw):
    return lambda x: x.to(tl.float64).to(x.dtype), [values(draw, shapes(draw))]


assert all(name in CASES for name in LINEAR), LINEAR - set(CASES)
