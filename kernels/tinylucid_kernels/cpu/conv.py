"""Convolution and its two gradients on all cores, for every stride, padding, dilation and group.

    y[n, o, p, q] = b[o] + Σ_{c,i,j} w[o, c, i, j] · x[n, c, p·s + i·d − pad, q·s + j·d − pad]

The textbook's im2col and a matrix product, on pictures laid out as in ``planes.py``, where a column of im2col is one straight
copy. All is done by chunks of some rows, so that columns and product stay in the core's own cache (L2). Compare
``reference/conv.py``: ``taps`` there is ``gather`` here. Groups with few channels go to ``direct.py``, large 3×3 convolutions
to ``winograd.py``: ``algorithm`` says which.

The gradient by the input is a convolution itself, of g with the flipped kernel; at a stride, ``strided.py``. (So a NaN among the
weights reaches pixels at the edge by 0 · NaN.)
"""

import os
from functools import cache

import numpy as np

from . import direct, strided, winograd
from .blas import matrix, product
from .jit import jit, moving, stay_apart
from .lanes import LANES, whole
from .planes import CHUNK, bands_of, gather, new_planes, offsets, pack, plan_for, put
from .threads import AT_ONCE, spread
from .vectors import release, scratch, transpose

FORCED = os.environ.get("TINYLUCID_CONV")
NEAR = 1 << 13  # elements of a matrix in L1: 32 KB of float32
PARTIAL = 1 << 20  # elements of the weight gradient's partial sums


@moving
def clear_gaps(cols, plan):
    """Zero the outputs that do not exist: their pixels may be NaN or inf, and 0 · inf is NaN."""
    stay_apart()
    for k in range(cols.shape[0]):
        for end in range(plan.q, cols.shape[1], plan.pitch):
            for t in range(end, min(end + plan.pitch - plan.q, cols.shape[1])):
                cols[k, t] = 0


@moving
def lay(g, plane, outputs, out, top, rows, plan):
    """out[·, o] = the rows of g[plane + o] from ``top``, ``pitch`` apart, pixels by outputs, as np.dot wants it; gaps are zeros already.

    g and out are flat."""
    stay_apart()
    for r in range(rows):
        first = (plane * plan.p + top + r) * plan.q
        transpose(g, first, plan.p * plan.q, outputs, plan.q, out, r * plan.pitch * outputs, outputs)


@jit(counted=False)
def forward_items(first, last, x, weight, bias, y, at, bands, plan):
    """Item (n, band): the output rows of one horizontal band of picture n. ``weight`` (groups, O/groups, taps)."""
    groups, outputs, taps = weight.shape
    channels, band = x.shape[1] // groups, (plan.p + bands - 1) // bands
    packed, planes = new_planes(x.shape[1], band, x, plan)
    room = scratch(x, taps * whole(plan.rows * plan.pitch))
    results = scratch(x, outputs * whole(plan.rows * plan.pitch))
    pixels, flat = x.reshape(-1), y.reshape(-1)
    for item in range(first, last):
        n, top = item // bands, item % bands * band
        bottom = min(plan.p, top + band)
        if bands > 1:
            planes[:] = 0  # other rows than in the band before lie outside the picture
        pack(pixels, n * x.shape[1], x.shape[1], planes, top, max(0, bottom - top), band, plan)
        for group in range(groups):
            mine = planes[group * channels : (group + 1) * channels]
            for row in range(top, bottom, plan.rows):
                rows = min(plan.rows, bottom - row)
                length = whole((rows - 1) * plan.pitch + plan.q)  # BLAS is a tenth faster; what is behind is left there
                cols, out = matrix(room, taps, length), matrix(results, outputs, length)
                gather(mine, at, (row - top) * plan.pitch, room, length)
                product(weight[group], cols, out, False)
                for o in range(outputs):
                    sums, shift = out[o], bias[group * outputs + o]
                    for t in range(length):
                        sums[t] += shift
                    place = ((n * y.shape[1] + group * outputs + o) * plan.p + row) * plan.q
                    put(sums, flat, place, rows, plan)
    release(results)
    release(room)
    release(packed)


@jit(counted=False)
def plain_items(first, last, x, weight, bias, y):
    """Item n, of a 1×1 convolution at stride 1: the picture is its own im2col. x (N, groups, C/groups, L)."""
    groups, outputs = weight.shape[:2]
    for n in range(first, last):
        for group in range(groups):
            out = y[n, group]
            product(weight[group], x[n, group], out, False)
            for o in range(outputs):
                row, shift = out[o], bias[group * outputs + o]
                for t in range(row.size):
                    row[t] += shift


@jit(counted=False)
def plain_weight_items(first, last, x, g, partial):
    """Item (slice, group): ∂w of a 1×1 convolution at stride 1, summed over a slice of the pictures; as plain_items.

    g (N, groups, O/groups, L) is laid out pixels by outputs, for so many pixels at a time that they stay in L1."""
    slices, groups, _, outputs = partial.shape
    pixels, flat = x.shape[3], g.reshape(-1)
    some = max(LANES, NEAR // outputs // LANES * LANES)
    room = scratch(x, some * outputs)
    for item in range(first, last):
        s, group = item // groups, item % groups
        total = partial[s, group]
        total[:] = 0
        for n in range(s * x.shape[0] // slices, (s + 1) * x.shape[0] // slices):
            for k in range(0, pixels, some):
                end = min(pixels, k + some)
                start = (n * groups + group) * outputs * pixels + k
                transpose(flat, start, pixels, outputs, end - k, room, 0, outputs)
                product(x[n, group, :, k:end], matrix(room, end - k, outputs), total, True)
    release(room)


@jit(counted=False)
def weight_items(first, last, x, g, partial, at, blocks, clear, plan):
    """Item (slice, group, block): ∂w of some channels, summed over a slice of the pictures.

    ``partial`` (slices, groups, blocks, taps, O/groups). ``clear``: there may be pixels that are not finite."""
    slices, groups, blocks, taps, outputs = partial.shape
    channels = x.shape[1] // (groups * blocks)
    packed, planes = new_planes(channels, plan.p, x, plan)
    room = scratch(x, taps * plan.rows * plan.pitch + LANES)
    gradient = scratch(x, outputs * plan.rows * plan.pitch)
    for t in range(gradient.size):
        gradient[t] = 0
    pixels, flat = x.reshape(-1), g.reshape(-1)
    for item in range(first, last):
        s, group, block = item // (groups * blocks), item // blocks % groups, item % blocks
        total = partial[s, group, block]
        total[:] = 0
        start = (group * blocks + block) * channels
        for n in range(s * x.shape[0] // slices, (s + 1) * x.shape[0] // slices):
            pack(pixels, n * x.shape[1] + start, channels, planes, 0, plan.p, plan.p, plan)
            for row in range(0, plan.p, plan.rows):
                rows = min(plan.rows, plan.p - row)
                length = (rows - 1) * plan.pitch + plan.q
                cols, upstream = matrix(room, taps, length), matrix(gradient, length, outputs)
                gather(planes, at, row * plan.pitch, room, length)
                if clear:
                    clear_gaps(cols, plan)
                lay(flat, n * g.shape[1] + group * outputs, outputs, gradient, row, rows, plan)
                product(cols, upstream, total, True)
    release(gradient)
    release(room)
    release(packed)


def pieces(count, least, most):
    """Into how many equal parts to split ``most`` channels or rows so that, times ``count``, there are 16 items or more."""
    wanted = min(most, max(least, -(-16 // max(1, count))))
    return next(k for k in range(wanted, most + 1) if most % k == 0) if most else 1


@cache
def fastest(weight_size, stride, padding, dilation, groups, dtype, places):
    """The rule: which kernel computes a convolution of so many ``places`` (outputs of a channel) the fastest."""
    o, per_group, *kernel_size = weight_size
    size = per_group, o // groups, kernel_size, places
    if direct.suits(*size):
        return "direct"
    able = winograd.able(kernel_size, stride, padding, dilation, dtype)
    return "winograd" if able and winograd.suits(*size) else "general"


def algorithm(weight_size, stride, padding, dilation, groups, dtype, places):
    """Which kernel computes a convolution and its gradients: "direct", "winograd" or "general": the fastest.

    TINYLUCID_CONV in the environment overrides it, where that kernel can compute it at all; ValueError for another name."""
    if FORCED is None:
        return fastest(weight_size, stride, padding, dilation, groups, dtype, places)
    if FORCED not in ("direct", "winograd", "general"):
        raise ValueError(
            f"TINYLUCID_CONV: expected direct, winograd or general, got {FORCED!r}; unset it to have the fastest"
        )
    able = winograd.able(weight_size[2:], stride, padding, dilation, dtype)
    return "general" if FORCED == "winograd" and not able else FORCED


def is_plain(kernel_size, stride, padding):
    """Whether pictures are their own im2col."""
    return list(kernel_size) == [1, 1] and stride == (1, 1) and padding == (0, 0)


def run(kind, x, weight, bias, out_size, stride, padding, dilation, groups):
    """y of that size, by the direct or the general kernel; ``padding`` may be negative."""
    n, _, h, w = x.shape
    o, per_group, *kernel_size = weight.shape
    y, how = np.empty((n, o, *out_size), x.dtype), ((h, w), out_size, tuple(kernel_size), stride, padding, dilation)
    if kind == "direct":
        direct.conv2d(x, weight, bias, y, plan_for(*how, 1), groups)
        return y
    taps, outputs = per_group * kernel_size[0] * kernel_size[1], o // groups
    by_group = np.ascontiguousarray(weight).reshape(groups, outputs, taps)
    work = y.size * taps // AT_ONCE
    if is_plain(kernel_size, stride, padding):
        pictures, results = x.reshape(n, groups, per_group, h * w), y.reshape(n, groups, outputs, h * w)
        spread(plain_items, n, work, pictures, by_group, bias, results, blas=True)
        return y
    plan, bands = plan_for(*how, CHUNK // taps), bands_of(x, out_size[0])
    at = offsets(-(-out_size[0] // bands), plan)
    spread(forward_items, n * bands, work, x, by_group, bias, y, at, bands, plan, blas=True)
    return y


def conv2d(x, weight, bias, stride, padding, dilation, groups):
    """y (N, O, P, Q) of the formula above; ``bias`` (O,) or None."""
    n, _, h, w = x.shape
    o, _, kh, kw = weight.shape
    p = (h + 2 * padding[0] - dilation[0] * (kh - 1) - 1) // stride[0] + 1
    q = (w + 2 * padding[1] - dilation[1] * (kw - 1) - 1) // stride[1] + 1
    bias = np.zeros(o, x.dtype) if bias is None else bias
    if not weight.size:  # no channel in or out
        return np.zeros((n, o, p, q), x.dtype) + bias[:, None, None]
    kind = algorithm(weight.shape, stride, padding, dilation, groups, x.dtype, n * p * q)
    if kind == "winograd":
        y = winograd.conv2d(x, weight, bias, padding, groups)
        if y is not None:
            return y
    return run(kind, x, weight, bias, (p, q), stride, padding, dilation, groups)


def conv2d_input(g, weight, input_size, stride, padding, dilation, groups):
    """∂(Σ g·y)/∂x, of shape ``input_size``: at stride 1 the convolution of g with the kernel turned half a circle."""
    n, c, *size = input_size
    if not weight.size:
        return np.zeros(input_size, g.dtype)
    o, per_group, *kernel_size = weight.shape
    turned_size = (c, o // groups, *kernel_size)  # it computes the channels in from those out
    kind = algorithm(turned_size, stride, padding, dilation, groups, g.dtype, n * size[0] * size[1])
    if kind == "winograd":
        x = winograd.conv2d_input(g, weight, input_size, padding, groups)
        if x is not None:
            return x
    if stride != (1, 1):
        return strided.conv2d_input(kind, g, weight, input_size, stride, padding, dilation, groups)
    turned = weight[:, :, ::-1, ::-1].reshape(groups, o // groups, per_group, *kernel_size).swapaxes(1, 2)
    turned = turned.reshape(turned_size)
    frame = tuple(d * (k - 1) - pad for k, pad, d in zip(kernel_size, padding, dilation))
    return run(kind, g, turned, np.zeros(c, g.dtype), tuple(size), stride, frame, dilation, groups)


def conv2d_weight(x, g, weight_size, stride, padding, dilation, groups):
    """∂(Σ g·y)/∂w, of shape ``weight_size``: the pixels under each output place, weighted by its gradient."""
    n, _, *size = x.shape
    if 0 in weight_size:
        return np.zeros(weight_size, x.dtype)
    kind = algorithm(weight_size, stride, padding, dilation, groups, x.dtype, g.size // weight_size[0])
    if kind == "winograd":
        gw = winograd.conv2d_weight(x, g, weight_size, padding, groups)
        if gw is not None:
            return gw
    o, per_group, *kernel_size = weight_size
    how = tuple(size), g.shape[2:], tuple(kernel_size), stride, padding, dilation
    if kind == "direct":
        return direct.conv2d_weight(x, g, weight_size, plan_for(*how, 1), groups)
    taps, outputs = per_group * kernel_size[0] * kernel_size[1], o // groups
    slices = max(1, min(n, 16, PARTIAL // (o * taps)))
    if is_plain(kernel_size, stride, padding):
        partial = np.empty((slices, groups, per_group, outputs), x.dtype)
        pixels = size[0] * size[1]
        pictures = x.reshape(n, groups, per_group, pixels), g.reshape(n, groups, outputs, pixels)
        spread(plain_weight_items, slices * groups, g.size * taps // AT_ONCE, *pictures, partial, blas=True)
        return partial.sum(0).swapaxes(1, 2).reshape(weight_size)
    blocks = pieces(slices * groups, per_group * size[0] * size[1] // (4 * CHUNK), per_group)
    plan = plan_for(*how, CHUNK // max(1, taps // blocks, outputs))
    partial, at = np.empty((slices, groups, blocks, taps // blocks, outputs), x.dtype), offsets(plan.p, plan)
    for clear in (False, True):
        spread(
            weight_items,
            slices * groups * blocks,
            g.size * taps // AT_ONCE,
            x,
            g,
            partial,
            at,
            blocks,
            clear,
            plan,
            blas=True,
        )
        gw = partial.sum(0).transpose(0, 3, 1, 2).reshape(weight_size)
        if np.isfinite(gw).all():
            break
    return gw
