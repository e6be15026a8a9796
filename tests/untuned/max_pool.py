"""Wrong solutions that no diagnosis was made for."""

import numpy as np


def forward__starts_from_0(x, size, stride):
    """0 where it should be negative"""
    n, c, h, w = x.shape
    y = np.zeros((n, c, (h - size) // stride + 1, (w - size) // stride + 1))
    for p in range(y.shape[2]):
        for q in range(y.shape[3]):
            for i in range(size):
                for j in range(size):
                    y[:, :, p, q] = np.maximum(y[:, :, p, q], x[:, :, p * stride + i, q * stride + j])
    return y


def backward__row_and_column_exchanged(g, x, size, stride):
    """row i and column j exchanged"""
    dx = np.zeros_like(x)
    N, C, P, Q = g.shape
    for n in range(N):
        for c in range(C):
            for p in range(P):
                for q in range(Q):
                    window = x[n, c, p * stride : p * stride + size, q * stride : q * stride + size]
                    k = np.argmax(window)
                    i, j = k % size, k // size
                    dx[n, c, p * stride + i, q * stride + j] += g[n, c, p, q]
    return dx
