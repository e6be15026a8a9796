"""Ways to get exercise conv_input wrong, and other ways to get it right."""

import numpy as np


def correlate(x, weight):
    windows = np.lib.stride_tricks.sliding_window_view(x, weight.shape[2:], (2, 3))
    return np.tensordot(windows, weight, ((1, 4, 5), (1, 2, 3))).transpose(0, 3, 1, 2)


def full(g, weight, kernel):
    kh, kw = weight.shape[2:]
    return correlate(np.pad(g, ((0, 0), (0, 0), (kh - 1, kh - 1), (kw - 1, kw - 1))), kernel)


def window(weight, n, p, q):
    return n, slice(None), slice(p, p + weight.shape[2]), slice(q, q + weight.shape[3])


def backward__not_flipped(g, x, weight):
    """turned by 180 degrees | the kernel has several numbers"""
    return full(g, weight, weight.swapaxes(0, 1))


def backward__flipped_where_it_should_not(g, x, weight):
    """turned by 180 degrees"""
    gx = np.zeros_like(x)
    for n, o, p, q in np.ndindex(*g.shape):
        gx[window(weight, n, p, q)] += g[n, o, p, q] * weight[o, :, ::-1, ::-1]
    return gx


def backward__only_rows_flipped(g, x, weight):
    """columns in reverse order"""
    return full(g, weight, weight.swapaxes(0, 1)[:, :, ::-1])


def backward__channels_not_exchanged(g, x, weight):
    """axes O and C exchanged | sum over O"""
    return full(g, weight, weight[:, :, ::-1, ::-1])


def backward__channels_not_exchanged_and_broadcast(g, x, weight):
    """Your gradient for x has shape | raises ValueError"""
    kh, kw = weight.shape[2:]
    padded = np.pad(g, ((0, 0), (0, 0), (kh - 1, kh - 1), (kw - 1, kw - 1)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (kh, kw), (2, 3))
    return np.einsum("ncpqij,ocij->nopq", windows, weight[:, :, ::-1, ::-1])


def backward__neither_flipped_nor_exchanged(g, x, weight):
    """turned by 180 degrees"""
    return full(g, weight, weight)


def backward__valid(g, x, weight):
    """Your gradient for x has shape | g is not padded | kh − 1"""
    return correlate(g, weight.swapaxes(0, 1)[:, :, ::-1, ::-1])


def backward__same(g, x, weight):
    """Your gradient for x has shape"""
    kh, kw = weight.shape[2:]
    rows, columns = ((k - 1) // 2 for k in (kh, kw))
    padded = np.pad(g, ((0, 0), (0, 0), (rows, kh - 1 - rows), (columns, kw - 1 - columns)))
    return correlate(padded, weight.swapaxes(0, 1)[:, :, ::-1, ::-1])


def backward__padded_by_height(g, x, weight):
    """Your gradient for x has shape | the kernel is not square"""
    k = weight.shape[2] - 1
    return correlate(np.pad(g, ((0, 0), (0, 0), (k, k), (k, k))), weight.swapaxes(0, 1)[:, :, ::-1, ::-1])


def backward__padded_by_the_kernel(g, x, weight):
    """Your gradient for x has shape | g is padded too much | kh − 1"""
    kh, kw = weight.shape[2:]
    padded = np.pad(g, ((0, 0), (0, 0), (kh, kh), (kw, kw)))
    return correlate(padded, weight.swapaxes(0, 1)[:, :, ::-1, ::-1])


def backward__last_windows_left_out(g, x, weight):
    """without the windows at p = P − 1 and at q = Q − 1"""
    gx = np.zeros_like(x)
    kh, kw = weight.shape[2:]
    for n, o, p, q in np.ndindex(len(x), len(weight), x.shape[2] - kh, x.shape[3] - kw):
        gx[window(weight, n, p, q)] += g[n, o, p, q] * weight[o]
    return gx


def backward__last_rows_of_windows_left_out(g, x, weight):
    """without the windows at p = P − 1: those"""
    gx = np.zeros_like(x)
    for n, o, p, q in np.ndindex(*g.shape):
        if p < x.shape[2] - weight.shape[2]:
            gx[window(weight, n, p, q)] += g[n, o, p, q] * weight[o]
    return gx


def backward__last_output_channel(g, x, weight):
    """counts only the last entry of g along axis 1 | +="""
    for o in range(len(weight)):
        gx = full(g[:, o : o + 1], weight, weight[o : o + 1].swapaxes(0, 1)[:, :, ::-1, ::-1])
    return gx


def backward__assigned(g, x, weight):
    """windows overlap | contributions add"""
    gx = np.zeros_like(x)
    for n, p, q in np.ndindex(len(g), *g.shape[2:]):
        gx[window(weight, n, p, q)] = np.tensordot(g[n, :, p, q], weight, 1)
    return gx


def backward__each_assigned(g, x, weight):
    """several numbers of g reach one pixel | contributions add"""
    gx = np.zeros_like(x)
    for n, o, p, q in np.ndindex(*g.shape):
        gx[window(weight, n, p, q)] = g[n, o, p, q] * weight[o]
    return gx


def backward__mean_over_windows(g, x, weight):
    """the number of windows that a pixel is in"""
    gx, count = np.zeros_like(x), np.zeros_like(x)
    for n, p, q in np.ndindex(len(g), *g.shape[2:]):
        gx[window(weight, n, p, q)] += np.tensordot(g[n, :, p, q], weight, 1)
        count[window(weight, n, p, q)] += 1
    return gx / count


def backward__no_g(g, x, weight):
    """upstream gradient is not used"""
    return full(np.ones_like(g), weight, weight.swapaxes(0, 1)[:, :, ::-1, ::-1])


def backward__mean_over_channels(g, x, weight):
    """off by exactly 1/ | axis 0 of weight"""
    return full(g, weight, weight.swapaxes(0, 1)[:, :, ::-1, ::-1]) / len(weight)


def backward__border_lost(g, x, weight):
    """fewer than kh·kw windows reach | 0 there"""
    gx = np.zeros_like(x)
    found = full(g, weight, weight.swapaxes(0, 1)[:, :, ::-1, ::-1])
    kh, kw = weight.shape[2:]
    inside = np.s_[:, :, kh - 1 : x.shape[2] - kh + 1, kw - 1 : x.shape[3] - kw + 1]
    gx[inside] = found[inside]
    return gx


def backward__right_full(g, x, weight):
    """right"""
    return full(g, weight, weight.swapaxes(0, 1)[:, :, ::-1, ::-1])


def backward__right_kernel_by_kernel(g, x, weight):
    """right"""
    gx = np.zeros(x.shape, np.float32)
    for i, j in np.ndindex(*weight.shape[2:]):
        gx[:, :, i : i + g.shape[2], j : j + g.shape[3]] += np.einsum("nopq,oc->ncpq", g, weight[:, :, i, j])
    return gx


def backward__right_pixel_by_pixel(g, x, weight):
    """right"""
    gx = np.zeros_like(x)
    for n, c, r, s in np.ndindex(*x.shape):
        for o, _, i, j in np.ndindex(len(weight), 1, *weight.shape[2:]):
            if 0 <= r - i < g.shape[2] and 0 <= s - j < g.shape[3]:
                gx[n, c, r, s] += weight[o, c, i, j] * g[n, o, r - i, s - j]
    return gx


def backward__right_by_matrices(g, x, weight):
    """right"""
    n, o = g.shape[:2]
    columns = weight.reshape(o, -1).T @ g.reshape(n, o, -1)
    columns = columns.reshape(n, *weight.shape[1:], *g.shape[2:])
    gx = np.zeros_like(x)
    for i, j in np.ndindex(*weight.shape[2:]):
        gx[:, :, i : i + g.shape[2], j : j + g.shape[3]] += columns[:, :, i, j]
    return [gx]
