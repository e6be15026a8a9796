"""The gradient by the input of a convolution at a stride s, which is a transposed convolution as well.

Output p sees pixel h by tap i if p·s + i·d − pad = h. So the pixels fall into s·s *phases*, of every s-th one each way, and each
phase is a convolution of g at stride 1, with the taps that reach it:

    on the pixels h = a + u·s, u = 0, 1, …:   p = u + (a + pad − i·d) / s,   for the taps i that leave no rest

All read the same planes of g (``planes.py``), and the columns of a row's phases are woven into one row of pixels.
"""

from math import gcd

import numpy as np

from .blas import matrix, product
from .direct import BLOCK, add
from .jit import jit, moving, stay_apart
from .lanes import LANES, load, load_some, lower, store_some, upper, whole
from .planes import CHUNK, bands_of, gather, new_planes, pack, plan_for, run_length
from .threads import AT_ONCE, spread
from .vectors import release, scratch


@moving
def weave(runs, start, apart, right, x, place, width, rows, down, plan):
    """Rows of x, ``down`` apart, of the numbers of ``right`` runs in turn, which begin at ``start`` and so far ``apart``; all flat."""
    stay_apart()
    for p in range(rows):
        row, goal = start + p * plan.pitch, place + p * down * width
        for q in range(0, plan.q, LANES):
            if right == 1:
                store_some(load_some(runs, row + q, plan.q - q), x, goal + q, width - q)
            elif right == 2:
                a, b = load(runs, row + q), load(runs, row + apart + q)
                store_some(lower(a, b), x, goal + 2 * q, width - 2 * q)
                store_some(upper(a, b), x, goal + 2 * q + LANES, width - 2 * q - LANES)
            else:
                for k in range(right * q, min(width, right * (q + LANES))):
                    x[goal + k] = runs[row + k % right * apart + k // right]


@jit(counted=False)
def few_items(first, last, g, weight, x, at, ends, down, right, blocks, plan):
    """Item (n, block): ∂x of some groups of few channels, as in ``direct.py``.

    Phase k's taps lie at[ends[k]], … at[ends[k + 1] − 1]; ``weight`` (groups, C/groups·O/groups·taps) holds phase after phase."""
    groups, outputs = weight.shape[0], g.shape[1] // weight.shape[0]
    channels, height, width = x.shape[1] // groups, x.shape[2], x.shape[3]
    some, length = (groups + blocks - 1) // blocks, run_length(plan) + LANES
    packed, planes = new_planes(some * outputs, plan.p, g, plan)
    room = scratch(g, LANES + right * length)
    room[:LANES] = 0
    nothing, runs = room[:LANES], room[LANES:]
    upstream, flat = g.reshape(-1), x.reshape(-1)
    for item in range(first, last):
        n, begin = item // blocks, item % blocks * some
        end = min(groups, begin + some)
        pack(upstream, (n * groups + begin) * outputs, (end - begin) * outputs, planes, 0, plan.p, plan.p, plan)
        for group in range(begin, end):
            for c in range(channels):
                place = (n * groups * channels + group * channels + c) * height * width
                for k in range(down * right):
                    start, stop = ends[k], ends[k + 1]
                    by = weight[group, channels * outputs * start : channels * outputs * stop]
                    run = runs[k % right * length : k % right * length + length - LANES]
                    for o in range(outputs):
                        source, step = (nothing, 0) if o == 0 else (run, 1)
                        w = by[(c * outputs + o) * (stop - start) : (c * outputs + o + 1) * (stop - start)]
                        add(planes[(group - begin) * outputs + o], at[start:stop], w, source, step, run)
                    if k % right == right - 1:
                        a = k // right
                        rows = (height - a + down - 1) // down
                        weave(runs, 0, length, right, flat, place + a * width, width, rows, down, plan)
    release(room)
    release(packed)


@jit(counted=False)
def many_items(first, last, g, weight, x, at, ends, most, down, right, bands, plan):
    """Item (n, band): ∂x of a band's rows by im2col and a matrix product for each phase, as in ``conv.py``; ``most`` taps in one."""
    groups, outputs = weight.shape[0], g.shape[1] // weight.shape[0]
    channels, height, width = x.shape[1] // groups, x.shape[2], x.shape[3]
    band, size = (plan.p + bands - 1) // bands, whole(plan.rows * plan.pitch)
    packed, planes = new_planes(g.shape[1], band, g, plan)
    room, results = scratch(g, outputs * most * size), scratch(g, right * channels * size + LANES)
    upstream, flat = g.reshape(-1), x.reshape(-1)
    for item in range(first, last):
        n, top = item // bands, item % bands * band
        bottom = min(plan.p, top + band)
        if bands > 1:
            planes[:] = 0
        pack(upstream, n * g.shape[1], g.shape[1], planes, top, max(0, bottom - top), band, plan)
        for group in range(groups):
            mine = planes[group * outputs : (group + 1) * outputs]
            for row in range(top, bottom, plan.rows):
                rows = min(plan.rows, bottom - row)
                length = whole((rows - 1) * plan.pitch + plan.q)
                for k in range(down * right):
                    a, b, start, stop = k // right, k % right, ends[k], ends[k + 1]
                    out = matrix(results[b * channels * size :], channels, length)
                    if start == stop:
                        out[:] = 0  # no output sees these pixels
                    else:
                        taps = outputs * (stop - start)
                        by = weight[group, channels * outputs * start : channels * outputs * stop]
                        cols = matrix(room, taps, length)
                        gather(mine, at[start:stop], (row - top) * plan.pitch, room, length)
                        product(by.reshape(channels, taps), cols, out, False)
                    if b == right - 1:
                        inside = min(rows, (height - a + down - 1) // down - row)
                        for c in range(channels):
                            place = ((n * x.shape[1] + group * channels + c) * height + a + row * down) * width
                            weave(results, c * length, channels * size, right, flat, place, width, inside, down, plan)
    release(results)
    release(room)
    release(packed)


def reaching(first, taps, stride, padding, dilation):
    """The taps, last to first, that some output lays on the pixels ``first``, ``first`` + s, …; how far apart, and before which."""
    seen = [i for i in range(taps) if (first + padding - i * dilation) % stride == 0][::-1]
    start = (first + padding - seen[0] * dilation) // stride if seen else 0
    return seen, dilation // gcd(stride, dilation), -start


def phases(g_size, input_size, kernel_size, stride, padding, dilation, longest):
    """The Plan of g's planes that serves all phases; then of each phase its taps, and where they lie in the planes."""
    axes = [[reaching(first, *how) for first in range(how[1])] for how in zip(kernel_size, stride, padding, dilation)]
    frame = [max(0, *(pad for _, _, pad in axis)) for axis in axes]
    reach = [max(0, *((len(taps) - 1) * apart - pad for taps, apart, pad in axis)) for axis in axes]
    out_size = tuple(-(-pixels // s) for pixels, s in zip(input_size, stride))
    span = tuple(pad + far + 1 for pad, far in zip(frame, reach))
    plan = plan_for(g_size, out_size, span, (1, 1), tuple(frame), (1, 1), longest)
    found = []
    for rows, down, top in axes[0]:
        for columns, right, left in axes[1]:
            at = [
                (i * down - top + frame[0]) * plan.pitch + j * right - left + frame[1]
                for i in range(len(rows))
                for j in range(len(columns))
            ]
            found.append(([i * kernel_size[1] + j for i in rows for j in columns], at))
    return plan, found


def conv2d_input(kind, g, weight, input_size, stride, padding, dilation, groups):
    """∂(Σ g·y)/∂x, of shape ``input_size``; ``kind`` "direct" for groups of few channels."""
    o, per_group, *kernel_size = weight.shape
    n, outputs = len(g), o // groups
    most = max(1, -(-kernel_size[0] // stride[0]) * -(-kernel_size[1] // stride[1]))
    longest = 1 if kind == "direct" else CHUNK // max(1, outputs * most, per_group * stride[1])
    plan, found = phases(g.shape[2:], input_size[2:], kernel_size, stride, padding, dilation, longest)
    most = max(len(taps) for taps, _ in found)
    turned = weight.reshape(groups, outputs, per_group, kernel_size[0] * kernel_size[1]).swapaxes(1, 2)
    by_phase = np.concatenate(
        [turned[..., taps].reshape(groups, outputs * per_group * len(taps)) for taps, _ in found], 1
    )
    by_phase = np.ascontiguousarray(by_phase)
    at = np.array([place for _, places in found for place in places], np.int64)
    ends = np.cumsum([0, *(len(taps) for taps, _ in found)])
    x, work = np.empty(input_size, g.dtype), g.size * per_group * kernel_size[0] * kernel_size[1] // AT_ONCE
    if kind == "direct":
        blocks = -(-groups // BLOCK)
        spread(few_items, n * blocks, work, g, by_phase, x, at, ends, *stride, blocks, plan)
    else:
        bands = bands_of(g, plan.p)
        spread(many_items, n * bands, work, g, by_phase, x, at, ends, most, *stride, bands, plan, blas=True)
    return x
