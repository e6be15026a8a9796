"""The tiles of Winograd's convolution: cutting pictures into them, the transforms there and back (see ``winograd.py``).

What makes them fast: they are SIMD over channels. A *line*, some tiles side by side, is taken from its rows of pixels with the
channels moved innermost, and every fourth pixel side by side: then the pixels that place (i, j) of all tiles of the line needs are
one straight run of memory, as are all the results. Some lines make a block, whose 36 products stay in L2.
"""

from functools import lru_cache
from typing import NamedTuple

from .jit import inlined, moving, stay_apart
from .lanes import LANES, load, load_some, store, store_some, total, whole
from .vectors import transpose4, transpose16by4


@inlined
def four(start, step):
    """Where four rows begin, ``step`` apart."""
    return (start, start + step, start + 2 * step, start + 3 * step)


@inlined
def six(start, step):
    """Where six rows begin."""
    return (start, start + step, start + 2 * step, start + 3 * step, start + 4 * step, start + 5 * step)


@inlined
def bt(memory, d, v, t):
    """v = Bᵀ d, for the numbers from t on of the rows that begin at these places of the memory."""
    d0, d1, d2 = load(memory, d[0] + t), load(memory, d[1] + t), load(memory, d[2] + t)
    d3, d4, d5 = load(memory, d[3] + t), load(memory, d[4] + t), load(memory, d[5] + t)
    even, odd = d4 - 4 * d2, d3 - 4 * d1
    mean, slope = d4 - d2, 2 * (d3 - d1)
    store(4 * d0 - 5 * d2 + d4, memory, v[0] + t)
    store(even + odd, memory, v[1] + t)
    store(even - odd, memory, v[2] + t)
    store(mean + slope, memory, v[3] + t)
    store(mean - slope, memory, v[4] + t)
    store(4 * d1 - 5 * d3 + d5, memory, v[5] + t)


@inlined
def at(memory, m, y, t):
    """y = Aᵀ m."""
    m0, m1, m2 = load(memory, m[0] + t), load(memory, m[1] + t), load(memory, m[2] + t)
    m3, m4, m5 = load(memory, m[3] + t), load(memory, m[4] + t), load(memory, m[5] + t)
    near, far, near_odd, far_odd = m1 + m2, m3 + m4, m1 - m2, m3 - m4
    store(m0 + near + far, memory, y[0] + t)
    store(near_odd + 2 * far_odd, memory, y[1] + t)
    store(near + 4 * far, memory, y[2] + t)
    store(near_odd + 8 * far_odd + m5, memory, y[3] + t)


@inlined
def a(memory, y, m, t):
    """m = A y, the adjoint of at."""
    y0, y1, y2, y3 = load(memory, y[0] + t), load(memory, y[1] + t), load(memory, y[2] + t), load(memory, y[3] + t)
    even, odd, mean, slope = y0 + y2, y1 + y3, y0 + 4 * y2, 2 * y1 + 8 * y3
    store(y0, memory, m[0] + t)
    store(even + odd, memory, m[1] + t)
    store(even - odd, memory, m[2] + t)
    store(mean + slope, memory, m[3] + t)
    store(mean - slope, memory, m[4] + t)
    store(y3, memory, m[5] + t)


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

    Rows are whole vectors, so that none needs a rest. A matrix is LANES longer: at powers of two, all 36 would compete for the same
    places of the cache, and the last tile's vector may reach beyond it."""
    tiles = cut.span * cut.lines
    long, short = 4 * whole((cut.span + 2) * channels), 4 * whole(cut.span * outputs)
    apart, across = whole(tiles * channels) + LANES, whole(tiles * outputs) + LANES
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
    start, last = min(count, max(0, -left // 4)), min(count, max(0, (w - left) // 4))  # fours of columns inside
    sixteens, fours = channels // 16 * 16, channels // 4 * 4
    for i in range(rows):
        row, target = top + i, memory[d + i * length : d + (i + 1) * length]
        if row < 0 or row >= h or start > 0 or last < count:
            for t in range(target.size):
                target[t] = 0
        if 0 <= row < h:
            source = (plane * h + row) * w + left
            for c in range(0, sixteens, 16):
                for k in range(start, last):
                    transpose16by4(x, source + c * h * w + 4 * k, h * w, target, k * channels + c, phase)
            for c in range(sixteens, fours, 4):
                for k in range(start, last):
                    transpose4(x, source + c * h * w + 4 * k, h * w, target, k * channels + c, phase)
            for c in range(fours, channels):
                for t in range(4 * start, 4 * last):
                    target[t % 4 * phase + t // 4 * channels + c] = x[source + c * h * w + t]
            for t in range(4 * max(start, last), min(4 * count, w - left)):
                at, pixels = t % 4 * phase + t // 4 * channels, x[source + t :]
                for c in range(channels):
                    target[at + c] = pixels[c * h * w]


@moving
def pixels_of(x, plane, channels, h, w, top, left, count, memory, d, e, length, v, apart, slot):
    """Matrix 6i + j at v, from row ``slot`` on, = Bᵀ d B of the ``count`` tiles from pixel (top, left) on.

    At d and e there is room for six rows of this length to work in; the matrices are so far ``apart``."""
    stay_apart()
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
        for t in range(0, long, LANES):
            bt(memory, taps, goal, t)


@moving
def gradients_of(g, plane, channels, p, q, top, left, count, memory, f, r, length, m, apart, slot):
    """Matrix 6i + j at m, from row ``slot`` on, = A ∂Y Aᵀ of the ``count`` tiles from output (top, left) on; works at f and r."""
    stay_apart()
    rows_of(g, plane, channels, p, q, top, left, count, memory, f, 4, length)
    for i in range(-1, 6):
        row = r + i * length
        taps, goal, size = four(row, length // 4), six(m + 6 * i * apart + slot * channels, apart), count * channels
        if i < 0:
            taps, goal, size = four(f, length), six(r, length), length
        for t in range(0, size, LANES):
            a(memory, taps, goal, t)


@moving
def add_bias(memory, start, rows, bias, first, outputs):
    """Add bias[first], … to each of the rows, of so many ``outputs``, that begin at ``start``."""
    stay_apart()
    for row in range(start, start + rows * outputs, outputs):
        for o in range(0, outputs, LANES):
            sums = load(memory, row + o) + load_some(bias, first + o, outputs - o)
            store_some(sums, memory, row + o, outputs - o)


@moving
def place(memory, m, apart, slot, y, plane, outputs, p, q, top, left, count, f, g, length):
    """The planes' 4 rows from ``top`` = Aᵀ m A of the ``count`` tiles of a line; y is flat. NaN if any is not finite, else 0."""
    stay_apart()
    size, phase = count * outputs, length // 4
    for i in range(7):
        taps, goal, long = six(m + 6 * i * apart + slot * outputs, apart), four(f + i * length, phase), size
        if i == 6:  # along each row, then down all columns
            taps, goal, long = six(f, length), four(g, length), length
        for t in range(0, long, LANES):
            at(memory, taps, goal, t)
    broken = 0 * load(memory, g)
    inside, wide, fours = min(count, (q - left) // 4), min(4 * count, q - left), outputs // 4 * 4
    for j in range(4):
        run = g + j * phase
        for t in range(run, run + size, LANES):
            upper = load(memory, t) + load(memory, t + length)
            broken = broken + 0 * (upper + load(memory, t + 2 * length) + load(memory, t + 3 * length))
    for i in range(min(4, p - top)):
        row = memory[g + i * length : g + (i + 1) * length]
        first = (plane * p + top + i) * q + left
        for o in range(0, fours, 4):
            for k in range(inside):
                transpose4(row, k * outputs + o, phase, y, first + o * p * q + 4 * k, p * q)
        for o in range(fours, outputs):
            for t in range(4 * inside):
                y[first + o * p * q + t] = row[t % 4 * phase + t // 4 * outputs + o]
        for t in range(4 * inside, wide):
            run, pixels = row[t % 4 * phase + t // 4 * outputs :], y[first + t :]
            for o in range(outputs):
                pixels[o * p * q] = run[o]
    return total(broken)
