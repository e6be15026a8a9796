"""Solution 14 · Bilinear resizing.

Rows and columns are independent: y[p, q] = Σ_k Σ_l R[p, k] · S[q, l] · x[k, l], where R[p, k] is the share that row k has in
row p: 1 − t for k = i, t for k = i + 1, else 0; S alike for columns. So ∂y[p, q]/∂x[k, l] = R[p, k] · S[q, l], and

    ∂L/∂x[k, l] = Σ_p Σ_q g[p, q] · R[p, k] · S[q, l],

which is the transposed matrices: y = R·x·Sᵀ, ∂L/∂x = Rᵀ·g·S.
"""

import numpy as np


def forward(x, size):
    """y (N, C, P, Q), x resized to size (P, Q)."""
    return shares(x.shape[2], size[0]) @ x @ shares(x.shape[3], size[1]).T


def backward(g, x, size):
    """The gradient for x, from g = ∂L/∂y."""
    return shares(x.shape[2], size[0]).T @ g @ shares(x.shape[3], size[1])


def shares(n, m):
    """The share (m, n) that each of n rows has in each of m."""
    r = np.clip((np.arange(m) + 0.5) * n / m - 0.5, 0, n - 1)
    i = np.floor(r).astype(int)
    t = r - i
    found = np.zeros((m, n))
    found[np.arange(m), i] += 1 - t
    found[np.arange(m), np.minimum(i + 1, n - 1)] += t  # += as it may be the same row
    return found
