"""Reductions over axes: sums, means, extremes, softmax. ``dim`` is None (all), an axis or several."""

import numpy as np

from .. import devices
from ..scopes import here
from ..tensor import Tensor, operation
from .elementwise import exp, sqrt
from .shape import _expand, _reshape, axes_of, axis_of, gather, squeeze


def kept(shape, axes):
    """The shape with the reduced axes as size 1."""
    return tuple([1 if k in axes else n for k, n in enumerate(shape)])


def spread(g, shape, axes):
    """A reduced array repeated along the reduced axes again."""
    return _expand(_reshape(g, shape=kept(shape, axes)), shape=shape)


@operation
def _sum(x, *, axes, keepdim):
    return x.sum(axes, keepdims=keepdim, dtype=np.int64 if x.dtype.kind in "bui" else None)


@_sum.rule
def _(g, shapes, axes):
    return spread(g, shapes[0], axes)


def sum(input, dim=None, keepdim=False):
    """Σ x over ``dim``;  ∂x = g everywhere."""
    return _sum(input, axes=axes_of(dim, input.ndim, "sum"), keepdim=keepdim)


@operation(dtypes="float")
def _mean(x, *, axes, keepdim):
    return x.mean(axes, keepdims=keepdim)


@_mean.rule
def _(g, shapes, axes):
    return spread(g / _count(shapes[0], axes), shapes[0], axes)


def mean(input, dim=None, keepdim=False):
    """Σ x / n over ``dim``;  ∂x = g / n. ValueError over no elements."""
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
    """Σ (x − mean)² / (n − correction) over ``dim``; correction 1 is unbiased, 0 the population's.

    ∂x = 2g·(x − mean) / (n − correction).
    """
    axes = axes_of(dim, input.ndim, "var")
    n = _count(input.shape, axes)
    if n <= correction:
        raise ValueError(f"{here('var')}: {n} elements are too few for correction={correction}")
    centred = input - mean(input, axes, keepdim=True)
    return _sum(centred * centred, axes=axes, keepdim=keepdim) / float(n - correction)


def std(input, dim=None, *, correction=1, keepdim=False):
    """√var;  the gradient is infinite where all elements are equal."""
    return sqrt(var(input, dim, correction=correction, keepdim=keepdim))


@operation
def _amax(x, *, axes, keepdim):
    return x.max(axes, keepdims=keepdim)


@_amax.rule
def _(g, x, out, axes):
    value = x.data if isinstance(x, Tensor) else x
    top = out.data if isinstance(out, Tensor) else out
    top = np.reshape(top, kept(value.shape, axes))
    winners = ((value == top) | ((value != value) & (top != top))).astype(value.dtype)  # NaN wins, and takes it all
    return spread(g, value.shape, axes) * (winners / winners.sum(axes, keepdims=True))


def max(input, dim=None, keepdim=False):
    """The largest element; with ``dim`` an axis, (values, indices) along it.

    Ties: without ``dim`` the gradient is shared equally; with it, the first index takes all.
    """
    return _extreme(input, dim, keepdim, "max", np.argmax, 1)


def min(input, dim=None, keepdim=False):
    """The smallest element; with ``dim`` an axis, (values, indices) along it. Ties as in max."""
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
    """The index of the largest element (flat, or along ``dim``), the first of equals. No gradient."""
    return _argextreme(input, dim, keepdim, np.argmax)


def argmin(input, dim=None, keepdim=False):
    """The index of the smallest element (flat, or along ``dim``), the first of equals. No gradient."""
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
    """log Σ eˣ over ``dim``, without overflow;  ∂x = g·softmax(x)."""
    return _logsumexp(input, axes=axes_of(dim, input.ndim, "logsumexp"), keepdim=keepdim)


@operation(dtypes="float")
def _softmax(x, *, axis):
    e = np.exp(x - x.max(axis, keepdims=True))
    return e / e.sum(axis, keepdims=True)


@_softmax.rule
def _(g, out, axis):
    return out * (g - _sum(g * out, axes=(axis,), keepdim=True))


def softmax(input, dim):
    """eˣ / Σ eˣ along ``dim``;  ∂x = p·(g − Σ g·p)."""
    return _softmax(input, axis=axis_of(dim, input.ndim, "softmax"))


@operation(dtypes="float")
def _log_softmax(x, *, axis):
    shifted = x - x.max(axis, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis, keepdims=True))


@_log_softmax.rule
def _(g, out, axis):
    return g - exp(out) * _sum(g, axes=(axis,), keepdim=True)


def log_softmax(input, dim):
    """x − log Σ eˣ along ``dim``, without overflow;  ∂x = g − p·Σ g."""
    return _log_softmax(input, axis=axis_of(dim, input.ndim, "log_softmax"))
