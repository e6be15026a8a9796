"""The check of exercise conv_im2col: windows as columns, the matrix product with them, and the way back."""

import numpy as np

from ...ops import conv2d
from ..task import Exercise, Task
from .convolutions import pictures, windows


def im2col(x, kh, kw):
    """The convolution with the kernels that pick one number of the window each."""
    n, c = x.shape[:2]
    picks = np.eye(c * kh * kw).reshape(-1, c, kh, kw)
    return conv2d(x, picks).reshape(n, c * kh * kw, -1)


def reordered(numbers=lambda k: k, places=lambda k: k):
    """im2col with the numbers (C, kh, kw) of a window, or the windows (P, Q), in another order."""

    def function(x, kh, kw):
        k = np.arange(x.shape[1] * kh * kw).reshape(x.shape[1], kh, kw)
        m = np.arange((x.shape[2] - kh + 1) * (x.shape[3] - kw + 1)).reshape(x.shape[2] - kh + 1, -1)
        return im2col(x, kh, kw)[:, numbers(k).ravel()][:, :, places(m).ravel()]

    return function


ORDERS = {
    "with the numbers of a window in the order kh, kw, C: it should be C, kh, kw": reordered(lambda k: k.transpose(1, 2, 0)),
    "with the numbers of a window in the order C, kw, kh: it should be C, kh, kw": reordered(lambda k: k.swapaxes(1, 2)),
    "with the numbers of each window backwards: the kernel is not flipped": reordered(lambda k: k[:, ::-1, ::-1]),
    "with the windows in the order Q, P: it should be P, Q": reordered(places=lambda m: m.T),
}  # fmt: skip


def cases(draw):
    """A picture and the size of a kernel."""
    drawn = pictures(draw)
    kh, kw = drawn["weight"].shape[2:]
    return {"x": drawn["x"], "kh": kh, "kw": kw}


def features(x, kh, kw, **_):
    """What cases differ in."""
    overlap = bool((windows(x, (kh, kw)) > 1).any())
    return {
        "the kernel has several rows and several columns": min(kh, kw) > 1,
        "the kernel is not square": kh != kw,
        "windows overlap: contributions add": overlap,
    }


def features_of_forward(x, weight):
    """The same for a whole convolution."""
    return {
        "the kernel is not square": weight.shape[2] != weight.shape[3],
        "there are several channels": x.shape[1] > 1,
    }


def places(x, kh, kw, **_):
    """Where a mistake may sit."""
    count = windows(x, (kh, kw))
    return {"x": {"windows overlap: contributions add": np.broadcast_to(count > 1, x.shape)}}


def factors(x, kh, kw, **_):
    """What may have been divided by."""
    return {"x": {"the number of windows that a pixel is in": windows(x, (kh, kw)).astype(float)}}


def flipped(x, weight):
    """The convolution of mathematics."""
    return conv2d(x, weight[:, :, ::-1, ::-1])


def channels_last(x, weight):
    """The kernels' numbers in another order than the columns'."""
    return conv2d(x, weight.transpose(0, 2, 3, 1).reshape(weight.shape))


def by_columns(x, weight):
    """The numbers of weight dealt out to the kernels one after the other."""
    return conv2d(x, weight.reshape(-1, len(weight)).T.reshape(weight.shape))


EXERCISE = Exercise(
    title="Convolution as a matrix product, and its adjoint",
    tasks=(
        Task("im2col", im2col, cases, results=("columns",), features=features, variants=ORDERS),
        Task("forward", conv2d, pictures, features=features_of_forward,
             variants={"if the kernel is turned by 180 degrees: lay it on the picture as it is": flipped,
                       "with the numbers of a kernel in the order kh, kw, C: it should be C, kh, kw, as in columns": channels_last,
                       "for weight.reshape(-1, O).T: each kernel should be a row of weight.reshape(O, -1)": by_columns}),
        Task("col2im", im2col, cases, results=("x",), gradient=True, features=features, places=places, factors=factors,
             variants=ORDERS, call=lambda module, a: module.col2im(a["g"], a["x"].shape, a["kh"], a["kw"])),
    ),
    hints=(
        "Write down columns for a picture of one channel, 3 × 3, and a kernel 2 × 2: four rows, four columns.",
        "A row of columns is, for one (c, i, j), the picture shifted by i and j: x[:, c, i : i + P, j : j + Q]. Loop over i and j.",
        "Make columns as (N, C, kh, kw, P, Q), where every index has an axis of its own, and reshape at the very end.",
        "weight.reshape(O, -1) has its numbers in the same order as a column; the product is (N, O, P·Q), and one reshape makes y of it.",
        "col2im is im2col read backwards: with g as (N, C, kh, kw, P, Q), the same loops, gx[:, :, i : i + P, j : j + Q] += g[:, :, i, j].",
    ),
)  # fmt: skip
