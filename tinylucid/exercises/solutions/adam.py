"""Solution 18 · One step of Adam.

From m = 0 and the same g in each step, m = (1 − beta1) · g · (1 + beta1 + … + beta1ᵗ⁻¹) = (1 − beta1ᵗ) · g, a geometric
series; so m̂ = g, and in the same way v̂ = g². The first step is lr · g / (|g| + eps): about lr, in the direction of −g.
"""

import numpy as np


def step(p, g, m, v, t, lr, beta1, beta2, eps, weight_decay):
    """The new p, m and v, a tuple of three arrays."""
    g = g + weight_decay * p
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    return p - lr * m / (1 - beta1**t) / (np.sqrt(v / (1 - beta2**t)) + eps), m, v
