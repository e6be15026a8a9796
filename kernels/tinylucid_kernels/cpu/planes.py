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
from .lanes import LANES, evens, load, load_some, odds, prefetch, select, store, store_some, whole
from .vectors import scratch

CHUNK = 40_000  # elements of im2col at a time: 160 KB of float32, for L2
VECTORS = 3 * LANES  # numbers behind a plane that a run of whole vectors may read


class Plan(NamedTuple):
    """What the loops need to know, all integers: the convolution, the picture, and how it is laid out."""

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


@lru_cache(1024)
def plan_for(size, out_size, kernel_size, stride, padding, dilation, longest):
    """The Plan of a convolution whose chunks of some rows are to have at most ``longest`` outputs."""
    (h, w), (p, q), (kh, kw) = size, out_size, kernel_size
    (sh, sw), (ph, pw), (dh, dw) = stride, padding, dilation
    full = q + (kw - 1) * dw // sw
    after = full - -(-(w + pw) // sw)  # columns of nothing but zeros at the right end of a row …
    pitch = full - max(0, min(after, pw // sw, full - q))  # … may be those at the left end of the next
    chunks = max(1, -(-p // max(1, longest // pitch)))  # of rows, about as many in each
    return Plan(kh, kw, sh, sw, ph, pw, dh, dw, h, w, p, q, pitch, full, -(-p // chunks))


def bands_of(x, rows):
    """Into how many bands of some rows each picture of x is cut: enough for all threads, and small enough for the cache."""
    n, c, h, w = x.shape
    return max(1, min(rows, max(-(-8 // max(1, n)), c * h * w // (4 * CHUNK))))


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

    x is flat, and ``channels`` of it from ``first_channel``, counted through the batch, are meant. ``planes`` have room for ``band``
    output rows. A row's last vector brings zeros behind it, which the next row is written over. The same row of the next channel is asked
    for meanwhile, since the processor looks ahead no further than a page of memory.
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
                    for q in range(min(plan.w, plan.full * plan.sw - plan.pw)):
                        plane[row + (q + plan.pw) % plan.sw * size + (q + plan.pw) // plan.sw] = x[pixel + q]


@inlined
def run_length(plan):
    """How long the run of all outputs is, gaps included, in whole vectors, and one more for a last row's."""
    return whole((plan.p - 1) * plan.pitch + plan.q) + LANES


@moving
def gather(planes, at, start, cols, length):
    """im2col: row k of cols, which is flat, = the pixels of tap k = (c, i, j) for so many outputs from ``start``; straight copies.

    A row's last vector may reach into the next, which is written after it, and the last row's some LANES beyond the end."""
    stay_apart()
    for k in range(planes.shape[0] * at.size):
        plane, first = planes[k // at.size], at[k % at.size] + start
        for t in range(0, length, LANES):
            store(load(plane, first + t), cols, k * length + t)


@moving
def put(run, y, place, rows, plan):
    """The outputs of some rows, a run, to y, which is flat, from ``place`` on; gaps are left behind."""
    stay_apart()
    for r in range(rows):
        for q in range(0, plan.q, LANES):
            n = plan.q - q
            store_some(load_some(run, r * plan.pitch + q, n), y, place + r * plan.q + q, n)
