"""The tiles of Winograd's convolution: cutting pictures into them, the transforms there and back (see ``winograd.py``).

What makes them fast: they are SIMD over channels. A *line*, some tiles side by side, is taken from its rows of pixels with the
channels moved innermost, and every fourth pixel side by side: then the pixels that place (i, j) of all tiles of the line needs are
one straight run of memory, as are all the results. Some lines make a block, whose 36 products stay in L2.
"""

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from .jit import inlined, moving, stay_apart
from .vectors import transpose4

TWO, FOUR, FIVE, EIGHT = np.float32(2), np.float32(4), np.float32(5), np.float32(8)  # int · float32 would be float64


@inlined
def bt(d0, d1, d2, d3, d4, d5, v0, v1, v2, v3, v4, v5):
    """v = Bᵀ d, element by element of flat arrays."""
    for t in range(v0.size):
        even, odd = d4[t] - FOUR * d2[t], d3[t] - FOUR * d1[t]
        mean, slope = d4[t] - d2[t], TWO * (d3[t] - d1[t])
        v0[t] = FOUR * d0[t] - FIVE * d2[t] + d4[t]
        v1[t] = even + odd
        v2[t] = even - odd
        v3[t] = mean + slope
        v4[t] = mean - slope
        v5[t] = FOUR * d1[t] - FIVE * d3[t] + d5[t]


@inlined
def at(m0, m1, m2, m3, m4, m5, y0, y1, y2, y3):
    """y = Aᵀ m."""
    for t in range(y0.size):
        near, far = m1[t] + m2[t], m3[t] + m4[t]
        near_odd, far_odd = m1[t] - m2[t], m3[t] - m4[t]
        y0[t] = m0[t] + near + far
        y1[t] = near_odd + TWO * far_odd
        y2[t] = near + FOUR * far
        y3[t] = near_odd + EIGHT * far_odd + m5[t]


@inlined
def a(y0, y1, y2, y3, m0, m1, m2, m3, m4, m5):
    """m = A y, the adjoint of at."""
    for t in range(y0.size):
        even, odd = y0[t] + y2[t], y1[t] + y3[t]
        mean, slope = y0[t] + FOUR * y2[t], TWO * y1[t] + EIGHT * y3[t]
        m0[t] = y0[t]
        m1[t] = even + odd
        m2[t] = even - odd
        m3[t] = mean + slope
        m4[t] = mean - slope
        m5[t] = y3[t]


class Cut(NamedTuple):
    """How pictures and their tiles are cut, all integers."""

    down: int  # tiles of a picture, and
    across: int
    span: int  # tiles a line
    spans: int  # lines side by side in a picture
    lines: int  # lines a block
    total: int  # lines of all pictures
    top: int  # padding
    left: int


@lru_cache(1024)
def cut_for(n, out_size, padding, channels, outputs, room):
    """The Cut for n pictures so that a block's 36 matrices hold some ``room`` numbers."""
    down, across = (-(-size // 4) for size in out_size)
    tiles = max(8, room // (36 * (channels + outputs)))
    spans = -(-across // tiles)
    span = -(-across // spans)
    total = n * down * spans
    return Cut(down, across, span, spans, max(1, min(tiles // span, -(-total // 4))), total, *padding)


@inlined
def locate(line, cut):
    """Picture, row of pixels and column of tiles where a line begins, and how many tiles it has."""
    side = line % cut.spans * cut.span
    return line // (cut.down * cut.spans), line // cut.spans % cut.down * 4, side, min(cut.span, cut.across - side)


@moving
def rows_of(x, plane, channels, h, w, top, left, count, d):
    """d[i, phase, k, c] = x[plane + c, top + i, left + 4k + phase] for k < count, 0 outside; x is flat, d but for i.

    ``left`` is a multiple of 4, and may lie outside."""
    stay_apart()
    phase = d.shape[1] // 4
    start, whole = min(count, max(0, -left // 4)), min(count, max(0, (w - left) // 4))  # fours of columns inside
    fours = channels // 4 * 4
    for i in range(d.shape[0]):
        row, target = top + i, d[i]
        if row < 0 or row >= h or start > 0 or whole < count:
            for t in range(target.size):
                target[t] = 0
        if 0 <= row < h:
            source = (plane * h + row) * w + left
            for c in range(0, fours, 4):
                for k in range(start, whole):
                    transpose4(x, source + c * h * w + 4 * k, h * w, target, k * channels + c, phase)
            for c in range(fours, channels):
                for t in range(4 * start, 4 * whole):
                    target[t % 4 * phase + t // 4 * channels + c] = x[source + c * h * w + t]
            for t in range(4 * max(start, whole), min(4 * count, w - left)):
                at, pixels = t % 4 * phase + t // 4 * channels, x[source + t :]
                for c in range(channels):
                    target[at + c] = pixels[c * h * w]


@inlined
def pixels_of(x, plane, channels, h, w, top, left, count, d, e, v, slot):
    """v[6i + j, slot …] = Bᵀ d B of the ``count`` tiles from pixel (top, left) on; d, e (6, 4·(span + 2)·C) to work in."""
    phase, base = d.shape[1] // 4, left // 4 * 4
    rows_of(x, plane, channels, h, w, top, base, count + 2, d)
    bt(d[0], d[1], d[2], d[3], d[4], d[5], e[0], e[1], e[2], e[3], e[4], e[5])
    here, size, j = slot * channels, count * channels, left - base
    at0, at1, at2 = (
        j * phase,
        (j + 1) % 4 * phase + (j + 1) // 4 * channels,
        (j + 2) % 4 * phase + (j + 2) // 4 * channels,
    )
    at3, at4 = (j + 3) % 4 * phase + (j + 3) // 4 * channels, j * phase + channels
    at5 = (j + 5) % 4 * phase + (j + 5) // 4 * channels
    for i in range(6):
        row, k = e[i], 6 * i
        bt(
            row[at0:], row[at1:], row[at2:], row[at3:], row[at4:], row[at5:],
            v[k, here : here + size], v[k + 1, here:], v[k + 2, here:], v[k + 3, here:], v[k + 4, here:], v[k + 5, here:],
        )  # fmt: skip


@inlined
def place(m, slot, y, plane, outputs, p, q, top, left, count, f, g):
    """The planes' 4 rows from ``top`` = Aᵀ m A of the ``count`` tiles of a line; y is flat. NaN if any is not finite, else 0."""
    here, size = slot * outputs, count * outputs
    phase = f.shape[1] // 4
    for i in range(6):
        k, row = 6 * i, f[i]
        at(
            m[k, here:], m[k + 1, here:], m[k + 2, here:], m[k + 3, here:], m[k + 4, here:], m[k + 5, here:],
            row[:size], row[phase:], row[2 * phase :], row[3 * phase :],
        )  # fmt: skip
    at(f[0], f[1], f[2], f[3], f[4], f[5], g[0], g[1], g[2], g[3])
    broken = np.float32(0)
    whole, wide, fours = min(count, (q - left) // 4), min(4 * count, q - left), outputs // 4 * 4
    for i in range(min(4, p - top)):
        row = g[i]
        for j in range(4):
            run = row[j * phase : j * phase + size]
            for t in range(run.size):
                broken += run[t] * np.float32(0)
        first = (plane * p + top + i) * q + left
        for o in range(0, fours, 4):
            for k in range(whole):
                transpose4(row, k * outputs + o, phase, y, first + o * p * q + 4 * k, p * q)
        for o in range(fours, outputs):
            for t in range(4 * whole):
                y[first + o * p * q + t] = row[t % 4 * phase + t // 4 * outputs + o]
        for t in range(4 * whole, wide):
            run, pixels = row[t % 4 * phase + t // 4 * outputs :], y[first + t :]
            for o in range(outputs):
                pixels[o * p * q] = run[o]
    return broken


@inlined
def matrices(memory, kinds, rows, columns):
    """Scratch memory as a row of (rows, columns) matrices, ``kinds`` of them, and what is left."""
    size = kinds * rows * columns
    return memory[:size].reshape(kinds, rows * columns), memory[size:]
