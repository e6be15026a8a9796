"""The Fourier transform of real pictures (``tl.fft``). Complex numbers are pairs: a last axis of (real, imaginary).

Of a real picture's spectrum the columns beyond the middle are mirrored conjugates, so half of it is kept: W//2 + 1 columns.
With w = 2 for columns that stand for two, and 1 for the first and, if W is even, the last one:

    rfft2: Z[h, k] = s · Σ x[p, q] e^(−iθ)      irfft2: x[p, q] = t · Re Σ w[k] Z[h, k] e^(iθ)      θ = 2π(hp/H + kq/W)

so the adjoint of either is the other, with w moved across and the factors of the norm exchanged.
"""

import numpy as np

from .. import devices
from ..scopes import here
from ..tensor import operation
from .shape import tensor_like

OPPOSITE = {"backward": "forward", "forward": "backward", "ortho": "ortho"}  # (s, t) = (1, 1/n), (1/n, 1), (1/√n, 1/√n)


def columns_count(width, x):
    """w, shaped to weigh the columns of a half spectrum (…, H, W//2 + 1, 2), in the dtype and on the device of x."""
    w = devices.namespace(x).full((width // 2 + 1, 1), 2, x.dtype)
    w[0] = 1
    if width % 2 == 0:
        w[-1] = 1
    return w


@operation(dtypes="float")
def _rfft2(x, *, norm):
    z = np.fft.rfft2(x, norm=norm)
    return np.stack([z.real, z.imag], -1)


@_rfft2.rule
def _(g, shapes, norm):
    *_, h, width = shapes[0]
    return _irfft2(g / columns_count(width, g), size=(h, width), norm=OPPOSITE[norm])


@operation(dtypes="float")
def _irfft2(z, *, size, norm):
    columns = np.fft.ifft(
        z[..., 0] + 1j * z[..., 1], axis=-2, norm=norm
    )  # axis by axis: cuFFT's irfft2 errs where W is 1
    return np.fft.irfft(columns, size[1], norm=norm)


@_irfft2.rule
def _(g, size, norm):
    return _rfft2(g, norm=OPPOSITE[norm]) * columns_count(size[1], g)


def rfft2(input, norm="backward"):
    """Z[h, k] = s·Σ x[p, q]·e^(−iθ), θ = 2π(hp/H + kq/W): how much of each wave is in real pictures.

    Frequencies h = 0, 1, … of rows and k = 0 … W//2 of columns (the others are mirrored conjugates), in pairs (real,
    imaginary). ``norm`` says what divides by H·W: "backward" irfft2 (s = 1), "forward" rfft2 (s = 1/(H·W)), "ortho"
    both by the root of it. Raises ValueError for no picture, or another norm.

    Shapes: x (…, H, W) → Z (…, H, W//2 + 1, 2).
    Derivation: Re Z = s·Σ x·cos θ and Im Z = −s·Σ x·sin θ, so ∂x[p, q] = s·Σ (g_re·cos θ − g_im·sin θ) over all kept
        h, k, which is s·Re Σ (g_re + i·g_im)·e^(iθ). irfft2 with t = s computes this sum, but with each column times
        its w: so g is divided by w first.
    Source: Cooley and Tukey, "An algorithm for the machine calculation of complex Fourier series", 1965; the
        conventions are NumPy's.
    Exercise: fourier.
    """
    if tensor_like(input, "rfft2").ndim < 2 or not input.shape[-2] * input.shape[-1]:
        raise ValueError(f"{here('rfft2')}: expected pictures (…, H, W) with H, W ≥ 1, got {input.shape}")
    return _rfft2(input, norm=_known(norm, "rfft2"))


def irfft2(input, s=None, norm="backward"):
    """x[p, q] = t·Re Σ w[k]·Z[h, k]·e^(iθ): the real pictures of a half spectrum, the inverse of rfft2.

    w[k] is 2 for columns that stand for two, themselves and their mirrored conjugates, and 1 for the first and, if W is
    even, the last; θ as in rfft2. ``s`` = (H, W) says whether W is odd; without it W is even. Imaginary parts that no
    real picture has do not count. ``norm`` as in rfft2: t is 1/(H·W), 1 or the root of 1/(H·W). Raises ValueError where
    s does not fit the spectrum.

    Shapes: Z (…, H, W//2 + 1, 2) → x (…, H, W).
    Derivation: the real part of Z·e^(iθ) is Z_re·cos θ − Z_im·sin θ, so ∂Z_re[h, k] = t·w[k]·Σ g·cos θ over all p, q,
        and ∂Z_im[h, k] = −t·w[k]·Σ g·sin θ: rfft2 of g, each column times its w.
    Source: Cooley and Tukey, "An algorithm for the machine calculation of complex Fourier series", 1965; the
        conventions are NumPy's.
    Exercise: fourier.
    """
    if tensor_like(input, "irfft2").ndim < 3 or input.shape[-1] != 2 or not input.shape[-3] * input.shape[-2]:
        raise ValueError(f"{here('irfft2')}: expected pairs (…, H, W//2 + 1, 2) with H ≥ 1, got {input.shape}")
    h, half = input.shape[-3:-1]
    size = (h, max(2 * half - 2, 1)) if s is None else tuple(s)
    if len(size) != 2 or size[0] != h or size[1] < 1 or size[1] // 2 + 1 != half:
        raise ValueError(
            f"{here('irfft2')}: s must be ({h}, {2 * half - 2}) or ({h}, {2 * half - 1}) for a spectrum {input.shape}, got {s!r}"
        )
    return _irfft2(input, size=size, norm=_known(norm, "irfft2"))


def _known(norm, where):
    if norm not in OPPOSITE:
        raise ValueError(f"{here(where)}: norm must be 'backward', 'ortho' or 'forward', got {norm!r}")
    return norm
