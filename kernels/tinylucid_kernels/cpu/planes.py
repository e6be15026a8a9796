"""How the convolutions of ``conv.py`` and ``direct.py`` lay a picture out, so that each tap finds its pixels in one straight run.

Rows of the padded picture lie one after the other in a flat *plane*, so the pixels that tap (i, j) wants for output 0, 1, 2, …
stand side by side, ``offsets`` of (i, j) further on. With stride s there are s·s planes, of every s-th pixel, and the same holds
in each. At the end of a row a run goes on into the next, which yields a few outputs that do not exist (the *gaps*): they are
dropped, and made zero where they would be summed. With three columns, padding 1 and a kernel of 3, a row's last zero is the
next row's first (``full`` is 5, ``pitch`` 4):

    plane        0 a b c 0 d e f 0 …
    tap j = 0    0 a b · 0 d e ·        from offset 0; · is a gap
    tap j = 2    b c 0 · e f 0 ·        from offset 2
"""

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from .jit import inlined, moving, stay_apart
from .vectors import copy, deal, scratch

VECTORS = 32  # numbers: runs of a multiple of these leave no rest to be done number by number


class Plan(NamedTuple):
    """What the loops need to know, all integers: the convolution, the picture, how it is laid out, and where outputs go."""

    kh: int
    kw: int
    sh: int  # stride
    sw: int
    ph: int  # padding; below 0 the first rows are not looked at
    pw: int
    dh: int  # dilation
    dw: int
    h: int  # picture
    w: int
    p: int  # outputs
    q: int
    pitch: int  # from one row of a plane to the next
    full: int  # columns of a plane that taps reach; the last full − pitch are zeros shared with the next row's first
    rows: int  # output rows in a chunk
    top: int  # output (p, q) is y[top + p·down, left + q·right]
    left: int
    down: int
    right: int


@lru_cache(1024)
def plan_for(size, out_size, kernel_size, stride, padding, dilation, longest, where=(0, 0, 1, 1)):
    """The Plan of a convolution whose chunks of some rows are to have at most ``longest`` outputs."""
    (h, w), (p, q), (kh, kw) = size, out_size, kernel_size
    (sh, sw), (ph, pw), (dh, dw) = stride, padding, dilation
    full = q + (kw - 1) * dw // sw
    after = full - -(-(w + pw) // sw)  # columns of nothing but zeros at the right end of a row …
    pitch = full - max(0, min(after, pw // sw, full - q))  # … may be those at the left end of the next
    return Plan(kh, kw, sh, sw, ph, pw, dh, dw, h, w, p, q, pitch, full, min(p, max(1, longest // pitch)), *where)


@inlined
def plane_rows(rows, plan):
    """How many rows of a plane the taps of ``rows`` output rows reach."""
    return rows + (plan.kh - 1) * plan.dh // plan.sh


@inlined
def plane_size(rows, plan):
    """How many pixels a plane has for ``rows`` output rows, and some zeros, so that runs can be whole vectors."""
    return (plane_rows(rows, plan) - 1) * plan.pitch + plan.full + VECTORS


@lru_cache(1024)
def offsets(rows, plan):
    """Where each tap (i, j) finds the pixel of output 0 in a channel's planes: which of them, and how far into it; int64."""
    size = (rows + (plan.kh - 1) * plan.dh // plan.sh - 1) * plan.pitch + plan.full + VECTORS
    i, j = np.arange(plan.kh)[:, None] * plan.dh, np.arange(plan.kw) * plan.dw
    plane = i % plan.sh * plan.sw + j % plan.sw
    return (plane * size + i // plan.sh * plan.pitch + j // plan.sw).reshape(-1)


@inlined
def new_planes(channels, rows, like, plan):
    """Zeroed room for the planes of so many channels, for ``rows`` output rows: flat, and as (channels, sh·sw·size)."""
    size = plan.sh * plan.sw * plane_size(rows, plan)
    room = scratch(like, channels * size)
    for t in range(room.size):
        room[t] = 0
    return room, room.reshape(channels, size)


@moving
def pack(x, first_channel, channels, planes, top, rows, band, plan):
    """Plane a·sw + b of channel c, at r·pitch + v, = padded x[c, (top + r)·sh + a, v·sw + b]; the zeros around are there already.

    x is flat, and ``channels`` of it from ``first_channel``, counted through the batch, are meant. A row is one copy for each b.
    ``planes`` have room for ``band`` output rows.
    """
    stay_apart()
    size, count = plane_size(band, plan), plane_rows(rows, plan)
    for a in range(plan.sh):
        if a >= plan.kh * plan.dh:
            continue  # no tap looks at these rows, as in 1×1 at stride 2
        above = top * plan.sh + a - plan.ph  # the picture's row in the plane's first
        begin, end = max(0, (plan.sh - 1 - above) // plan.sh), min(count, (plan.h - 1 - above) // plan.sh + 1)
        for b in range(0, plan.sw, 2 if plan.sw == 2 else 1):
            left = max(0, -plan.pw) if plan.sw == 1 else 0 if plan.sw == 2 else (b - plan.pw) % plan.sw
            first = (left + plan.pw) // plan.sw  # the picture's column ``left`` goes to this one
            other = (1 + plan.pw) // 2  # and, at stride 2, column 1 to this one of the other plane
            columns = max(0, min(plan.full - first, (plan.w - 1 - left) // plan.sw + 1))
            others = max(0, min(plan.full - other, plan.w // 2))
            start = (a * plan.sw + (left + plan.pw) % plan.sw) * size + first
            odd = (a * plan.sw + (1 + plan.pw) % plan.sw) * size + other
            for c in range(channels):
                plane = planes[c]
                for r in range(begin, end):
                    pixel = ((first_channel + c) * plan.h + above + r * plan.sh) * plan.w + left
                    if plan.sw == 1:
                        copy(x, pixel, plane, start + r * plan.pitch, columns)
                        continue
                    if plan.sw == 2:
                        deal(x, pixel, columns, plane, start + r * plan.pitch, others, plane, odd + r * plan.pitch)
                        continue
                    source, target = x[pixel:], plane[start + r * plan.pitch :]
                    for v in range(columns):
                        target[v] = source[plan.sw * v]


@inlined
def run_length(plan):
    """How long the run of all outputs is, gaps included, in whole vectors."""
    return -(-((plan.p - 1) * plan.pitch + plan.q) // VECTORS) * VECTORS


@moving
def put(run, y, plane, width, row, rows, plan):
    """The outputs of some rows, a run, to their places in y, which is flat: from ``plane`` on, ``width`` columns; gaps are left behind."""
    stay_apart()
    for r in range(rows):
        place = plane + (plan.top + (row + r) * plan.down) * width + plan.left
        if plan.right == 1:
            copy(run, r * plan.pitch, y, place, plan.q)
        else:
            for q in range(plan.q):
                y[place + q * plan.right] = run[r * plan.pitch + q]
