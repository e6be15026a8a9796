"""The check of exercise conv_weight: one picture and several, one window and several."""

import numpy as np

from ...ops import conv2d, transpose
from ..drawn import values
from ..task import Exercise, Task
from .convolutions import last_alone, pictures, without_last


def cases(draw):
    """Up to three pictures, kernels and their biases."""
    drawn = pictures(draw, most=3)
    return drawn | {"bias": values(draw, len(drawn["weight"]))}


def features(g, x, weight, **_):
    """What cases differ in."""
    o, c, kh, kw = weight.shape
    there = int(np.prod(g.shape[2:]))
    return {
        "there are several pictures or windows: their contributions add": len(x) * there > 1,
        "there are several pictures: their contributions add": len(x) > 1,
        "there are several windows: their contributions add": there > 1,
        "the kernel has several numbers": kh * kw > 1,
        "the kernel is not square": kh != kw,
        "there are several channels and several kernels": min(c, o) > 1,
    }


def axes_exchanged(x, weight, bias):
    """The axes O and C of weight exchanged, and its shape kept."""
    o, c, kh, kw = weight.shape
    return conv2d(x, transpose(weight.reshape(c, o, kh, kw), 0, 1), bias)


def last_of_all(x, weight, bias):
    """Only the last window of the last picture."""
    y = conv2d(x, weight, bias)
    last = np.zeros(y.shape)
    last[-1, :, -1, -1] = 1
    return y * last


VARIANTS = {
    "with the last window of the last picture alone, which overwrites the others: add them up (+=)": last_of_all,
    **last_alone(conv2d),
    **without_last(conv2d),
    "with its axes O and C exchanged: the kernels o come first": axes_exchanged,
}

EXERCISE = Exercise(
    title="The gradients of a convolution in its weight and bias",
    tasks=(
        Task("backward", conv2d, cases, results=("weight", "bias"), gradient=True, features=features,
             variants=VARIANTS),
    ),
    hints=(
        "Take one channel, x of 1 × 3 and a kernel of 1 × 2. Write both numbers of y down: where does weight[0, 0, 0, 0] occur?",
        "A weight is used at every place of every picture, so its gradient is a sum over n, p and q. The bias likewise.",
        "y[n, o, p, q] is weight[o] · the window x[n, :, p : p + kh, q : q + kw]: so weight[o] gets g[n, o, p, q] · that window.",
        "In zeros of the shape of weight, add this up for all n, o, p and q, with +=. No mean: if there is one in L, g knows of it.",
        "For the bias, g.sum((0, 2, 3)): over pictures, rows and columns, all axes but that of the output channels.",
    ),
)  # fmt: skip
