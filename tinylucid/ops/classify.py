"""Losses of classifiers: −log of the probability that the wanted class gets, from logits or from log-probabilities."""

import numpy as np
from tinylucid_kernels import of
from tinylucid_kernels.gpu import replay

from .. import devices
from ..scopes import here
from ..tensor import operation
from .choice import where
from .indexing import _take
from .loss import constant, known, reduce
from .reduce import _sum, log_softmax, sum
from .shape import tensor_like


@operation(dtypes="float")
def _cross_entropy(logits, *, target, weight, ignore_index, label_smoothing, over):
    """Logits (N, C, …): each place's loss, or their sum divided by ``over``; the kernel gives ∂loss/∂logits beside it."""
    loss, slope = of(logits).cross_entropy(logits, target, weight, ignore_index, label_smoothing)
    return loss if over is None else loss.sum() / over, {"slope": slope}


@_cross_entropy.rule
def _(g, slope, over):
    return slope * (g[:, None] if over is None else g / over)


@_cross_entropy.fused
def _(logits, *, target, weight, ignore_index, label_smoothing, over):
    log_p = log_softmax(logits, 1)
    loss = _surprise(log_p, target, weight, ignore_index)
    if label_smoothing:  # where nobody wants a class, its log p may be −inf, and 0 · −inf is NaN
        everywhere = -_sum(log_p if weight is None else log_p * _by_class(weight, log_p), axes=(1,), keepdim=False)
        everywhere = everywhere if ignore_index is None else where(target != ignore_index, everywhere, 0.0)
        loss = loss * (1 - label_smoothing) + everywhere * (label_smoothing / logits.shape[1])
    return loss if over is None else sum(loss) / over


def _by_class(weight, x):
    """(C,) shaped to broadcast along axis 1 of x."""
    return weight.reshape(-1, *(1,) * (x.ndim - 2))


def _surprise(log_p, target, weight, ignore_index):
    """−weight[target]·log_p[target] at each place of log_p (N, C, …); 0 where the target is ignored."""
    counted = None if ignore_index is None else target != ignore_index
    labels = target if counted is None else np.where(counted, target, 0)
    surprise = -_take(log_p, index=_at_labels(labels))
    if weight is not None:
        surprise = surprise * weight[labels]
    return surprise if counted is None else where(counted, surprise, 0.0)


def _at_labels(labels):
    """The index of x[n, labels[n, …], …] at each place."""
    if labels.ndim == 1:
        return devices.fixed(np.arange(len(labels))), labels
    n, *places = np.indices(labels.shape, sparse=True)
    return n, labels, *places


@operation(dtypes="float")
def _picked_sum(x, *, index, scale):
    """y = scale·Σ x[index], the index naming no place twice;  ∂x = zeros with g·scale there, by _picked."""
    return x[index].sum() * scale


@_picked_sum.rule
def _(g, shapes, index, scale):
    return _picked(g, index=index, scale=scale, shape=shapes[0])


@operation(dtypes="float")
def _picked(y, *, index, scale, shape):
    """x = zeros of ``shape`` with y·scale at the index, y of one element: the adjoint of _picked_sum;  ∂y = _picked_sum(g)."""
    out = devices.namespace(y).zeros(shape, y.dtype)
    out[index] = y * scale
    return out


@_picked.rule
def _(g, index, scale):
    return _picked_sum(g, index=index, scale=scale)


def cross_entropy(input, target, weight=None, *, ignore_index=-100, reduction="mean", label_smoothing=0.0):
    """y = −log softmax(input)[target], the loss of a classifier, then reduced.

    ∂input = g·(softmax − one-hot), over the count for the mean. target: class numbers in [0, C), or probabilities of
    input's shape. ``weight`` (C,) weighs classes; rows of class ``ignore_index`` do not count; the mean is over
    Σ weight[target]. ``label_smoothing`` ε in [0, 1] mixes the target with the uniform distribution. Raises ValueError
    for an empty batch, shapes that do not fit or a label out of range, TypeError for labels that are no integers.

    Shapes: input (N, C) or (N, C, d1, …), target (N, d1, …) → (), or (N, d1, …) for reduction="none".
    Derivation: for a row of logits z with label t, y = logsumexp(z) − z[t]; the first has the gradient p = softmax(z),
        so ∂y/∂z[c] = p[c] − [c = t], and the mean of N rows hands g/N to each: ∂z = (p − one-hot)·g/N. In general, for
        y = −Σ_c q[c]·log p[c] = Q·logsumexp(z) − Σ_c q[c]·z[c] with Q = Σ q, ∂y/∂z = Q·p − q: weights and ε are in q.
    Source: Goodfellow, Bengio and Courville, "Deep learning", 2016, section 6.2.2.3; ε: Szegedy et al., "Rethinking the
        Inception architecture for computer vision", 2016, section 7.
    Exercise: cross_entropy.
    """
    tensor_like(input, "cross_entropy")
    labels = devices.constant(target, input, here("cross_entropy"))
    soft = labels.shape == input.shape and labels.dtype.kind == "f"
    weight = _checked(input, None if soft else labels, weight, "cross_entropy")
    if not 0 <= label_smoothing <= 1:
        raise ValueError(f"{here('cross_entropy')}: label_smoothing must be in [0, 1], got {label_smoothing}")
    if soft:
        if ignore_index >= 0:
            raise ValueError(
                f"{here('cross_entropy')}: ignore_index={ignore_index} means nothing where targets are probabilities"
            )
        return _soft_cross_entropy(input, target, weight, reduction, label_smoothing)
    how = _counting(input, labels, weight, ignore_index, reduction, "cross_entropy")
    return _cross_entropy(input, label_smoothing=float(label_smoothing), **how)


def nll_loss(input, target, weight=None, *, ignore_index=-100, reduction="mean"):
    """y = −input[target], input being log-probabilities, then reduced.

    ∂input = −g·one-hot, over the count for the mean. With log_softmax before it, it is cross_entropy. The other
    arguments, the mean and what is raised are as there.

    Shapes: input (N, C) or (N, C, d1, …), target (N, d1, …) → (), or (N, d1, …) for reduction="none".
    Derivation: a row's y = −x[t], so ∂y/∂x[c] = −[c = t]. log_softmax, whose rule is u − p·Σ u, turns this u = −one-hot
        into p − one-hot, since Σ u = −1: cross_entropy's gradient.
    Source: Goodfellow, Bengio and Courville, "Deep learning", 2016, section 5.5.
    Exercise: cross_entropy.
    """
    tensor_like(input, "nll_loss")
    labels = devices.constant(target, input, here("nll_loss"))
    weight = _checked(input, labels, weight, "nll_loss")
    how = _counting(input, labels, weight, ignore_index, reduction, "nll_loss")
    over = how.pop("over")
    if over is not None and weight is None and how["ignore_index"] is None:
        return _picked_sum(input, index=_at_labels(labels), scale=-1 / over)
    loss = _surprise(input, **how)
    return loss if over is None else sum(loss) / over


def checked_labels(input, target, weight, ignore_index, name):
    """Class numbers and weights (None for none) as arrays beside the logits; raises as cross_entropy, in the name of that loss."""
    tensor_like(input, name)
    labels = devices.constant(target, input, here(name))
    weight = _checked(input, labels, weight, name)
    _counting(input, labels, None, ignore_index, "mean", name)
    return labels, weight


def _checked(input, labels, weight, name):
    """The weight as an array of input's dtype; raises where input, labels (None: probabilities) and weight do not fit."""
    shape = input.shape
    if len(shape) < 2 or 0 in shape:
        raise ValueError(
            f"{here(name)}: expected input (N, C) or (N, C, …) with N, C ≥ 1, got {input.shape}; logits come first, labels second"
        )
    if labels is not None and labels.dtype.kind not in "iu":
        raise TypeError(
            f"{here(name)}: class labels must be integers, got {labels.dtype} of shape {labels.shape}; use y.long() or y.astype(int)"
        )
    places = (shape[0], *shape[2:])
    if labels is not None and labels.shape != places:
        raise ValueError(
            f"{here(name)}: input {shape} needs labels of shape {places}, got {labels.shape}; give {_instead(labels.shape, shape)}"
        )
    if weight is None:
        return None
    weight = constant(weight, input)
    if weight.shape != input.shape[1:2]:
        raise ValueError(
            f"{here(name)}: weight must have one number a class, {input.shape[1:2]}, got {weight.shape}; leave none out"
        )
    return weight


def _instead(labels, shape):
    """What to give instead of labels of that shape, beside input of that shape."""
    if labels == shape:
        return "y.argmax(1) if they are one-hot"
    if len(shape) > 2 and labels == (shape[0], 1, *shape[2:]):
        return "y[:, 0] if they are masks with a channel of their own"
    if len(labels) == len(shape) - 1 > 1:
        return (
            "masks as large as the logits: enlarge them by the nearest pixel, or build a net that answers at their size"
        )
    if len(shape) == 2 and len(labels) == 3:
        return "one class number for each row, or for masks a net that answers for every pixel (tl.models.SEGMENTERS)"
    return "one class number for each place, counted from 0"


def _counting(input, labels, weight, ignore_index, reduction, name):
    """What the losses depend on: target, weight, ignore_index (None: every place counts), and what the sum is over."""
    over, wrong, ignored = labels.size, -1, 0
    # so it usually is, which NumPy sees at a glance: as unsigned numbers negative labels are the largest
    plain = type(labels) is np.ndarray and weight is None and not 0 <= ignore_index < input.shape[1]
    if not plain or labels.astype(np.int64, copy=False).view(np.uint64).max() >= input.shape[1]:
        over, wrong, ignored = of(labels).label_weight(labels, weight, input.shape[1], ignore_index, input.dtype)
    if wrong >= 0:
        raise ValueError(
            f"{here(name)}: label {labels.reshape(-1)[wrong]} at position {wrong} is outside 0 … {input.shape[1] - 1}; "
            f"input has {input.shape[1]} classes. Count classes from 0, or give the last layer more outputs"
        )
    if replay.recording is None:
        over = float(over)
        if reduction == "mean" and not over:
            raise ValueError(
                f"{here(name)}: no row counts, all are ignore_index={ignore_index} or of weight 0: there is no mean"
            )
    if replay.recording is not None:  # NaN for a label that is no class, at which nobody could look
        over = over if reduction == "mean" else over * 0 + 1
        if reduction == "none" and name == "nll_loss":
            raise replay.NotCapturable('nll_loss(reduction="none") looks at the labels; cross_entropy takes the logits')
    elif reduction != "mean":
        over = 1.0
    over = None if known(reduction, name) == "none" else over
    return {"target": labels, "weight": weight, "ignore_index": ignore_index if ignored else None, "over": over}


def _soft_cross_entropy(input, target, weight, reduction, label_smoothing):
    """−Σ_c w_c · target_c · log p_c; the mean is over the batch and places, as in PyTorch."""
    c = input.shape[1]
    q = target * (1 - label_smoothing) + label_smoothing / c
    surprise = -q * log_softmax(input, 1)
    if weight is not None:
        surprise = surprise * _by_class(weight, input)
    loss = sum(surprise, 1)
    return reduce(loss, reduction, "cross_entropy")
