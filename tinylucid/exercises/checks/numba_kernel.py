"""The check of exercise numba_kernel: run as Python first, where an index is checked, then compiled, in both dtypes."""

import re

import numpy as np

from ...ops import conv2d, pad
from ..drawn import one_of, values, whole
from ..task import Exercise, Objection, Task


def depthwise(x, w):
    """y, each channel filtered by its own kernel."""
    return conv2d(x, w[:, None], padding=1, groups=len(w))


def cases(draw):
    """Pictures down to a single pixel."""
    dtype = one_of(draw, np.float32, np.float64)
    n, c, h, width = whole(draw, 1, 2), whole(draw, 1, 3), whole(draw, 1, 4), whole(draw, 1, 5)
    return {"x": values(draw, n, c, h, width).astype(dtype), "w": values(draw, c, 3, 3).astype(dtype)}


def call(module, arguments):
    """The kernel's result, once it has run in Python without an index out of range, and been compiled."""
    kernel = module.depthwise
    x, w = arguments.values()
    if not hasattr(kernel, "py_func"):
        kernel(x, w)  # perhaps it is not written yet
        raise Objection("not compiled", "depthwise is plain Python: put @njit (from numba import njit) above its def.")
    if kernel.targetoptions.get("parallel"):
        text = "depthwise asks for parallel=True, which takes seconds to compile: here a plain @njit is wanted."
        raise Objection("parallel", text)
    kernel.py_func(x.copy(), w.copy())
    y = compiled(kernel, x, w)
    if not kernel.nopython_signatures:
        text = "depthwise runs in Numba's object mode, as slowly as Python: use @njit without forceobj."
        raise Objection("object mode", text)
    if isinstance(y, np.ndarray) and y.dtype != x.dtype:
        text = (
            f"depthwise makes {y.dtype} of {x.dtype}: np.zeros(shape) alone is float64; "
            "np.zeros(x.shape, x.dtype) or np.zeros_like(x) has x's dtype."
        )
        raise Objection("dtype", text)
    return y


def compiled(kernel, x, w):
    """What the compiled kernel gives; Numba's pages of complaint in a sentence."""
    try:
        for dtype in (
            (np.float32, np.float64) if not kernel.signatures else ()
        ):  # both with the first case, which has time
            kernel(x.astype(dtype), w.astype(dtype))
        return kernel(x, w)
    except Exception as error:
        if not type(error).__module__.startswith("numba"):
            raise
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        said = [line for line in lines if not line.startswith(("Failed in", "During", "File", "def ", "<source"))]
        numbers = re.findall(r'File ".*", line (\d+)', str(error))
        where = f" (line {numbers[-1]})" if numbers else ""
        text = f"Numba cannot compile depthwise{where}: {said[0] if said else type(error).__name__}"
        raise Objection("not compilable", text) from error


def padded(mode):
    """The function with other numbers beyond the edges."""

    def function(x, w):
        h, width = x.shape[2:]
        y = depthwise(pad(x, (1, 1, 1, 1), mode), w)
        return y[:, :, 1 : h + 1, 1 : width + 1]

    return function


def features(x, w):
    """What cases differ in."""
    return {"H and W differ": x.shape[2] != x.shape[3], "there is more than one channel": x.shape[1] > 1}


EXERCISE = Exercise(
    title="A kernel compiled by Numba: depthwise convolution",
    tasks=(
        Task("depthwise", depthwise, cases, call=call, features=features, variants={
            "with index −1 as the last row or column: beyond the edges a picture is 0": padded("circular"),
            "with the border repeated beyond the edges: it is 0 there": padded("replicate"),
            "for a flipped kernel, w[c, 2 − i, 2 − j]": lambda x, w: depthwise(x, w[:, ::-1, ::-1]),
            "for w[0] as the kernel of every channel": lambda x, w: depthwise(x, np.broadcast_to(w[:1], w.shape)),
            "without the − 1 in p + i − 1 and q + j − 1: the kernel's middle lies on the pixel":
                lambda x, w: depthwise(pad(x, (0, 1, 0, 1)), w)[:, :, 1:, 1:],
            "for a kernel with i and j exchanged": lambda x, w: depthwise(x, w.swapaxes(1, 2)),
        }),
    ),
    hints=(
        "Six loops: pictures, channels, rows and columns of y, and the rows and columns of the kernel.",
        "Row p + i − 1 exists if it is at least 0 and below H; what does not exist adds nothing, so pass it over.",
        "Both ends of rows and of columns need a test, since Numba tests no index by itself.",
        "y = np.zeros_like(x) has x's dtype; add w[c, i, j] * x[n, c, row, column] to y[n, c, p, q] where "
        "0 <= row < H and 0 <= column < W.",
    ),
    imports=("numba",),
)  # fmt: skip
