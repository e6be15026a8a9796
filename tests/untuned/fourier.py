"""Wrong solutions that no diagnosis was made for."""

import numpy as np


def scale_of(height, width):
    """As given."""
    f = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width))
    return 1 / np.maximum(f, 1 / max(height, width))


def backward__inverse_not_adjoint(g, s, width):
    """scale"""
    z = np.fft.rfft2(g) / scale_of(len(s), width)
    return np.stack([z.real, z.imag], axis=-1)


def backward__parity_of_the_height(g, s, width):
    """even | odd"""
    height = len(s)
    w = np.full(s.shape[1], 2.0)
    w[0] = 1
    if height % 2 == 0:
        w[-1] = 1
    z = w * scale_of(height, width) * np.fft.rfft2(g) / (height * width)
    return np.stack([z.real, z.imag], axis=-1)
