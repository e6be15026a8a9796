"""Shapes and slices: operations that move elements and change none; their rules move gradients back."""

import math

import numpy as np
from tinylucid_kernels import of

from .. import devices
from ..scopes import here
from ..tensor import Tensor, operation


def tensor_like(x, where):
    """x, if it is a tensor or an array; TypeError otherwise."""
    if not hasattr(x, "ndim"):
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
    """The same elements in another shape, one size may be −1; a view where memory allows."""
    shape = sizes(shape)
    known = math.prod(s for s in shape if s != -1)
    if shape.count(-1) > 1 or (known != input.size if -1 not in shape else not known or input.size % known):
        raise ValueError(
            f"{here('reshape')}: {input.shape} has {input.size} elements, which do not fit {shape}; one size may be -1, to be found"
        )
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
        raise ValueError(
            f"{here('permute')}: {input.ndim} axes need {input.ndim} dims, got {sizes(dims)}; transpose exchanges two"
        )
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
        raise ValueError(
            f"{here('expand')}: {x.shape} cannot be expanded to {shape}; only sizes of 1 are repeated, x.unsqueeze(dim) makes one"
        )
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


@operation(view=True)
def _take(x, *, index):
    """x[index];  ∂x = g added at the index, into zeros."""
    return x[index]


_take.op.__name__ = "index"  # what it is called by


@_take.rule
def _(g, shapes, index):
    return _put(g, index=index, shape=shapes[0])


@operation
def _put(y, *, index, shape):
    """Zeros of ``shape`` with y added at the index, the adjoint of _take;  ∂y = g[index]."""
    if _is_basic(index):
        out = devices.namespace(y).zeros(shape, y.dtype)
        out[index] = y
        return out
    rows, width = _rows(index, shape, y)
    added = of(y).index_add(y.reshape(rows.size, width), rows, math.prod(shape) // width if width else shape[0])
    return added.reshape(shape)  # an element taken twice gets both gradients


def _is_basic(index):
    """Whether an index names each place once, as integers and slices do."""
    return all(k is None or k is Ellipsis or isinstance(k, (int, slice)) for k in index)


def _check_places(x, index):
    """IndexError for an index beside an array on the GPU: CuPy would take another element in silence, so NumPy looks at it."""
    if devices.of(x) == "cuda" and not _is_basic(index):
        on_host = tuple(devices.host(k) if devices.is_array(k) else k for k in index)
        try:
            np.broadcast_to(np.False_, x.shape)[on_host]
        except IndexError as error:
            raise IndexError(f"{here('index')}: {error}") from None


def _rows(index, shape, y):
    """The numbers of the rows that an index takes from an array of that shape, and how long a row is.

    An array of integers takes whole rows; anything else takes elements, rows of length 1.
    """
    if len(index) == 1 and index[0].dtype.kind in "iu":
        return index[0].reshape(-1).astype(np.int64) % (shape[0] or 1), math.prod(shape[1:])
    return _places(index, shape, y).reshape(-1), 1


@_put.rule
def _(g, index):
    return _take(g, index=index)


def index(x, key):
    """x[key] for integers, slices, None, ..., boolean masks and integer arrays (NumPy's rules), the adjoint of adding there."""
    places = plain_index(key)
    _check_places(x, places)
    return _take(x, index=places)


@operation(dtypes="same")
def _assign(x, value, *, index):
    """x with x[index] = value;  ∂x = g where nothing was written, ∂value = g[index] where its write was the last."""
    out, xp = x.copy(), devices.namespace(x)
    places = _places(index, x.shape, x).reshape(-1)
    last = slice(None) if _is_basic(index) else _last_writes(places)  # a place may be named twice
    out.reshape(-1)[places[last]] = value.reshape(-1)[last]
    kept, won = xp.ones(x.size, bool), xp.zeros(value.size, bool)
    kept[places[last]] = False
    won[last] = True
    return out, {"kept": kept.reshape(x.shape), "won": won.reshape(value.shape)}


@_assign.rule
def _(g, need, index, kept, won):
    return g * kept if need[0] else None, _take(g, index=index) * won if need[1] else None


def _places(index, shape, x):
    """The flat places of an array of that shape that an index names, on the device of x."""
    return devices.namespace(x).arange(math.prod(shape)).reshape(shape)[index]


def _last_writes(places):
    """Of the elements written to these places (M,), one after another: the numbers of those that are not written over.

    A GPU writes all at once, so the last write would be whichever.
    """
    order = np.argsort(places, kind="stable")
    ordered = places[order]
    return order[np.concatenate([ordered[1:] != ordered[:-1], ordered[:1] == ordered[:1]])]


def put_into(x, value, index):
    """A copy of x with x[index] = value, ``value`` broadcast;  ∂x = g outside the index, ∂value = g at it."""
    value = value if isinstance(value, Tensor) else Tensor(devices.beside(value, x).astype(x.dtype))
    _check_places(x, index)
    index = devices.moved(index) if devices.of(x) == "cuda" else index
    return _assign(x, expand(value, _places(index, x.shape, x).shape), index=index)


def plain_index(key):
    """An index as a tuple of integers, slices and arrays: tensors unwrapped, lists as integer or boolean arrays."""

    def one(k):
        k = k.data if isinstance(k, Tensor) else k
        if isinstance(k, list) or devices.is_array(k):
            k = devices.as_array(k)
            k = k if k.size else k.astype(int)
            if k.dtype.kind not in "biu":
                raise TypeError(
                    f"{here('index')}: an index array must hold integers or booleans, got {k.dtype}; use .long()"
                )
        return int(k) if isinstance(k, np.integer) else k

    return tuple(one(k) for k in key) if isinstance(key, tuple) else (one(key),)


def gather(input, dim, index):
    """y[…, k, …] = x[…, index[k], …] along ``dim``; index has the axes of x, the input, and is no longer along the others.

    ∂x = g added at the places it was taken from.
    """
    places = devices.constant(index, input, here("gather"))
    k = axis_of(dim, input.ndim, "gather")
    if places.dtype.kind not in "iu":
        raise TypeError(f"{here('gather')}: the index must hold integers, got {places.dtype}; use .long()")
    if places.ndim != input.ndim or any(n > m for j, (n, m) in enumerate(zip(places.shape, input.shape)) if j != k):
        raise ValueError(
            f"{here('gather')}: index {places.shape} does not fit input {input.shape} along dim {dim}; unsqueeze gives it more axes"
        )
    if places.size and (places.min() < 0 or places.max() >= input.shape[k]):
        raise IndexError(
            f"{here('gather')}: index reaches {places.min()} … {places.max()}, dim {dim} has {input.shape[k]}; count from 0"
        )
    grid = list(np.ogrid[tuple(slice(n) for n in places.shape)])
    grid[k] = places
    return _take(input, index=tuple(grid))


@operation
def clone(x):
    """A copy in its own memory;  ∂x = g."""
    return x.copy()


@clone.rule
def _(g):
    return g
