"""Elements by their places: taken, added back where they were taken, and written; each the adjoint of another."""

import math

import numpy as np
from tinylucid_kernels import of

from .. import devices
from ..scopes import here
from ..tensor import Tensor, operation
from .shape import axis_of, expand


@operation(view=True)
def _take(x, *, index):
    """y = x[index];  ∂x = g added at the index, into zeros."""
    return x[index]


_take.op.__name__ = "index"  # what it is called by


@_take.rule
def _(g, shapes, index):
    return _put(g, index=index, shape=shapes[0])


@operation
def _put(y, *, index, shape):
    """x = zeros of ``shape`` with y added at the index, the adjoint of _take;  ∂y = g[index]."""
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
    """y = x[key], for integers, slices, None, ..., masks and integer arrays, by NumPy's rules;  ∂x = g added there.

    Shapes: x (…), key → y of the shape that NumPy gives it.
    Derivation: each element of y is one element of x, y[i] = x[k(i)], so ∂x[j] = Σ_i g[i]·[k(i) = j]: zeros, with each
        g added at the place that its element was taken from; one taken twice gets both.
    Source: Harris et al., "Array programming with NumPy", 2020: indexing.
    Exercise: conv_im2col.
    """
    places = plain_index(key)
    _check_places(x, places)
    return _take(x, index=places)


@operation(dtypes="same")
def _assign(x, value, *, index):
    """y = x with y[index] = value;  ∂x = g where nothing was written, ∂value = g[index] where its write was last."""
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
    """y = x, copied, with y[index] = value, ``value`` broadcast;  ∂x = g outside the index, ∂value = g at it."""
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
    """y[…, k, …] = x[…, index[k], …] along ``dim``;  ∂x = g added at the places it was taken from.

    The index has the axes of x, the input, and is no longer along the others. Raises TypeError for an index that holds
    no integers, ValueError for a shape that does not fit, IndexError for a place outside.

    Shapes: x (A, B), index (M, B), for dim=0 → y (M, B).
    Derivation: for dim=0, y[m, b] = x[index[m, b], b], so ∂y[m, b]/∂x[a, b] = [index[m, b] = a] and
        ∂x[a, b] = Σ_m g[m, b]·[index[m, b] = a]: an element taken twice gets both gradients. The index moves in steps
        and gets none.
    Source: Harris et al., "Array programming with NumPy", 2020: indexing.
    Exercise: cross_entropy.
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
