"""The check of exercise fourier: pictures of even and odd width, compared with tl.fft by finite differences."""

import numpy as np

from ...ops.fft import irfft2
from ..drawn import values, whole
from ..task import Exercise, Task


def scale(h, w):
    """1 / max(f, 1/max(H, W)), for both numbers of a pair, (H, W//2 + 1, 1)."""
    f = np.hypot(np.fft.fftfreq(h)[:, None], np.fft.rfftfreq(w))
    return 1 / np.maximum(f, 1 / max(h, w))[..., None]


def picture(s, width):
    """The picture (H, W)."""
    return irfft2(scale(s.shape[0], width) * s, (s.shape[0], width))


def cases(draw):
    """Spectra of up to 4 rows and 4 columns."""
    h, width = whole(draw, 1, 4), whole(draw, 1, 6)
    return {"s": values(draw, h, width // 2 + 1, 2), "width": width}


def columns(width):
    """How many waves a column stands for, (W//2 + 1, 1)."""
    return np.array([1 if k in (0, width / 2) else 2 for k in range(width // 2 + 1)])[:, None]


def places(s, width, **_):
    """Where a mistake may sit."""
    column = np.arange(width // 2 + 1)[:, None]
    imaginary = np.arange(2) == 1
    named = {
        "k = W/2: for an even W this column stands for one wave, w = 1": column == width / 2,
        "k is the last column and W is odd: it stands for two waves, w = 2": (column == width // 2) & (width % 2 == 1),
        "k = 0: this column stands for one wave, w = 1": column == 0,
        "k is neither 0 nor W/2: such a column stands for two waves, w = 2": columns(width) == 2,
        "k is 0 or W/2: such a column stands for one wave, w = 1": columns(width) == 1,
        "the frequency is 0": (column == 0) & at_row_0(s),
        "the imaginary part of h = k = 0 is, which makes no wave": imaginary & (column == 0) & at_row_0(s),
        "the imaginary parts are: ∂y/∂s[…, 1] has −sin θ": imaginary,
    }
    return {"s": {words: np.broadcast_to(mask, s.shape) for words, mask in named.items()}}


def at_row_0(s):
    """A mask of row 0, (H, 1, 1)."""
    return (np.arange(len(s)) == 0)[:, None, None]


def factors(s, width, **_):
    """What enters as a factor."""
    return {"s": {"scale": scale(len(s), width), "scale²": scale(len(s), width) ** 2, "w": columns(width)}}


def features(s, width, **_):
    """What cases differ in."""
    return {"W is odd": bool(width % 2), "W > 2: some columns stand for two waves": width > 2}


EXERCISE = Exercise(
    title="A picture made of waves, and the gradient that goes back to its spectrum",
    tasks=(
        Task("forward", picture, cases, features=features),
        Task("backward", picture, cases, results=("s",), gradient=True, features=features, places=places, factors=factors),
    ),
    hints=(
        "y is a sum in which each s[h, k, 0] and s[h, k, 1] stands once, times a number that does not depend on s.",
        "Re((a + ib)(cos θ + i sin θ)) = a cos θ − b sin θ: differentiate in a, and in b.",
        "e^(−iθ) = cos θ − i sin θ, so Σ g cos θ and −Σ g sin θ are real and imaginary part of np.fft.rfft2(g).",
        "What stands before the wave in y stands before its gradient too: w[k], scale[h, k] and 1/(H·W).",
        "Z = w * scale(H, W) / (H * W) * np.fft.rfft2(g), with w = 1 in column 0 and, if W is even, in the last, else 2; then "
        "np.stack([Z.real, Z.imag], -1).",
    ),
)  # fmt: skip
