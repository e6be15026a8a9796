"""Pooling: max by gathering the winners, average, and adaptive average.

Gather and scatter by the saved index are a closed pair: each is the other's gradient.
"""

import numpy as np
from tinylucid_kernels import of

from ..scopes import here
from ..tensor import Tensor, operation
from .conv import pair
from .dense import flip, matmul
from .reduce import _mean
from .shape import tensor_like


@operation(dtypes="float")
def _max_pool2d(x, *, kernel_size, stride, padding, dilation):
    y, index = of(x).max_pool2d(x, kernel_size, stride, padding, dilation)
    return y, {"index": index}


@_max_pool2d.rule
def _(g, shapes, index):
    return _pool_scatter(g, index=index, size=shapes[0][2:])


@operation
def _pool_scatter(y, *, index, size):
    return of(y).pool_scatter(y, index, size)


@_pool_scatter.rule
def _(g, index):
    return _pool_gather(g, index=index)


@operation
def _pool_gather(x, *, index):
    return of(x).pool_gather(x, index)


@_pool_gather.rule
def _(g, shapes, index):
    return _pool_scatter(g, index=index, size=shapes[0][2:])


def max_pool2d(input, kernel_size, stride=None, padding=0, dilation=1, return_indices=False):
    """y = the largest pixel in each window;  the gradient goes to it alone, to the first of equals in row-major order.

    (N, C, H, W) → (N, C, P, Q), sizes as in conv2d; stride defaults to kernel_size, padding is with −inf. With
    ``return_indices`` also each winner's place h·W + w. Raises ValueError where the window does not fit.
    """
    how = _window(input, kernel_size, stride, padding, dilation, "max_pool2d")
    if not return_indices:
        return _max_pool2d(input, **how)
    data = input.data if isinstance(input, Tensor) else input
    index = of(data).max_pool2d(data, **how)[1]
    return _pool_gather(input, index=index), Tensor(index) if isinstance(input, Tensor) else index


def _window(x, kernel_size, stride, padding, dilation, where):
    """The pooling window's arguments as pairs, checked against x."""
    if tensor_like(x, where).ndim != 4:
        raise ValueError(f"{here(where)}: expected input (N, C, H, W), got {x.shape}")
    how = {
        "kernel_size": pair(kernel_size, "kernel_size", 1, where),
        "stride": pair(kernel_size if stride is None else stride, "stride", 1, where),
        "padding": pair(padding, "padding", 0, where),
        "dilation": pair(dilation, "dilation", 1, where),
    }
    if any(2 * p > k for p, k in zip(how["padding"], how["kernel_size"])):
        raise ValueError(
            f"{here(where)}: padding {how['padding']} is more than half of kernel_size {how['kernel_size']}"
        )
    if any(p and d > n for n, p, d in zip(x.shape[2:], how["padding"], how["dilation"])):
        raise ValueError(
            f"{here(where)}: at dilation {how['dilation']} a window can fall beside the picture {x.shape} altogether"
        )
    if any(
        n + 2 * p < d * (k - 1) + 1
        for n, k, p, d in zip(x.shape[2:], how["kernel_size"], how["padding"], how["dilation"])
    ):
        raise ValueError(
            f"{here(where)}: window {how['kernel_size']} is larger than the padded input {x.shape} + {how['padding']}"
        )
    return how


@operation(dtypes="float")
def _avg_pool2d(x, *, kernel_size, stride, padding, include_pad):
    return of(x).avg_pool2d(x, kernel_size, stride, padding, include_pad)


@_avg_pool2d.rule
def _(g, shapes, kernel_size, stride, padding, include_pad):
    return _avg_pool2d_backward(
        g, size=shapes[0][2:], kernel_size=kernel_size, stride=stride, padding=padding, include_pad=include_pad
    )


@operation(dtypes="float")
def _avg_pool2d_backward(y, *, size, kernel_size, stride, padding, include_pad):
    return of(y).avg_pool2d_backward(y, size, kernel_size, stride, padding, include_pad)


@_avg_pool2d_backward.rule
def _(g, kernel_size, stride, padding, include_pad):
    return _avg_pool2d(g, kernel_size=kernel_size, stride=stride, padding=padding, include_pad=include_pad)


def avg_pool2d(input, kernel_size, stride=None, padding=0, count_include_pad=True):
    """y = the mean of each window;  the gradient is shared equally among its pixels.

    (N, C, H, W) → (N, C, P, Q), sizes as in conv2d; stride defaults to kernel_size; padded zeros count in the
    divisor if ``count_include_pad``. Raises ValueError where the window does not fit.
    """
    how = _window(input, kernel_size, stride, padding, 1, "avg_pool2d")
    del how["dilation"]
    return _avg_pool2d(input, include_pad=bool(count_include_pad), **how)


def adaptive_avg_pool2d(input, output_size):
    """y (N, C, P, Q) of the wanted size: place p averages rows ⌊p·H/P⌋ … ⌈(p+1)·H/P⌉ − 1, columns likewise.

    ``output_size`` is an integer or (P, Q); None keeps an axis. As two matrix products, y = A x Bᵀ, so ∂x = Aᵀ g B.
    """
    if tensor_like(input, "adaptive_avg_pool2d").ndim != 4 or not input.shape[2] * input.shape[3]:
        raise ValueError(f"{here('adaptive_avg_pool2d')}: expected input (N, C, H, W) with H, W ≥ 1, got {input.shape}")
    size = output_size if isinstance(output_size, (tuple, list)) else (output_size, output_size)
    if len(size) != 2:
        raise ValueError(
            f"{here('adaptive_avg_pool2d')}: output_size must be an integer or two of them, got {output_size!r}"
        )
    size = pair(
        [n if want is None else want for n, want in zip(input.shape[2:], size)], "output_size", 1, "adaptive_avg_pool2d"
    )
    if size == (1, 1):
        return _mean(input, axes=(2, 3), keepdim=True)
    rows, columns = (_averaging(n, out, input.dtype) for n, out in zip(input.shape[2:], size))
    return matmul(matmul(rows, input), flip(columns))


def _averaging(n, out, dtype):
    """The matrix (out, n) whose row p averages elements ⌊p·n/out⌋ … ⌈(p+1)·n/out⌉ − 1."""
    p, k = np.arange(out)[:, None], np.arange(n)
    inside = (k >= p * n // out) & (k < -(-(p + 1) * n // out))
    return (inside / inside.sum(1, keepdims=True)).astype(dtype)
