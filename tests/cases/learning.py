"""Cases: normalisation, dropout, losses."""

import numpy as np
from hypothesis import strategies as st

import tinylucid as tl

from .draws import case, shapes, sides, values

F = tl.nn.functional


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
    running = values(draw, (c,)), values(draw, (c,), "positive")
    return lambda x, w, b: F.batch_norm(x, *(tl.tensor(r, dtype=x.dtype) for r in running), w, b), inputs


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
    return lambda x, y: F.mse_loss(x, y, reduction=reduction), [values(draw, shape), values(draw, shape)]
