"""Ways to get exercise conv_stride wrong, and other ways to get it right."""

import numpy as np


def pad(x, padding):
    return np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))


def cut(x, h, w, padding):
    return x[:, :, padding : padding + h, padding : padding + w]


def forward__padding_counted_once(x, weight, stride, padding):
    """Your y has shape | padding is counted once | padding > 0"""
    (h, w), (kh, kw) = x.shape[2:], weight.shape[2:]
    y = np.zeros((len(x), len(weight), (h + padding - kh) // stride + 1, (w + padding - kw) // stride + 1))
    return fill(y, pad(x, padding), weight, stride)


def fill(y, padded, weight, stride, across=None):
    kh, kw = weight.shape[2:]
    for n, o, p, q in np.ndindex(*y.shape):
        r, s = p * stride, q * (across or stride)
        window = padded[n, :, r : r + kh, s : s + kw]
        y[n, o, p, q] = (window * weight[o, :, : window.shape[1], : window.shape[2]]).sum()
    return y


def zeros(x, weight, stride, padding):
    (h, w), (kh, kw) = x.shape[2:], weight.shape[2:]
    return np.zeros((len(x), len(weight), (h + 2 * padding - kh) // stride + 1, (w + 2 * padding - kw) // stride + 1))


def forward__stride_not_used(x, weight, stride, padding):
    """Your y has shape | stride is not used | where stride > 1"""
    return fill(zeros(x, weight, 1, padding), pad(x, padding), weight, 1)


def forward__windows_one_apart(x, weight, stride, padding):
    """windows one pixel apart | should begin at row p·stride − padding"""
    return fill(zeros(x, weight, stride, padding), pad(x, padding), weight, 1)


def forward__stride_for_rows_only(x, weight, stride, padding):
    """only one column apart | where stride > 1"""
    return fill(zeros(x, weight, stride, padding), pad(x, padding), weight, stride, 1)


def forward__not_padded(x, weight, stride, padding):
    """begin at row p·stride"""
    return fill(zeros(x, weight, stride, padding), x, weight, stride)


def forward__one_short(x, weight, stride, padding):
    """Your y has shape | + 1 is missing"""
    return fill(zeros(x, weight, stride, padding), pad(x, padding), weight, stride)[:, :, :-1, :-1]


def forward__size_without_padding(x, weight, stride, padding):
    """Your y has shape | the padding is not counted"""
    return fill(zeros(x, weight, stride, 0), pad(x, padding), weight, stride)


def forward__rounded_up(x, weight, stride, padding):
    """Your y has shape | rounded up | rows or columns are left over at the end"""
    (h, w), (kh, kw) = x.shape[2:], weight.shape[2:]
    y = np.zeros(
        (len(x), len(weight), -(-(h + 2 * padding - kh) // stride) + 1, -(-(w + 2 * padding - kw) // stride) + 1)
    )
    return fill(y, pad(x, padding), weight, stride)


def forward__negative_indices(x, weight, stride, padding):
    """into the padding | the padding is zeros"""
    y = zeros(x, weight, stride, padding)
    (h, w), (kh, kw) = x.shape[2:], weight.shape[2:]
    for n, o, p, q, i, j in np.ndindex(*y.shape, kh, kw):
        r, s = p * stride - padding + i, q * stride - padding + j
        if r < h and s < w:
            y[n, o, p, q] += (weight[o, :, i, j] * x[n, :, max(r, -h), max(s, -w)]).sum()
    return y


def forward__edge_repeated(x, weight, stride, padding):
    """into the padding | the padding is zeros"""
    padded = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)), "edge")
    return fill(zeros(x, weight, stride, padding), padded, weight, stride)


def forward__flipped(x, weight, stride, padding):
    """turned by 180 degrees"""
    return fill(zeros(x, weight, stride, padding), pad(x, padding), weight[:, :, ::-1, ::-1], stride)


def scattered(g, padded, weight, stride, across=None):
    """The gradients of the padded picture and of weight."""
    gx, gw = np.zeros_like(padded), np.zeros_like(weight)
    kh, kw = weight.shape[2:]
    for n, o, p, q in np.ndindex(*g.shape):
        r, s = p * stride, q * (across or stride)
        here = np.s_[n, :, r : r + kh, s : s + kw]
        gx[here] += g[n, o, p, q] * weight[o]
        gw[o] += g[n, o, p, q] * padded[here]
    return gx, gw


def backward__stride_not_used(g, x, weight, stride, padding):
    """windows one pixel apart | where stride > 1"""
    gx, gw = scattered(g, pad(x, padding), weight, 1)
    return cut(gx, *x.shape[2:], padding), gw


def backward__stride_for_rows_only(g, x, weight, stride, padding):
    """only one column apart | where stride > 1"""
    gx, gw = scattered(g, pad(x, padding), weight, stride, 1)
    return cut(gx, *x.shape[2:], padding), gw


def backward__weight_without_stride(g, x, weight, stride, padding):
    """Your gradient for weight is wrong | windows one pixel apart"""
    gx, _ = scattered(g, pad(x, padding), weight, stride)
    return cut(gx, *x.shape[2:], padding), scattered(g, pad(x, padding), weight, 1)[1]


def backward__weight_without_padding(g, x, weight, stride, padding):
    """Your gradient for weight is wrong | begin at row p·stride"""
    gx, _ = scattered(g, pad(x, padding), weight, stride)
    late = np.pad(x, ((0, 0), (0, 0), (0, 2 * padding), (0, 2 * padding)))
    return cut(gx, *x.shape[2:], padding), scattered(g, late, weight, stride)[1]


def backward__not_cropped(g, x, weight, stride, padding):
    """Your gradient for x has shape | padding is to be cut off"""
    return scattered(g, pad(x, padding), weight, stride)


def backward__cropped_by_minus_padding(g, x, weight, stride, padding):
    """Your gradient for x has shape | [padding:-padding] holds nothing at padding 0"""
    gx, gw = scattered(g, pad(x, padding), weight, stride)
    return gx[:, :, padding:-padding, padding:-padding], gw


def backward__cropped_at_the_end(g, x, weight, stride, padding):
    """Your gradient for x is wrong | padding"""
    gx, gw = scattered(g, pad(x, padding), weight, stride)
    return gx[:, :, : x.shape[2], : x.shape[3]], gw


def backward__cropped_at_the_start(g, x, weight, stride, padding):
    """begin at row p·stride − 2·padding | padding > 0"""
    gx, gw = scattered(g, pad(x, padding), weight, stride)
    return gx[:, :, 2 * padding :, 2 * padding :], gw


def dilated(g, weight, stride):
    """Full convolution of g with stride − 1 zeros between its numbers: the gradient of the rows that windows reach."""
    (p, q), (kh, kw) = g.shape[2:], weight.shape[2:]
    spread = np.zeros((*g.shape[:2], (p - 1) * stride + 1, (q - 1) * stride + 1))
    spread[:, :, ::stride, ::stride] = g
    spread = np.pad(spread, ((0, 0), (0, 0), (kh - 1, kh - 1), (kw - 1, kw - 1)))
    seen = np.lib.stride_tricks.sliding_window_view(spread, (kh, kw), (2, 3))
    return np.einsum("nopqij,ocij->ncpq", seen, weight[:, :, ::-1, ::-1])


def backward__remainder_forgotten(g, x, weight, stride, padding):
    """Your gradient for x has shape | whose gradient is 0 | rows or columns are left over at the end"""
    _, gw = scattered(g, pad(x, padding), weight, stride)
    gx = dilated(g, weight, stride)
    return cut(gx, gx.shape[2] - 2 * padding, gx.shape[3] - 2 * padding, padding), gw


def backward__remainder_at_the_top(g, x, weight, stride, padding):
    """Your gradient for x is wrong | rows or columns are left over at the end"""
    _, gw = scattered(g, pad(x, padding), weight, stride)
    gx, full = dilated(g, weight, stride), np.zeros_like(pad(x, padding))
    full[:, :, full.shape[2] - gx.shape[2] :, full.shape[3] - gx.shape[3] :] = gx
    return cut(full, *x.shape[2:], padding), gw


def backward__weight_assigned(g, x, weight, stride, padding):
    """Your gradient for weight is wrong | the last window of each picture alone | +="""
    padded, (kh, kw) = pad(x, padding), weight.shape[2:]
    gx, gw = scattered(g, padded, weight, stride)
    for p, q in np.ndindex(*g.shape[2:]):
        window = padded[:, :, p * stride : p * stride + kh, q * stride : q * stride + kw]
        gw = np.einsum("no,ncij->ocij", g[:, :, p, q], window)
    return cut(gx, *x.shape[2:], padding), gw


def backward__last_windows_left_out(g, x, weight, stride, padding):
    """without the windows at p = P − 1 and at q = Q − 1"""
    gx, gw = scattered(g[:, :, :-1, :-1], pad(x, padding), weight, stride)
    return cut(gx, *x.shape[2:], padding), gw


def backward__assigned(g, x, weight, stride, padding):
    """windows overlap | contributions add"""
    padded = pad(x, padding)
    _, gw = scattered(g, padded, weight, stride)
    gx, (kh, kw) = np.zeros_like(padded), weight.shape[2:]
    for n, p, q in np.ndindex(len(g), *g.shape[2:]):
        here = np.s_[n, :, p * stride : p * stride + kh, q * stride : q * stride + kw]
        gx[here] = np.tensordot(g[n, :, p, q], weight, 1)
    return cut(gx, *x.shape[2:], padding), gw


def backward__not_flipped(g, x, weight, stride, padding):
    """turned by 180 degrees"""
    padded = pad(x, padding)
    full, gx = np.zeros_like(padded), dilated(g, weight[:, :, ::-1, ::-1], stride)
    full[:, :, : gx.shape[2], : gx.shape[3]] = gx
    return cut(full, *x.shape[2:], padding), scattered(g, padded, weight, stride)[1]


def backward__right_dilated(g, x, weight, stride, padding):
    """right"""
    padded = pad(x, padding)
    full, gx = np.zeros_like(padded), dilated(g, weight, stride)
    full[:, :, : gx.shape[2], : gx.shape[3]] = gx
    return cut(full, *x.shape[2:], padding), scattered(g, padded, weight, stride)[1]


def backward__right_slices_in_float32(g, x, weight, stride, padding):
    """right"""
    padded, g = np.float32(pad(x, padding)), np.float32(g)
    gx, gw = np.zeros_like(padded), np.zeros(weight.shape, np.float32)
    for i, j in np.ndindex(*weight.shape[2:]):
        p, q = g.shape[2:]
        here = np.s_[:, :, i : i + (p - 1) * stride + 1 : stride, j : j + (q - 1) * stride + 1 : stride]
        gx[here] += np.einsum("nopq,oc->ncpq", g, np.float32(weight[:, :, i, j]))
        gw[:, :, i, j] = np.einsum("nopq,ncpq->oc", g, padded[here])
    return [cut(gx, *x.shape[2:], padding), gw]


def forward__right_strided_view(x, weight, stride, padding):
    """right"""
    seen = np.lib.stride_tricks.sliding_window_view(pad(x, padding), weight.shape[2:], (2, 3))
    return np.einsum("ncpqij,ocij->nopq", seen[:, :, ::stride, ::stride], weight)


def forward__right_without_padding_an_array(x, weight, stride, padding):
    """right"""
    y = zeros(x, weight, stride, padding)
    for n, o, p, q, i, j in np.ndindex(*y.shape, *weight.shape[2:]):
        r, s = p * stride - padding + i, q * stride - padding + j
        if 0 <= r < x.shape[2] and 0 <= s < x.shape[3]:
            y[n, o, p, q] += weight[o, :, i, j] @ x[n, :, r, s]
    return y
