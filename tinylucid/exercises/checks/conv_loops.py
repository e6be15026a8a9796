"""The check of exercise conv_loops: pictures and kernels of any sizes, down to a single number."""

import numpy as np

from ...ops import conv2d
from ..drawn import values
from ..task import Exercise, Task
from .convolutions import pictures


def cases(draw):
    """A picture, kernels and their biases."""
    drawn = pictures(draw)
    return drawn | {"bias": values(draw, len(drawn["weight"]))}


def features(weight, **_):
    """What cases differ in."""
    _, c, kh, kw = weight.shape
    return {
        "the kernel is not square": kh != kw,
        "there are several channels": c > 1,
        "the kernel has several numbers": c * kh * kw > 1,
    }


def parts(x, weight, bias, **_):
    """What y is the sum of."""
    return {"y": {"the sum over the window": conv2d(x, weight), "the bias": bias[:, None, None]}}


def places(x, weight, **_):
    """Where a mistake may sit."""
    p, q = np.indices([n - k + 1 for n, k in zip(x.shape[2:], weight.shape[2:])])
    return {
        "y": {
            "p = H − kh: the kernel fits there too": p == p.max(),
            "q = W − kw: the kernel fits there too": q == q.max(),
            "p = H − kh or q = W − kw: the kernel fits there too": (p == p.max()) | (q == q.max()),
            "p or q is not 0: the window of y[n, o, p, q] begins at row p and column q": (p > 0) | (q > 0),
        }
    }


def flipped(x, weight, bias):
    """The convolution of mathematics."""
    return conv2d(x, weight[:, :, ::-1, ::-1], bias)


def mean(x, weight, bias):
    """The mean over the window in the place of the sum."""
    return conv2d(x, weight / np.prod(weight.shape[1:]), bias)


def bias_by_number(x, weight, bias):
    """The bias added as often as numbers are multiplied."""
    return conv2d(x, weight, bias * np.prod(weight.shape[1:]))


def bias_by_channel(x, weight, bias):
    """The bias added for each channel."""
    return conv2d(x, weight, bias * weight.shape[1])


EXERCISE = Exercise(
    title="Convolution by loops",
    tasks=(
        Task("forward", conv2d, cases, features=features, parts=parts, places=places,
             variants={"if the kernel were turned by 180 degrees: lay it on the picture as it is": flipped,
                       "for the mean over the window: it should be the sum": mean,
                       "with the bias added at every number of the window: add it once": bias_by_number,
                       "with the bias added at every channel: add it once": bias_by_channel}),
    ),
    hints=(
        "Take one picture of one channel, 3 × 3, and a kernel 2 × 2: at how many places does it fit? Write y down.",
        "There is one y for each picture n, each kernel o, each row p and each column q: four loops, around a sum over c, i and j.",
        "The kernel at row p needs the rows p to p + kh − 1, so p runs from 0 to H − kh: that is H − kh + 1 rows.",
        "A slice saves three loops: x[n, :, p : p + kh, q : q + kw] has the shape (C, kh, kw) of weight[o].",
        "Begin with y = np.zeros((N, O, H - kh + 1, W - kw + 1)); inside the loops, add up the product of both, and then bias[o], once.",
    ),
)  # fmt: skip
