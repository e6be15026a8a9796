"""Ways to get exercise numba_kernel wrong, and other ways to get it right."""

import numpy as np
from numba import jit, njit, prange


def plain(x, w):
    """Loops, right."""
    y = np.zeros_like(x)
    for n, c, p, q in np.ndindex(x.shape):
        for i in range(max(0, 1 - p), min(3, x.shape[2] + 1 - p)):
            for j in range(max(0, 1 - q), min(3, x.shape[3] + 1 - q)):
                y[n, c, p, q] += w[c, i, j] * x[n, c, p + i - 1, q + j - 1]
    return y


def depthwise__plain_python(x, w):
    """plain Python | @njit"""
    return plain(x, w)


@njit(parallel=True)
def depthwise__parallel(x, w):
    """parallel=True"""
    y = np.zeros_like(x)
    for n in prange(x.shape[0]):
        y[n] = x[n]
    return y


@jit(forceobj=True)
def depthwise__object_mode(x, w):
    """object mode | @njit"""
    y = np.zeros_like(x)
    y[:] = x
    return y


@njit
def depthwise__calls_python(x, w):
    """Numba cannot compile depthwise | plain"""
    return plain(x, w)


@njit
def depthwise__float64(x, w):
    """float64 of float32 | x.dtype"""
    y = np.zeros(x.shape)
    for n, c, p, q in np.ndindex(x.shape):
        for i in range(max(0, 1 - p), min(3, x.shape[2] + 1 - p)):
            for j in range(max(0, 1 - q), min(3, x.shape[3] + 1 - q)):
                y[n, c, p, q] += w[c, i, j] * x[n, c, p + i - 1, q + j - 1]
    return y


@njit
def depthwise__past_the_end(x, w):
    """IndexError | out of bounds | line"""
    y = np.zeros_like(x)
    for n, c, p, q in np.ndindex(x.shape):
        for i in range(3):
            for j in range(3):
                if p + i >= 1 and q + j >= 1:
                    y[n, c, p, q] += w[c, i, j] * x[n, c, p + i - 1, q + j - 1]
    return y


@njit
def depthwise__wraps_round(x, w):
    """index −1"""
    y = np.zeros_like(x)
    for n, c, p, q in np.ndindex(x.shape):
        for i in range(3):
            for j in range(3):
                y[n, c, p, q] += w[c, i, j] * x[n, c, (p + i - 1) % x.shape[2], (q + j - 1) % x.shape[3]]
    return y


@njit
def depthwise__first_row_wraps(x, w):
    """wrong"""
    y = np.zeros_like(x)
    for n, c, p, q in np.ndindex(x.shape):
        for i in range(3):
            for j in range(3):
                if p + i - 1 < x.shape[2] and q + j - 1 < x.shape[3]:
                    y[n, c, p, q] += w[c, i, j] * x[n, c, p + i - 1, q + j - 1]
    return y


@njit
def depthwise__border_left_out(x, w):
    """border"""
    y = np.zeros_like(x)
    for n, c, p, q in np.ndindex(x.shape):
        if 0 < p < x.shape[2] - 1 and 0 < q < x.shape[3] - 1:
            for i in range(3):
                for j in range(3):
                    y[n, c, p, q] += w[c, i, j] * x[n, c, p + i - 1, q + j - 1]
    return y


@njit
def depthwise__not_centred(x, w):
    """without the − 1"""
    y = np.zeros_like(x)
    for n, c, p, q in np.ndindex(x.shape):
        for i in range(min(3, x.shape[2] - p)):
            for j in range(min(3, x.shape[3] - q)):
                y[n, c, p, q] += w[c, i, j] * x[n, c, p + i, q + j]
    return y


@njit
def depthwise__flipped(x, w):
    """flipped kernel"""
    y = np.zeros_like(x)
    for n, c, p, q in np.ndindex(x.shape):
        for i in range(max(0, 1 - p), min(3, x.shape[2] + 1 - p)):
            for j in range(max(0, 1 - q), min(3, x.shape[3] + 1 - q)):
                y[n, c, p, q] += w[c, 2 - i, 2 - j] * x[n, c, p + i - 1, q + j - 1]
    return y


@njit
def depthwise__one_kernel(x, w):
    """every channel"""
    y = np.zeros_like(x)
    for n, c, p, q in np.ndindex(x.shape):
        for i in range(max(0, 1 - p), min(3, x.shape[2] + 1 - p)):
            for j in range(max(0, 1 - q), min(3, x.shape[3] + 1 - q)):
                y[n, c, p, q] += w[0, i, j] * x[n, c, p + i - 1, q + j - 1]
    return y


@njit
def depthwise__square(x, w):
    """wrong where H and W differ"""
    y = np.zeros_like(x)
    height = width = min(x.shape[2], x.shape[3])
    for n in range(x.shape[0]):
        for c in range(x.shape[1]):
            for p in range(height):
                for q in range(width):
                    for i in range(max(0, 1 - p), min(3, height + 1 - p)):
                        for j in range(max(0, 1 - q), min(3, width + 1 - q)):
                            y[n, c, p, q] += w[c, i, j] * x[n, c, p + i - 1, q + j - 1]
    return y


@njit
def depthwise__in_place(x, w):
    """writes to its argument x"""
    y = np.zeros_like(x)
    for n, c, p, q in np.ndindex(x.shape):
        x[n, c, p, q] *= w[c, 1, 1]
    return y


@njit
def depthwise__nothing(x, w):
    """returns None"""
    y = np.zeros_like(x)
    y[:] = x


def depthwise__not_a_kernel(x, w):
    """plain Python"""
    return np.zeros_like(x)


@njit
def padded(x):
    y = np.zeros((x.shape[0], x.shape[1], x.shape[2] + 2, x.shape[3] + 2), x.dtype)
    y[:, :, 1:-1, 1:-1] = x
    return y


@njit(fastmath=True)
def depthwise__right_padded(x, w):
    """right"""
    y, wide = np.empty_like(x), padded(x)
    for n, c in np.ndindex(x.shape[:2]):
        for p in range(x.shape[2]):
            for q in range(x.shape[3]):
                y[n, c, p, q] = (wide[n, c, p : p + 3, q : q + 3] * w[c]).sum()
    return y


@njit
def depthwise__right_by_shifts(x, w):
    """right"""
    y = np.zeros(x.shape, x.dtype)
    h, width = x.shape[2:]
    for i in range(-1, 2):
        for j in range(-1, 2):
            for n in range(x.shape[0]):
                for c in range(x.shape[1]):
                    for p in range(max(0, -i), min(h, h - i)):
                        for q in range(max(0, -j), min(width, width - j)):
                            y[n, c, p, q] += w[c, i + 1, j + 1] * x[n, c, p + i, q + j]
    return y


@njit
def depthwise__right_scattered(x, w):
    """right"""
    y = np.zeros_like(x)
    for n, c, r, s in np.ndindex(x.shape):
        for i in prange(3):
            for j in range(3):
                p, q = r + 1 - i, s + 1 - j
                if p >= 0 and q >= 0 and p < x.shape[2] and q < x.shape[3]:
                    y[n, c, p, q] += w[c, i, j] * x[n, c, r, s]
    return y
