"""Convolutions with few channels a group, in or out (a net's first, depthwise ones): too few products a pixel for BLAS.

    y[n, o] = b[o] + Σ_c Σ_{i,j} w[o, c, i, j] · plane[n, c], shifted by the tap

A plane of a picture, laid out as in ``planes.py``, stays in the first cache for all taps and outputs; the innermost loop runs
over the whole plane and is SIMD. For 3×3, the commonest, the nine taps are written out: nine multiplications for one addition to
memory.
"""

import numpy as np

from .jit import inlined, jit
from .planes import new_planes, offsets, pack, put, run_length
from .threads import LANES, spread
from .vectors import copy, release, scratch

BLOCK = 8  # groups whose planes are laid out together
FEW = 4  # channels of a group, in or out, up to which this beats im2col and a matrix product


@inlined
def add(plane, at, w, out):
    """out += Σ_k w[k] · the plane from at[k]."""
    if at.size == 9:
        a, b, c = plane[at[0] :], plane[at[1] :], plane[at[2] :]
        d, e, f = plane[at[3] :], plane[at[4] :], plane[at[5] :]
        g, h, i = plane[at[6] :], plane[at[7] :], plane[at[8] :]
        w0, w1, w2, w3, w4, w5, w6, w7, w8 = w[0], w[1], w[2], w[3], w[4], w[5], w[6], w[7], w[8]
        for t in range(out.size):
            top = w0 * a[t] + w1 * b[t] + w2 * c[t]
            middle = w3 * d[t] + w4 * e[t] + w5 * f[t]
            out[t] += top + middle + w6 * g[t] + w7 * h[t] + w8 * i[t]
    else:
        for k in range(at.size):
            weight, pixels = w[k], plane[at[k] :]
            for t in range(out.size):
                out[t] += weight * pixels[t]


@inlined
def add_products(plane, at, start, g, gw):
    """gw[k] += Σ_t g[t] · the plane from at[k], t from ``start``: the adjoint of add."""
    if at.size == 9:
        a, b, c = plane[at[0] + start :], plane[at[1] + start :], plane[at[2] + start :]
        d, e, f = plane[at[3] + start :], plane[at[4] + start :], plane[at[5] + start :]
        h, i, j = plane[at[6] + start :], plane[at[7] + start :], plane[at[8] + start :]
        zero = g.dtype.type(0)
        s0, s1, s2, s3, s4, s5, s6, s7, s8 = zero, zero, zero, zero, zero, zero, zero, zero, zero
        for t in range(g.size):
            v = g[t]
            s0 += v * a[t]
            s1 += v * b[t]
            s2 += v * c[t]
            s3 += v * d[t]
            s4 += v * e[t]
            s5 += v * f[t]
            s6 += v * h[t]
            s7 += v * i[t]
            s8 += v * j[t]
        gw[0], gw[1], gw[2] = gw[0] + s0, gw[1] + s1, gw[2] + s2
        gw[3], gw[4], gw[5] = gw[3] + s3, gw[4] + s4, gw[5] + s5
        gw[6], gw[7], gw[8] = gw[6] + s6, gw[7] + s7, gw[8] + s8
    else:
        for k in range(at.size):
            pixels, total = plane[at[k] + start :], g.dtype.type(0)
            for t in range(g.size):
                total += g[t] * pixels[t]
            gw[k] += total


@jit(counted=False)
def forward_items(first, last, x, weight, bias, y, at, blocks, plan):
    """Item (n, block): the outputs of some of the groups. ``weight`` (groups, O/groups, C/groups, taps)."""
    groups, outputs, channels = weight.shape[:3]
    some = (groups + blocks - 1) // blocks
    packed, planes = new_planes(some * channels, plan.p, x, plan)
    room = scratch(x, run_length(plan))
    pixels, flat, height, width = x.reshape(-1), y.reshape(-1), y.shape[2], y.shape[3]
    for item in range(first, last):
        n, begin = item // blocks, item % blocks * some
        end = min(groups, begin + some)
        pack(pixels, (n * groups + begin) * channels, (end - begin) * channels, planes, 0, plan.p, plan.p, plan)
        for group in range(begin, end):
            for o in range(outputs):
                shift = bias[group * outputs + o]
                for t in range(room.size):
                    room[t] = shift
                for c in range(channels):
                    add(planes[(group - begin) * channels + c], at, weight[group, o, c], room)
                put(room, flat, (n * groups * outputs + group * outputs + o) * height * width, width, 0, plan.p, plan)
    release(room)
    release(packed)


@jit(counted=False)
def weight_items(first, last, x, g, partial, at, blocks, by_rows, plan):
    """Item (slice, block): ∂w of some groups, summed over a slice of the pictures. ``partial`` (slices, groups, O/groups, C/groups, taps).

    All outputs are one run, with zeros in the gaps: quick, but wrong where pixels are inf or NaN; ``by_rows`` leaves gaps out."""
    slices, groups, outputs, channels = partial.shape[:4]
    some = (groups + blocks - 1) // blocks
    packed, planes = new_planes(some * channels, plan.p, x, plan)
    room = scratch(x, run_length(plan))
    for t in range(room.size):
        room[t] = 0
    pixels, upstream = x.reshape(-1), g.reshape(-1)
    runs, step, size = (plan.p, plan.pitch, plan.q) if by_rows else (1, room.size, room.size)
    for item in range(first, last):
        s, begin = item // blocks, item % blocks * some
        end = min(groups, begin + some)
        partial[s, begin:end] = 0
        for n in range(s * x.shape[0] // slices, (s + 1) * x.shape[0] // slices):
            pack(pixels, (n * groups + begin) * channels, (end - begin) * channels, planes, 0, plan.p, plan.p, plan)
            for group in range(begin, end):
                for o in range(outputs):
                    first_row = (n * groups * outputs + group * outputs + o) * plan.p
                    for p in range(plan.p):
                        copy(upstream, (first_row + p) * plan.q, room, p * plan.pitch, plan.q)
                    for c in range(channels):
                        plane, total = planes[(group - begin) * channels + c], partial[s, group, o, c]
                        for start in range(0, runs * step, step):
                            add_products(plane, at, start, room[start : start + size], total)
    release(room)
    release(packed)


def suits(per_group, outputs, kernel_size):
    """Whether it is faster here, of groups with so many channels in and out."""
    few = min(per_group, outputs) <= FEW and kernel_size == [3, 3]
    return few or per_group * outputs <= FEW


def conv2d(x, weight, bias, y, plan, groups):
    """Fill the places of y that the plan names."""
    o, per_group, kh, kw = weight.shape
    by_group = np.ascontiguousarray(weight).reshape(groups, o // groups, per_group, kh * kw)
    work, blocks = len(x) * plan.p * plan.q * weight.size // LANES, -(-groups // BLOCK)
    spread(forward_items, len(x) * blocks, work, x, by_group, bias, y, offsets(plan.p, plan), blocks, plan)


def conv2d_weight(x, g, weight_size, plan, groups):
    """∂w."""
    o, per_group, kh, kw = weight_size
    blocks = -(-groups // BLOCK)
    slices = max(1, min(len(x), 16 // blocks))
    partial = np.empty((slices, groups, o // groups, per_group, kh * kw), x.dtype)
    work = len(x) * plan.p * plan.q * partial[0].size // LANES
    for by_rows in (False, True):
        spread(weight_items, slices * blocks, work, x, g, partial, offsets(plan.p, plan), blocks, by_rows, plan)
        gw = partial.sum(0).reshape(weight_size)
        if np.isfinite(gw).all():
            break
    return gw
