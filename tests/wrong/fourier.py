"""Ways to get exercise fourier wrong, and other ways to get it right."""

import numpy as np


def scale(h, w):
    f = np.hypot(np.fft.fftfreq(h)[:, None], np.fft.rfftfreq(w))
    return 1 / np.maximum(f, 1 / max(h, w))


def columns(width, odd_too=False):
    w = np.full(width // 2 + 1, 2.0)
    w[0] = 1
    if width % 2 == 0 or odd_too:
        w[-1] = 1
    return w


def pairs(z):
    return np.stack([z.real, z.imag], -1)


def right(g, width):
    """The gradient, complex."""
    return columns(width) * scale(len(g), width) * np.fft.rfft2(g) / g.size


def backward__no_weights(g, s, width):
    """missing | times w"""
    return pairs(scale(len(g), width) * np.fft.rfft2(g) / g.size)


def backward__all_twice(g, s, width):
    """one wave, w = 1"""
    return pairs(2 * scale(len(g), width) * np.fft.rfft2(g) / g.size)


def backward__last_column_twice(g, s, width):
    """k = W/2 | even"""
    w = np.full(width // 2 + 1, 2.0)
    w[0] = 1
    return pairs(w * scale(len(g), width) * np.fft.rfft2(g) / g.size)


def backward__odd_as_even(g, s, width):
    """last column and W is odd"""
    return pairs(columns(width, odd_too=True) * scale(len(g), width) * np.fft.rfft2(g) / g.size)


def backward__not_normalised(g, s, width):
    """the size of all of the output"""
    return pairs(right(g, width) * g.size)


def backward__root_of_the_size(g, s, width):
    """√"""
    return pairs(right(g, width) * np.sqrt(g.size))


def backward__conjugate(g, s, width):
    """imaginary | sin θ"""
    return pairs(right(g, width).conj())


def backward__no_scale(g, s, width):
    """scale"""
    return pairs(columns(width) * np.fft.rfft2(g) / g.size)


def backward__divided_by_scale(g, s, width):
    """times scale²"""
    return pairs(columns(width) / scale(len(g), width) * np.fft.rfft2(g) / g.size)


def backward__scale_twice(g, s, width):
    """multiplied by scale once too often"""
    return pairs(scale(len(g), width) * right(g, width))


def backward__real_only(g, s, width):
    """imaginary"""
    return pairs(right(g, width).real + 0j)


def backward__exchanged(g, s, width):
    """backwards"""
    return pairs(right(g, width))[..., ::-1]


def backward__the_inverse(g, s, width):
    """wrong"""
    return pairs(np.fft.ifft2(g)[:, : width // 2 + 1] * columns(width) * scale(len(g), width))


def backward__complex(g, s, width):
    """complex"""
    return right(g, width)


def backward__pairs_first(g, s, width):
    """shape"""
    z = right(g, width)
    return np.stack([z.real, z.imag])


def backward__whole_spectrum(g, s, width):
    """shape"""
    return pairs(np.fft.fft2(g) / g.size)


def backward__wrong_frequencies(g, s, width):
    """wrong"""
    f = np.hypot(np.arange(len(g))[:, None] / len(g), np.fft.rfftfreq(width))
    return pairs(columns(width) / np.maximum(f, 1 / max(g.shape)) * np.fft.rfft2(g) / g.size)


def forward__even_only(s, width):
    """odd | shape"""
    z = (s[..., 0] + 1j * s[..., 1]) * scale(len(s), width)
    return np.fft.irfft2(z)


def backward__right_by_loops(g, s, width):
    """right"""
    gs, (h, w) = np.zeros(s.shape), g.shape
    for a, k in np.ndindex(*s.shape[:2]):
        factor = columns(width)[k] * scale(h, w)[a, k] / (h * w)
        angle = 2 * np.pi * (a * np.arange(h)[:, None] / h + k * np.arange(w) / w)
        gs[a, k] = factor * (g * np.cos(angle)).sum(), -factor * (g * np.sin(angle)).sum()
    return gs


def backward__right_by_the_other_columns(g, s, width):
    """right"""
    whole = np.fft.fft2(g) / g.size
    half = whole[:, : width // 2 + 1].copy()
    for k in range(1, (width + 1) // 2):  # what the mirrored columns get
        half[:, k] += np.conj(np.roll(whole[::-1, width - k], 1))
    return pairs(half * scale(len(g), width))


def backward__right_as_a_view(g, s, width):
    """right"""
    return right(g, width).view(float).reshape(s.shape)
