"""3×3 convolutions at stride 1 with fewer multiplications: Winograd's F(4×4, 3×3) (Lavin and Gray, 2016, section 4.2).

A tile of 4×4 outputs sees 6×6 pixels d. Instead of 4·4·9 = 144 multiplications a channel,

    Y = Aᵀ [ (G g Gᵀ) ⊙ (Bᵀ d B) ] A

needs 36: in the transformed space a filter g is a product a place, and over channels that is 36 small matrix products
(O × C) @ (C × tiles). The input's gradient is the same with flipped, transposed filters; the weight's is the adjoint:
∂g = Gᵀ [ Σ (A ∂Y Aᵀ) (Bᵀ d B)ᵀ ] G.

Tiles are handled 64 at a time, side by side in memory, so that the transforms are SIMD over tiles, and a block stays in L2.
The transforms lose about two decimal digits, so this is for float32 alone; and a NaN or inf would spread over its tile, so
each function returns None when its result is not finite, and the general convolution computes it again.
"""

import numpy as np

from .dense import matmul
from .jit import inlined, jit
from .threads import spread

T = 64  # tiles in a block
G = np.array(
    [[1 / 4, 0, 0], [-1 / 6, -1 / 6, -1 / 6], [-1 / 6, 1 / 6, -1 / 6], [1 / 24, 1 / 12, 1 / 6], [1 / 24, -1 / 12, 1 / 6], [0, 0, 1]]
)  # fmt: skip
GG = np.kron(G, G).astype(np.float32)  # (36, 9): G g Gᵀ as one matrix on the flattened g
TWO, FOUR, FIVE, EIGHT = np.float32(2), np.float32(4), np.float32(5), np.float32(8)  # int · float32 would be float64
INFINITY = np.float32(np.inf)


@inlined
def bt(d, s, v, c):
    """Bᵀ along the first axis: rows d[0…5, s] → v[0…5, c]."""
    d0, d1, d2, d3, d4, d5 = d[0, s], d[1, s], d[2, s], d[3, s], d[4, s], d[5, s]
    v0, v1, v2, v3, v4, v5 = v[0, c], v[1, c], v[2, c], v[3, c], v[4, c], v[5, c]
    for t in range(d0.size):
        even, odd = d4[t] - FOUR * d2[t], d3[t] - FOUR * d1[t]
        mean, slope = d4[t] - d2[t], TWO * (d3[t] - d1[t])
        v0[t] = FOUR * d0[t] - FIVE * d2[t] + d4[t]
        v1[t] = even + odd
        v2[t] = even - odd
        v3[t] = mean + slope
        v4[t] = mean - slope
        v5[t] = FOUR * d1[t] - FIVE * d3[t] + d5[t]


@inlined
def at(m, s, y, c):
    """Aᵀ along the first axis: rows m[0…5, s] → y[0…3, c]."""
    m0, m1, m2, m3, m4, m5 = m[0, s], m[1, s], m[2, s], m[3, s], m[4, s], m[5, s]
    y0, y1, y2, y3 = y[0, c], y[1, c], y[2, c], y[3, c]
    for t in range(m0.size):
        near, far = m1[t] + m2[t], m3[t] + m4[t]
        near_odd, far_odd = m1[t] - m2[t], m3[t] - m4[t]
        y0[t] = m0[t] + near + far
        y1[t] = near_odd + TWO * far_odd
        y2[t] = near + FOUR * far
        y3[t] = near_odd + EIGHT * far_odd + m5[t]


@inlined
def a(y, s, m, c):
    """A along the first axis, the adjoint of at: rows y[0…3, s] → m[0…5, c]."""
    y0, y1, y2, y3 = y[0, s], y[1, s], y[2, s], y[3, s]
    m0, m1, m2, m3, m4, m5 = m[0, c], m[1, c], m[2, c], m[3, c], m[4, c], m[5, c]
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
def locate(block, size, down, across, where):
    """where[:, t] = picture, row and column of the first output of tile t of a block; picture −1 past the last tile."""
    for t in range(T):
        tile = block * T + t
        where[0, t] = tile // (down * across) if tile < size * down * across else -1
        where[1, t] = tile // across % down * 4
        where[2, t] = tile % across * 4


@inlined
def gather(x, c, where, top_pad, left_pad, side, out):
    """out[i·6 + j, 0, t] = x[n, c, row − top_pad + i, column − left_pad + j] for i, j < side (6 or 4), 0 outside."""
    h, w = x.shape[2:]
    for t in range(T):
        n, top, left = where[0, t], where[1, t] - top_pad, where[2, t] - left_pad
        if n >= 0 and top >= 0 and left >= 0 and top + side <= h and left + side <= w:
            for i in range(side):
                row = x[n, c, top + i, left:]
                for j in range(side):
                    out[6 * i + j, 0, t] = row[j]
        else:
            for k in range(6 * side):
                out[k, 0, t] = 0
            if n >= 0:
                for i in range(max(0, -top), min(side, h - top)):
                    for j in range(max(0, -left), min(side, w - left)):
                        out[6 * i + j, 0, t] = x[n, c, top + i, left + j]


@inlined
def tiles_of(x, where, top_pad, left_pad, d, e, v):
    """v[:, c] = Bᵀ d B of the block's tiles, for every channel; d and e are (36, 1, T) to work in."""
    across_d, across_e = d.reshape(6, 1, 6 * T), e.reshape(6, 1, 6 * T)
    for c in range(x.shape[1]):
        gather(x, c, where, top_pad, left_pad, 6, d)
        bt(across_d, 0, across_e, 0)
        for i in range(0, 36, 6):
            bt(e[i : i + 6], 0, v[i : i + 6], c)


@jit
def forward_items(first, last, x, u, bias, y, finite, items, top_pad, left_pad):
    """Item k: a run of blocks: transform, 36 products, transform back. ``u`` (36, O, C) are the transformed filters."""
    outputs, channels = u.shape[1:]
    size, _, p, q = y.shape
    down, across = (p + 3) // 4, (q + 3) // 4
    blocks = (size * down * across + T - 1) // T
    d, e, where = np.empty((36, 1, T), x.dtype), np.empty((36, 1, T), x.dtype), np.empty((3, T), np.int64)
    across_d, across_e = d.reshape(6, 1, 6 * T), e.reshape(6, 1, 6 * T)
    # one row more than needed: at a power of two, the 36 matrices would all compete for the same places of the cache
    v, m = np.empty((36, channels + 1, T), x.dtype), np.empty((36, outputs + 1, T), x.dtype)
    for item in range(first, last):
        broken = 0
        for block in range(item * blocks // items, (item + 1) * blocks // items):
            locate(block, size, down, across, where)
            tiles_of(x, where, top_pad, left_pad, d, e, v)
            for k in range(36):
                np.dot(u[k], v[k, :channels], m[k, :outputs])
            for o in range(outputs):
                for i in range(0, 36, 6):
                    at(m[i : i + 6], o, d[i : i + 6], 0)
                at(across_d, 0, across_e, 0)
                broken += place(e, where, y, o, bias[o])
        finite[item] = broken == 0


@inlined
def place(e, where, y, o, shift):
    """Write the block's 4×4 outputs of channel o; how many of them are not finite."""
    p, q = y.shape[2:]
    broken = 0
    for k in range(24):
        row = e[k, 0]
        if k % 6 < 4:
            for t in range(T):
                row[t] += shift
                broken += not abs(row[t]) < INFINITY
    for t in range(T):
        n, top, left = where[0, t], where[1, t], where[2, t]
        if n >= 0:
            if left + 4 <= q:
                for i in range(min(4, p - top)):
                    row = y[n, o, top + i, left:]
                    for j in range(4):
                        row[j] = e[6 * i + j, 0, t]
            else:
                for i in range(min(4, p - top)):
                    for j in range(q - left):
                        y[n, o, top + i, left + j] = e[6 * i + j, 0, t]
    return broken


@jit
def weight_items(first, last, x, g, partial, top_pad, left_pad):
    """Item k: a run of blocks, summed into partial[k] (36, O, C): the products of transformed gradients and pixels."""
    items, _, outputs, channels = partial.shape
    size, _, p, q = g.shape
    down, across = (p + 3) // 4, (q + 3) // 4
    blocks = (size * down * across + T - 1) // T
    d, e, where = np.empty((36, 1, T), x.dtype), np.empty((36, 1, T), x.dtype), np.empty((3, T), np.int64)
    across_d, across_e = d.reshape(6, 1, 6 * T), e.reshape(6, 1, 6 * T)
    v, m = np.empty((36, channels + 1, T), x.dtype), np.empty((36, outputs + 1, T), x.dtype)
    product = np.empty((outputs, channels), x.dtype)
    for item in range(first, last):
        partial[item] = 0
        for block in range(item * blocks // items, (item + 1) * blocks // items):
            locate(block, size, down, across, where)
            tiles_of(x, where, top_pad, left_pad, d, e, v)
            for o in range(outputs):
                gather(g, o, where, 0, 0, 4, d)
                a(across_d, 0, across_e, 0)
                for i in range(0, 36, 6):
                    a(e[i : i + 6], 0, m[i : i + 6], o)
            for k in range(36):
                np.dot(m[k, :outputs], v[k, :channels].T, product)
                partial[item, k] += product


def blocks_of(n, p, q):
    """How many blocks of tiles cover n pictures of p × q outputs."""
    return -(-n * -(-p // 4) * -(-q // 4) // T)


def convolve(x, filters, bias, out_size, padding):
    """y (N, O, P, Q) from the filters (O·C, 9) in any memory order; None if some y is not finite."""
    n, c = x.shape[:2]
    u = matmul(GG, filters.T).reshape(36, len(filters) // c, c)
    y = np.empty((n, u.shape[1], *out_size), x.dtype)
    items = min(32, blocks_of(n, *out_size))
    finite = np.ones(items, np.bool_)
    spread(forward_items, items, 4 * y.size * c, x, u, bias, y, finite, items, *padding, blas=True)
    return y if finite.all() else None


def conv2d(x, weight, bias, padding):
    """y of the convolution at stride 1; None if some y is not finite."""
    out_size = [size + 2 * pad - 2 for size, pad in zip(x.shape[2:], padding)]
    return convolve(x, weight.reshape(-1, 9), bias, out_size, padding)


def conv2d_input(g, weight, input_size, padding):
    """∂x, the convolution of g with flipped filters, channels in and out exchanged; None if not finite."""
    flipped = weight[:, :, ::-1, ::-1].swapaxes(0, 1).reshape(-1, 9)
    return convolve(g, flipped, np.zeros(input_size[1], g.dtype), input_size[2:], [2 - pad for pad in padding])


def conv2d_weight(x, g, weight_size, padding):
    """∂w; None if not finite."""
    o, c = weight_size[:2]
    items = min(blocks_of(len(g), *g.shape[2:]), max(4, min(16, (1 << 22) // (36 * o * c))))
    partial = np.empty((items, 36, o, c), x.dtype)
    spread(weight_items, items, 4 * g.size * c, x, g, partial, *padding, blas=True)
    gw = matmul(partial.sum(0).reshape(36, o * c).T, GG).reshape(weight_size)
    return gw if np.isfinite(gw).all() else None


def suits(weight_size, stride, padding, dilation, groups, dtype):
    """Whether it is faster here: 3×3, stride 1, and enough channels to be worth the transforms."""
    o, c, *kernel_size = weight_size
    plain = kernel_size == [3, 3] and stride == dilation == (1, 1) and groups == 1 and max(padding) <= 2
    return plain and dtype == np.float32 and o * c >= 1000
