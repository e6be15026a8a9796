"""Losses that compare an element with an element. Reductions are PyTorch's: "mean", "sum" or "none".

In PyTorch's order size_average and reduce stand before some arguments; those behind them are given by name here, so that
a positional call never means something else.

The sum of all elements' losses is one operation, without arrays in between; its twin says of which operations.
"""

import math

import numpy as np
from tinylucid_kernels import of

from .. import devices, dtypes
from ..scopes import here
from ..tensor import Tensor, operation
from .activation import logsigmoid
from .choice import abs, clip, where
from .compare import equal
from .elementwise import exp, log
from .reduce import mean, sum
from .shape import tensor_like


@operation(dtypes="float")
def _distance_loss(x, target, *, beta, square, less, over):
    """y = Σ e(d)/over, d = x − target: e = square·d² where |d| ≤ beta, else |d| − less.

    ∂x = g/over·(2·square·d, or the sign of d), ∂target = −∂x.
    """
    return of(x).distance_loss(x, target, beta, square, less) / over


@_distance_loss.rule
def _(g, need, x, target, beta, square, over):
    gx = of(x).distance_loss_backward(devices.as_array(g / over), x, target, beta, square)
    return gx if need[0] else None, -gx if need[1] else None


@_distance_loss.fused
def _(x, target, *, beta, square, less, over):
    return sum(_distances(x - target, beta, square, less)) / over


def _distances(d, beta, square, less):
    """e(d) of each element."""
    if beta == math.inf:
        return d * d if square == 1 else d * d * square
    if not beta:
        return abs(d)
    c = clip(d, -beta, beta)
    return c * (d - c * 0.5) / beta  # both cases in one, and no square overflows


@operation(dtypes="float")
def _logistic_loss(x, target, *, over):
    """y = −Σ (t·log σ(x) + (1 − t)·log σ(−x))/over;  ∂x = g/over·(σ(x) − t), ∂t = −g/over·x."""
    return of(x).logistic_loss(x, target) / over


@_logistic_loss.rule
def _(g, need, x, target, over):
    g = devices.as_array(g / over)  # NumPy makes a scalar of it
    return of(x).logistic_loss_backward(g, x, target) if need[0] else None, -g * x if need[1] else None


@_logistic_loss.fused
def _(x, target, *, over):
    return sum(_logistic(x, target, target)) / over


def _logistic(x, target, positive):
    """−positive·log σ(x) − (1 − target)·log σ(−x) of each element."""
    return -(positive * logsigmoid(x) + (1 - target) * logsigmoid(-x))


@operation(dtypes="float")
def _kl_sum(x, target, *, over):
    """y = Σ t·(log t − x)/over, where 0·log 0 is 0;  ∂x = −g/over·t, ∂t = g/over·(log t − x + [t ≠ 0])."""
    return (target * (np.log(np.where(target == 0, 1, target)) - x)).sum() / over


@_kl_sum.rule
def _(g, need, x, target, over):
    g = g / over
    some = where(equal(target, 0), 1.0, target) if need[1] else None
    return -g * target if need[0] else None, g * (log(some) - x + target / some) if need[1] else None


def _reduced(total, each, input, target, reduction, name, **how):
    """``total(…, over=n)``, the sum as one operation; where each loss is asked for, or nothing is recorded: ``each()``, reduced."""
    tensors = isinstance(input, Tensor) or isinstance(target, Tensor)
    if known(reduction, name) == "none" or not tensors or not input.size:
        return reduce(each(), reduction, name)
    return total(input, target, over=float(input.size) if reduction == "mean" else 1.0, **how)


def mse_loss(input, target, *, reduction="mean"):
    """y = (input − target)², then reduced;  ∂input = 2g·(input − target), over the count for the mean.

    Raises ValueError for shapes that differ.

    Shapes: input and target (…) → (), or (…) for reduction="none".
    Derivation: with d = input − target, ∂y/∂d = 2d and ∂d/∂input = 1, so ∂input = g·2d. The mean of n elements hands
        g/n to each.
    Source: Goodfellow, Bengio and Courville, "Deep learning", 2016, section 5.5.1.
    Exercise: cross_entropy.
    """
    return _distance(input, target, reduction, "mse_loss", math.inf, 1.0, 0.0)


def l1_loss(input, target, *, reduction="mean"):
    """y = |input − target|, then reduced;  ∂input = g·sign(input − target), over the count for the mean.

    Where they agree the gradient is 0. Raises ValueError for shapes that differ.

    Shapes: input and target (…) → (), or (…) for reduction="none".
    Derivation: with d = input − target, ∂y/∂d = sign(d) as in abs and ∂d/∂input = 1: every error pulls equally hard,
        however small, so the best constant is the median, where mse_loss has the mean.
    Source: calculus, the chain rule.
    Exercise: cross_entropy.
    """
    return _distance(input, target, reduction, "l1_loss", 0.0, 0.0, 0.0)


def smooth_l1_loss(input, target, *, reduction="mean", beta=1.0):
    """y = d²/(2·beta) where |d| < beta, else |d| − beta/2, d = input − target, then reduced.

    ∂input = g·d/beta inside, g·sign(d) outside, over the count for the mean. With beta = 0 it is l1_loss. Raises
    ValueError for shapes that differ and for beta < 0.

    Shapes: input and target (…) → (), or (…) for reduction="none".
    Derivation: ∂y/∂d = d/beta inside and sign(d) outside, and at |d| = beta both are ±1: the pieces meet without a
        kink. With c = clip(d, −beta, beta), y = c·(d − c/2)/beta is both pieces in one, and ∂y/∂d = c/beta.
    Source: Girshick, "Fast R-CNN", 2015, equation 3, where beta is 1.
    Exercise: cross_entropy.
    """
    if beta < 0:
        raise ValueError(f"{here('smooth_l1_loss')}: beta must be at least 0, got {beta}")
    beta = float(beta)
    return _distance(input, target, reduction, "smooth_l1_loss", beta, 0.5 / beta if beta else 0.0, 0.5 * beta)


def kl_div(input, target, *, reduction="mean", log_target=False):
    """y = target·(log target − input), for log-probabilities input, then reduced: a divergence;  ∂input = −g·target.

    target holds probabilities, or their logs with ``log_target``; a target of 0 costs 0. Reduction "batchmean", the sum
    over N, gives the mean divergence of (N, C); "mean" divides by N·C. Raises ValueError for shapes that differ.

    Shapes: input and target (…) → (), or (…) for reduction="none".
    Derivation: y is linear in the input, and ∂y/∂input = −target. With the input log softmax(z), whose rule is
        u − p·Σ u, u = −target gives p − target for z, if the target adds up to 1: as in cross_entropy, from which it
        differs by a constant, the target's entropy.
    Source: Kullback and Leibler, "On information and sufficiency", 1951.
    Exercise: cross_entropy.
    """
    _same_shape(input, target, "kl_div")
    rows, batch = input.shape[:1] or (0,), reduction == "batchmean"
    if batch and not rows[0]:
        raise ValueError(
            f"{here('kl_div')}: reduction 'batchmean' needs a batch of at least one row, got {input.shape}"
        )

    def each():
        log_t = target if log_target else log(where(equal(target, 0), 1.0, target))
        return (exp(target) if log_target else target) * (log_t - input)

    total = (lambda x, t, over: sum(each()) / over) if log_target else _kl_sum
    if batch:
        return total(input, target, over=float(rows[0]))
    return _reduced(total, each, input, target, reduction, "kl_div")


def binary_cross_entropy_with_logits(input, target, weight=None, *, reduction="mean", pos_weight=None):
    """y = −pos_weight·target·log σ(input) − (1 − target)·log(1 − σ(input)), then reduced, exact for logits of any size.

    ∂input = g·(σ(input) − target) where pos_weight is 1. target is in [0, 1]; ``weight`` and ``pos_weight`` weigh every
    element and the positive part. Raises ValueError for shapes that do not fit.

    Shapes: input and target (…), weight and pos_weight of shapes that broadcast to it → (), or (…) for
        reduction="none".
    Derivation: log(1 − σ(x)) = log σ(−x), and ∂ log σ(x)/∂x = σ(−x) = 1 − σ(x) (see logsigmoid), so
        ∂ log σ(−x)/∂x = −σ(x). With t the target, ∂y/∂x = −t·(1 − σ(x)) + (1 − t)·σ(x) = σ(x) − t:
        it vanishes only where σ(x) is right.
    Source: Goodfellow, Bengio and Courville, "Deep learning", 2016, section 6.2.2.2.
    Exercise: cross_entropy.
    """
    name = "binary_cross_entropy_with_logits"
    _same_shape(input, target, name)
    if weight is None and pos_weight is None:
        return _reduced(_logistic_loss, lambda: _logistic(input, target, target), input, target, reduction, name)
    positive = target if pos_weight is None else target * _broadcastable(pos_weight, input, "pos_weight")
    loss = _logistic(input, target, positive)
    if weight is not None:
        loss = loss * _broadcastable(weight, input, "weight")
    return reduce(loss, reduction, name)


def _same_shape(input, target, name):
    if tensor_like(input, name).shape != tensor_like(target, name).shape:
        raise ValueError(
            f"{here(name)}: input {input.shape} and target {target.shape} differ; broadcasting here is nearly always a mistake: "
            "make them one shape, by squeeze or reshape"
        )


def _distance(input, target, reduction, name, beta, square, less):
    """The losses of d = input − target: square·d² where |d| ≤ beta, |d| − less beyond; reduced."""
    _same_shape(input, target, name)
    how = {"beta": beta, "square": square, "less": less}
    return _reduced(_distance_loss, lambda: _distances(input - target, **how), input, target, reduction, name, **how)


def constant(weight, x):
    """A weight as an array of x's dtype; it gets no gradient."""
    array = devices.constant(weight, x, here("loss weight"))
    return array.astype(x.dtype if x.dtype.kind == "f" else dtypes.default)


def _broadcastable(weight, x, name):
    """The weight as a constant that broadcasts to x's shape; ValueError where it does not."""
    array = constant(weight, x)
    if array.ndim > x.ndim or any(n not in (1, m) for n, m in zip(array.shape[::-1], x.shape[::-1])):
        raise ValueError(
            f"{here('binary_cross_entropy_with_logits')}: {name} {array.shape} must broadcast to the input {x.shape}"
        )
    return array


def reduce(loss, reduction, name):
    """The mean, the sum, or the elements themselves."""
    if known(reduction, name) == "none":
        return loss
    return mean(loss) if reduction == "mean" else sum(loss)


def known(reduction, name):
    """``reduction``, if there is one of that name; ValueError otherwise."""
    if reduction not in ("mean", "sum", "none"):
        raise ValueError(
            f"{here(name)}: reduction must be 'mean', 'sum' or 'none', got {reduction!r}; name one of these"
        )
    return reduction
