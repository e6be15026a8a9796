"""Batch normalisation: by the statistics of the batch (training), or by fixed ones (evaluation).

They are two operations, since their gradients differ: in training, mean and variance move with x.
"""

import numpy as np
from tinylucid_kernels import of

from ..scopes import here
from ..tensor import Tensor, operation
from .reduce import _mean, _sum
from .shape import _reshape, tensor_like


def channels(a, x):
    """(C,) shaped to broadcast along axis 1 of x."""
    return _reshape(a, shape=(a.shape[0], *(1,) * (x.ndim - 2)))


def batch_axes(x):
    """All axes but the channels."""
    return (0, *range(2, x.ndim))


@operation(dtypes="float")
def batch_norm_train(x, weight, bias, *, eps):
    """(x − mean) / √(var + eps) · weight + bias, mean and var of this batch; saves them.

    ∂x = weight/σ · (g − mean(g) − x̂·mean(g·x̂)), ∂weight = Σ g·x̂, ∂bias = Σ g, with x̂ = (x − mean)/σ.
    """
    y, mean, var, inv_std = of(x).batch_norm(x, weight, bias, eps)
    return y, {"mean": mean, "var": var, "inv_std": inv_std}


@batch_norm_train.rule
def _(g, x, weight, mean, inv_std):
    return of(g).batch_norm_backward(g, x, weight, mean, inv_std)


@batch_norm_train.fused
def _(x, weight, bias, *, eps):
    centred = x - _mean(x, axes=batch_axes(x), keepdim=True)
    var = _mean(centred * centred, axes=batch_axes(x), keepdim=True)
    return centred * (var + eps) ** -0.5 * channels(weight, x) + channels(bias, x)


@operation(dtypes="float")
def batch_norm_fixed(x, weight, bias, mean, inv_std):
    """(x − mean) · inv_std · weight + bias with constants mean and inv_std: linear in x."""
    return (x - channels(mean, x)) * channels(weight * inv_std, x) + channels(bias, x)


@batch_norm_fixed.rule
def _(g, need, x, weight, mean, inv_std):
    x_hat = (x - channels(mean, x)) * channels(inv_std, x)
    return (
        g * channels(weight * inv_std, x) if need[0] else None,
        _sum(g * x_hat, axes=batch_axes(x), keepdim=False) if need[1] else None,
        _sum(g, axes=batch_axes(x), keepdim=False) if need[2] else None,
        None,
        None,
    )


def batch_norm(input, running_mean, running_var, weight=None, bias=None, training=False, momentum=0.1, eps=1e-5):
    """y = (x − mean) / √(var + eps) · weight + bias for each channel (Ioffe and Szegedy, 2015).

    input (N, C, …); weight, bias, running_mean, running_var (C,). In training the batch's own statistics (biased
    variance) are used and running ← (1 − momentum)·running + momentum·batch's (unbiased variance); otherwise the
    running ones. Raises ValueError for shapes that do not fit, and in training for one value a channel.
    """
    if tensor_like(input, "batch_norm").ndim < 2:
        raise ValueError(f"{here('batch_norm')}: expected input (N, C, …), got {input.shape}")
    c = input.shape[1]
    for name, a in (("running_mean", running_mean), ("running_var", running_var), ("weight", weight), ("bias", bias)):
        if a is not None and a.shape != (c,):
            raise ValueError(f"{here('batch_norm')}: input {input.shape} has {c} channels, {name} has shape {a.shape}")
    weight = np.ones(c, input.dtype) if weight is None else weight
    bias = np.zeros(c, input.dtype) if bias is None else bias
    if not training:
        if running_mean is None or running_var is None:
            raise ValueError(f"{here('batch_norm')}: evaluation needs running_mean and running_var")
        return batch_norm_fixed(input, weight, bias, running_mean, (running_var + eps) ** -0.5)
    n = input.size // c if c else 0
    if n < 2:
        raise ValueError(
            f"{here('batch_norm')}: training needs more than one value a channel, got input {input.shape}; use a larger batch, or eval()"
        )
    y, saved = batch_norm_train.op.apply((input, weight, bias), {"eps": eps})
    for running, batch in ((running_mean, saved["mean"]), (running_var, saved["var"] * (n / (n - 1)))):
        if running is not None:
            data = running.data if isinstance(running, Tensor) else running
            data *= 1 - momentum
            data += momentum * batch
            if isinstance(running, Tensor):
                running.version[0] += 1
    return y
