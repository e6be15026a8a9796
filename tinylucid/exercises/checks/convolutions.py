"""What the exercises on convolution share: drawing pictures with kernels, and where the windows lie."""

import numpy as np

from ..drawn import values, whole


def pictures(draw, most=2):
    """x (N, C, H, W), N at most ``most``, and weight (O, C, kh, kw): kernels seldom square, pictures up to two pixels larger."""
    n, c, o = whole(draw, 1, most), whole(draw, 1, 2), whole(draw, 1, 3)
    kh, kw = whole(draw, 1, 3), whole(draw, 1, 3)
    h, w = kh + whole(draw, 0, 2), kw + whole(draw, 0, 2)
    return {"x": values(draw, n, c, h, w), "weight": values(draw, o, c, kh, kw)}


def windows(x, kernel_size, stride=1, padding=0):
    """How many windows each pixel of x (N, C, H, W) is in, (H, W)."""
    height, width = x.shape[2:]
    kh, kw = kernel_size
    count = np.zeros((height + 2 * padding, width + 2 * padding), int)
    for top in range(0, count.shape[0] - kh + 1, stride):
        for left in range(0, count.shape[1] - kw + 1, stride):
            count[top : top + kh, left : left + kw] += 1
    return count[padding : padding + height, padding : padding + width]
