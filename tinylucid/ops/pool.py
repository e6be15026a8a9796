"""Pooling by a window that slides: max, its partial inverse, and average.

Gather and scatter by the saved index are a closed pair: each is the other's gradient.
"""

import math

import numpy as np
from tinylucid_kernels import of

from .. import devices
from ..scopes import here
from ..tensor import Tensor, operation
from .conv import pair
from .indexing import _assign
from .padding import pad
from .shape import _reshape, tensor_like


@operation(dtypes="float")
def _max_pool2d(x, *, kernel_size, stride, padding, dilation):
    y, index = of(x).max_pool2d(x, kernel_size, stride, padding, dilation)
    return y, {"index": index}


@_max_pool2d.rule
def _(g, shapes, index):
    return _pool_scatter(g, index=index, size=shapes[0][2:])


@operation
def _pool_scatter(y, *, index, size):
    """x = zeros of ``size`` with each y added at its index, the adjoint of _pool_gather;  ∂y = g gathered there."""
    return of(y).pool_scatter(y, index, size)


@_pool_scatter.rule
def _(g, index):
    return _pool_gather(g, index=index)


@operation
def _pool_gather(x, *, index):
    """y[n, c, p, q] = x[n, c] at the flat place index[n, c, p, q];  ∂x = g added there, by _pool_scatter."""
    return of(x).pool_gather(x, index)


@_pool_gather.rule
def _(g, shapes, index):
    return _pool_scatter(g, index=index, size=shapes[0][2:])


def max_pool2d(input, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False, return_indices=False):
    """y = max of each window's pixels;  the gradient goes to it alone, to the first of equals in row-major order.

    stride defaults to kernel_size, padding is with −inf. With ``ceil_mode`` a last window may reach over the padded
    edge, if it begins before it. With ``return_indices`` also each winner's place h·W + w. Raises ValueError where the
    window does not fit.

    Shapes: x (N, C, H, W) → y (N, C, P, Q), sizes as in conv2d.
    Derivation: while a window's winner stays the largest, y[p, q] is that pixel, so ∂y[p, q]/∂x[h, w] is 1 for the
        winner and 0 for the others: ∂x[h, w] = Σ g[p, q] over the windows whose winner (h, w) is. Windows may overlap,
        and a pixel may win several. Of equals any is a subgradient.
    Source: Goodfellow, Bengio and Courville, "Deep learning", 2016, section 9.3.
    Exercise: max_pool.
    """
    how, over = _window(input, kernel_size, stride, padding, dilation, ceil_mode, "max_pool2d")
    width = input.shape[3]
    if any(over):
        input = pad(input, (0, over[1], 0, over[0]), value=-np.inf)
    y, found = _max_pool2d.op.apply((input,), how)
    if not return_indices:
        return y
    rows, columns = np.divmod(found["index"], width + over[1])
    index = rows * width + columns
    return y, Tensor(index) if isinstance(y, Tensor) else index


def max_unpool2d(input, indices, kernel_size, stride=None, padding=0, output_size=None):
    """y = zeros with each pixel written where ``indices`` of max_pool2d says: its partial inverse;  ∂x = g there.

    H = (P − 1)·stride − 2·padding + kernel_size unless ``output_size`` gives (H, W), less than a stride away. Of
    several pixels for one place the last is written, and gets the gradient. Raises ValueError for shapes that do not
    fit, IndexError for an index beside the picture.

    Shapes: x and indices (N, C, P, Q) → y (N, C, H, W).
    Derivation: y[index[p, q]] = x[p, q], so ∂x[p, q] = g[index[p, q]], and 0 for a pixel that was written over. The
        zeros are constants. The indices move in steps and get none.
    Source: Zeiler and Fergus, "Visualizing and understanding convolutional networks", 2014.
    Exercise: max_pool.
    """
    places = devices.constant(indices, input, here("max_unpool2d"))
    if tensor_like(input, "max_unpool2d").ndim != 4 or places.shape != input.shape or places.dtype.kind not in "iu":
        raise ValueError(
            f"{here('max_unpool2d')}: expected input (N, C, P, Q) and integers of its shape, got {input.shape} and "
            f"{places.dtype} {places.shape}"
        )
    kernel_size = pair(kernel_size, "kernel_size", 1, "max_unpool2d")
    stride = kernel_size if stride is None else pair(stride, "stride", 1, "max_unpool2d")
    padding = pair(padding, "padding", 0, "max_unpool2d")
    usual = tuple((n - 1) * s - 2 * p + k for n, s, p, k in zip(input.shape[2:], stride, padding, kernel_size))
    size = usual if output_size is None else pair(tuple(output_size)[-2:], "output_size", 1, "max_unpool2d")
    if min(size) < 1 or any(not m - s < n < m + s for n, m, s in zip(size, usual, stride)):
        raise ValueError(f"{here('max_unpool2d')}: output_size {size} is not within a stride {stride} of {usual}")
    if places.size and (places.min() < 0 or places.max() >= size[0] * size[1]):
        raise IndexError(
            f"{here('max_unpool2d')}: indices reach {places.min()} … {places.max()}, a picture of {size} has places "
            f"0 … {size[0] * size[1] - 1}"
        )
    n, c, p, q = input.shape
    index = (np.arange(n)[:, None, None], np.arange(c)[:, None], places.reshape(n, c, p * q))
    empty = devices.namespace(input).zeros((n, c, size[0] * size[1]), input.dtype)
    return _reshape(_assign(empty, _reshape(input, shape=(n, c, p * q)), index=index), shape=(n, c, *size))


def _window(x, kernel_size, stride, padding, dilation, ceil_mode, where):
    """The pooling window's arguments as pairs, checked against x, and by how far the last one reaches over the edge."""
    if tensor_like(x, where).ndim != 4:
        raise ValueError(f"{here(where)}: expected input (N, C, H, W), got {x.shape}; x[None] adds an axis in front")
    how = {
        "kernel_size": pair(kernel_size, "kernel_size", 1, where),
        "stride": pair(kernel_size if stride is None else stride, "stride", 1, where),
        "padding": pair(padding, "padding", 0, where),
        "dilation": pair(dilation, "dilation", 1, where),
    }
    if any(2 * p > k for p, k in zip(how["padding"], how["kernel_size"])):
        raise ValueError(
            f"{here(where)}: padding {how['padding']} is more than half of kernel_size {how['kernel_size']}; pad less, or F.pad before"
        )
    if any(p and d > n for n, p, d in zip(x.shape[2:], how["padding"], how["dilation"])):
        raise ValueError(
            f"{here(where)}: at dilation {how['dilation']} a window can fall beside the picture {x.shape} altogether"
        )
    over = [_overhang(n, *of_axis) if ceil_mode else 0 for n, *of_axis in zip(x.shape[2:], *how.values())]
    if any(
        n + 2 * p + more < d * (k - 1) + 1
        for n, k, p, d, more in zip(x.shape[2:], how["kernel_size"], how["padding"], how["dilation"], over)
    ):
        raise ValueError(
            f"{here(where)}: window {how['kernel_size']} is larger than the padded input {x.shape} + {how['padding']}; "
            "pool less, or take larger pictures"
        )
    return how, over


def _overhang(n, kernel_size, stride, padding, dilation):
    """By how many pixels the last window that begins inside reaches over the padded edge; 0 if none begins there."""
    reach = dilation * (kernel_size - 1) + 1
    last = (
        -(-(n + 2 * padding - reach) // stride) * stride
    )  # where the last window begins, counted from the padded edge
    if last >= n + padding:
        last -= stride
    return max(0, last + reach - n - 2 * padding) if last >= 0 else 0


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
    """x = each y shared equally among its window's pixels;  ∂y = avg_pool2d(g), whose adjoint it is."""
    return of(y).avg_pool2d_backward(y, size, kernel_size, stride, padding, include_pad)


@_avg_pool2d_backward.rule
def _(g, kernel_size, stride, padding, include_pad):
    return _avg_pool2d(g, kernel_size=kernel_size, stride=stride, padding=padding, include_pad=include_pad)


def avg_pool2d(
    input, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True, divisor_override=None
):
    """y = Σ x / k over each window, k its pixels: the mean;  the gradient is shared equally among its pixels.

    stride defaults to kernel_size; padded zeros count in k if ``count_include_pad``; with ``ceil_mode`` a last window
    may reach over the padded edge, if it begins before it, and what lies beyond does not count. ``divisor_override`` is
    a k of your own. Raises ValueError where the window does not fit, and for a divisor of 0.

    Shapes: x (N, C, H, W) → y (N, C, P, Q), sizes as in conv2d.
    Derivation: ∂y[p, q]/∂x[h, w] = 1/k for the pixels of the window and 0 for the others, so
        ∂x[h, w] = Σ g[p, q]/k[p, q] over the windows that hold (h, w).
    Source: LeCun et al., "Gradient-based learning applied to document recognition", 1998.
    Exercise: max_pool.
    """
    how, over = _window(input, kernel_size, stride, padding, 1, ceil_mode, "avg_pool2d")
    del how["dilation"]
    if divisor_override is None and not any(over):
        return _avg_pool2d(input, include_pad=bool(count_include_pad), **how)
    if divisor_override == 0:
        raise ValueError(f"{here('avg_pool2d')}: divisor_override must not be 0")
    whole = _avg_pool2d(pad(input, (0, over[1], 0, over[0])), include_pad=True, **how)
    axes = zip(input.shape[2:], whole.shape[2:], how["kernel_size"], how["stride"], how["padding"])
    rows, columns = (_counted(*axis, count_include_pad) for axis in axes)
    divisor = rows[:, None] * columns if divisor_override is None else np.array(divisor_override)
    return (
        whole * float(math.prod(how["kernel_size"])) / devices.beside(devices.fixed(divisor.astype(whole.dtype)), whole)
    )


def _counted(n, windows, kernel_size, stride, padding, include_pad):
    """How many rows (or columns) of each window count: those of the picture, or of the picture and its padding."""
    start = np.arange(windows) * stride - padding
    frame = padding if include_pad else 0
    return np.minimum(start + kernel_size, n + frame) - np.maximum(start, -frame)
