"""Ways to get exercise conv_im2col wrong, and other ways to get it right."""

import numpy as np


def windows(x, kh, kw):
    """(N, C, P, Q, kh, kw)."""
    return np.lib.stride_tricks.sliding_window_view(x, (kh, kw), (2, 3))


def flat(columns):
    """(N, k, …) of six axes as (N, C·kh·kw, P·Q)."""
    n, a, b, c = columns.shape[:4]
    return columns.reshape(n, a * b * c, -1)


def im2col__transposed(x, kh, kw):
    """shape | transposed"""
    return flat(windows(x, kh, kw).transpose(0, 1, 4, 5, 2, 3)).swapaxes(1, 2)


def im2col__only_reshaped(x, kh, kw):
    """right numbers in the wrong places | a reshape where a transpose is needed"""
    seen = windows(x, kh, kw)
    return seen.reshape(len(x), x.shape[1] * kh * kw, -1)


def im2col__channels_fastest(x, kh, kw):
    """in the order kh, kw, C | it should be C, kh, kw"""
    return flat(windows(x, kh, kw).transpose(0, 4, 5, 1, 2, 3))


def im2col__columns_before_rows(x, kh, kw):
    """in the order C, kw, kh"""
    return flat(windows(x, kh, kw).transpose(0, 1, 5, 4, 2, 3))


def im2col__places_transposed(x, kh, kw):
    """in the order Q, P"""
    return flat(windows(x, kh, kw).transpose(0, 1, 4, 5, 3, 2))


def im2col__backwards(x, kh, kw):
    """backwards | not flipped"""
    return flat(windows(x, kh, kw)[..., ::-1, ::-1].transpose(0, 1, 4, 5, 2, 3))


def im2col__height_and_width_exchanged(x, kh, kw):
    """the kernel is not square"""
    seen = windows(x, min(kh, kw), min(kh, kw))
    return flat(seen.transpose(0, 1, 4, 5, 2, 3))


def im2col__one_window_short(x, kh, kw):
    """Your columns has shape"""
    return flat(windows(x, kh, kw)[:, :, : x.shape[2] - kh, : x.shape[3] - kw].transpose(0, 1, 4, 5, 2, 3))


def columns(x, weight):
    return flat(windows(x, *weight.shape[2:]).transpose(0, 1, 4, 5, 2, 3))


def size(x, weight):
    return len(x), len(weight), x.shape[2] - weight.shape[2] + 1, x.shape[3] - weight.shape[3] + 1


def forward__not_reshaped(x, weight):
    """shape"""
    return weight.reshape(len(weight), -1) @ columns(x, weight)


def forward__kernels_as_columns(x, weight):
    """weight.reshape(-1, O).T | each kernel should be a row"""
    k = weight.size // len(weight)
    return (weight.reshape(k, -1).T @ columns(x, weight)).reshape(size(x, weight))


def forward__batch_and_channels_mixed(x, weight):
    """right numbers in the wrong places"""
    found = columns(x, weight)
    together = found.transpose(1, 0, 2).reshape(found.shape[1], -1)
    return (weight.reshape(len(weight), -1) @ together).reshape(size(x, weight))


def forward__flipped(x, weight):
    """turned by 180 degrees"""
    return (weight[:, :, ::-1, ::-1].reshape(len(weight), -1) @ columns(x, weight)).reshape(size(x, weight))


def forward__channels_last(x, weight):
    """in the order kh, kw, C | as in columns"""
    rows = weight.transpose(0, 2, 3, 1).reshape(len(weight), -1)
    return (rows @ columns(x, weight)).reshape(size(x, weight))


def forward__transposed(x, weight):
    """transposed"""
    n, o, p, q = size(x, weight)
    return (weight.reshape(o, -1) @ columns(x, weight)).reshape(n, o, q, p)


def unfolded(g, shape, kh, kw):
    n, c, h, w = shape
    return g.reshape(n, c, kh, kw, h - kh + 1, w - kw + 1)


def col2im__assigned(g, shape, kh, kw):
    """windows overlap | contributions add"""
    gx = np.zeros(shape)
    g = unfolded(g, shape, kh, kw)
    for i, j in np.ndindex(kh, kw):
        gx[:, :, i : i + g.shape[4], j : j + g.shape[5]] = g[:, :, i, j]
    return gx


def col2im__mean(g, shape, kh, kw):
    """the number of windows that a pixel is in"""
    gx, count = np.zeros(shape), np.zeros(shape)
    g = unfolded(g, shape, kh, kw)
    for i, j in np.ndindex(kh, kw):
        gx[:, :, i : i + g.shape[4], j : j + g.shape[5]] += g[:, :, i, j]
        count[:, :, i : i + g.shape[4], j : j + g.shape[5]] += 1
    return gx / count


def col2im__backwards(g, shape, kh, kw):
    """backwards"""
    gx = np.zeros(shape)
    g = unfolded(g, shape, kh, kw)
    for i, j in np.ndindex(kh, kw):
        gx[:, :, i : i + g.shape[4], j : j + g.shape[5]] += g[:, :, kh - 1 - i, kw - 1 - j]
    return gx


def col2im__fancy_indices(g, shape, kh, kw):
    """windows overlap | contributions add"""
    n, c, h, w = shape
    k = np.lib.stride_tricks.sliding_window_view(np.arange(h * w).reshape(h, w), (kh, kw))
    gx = np.zeros((n, c, h * w))
    gx[:, :, k.transpose(2, 3, 0, 1).ravel()] += g.reshape(n, c, -1)
    return gx.reshape(shape)


def col2im__as_im2col(g, shape, kh, kw):
    """raises AxisError | line"""
    return windows(g, kh, kw).reshape(shape)


def im2col__right_by_loops(x, kh, kw):
    """right"""
    n, c, h, w = x.shape
    p, q = h - kh + 1, w - kw + 1
    found = np.zeros((n, c * kh * kw, p * q))
    for m, k, i, j, a, b in np.ndindex(n, c, kh, kw, p, q):
        found[m, (k * kh + i) * kw + j, a * q + b] = x[m, k, a + i, b + j]
    return found


def im2col__right_by_views(x, kh, kw):
    """right"""
    return flat(windows(x, kh, kw).transpose(0, 1, 4, 5, 2, 3))


def forward__right_einsum_in_float32(x, weight):
    """right"""
    return np.einsum("ncpqij,ocij->nopq", windows(np.float32(x), *weight.shape[2:]), np.float32(weight))


def forward__right_one_big_product(x, weight):
    """right"""
    found = columns(x, weight)
    together = found.transpose(1, 0, 2).reshape(found.shape[1], -1)
    n, o, p, q = size(x, weight)
    return (weight.reshape(o, -1) @ together).reshape(o, n, p, q).transpose(1, 0, 2, 3)


def col2im__right_add_at(g, shape, kh, kw):
    """right"""
    n, c, h, w = shape
    k = np.lib.stride_tricks.sliding_window_view(np.arange(h * w).reshape(h, w), (kh, kw))
    gx = np.zeros((n, c, h * w))
    np.add.at(gx, (slice(None), slice(None), k.transpose(2, 3, 0, 1).ravel()), g.reshape(n, c, -1))
    return gx.reshape(shape)
