"""Normalisation: of a batch's channels by their own statistics (training) or by fixed ones (evaluation), and of groups.

The first two are two operations, since their gradients differ: in training, mean and variance move with x. Group,
instance and layer norm are a third: each picture's groups of channels by their own statistics.
"""

import math

import numpy as np
from tinylucid_kernels import of

from ..scopes import here
from ..tensor import Tensor, operation
from .reduce import _mean, _sum
from .shape import _reshape, sizes, tensor_like


def channels(a, x):
    """(C,) shaped to broadcast along axis 1 of x."""
    return _reshape(a, shape=(a.shape[0], *(1,) * (x.ndim - 2)))


def batch_axes(x):
    """All axes but the channels."""
    return (0, *range(2, x.ndim))


@operation(dtypes="float")
def batch_norm_train(x, weight, bias, *, eps):
    """y = x̂·weight + bias, x̂ = (x − mean)/σ, σ = √(var + eps), mean and var of this batch; saves them.

    ∂x = weight/σ · (g − mean(g) − x̂·mean(g·x̂)), ∂weight = Σ g·x̂, ∂bias = Σ g.
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
    """y = (x − mean) · inv_std · weight + bias, mean and inv_std being constants;  ∂x = g · inv_std · weight."""
    return of(x).batch_norm_fixed(x, weight, bias, mean, inv_std)


@batch_norm_fixed.rule
def _(g, need, x, weight, mean, inv_std):
    """∂x = g · inv_std · weight, which is the same function of g; ∂weight = Σ g·x̂ and ∂bias = Σ g, with x̂ = (x − mean) · inv_std."""
    zeros = np.zeros(x.shape[1], x.dtype)
    gx = batch_norm_fixed(g, weight, zeros, zeros, inv_std) if need[0] else None
    if need[1] and x.size and not isinstance(g, Tensor):  # both sums in one pass; its ∂x is for statistics that move
        return gx, *of(x).batch_norm_backward(g, x, weight, mean, inv_std)[1:], None, None
    x_hat = batch_norm_fixed(x, zeros + 1, zeros, mean, inv_std) if need[1] else None
    return (
        gx,
        _sum(g * x_hat, axes=batch_axes(x), keepdim=False) if need[1] else None,
        _sum(g, axes=batch_axes(x), keepdim=False) if need[2] else None,
        None,
        None,
    )


@operation(dtypes="float")
def _group_norm(x, weight, bias, *, groups, eps):
    """y = x̂·weight + bias, x̂ = (x − mean)/σ, σ = √(var + eps), mean and var of each picture's groups; saves them.

    With h = weight·g, ∂x = (h − mean(h) − x̂·mean(h·x̂))/σ, ∂weight = Σ g·x̂, ∂bias = Σ g.
    """
    y, mean, var, inv_std = of(x).group_norm(x, weight, bias, groups, eps)
    return y, {"mean": mean, "var": var, "inv_std": inv_std}


@_group_norm.rule
def _(g, x, weight, mean, inv_std):
    return of(g).group_norm_backward(g, x, weight, mean, inv_std)


@_group_norm.fused
def _(x, weight, bias, *, groups, eps):
    rows = _reshape(x, shape=(x.shape[0], groups, math.prod(x.shape[1:]) // groups))
    centred = rows - _mean(rows, axes=(2,), keepdim=True)
    var = _mean(centred * centred, axes=(2,), keepdim=True)
    x_hat = _reshape(centred * (var + eps) ** -0.5, shape=x.shape)
    return x_hat * channels(weight, x) + channels(bias, x)


def batch_norm(input, running_mean, running_var, weight=None, bias=None, training=False, momentum=0.1, eps=1e-5):
    """y = (x − mean) / √(var + eps) · weight + bias for each channel.

    In training the batch's own statistics (biased variance) are used, and the running ones follow:
    running ← (1 − momentum)·running + momentum·batch's (unbiased variance). Otherwise the running ones are used. Raises
    ValueError for shapes that do not fit, and in training for one value a channel.

    Shapes: input x (N, C, …); weight, bias, running_mean, running_var (C,) → y (N, C, …).
    Derivation: for the m values of a channel let s = 1/√(var + eps), x̂ = (x − mean)·s, y = weight·x̂ + bias.
        ∂bias = Σ g, ∂weight = Σ g·x̂, and x̂ gets h = weight·g. Each x_i moves every x̂_j, through mean and var:
        ∂mean/∂x_i = 1/m, ∂var/∂x_i = 2·(x_i − mean)/m (see var), ∂s/∂var = −s³/2, so ∂s/∂x_i = −s²·x̂_i/m and
        ∂x̂_j/∂x_i = s·([i = j] − 1/m) + (x_j − mean)·∂s/∂x_i = s·([i = j] − 1/m − x̂_j·x̂_i/m). Summed with h_j:
        ∂x_i = s·(h_i − mean(h) − x̂_i·mean(h·x̂)). In evaluation mean and s stand still: ∂x = s·h.
    Source: Ioffe and Szegedy, "Batch normalization: accelerating deep network training by reducing internal covariate
        shift", 2015, section 3.
    Exercise: batch_norm.
    """
    _check_channels(input, "batch_norm", running_mean=running_mean, running_var=running_var, weight=weight, bias=bias)
    c = input.shape[1]
    weight, bias = _affine(input, weight, bias)
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
    _follow(running_mean, saved["mean"], momentum)
    _follow(running_var, saved["var"], momentum, n / (n - 1))
    return y


def _follow(running, batch, momentum, times=1.0):
    """running ← (1 − momentum)·running + momentum·times·batch, in place; nothing if it is None."""
    if running is None:
        return
    data = running.data if isinstance(running, Tensor) else running
    data *= 1 - momentum
    data += momentum * times * batch
    if isinstance(running, Tensor):
        running.version[0] += 1


def _affine(x, weight, bias):
    """weight and bias, or what changes nothing in the place of None."""
    weight = np.ones(x.shape[1], x.dtype) if weight is None else weight
    return weight, np.zeros(x.shape[1], x.dtype) if bias is None else bias


def _check_channels(x, where, **arrays):
    """ValueError unless x is (N, C, …) and each array that is there is (C,)."""
    if tensor_like(x, where).ndim < 2:
        raise ValueError(f"{here(where)}: expected input (N, C, …), got {x.shape}")
    for name, a in arrays.items():
        if a is not None and a.shape != x.shape[1:2]:
            raise ValueError(
                f"{here(where)}: input {x.shape} has {x.shape[1]} channels, {name} has shape {a.shape}; make the layer for {x.shape[1]}"
            )


def layer_norm(input, normalized_shape, weight=None, bias=None, eps=1e-5):
    """y = (x − mean) / √(var + eps) · weight + bias over the last axes, of ``normalized_shape``.

    Each of the leading places has its own statistics. Raises ValueError for shapes that do not fit.

    Shapes: input x (…, *normalized_shape); weight, bias of normalized_shape → y like x.
    Derivation: a place's row is to it what a channel is to batch_norm in training, so with s, x̂ and h = weight·g,
        ∂x = s·(h − mean(h) − x̂·mean(h·x̂)), the means over the last axes. weight has a number for each element of a
        row: ∂weight = Σ g·x̂ and ∂bias = Σ g over the leading places.
    Source: Ba, Kiros and Hinton, "Layer normalization", 2016.
    Exercise: batch_norm.
    """
    shape = sizes((normalized_shape,))
    lead = tensor_like(input, "layer_norm").ndim - len(shape)
    if not shape or lead < 0 or input.shape[lead:] != shape:
        raise ValueError(
            f"{here('layer_norm')}: expected input (…, {', '.join(map(str, shape))}), got {input.shape}; make the layer for the last axes"
        )
    for name, a in (("weight", weight), ("bias", bias)):
        if a is not None and a.shape != shape:
            raise ValueError(f"{here('layer_norm')}: {name} must have shape {shape}, got {a.shape}")
    if lead != 1 or len(shape) != 1:  # rows are pictures without pixels
        size = math.prod(shape)
        x = _reshape(input, shape=(math.prod(input.shape[:lead]), size))
        weight, bias = (a if a is None else _reshape(a, shape=(size,)) for a in (weight, bias))
        return _reshape(layer_norm(x, size, weight, bias, eps), shape=input.shape)
    return _group_norm(input, *_affine(input, weight, bias), groups=1, eps=eps)


def group_norm(input, num_groups, weight=None, bias=None, eps=1e-5):
    """y = (x − mean) / √(var + eps) · weight + bias over each picture's groups of channels.

    Raises ValueError where num_groups does not divide C, and for shapes that do not fit.

    Shapes: input x (N, C, …), num_groups a divisor of C; weight, bias (C,) → y (N, C, …).
    Derivation: a group of a picture is to it what a channel is to batch_norm in training, so with s, x̂ and
        h = weight·g, ∂x = s·(h − mean(h) − x̂·mean(h·x̂)), the means over the group. ∂weight = Σ g·x̂ and ∂bias = Σ g
        for each channel, over all pictures.
    Source: Wu and He, "Group normalization", 2018.
    Exercise: batch_norm.
    """
    _check_channels(input, "group_norm", weight=weight, bias=bias)
    if num_groups < 1 or input.shape[1] % num_groups:
        raise ValueError(
            f"{here('group_norm')}: num_groups={num_groups} must divide the channels of input {input.shape}"
        )
    return _group_norm(input, *_affine(input, weight, bias), groups=num_groups, eps=eps)


def instance_norm(
    input, running_mean=None, running_var=None, weight=None, bias=None, use_input_stats=True, momentum=0.1, eps=1e-5
):
    """y = (x − mean) / √(var + eps) · weight + bias over each picture's every channel.

    The running statistics follow the pictures' mean ones as in batch_norm; without ``use_input_stats`` they are what x
    is normalised by. Raises ValueError for shapes that do not fit, and for one value a channel.

    Shapes: input x (N, C, …); weight, bias, running_mean, running_var (C,) → y (N, C, …).
    Derivation: a channel of one picture is to it what a channel of the batch is to batch_norm in training, so with s,
        x̂ and h = weight·g, ∂x = s·(h − mean(h) − x̂·mean(h·x̂)), the means over the channel's pixels. ∂weight = Σ g·x̂
        and ∂bias = Σ g for each channel, over all pictures.
    Source: Ulyanov, Vedaldi and Lempitsky, "Instance normalization: the missing ingredient for fast stylization", 2016.
    Exercise: batch_norm.
    """
    if not use_input_stats:
        return batch_norm(input, running_mean, running_var, weight, bias, False, momentum, eps)
    _check_channels(
        input, "instance_norm", running_mean=running_mean, running_var=running_var, weight=weight, bias=bias
    )
    c, m = input.shape[1], math.prod(input.shape[2:])
    if m < 2:
        raise ValueError(
            f"{here('instance_norm')}: needs more than one value a channel and picture, got input {input.shape}"
        )
    y, saved = _group_norm.op.apply((input, *_affine(input, weight, bias)), {"groups": c, "eps": eps})
    if y.size:
        _follow(running_mean, saved["mean"].mean(0), momentum)
        _follow(running_var, saved["var"].mean(0), momentum, m / (m - 1))
    return y
