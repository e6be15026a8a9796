"""Pooling to a wanted size: the windows follow from it. Average with its adjoint, and max by the index of each winner."""

from tinylucid_kernels import of

from ..scopes import here
from ..tensor import Tensor, operation
from .conv import pair
from .pool import _pool_scatter
from .reduce import _mean
from .shape import tensor_like


@operation(dtypes="float")
def _adaptive_avg_pool2d(x, *, size):
    return of(x).adaptive_avg_pool2d(x, size)


@_adaptive_avg_pool2d.rule
def _(g, shapes):
    return _adaptive_avg_pool2d_backward(g, size=shapes[0][2:])


@operation(dtypes="float")
def _adaptive_avg_pool2d_backward(y, *, size):
    """x = each y shared equally among its window's pixels;  ∂y = adaptive_avg_pool2d(g), whose adjoint it is."""
    return of(y).adaptive_avg_pool2d_backward(y, size)


@_adaptive_avg_pool2d_backward.rule
def _(g, shapes):
    return _adaptive_avg_pool2d(g, size=shapes[0][2:])


def adaptive_avg_pool2d(input, output_size):
    """y[p, q] = the mean of a window: rows ⌊p·H/P⌋ … ⌈(p+1)·H/P⌉ − 1, columns likewise.

    The windows are such that y is of the size wanted. ``output_size`` is an integer or (P, Q); None keeps an axis.
    Raises ValueError for sizes below 1.

    Shapes: x (N, C, H, W) → y (N, C, P, Q).
    Derivation: with k[p, q] the pixels of a window, ∂y[p, q]/∂x[h, w] = 1/k[p, q] for each of them, so
        ∂x[h, w] = Σ g[p, q]/k[p, q] over the windows that hold (h, w): where P does not divide H, some neighbours share
        a row.
    Source: for size 1, Lin, Chen and Yan, "Network in network", 2014: global average pooling; the windows are
        PyTorch's.
    Exercise: max_pool.
    """
    size = _wanted(input, output_size, "adaptive_avg_pool2d")
    return _mean(input, axes=(2, 3), keepdim=True) if size == (1, 1) else _adaptive_avg_pool2d(input, size=size)


@operation(dtypes="float")
def _adaptive_max_pool2d(x, *, size):
    y, index = of(x).adaptive_max_pool2d(x, size)
    return y, {"index": index}


@_adaptive_max_pool2d.rule
def _(g, shapes, index):
    return _pool_scatter(g, index=index, size=shapes[0][2:])


def adaptive_max_pool2d(input, output_size, return_indices=False):
    """y = the largest pixel of each of adaptive_avg_pool2d's windows;  the gradient goes to it alone.

    Of equals the first in row-major order wins. With ``return_indices`` also each winner's place h·W + w. Raises
    ValueError for sizes below 1.

    Shapes: x (N, C, H, W) → y (N, C, P, Q).
    Derivation: as in max_pool2d, ∂y[p, q]/∂x[h, w] is 1 for the winner and 0 for the others, so ∂x[h, w] = Σ g[p, q]
        over the windows whose winner (h, w) is.
    Source: Goodfellow, Bengio and Courville, "Deep learning", 2016, section 9.3; the windows are PyTorch's.
    Exercise: max_pool.
    """
    size = _wanted(input, output_size, "adaptive_max_pool2d")
    y, found = _adaptive_max_pool2d.op.apply((input,), {"size": size})
    if not return_indices:
        return y
    return y, Tensor(found["index"]) if isinstance(y, Tensor) else found["index"]


def _wanted(x, output_size, where):
    """``output_size`` as (P, Q), checked against x."""
    if tensor_like(x, where).ndim != 4 or not x.shape[2] * x.shape[3]:
        raise ValueError(f"{here(where)}: expected input (N, C, H, W) with H, W ≥ 1, got {x.shape}")
    size = output_size if isinstance(output_size, (tuple, list)) else (output_size, output_size)
    if len(size) != 2:
        raise ValueError(f"{here(where)}: output_size must be an integer or two of them, got {output_size!r}")
    return pair([n if want is None else want for n, want in zip(x.shape[2:], size)], "output_size", 1, where)
