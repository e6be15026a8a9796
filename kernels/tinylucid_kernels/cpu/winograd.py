"""Convolutions at stride 1 with fewer multiplications: Winograd's F(4×4, 3×3) (Lavin and Gray, 2016, section 4.2).

A tile of 4×4 outputs sees 6×6 pixels d. Instead of 4·4·9 = 144 multiplications a channel,

    Y = Aᵀ [ (G g Gᵀ) ⊙ (Bᵀ d B) ] A

needs 36: in the transformed space a filter g is a product a place, and over channels that is 36 small matrix products
(tiles × C) @ (C × O). The input's gradient is the same with flipped, transposed filters; the weight's is the adjoint:
∂g = Gᵀ [ Σ (A ∂Y Aᵀ) (Bᵀ d B)ᵀ ] G.

A larger kernel is a sum of 3×3 ones, each on the picture *shifted* by three pixels more: 5×5 in a frame of zeros is four of them,
144 products for 400, summed in the transformed space.

The transforms lose about two decimal digits, so this is for float32 alone; and a NaN or inf would spread over its tile, so
each function returns None when its result is not finite, and the general convolution computes it again.
"""

import numpy as np

from .blas import gemm, gemm_flipped, matrix
from .jit import jit
from .lanes import LANES
from .threads import AT_ONCE, spread
from .tiles import add_bias, cut_for, gradients_of, layout, locate, pixels_of, place
from .vectors import release, scratch, transpose

G = np.array(
    [[1 / 4, 0, 0], [-1 / 6, -1 / 6, -1 / 6], [-1 / 6, 1 / 6, -1 / 6], [1 / 24, 1 / 12, 1 / 6], [1 / 24, -1 / 12, 1 / 6], [0, 0, 1]]
)  # fmt: skip
ROOM = 160_000  # numbers in the 36 matrices of a block's pixels and results: 640 KB of an L2 of 1 MB
MORE_ROOM = 4 * ROOM  # for the weight's gradient, whose blocks are added up: fewer blocks, fewer additions
MANY = 250_000  # products of channels and places, from which it is faster than im2col
APART = 16  # numbers between matrices: at powers of two, all 36 would compete for the same places of the cache
PARTIAL = 1 << 20  # numbers in all partial sums of the weight's gradient
GG = np.kron(G, G).astype(np.float32)  # (36, 9): G g Gᵀ as one matrix on the flattened g
BY_NINE, BY_NINE_FLIPPED = np.ascontiguousarray(GG.T), np.ascontiguousarray(GG.T[::-1])


@jit(counted=False)
def forward_items(first, last, x, u, bias, y, finite, items, right, cut):
    """Item (group, k): a run of blocks of tiles: transform, 36 products a shift, transform back.

    ``u`` (groups, shifts, 36, C·O and some) are the transformed filters, ``right`` of their shifts side by side."""
    groups, shifts = u.shape[:2]
    channels, outputs = x.shape[1] // groups, y.shape[1] // groups
    h, w, p, q = x.shape[2], x.shape[3], y.shape[2], y.shape[3]
    blocks = (cut.total + cut.lines - 1) // cut.lines
    long, short, apart, across, f, v, m, end = layout(cut, channels, outputs)
    d, e, g, memory = 0, 6 * long, f + 6 * short, scratch(x, end)
    pixels, results = x.reshape(-1), y.reshape(-1)
    for item in range(first, last):
        group, part = item // items, item % items
        broken = np.float32(0)
        for block in range(part * blocks // items, (part + 1) * blocks // items):
            for shift in range(shifts):
                used = 0
                for line in range(block * cut.lines, min(cut.total, (block + 1) * cut.lines)):
                    n, top, side, count = locate(line, cut)
                    top, left = top - cut.top + shift // right * 3, 4 * side - cut.left + shift % right * 3
                    plane = (n * groups + group) * channels
                    pixels_of(pixels, plane, channels, h, w, top, left, count, memory, d, e, long, v, apart, used)
                    used += count
                for k in range(36):
                    by = u[group, shift, k, : channels * outputs].reshape(channels, outputs)
                    seen = matrix(memory[v + k * apart :], used, channels)
                    filtered = matrix(memory[m + k * across :], used, outputs)
                    gemm(seen, by, filtered, shift > 0)
                    for t in range(LANES):  # what the last line's last vectors hold beyond it
                        memory[m + k * across + used * outputs + t] = 0
            # a constant at place (1, 1) of a tile comes out at all of its pixels
            add_bias(memory, m + 7 * across, used, bias, group * outputs, outputs)
            used = 0
            for line in range(block * cut.lines, min(cut.total, (block + 1) * cut.lines)):
                n, top, side, count = locate(line, cut)
                plane = (n * groups + group) * outputs
                broken += place(
                    memory, m, across, used, results, plane, outputs, p, q, top, 4 * side, count, f, g, short
                )
                used += count
        finite[item] = broken == 0
    release(memory)


@jit(counted=False)
def weight_items(first, last, x, g, partial, items, right, cut):
    """Item (group, k): a run of blocks, summed into partial[group, k] (shifts, 36, C, O): products of transformed pixels and gradients."""
    groups, _, shifts, _, channels, outputs = partial.shape
    h, w, p, q = x.shape[2], x.shape[3], g.shape[2], g.shape[3]
    blocks = (cut.total + cut.lines - 1) // cut.lines
    long, short, apart, across, f, v, m, end = layout(cut, channels, outputs)
    d, e, r, memory = 0, 6 * long, f + 4 * short, scratch(x, end)
    pixels, upstream = x.reshape(-1), g.reshape(-1)
    for item in range(first, last):
        group, part = item // items, item % items
        for block in range(part * blocks // items, (part + 1) * blocks // items):
            for shift in range(shifts):
                used = 0
                for line in range(block * cut.lines, min(cut.total, (block + 1) * cut.lines)):
                    n, top, side, count = locate(line, cut)
                    if shift == 0:
                        plane = (n * groups + group) * outputs
                        gradients_of(
                            upstream, plane, outputs, p, q, top, 4 * side, count, memory, f, r, short, m, across, used
                        )
                    top, left = top - cut.top + shift // right * 3, 4 * side - cut.left + shift % right * 3
                    plane = (n * groups + group) * channels
                    pixels_of(pixels, plane, channels, h, w, top, left, count, memory, d, e, long, v, apart, used)
                    used += count
                for k in range(36):
                    seen = matrix(memory[v + k * apart :], used, channels)
                    filtered = matrix(memory[m + k * across :], used, outputs)
                    gemm_flipped(seen, filtered, partial[group, part, shift, k], block > part * blocks // items)
    release(memory)


@jit(counted=False)
def filter_items(first, last, weight, by_nine, u, flip):
    """Item (k, c): the filters of shift k, (O, C, 9), from or to channel c: u[k, ·, c] = G g Gᵀ, u (K, 36, C·O and some).

    ``flip``: for the gradient by the input, where o takes the place of c. ``by_nine`` (9, 36) is (G ⊗ G)ᵀ."""
    many, outputs = (weight.shape[1], weight.shape[2]) if flip else (weight.shape[2], weight.shape[1])
    memory = scratch(u, outputs * 36)
    mine, flat = memory.reshape(outputs, 36), u.reshape(-1)
    for item in range(first, last):
        k, c = item // many, item % many
        if flip:
            gemm(weight[k, c], by_nine, mine, False)
        else:
            gemm(weight[k, :, c], by_nine, mine, False)
        transpose(memory, 0, 36, outputs, 36, flat, k * 36 * u.shape[2] + c * outputs, u.shape[2])
    release(memory)


@jit(counted=False)
def gradient_items(first, last, partial, gg, gw):
    """Item (group, c): ∂g = Gᵀ [Σ partial] G of the filters from channel c; gw (groups, O, C, shifts, 9), ``gg`` (36, 9) is G ⊗ G."""
    parts, shifts, _, channels, outputs = partial.shape[1:]
    memory = scratch(partial, 36 * outputs)
    total = memory.reshape(36, outputs)
    for item in range(first, last):
        group, c = item // channels, item % channels
        for shift in range(shifts):
            for k in range(36):
                into, row = total[k], partial[group, 0, shift, k, c]
                for o in range(outputs):
                    into[o] = row[o]
                for part in range(1, parts):
                    row = partial[group, part, shift, k, c]
                    for o in range(outputs):
                        into[o] += row[o]
            gemm_flipped(total, gg, gw[group, :, c, shift], False)
    release(memory)


def shifts_of(kernel_size):
    """How many 3×3 kernels make one of that size, down and across."""
    return [-(-size // 3) for size in kernel_size]


def transformed(weight, groups, flip):
    """Filters (O, C/groups, kh, kw) as U = G g Gᵀ, (groups, shifts, 36, C·O and some); ``flip``: turned half a circle, and O·C."""
    o, c, *size = weight.shape
    down, across = shifts_of(size)
    shape = groups * down * across, o // groups, c, 9
    if size == [3, 3]:
        filters, by_nine = weight.reshape(shape), BY_NINE_FLIPPED if flip else BY_NINE
    else:
        framed = np.zeros((groups, o // groups, c, 3 * down, 3 * across), weight.dtype)
        weight = weight[..., ::-1, ::-1] if flip else weight
        framed[..., : size[0], : size[1]] = weight.reshape(framed.shape[:3] + tuple(size))
        cut = framed.reshape(groups, o // groups, c, down, 3, across, 3).transpose(0, 3, 5, 1, 2, 4, 6)
        filters, by_nine = np.ascontiguousarray(cut).reshape(shape), BY_NINE
    inputs, outputs = (o // groups, c) if flip else (c, o // groups)
    u = np.empty((shape[0], 36, inputs * outputs + APART), weight.dtype)
    spread(filter_items, len(u) * inputs, 9 * weight.size, filters, by_nine, u, flip, blas=True)
    return u.reshape(groups, down * across, 36, -1)


def convolve(x, u, bias, out_size, padding, right):
    """y (N, O, P, Q) from the transformed filters (groups, shifts, 36, C·O and some); None if some y is not finite."""
    groups, shifts = u.shape[:2]
    y, channels = np.empty((len(x), bias.size, *out_size), x.dtype), x.shape[1] // groups
    cut = cut_for(len(x), tuple(out_size), tuple(padding), channels, bias.size // groups, ROOM)
    items = min(32, -(-cut.total // cut.lines))
    finite = np.empty(groups * items, np.bool_)
    spread(
        forward_items,
        len(finite),
        4 * shifts * y.size * channels // AT_ONCE,
        x,
        u,
        bias,
        y,
        finite,
        items,
        right,
        cut,
        blas=True,
    )
    return y if finite.all() else None


def conv2d(x, weight, bias, padding, groups):
    """y of the convolution at stride 1; None if some y is not finite."""
    kernel_size = weight.shape[2:]
    out_size = [size + 2 * pad - k + 1 for size, pad, k in zip(x.shape[2:], padding, kernel_size)]
    return convolve(x, transformed(weight, groups, False), bias, out_size, padding, shifts_of(kernel_size)[1])


def conv2d_input(g, weight, input_size, padding, groups):
    """∂x, the convolution of g with flipped filters, channels in and out exchanged; None if not finite."""
    c, *kernel_size = weight.shape[1:]
    padding = [k - 1 - pad for k, pad in zip(kernel_size, padding)]
    return convolve(
        g,
        transformed(weight, groups, True),
        np.zeros(groups * c, g.dtype),
        input_size[2:],
        padding,
        shifts_of(kernel_size)[1],
    )


def conv2d_weight(x, g, weight_size, padding, groups):
    """∂w; None if not finite."""
    o, c, *kernel_size = weight_size
    if not len(x):
        return np.zeros(weight_size, x.dtype)
    (down, across), outputs = shifts_of(kernel_size), o // groups
    cut = cut_for(len(x), g.shape[2:], padding, c, outputs, MORE_ROOM)
    items = min(-(-cut.total // cut.lines), max(4, min(16, PARTIAL // (36 * o * c * down * across))))
    partial = np.empty((groups, items, down * across, 36, c, outputs), x.dtype)
    work = 4 * g.size * c * down * across // AT_ONCE
    spread(weight_items, groups * items, work, x, g, partial, items, across, cut, blas=True)
    gw = np.empty((groups, outputs, c, down * across, 9), x.dtype)
    spread(gradient_items, groups * c, partial.size, partial, GG, gw, blas=True)
    gw = gw.reshape(o, c, down, across, 3, 3).swapaxes(3, 4).reshape(o, c, 3 * down, 3 * across)
    gw = np.ascontiguousarray(gw[:, :, : kernel_size[0], : kernel_size[1]])
    return gw if np.isfinite(gw).all() else None


def able(kernel_size, stride, padding, dilation, dtype):
    """Whether it can be computed here, and with less than a half of the products: stride 1, kernels that 3×3 ones fill well."""
    down, across = shifts_of(kernel_size)
    filled = min(kernel_size) >= 3 and 36 * down * across <= 8 * kernel_size[0] * kernel_size[1]
    inside = all(pad < k for pad, k in zip(padding, kernel_size))
    return dtype == np.float32 and stride == dilation == (1, 1) and filled and inside


def suits(inputs, outputs, kernel_size, places):
    """Whether it is faster here: there are channels and places enough to be worth the transforms of pictures and of filters."""
    least, products = (4 if list(kernel_size) == [3, 3] else 8), inputs * outputs
    return min(inputs, outputs) >= least and products >= 4 * least**2 and products * places >= MANY
