"""Cases: what layers are made of beside convolution: activations, norms, further losses, embedding."""

import numpy as np
from hypothesis import strategies as st

import tinylucid as tl

from .draws import case, shapes, sides, unary, values

F = tl.nn.functional
reductions = st.sampled_from(["mean", "sum", "none"])


unary("softplus", F.softplus)
unary("softplus_sharp", lambda x: F.softplus(x, 3.0, 1.0 + 1 / 7), "distinct")  # some beyond the threshold, none near
unary("logsigmoid", F.logsigmoid)
unary("silu", F.silu)
unary("elu", lambda x: F.elu(x, 0.7), "nonzero")


@case
def nll_loss(draw):
    n, c = sides(draw, 2, 1, 4)
    places = sides(draw, draw(st.integers(0, 2)), 1, 2)
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    target = rng.integers(0, c, (n, *places))
    target.reshape(-1)[1:][rng.random(target.size - 1) < 0.3] = -100
    how = {"weight": rng.random(c) + 0.5 if draw(st.booleans()) else None, "reduction": draw(reductions)}
    return lambda x: F.nll_loss(x, target, **how), [values(draw, (n, c, *places))]


@case
def binary_cross_entropy_with_logits(draw):
    shape, reduction = shapes(draw, 1), draw(reductions)
    weight = values(draw, shape, "positive") if draw(st.booleans()) else None
    pos_weight = values(draw, shape[-1:], "positive") if draw(st.booleans()) else None
    loss = lambda x, y: F.binary_cross_entropy_with_logits(x, y, weight, reduction=reduction, pos_weight=pos_weight)
    return loss, [values(draw, shape), values(draw, shape)]


@case
def l1_loss(draw):
    x, reduction = values(draw, shapes(draw, 1)), draw(reductions)
    return lambda x, y: F.l1_loss(x, y, reduction=reduction), [x, x + values(draw, x.shape, "nonzero")]


@case
def smooth_l1_loss(draw):
    x, reduction, beta = values(draw, shapes(draw, 1)), draw(reductions), draw(st.sampled_from([0.17, 0.42]))
    return lambda x, y: F.smooth_l1_loss(x, y, reduction=reduction, beta=beta), [
        x,
        x + values(draw, x.shape, "distinct") + 0.05,
    ]


@case
def kl_div(draw):
    shape, log_target = shapes(draw, 1), draw(st.booleans())
    reduction = draw(st.sampled_from(["mean", "sum", "none", "batchmean"]))
    inputs = [values(draw, shape), values(draw, shape, "normal" if log_target else "positive")]
    return lambda x, y: F.kl_div(x, y, reduction=reduction, log_target=log_target), inputs


def spread_out(draw, shape):
    """Well apart, so that no statistic is ill-conditioned."""
    return values(draw, shape, "distinct") + values(draw, shape)


@case
def layer_norm(draw):
    shape = (
        *sides(draw, draw(st.integers(0, 1)), 1, 3),
        draw(st.integers(3, 5)),
    )  # of two values the gradient nearly cancels
    inputs = [spread_out(draw, (*sides(draw, draw(st.integers(0, 2)), 1, 3), *shape))]
    inputs += [values(draw, shape) for _ in range(draw(st.integers(0, 2)))]
    return lambda x, w=None, b=None: F.layer_norm(x, shape, w, b), inputs


@case
def group_norm(draw):
    n, groups, each = sides(draw, 3, 1, 2)
    c = groups * each
    inputs = [spread_out(draw, (n, c, draw(st.integers(3, 4)), *sides(draw, draw(st.integers(0, 1)), 1, 2)))]
    inputs += [values(draw, (c,)) for _ in range(draw(st.integers(0, 2)))]
    return lambda x, w=None, b=None: F.group_norm(x, groups, w, b), inputs


@case
def instance_norm(draw):
    n, c = sides(draw, 2, 1, 3)
    inputs = [spread_out(draw, (n, c, *sides(draw, draw(st.integers(0, 1)), 1, 2), draw(st.integers(3, 4))))]
    inputs += [values(draw, (c,)) for _ in range(draw(st.integers(0, 2)))]
    return lambda x, w=None, b=None: F.instance_norm(x, None, None, w, b), inputs


@case(linear=True)
def embedding(draw):
    rows, width = sides(draw, 2, 1, 4)
    places = np.random.default_rng(draw(st.integers(0, 99))).integers(0, rows, sides(draw, draw(st.integers(0, 2))))
    padding_idx = draw(st.sampled_from([None, -rows])) if (places > 0).all() else None
    return lambda w: F.embedding(places, w, padding_idx), [values(draw, (rows, width))]
