"""Solution 21 · Grad-CAM: where a late layer saw the class.

With z = Σ_k w_k · (1/HW) Σ_ij A[k, i, j] + b the gradient is w_k/HW at every place, so its mean is α_k = w_k/HW: the map is
CAM's, Σ_k w_k A[k, i, j], over HW, cut off below 0. Elsewhere the mean is the nearest thing to one weight a channel.
"""

import numpy as np


def grad_cam(activations, gradients):
    """The maps (N, H, W)."""
    weights = gradients.mean(axis=(2, 3))
    return np.maximum((weights[:, :, None, None] * activations).sum(axis=1), 0)
