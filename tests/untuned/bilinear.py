"""Wrong solutions that no diagnosis was made for."""

import numpy as np


def places(n, m, ratio):
    """Row above, row below and the way on."""
    r = np.clip((np.arange(m) + 0.5) * ratio - 0.5, 0, n - 1)
    i = np.floor(r).astype(int)
    return i, np.minimum(i + 1, n - 1), r - i


def forward__not_clipped_above(x, size):
    """not r | t is negative before the first pixel"""
    h, w = x.shape[2:]
    r, s = (np.arange(size[0]) + 0.5) * h / size[0] - 0.5, (np.arange(size[1]) + 0.5) * w / size[1] - 0.5
    i, j = r.astype(int), s.astype(int)
    t, u = (r - i)[:, None], s - j
    i2, j2 = np.minimum(i + 1, h - 1)[:, None], np.minimum(j + 1, w - 1)
    i = i[:, None]
    return (
        (1 - t) * (1 - u) * x[:, :, i, j]
        + (1 - t) * u * x[:, :, i, j2]
        + t * (1 - u) * x[:, :, i2, j]
        + t * u * x[:, :, i2, j2]
    )


def backward__one_factor_for_rows_and_columns(g, x, size):
    """rows and columns are scaled by different factors"""
    h, w = x.shape[2:]
    ratio = h / size[0]
    i, i2, t = places(h, size[0], ratio)
    j, j2, u = places(w, size[1], ratio)
    gx = np.zeros_like(x)
    for p in range(size[0]):
        for q in range(size[1]):
            here = g[:, :, p, q]
            gx[:, :, i[p], j[q]] += (1 - t[p]) * (1 - u[q]) * here
            gx[:, :, i[p], j2[q]] += (1 - t[p]) * u[q] * here
            gx[:, :, i2[p], j[q]] += t[p] * (1 - u[q]) * here
            gx[:, :, i2[p], j2[q]] += t[p] * u[q] * here
    return gx
