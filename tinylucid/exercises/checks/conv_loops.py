"""The check of exercise conv_loops: pictures and kernels of any sizes, down to a single number."""

import numpy as np

from ...ops import conv2d
from ..drawn import values
from ..task import Exercise, Task
from .convolutions import pictures, sized


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


def sizes(x, weight, **_):
    """The shape of y, and what else its height and width may be."""
    (n, _, h, w), (o, _, kh, kw) = x.shape, weight.shape
    return (n, o, h - kh + 1, w - kw + 1), {
        "+ 1 is missing, since the windows begin at the rows 0 … H − kh (columns alike)": (h - kh, w - kw),
        "y is not as large as x, since the kernel is laid only where all of it fits": (h, w),
    }


def last(channels, rows, columns):
    """Only the last of the numbers over which these loops run, as = in the place of += does."""

    def similar(x, weight, bias):
        kept = tuple(slice(-1, None) if alone else slice(None) for alone in (channels, rows, columns))
        counted = np.zeros(weight.shape)
        counted[(slice(None), *kept)] = 1
        return conv2d(x, weight * counted, bias)

    return similar


def bias_times(number):
    """The bias added number(C, kh, kw) times."""
    return lambda x, weight, bias: conv2d(x, weight, bias * number(*weight.shape[1:]))


OVERWRITE = "each overwrites what was there: add them up (+=)"
VARIANTS = {
    "if the kernel is turned by 180 degrees: lay it on the picture as it is": lambda x, weight, bias: conv2d(
        x, weight[:, :, ::-1, ::-1], bias
    ),
    "with the mean over the window: it should be the sum": lambda x, weight, bias: conv2d(
        x, weight / np.prod(weight.shape[1:]), bias
    ),
    "with the bias added at every number of the window: add it once": bias_times(lambda c, kh, kw: c * kh * kw),
    "with the bias added at every channel: add it once": bias_times(lambda c, kh, kw: c),
    "with the bias added for every i and j: add it once": bias_times(lambda c, kh, kw: kh * kw),
    f"with the last i and j alone, since {OVERWRITE}": last(False, True, True),
    f"with the last c, i and j alone, since {OVERWRITE}": last(True, True, True),
    f"with the last i alone, since {OVERWRITE}": last(False, True, False),
    f"with the last j alone, since {OVERWRITE}": last(False, False, True),
}

EXERCISE = Exercise(
    title="Convolution by loops",
    tasks=(
        Task("forward", conv2d, cases, features=features, parts=parts, places=places, variants=VARIANTS,
             call=sized("forward", sizes)),
    ),
    hints=(
        "Take one picture of one channel, 3 × 3, and a kernel 2 × 2: at how many places does it fit? Write y down.",
        "There is one y for each picture n, each kernel o, each row p and each column q: four loops, around a sum over c, i and j.",
        "The kernel at row p needs the rows p to p + kh − 1, so p runs from 0 to H − kh: that is H − kh + 1 rows.",
        "A slice saves three loops: x[n, :, p : p + kh, q : q + kw] has the shape (C, kh, kw) of weight[o].",
        "Begin with y = np.zeros((N, O, H - kh + 1, W - kw + 1)); inside the loops, add up the product of both, and then bias[o], once.",
    ),
)  # fmt: skip
