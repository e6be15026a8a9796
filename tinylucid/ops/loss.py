"""Losses, and dropout's mask. Reductions are PyTorch's: "mean", "sum" or "none"."""

import numpy as np
from tinylucid_kernels import of

from ..random import default_generator
from ..scopes import here
from ..tensor import Tensor, operation
from .elementwise import where
from .reduce import _sum, log_softmax, mean, sum
from .shape import _permute, _reshape, _take, tensor_like


@operation(dtypes="float")
def _cross_entropy(logits, *, target, weight, ignore_index, label_smoothing, over):
    """Rows of logits (M, C): each row's loss, or their sum divided by ``over``; the kernel gives ∂loss/∂logits beside it."""
    loss, slope = of(logits).cross_entropy(logits, target, weight, ignore_index, label_smoothing)
    return loss if over is None else loss.sum() / over, {"slope": slope}


@_cross_entropy.rule
def _(g, slope, over):
    return slope * (g[:, None] if over is None else g / over)


@_cross_entropy.fused
def _(logits, *, target, weight, ignore_index, label_smoothing, over):
    m, c = logits.shape
    log_p = log_softmax(logits, 1)
    counted = np.ones(m, bool) if ignore_index is None else target != ignore_index
    labels = np.where(counted, target, 0)
    w = np.ones(c, logits.dtype) if weight is None else weight
    picked = _take(log_p, index=(np.arange(m), labels)) * (w[labels] * (1 - label_smoothing))
    if label_smoothing:  # where nobody wants a class, its log p may be −inf, and 0 · −inf is NaN
        picked = picked + _sum(log_p * w, axes=(1,), keepdim=False) * (label_smoothing / c)
    loss = -where(counted, picked, 0.0)
    return loss if over is None else sum(loss) / over


def cross_entropy(input, target, weight=None, ignore_index=-100, reduction="mean", label_smoothing=0.0):
    """−log softmax(input)[target], the loss of a classifier;  ∂input = softmax − one-hot (over the count, for the mean).

    input: logits (N, C) or (N, C, d1, …). target: class numbers (N, d1, …) in [0, C), or probabilities of input's
    shape. ``weight`` (C,) weighs classes; rows of class ``ignore_index`` do not count; the mean is over Σ weight[target].
    ``label_smoothing`` ε in [0, 1] mixes the target with the uniform distribution. Raises ValueError for an empty
    batch, shapes that do not fit or a label out of range, TypeError for labels that are no integers.
    """
    c, labels, weight = _classes(input, target, weight, label_smoothing)
    rows = input
    if input.ndim > 2:
        rows = _reshape(_permute(input, axes=(0, *range(2, input.ndim), 1)), shape=(-1, c))
    if labels.shape == input.shape and labels.dtype.kind == "f":
        if ignore_index >= 0:
            raise ValueError(
                f"{here('cross_entropy')}: ignore_index={ignore_index} means nothing where targets are probabilities"
            )
        return _soft_cross_entropy(input, target, weight, reduction, label_smoothing)
    flat = labels.reshape(-1)
    outside = (flat < 0) | (flat >= c)
    if outside.any():
        wrong = outside & (flat != ignore_index)
        if wrong.any():
            k = int(wrong.argmax())
            raise ValueError(
                f"{here('cross_entropy')}: label {flat[k]} at position {k} is outside 0 … {c - 1}; input has {c} classes"
            )
    elif not 0 <= ignore_index < c:
        ignore_index = None  # every row counts
    over = 1.0 if _known(reduction, "cross_entropy") == "sum" else None
    if reduction == "mean":
        counted = flat if ignore_index is None else flat[flat != ignore_index]
        over = float(counted.size if weight is None else weight[counted].sum())
        if not over:
            raise ValueError(
                f"{here('cross_entropy')}: no row counts, all are ignore_index={ignore_index} or of weight 0: there is no mean"
            )
    how = {"weight": weight, "ignore_index": ignore_index, "label_smoothing": float(label_smoothing), "over": over}
    loss = _cross_entropy(rows, target=flat, **how)
    return _reshape(loss, shape=labels.shape) if over is None else loss


def _classes(input, target, weight, label_smoothing):
    """The number of classes, and target and weight as arrays, checked against the logits."""
    if tensor_like(input, "cross_entropy").ndim < 2 or not input.size:
        raise ValueError(
            f"{here('cross_entropy')}: expected logits (N, C) or (N, C, …) with N, C ≥ 1, got {input.shape}"
        )
    labels = target.data if isinstance(target, Tensor) else np.asarray(target)
    soft = labels.shape == input.shape and labels.dtype.kind == "f"
    if not soft and labels.dtype.kind not in "iu":
        raise TypeError(
            f"{here('cross_entropy')}: class labels must be integers, got {labels.dtype} of shape {labels.shape}"
        )
    if not soft and labels.shape != (input.shape[0], *input.shape[2:]):
        raise ValueError(
            f"{here('cross_entropy')}: logits {input.shape} need labels of shape {(input.shape[0], *input.shape[2:])}, got {labels.shape}"
        )
    c = input.shape[1]
    if weight is not None:
        weight = (weight.data if isinstance(weight, Tensor) else np.asarray(weight)).astype(input.dtype)
        if weight.shape != (c,):
            raise ValueError(
                f"{here('cross_entropy')}: weight must have one number a class, ({c},), got {weight.shape}"
            )
    if not 0 <= label_smoothing <= 1:
        raise ValueError(f"{here('cross_entropy')}: label_smoothing must be in [0, 1], got {label_smoothing}")
    return c, labels, weight


def _soft_cross_entropy(input, target, weight, reduction, label_smoothing):
    """−Σ_c w_c · target_c · log p_c; the mean is over the batch and places, as in PyTorch."""
    c = input.shape[1]
    q = target * (1 - label_smoothing) + label_smoothing / c
    surprise = -q * log_softmax(input, 1)
    if weight is not None:
        surprise = surprise * weight.reshape(c, *(1,) * (input.ndim - 2))
    loss = sum(surprise, 1)
    return reduce(loss, reduction, "cross_entropy")


def mse_loss(input, target, reduction="mean"):
    """(input − target)², elementwise;  ∂input = 2·(input − target). ValueError for shapes that differ."""
    if tensor_like(input, "mse_loss").shape != tensor_like(target, "mse_loss").shape:
        raise ValueError(
            f"{here('mse_loss')}: input {input.shape} and target {target.shape} differ; broadcasting here is nearly always a mistake"
        )
    difference = input - target
    return reduce(difference * difference, reduction, "mse_loss")


def reduce(loss, reduction, where):
    """The mean, the sum, or the elements themselves."""
    if _known(reduction, where) == "none":
        return loss
    return mean(loss) if reduction == "mean" else sum(loss)


def _known(reduction, where):
    if reduction not in ("mean", "sum", "none"):
        raise ValueError(f"{here(where)}: reduction must be 'mean', 'sum' or 'none', got {reduction!r}")
    return reduction


@operation(dtypes="float")
def _dropout(x, *, p, seed, offset):
    mask = of(x).dropout_mask(x, p, seed, offset)
    return x * mask * (1 / (1 - p) if p < 1 else 0.0), {"mask": mask}


@_dropout.rule
def _(g, mask, p):
    return g * mask * (1 / (1 - p) if p < 1 else 0.0)


def dropout(input, p=0.5, training=True, rng=None):
    """Each element zeroed with probability p in [0, 1], the others divided by 1 − p (Srivastava et al., 2014).

    The mask comes from the counter of ``rng`` (default: the generator of ``tl.manual_seed``), a word an element, the
    same on every device;  ∂x = g·mask / (1 − p). Without ``training`` the input itself.
    """
    if not 0 <= p <= 1:
        raise ValueError(f"{here('dropout')}: p must be in [0, 1], got {p}")
    if not training or p == 0:
        return input
    rng = rng or default_generator
    return _dropout(input, p=float(p), seed=rng.seed, offset=rng.advance(input.size))
