"""Shapes: operations that change how elements are arranged, and none of them; their rules arrange gradients back."""

import math

import numpy as np

from ..scopes import here
from ..tensor import operation


def tensor_like(x, where):
    """x, if it is a tensor or an array; TypeError otherwise."""
    if not hasattr(x, "ndim"):
        raise TypeError(f"{here(where)}: expected a tensor or an array, got {type(x).__name__}; tl.tensor(x) makes one")
    return x


def axis_of(dim, ndim, where):
    """``dim`` as an axis 0 … ndim − 1; IndexError (as in PyTorch) when out of range, TypeError for no integer."""
    if not isinstance(dim, (int, np.integer)) or isinstance(dim, bool):
        raise TypeError(f"{here(where)}: dim must be an integer, got {dim!r}")
    if not -ndim <= dim < ndim:
        raise IndexError(f"{here(where)}: dim {dim} is out of range for a tensor of {ndim} axes")
    return int(dim) % ndim


def axes_of(dim, ndim, where):
    """``dim`` (None, an integer or several) as a tuple of distinct axes; None means all."""
    if dim is None or (ndim == 0 and dim in (0, -1)):  # as in PyTorch, a 0-d tensor may be reduced over its "axis 0"
        return tuple(range(ndim))
    axes = tuple(axis_of(d, ndim, where) for d in (dim if isinstance(dim, (tuple, list)) else (dim,)))
    if len(set(axes)) != len(axes):
        raise ValueError(f"{here(where)}: dim {dim} names an axis twice")
    return axes


def sizes(shape):
    """The arguments of x.reshape(2, 3) or x.reshape((2, 3)) as one tuple."""
    return tuple(shape[0]) if len(shape) == 1 and isinstance(shape[0], (tuple, list)) else tuple(shape)


@operation(view=True)
def _reshape(x, *, shape):
    return x.reshape(shape)


@_reshape.rule
def _(g, shapes):
    return _reshape(g, shape=shapes[0])


def reshape(input, *shape):
    """The same elements in another shape, one size may be −1; a view where memory allows."""
    shape = sizes(shape)
    known = math.prod(s for s in shape if s != -1)
    if shape.count(-1) > 1 or (known != input.size if -1 not in shape else not known or input.size % known):
        raise ValueError(f"{here('reshape')}: {input.shape} has {input.size} elements, which do not fit {shape}")
    return _reshape(input, shape=shape)


def flatten(input, start_dim=0, end_dim=-1):
    """Axes start_dim … end_dim as one axis."""
    if not input.ndim:
        return _reshape(input, shape=(1,))
    first, last = (axis_of(d, input.ndim, "flatten") for d in (start_dim, end_dim))
    if first > last:
        raise ValueError(f"{here('flatten')}: start_dim {start_dim} comes after end_dim {end_dim}")
    return _reshape(
        input, shape=(*input.shape[:first], math.prod(input.shape[first : last + 1]), *input.shape[last + 1 :])
    )


def squeeze(input, dim=None):
    """Without the axes of size 1 (only ``dim`` if given, and if it has size 1)."""
    axes = axes_of(dim, input.ndim, "squeeze")
    return _reshape(input, shape=tuple(n for k, n in enumerate(input.shape) if n != 1 or k not in axes))


def unsqueeze(input, dim):
    """With a new axis of size 1 at ``dim``."""
    k = axis_of(dim, input.ndim + 1, "unsqueeze")
    return _reshape(input, shape=(*input.shape[:k], 1, *input.shape[k:]))


@operation(view=True)
def _permute(x, *, axes):
    return x.transpose(axes)


@_permute.rule
def _(g, axes):
    return _permute(g, axes=tuple(sorted(range(len(axes)), key=axes.__getitem__)))


def permute(input, *dims):
    """The axes in another order: output axis k is input axis dims[k]; a view."""
    axes = axes_of(sizes(dims), input.ndim, "permute")
    if len(axes) != input.ndim:
        raise ValueError(f"{here('permute')}: {input.ndim} axes need {input.ndim} dims, got {sizes(dims)}")
    return _permute(input, axes=axes)


def transpose(input, dim0, dim1):
    """Two axes exchanged; a view."""
    axes = list(range(input.ndim))
    a, b = (axis_of(d, input.ndim, "transpose") for d in (dim0, dim1))
    axes[a], axes[b] = b, a
    return _permute(input, axes=tuple(axes))


@operation(view=True)
def _expand(x, *, shape):
    return np.broadcast_to(x, shape)


@_expand.rule
def _(g, shapes):
    return sum_to_size(g, shapes[0])


def expand(x, *shape):
    """Repeated along new leading axes and axes of size 1, without copying; −1 keeps a size."""
    shape = sizes(shape)
    offset = len(shape) - x.ndim
    full = tuple(x.shape[k - offset] if n == -1 and k >= offset else n for k, n in enumerate(shape))
    if offset < 0 or any(n not in (1, m) for n, m in zip(x.shape, full[offset:])) or -1 in full:
        raise ValueError(f"{here('expand')}: {x.shape} cannot be expanded to {shape}")
    return _expand(x, shape=full)


@operation
def _sum_to(x, *, shape):
    lead = x.ndim - len(shape)
    axes = tuple([k for k in range(x.ndim) if k < lead or (shape[k - lead] == 1 and x.shape[k] != 1)])
    return x.sum(axes).reshape(shape)


@_sum_to.rule
def _(g, shapes):
    lead = len(shapes[0]) - g.ndim
    return _expand(_reshape(g, shape=(1,) * lead + g.shape), shape=shapes[0])


def sum_to_size(x, *shape):
    """Summed over the axes that ``expand`` would repeat to get from ``shape`` to x's: its adjoint."""
    shape = sizes(shape)
    if shape == x.shape:
        return x
    lead = x.ndim - len(shape)
    if lead < 0 or any(n not in (1, m) for n, m in zip(shape, x.shape[lead:])):
        raise ValueError(f"{here('sum_to_size')}: {x.shape} cannot be summed to {shape}")
    return _sum_to(x, shape=shape)


@operation
def clone(x):
    """A copy in its own memory;  ∂x = g."""
    return x.copy()


@clone.rule
def _(g):
    return g
