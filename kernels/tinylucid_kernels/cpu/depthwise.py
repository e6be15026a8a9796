"""Convolutions of groups with one channel in and few out (depthwise ones): too few products a pixel for BLAS.

Written as in ``reference/conv.py``: the picture in its frame of zeros, and for each tap a shifted view of it. What makes it
fast: a plane stays in the first cache for all taps, and the innermost loop, along a row of outputs, is SIMD.
"""

import numpy as np

from .jit import inlined, jit
from .threads import spread

FEW = 4  # outputs of a group, up to which this beats im2col and a matrix product


@inlined
def frame(x, framed, ph, pw):
    """The plane x into the middle of ``framed``, whose frame is zero."""
    for row in range(x.shape[0]):
        source, target = x[row], framed[row + ph, pw:]
        for column in range(source.size):
            target[column] = source[column]


@jit
def forward_items(first, last, x, weight, bias, y, sh, sw, ph, pw, dh, dw):
    """Item (n, o): one plane of y = b + Σ_{i,j} w[i, j] · the framed picture, shifted by the tap; weight (O, kh, kw)."""
    outputs, each = y.shape[1], y.shape[1] // x.shape[1]
    framed = np.zeros((x.shape[2] + 2 * ph, x.shape[3] + 2 * pw), x.dtype)
    for item in range(first, last):
        n, o = item // outputs, item % outputs
        frame(x[n, o // each], framed, ph, pw)
        for p in range(y.shape[2]):
            out = y[n, o, p]
            out[:] = bias[o]
            for i in range(weight.shape[1]):
                for j in range(weight.shape[2]):
                    w, pixels = weight[o, i, j], framed[p * sh + i * dh, j * dw :]
                    for q in range(out.size):
                        out[q] += w * pixels[q * sw]


@jit
def input_items(first, last, g, weight, x, sh, sw, ph, pw, dh, dw):
    """Item (n, c): the adjoint for one plane of pixels, added up in the framed picture and cut out of it."""
    channels, each = x.shape[1], g.shape[1] // x.shape[1]
    framed = np.empty((x.shape[2] + 2 * ph, x.shape[3] + 2 * pw), x.dtype)
    for item in range(first, last):
        n, c = item // channels, item % channels
        framed[:] = 0
        for o in range(c * each, (c + 1) * each):
            for p in range(g.shape[2]):
                upstream = g[n, o, p]
                for i in range(weight.shape[1]):
                    for j in range(weight.shape[2]):
                        w, pixels = weight[o, i, j], framed[p * sh + i * dh, j * dw :]
                        for q in range(upstream.size):
                            pixels[q * sw] += w * upstream[q]
        for row in range(x.shape[2]):
            source, target = framed[row + ph, pw:], x[n, c, row]
            for column in range(target.size):
                target[column] = source[column]


@jit
def weight_items(first, last, x, g, gw, sh, sw, ph, pw, dh, dw):
    """Item o: ∂w of one output, over all pictures: for each tap Σ g · the pixels it saw."""
    each = g.shape[1] // x.shape[1]
    framed = np.zeros((x.shape[2] + 2 * ph, x.shape[3] + 2 * pw), x.dtype)
    for o in range(first, last):
        gw[o] = 0
        for n in range(x.shape[0]):
            frame(x[n, o // each], framed, ph, pw)
            for i in range(gw.shape[1]):
                for j in range(gw.shape[2]):
                    total = x.dtype.type(0)
                    for p in range(g.shape[2]):
                        upstream, pixels = g[n, o, p], framed[p * sh + i * dh, j * dw :]
                        for q in range(upstream.size):
                            total += upstream[q] * pixels[q * sw]
                    gw[o, i, j] += total


def suits(weight_size, groups):
    """Whether it is faster here."""
    return weight_size[1] == 1 and weight_size[0] // groups <= FEW


def conv2d(x, weight, bias, y, stride, padding, dilation):
    """Fill y."""
    work = y.size * weight[0].size
    spread(forward_items, len(y) * y.shape[1], work, x, weight[:, 0], bias, y, *stride, *padding, *dilation)
    return y


def conv2d_input(g, weight, input_size, stride, padding, dilation):
    """∂x."""
    x = np.empty(input_size, g.dtype)
    work = g.size * weight[0].size
    spread(input_items, len(x) * x.shape[1], work, g, weight[:, 0], x, *stride, *padding, *dilation)
    return x


def conv2d_weight(x, g, weight_size, stride, padding, dilation):
    """∂w."""
    gw = np.empty((weight_size[0], *weight_size[2:]), x.dtype)
    work = g.size * gw[0].size
    spread(weight_items, len(gw), work, x, g, gw, *stride, *padding, *dilation)
    return gw[:, None]
