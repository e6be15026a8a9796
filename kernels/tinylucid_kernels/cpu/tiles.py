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
def four(start, step):
    """Where four rows begin, ``step`` apart."""
    return (start, start + step, start + 2 * step, start + 3 * step)


@inlined
def six(start, step):
    """Where six rows begin."""
    return (start, start + step, start + 2 * step, start + 3 * step, start + 4 * step, start + 5 * step)


@inlined
def four_rows(memory, at):
    """The rows that begin at four places."""
    return memory[at[0] :], memory[at[1] :], memory[at[2] :], memory[at[3] :]


@inlined
def six_rows(memory, at):
    """The rows that begin at six places."""
    return memory[at[0] :], memory[at[1] :], memory[at[2] :], memory[at[3] :], memory[at[4] :], memory[at[5] :]


@inlined
def bt(memory, d, v, size):
    """v = Bᵀ d, number by number of rows of that size, which begin at these places of the memory."""
    d0, d1, d2, d3, d4, d5 = six_rows(memory, d)
    v0, v1, v2, v3, v4, v5 = six_rows(memory, v)
    for t in range(size):
        even, odd = d4[t] - FOUR * d2[t], d3[t] - FOUR * d1[t]
        mean, slope = d4[t] - d2[t], TWO * (d3[t] - d1[t])
        v0[t] = FOUR * d0[t] - FIVE * d2[t] + d4[t]
        v1[t] = even + odd
        v2[t] = even - odd
        v3[t] = mean + slope
        v4[t] = mean - slope
        v5[t] = FOUR * d1[t] - FIVE * d3[t] + d5[t]


@inlined
def at(memory, m, y, size):
    """y = Aᵀ m."""
    m0, m1, m2, m3, m4, m5 = six_rows(memory, m)
    y0, y1, y2, y3 = four_rows(memory, y)
    for t in range(size):
        near, far = m1[t] + m2[t], m3[t] + m4[t]
        near_odd, far_odd = m1[t] - m2[t], m3[t] - m4[t]
        y0[t] = m0[t] + near + far
        y1[t] = near_odd + TWO * far_odd
        y2[t] = near + FOUR * far
        y3[t] = near_odd + EIGHT * far_odd + m5[t]


@inlined
def a(memory, y, m, size):
    """m = A y, the adjoint of at."""
    y0, y1, y2, y3 = four_rows(memory, y)
    m0, m1, m2, m3, m4, m5 = six_rows(memory, m)
    for t in range(size):
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
    return Cut(down, across, span, spans, max(1, min(tiles // span, total // 4)), total, *padding)


@inlined
def layout(cut, channels, outputs):
    """How a kernel's memory is laid out: lengths of a row of pixels and of one of results, and of a matrix of each; then where
    results begin (after 12 rows of pixels), the 36 matrices of pixels (after 10 rows of results) and of results, and the end.

    A matrix has a row more than needed: at powers of two, all 36 would compete for the same places of the cache."""
    tiles = cut.span * cut.lines + 1
    long, short, apart, across = (
        4 * (cut.span + 2) * channels,
        4 * cut.span * outputs,
        tiles * channels,
        tiles * outputs,
    )
    f = 12 * long
    v = f + 10 * short
    m = v + 36 * apart
    return long, short, apart, across, f, v, m, m + 36 * across


@inlined
def locate(line, cut):
    """Picture, row of pixels and column of tiles where a line begins, and how many tiles it has."""
    side = line % cut.spans * cut.span
    return line // (cut.down * cut.spans), line // cut.spans % cut.down * 4, side, min(cut.span, cut.across - side)


@moving
def rows_of(x, plane, channels, h, w, top, left, count, memory, d, rows, length):
    """Row i at d, [phase, k, c] = x[plane + c, top + i, left + 4k + phase] for k < count, 0 outside; rows of this length.

    x is flat. ``left`` is a multiple of 4, and may lie outside."""
    stay_apart()
    phase = length // 4
    start, whole = min(count, max(0, -left // 4)), min(count, max(0, (w - left) // 4))  # fours of columns inside
    fours = channels // 4 * 4
    for i in range(rows):
        row, target = top + i, memory[d + i * length : d + (i + 1) * length]
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
def pixels_of(x, plane, channels, h, w, top, left, count, memory, d, e, length, v, apart, slot):
    """Matrix 6i + j at v, from row ``slot`` on, = Bᵀ d B of the ``count`` tiles from pixel (top, left) on.

    At d and e there is room for six rows of this length to work in; the matrices are so far ``apart``."""
    phase, base = length // 4, left // 4 * 4
    rows_of(x, plane, channels, h, w, top, base, count + 2, memory, d, 6, length)
    size, j = count * channels, left - base
    for i in range(-1, 6):
        row = e + i * length
        taps = (
            row + j * phase,
            row + (j + 1) % 4 * phase + (j + 1) // 4 * channels,
            row + (j + 2) % 4 * phase + (j + 2) // 4 * channels,
            row + (j + 3) % 4 * phase + (j + 3) // 4 * channels,
            row + j * phase + channels,
            row + (j + 5) % 4 * phase + (j + 5) // 4 * channels,
        )
        goal, long = six(v + 6 * i * apart + slot * channels, apart), size
        if i < 0:  # first down all columns, then along each row: one loop, since each is compiled for itself
            taps, goal, long = six(d, length), six(e, length), length
        bt(memory, taps, goal, long)


@inlined
def place(memory, m, apart, slot, y, plane, outputs, p, q, top, left, count, f, g, length):
    """The planes' 4 rows from ``top`` = Aᵀ m A of the ``count`` tiles of a line; y is flat. NaN if any is not finite, else 0."""
    size, phase = count * outputs, length // 4
    for i in range(7):
        taps, goal, long = six(m + 6 * i * apart + slot * outputs, apart), four(f + i * length, phase), size
        if i == 6:  # along each row, then down all columns
            taps, goal, long = six(f, length), four(g, length), length
        at(memory, taps, goal, long)
    broken = np.float32(0)
    whole, wide, fours = min(count, (q - left) // 4), min(4 * count, q - left), outputs // 4 * 4
    for i in range(min(4, p - top)):
        row = memory[g + i * length : g + (i + 1) * length]
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
def matrix(memory, start, rows, columns):
    """The matrix that begins there."""
    return memory[start : start + rows * columns].reshape(rows, columns)
