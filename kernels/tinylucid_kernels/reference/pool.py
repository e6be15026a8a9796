"""Pooling: max with the place of each winner, average, and their adjoints.

Shapes: x (N, C, H, W), y and g (N, C, P, Q); kernel_size, stride, padding, dilation are pairs (rows, columns). ``index``
holds each winner's flat place h·W + w in its own image plane, as PyTorch's ``return_indices``.
"""

import numpy as np

from .conv import framed, taps


def out_size(size, kernel_size, stride, padding, dilation):
    """How many windows fit, rows and columns."""
    return [
        (n + 2 * pad - d * (k - 1) - 1) // s + 1
        for n, k, s, pad, d in zip(size, kernel_size, stride, padding, dilation)
    ]


def max_pool2d(x, kernel_size, stride, padding, dilation):
    """y = the largest pixel under each window, and its ``index``; of equals the first in row-major order; NaN wins."""
    size = out_size(x.shape[2:], kernel_size, stride, padding, dilation)
    numbers = framed(np.arange(x.shape[2] * x.shape[3]).reshape(x.shape[2:]), padding, -1)
    places = np.stack([place for _, _, place in taps(numbers, kernel_size, size, stride, dilation)])
    windows = [pixels for _, _, pixels in taps(framed(x, padding, -np.inf), kernel_size, size, stride, dilation)]
    y = windows[0].copy()
    for pixels in windows[1:]:
        np.maximum(y, pixels, out=y)
    winner = np.zeros(y.shape, np.min_scalar_type(len(windows)))  # the number of the tap
    for k in reversed(range(len(windows))):  # backwards, so that the first of equals has the last word
        won = (windows[k] == y) | (windows[k] != windows[k])
        if any(padding):
            won &= places[k] >= 0  # −inf in the frame equals −inf in the picture, and must not win
        winner = np.where(won, winner.dtype.type(k), winner)
    return y, places[winner, np.arange(size[0])[:, None], np.arange(size[1])]


def pool_gather(x, index):
    """y[n, c, p, q] = x[n, c] at flat place index[n, c, p, q]."""
    n, c, *size = index.shape
    flat = index.reshape(n, c, size[0] * size[1])
    return np.take_along_axis(x.reshape(n, c, x.shape[2] * x.shape[3]), flat, 2).reshape(index.shape)


def pool_scatter(g, index, size):
    """The adjoint of pool_gather: zeros (N, C, *size) with each g added at its place."""
    n, c, p, q = g.shape
    plane = size[0] * size[1]
    flat = index.reshape(n * c, p * q) + plane * np.arange(n * c)[:, None]
    out = np.zeros(n * c * plane, g.dtype)
    np.add.at(out, flat.ravel(), g.ravel())
    return out.reshape(n, c, *size)


def window_sizes(size, kernel_size, stride, padding, include_pad):
    """By how much each window's sum is divided: (P, Q), all of the kernel or only the pixels of the image."""
    p, q = out_size(size, kernel_size, stride, padding, (1, 1))
    if include_pad:
        return np.full((p, q), kernel_size[0] * kernel_size[1])
    inside = framed(np.ones(size, int), padding)
    return sum(pixels for _, _, pixels in taps(inside, kernel_size, (p, q), stride, (1, 1)))


def avg_pool2d(x, kernel_size, stride, padding, include_pad):
    """y = the mean under each window; padded zeros count in the divisor if ``include_pad``."""
    size = out_size(x.shape[2:], kernel_size, stride, padding, (1, 1))
    total = np.zeros((*x.shape[:2], *size), x.dtype)
    for _, _, pixels in taps(framed(x, padding), kernel_size, size, stride, (1, 1)):
        total += pixels
    return total / window_sizes(x.shape[2:], kernel_size, stride, padding, include_pad).astype(x.dtype)


def avg_pool2d_backward(g, size, kernel_size, stride, padding, include_pad):
    """The adjoint of avg_pool2d: each g shared equally among its window's pixels; (N, C, *size)."""
    (h, w), (ph, pw) = size, padding
    share = g / window_sizes(size, kernel_size, stride, padding, include_pad).astype(g.dtype)
    padded = np.zeros((*g.shape[:2], h + 2 * ph, w + 2 * pw), g.dtype)
    for _, _, pixels in taps(padded, kernel_size, g.shape[2:], stride, (1, 1)):
        pixels += share
    return padded[:, :, ph : ph + h, pw : pw + w]


def adaptive_windows(n, out):
    """The ``out`` windows that cover n pixels: place p looks at ⌊p·n/out⌋ … ⌈(p+1)·n/out⌉ − 1; neighbours may share one."""
    return [slice(p * n // out, -(-(p + 1) * n // out)) for p in range(out)]


def adaptive_patches(x, size):
    """For each place of a result of ``size``: its row and column, the rows and columns of x it looks at, and those pixels."""
    for p, rows in enumerate(adaptive_windows(x.shape[2], size[0])):
        for q, columns in enumerate(adaptive_windows(x.shape[3], size[1])):
            yield p, q, rows, columns, x[:, :, rows, columns]


def adaptive_avg_pool2d(x, size):
    """y (N, C, *size) = the mean of each window of :func:`adaptive_windows`."""
    y = np.empty((*x.shape[:2], *size), x.dtype)
    for p, q, _, _, pixels in adaptive_patches(x, size):
        y[:, :, p, q] = pixels.mean((2, 3))
    return y


def adaptive_avg_pool2d_backward(g, size):
    """The adjoint of adaptive_avg_pool2d: each g shared equally among its window's pixels; (N, C, *size)."""
    out = np.zeros((*g.shape[:2], *size), g.dtype)
    for p, q, _, _, pixels in adaptive_patches(out, g.shape[2:]):
        pixels += g[:, :, p, q, None, None] / (pixels.shape[2] * pixels.shape[3])
    return out


def adaptive_max_pool2d(x, size):
    """y (N, C, *size) = the largest pixel of each window, and its ``index``; of equals the first in row-major order; NaN wins."""
    y, index = np.empty((*x.shape[:2], *size), x.dtype), np.empty((*x.shape[:2], *size), np.int64)
    for p, q, rows, columns, pixels in adaptive_patches(x, size):
        flat = pixels.reshape(*x.shape[:2], pixels.shape[2] * pixels.shape[3])
        k = flat.argmax(2)  # NumPy's argmax gives the first NaN, if there is one
        y[:, :, p, q] = np.take_along_axis(flat, k[..., None], 2)[..., 0]
        index[:, :, p, q] = (rows.start + k // pixels.shape[3]) * x.shape[3] + columns.start + k % pixels.shape[3]
    return y, index
