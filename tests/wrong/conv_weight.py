"""Ways to get exercise conv_weight wrong, and other ways to get it right."""

import numpy as np


def windows(x, weight):
    return np.lib.stride_tricks.sliding_window_view(x, weight.shape[2:], (2, 3))


def for_weight(g, x, weight):
    return np.einsum("nopq,ncpqij->ocij", g, windows(x, weight))


def for_bias(g):
    return g.sum((0, 2, 3))


def backward__first_picture(g, x, weight, bias):
    """counts only the first entry | along axis 0 | there are several pictures"""
    return for_weight(g[:1], x[:1], weight), for_bias(g)


def backward__last_picture(g, x, weight, bias):
    """counts only the last entry | along axis 0 | +="""
    for n in range(len(x)):
        gw = for_weight(g[n : n + 1], x[n : n + 1], weight)
    return gw, for_bias(g)


def backward__mean_over_batch(g, x, weight, bias):
    """the size of axis 0 of x | the rule divides by it"""
    return for_weight(g, x, weight) / len(x), for_bias(g) / len(x)


def backward__turned(g, x, weight, bias):
    """turned by 180 degrees | the kernel has several numbers"""
    return for_weight(g, x, weight)[:, :, ::-1, ::-1], for_bias(g)


def backward__axes_exchanged(g, x, weight, bias):
    """Your gradient for weight has shape"""
    return for_weight(g, x, weight).swapaxes(0, 1), for_bias(g)


def backward__axes_exchanged_and_reshaped(g, x, weight, bias):
    """axes O and C exchanged | several channels and several kernels"""
    return for_weight(g, x, weight).swapaxes(0, 1).reshape(weight.shape), for_bias(g)


def backward__assigned(g, x, weight, bias):
    """the last window of the last picture alone | +="""
    gw = np.zeros_like(weight)
    for n, o, p, q in np.ndindex(*g.shape):
        gw[o] = g[n, o, p, q] * windows(x, weight)[n, :, p, q]
    return gw, for_bias(g)


def backward__assigned_window_by_window(g, x, weight, bias):
    """the last window of each picture alone | +="""
    gw = np.zeros_like(weight)
    for p, q in np.ndindex(*g.shape[2:]):
        gw[...] = np.einsum("no,ncij->ocij", g[:, :, p, q], windows(x, weight)[:, :, p, q])
    return gw, for_bias(g)


def backward__last_windows_left_out(g, x, weight, bias):
    """without the windows at p = P − 1 and at q = Q − 1"""
    return for_weight(g[:, :, :-1, :-1], x[:, :, :-1, :-1], weight) if min(g.shape[2:]) > 1 else 0 * weight, for_bias(g)


def backward__last_columns_of_windows_left_out(g, x, weight, bias):
    """without the windows at q = Q − 1"""
    return for_weight(g[..., :-1], x[..., :-1], weight) if g.shape[3] > 1 else 0 * weight, for_bias(g)


def backward__mean_over_windows(g, x, weight, bias):
    """the size of the last two axes of the output"""
    there = g.shape[2] * g.shape[3]
    return for_weight(g, x, weight) / there, for_bias(g) / there


def backward__bias_over_batch_only(g, x, weight, bias):
    """Your gradient for bias has shape"""
    return for_weight(g, x, weight), g.sum(0)


def backward__bias_over_places_only(g, x, weight, bias):
    """Your gradient for bias has shape | sum over"""
    return for_weight(g, x, weight), g.sum((2, 3))


def backward__bias_mean(g, x, weight, bias):
    """Your gradient for bias is wrong | the rule divides by it"""
    return for_weight(g, x, weight), g.mean((0, 2, 3))


def backward__bias_of_one_picture(g, x, weight, bias):
    """Your gradient for bias is wrong | counts only the first entry of g along axis 0"""
    return for_weight(g, x, weight), g[0].sum((1, 2))


def backward__bias_as_weight(g, x, weight, bias):
    """multiplied by bias once too often"""
    return for_weight(g, x, weight), for_bias(g) * bias


def backward__bias_wrong_axis(g, x, weight, bias):
    """Your gradient for bias has shape"""
    return for_weight(g, x, weight), g.sum((1, 2, 3))


def backward__exchanged(g, x, weight, bias):
    """wrong order"""
    return for_bias(g), for_weight(g, x, weight)


def backward__weight_only(g, x, weight, bias):
    """returns 1 thing | expected 2"""
    return for_weight(g, x, weight)


def backward__no_g(g, x, weight, bias):
    """upstream gradient is not used"""
    g = np.ones_like(g)
    return for_weight(g, x, weight), for_bias(g)


def backward__square_kernel(g, x, weight, bias):
    """the kernel is not square"""
    gw = np.zeros_like(weight)
    k = min(weight.shape[2:])
    for n, o, p, q in np.ndindex(*g.shape):
        gw[o, :, :k, :k] += g[n, o, p, q] * x[n, :, p : p + k, q : q + k]
    return gw, for_bias(g)


def backward__x_and_g_exchanged(g, x, weight, bias):
    """turned by 180 degrees"""
    gw = np.zeros_like(weight)
    p, q = g.shape[2:]
    kh, kw = weight.shape[2:]
    padded = np.pad(g, ((0, 0), (0, 0), (kh - 1, kh - 1), (kw - 1, kw - 1)))
    for o, c, i, j in np.ndindex(*weight.shape):
        gw[o, c, i, j] = (padded[:, o, i : i + p + kh - 1, j : j + q + kw - 1] * x[:, c]).sum()
    return gw, for_bias(g)


def backward__right_einsum(g, x, weight, bias):
    """right"""
    return for_weight(g, x, weight), for_bias(g)


def backward__right_kernel_by_kernel(g, x, weight, bias):
    """right"""
    gw = np.zeros(weight.shape)
    p, q = g.shape[2:]
    for i, j in np.ndindex(*weight.shape[2:]):
        gw[:, :, i, j] = np.tensordot(g, x[:, :, i : i + p, j : j + q], ((0, 2, 3), (0, 2, 3)))
    return [gw, np.einsum("nopq->o", g)]


def backward__right_by_matrices_in_float32(g, x, weight, bias):
    """right"""
    n, o = g.shape[:2]
    columns = windows(np.float32(x), weight).transpose(0, 1, 4, 5, 2, 3).reshape(n, weight[0].size, -1)
    rows = np.float32(g).reshape(n, o, -1)
    return (rows @ columns.swapaxes(1, 2)).sum(0).reshape(weight.shape), rows.sum(2).sum(0)


def backward__right_as_a_convolution(g, x, weight, bias):
    """right"""
    seen = np.lib.stride_tricks.sliding_window_view(x, g.shape[2:], (2, 3))
    return np.einsum("ncijpq,nopq->ocij", seen, g), np.array([g[:, o].sum() for o in range(len(bias))])
