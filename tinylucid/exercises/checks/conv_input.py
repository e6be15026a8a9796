"""The check of exercise conv_input: windows apart and overlapping, one output channel and several."""

import numpy as np

from ...ops import conv2d
from ..task import Exercise, Task
from .convolutions import pictures, sized, windows, without_last


def conv(x, weight):
    """y = conv2d(x, weight)."""
    return conv2d(x, weight)


def features(x, weight, **_):
    """What cases differ in."""
    o, c, kh, kw = weight.shape
    reach = windows(x, (kh, kw)).max()
    return {
        "the kernel has several numbers": kh * kw > 1,
        "the kernel has several rows and several columns": min(kh, kw) > 1,
        "the kernel is not square": kh != kw,
        "windows overlap: contributions add": reach > 1,
        "several numbers of g reach one pixel: contributions add": reach * o > 1,
        "there are several output channels: their contributions add": o > 1,
        "C and O differ": c != o,
    }


def places(x, weight, **_):
    """Where a mistake may sit."""
    count = windows(x, weight.shape[2:])
    named = {
        "windows overlap: contributions add": count > 1,
        "fewer than kh·kw windows reach: near the edge g goes on as zeros": count < np.prod(weight.shape[2:]),
    }
    return {"x": {words: np.broadcast_to(mask, x.shape) for words, mask in named.items()}}


def factors(x, weight, **_):
    """What may have been divided by."""
    return {"x": {"the number of windows that a pixel is in": windows(x, weight.shape[2:]).astype(float)}}


def sizes(g, x, weight):
    """The shape of the gradient, and what else its height and width may be."""
    (h, w), (kh, kw) = x.shape[2:], weight.shape[2:]
    return x.shape, {
        "g is padded too much, which should be by kh − 1 above and below, by kw − 1 left and right": (h + 2, w + 2),
        "g is not padded, which should be by kh − 1 above and below, by kw − 1 left and right": (
            h - 2 * (kh - 1),
            w - 2 * (kw - 1),
        ),
        "that is the shape of g, but every pixel of x has a gradient": g.shape[2:],
    }


MEETS = "x[r, s] met weight[i, j] for y[r − i, s − j]"
VARIANTS = {
    f"for weight turned by 180 degrees: {MEETS}": lambda x, weight: conv(x, weight[:, :, ::-1, ::-1]),
    f"for weight with its rows in reverse order: {MEETS}": lambda x, weight: conv(x, weight[:, :, ::-1]),
    f"for weight with its columns in reverse order: {MEETS}": lambda x, weight: conv(x, weight[:, :, :, ::-1]),
    "for weight with its axes O and C exchanged: sum over O, and keep C": lambda x, weight: conv(
        x, weight.swapaxes(0, 1) if weight.shape[0] == weight.shape[1] else weight
    ),
    "for weight turned by 180 degrees and with its axes O and C exchanged: sum over O, and keep C": lambda x, weight: (
        conv(x, weight.swapaxes(0, 1)[:, :, ::-1, ::-1] if weight.shape[0] == weight.shape[1] else weight)
    ),
} | without_last(conv)

EXERCISE = Exercise(
    title="The gradient of a convolution in its input",
    tasks=(
        Task("backward", conv, pictures, results=("x",), gradient=True, features=features, places=places,
             factors=factors, variants=VARIANTS, call=sized("backward", sizes, "x")),
    ),
    hints=(
        "Take one channel, x of 1 × 3 and a kernel of 1 × 2. Write both numbers of y down, and ask of each pixel where it occurs.",
        "The pixel in the middle occurs twice, with two different weights, and gets the sum of both.",
        "y[n, o, p, q] saw the window x[n, :, p : p + kh, q : q + kw] through weight[o]; its g goes back the same way.",
        "In zeros of the shape of x, add g[n, o, p, q] · weight[o] to that window, for all n, o, p and q: += and not =.",
        "As a convolution: np.pad g by kh − 1 and kw − 1 on each side, and use weight.swapaxes(0, 1)[:, :, ::-1, ::-1] as the kernel.",
    ),
)  # fmt: skip
