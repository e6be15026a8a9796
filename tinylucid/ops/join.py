"""Joins and pieces: tensors one after another along an axis, and apart again; each gets its part of the gradient back."""

from itertools import accumulate

import numpy as np

from ..scopes import here
from ..tensor import operation
from .indexing import _take
from .shape import axis_of, unsqueeze


@operation(dtypes="same")
def _concatenate(*xs, axis):
    return np.concatenate(xs, axis)


@_concatenate.rule
def _(g, need, shapes, axis):
    ends = list(accumulate(shape[axis] for shape in shapes))
    parts = [(slice(None),) * axis + (slice(end - shape[axis], end),) for end, shape in zip(ends, shapes)]
    return tuple(_take(g, index=part) if wanted else None for part, wanted in zip(parts, need))


def concatenate(tensors, dim=0):
    """y = the tensors one after another along ``dim`` (also ``cat``);  each gets its part of g.

    Raises ValueError where the other sizes differ.

    Shapes: x₀ (A, C), x₁ (B, C), …, for dim=0 → y (A + B + …, C).
    Derivation: with a_k the sum of the sizes before x_k, y[a_k + i] = x_k[i], so ∂y[a_k + i]/∂x_k[i] = 1 and
        ∂x_k[i] = g[a_k + i]: the piece of g where x_k stands.
    Source: Harris et al., "Array programming with NumPy", 2020.
    Exercise: lstm_cell.
    """
    xs = sequence(tensors, "concatenate")
    k = axis_of(dim, xs[0].ndim, "concatenate")
    if any(
        x.ndim != xs[0].ndim or x.shape[:k] + x.shape[k + 1 :] != xs[0].shape[:k] + xs[0].shape[k + 1 :] for x in xs
    ):
        raise ValueError(
            f"{here('concatenate')}: shapes differ outside dim {dim}: {', '.join(str(x.shape) for x in xs)}; "
            "all other sizes must agree: join along another dim, or reshape one"
        )
    return _concatenate(*xs, axis=k)


def stack(tensors, dim=0):
    """y = tensors of one shape along a new axis ``dim``: y[k] = x_k for dim=0;  ∂x_k = g[k].

    Shapes: K tensors x_k (A, B), for dim=0 → y (K, A, B).
    Derivation: ∂y[k]/∂x_j = [k = j], so x_k gets g[k], the piece of g where it stands. It has no rule of its own: this
        follows from unsqueeze and concatenate.
    Source: Harris et al., "Array programming with NumPy", 2020.
    Exercise: lstm_cell.
    """
    xs = sequence(tensors, "stack")
    if any(x.shape != xs[0].shape for x in xs):
        raise ValueError(
            f"{here('stack')}: shapes differ: {', '.join(str(x.shape) for x in xs)}; make them one shape, or use cat"
        )
    return concatenate([unsqueeze(x, dim) for x in xs], dim if dim >= 0 else dim + xs[0].ndim + 1)


def sequence(tensors, where):
    """A non-empty list of tensors or arrays; TypeError or ValueError otherwise."""
    if not isinstance(tensors, (list, tuple)):
        raise TypeError(f"{here(where)}: expected a list of tensors, got {type(tensors).__name__}; write [a, b]")
    for k, x in enumerate(tensors):
        if not hasattr(x, "ndim"):
            raise TypeError(f"{here(where)}: expected a list of tensors, its element {k} is {type(x).__name__}")
    if not len(tensors):
        raise ValueError(f"{here(where)}: expected at least one tensor, got an empty list; was anything appended?")
    return list(tensors)


def split(tensor, split_size, dim=0):
    """y_k = x's piece k along ``dim``, a view;  ∂x = the g_k one after another.

    Pieces are of ``split_size`` (the last may be smaller), or of the sizes listed. Raises ValueError for sizes that do
    not add up.

    Shapes: x (A + B + …, C), for dim=0 → y₀ (A, C), y₁ (B, C), ….
    Derivation: with a_k the sum of the sizes before piece k, y_k[i] = x[a_k + i], so ∂x[a_k + i] = g_k[i]. Each piece's
        rule puts its g_k into zeros of x's shape, and where they meet at x they are added.
    Source: Harris et al., "Array programming with NumPy", 2020.
    Exercise: lstm_cell.
    """
    k = axis_of(dim, tensor.ndim, "split")
    n = tensor.shape[k]
    if isinstance(split_size, int):
        if split_size < 1:
            raise ValueError(f"{here('split')}: split_size must be at least 1, got {split_size}")
        pieces = [min(split_size, n - start) for start in range(0, n, split_size)] or [0]
    else:
        pieces = list(split_size)
    if sum(pieces) != n or min(pieces) < 0:
        raise ValueError(
            f"{here('split')}: sizes {pieces} do not add up to {n}, the size of dim {dim}; one number cuts equal pieces"
        )
    ends = accumulate(pieces)
    return tuple(_take(tensor, index=(slice(None),) * k + (slice(e - size, e),)) for e, size in zip(ends, pieces))
