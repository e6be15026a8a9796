"""Convolutions with few channels a group, in or out (a net's first, depthwise ones), or little to do: too few products for BLAS.

    y[n, o] = b[o] + Σ_c Σ_{i,j} w[o, c, i, j] · plane[n, c], shifted by the tap

What makes them fast: a plane of a picture, laid out as in ``planes.py``, stays in the first cache for all taps and outputs, and the
innermost loop runs over the whole plane by vectors (``lanes.py``). For 3×3, the commonest, the nine taps are written out: their
weights, or the nine sums of the gradient, stay in registers, and the pixels of a row's three taps are one load and two shuffles.
"""

import numpy as np

from .jit import jit, moving, stay_apart
from .lanes import LANES, load, load_some, one_on, select, store, total, two_on
from .planes import new_planes, offsets, pack, put, run_length
from .threads import AT_ONCE, spread
from .vectors import release, scratch

BLOCK = 8  # groups whose planes are laid out together
FEW = 4  # channels of a group, in or out, below which this beats im2col and a matrix product
SMALL = 250_000  # products of channels and places, below which it beats all: nothing is prepared


@moving
def add(plane, at, w, source, step, sums):
    """sums = source + Σ_k w[k] · the plane from at[k], for a run of all outputs; ``step`` 0: the source's first numbers for all."""
    stay_apart()
    if at.size == 9 and at[2] == at[0] + 2:  # the pixels of a row's taps overlap: one load for three
        d, e, f = at[0], at[3], at[6]
        w0, w1, w2, w3, w4, w5, w6, w7, w8 = w[0], w[1], w[2], w[3], w[4], w[5], w[6], w[7], w[8]
        a, b, c = load(plane, d), load(plane, e), load(plane, f)
        for t in range(0, sums.size, LANES):
            a1, b1, c1 = load(plane, d + t + LANES), load(plane, e + t + LANES), load(plane, f + t + LANES)
            s = load(source, step * t) + w0 * a + w1 * one_on(a, a1) + w2 * two_on(a, a1)
            s = s + w3 * b + w4 * one_on(b, b1) + w5 * two_on(b, b1)
            store(s + w6 * c + w7 * one_on(c, c1) + w8 * two_on(c, c1), sums, t)
            a, b, c = a1, b1, c1
    else:
        for t in range(0, sums.size, LANES):
            s = load(source, step * t)
            for k in range(at.size):
                s = s + w[k] * load(plane, at[k] + t)
            store(s, sums, t)


@moving
def add_products(plane, at, g, gw):
    """gw[k] += Σ_t g[t] · the plane from at[k], for a run of all outputs, with zeros in the gaps. The adjoint of add."""
    stay_apart()
    zero = select(load(g, 0), 0)
    if at.size == 9 and at[2] == at[0] + 2:
        d, e, f = at[0], at[3], at[6]
        a, b, c = load(plane, d), load(plane, e), load(plane, f)
        s0, s1, s2, s3, s4, s5, s6, s7, s8 = zero, zero, zero, zero, zero, zero, zero, zero, zero
        for t in range(0, g.size, LANES):
            v, a1, b1, c1 = (
                load(g, t),
                load(plane, d + t + LANES),
                load(plane, e + t + LANES),
                load(plane, f + t + LANES),
            )
            s0, s1, s2 = s0 + v * a, s1 + v * one_on(a, a1), s2 + v * two_on(a, a1)
            s3, s4, s5 = s3 + v * b, s4 + v * one_on(b, b1), s5 + v * two_on(b, b1)
            s6, s7, s8 = s6 + v * c, s7 + v * one_on(c, c1), s8 + v * two_on(c, c1)
            a, b, c = a1, b1, c1
        gw[0], gw[1], gw[2] = gw[0] + total(s0), gw[1] + total(s1), gw[2] + total(s2)
        gw[3], gw[4], gw[5] = gw[3] + total(s3), gw[4] + total(s4), gw[5] + total(s5)
        gw[6], gw[7], gw[8] = gw[6] + total(s6), gw[7] + total(s7), gw[8] + total(s8)
    else:
        for k in range(at.size):
            s = zero
            for t in range(0, g.size, LANES):
                s = s + load(g, t) * load(plane, at[k] + t)
            gw[k] += total(s)


@moving
def add_products_by_rows(plane, at, g, gw, plan):
    """The same without the gaps, whose pixels may be inf or NaN: times the zero there, they would be NaN."""
    stay_apart()
    for k in range(at.size):
        s = select(load(g, 0), 0)  # zeros, whatever g holds
        for p in range(plan.p):
            for q in range(0, plan.q, LANES):
                t, rest = p * plan.pitch + q, plan.q - q
                s = s + select(load(g, t), rest) * select(load(plane, at[k] + t), rest)
        gw[k] += total(s)


@moving
def lay(g, place, run, plan):
    """The rows of g from ``place`` on, to a run with zeros in the gaps."""
    stay_apart()
    for p in range(plan.p):
        for q in range(0, plan.q, LANES):
            store(load_some(g, place + p * plan.q + q, plan.q - q), run, p * plan.pitch + q)


@jit(counted=False)
def forward_items(first, last, x, weight, bias, y, at, blocks, plan):
    """Item (n, block): the outputs of some of the groups. ``weight`` (groups, O/groups, C/groups, taps)."""
    groups, outputs, channels = weight.shape[:3]
    some = (groups + blocks - 1) // blocks
    packed, planes = new_planes(some * channels, plan.p, x, plan)
    room = scratch(x, LANES + run_length(plan))
    shift, sums = room[:LANES], room[LANES:]
    pixels, flat = x.reshape(-1), y.reshape(-1)
    for item in range(first, last):
        n, begin = item // blocks, item % blocks * some
        end = min(groups, begin + some)
        pack(pixels, (n * groups + begin) * channels, (end - begin) * channels, planes, 0, plan.p, plan.p, plan)
        for group in range(begin, end):
            for o in range(outputs):
                shift[:] = bias[group * outputs + o]
                for c in range(channels):
                    source, step = (shift, 0) if c == 0 else (sums, 1)
                    add(planes[(group - begin) * channels + c], at, weight[group, o, c], source, step, sums)
                put(sums, flat, (n * groups * outputs + group * outputs + o) * plan.p * plan.q, plan.p, plan)
    release(room)
    release(packed)


@jit(counted=False)
def weight_items(first, last, x, g, partial, at, blocks, by_rows, plan):
    """Item (slice, block): ∂w of some groups, summed over a slice of the pictures, in ``partial`` (slices, groups, O/groups,
    C/groups, taps)."""
    slices, groups, outputs, channels = partial.shape[:4]
    some = (groups + blocks - 1) // blocks
    packed, planes = new_planes(some * channels, plan.p, x, plan)
    run = scratch(x, run_length(plan))
    run[:] = 0
    pixels, upstream = x.reshape(-1), g.reshape(-1)
    for item in range(first, last):
        s, begin = item // blocks, item % blocks * some
        end = min(groups, begin + some)
        partial[s, begin:end] = 0
        for n in range(s * x.shape[0] // slices, (s + 1) * x.shape[0] // slices):
            pack(pixels, (n * groups + begin) * channels, (end - begin) * channels, planes, 0, plan.p, plan.p, plan)
            for group in range(begin, end):
                for o in range(outputs):
                    lay(upstream, (n * groups * outputs + group * outputs + o) * plan.p * plan.q, run, plan)
                    for c in range(channels):
                        plane, gw = planes[(group - begin) * channels + c], partial[s, group, o, c]
                        if by_rows:
                            add_products_by_rows(plane, at, run, gw, plan)
                        else:
                            add_products(plane, at, run, gw)
    release(run)
    release(packed)


def suits(inputs, outputs, kernel_size, places):
    """Whether it is faster here, of groups with so many channels in and out, for so many ``places`` (outputs of a channel)."""
    products = inputs * outputs
    if list(kernel_size) != [3, 3]:
        return products <= FEW
    wide = inputs > 1 and outputs >= LANES  # rows enough for a matrix product
    few = min(inputs, outputs) < FEW or products < 64
    return (few and not wide) or (products <= 1024 and products * places < SMALL)


def conv2d(x, weight, bias, y, plan, groups):
    """Fill y."""
    o, per_group, kh, kw = weight.shape
    by_group = np.ascontiguousarray(weight).reshape(groups, o // groups, per_group, kh * kw)
    work, blocks = len(x) * plan.p * plan.q * weight.size // AT_ONCE, -(-groups // BLOCK)
    spread(forward_items, len(x) * blocks, work, x, by_group, bias, y, offsets(plan.p, plan), blocks, plan)


def conv2d_weight(x, g, weight_size, plan, groups):
    """∂w."""
    o, per_group, kh, kw = weight_size
    blocks = -(-groups // BLOCK)
    slices = max(1, min(len(x), 16 // blocks))
    partial = np.empty((slices, groups, o // groups, per_group, kh * kw), x.dtype)
    work = len(x) * plan.p * plan.q * partial[0].size // AT_ONCE
    for by_rows in (False, True):
        spread(weight_items, slices * blocks, work, x, g, partial, offsets(plan.p, plan), blocks, by_rows, plan)
        gw = partial.sum(0).reshape(weight_size)
        if np.isfinite(gw).all():
            break
    return gw
