"""Exercise 21 · Grad-CAM: where a late layer saw the class.

A late layer of a net gives, for each picture n, K planes A[n, k] (its activations): channel k is large where the layer saw
what channel k stands for. Selvaraju et al. (2017) weigh each channel by what it means to the logit z of the class that is
to be explained, add the planes up, and keep what speaks for the class:

    α[n, k] = the mean over i, j of ∂z[n]/∂A[n, k, i, j]        M[n, i, j] = ReLU( Σ_k α[n, k] · A[n, k, i, j] )

so a channel has one weight, the same at all places; it may be negative.

Derive: if what follows the layer is global average pooling and then a linear layer, z = Σ_k w_k · mean_ij A[k, i, j] + b,
what is ∂z/∂A[k, i, j], and what is α[k]?  (Then Grad-CAM is, up to a factor, CAM: Zhou et al., 2016.)
Shapes: activations and gradients (N, K, H, W), the gradients ∂z/∂A at hand as an array; the map (N, H, W), as small as the
layer's planes: it is not enlarged here. One picture's map does not depend on the others. Use NumPy, and nothing of tinylucid.

    tinylucid exercise check grad_cam
"""

import numpy as np


def grad_cam(activations, gradients):
    """The maps (N, H, W)."""
    raise NotImplementedError
