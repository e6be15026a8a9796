"""The check of exercise conv_stride: windows apart and overlapping, padding, and rows left over at the end."""

import numpy as np

from ...ops import conv2d, pad
from ..drawn import values, whole
from ..task import Exercise, Task
from .convolutions import last_alone, sized, windows, without_last


def conv(x, weight, stride, padding):
    """y = conv2d(x, weight) with stride and padding."""
    return conv2d(x, weight, None, stride, padding)


def cases(draw):
    """Pictures up to 5 × 5, some of them smaller than the kernel before they are padded."""
    n, c, o = whole(draw, 1, 2), whole(draw, 1, 2), whole(draw, 1, 3)
    stride, padding = whole(draw, 1, 3), whole(draw, 0, 2)
    kh, kw = whole(draw, 1, 3), whole(draw, 1, 3)
    h, w = (min(5, max(1, k - 2 * padding) + whole(draw, 0, 3)) for k in (kh, kw))
    return {"x": values(draw, n, c, h, w), "weight": values(draw, o, c, kh, kw), "stride": stride, "padding": padding}


def features(x, weight, stride, padding, **_):
    """What cases differ in."""
    count = windows(x, weight.shape[2:], stride, padding)
    left = [(n + 2 * padding - k) % stride for n, k in zip(x.shape[2:], weight.shape[2:])]
    return {
        "rows or columns are left over at the end": any(left),
        "windows overlap: contributions add": count.max() > 1,
        "there are several pixels that no window reaches": (count == 0).sum() > 1,
        "stride > 1": stride > 1,
        "the kernel is not square": weight.shape[2] != weight.shape[3],
    }


def places(x, weight, stride, padding, **_):
    """Where a mistake may sit."""
    count = windows(x, weight.shape[2:], stride, padding)
    size = [(n + 2 * padding - k) // stride + 1 for n, k in zip(x.shape[2:], weight.shape[2:])]
    begin = [index * stride - padding for index in np.indices(size)]
    before = np.minimum(*begin) < 0
    after = np.any([b + k > n for b, k, n in zip(begin, weight.shape[2:], x.shape[2:])], axis=0)
    named = {"windows overlap: contributions add": count > 1, "no window reaches": count == 0}
    return {
        "x": {words: np.broadcast_to(mask, x.shape) for words, mask in named.items()},
        "y": {
            "the window reaches into the padding at the top or left: the padding is zeros, and index −1 is the last row": before,
            "the window reaches into the padding at the bottom or right: the padding is zeros": after,
            "the window reaches into the padding: the padding is zeros": before | after,
        },
    }


def elsewhere(rows, columns, begin):
    """The same with windows that lie elsewhere: so many rows and columns apart, the first one at −begin."""

    def function(x, weight, stride, padding):
        p, q = [(n + 2 * padding - k) // stride + 1 for n, k in zip(x.shape[2:], weight.shape[2:])]
        before, after = begin(stride, padding), 20  # zeros enough for any stride
        step = rows(stride), columns(stride)
        return conv2d(pad(x, (before, after, before, after)), weight, None, step)[:, :, :p, :q]

    return function


one, stride_of, padding_of = lambda stride: 1, lambda stride: stride, lambda stride, padding: padding
BEGIN = "window (p, q) should begin at row p·stride − padding and column q·stride − padding"
VARIANTS = {
    f"for windows one pixel apart: {BEGIN}": elsewhere(one, one, padding_of),
    f"for windows stride rows, but only one column apart: {BEGIN}": elsewhere(stride_of, one, padding_of),
    f"for windows one row, and stride columns apart: {BEGIN}": elsewhere(one, stride_of, padding_of),
    f"for windows that begin at row p·stride: {BEGIN}": elsewhere(stride_of, stride_of, lambda stride, padding: 0),
    f"for windows that begin at row p·stride − 2·padding: {BEGIN}": elsewhere(
        stride_of, stride_of, lambda stride, padding: 2 * padding
    ),
    f"for windows that begin at row (p − padding)·stride: {BEGIN}": elsewhere(
        stride_of, stride_of, lambda stride, padding: stride * padding
    ),
    "for weight turned by 180 degrees: weight[i, j] meets row p·stride − padding + i": lambda x, weight, stride, padding: conv(
        x, weight[:, :, ::-1, ::-1], stride, padding
    ),
}  # fmt: skip


def sizes(x, weight, stride, padding):
    """The shape of y, and what else its height and width may be."""
    room = [
        n + 2 * padding - k for n, k in zip(x.shape[2:], weight.shape[2:])
    ]  # for the first row of a window, and column
    p, q = [r // stride + 1 for r in room]
    return (len(x), len(weight), p, q), {
        "+ 1 is missing, since the windows are numbered from 0, and the last one counts": (p - 1, q - 1),
        "the padding is not counted, which is on both sides": tuple((r - 2 * padding) // stride + 1 for r in room),
        "the padding is counted once, and is on both sides": tuple((r - padding) // stride + 1 for r in room),
        "stride is not used": tuple(r + 1 for r in room),
        "it is rounded up, and what is left over at the end is in no window": tuple(-(-r // stride) + 1 for r in room),
    }


def sizes_of_gradient(g, x, weight, stride, padding):
    """The same for the gradient for x."""
    (h, w), (kh, kw) = x.shape[2:], weight.shape[2:]
    reached = tuple(max((n - 1) * stride + k - 2 * padding, 0) for n, k in zip(g.shape[2:], (kh, kw)))
    mistakes = {
        "its padding is to be cut off, by [padding : padding + H] and the same of the columns": (
            h + 2 * padding,
            w + 2 * padding,
        ),
        "the rows and columns are missing that are left over at the end, whose gradient is 0": reached,
    }
    if padding == 0:
        mistakes["[padding:-padding] holds nothing at padding 0, so cut by [padding : padding + H]"] = (0, 0)
    return x.shape, mistakes


EXERCISE = Exercise(
    title="Convolution with stride and padding",
    tasks=(
        Task("forward", conv, cases, features=features, places=places, variants=VARIANTS, call=sized("forward", sizes)),
        Task("backward", conv, cases, results=("x", "weight"), gradient=True, features=features, places=places,
             variants=VARIANTS | last_alone(conv) | without_last(conv), call=sized("backward", sizes_of_gradient, "x")),
    ),
    hints=(
        "Do the padding first: after np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding))) only the stride is new.",
        "Window p covers the rows p·stride to p·stride + kh − 1 of the padded picture. How large may p be, if that has H + 2·padding rows?",
        "P = (H + 2·padding − kh) // stride + 1, rounded down: what is left over at the end is in no window.",
        "Backward, go over the windows of the padded picture: add to those of an array of zeros, as in conv_input, and to weight's.",
        "At the end cut the padding off: [:, :, padding : padding + H, padding : padding + W], which at padding 0 leaves all.",
    ),
)  # fmt: skip
