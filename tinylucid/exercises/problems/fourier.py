"""Exercise 23 · A picture made of waves, and the gradient that goes back to its spectrum.

Feature visualisation climbs a net's gradient, and moves not pixels but waves: a spectrum s, scaled so that coarse waves
move as easily as fine ones (Olah et al., 2017). A picture (H, W) of real numbers has half a spectrum: rows h = 0 … H − 1,
columns k = 0 … W//2, each entry a pair (real, imaginary), z = s[h, k, 0] + i·s[h, k, 1]. The other columns are mirrored
conjugates, which np.fft.irfft2 adds by itself:

    scale[h, k] = 1 / max(f, 1/max(H, W)),  f = √(u² + v²),  u = np.fft.fftfreq(H)[h],  v = np.fft.rfftfreq(W)[k]
    y[p, q] = 1/(H·W) · Σ_h Σ_k w[k] · scale[h, k] · Re( z[h, k] · e^(iθ) ),   θ = 2π(h·p/H + k·q/W)

where w[k] counts how many waves a column stands for: 1 for k = 0, which is its own mirror image, and for k = W/2 if W is
even; 2 for all others. So y = np.fft.irfft2(scale · z, s=(H, W)), which is written for you.

Derive: y is linear in s. What is ∂y[p, q]/∂s[h, k, 0], and what ∂y[p, q]/∂s[h, k, 1]? With g = ∂L/∂y, write both gradients
as sums over p and q, and compare them with real and imaginary part of np.fft.rfft2(g) = Σ_p Σ_q g[p, q] · e^(−iθ).
Shapes: s (H, W//2 + 1, 2); width = W says whether W is odd or even; y and g (H, W); the gradient has s's shape.

    tinylucid exercise check fourier
"""

import numpy as np


def scale(height, width):
    """1 / max(f, 1/max(H, W)), (H, W//2 + 1)."""
    f = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width))
    return 1 / np.maximum(f, 1 / max(height, width))


def forward(s, width):
    """The picture y (H, W)."""
    z = s[..., 0] + 1j * s[..., 1]
    return np.fft.irfft2(scale(len(s), width) * z, s=(len(s), width))


def backward(g, s, width):
    """The gradient for s, from g = ∂L/∂y."""
    raise NotImplementedError
