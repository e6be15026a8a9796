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
from math import gcd
from typing import NamedTuple

import numpy as np

from .jit import inlined, moving, stay_apart
from .lanes import LANES, evens, load_some, odds, prefetch, select, store, store_some, whole
from .vectors import scratch

VECTORS = 3 * LANES  # numbers behind a plane that a run of whole vectors may read


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


def reaching(first, taps, stride, padding, dilation):
    """The taps, last to first, that some output lays on the pixels ``first``, ``first`` + s, …; how far apart and from where.

    Output p sees pixel h by tap i if p·s + i·d − pad = h: on these pixels, u = 0, 1, …, that is p = u + (first + pad − i·d) / s.
    """
    seen = [i for i in range(taps) if (first + padding - i * dilation) % stride == 0][::-1]
    start = (first + padding - seen[0] * dilation) // stride if seen else 0
    return seen, dilation // gcd(stride, dilation), -start


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
    size, count, seen = plane_size(band, plan), plane_rows(rows, plan), min(plan.sh, plan.kh * plan.dh)
    left = max(0, -plan.pw) if plan.sw == 1 else 0  # the first column of the picture, and where it goes
    start = (left + plan.pw) % plan.sw * size + (left + plan.pw) // plan.sw
    columns = min(plan.full - (left + plan.pw) // plan.sw, (plan.w - 1 - left) // plan.sw + 1)
    odd, others = (1 + plan.pw) % 2 * size + (1 + plan.pw) // 2, min(plan.full - (1 + plan.pw) // 2, plan.w // 2)
    for c in range(channels):
        plane = planes[c]
        for r in range(count):
            for a in range(seen):  # others no tap looks at, as in 1×1 at stride 2
                h = (top + r) * plan.sh + a - plan.ph
                if h < 0 or h >= plan.h:
                    continue
                pixel, row = ((first_channel + c) * plan.h + h) * plan.w, a * plan.sw * size + r * plan.pitch
                if plan.sw == 1:
                    for q in range(0, columns, LANES):
                        prefetch(x, pixel + left + q + plan.h * plan.w)
                        store(load_some(x, pixel + left + q, columns - q), plane, row + start + q)
                elif plan.sw == 2:  # column 1 and every second go to the other plane
                    for q in range(0, max(columns, others), LANES):
                        prefetch(x, pixel + 2 * q + plan.h * plan.w)
                        prefetch(x, pixel + 2 * q + plan.h * plan.w + LANES)
                        v = load_some(x, pixel + 2 * q, plan.w - 2 * q)
                        w = load_some(x, pixel + 2 * q + LANES, plan.w - 2 * q - LANES)
                        store(select(evens(v, w), columns - q), plane, row + start + q)
                        store(select(odds(v, w), others - q), plane, row + odd + q)
                else:
                    for q in range(-plan.pw, min(plan.w, plan.full * plan.sw - plan.pw)):
                        if q >= 0:
                            plane[row + (q + plan.pw) % plan.sw * size + (q + plan.pw) // plan.sw] = x[pixel + q]


@inlined
def run_length(plan):
    """How long the run of all outputs is, gaps included, in whole vectors, and one more for a last row's."""
    return whole((plan.p - 1) * plan.pitch + plan.q) + LANES


@moving
def put(run, y, plane, width, row, rows, plan):
    """The outputs of some rows, a run, to their places in y, which is flat: from ``plane`` on, ``width`` columns; gaps are left behind."""
    stay_apart()
    for r in range(rows):
        place = plane + (plan.top + (row + r) * plan.down) * width + plan.left
        if plan.right == 1:
            for q in range(0, plan.q, LANES):
                store_some(load_some(run, r * plan.pitch + q, plan.q - q), y, place + q, plan.q - q)
        else:
            for q in range(plan.q):
                y[place + q * plan.right] = run[r * plan.pitch + q]
