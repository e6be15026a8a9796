"""Shapes: operations that change how elements are arranged, and none of them; their rules arrange gradients back."""

import math

import numpy as np

from ..scopes import here
from ..tensor import Tensor, operation


def tensor_like(x, where):
    """x, if it is a tensor or an array; TypeError otherwise."""
    if not (isinstance(x, Tensor) or hasattr(x, "ndim")):
        got = "None; does a forward lack its return?" if x is None else f"{type(x).__name__}; tl.tensor(x) makes one"
        raise TypeError(f"{here(where)}: expected a tensor or an array, got {got}")
    return x


def axis_of(dim, ndim, where):
    """``dim`` as an axis 0 … ndim − 1; IndexError (as in PyTorch) when out of range, TypeError for no integer."""
    if not isinstance(dim, (int, np.integer)) or isinstance(dim, bool):
        raise TypeError(f"{here(where)}: dim must be an integer, got {dim!r}")
    if not -ndim <= dim < ndim:
        raise IndexError(
            f"{here(where)}: dim {dim} is out of range for a tensor of {ndim} axes; use {-ndim} … {ndim - 1}"
        )
    return int(dim) % ndim


def axes_of(dim, ndim, where):
    """``dim`` (None, an integer or several) as a tuple of distinct axes; None means all."""
    if dim is None or (ndim == 0 and dim in (0, -1)):  # as in PyTorch, a 0-d tensor may be reduced over its "axis 0"
        return tuple(range(ndim))
    axes = tuple(axis_of(d, ndim, where) for d in (dim if isinstance(dim, (tuple, list)) else (dim,)))
    if len(set(axes)) != len(axes):
        raise ValueError(f"{here(where)}: dim {dim} names an axis twice; name each once, 0 … {ndim - 1}")
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
    """y = the elements of x, in row-major order, in another shape;  ∂x = g in x's own. A view where memory allows.

    One size may be −1: it follows from the others. Raises ValueError where the elements do not fit.

    Shapes: x (…) → y of ``shape``, with as many elements.
    Derivation: numbered in row-major order, y[k] = x[k], so ∂y[k]/∂x[j] = [k = j] and ∂x[j] = Σ_k g[k]·[k = j] = g[j]:
        the same numbers, in x's shape again.
    Source: Harris et al., "Array programming with NumPy", 2020.
    Exercise: conv_im2col.
    """
    shape = sizes(shape)
    known = math.prod(s for s in shape if s != -1)
    if shape.count(-1) > 1 or (known != input.size if -1 not in shape else not known or input.size % known):
        raise ValueError(
            f"{here('reshape')}: {input.shape} has {input.size} elements, which do not fit {shape}; one size may be -1, to be found"
        )
    return _reshape(input, shape=shape)


def flatten(input, start_dim=0, end_dim=-1):
    """y = x with the axes start_dim … end_dim as one;  ∂x = g in x's shape.

    Raises ValueError where the two are the wrong way round.

    Shapes: x (A, …, B, C), for start_dim=0 and end_dim=−2 → y (A·…·B, C).
    Derivation: it is a reshape: elements stay as they are, ∂y/∂x is 1 for an element and itself, and g is reshaped.
    Source: Harris et al., "Array programming with NumPy", 2020.
    Exercise: conv_im2col.
    """
    if not input.ndim:
        return _reshape(input, shape=(1,))
    first, last = (axis_of(d, input.ndim, "flatten") for d in (start_dim, end_dim))
    if first > last:
        raise ValueError(f"{here('flatten')}: start_dim {start_dim} comes after end_dim {end_dim}")
    return _reshape(
        input, shape=(*input.shape[:first], math.prod(input.shape[first : last + 1]), *input.shape[last + 1 :])
    )


def squeeze(input, dim=None):
    """y = x without the axes of size 1 (only ``dim`` if given, and if it has size 1);  ∂x = g in x's shape.

    Shapes: x (…, 1, …) → y (…, …).
    Derivation: it is a reshape: elements stay as they are, ∂y/∂x is 1 for an element and itself, and g is reshaped.
    Source: Harris et al., "Array programming with NumPy", 2020.
    Exercise: add.
    """
    axes = axes_of(dim, input.ndim, "squeeze")
    return _reshape(input, shape=tuple(n for k, n in enumerate(input.shape) if n != 1 or k not in axes))


def unsqueeze(input, dim):
    """y = x with a new axis of size 1 at ``dim``;  ∂x = g in x's shape.

    Shapes: x (…, …) → y (…, 1, …).
    Derivation: it is a reshape: elements stay as they are, ∂y/∂x is 1 for an element and itself, and g is reshaped.
        Along an axis of size 1 an array is broadcast: x.unsqueeze(1) − y.unsqueeze(0) has all the differences.
    Source: Harris et al., "Array programming with NumPy", 2020.
    Exercise: add.
    """
    k = axis_of(dim, input.ndim + 1, "unsqueeze")
    return _reshape(input, shape=(*input.shape[:k], 1, *input.shape[k:]))


@operation(view=True)
def _permute(x, *, axes):
    return x.transpose(axes)


@_permute.rule
def _(g, axes):
    return _permute(g, axes=tuple(sorted(range(len(axes)), key=axes.__getitem__)))


def permute(input, *dims):
    """y = x with its axes in another order: axis k of y is axis dims[k] of x; a view;  ∂x = g with its axes put back.

    Shapes: x (A, B, C), for dims = (2, 0, 1) → y (C, A, B).
    Derivation: y[i] = x[j] where i[k] = j[dims[k]] for every axis k, so ∂y[i]/∂x[j] = 1 for that pair alone, and
        ∂x[j] = g[i]: g by the inverse order, whose entry dims[k] is k.
    Source: Harris et al., "Array programming with NumPy", 2020.
    Exercise: conv_im2col.
    """
    axes = axes_of(sizes(dims), input.ndim, "permute")
    if len(axes) != input.ndim:
        raise ValueError(
            f"{here('permute')}: {input.ndim} axes need {input.ndim} dims, got {sizes(dims)}; transpose exchanges two"
        )
    return _permute(input, axes=axes)


def transpose(input, dim0, dim1):
    """y = x with two axes exchanged; a view;  ∂x = g with the same two exchanged.

    Shapes: x (A, B, C), for 0 and 2 → y (C, B, A).
    Derivation: y[i, j] = x[j, i], so ∂x[j, i] = g[i, j]. An exchange undoes itself, so its gradient is one again.
    Source: Harris et al., "Array programming with NumPy", 2020.
    Exercise: matmul.
    """
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
    """y = x repeated along new leading axes and axes of size 1, without copying; −1 keeps a size;  ∂x = sum_to_size(g).

    Raises ValueError where x does not broadcast to the shape.

    Shapes: x (B, 1), for the shape (A, B, C) → y (A, B, C).
    Derivation: y[a, b, c] = x[b, 0], so ∂y/∂x = 1 for each a and c: the loss moves with x[b, 0] through all its copies,
        and ∂x[b, 0] = Σ_a Σ_c g[a, b, c].
    Source: Harris et al., "Array programming with NumPy", 2020: broadcasting.
    Exercise: add.
    """
    shape = sizes(shape)
    offset = len(shape) - x.ndim
    full = tuple(x.shape[k - offset] if n == -1 and k >= offset else n for k, n in enumerate(shape))
    if offset < 0 or any(n not in (1, m) for n, m in zip(x.shape, full[offset:])) or -1 in full:
        raise ValueError(
            f"{here('expand')}: {x.shape} cannot be expanded to {shape}; only sizes of 1 are repeated, x.unsqueeze(dim) makes one"
        )
    return _expand(x, shape=full)


@operation
def _sum_to(x, *, shape):
    """y = x summed over the axes that shape lacks or has at size 1;  ∂x = g expanded to x's shape."""
    lead = x.ndim - len(shape)
    axes = tuple([k for k in range(x.ndim) if k < lead or (shape[k - lead] == 1 and x.shape[k] != 1)])
    return x.sum(axes).reshape(shape)


@_sum_to.rule
def _(g, shapes):
    lead = len(shapes[0]) - g.ndim
    return _expand(_reshape(g, shape=(1,) * lead + g.shape), shape=shapes[0])


def sum_to_size(x, *shape):
    """y = Σ x over the axes that ``expand`` would repeat to get from ``shape`` to x's: its adjoint;  ∂x = g expanded.

    Raises ValueError for a shape that does not broadcast to x's.

    Shapes: x (A, B, C), for the shape (B, 1) → y (B, 1).
    Derivation: y[b, 0] = Σ_a Σ_c x[a, b, c], so ∂y[b, 0]/∂x[a, b, c] = 1 and ∂x[a, b, c] = g[b, 0]. Each is the other's
        gradient, since Σ u·expand(x) = Σ sum_to_size(u)·x for all u and x: both sides are Σ u[a, b, c]·x[b, 0].
    Source: Harris et al., "Array programming with NumPy", 2020: broadcasting.
    Exercise: add.
    """
    shape = sizes(shape)
    if shape == x.shape:
        return x
    lead = x.ndim - len(shape)
    if lead < 0 or any(n not in (1, m) for n, m in zip(shape, x.shape[lead:])):
        raise ValueError(f"{here('sum_to_size')}: {x.shape} cannot be summed to {shape}")
    return _sum_to(x, shape=shape)


@operation
def clone(x):
    """y = x, a copy in its own memory;  ∂x = g.

    Shapes: x (…) → y (…).
    Derivation: ∂y/∂x = 1, so ∂x = g·1. A tensor that is used twice gets the sum of both gradients: from x + clone(x)
        comes 2g.
    Source: calculus, the identity.
    Exercise: residual.
    """
    return x.copy()


@clone.rule
def _(g):
    return g
