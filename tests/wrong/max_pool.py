"""Ways to get exercise max_pool wrong, and other ways to get it right."""

import numpy as np


def each(g, size, stride):
    for n, c, p, q in np.ndindex(*g.shape):
        yield (n, c, slice(p * stride, p * stride + size), slice(q * stride, q * stride + size)), g[n, c, p, q]


def backward__all_tied_win(g, x, size, stride):
    """ties"""
    gx = np.zeros_like(x)
    for at, upstream in each(g, size, stride):
        gx[at] += upstream * (x[at] == x[at].max())
    return gx


def backward__tied_share(g, x, size, stride):
    """ties"""
    gx = np.zeros_like(x)
    for at, upstream in each(g, size, stride):
        top = x[at] == x[at].max()
        gx[at] += upstream * top / top.sum()
    return gx


def backward__last_wins(g, x, size, stride):
    """ties"""
    gx = np.zeros_like(x)
    for at, upstream in each(g, size, stride):
        k = x[at].size - 1 - x[at].ravel()[::-1].argmax()
        gx[at][np.divmod(k, size)] += upstream
    return gx


def backward__row_and_column_exchanged(g, x, size, stride):
    """row i and column j exchanged | gives the row first"""
    gx = np.zeros_like(x)
    for at, upstream in each(g, size, stride):
        j, i = np.divmod(x[at].argmax(), size)
        gx[at][i, j] += upstream
    return gx


def backward__shared_out_evenly(g, x, size, stride):
    """shared out evenly | the winner gets all"""
    gx = np.zeros_like(x)
    for at, upstream in each(g, size, stride):
        gx[at] += upstream / size**2
    return gx


def backward__all_of_the_window(g, x, size, stride):
    """every pixel of its window | the winner alone"""
    gx = np.zeros_like(x)
    for at, upstream in each(g, size, stride):
        gx[at] += upstream
    return gx


def forward__mean(x, size, stride):
    """mean of each window"""
    windows = np.lib.stride_tricks.sliding_window_view(x, (size, size), (2, 3))[:, :, ::stride, ::stride]
    return windows.mean((4, 5))


def backward__assigned(g, x, size, stride):
    """windows overlap: contributions add"""
    gx = np.zeros_like(x)
    for at, upstream in each(g, size, stride):
        gx[at][np.divmod(x[at].argmax(), size)] = upstream
    return gx


def backward__window_cleared(g, x, size, stride):
    """windows overlap: contributions add"""
    gx = np.zeros_like(x)
    for at, upstream in each(g, size, stride):
        gx[at] = 0
        gx[at][np.divmod(x[at].argmax(), size)] = upstream
    return gx


def backward__stride_is_size(g, x, size, stride):
    """stride"""
    gx = np.zeros_like(x)
    for n, c, p, q in np.ndindex(*g.shape):
        window = x[n, c, p * size : p * size + size, q * size : q * size + size]
        if window.size:
            i, j = np.divmod(window.argmax(), window.shape[1])
            gx[n, c, p * size + i, q * size + j] += g[n, c, p, q]
    return gx


def backward__average(g, x, size, stride):
    """is wrong"""
    gx = np.zeros_like(x)
    for at, upstream in each(g, size, stride):
        gx[at] += upstream / size**2
    return gx


def backward__by_columns(g, x, size, stride):
    """ties"""
    gx = np.zeros_like(x)
    for at, upstream in each(g, size, stride):
        j, i = np.divmod(x[at].T.argmax(), size)
        gx[at][i, j] += upstream
    return gx


def forward__ceil(x, size, stride):
    """shape"""
    y = np.zeros((*x.shape[:2], -(-(x.shape[2] - size) // stride) + 1, -(-(x.shape[3] - size) // stride) + 1))
    for at, _ in each(y, size, stride):
        y[at[0], at[1], at[2].start // stride, at[3].start // stride] = x[at].max()
    return y


def backward__right_by_mask(g, x, size, stride):
    """right"""
    gx = np.zeros_like(x)
    for p, q in np.ndindex(*g.shape[2:]):
        at = np.s_[:, :, p * stride : p * stride + size, q * stride : q * stride + size]
        flat = x[at].reshape(*x.shape[:2], -1)
        first = np.arange(size * size) == flat.argmax(-1)[..., None]
        gx[at] += first.reshape(x[at].shape) * g[:, :, p, q, None, None]
    return gx
