"""The rectifier and its gradient, and dropout's product: four elements a thread."""

from .driver import cupy
from .launch import cover, kernel


def relu(x):
    """max(x, 0); NaN stays NaN."""
    if x.dtype.kind != "f":
        return cupy().maximum(x, 0)
    y = cupy().empty_like(x)
    kernel("activation.cu", "relu", x.dtype)(*cover(x.size, each=4), x, y, x.size)
    return y


def gate(x, by):
    """x where ``by`` > 0, else 0: what relu lets through, for its gradient."""
    y = cupy().empty_like(x)
    kernel("activation.cu", "gate", x.dtype)(*cover(x.size, each=4), x, by, y, x.size)
    return y


def scale_kept(x, mask, scale):
    """x·scale where the booleans ``mask`` hold, else x·0: dropout once its mask is drawn, and its gradient."""
    y = cupy().empty_like(x)
    kernel("activation.cu", "scale_kept", x.dtype)(*cover(x.size, each=4), x, mask, scale, y, x.size)
    return y
