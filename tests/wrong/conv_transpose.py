"""Ways to get exercise conv_transpose wrong, and other ways to get it right."""

import numpy as np


def cut(y, padding):
    return y[:, :, padding : y.shape[2] - padding, padding : y.shape[3] - padding]


def each(x, weight, stride, across=None):
    kh, kw = weight.shape[2:]
    for n, c, h, w in np.ndindex(*x.shape):
        r, s = h * stride, w * (across or stride)
        yield (n, c, h, w), np.s_[n, :, r : r + kh, s : s + kw]


def spread(x, weight, stride, step=None, across=None):
    (n, _, h, w), (_, o, kh, kw) = x.shape, weight.shape
    y = np.zeros((n, o, (h - 1) * stride + kh + 9, (w - 1) * stride + kw + 9))
    for at, here in each(x, weight, step or stride, across):
        y[here] += x[at] * weight[at[1]]
    return y[:, :, : y.shape[2] - 9, : y.shape[3] - 9]


def forward__axes_exchanged(x, weight, stride, padding):
    """axes C and O exchanged | here it is (C, O, kh, kw)"""
    n, _, h, w = x.shape
    o, _, kh, kw = weight.shape
    y = np.zeros((n, o, (h - 1) * stride + kh, (w - 1) * stride + kw))
    for k, r, s in np.ndindex(n, h, w):
        here = np.s_[k, :, r * stride : r * stride + kh, s * stride : s * stride + kw]
        y[here] += np.tensordot(weight, x[k, :, r, s], (1, 0))
    return cut(y, padding)


def forward__axes_exchanged_by_loops(x, weight, stride, padding):
    """Your y has shape | raises IndexError"""
    n, _, h, w = x.shape
    o, _, kh, kw = weight.shape
    y = np.zeros((n, o, (h - 1) * stride + kh, (w - 1) * stride + kw))
    for (n, c, h, w), here in each(x, weight, stride):
        for k in range(o):
            y[n, k, here[2], here[3]] += x[n, c, h, w] * weight[k, c]
    return cut(y, padding)


def forward__flipped(x, weight, stride, padding):
    """turned by 180 degrees | the kernel has several numbers"""
    return cut(spread(x, weight[:, :, ::-1, ::-1], stride), padding)


def forward__stride_not_used(x, weight, stride, padding):
    """Your y has shape | stride is not used | stride > 1"""
    return cut(spread(x, weight, 1), padding)


def forward__one_pixel_apart(x, weight, stride, padding):
    """kernels one pixel apart | stride > 1"""
    return cut(spread(x, weight, stride, 1), padding)


def forward__stride_for_rows_only(x, weight, stride, padding):
    """only one column apart"""
    return cut(spread(x, weight, stride, stride, 1), padding)


def forward__stride_zeros_between(x, weight, stride, padding):
    """Your y has shape | not stride + 1"""
    return cut(spread(x, weight, stride + 1), padding)


def forward__size_times_stride(x, weight, stride, padding):
    """Your y has shape | H·stride is not its height"""
    y = np.pad(spread(x, weight, stride), ((0, 0), (0, 0), (0, 9), (0, 9)))
    h, w = x.shape[2:]
    return y[:, :, padding : padding + h * stride, padding : padding + w * stride]


def forward__padding_added(x, weight, stride, padding):
    """Your y has shape | added, and should be cut off | padding > 0"""
    return np.pad(spread(x, weight, stride), ((0, 0), (0, 0), (padding, padding), (padding, padding)))


def forward__not_cut(x, weight, stride, padding):
    """Your y has shape | padding is to be cut off | padding > 0"""
    return spread(x, weight, stride)


def forward__cut_on_one_side(x, weight, stride, padding):
    """Your y has shape | cut off once | padding > 0"""
    return spread(x, weight, stride)[:, :, padding:, padding:]


def forward__one_stride_too_many(x, weight, stride, padding):
    """Your y has shape | begins at row (H − 1)·stride, and has kh rows"""
    return cut(np.pad(spread(x, weight, stride), ((0, 0), (0, 0), (0, stride), (0, stride))), padding)


def forward__cut_by_minus_padding(x, weight, stride, padding):
    """Your y has shape | [padding:-padding] holds nothing at padding 0"""
    return spread(x, weight, stride)[:, :, padding:-padding, padding:-padding]


def forward__cut_at_the_end(x, weight, stride, padding):
    """begin at row h·stride | padding"""
    y = spread(x, weight, stride)
    return y[:, :, : y.shape[2] - 2 * padding, : y.shape[3] - 2 * padding]


def forward__overwritten(x, weight, stride, padding):
    """kernels overlap | contributions add"""
    y = spread(x, weight, stride)
    for (n, _, h, w), here in each(x[:, :1], weight, stride):
        y[here] = np.tensordot(x[n, :, h, w], weight, 1)
    return cut(y, padding)


def forward__last_channel(x, weight, stride, padding):
    """counts only the last entry of x along axis 1 | +="""
    return cut(spread(x[:, -1:], weight[-1:], stride), padding)


def gathered(g, x, weight, stride, padding, step=None):
    gx, gw = np.zeros_like(x), np.zeros_like(weight)
    g = np.pad(g, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    for at, here in each(x, weight, step or stride):
        gx[at] = (weight[at[1]] * g[here]).sum()
        gw[at[1]] += x[at] * g[here]
    return gx, gw


def backward__flipped(g, x, weight, stride, padding):
    """Your gradient for x is wrong | turned by 180 degrees"""
    return gathered(g, x, weight[:, :, ::-1, ::-1], stride, padding)[0], gathered(g, x, weight, stride, padding)[1]


def backward__weight_turned(g, x, weight, stride, padding):
    """Your gradient for weight is wrong | turned by 180 degrees"""
    gx, gw = gathered(g, x, weight, stride, padding)
    return gx, gw[:, :, ::-1, ::-1]


def backward__stride_not_used(g, x, weight, stride, padding):
    """kernels one pixel apart"""
    return gathered(g, x, weight, stride, padding, 1)


def backward__weight_axes(g, x, weight, stride, padding):
    """Your gradient for weight has shape"""
    gx, gw = gathered(g, x, weight, stride, padding)
    return gx, gw.swapaxes(0, 1)


def backward__padded_behind(g, x, weight, stride, padding):
    """begin at row h·stride | padding"""
    g = np.pad(g, ((0, 0), (0, 0), (0, 2 * padding), (0, 2 * padding)))
    return gathered(g, x, weight, stride, 0)


def backward__not_padded(g, x, weight, stride, padding):
    """raises ValueError | line | padding"""
    return gathered(g, x, weight, stride, 0)


def backward__weight_of_first_picture(g, x, weight, stride, padding):
    """Your gradient for weight is wrong | counts only the first entry | along axis 0"""
    gx, _ = gathered(g, x, weight, stride, padding)
    return gx, gathered(g[:1], x[:1], weight, stride, padding)[1]


def backward__as_a_transposed_convolution(g, x, weight, stride, padding):
    """Your gradient for x has shape"""
    _, gw = gathered(g, x, weight, stride, padding)
    return cut(spread(g, weight.swapaxes(0, 1), stride), padding), gw


def forward__right_zeros_inserted(x, weight, stride, padding):
    """right"""
    (n, c, h, w), (_, _, kh, kw) = x.shape, weight.shape
    wide = np.zeros((n, c, (h - 1) * stride + 1, (w - 1) * stride + 1))
    wide[:, :, ::stride, ::stride] = x
    wide = np.pad(wide, ((0, 0), (0, 0), (kh - 1, kh - 1), (kw - 1, kw - 1)))
    seen = np.lib.stride_tricks.sliding_window_view(wide, (kh, kw), (2, 3))
    return cut(np.einsum("ncpqij,coij->nopq", seen, weight[:, :, ::-1, ::-1]), padding)


def forward__right_kernel_by_kernel_in_float32(x, weight, stride, padding):
    """right"""
    (n, _, h, w), (_, o, kh, kw) = x.shape, weight.shape
    y = np.zeros((n, o, (h - 1) * stride + kh, (w - 1) * stride + kw), np.float32)
    for i, j in np.ndindex(kh, kw):
        here = np.s_[:, :, i : i + (h - 1) * stride + 1 : stride, j : j + (w - 1) * stride + 1 : stride]
        y[here] += np.einsum("nchw,co->nohw", x, weight[:, :, i, j])
    return cut(y, padding)


def backward__right_as_a_convolution(g, x, weight, stride, padding):
    """right"""
    padded = np.pad(g, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    seen = np.lib.stride_tricks.sliding_window_view(padded, weight.shape[2:], (2, 3))[:, :, ::stride, ::stride]
    return [np.einsum("nohwij,coij->nchw", seen, weight), np.einsum("nohwij,nchw->coij", seen, x)]


def backward__right_without_padding_an_array(g, x, weight, stride, padding):
    """right"""
    gx, gw = np.zeros_like(x), np.zeros_like(weight)
    for n, c, h, w, i, j in np.ndindex(*x.shape, *weight.shape[2:]):
        r, s = h * stride - padding + i, w * stride - padding + j
        if 0 <= r < g.shape[2] and 0 <= s < g.shape[3]:
            gx[n, c, h, w] += weight[c, :, i, j] @ g[n, :, r, s]
            gw[c, :, i, j] += x[n, c, h, w] * g[n, :, r, s]
    return gx, gw
