"""Reductions over axes: sums, means, extremes, softmax. ``dim`` is None (all), an axis or several."""

import math

import numpy as np
from tinylucid_kernels import of

from .. import devices
from ..scopes import here
from ..tensor import Tensor, operation
from .elementwise import exp, sqrt
from .indexing import gather
from .shape import _expand, _reshape, axes_of, axis_of, squeeze


def kept(shape, axes):
    """The shape with the reduced axes as size 1."""
    return tuple([1 if k in axes else n for k, n in enumerate(shape)])


def spread(g, shape, axes):
    """A reduced array repeated along the reduced axes again."""
    return _expand(_reshape(g, shape=kept(shape, axes)), shape=shape)


FEW = 1 << 13  # numbers that NumPy has added before a kernel has begun


def _total(x, axes, keepdim):
    """Σ x over the axes: over the last ones of a large array by a kernel, whose rows lie together in memory."""
    lead = x.ndim
    while lead - 1 in axes:
        lead -= 1
    if x.size > FEW and lead < x.ndim and x.dtype.kind == "f" and x.flags.c_contiguous:
        rows = of(x).row_sums(x.reshape(math.prod(x.shape[:lead]), -1))
        x = rows.reshape(x.shape[:lead] + (1,) * (x.ndim - lead))
    return x.sum(axes, keepdims=keepdim, dtype=np.int64 if x.dtype.kind in "bui" else None)


@operation
def _sum(x, *, axes, keepdim):
    """y = Σ x over the axes;  ∂x = g, repeated along them."""
    return _total(x, axes, keepdim)


@_sum.rule
def _(g, shapes, axes):
    return spread(g, shapes[0], axes)


def sum(input, dim=None, keepdim=False):
    """y = Σ x over ``dim``;  ∂x = g everywhere.

    Shapes: x (A, B), for dim=1 → y (A,), or (A, 1) with ``keepdim``; without dim → y ().
    Derivation: y[a] = Σ_b x[a, b], so ∂y[a]/∂x[a, b] = 1 and ∂x[a, b] = g[a]: g repeated along the axes summed over.
    Source: calculus, the sum rule.
    Exercise: add.
    """
    return _sum(input, axes=axes_of(dim, input.ndim, "sum"), keepdim=keepdim)


@operation(dtypes="float")
def _mean(x, *, axes, keepdim):
    """y = Σ x / n over the axes;  ∂x = g/n, repeated along them."""
    return _total(x, axes, keepdim) / _count(x.shape, axes)


@_mean.rule
def _(g, shapes, axes):
    return spread(g / _count(shapes[0], axes), shapes[0], axes)


def mean(input, dim=None, keepdim=False):
    """y = Σ x / n over ``dim``, n elements;  ∂x = g/n everywhere. Raises ValueError over no elements.

    Shapes: x (A, B), for dim=1 → y (A,), or (A, 1) with ``keepdim``; without dim → y ().
    Derivation: y[a] = Σ_b x[a, b] / n, so ∂y[a]/∂x[a, b] = 1/n and ∂x[a, b] = g[a]/n. So a loss that is a mean over the
        batch has gradients that do not grow with it.
    Source: calculus, the sum rule.
    Exercise: add.
    """
    axes = axes_of(dim, input.ndim, "mean")
    if not _count(input.shape, axes):
        raise ValueError(
            f"{here('mean')}: no elements to average in a tensor of shape {input.shape}; look at how it was selected"
        )
    return _mean(input, axes=axes, keepdim=keepdim)


def _count(shape, axes):
    n = 1
    for k in axes:
        n *= shape[k]
    return n


def var(input, dim=None, *, correction=1, keepdim=False):
    """y = Σ (x − m)² / (n − correction) over ``dim``, m the mean of n elements;  ∂x = 2g·(x − m) / (n − correction).

    correction 1 is unbiased, 0 the population's. Raises ValueError for too few elements.

    Shapes: x (A, B), for dim=1 → y (A,), or (A, 1) with ``keepdim``; without dim → y ().
    Derivation: m moves with x too: ∂m/∂x_k = 1/n. So ∂y/∂x_k = 2/(n − correction) · Σ_i (x_i − m)·([i = k] − 1/n), and
        as Σ_i (x_i − m) = 0, only i = k is left: 2·(x_k − m)/(n − correction). The mean's own movement cancels.
    Source: calculus, the chain rule; the correction is Bessel's.
    Exercise: batch_norm.
    """
    axes = axes_of(dim, input.ndim, "var")
    n = _count(input.shape, axes)
    if n <= correction:
        raise ValueError(f"{here('var')}: {n} elements are too few for correction={correction}")
    centred = input - mean(input, axes, keepdim=True)
    return _sum(centred * centred, axes=axes, keepdim=keepdim) / float(n - correction)


def std(input, dim=None, *, correction=1, keepdim=False):
    """y = √var over ``dim``;  ∂x = g·(x − m) / ((n − correction)·y), with m the mean: NaN where all elements are equal.

    Raises ValueError for too few elements.

    Shapes: x (A, B), for dim=1 → y (A,), or (A, 1) with ``keepdim``; without dim → y ().
    Derivation: y = √v with ∂v/∂x = 2·(x − m)/(n − correction) (see var), and ∂y/∂v = 1/(2y), so their product is
        ∂y/∂x = (x − m)/((n − correction)·y). Where all are equal it is 0/0: there y has a kink, like |x| at 0.
    Source: calculus, the chain rule.
    Exercise: batch_norm.
    """
    return sqrt(var(input, dim, correction=correction, keepdim=keepdim))


@operation
def _amax(x, *, axes, keepdim):
    """y = the largest of x over the axes, NaN if there is one;  ∂x = g for it, shared equally by those that tie."""
    return x.max(axes, keepdims=keepdim)


@_amax.rule
def _(g, x, out, axes):
    value = x.data if isinstance(x, Tensor) else x
    top = out.data if isinstance(out, Tensor) else out
    top = np.reshape(top, kept(value.shape, axes))
    winners = ((value == top) | ((value != value) & (top != top))).astype(value.dtype)  # NaN wins, and takes it all
    return spread(g, value.shape, axes) * (winners / winners.sum(axes, keepdims=True))


def max(input, dim=None, keepdim=False):
    """y = max x, the largest element; with ``dim`` an axis, (values, indices) along it.

    Ties: without ``dim`` the gradient is shared equally; with it, the first index takes all. Raises ValueError over no
    elements.

    Shapes: x (A, B), for dim=1 → values and indices (A,), or (A, 1) with ``keepdim``; without dim → y ().
    Derivation: while x[k] is larger than all others, y = x[k], so ∂y/∂x[j] = [j = k] and ∂x is g at the winner and 0
        elsewhere. Of T that tie each is a subgradient, and so is their mean, 1/T for each.
    Source: calculus, piece by piece.
    Exercise: max_pool.
    """
    return _extreme(input, dim, keepdim, "max", np.argmax, 1)


def min(input, dim=None, keepdim=False):
    """y = min x, the smallest element; with ``dim`` an axis, (values, indices) along it. Ties as in max.

    Shapes: x (A, B), for dim=1 → values and indices (A,), or (A, 1) with ``keepdim``; without dim → y ().
    Derivation: min x = −max(−x), and the two signs cancel: ∂y/∂x[j] = [j = k] for the smallest, x[k].
    Source: calculus, piece by piece.
    Exercise: max_pool.
    """
    return _extreme(input, dim, keepdim, "min", np.argmin, -1)


def _extreme(x, dim, keepdim, name, arg, sign):
    if not (x.size if dim is None else x.shape[axis_of(dim, x.ndim, name)]):
        raise ValueError(
            f"{here(name)}: a tensor of shape {x.shape} has no elements to choose from, at least one is needed; look at how it was selected"
        )
    if dim is None:
        top = _amax(x if sign > 0 else -x, axes=tuple(range(x.ndim)), keepdim=keepdim)
        return top if sign > 0 else -top
    k = axis_of(dim, x.ndim, name)
    places = arg(x.data if isinstance(x, Tensor) else x, k, keepdims=True)
    values = gather(x, k, places)
    if not keepdim:
        values, places = squeeze(values, k), np.squeeze(places, k)
    return values, Tensor(places) if isinstance(x, Tensor) else places


def argmax(input, dim=None, keepdim=False):
    """k = the index of the largest element (flat, or along ``dim``), the first of equals. No gradient.

    Shapes: x (A, B), for dim=1 → integers (A,), or (A, 1) with ``keepdim``; without dim → ().
    Derivation: as x moves a little, the winner stays the winner and k is constant; when another takes over, k jumps. So
        ∂k/∂x is 0 or does not exist: there is no gradient, and the result is a plain tensor of integers.
    Source: calculus, the derivative of a constant.
    Exercise: max_pool.
    """
    return _argextreme(input, dim, keepdim, np.argmax)


def argmin(input, dim=None, keepdim=False):
    """k = the index of the smallest element (flat, or along ``dim``), the first of equals. No gradient.

    Shapes: x (A, B), for dim=1 → integers (A,), or (A, 1) with ``keepdim``; without dim → ().
    Derivation: k is constant in steps, as in argmax, so ∂k/∂x is 0 or does not exist: there is no gradient.
    Source: calculus, the derivative of a constant.
    Exercise: max_pool.
    """
    return _argextreme(input, dim, keepdim, np.argmin)


def _argextreme(x, dim, keepdim, arg):
    axis = dim if dim is None else axis_of(dim, x.ndim, arg.__name__)
    places = arg(x.data if isinstance(x, Tensor) else x, axis, keepdims=keepdim)
    return Tensor(devices.as_array(places)) if isinstance(x, Tensor) else places


@operation(dtypes="float")
def _logsumexp(x, *, axes, keepdim):
    top = x.max(axes, keepdims=True)
    top = np.where(np.isfinite(top), top, 0)  # e^(x − top) cannot overflow; a row of −inf stays −inf
    with np.errstate(divide="ignore"):
        out = np.log(np.exp(x - top).sum(axes, keepdims=True)) + top
    return out if keepdim else out.reshape([n for k, n in enumerate(x.shape) if k not in axes])


@_logsumexp.rule
def _(g, x, out, axes):
    return spread(g, x.shape, axes) * exp(x - spread(out, x.shape, axes))


def logsumexp(input, dim, keepdim=False):
    """y = log Σ eˣ over ``dim``, without overflow;  ∂x = g·softmax(x).

    It is computed as t + log Σ e^(x − t), t the largest element: the same, and no exponent is positive.

    Shapes: x (A, B), for dim=1 → y (A,), or (A, 1) with ``keepdim``.
    Derivation: with S = Σ_j e^(x_j), ∂y/∂x_i = 1/S · e^(x_i) = e^(x_i − y): the softmax of x, which adds up to 1. So y
        is a smooth maximum, that shares g among all by how near they are to the largest.
    Source: Blanchard, Higham and Higham, "Accurately computing the log-sum-exp and softmax functions", 2021.
    Exercise: cross_entropy.
    """
    return _logsumexp(input, axes=axes_of(dim, input.ndim, "logsumexp"), keepdim=keepdim)


@operation(dtypes="float")
def _softmax(x, *, axis):
    e = np.exp(x - x.max(axis, keepdims=True))
    return e / e.sum(axis, keepdims=True)


@_softmax.rule
def _(g, out, axis):
    return out * (g - _sum(g * out, axes=(axis,), keepdim=True))


def softmax(input, dim):
    """p = eˣ / Σ eˣ along ``dim``, without overflow;  ∂x = p·(g − Σ g·p).

    Shapes: x (A, B) → p (A, B), along dim each positive and adding up to 1.
    Derivation: p_i = e^(x_i)/S with S = Σ_j e^(x_j), and the quotient rule gives ∂p_i/∂x_k = p_i·([i = k] − p_k). So
        ∂x_k = Σ_i g_i·p_i·([i = k] − p_k) = p_k·(g_k − Σ_i g_i·p_i): only what differs from the mean g counts, since p
        does not move when all x rise by the same.
    Source: Goodfellow, Bengio and Courville, "Deep learning", 2016, sections 4.1 (overflow) and 6.2.2.3.
    Exercise: cross_entropy.
    """
    return _softmax(input, axis=axis_of(dim, input.ndim, "softmax"))


@operation(dtypes="float")
def _log_softmax(x, *, axis):
    shifted = x - x.max(axis, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis, keepdims=True))


@_log_softmax.rule
def _(g, out, axis):
    return g - exp(out) * _sum(g, axes=(axis,), keepdim=True)


def log_softmax(input, dim):
    """y = x − log Σ eˣ along ``dim``, without overflow;  ∂x = g − p·Σ g, p = softmax(x).

    Shapes: x (A, B) → y (A, B).
    Derivation: y_i = x_i − logsumexp(x), whose gradient is p, so ∂y_i/∂x_k = [i = k] − p_k and
        ∂x_k = Σ_i g_i·([i = k] − p_k) = g_k − p_k·Σ_i g_i. The rule computes p as eʸ.
    Source: Goodfellow, Bengio and Courville, "Deep learning", 2016, section 6.2.2.3.
    Exercise: cross_entropy.
    """
    return _log_softmax(input, axis=axis_of(dim, input.ndim, "log_softmax"))
