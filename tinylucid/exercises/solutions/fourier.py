"""Solution 23 · A picture made of waves, and the gradient that goes back to its spectrum.

Re(z e^(iθ)) = s₀ cos θ − s₁ sin θ, so ∂y[p, q]/∂s₀ = w · scale/(HW) · cos θ and ∂y[p, q]/∂s₁ = −w · scale/(HW) · sin θ. Then

    ∂L/∂s₀ = w · scale/(HW) · Σ_pq g cos θ      ∂L/∂s₁ = w · scale/(HW) · Σ_pq g · (−sin θ)

and since e^(−iθ) = cos θ − i sin θ, the two sums are real and imaginary part of rfft2(g): the adjoint of the inverse
transform is the transform, with w and 1/(HW) beside it. Where sin θ = 0 for all p and q, at h = k = 0 for one, the imaginary
part makes nothing, and its gradient comes out as 0 by itself.
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
    height = len(s)
    w = np.full(width // 2 + 1, 2.0)
    w[0] = 1
    if width % 2 == 0:
        w[-1] = 1
    z = w * scale(height, width) / (height * width) * np.fft.rfft2(g)
    return np.stack([z.real, z.imag], axis=-1)
