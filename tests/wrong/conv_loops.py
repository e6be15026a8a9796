"""Ways to get exercise conv_loops wrong, and other ways to get it right."""

import numpy as np


def places(x, weight):
    n, o, (kh, kw) = len(x), len(weight), weight.shape[2:]
    y = np.zeros((n, o, x.shape[2] - kh + 1, x.shape[3] - kw + 1))
    for n, o, p, q in np.ndindex(*y.shape):
        yield y, (n, o, p, q), x[n, :, p : p + kh, q : q + kw], weight[o]


def forward__flipped(x, weight, bias):
    """turned by 180 degrees | lay it on the picture as it is"""
    for y, at, window, kernel in places(x, weight):
        y[at] = bias[at[1]] + (window * kernel[:, ::-1, ::-1]).sum()
    return y


def forward__no_bias(x, weight, bias):
    """bias is left out"""
    for y, at, window, kernel in places(x, weight):
        y[at] = (window * kernel).sum()
    return y


def forward__bias_at_every_number(x, weight, bias):
    """bias added at every number | add it once"""
    for y, at, window, kernel in places(x, weight):
        y[at] = (window * kernel + bias[at[1]]).sum()
    return y


def forward__bias_with_minus(x, weight, bias):
    """bias | wrong sign"""
    for y, at, window, kernel in places(x, weight):
        y[at] = (window * kernel).sum() - bias[at[1]]
    return y


def forward__last_channel(x, weight, bias):
    """counts only the last entry of x along axis 1 | +="""
    for y, at, window, kernel in places(x, weight):
        for c in range(x.shape[1]):
            y[at] = bias[at[1]] + (window[c] * kernel[c]).sum()
    return y


def forward__mean(x, weight, bias):
    """the mean over the window"""
    for y, at, window, kernel in places(x, weight):
        y[at] = bias[at[1]] + (window * kernel).mean()
    return y


def forward__first_picture(x, weight, bias):
    """zero only at [1] along axis 0"""
    for y, at, window, kernel in places(x, weight):
        if at[0] == 0:
            y[at] = bias[at[1]] + (window * kernel).sum()
    return y


def forward__size_of_x(x, weight, bias):
    """Your y has shape | not as large as x"""
    n, _, h, w = x.shape
    _, _, kh, kw = weight.shape
    y = np.zeros((n, len(weight), h, w))
    for n, o, p, q in np.ndindex(*y.shape):
        window = x[n, :, p : p + kh, q : q + kw]
        y[n, o, p, q] = bias[o] + (window * weight[o, :, : window.shape[1], : window.shape[2]]).sum()
    return y


def forward__one_row_short(x, weight, bias):
    """Your y has shape | + 1 is missing | 0 … H − kh"""
    for y, at, window, kernel in places(x, weight):
        y[at] = bias[at[1]] + (window * kernel).sum()
    return y[:, :, :-1, :-1]


def forward__last_row_not_written(x, weight, bias):
    """p = H − kh | 0 there"""
    n, _, h, w = x.shape
    o, _, kh, kw = weight.shape
    y = np.zeros((n, o, h - kh + 1, w - kw + 1))
    for n, o, p, q in np.ndindex(len(x), len(weight), h - kh, w - kw + 1):
        y[n, o, p, q] = bias[o] + (weight[o] * x[n, :, p : p + kh, q : q + kw]).sum()
    return y


def forward__one_column_short(x, weight, bias):
    """Your y has shape | + 1 is missing | 0 … H − kh"""
    for y, at, window, kernel in places(x, weight):
        y[at] = bias[at[1]] + (window * kernel).sum()
    return y[:, :, :, :-1]


def pixel_by_pixel(x, weight):
    """y as zeros, and for each i and j their products (N, O, P, Q)."""
    p, q = (n - k + 1 for n, k in zip(x.shape[2:], weight.shape[2:]))
    y = np.zeros((len(x), len(weight), p, q))
    for i, j in np.ndindex(*weight.shape[2:]):
        yield y, np.einsum("oc,ncpq->nopq", weight[:, :, i, j], x[:, :, i : i + p, j : j + q])


def forward__assigned_for_each_i_and_j(x, weight, bias):
    """the last i and j alone | +="""
    for y, products in pixel_by_pixel(x, weight):
        y[...] = products
    return y + bias[:, None, None]


def forward__assigned_in_all_loops(x, weight, bias):
    """the last c, i and j alone | +="""
    for y, (n, o, p, q), window, kernel in places(x, weight):
        for c, i, j in np.ndindex(*kernel.shape):
            y[n, o, p, q] = bias[o] + kernel[c, i, j] * window[c, i, j]
    return y


def forward__assigned_row_by_row(x, weight, bias):
    """the last i alone | +="""
    for y, at, window, kernel in places(x, weight):
        for i in range(kernel.shape[1]):
            y[at] = bias[at[1]] + (kernel[:, i] * window[:, i]).sum()
    return y


def forward__bias_for_each_i_and_j(x, weight, bias):
    """bias added for every i and j | add it once"""
    for y, products in pixel_by_pixel(x, weight):
        y += products + bias[:, None, None]
    return y


def forward__bias_for_each_channel(x, weight, bias):
    """bias added at every channel | add it once"""
    for y, at, window, kernel in places(x, weight):
        for c in range(x.shape[1]):
            y[at] += bias[at[1]] + (window[c] * kernel[c]).sum()
    return y


def forward__square_kernel(x, weight, bias):
    """the kernel is not square"""
    n, _, h, w = x.shape
    o, _, kh, kw = weight.shape
    kh = kw = min(kh, kw)
    y = np.zeros((n, o, h - weight.shape[2] + 1, w - weight.shape[3] + 1))
    for n, o, p, q in np.ndindex(*y.shape):
        y[n, o, p, q] = bias[o] + (weight[o, :, :kh, :kw] * x[n, :, p : p + kh, q : q + kw]).sum()
    return y


def forward__height_for_width(x, weight, bias):
    """the kernel is not square"""
    n, _, h, w = x.shape
    o, _, k, _ = weight.shape
    y = np.zeros((n, o, h - k + 1, w - k + 1))
    for n, o, p, q in np.ndindex(*y.shape):
        y[n, o, p, q] = bias[o] + (weight[o] * x[n, :, p : p + k, q : q + k]).sum()
    return y


def forward__windows_apart(x, weight, bias):
    """p or q is not 0 | begins at row p"""
    _, _, kh, kw = weight.shape
    for y, (n, o, p, q), window, kernel in places(x, weight):
        window = x[n, :, p * kh : p * kh + kh, q * kw : q * kw + kw]
        y[n, o, p, q] = bias[o] + (window * kernel[:, : window.shape[1], : window.shape[2]]).sum()
    return y


def forward__right_seven_loops(x, weight, bias):
    """right"""
    _, c, kh, kw = weight.shape
    for y, (n, o, p, q), _, _ in places(x, weight):
        y[n, o, p, q] = bias[o]
        for k in range(c):
            for i in range(kh):
                for j in range(kw):
                    y[n, o, p, q] += weight[o, k, i, j] * x[n, k, p + i, q + j]
    return y


def forward__right_einsum(x, weight, bias):
    """right"""
    windows = np.lib.stride_tricks.sliding_window_view(x, weight.shape[2:], (2, 3))
    return np.einsum("ncpqij,ocij->nopq", windows, weight) + bias[:, None, None]


def forward__right_kernel_by_kernel(x, weight, bias):
    """right"""
    _, _, kh, kw = weight.shape
    p, q = x.shape[2] - kh + 1, x.shape[3] - kw + 1
    y = bias[None, :, None, None] + np.zeros((len(x), 1, p, q))
    for i in range(kh):
        for j in range(kw):
            y = y + np.einsum("oc,ncpq->nopq", weight[:, :, i, j], x[:, :, i : i + p, j : j + q])
    return y


def forward__right_as_lists_in_float32(x, weight, bias):
    """right"""
    return forward__right_einsum(*(np.float32(a) for a in (x, weight, bias))).tolist()
