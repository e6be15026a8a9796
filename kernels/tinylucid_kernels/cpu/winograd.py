"""3×3 convolutions at stride 1 with fewer multiplications: Winograd's F(4×4, 3×3) (Lavin and Gray, 2016, section 4.2).

A tile of 4×4 outputs sees 6×6 pixels d. Instead of 4·4·9 = 144 multiplications a channel,

    Y = Aᵀ [ (G g Gᵀ) ⊙ (Bᵀ d B) ] A

needs 36: in the transformed space a filter g is a product a place, and over channels that is 36 small matrix products
(tiles × C) @ (C × O). The input's gradient is the same with flipped, transposed filters; the weight's is the adjoint:
∂g = Gᵀ [ Σ (A ∂Y Aᵀ) (Bᵀ d B)ᵀ ] G.

What makes it fast: the transforms are SIMD over channels. A *line*, some tiles side by side, is taken from its rows of pixels
with the channels moved innermost, and every fourth pixel side by side: then the pixels that place (i, j) of all tiles of the
line needs are one straight run of memory, as are all the results. Some lines make a block, whose 36 products stay in L2.

The transforms lose about two decimal digits, so this is for float32 alone; and a NaN or inf would spread over its tile, so
each function returns None when its result is not finite, and the general convolution computes it again.
"""

import numpy as np

from .blas import gemm
from .dense import matmul
from .jit import inlined, jit
from .threads import spread
from .vectors import release, scratch, transpose, transpose4

G = np.array(
    [[1 / 4, 0, 0], [-1 / 6, -1 / 6, -1 / 6], [-1 / 6, 1 / 6, -1 / 6], [1 / 24, 1 / 12, 1 / 6], [1 / 24, -1 / 12, 1 / 6], [0, 0, 1]]
)  # fmt: skip
ROOM = 160_000  # numbers in the 36 matrices of a block's pixels and results: 640 KB of an L2 of 1 MB
MORE_ROOM = 4 * ROOM  # for the weight's gradient, where each block's products are added up: fewer blocks, fewer additions
PARTIAL = 1 << 20  # numbers in all partial sums of the weight's gradient
GG = np.kron(G, G).astype(np.float32)  # (36, 9): G g Gᵀ as one matrix on the flattened g
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


@inlined
def rows_of(x, n, top, left, count, mixed, d):
    """d[i, phase, 1 + k, c] = x[n, c, top + i, left + 4k + phase] for all i of d and −1 ≤ k ≤ count, 0 outside; d flat but i.

    The zeros at both ends of a row are there already, unless the lines before had others (``mixed``).
    """
    channels, h, w = x.shape[1:]
    flat, phase = x.reshape(-1), d.shape[1] // 4
    start, whole = -1 if left > 0 else 0, min(count + 1, (w - left) // 4)  # the fours of columns inside the picture
    fours = channels // 4 * 4
    for i in range(d.shape[0]):
        row, target = top + i, d[i]
        if row < 0 or row >= h or mixed:
            target[:] = 0
        if 0 <= row < h:
            source = n * channels * h * w + row * w + left
            for c in range(0, fours, 4):
                for k in range(start, whole):
                    transpose4(flat, source + c * h * w + 4 * k, h * w, target, (k + 1) * channels + c, phase)
            for c in range(fours, channels):
                for t in range(4 * start, 4 * whole):
                    target[t % 4 * phase + (t // 4 + 1) * channels + c] = flat[source + c * h * w + t]
            if whole <= count:
                for t in range(4 * whole, w - left):
                    at, pixels = t % 4 * phase + (t // 4 + 1) * channels, flat[source + t :]
                    for c in range(channels):
                        target[at + c] = pixels[c * h * w]


@inlined
def pixels_of(x, n, top, left, top_pad, left_pad, count, mixed, d, e, v, slot):
    """v[6i + j, slot …] = Bᵀ d B of the ``count`` tiles of a line, all channels; d, e (6, 4·(span + 2)·C) to work in."""
    channels = x.shape[1]
    phase = d.shape[1] // 4
    rows_of(x, n, top - top_pad, left, count, mixed, d)
    bt(d[0], d[1], d[2], d[3], d[4], d[5], e[0], e[1], e[2], e[3], e[4], e[5])
    here, size = slot * channels, count * channels
    for i in range(6):
        row = e[i]
        at0 = (-left_pad) % 4 * phase + (1 + (-left_pad) // 4) * channels
        at1 = (1 - left_pad) % 4 * phase + (1 + (1 - left_pad) // 4) * channels
        at2 = (2 - left_pad) % 4 * phase + (1 + (2 - left_pad) // 4) * channels
        at3 = (3 - left_pad) % 4 * phase + (1 + (3 - left_pad) // 4) * channels
        at4 = (4 - left_pad) % 4 * phase + (1 + (4 - left_pad) // 4) * channels
        at5 = (5 - left_pad) % 4 * phase + (1 + (5 - left_pad) // 4) * channels
        k = 6 * i
        bt(
            row[at0:], row[at1:], row[at2:], row[at3:], row[at4:], row[at5:],
            v[k, here : here + size], v[k + 1, here:], v[k + 2, here:], v[k + 3, here:], v[k + 4, here:], v[k + 5, here:],
        )  # fmt: skip


@inlined
def place(m, slot, y, n, top, left, count, f, g):
    """y's rows from ``top`` = Aᵀ m A of the ``count`` tiles of a line; what is not finite makes the result NaN, else 0."""
    outputs, p, q = y.shape[1:]
    here, size = slot * outputs, count * outputs
    phase = f.shape[1] // 4
    for i in range(6):
        k, row = 6 * i, f[i]
        at(
            m[k, here:], m[k + 1, here:], m[k + 2, here:], m[k + 3, here:], m[k + 4, here:], m[k + 5, here:],
            row[:size], row[phase:], row[2 * phase :], row[3 * phase :],
        )  # fmt: skip
    at(f[0], f[1], f[2], f[3], f[4], f[5], g[0], g[1], g[2], g[3])
    flat, broken = y.reshape(-1), np.float32(0)
    whole, wide, fours = min(count, (q - left) // 4), min(4 * count, q - left), outputs // 4 * 4
    for i in range(min(4, p - top)):
        row = g[i]
        for j in range(4):
            run = row[j * phase : j * phase + size]
            for t in range(run.size):
                broken += run[t] * np.float32(0)
        first = (n * outputs * p + top + i) * q + left
        for o in range(0, fours, 4):
            for k in range(whole):
                transpose4(row, k * outputs + o, phase, flat, first + o * p * q + 4 * k, p * q)
        for o in range(fours, outputs):
            for t in range(4 * whole):
                flat[first + o * p * q + t] = row[t % 4 * phase + t // 4 * outputs + o]
        for t in range(4 * whole, wide):
            run, pixels = row[t % 4 * phase + t // 4 * outputs :], flat[first + t :]
            for o in range(outputs):
                pixels[o * p * q] = run[o]
    return broken


@jit(counted=False)
def forward_items(first, last, x, u, bias, y, finite, items, top_pad, left_pad, span, lines):
    """Item k: a run of blocks: transform, 36 products, transform back. ``u`` (36, C, O) are the transformed filters."""
    channels, outputs = u.shape[1:]
    down, across = (y.shape[2] + 3) // 4, (y.shape[3] + 3) // 4
    spans = (across + span - 1) // span
    total = y.shape[0] * down * spans
    blocks = (total + lines - 1) // lines
    # one more tile than needed: at a power of two, the 36 matrices would all compete for the same places of the cache
    room, phases, results = (span * lines + 1), 4 * (span + 2) * channels, 4 * span * outputs
    memory = scratch(x, 12 * phases + 10 * results + 36 * room * (channels + outputs))
    for t in range(12 * phases + 10 * results):
        memory[t] = 0
    d, e = memory[: 6 * phases].reshape(6, phases), memory[6 * phases : 12 * phases].reshape(6, phases)
    rest = memory[12 * phases :]
    f, g = rest[: 6 * results].reshape(6, results), rest[6 * results : 10 * results].reshape(4, results)
    rest = rest[10 * results :]
    v, m = rest[: 36 * room * channels].reshape(36, room * channels), rest[36 * room * channels :].reshape(36, room * outputs)
    for item in range(first, last):
        broken = np.float32(0)
        for block in range(item * blocks // items, (item + 1) * blocks // items):
            tiles = 0
            for line in range(block * lines, min(total, (block + 1) * lines)):
                n, top, left = line // (down * spans), line // spans % down * 4, line % spans * span * 4
                count = min(span, across - line % spans * span)
                pixels_of(x, n, top, left, top_pad, left_pad, count, spans > 1, d, e, v, tiles)
                tiles += count
            for k in range(36):
                product = m[k, : tiles * outputs].reshape(tiles, outputs)
                gemm(v[k, : tiles * channels].reshape(tiles, channels), u[k], product, False)
            for t in range(tiles):  # a constant at place (1, 1) of a tile comes out at all of its pixels
                for o in range(outputs):
                    m[7, t * outputs + o] += bias[o]
            tiles = 0
            for line in range(block * lines, min(total, (block + 1) * lines)):
                n, top, left = line // (down * spans), line // spans % down * 4, line % spans * span * 4
                count = min(span, across - line % spans * span)
                broken += place(m, tiles, y, n, top, left, count, f, g)
                tiles += count
        finite[item] = broken == 0
    release(memory)


@jit(counted=False)
def weight_items(first, last, x, g, partial, top_pad, left_pad, span, lines):
    """Item k: a run of blocks, summed into partial[k] (36, C, O): the products of transformed pixels and gradients."""
    items, _, channels, outputs = partial.shape
    down, across = (g.shape[2] + 3) // 4, (g.shape[3] + 3) // 4
    spans = (across + span - 1) // span
    total = g.shape[0] * down * spans
    blocks = (total + lines - 1) // lines
    room, phases, others = (span * lines + 1), 4 * (span + 2) * channels, 4 * (span + 2) * outputs
    memory = scratch(x, 12 * phases + 10 * others + 36 * room * (channels + outputs))
    for t in range(12 * phases + 10 * others):
        memory[t] = 0
    d, e = memory[: 6 * phases].reshape(6, phases), memory[6 * phases : 12 * phases].reshape(6, phases)
    rest = memory[12 * phases :]
    f, h = rest[: 4 * others].reshape(4, others), rest[4 * others : 10 * others].reshape(6, others)
    rest = rest[10 * others :]
    v, m = rest[: 36 * room * channels].reshape(36, room * channels), rest[36 * room * channels :].reshape(36, room * outputs)
    phase = (span + 2) * outputs
    for item in range(first, last):
        partial[item] = 0
        for block in range(item * blocks // items, (item + 1) * blocks // items):
            tiles = 0
            for line in range(block * lines, min(total, (block + 1) * lines)):
                n, top, left = line // (down * spans), line // spans % down * 4, line % spans * span * 4
                count = min(span, across - line % spans * span)
                pixels_of(x, n, top, left, top_pad, left_pad, count, spans > 1, d, e, v, tiles)
                rows_of(g, n, top, left, count, spans > 1, f)
                a(f[0], f[1], f[2], f[3], h[0], h[1], h[2], h[3], h[4], h[5])
                here, size = tiles * outputs, count * outputs
                for i in range(6):
                    row, k = h[i, outputs:], 6 * i
                    a(
                        row[:size], row[phase:], row[2 * phase :], row[3 * phase :],
                        m[k, here:], m[k + 1, here:], m[k + 2, here:], m[k + 3, here:], m[k + 4, here:], m[k + 5, here:],
                    )  # fmt: skip
                tiles += count
            for k in range(36):
                pixels = v[k, : tiles * channels].reshape(tiles, channels)
                gemm(pixels.T, m[k, : tiles * outputs].reshape(tiles, outputs), partial[item, k], True)
    release(memory)


def lines_of(n, p, q, channels, outputs, room):
    """How the tiles of n pictures of p × q outputs are cut: tiles a line, lines a block, and how many blocks."""
    down, across = -(-p // 4), -(-q // 4)
    tiles = max(8, room // (36 * (channels + outputs)))
    spans = -(-across // tiles)
    span = -(-across // spans)
    total = n * down * spans
    lines = max(1, min(tiles // span, -(-total // 4)))
    return span, lines, -(-total // lines)


@jit(counted=False)
def turn_items(first, last, a, b):
    """Item k: b[k] = a[k] transposed."""
    for k in range(first, last):
        transpose(a[k].reshape(-1), 0, a.shape[2], a.shape[1], a.shape[2], b[k].reshape(-1), 0, a.shape[1])


def turned(a):
    """The matrices a (K, M, N) as (K, N, M)."""
    b = np.empty((len(a), a.shape[2], a.shape[1]), a.dtype)
    spread(turn_items, len(a), a.size, a, b)
    return b


def convolve(x, u, bias, out_size, padding):
    """y (N, O, P, Q) from the transformed filters (36, C, O); None if some y is not finite."""
    y = np.empty((len(x), u.shape[2], *out_size), x.dtype)
    span, lines, blocks = lines_of(len(x), *out_size, *u.shape[1:], ROOM)
    items = min(32, blocks)
    finite = np.ones(items, np.bool_)
    spread(forward_items, items, 4 * y.size * u.shape[1], x, u, bias, y, finite, items, *padding, span, lines, blas=True)
    return y if finite.all() else None


def conv2d(x, weight, bias, padding):
    """y of the convolution at stride 1; None if some y is not finite."""
    o, c = weight.shape[:2]
    out_size = [size + 2 * pad - 2 for size, pad in zip(x.shape[2:], padding)]
    u = turned(matmul(GG, weight.reshape(o * c, 9).T).reshape(36, o, c))
    return convolve(x, u, bias, out_size, padding)


def conv2d_input(g, weight, input_size, padding):
    """∂x, the convolution of g with flipped filters, channels in and out exchanged; None if not finite."""
    o, c = weight.shape[:2]
    u = matmul(np.ascontiguousarray(GG[:, ::-1]), weight.reshape(o * c, 9).T).reshape(36, o, c)
    return convolve(g, u, np.zeros(c, g.dtype), input_size[2:], [2 - pad for pad in padding])


def conv2d_weight(x, g, weight_size, padding):
    """∂w; None if not finite."""
    o, c = weight_size[:2]
    span, lines, blocks = lines_of(len(x), *g.shape[2:], c, o, MORE_ROOM)
    items = min(blocks, max(4, min(16, PARTIAL // (36 * o * c))))
    partial = np.empty((items, 36, c, o), x.dtype)
    spread(weight_items, items, 4 * g.size * c, x, g, partial, *padding, span, lines, blas=True)
    gw = matmul(partial.sum(0).reshape(36, c * o).T, GG).reshape(c, o, 9).swapaxes(0, 1).reshape(weight_size)
    return gw if np.isfinite(gw).all() else None


def suits(weight_size, stride, padding, dilation, groups, dtype):
    """Whether it is faster here: 3×3, stride 1, and enough channels to be worth the transforms."""
    o, c, *kernel_size = weight_size
    plain = kernel_size == [3, 3] and stride == dilation == (1, 1) and groups == 1 and max(padding) <= 2
    return plain and dtype == np.float32 and o * c >= 500
