"""The check of exercise conv_transpose: kernels that overlap, that touch, and with gaps between them, and rows cut off."""

import numpy as np

from ...ops import conv_transpose2d, pad, transpose
from ..drawn import values, whole
from ..task import Exercise, Task
from .convolutions import sized, windows


def conv_transpose(x, weight, stride, padding):
    """y = conv_transpose2d(x, weight) with stride and padding."""
    return conv_transpose2d(x, weight, None, stride, padding)


def cases(draw):
    """Pictures up to 3 × 3, of which the padding leaves at least one number."""
    n, c, o = whole(draw, 1, 2), whole(draw, 1, 2), whole(draw, 1, 3)
    h, w, kh, kw, stride = (whole(draw, 1, 3) for _ in range(5))
    most = (min((h - 1) * stride + kh, (w - 1) * stride + kw) - 1) // 2
    padding = whole(draw, 0, min(2, most))
    return {"x": values(draw, n, c, h, w), "weight": values(draw, c, o, kh, kw), "stride": stride, "padding": padding}


def covered(x, weight, stride, padding):
    """How many kernels reach each number of y, (P, Q)."""
    size = [(n - 1) * stride + k - 2 * padding for n, k in zip(x.shape[2:], weight.shape[2:])]
    return windows(np.empty((1, 1, *size)), weight.shape[2:], stride, padding)


def features(x, weight, stride, padding, **_):
    """What cases differ in."""
    c, o, kh, kw = weight.shape
    count = covered(x, weight, stride, padding)
    return {
        "stride > 1 and x has more than one pixel": stride > 1 and x[0, 0].size > 1,
        "kernels overlap: contributions add": count.max() > 1,
        "there are gaps that no kernel reaches": count.min() == 0,
        "there are several channels on both sides": min(c, o) > 1,
        "the kernel has several numbers": kh * kw > 1,
        "the kernel is not square": kh != kw,
    }


def places(x, weight, stride, padding, **_):
    """Where a mistake may sit."""
    count = covered(x, weight, stride, padding)
    return {"y": {"kernels overlap: contributions add": count > 1, "no kernel reaches: 0 stays there": count == 0}}


def elsewhere(rows, columns, begin):
    """The same with kernels that lie elsewhere: so many rows and columns apart, the first one at −begin."""

    def function(x, weight, stride, padding):
        p, q = [(n - 1) * stride + k - 2 * padding for n, k in zip(x.shape[2:], weight.shape[2:])]
        spread = pad(conv_transpose2d(x, weight, None, (rows(stride), columns(stride))), (20, 20, 20, 20))
        first = 20 + begin(padding)
        return spread[:, :, first : first + p, first : first + q]

    return function


one, stride_of, padding_of = lambda stride: 1, lambda stride: stride, lambda padding: padding
BEGIN = "the kernel of pixel (h, w) should begin at row h·stride − padding and column w·stride − padding"
VARIANTS = {
    f"for kernels one pixel apart: {BEGIN}": elsewhere(one, one, padding_of),
    f"for kernels stride + 1 pixels apart: {BEGIN}": elsewhere(lambda s: s + 1, lambda s: s + 1, padding_of),
    f"for kernels stride rows, but only one column apart: {BEGIN}": elsewhere(stride_of, one, padding_of),
    f"for kernels that begin at row h·stride: {BEGIN}": elsewhere(stride_of, stride_of, lambda padding: 0),
    f"for kernels that begin at row h·stride − 2·padding: {BEGIN}": elsewhere(stride_of, stride_of, lambda padding: 2 * padding),
    f"for kernels that begin at row h·stride + padding: {BEGIN}": elsewhere(stride_of, stride_of, lambda padding: -padding),
    "for weight turned by 180 degrees: weight[i, j] meets row h·stride − padding + i": lambda x, weight, stride, padding: conv_transpose(
        x, weight[:, :, ::-1, ::-1], stride, padding
    ),
    "for weight with its axes C and O exchanged: here it is (C, O, kh, kw)": lambda x, weight, stride, padding: conv_transpose(
        x, transpose(weight, 0, 1) if weight.shape[0] == weight.shape[1] else weight, stride, padding
    ),
}  # fmt: skip


def sizes(x, weight, stride, padding):
    """The shape of y, and what else its height and width may be."""
    (h, w), (kh, kw) = x.shape[2:], weight.shape[2:]
    whole = (h - 1) * stride + kh, (w - 1) * stride + kw
    plus = lambda more, size=whole: tuple(max(n + more, 0) for n in size)
    last = "the last kernel begins at row (H − 1)·stride, and has kh rows (columns alike)"
    mistakes = {
        "the padding is to be cut off": plus(0),
        "the padding is cut off once, and should be on both sides": plus(-padding),
        "the padding is added, and should be cut off": plus(2 * padding),
        "stride is not used": plus(-2 * padding, (h - 1 + kh, w - 1 + kw)),
        last: plus(stride - 2 * padding),
        "H·stride is not its height, since the last kernel has kh rows (columns alike)": (h * stride, w * stride),
        "the kernels should begin stride apart, not stride + 1": plus(
            -2 * padding, (whole[0] + h - 1, whole[1] + w - 1)
        ),
    }
    if padding == 0:
        mistakes["[padding:-padding] holds nothing at padding 0, so cut by [padding : padding + P]"] = (0, 0)
    return (len(x), weight.shape[1], *plus(-2 * padding)), mistakes


EXERCISE = Exercise(
    title="Transposed convolution",
    tasks=(
        Task("forward", conv_transpose, cases, features=features, places=places, variants=VARIANTS,
             call=sized("forward", sizes)),
        Task("backward", conv_transpose, cases, results=("x", "weight"), gradient=True, features=features, variants=VARIANTS),
    ),
    hints=(
        "Take x of 1 × 2 and a kernel of 1 × 3, stride 1 and then 2, no padding: lay both kernels down and add them up.",
        "Build the picture without padding first, in zeros, and cut at the very end. The last kernel begins at row (H − 1)·stride.",
        "Forward does what the backward of conv_input did: for all n, c, h and w, add x[n, c, h, w] · weight[c] to a window, with +=.",
        "Its gradient gathers: x[n, c, h, w] gets the sum of weight[c] times that window of g, g being 0 where y was cut off (np.pad).",
        "weight[c] gets x[n, c, h, w] · that same window of g, added up over n, h and w.",
    ),
)  # fmt: skip
