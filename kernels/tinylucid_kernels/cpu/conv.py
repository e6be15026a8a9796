"""Convolution and its two gradients on all cores, for every stride, padding, dilation and group.

    y[n, o, p, q] = b[o] + Σ_{c,i,j} w[o, c, i, j] · x[n, c, p·s + i·d − pad, q·s + j·d − pad]

The textbook's im2col and a matrix product, on pictures laid out so that im2col is cheap. Rows of the padded picture lie
one after the other in a flat *plane*, so the pixels that tap (i, j) wants for output 0, 1, 2, … stand side by
side, ``offset(i, j)`` further on: a column of im2col is one straight copy. With stride s there are s·s planes,
of every s-th pixel, and the same holds in each. At the end of a row a copy runs on into the next, which yields
a few outputs that do not exist (the *gaps*): they are dropped, and made zero where they would be summed. With three
columns, padding 1 and a kernel of 3, a row's last zero is the next row's first (``full`` is 5, ``pitch`` 4):

    plane        0 a b c 0 d e f 0 …
    tap j = 0    0 a b · 0 d e ·        from offset 0; · is a gap
    tap j = 2    b c 0 · e f 0 ·        from offset 2

All is done by chunks of some rows, so that columns and product stay in the core's own cache (L2). Compare
``reference/conv.py``: ``taps`` there is ``gather`` here. Depthwise convolutions are computed by ``depthwise.py``, large 3×3
ones by ``winograd.py``.
"""

from typing import NamedTuple

import numpy as np

from . import depthwise, winograd
from .jit import inlined, jit
from .threads import spread

CHUNK = 1 << 16  # elements of im2col at a time: 256 KiB of float32
PRODUCT = 1_000_000  # multiplications of one matrix product: up to here OpenBLAS packs nothing, and is 1.5 × as fast
PARTIAL = 1 << 22  # elements of the weight gradient's partial sums


class Plan(NamedTuple):
    """What the loops need to know, all integers: the convolution, the picture, and how it is laid out."""

    kh: int
    kw: int
    sh: int  # stride
    sw: int
    ph: int  # padding
    pw: int
    dh: int  # dilation
    dw: int
    h: int  # picture
    w: int
    p: int  # outputs
    q: int
    pitch: int  # from one row of a plane to the next
    full: int  # columns of a plane that taps reach; the last full − pitch are zeros shared with the next row's first
    rows: int  # output rows in a chunk


def plan_for(size, out_size, kernel_size, stride, padding, dilation, taps, outputs):
    """The Plan of a convolution whose matrix product has ``taps`` columns and ``outputs`` rows."""
    (h, w), (p, q), (kh, kw) = size, out_size, kernel_size
    (sh, sw), (ph, pw), (dh, dw) = stride, padding, dilation
    full = q + (kw - 1) * dw // sw
    after = full - -(-(w + pw) // sw)  # columns of nothing but zeros at the right end of a row …
    pitch = full - max(0, min(after, pw // sw, full - q))  # … may be those at the left end of the next
    taps = max(1, taps)
    wanted = min(CHUNK // taps, PRODUCT // (taps * outputs))
    return Plan(kh, kw, sh, sw, ph, pw, dh, dw, h, w, p, q, pitch, full, min(p, max(1, wanted // pitch)))


@inlined
def plane_rows(rows, plan):
    """How many rows of a plane the taps of ``rows`` output rows reach."""
    return rows + (plan.kh - 1) * plan.dh // plan.sh


@inlined
def new_planes(channels, rows, dtype_of, plan):
    """Room for the planes of so many channels, for ``rows`` output rows: (channels, sh·sw, elements)."""
    size = (plane_rows(rows, plan) - 1) * plan.pitch + plan.full
    return np.empty((channels, plan.sh * plan.sw, size), dtype_of.dtype)


@inlined
def pack(x, planes, top, rows, plan):
    """planes[c, a·sw + b, r·pitch + v] = padded x[c, (top + r)·sh + a, v·sw + b]: a row is one strided copy."""
    planes[:] = 0
    for c in range(x.shape[0]):
        for a in range(plan.sh):
            for r in range(plane_rows(rows, plan)):
                row = (top + r) * plan.sh + a - plan.ph
                if 0 <= row < plan.h:
                    for b in range(plan.sw):
                        first = max(0, (plan.pw - b + plan.sw - 1) // plan.sw)
                        count = min(plan.full, (plan.w - 1 + plan.pw - b) // plan.sw + 1) - first
                        source = x[c, row, first * plan.sw + b - plan.pw :]
                        target = planes[c, a * plan.sw + b, r * plan.pitch + first :]
                        for v in range(count):
                            target[v] = source[v * plan.sw]


@inlined
def unpack(planes, x, plan):
    """The adjoint of pack for the whole picture: x[c, row, col] = the plane's element that stands for it."""
    for c in range(x.shape[0]):
        for a in range(plan.sh):
            for r in range(plane_rows(plan.p, plan)):
                row = r * plan.sh + a - plan.ph
                if 0 <= row < plan.h:
                    for b in range(plan.sw):
                        first = max(0, (plan.pw - b + plan.sw - 1) // plan.sw)
                        count = min(plan.full, (plan.w - 1 + plan.pw - b) // plan.sw + 1) - first
                        target = x[c, row, first * plan.sw + b - plan.pw :]
                        source = planes[c, a * plan.sw + b, r * plan.pitch + first :]
                        for v in range(count):
                            target[v * plan.sw] = source[v]


@inlined
def offset(i, j, plan):
    """Where tap (i, j) finds the pixel of output 0: which plane, and how far into it."""
    i, j = i * plan.dh, j * plan.dw
    return i % plan.sh * plan.sw + j % plan.sw, i // plan.sh * plan.pitch + j // plan.sw


@inlined
def gather(planes, cols, start, plan):
    """im2col: cols[k] = the pixels of tap k = (c, i, j) for the outputs from ``start``; straight copies, so SIMD."""
    k = 0
    for c in range(planes.shape[0]):
        for i in range(plan.kh):
            for j in range(plan.kw):
                plane, shift = offset(i, j, plan)
                source, target = planes[c, plane, shift + start :], cols[k]
                for t in range(target.size):
                    target[t] = source[t]
                k += 1


@inlined
def scatter(cols, planes, start, plan):
    """The adjoint of gather: where windows overlap, contributions add."""
    k = 0
    for c in range(planes.shape[0]):
        for i in range(plan.kh):
            for j in range(plan.kw):
                plane, shift = offset(i, j, plan)
                target, source = planes[c, plane, shift + start :], cols[k]
                for t in range(source.size):
                    target[t] += source[t]
                k += 1


@inlined
def clear_gaps(cols, plan):
    """Zero the outputs that do not exist: their pixels may be NaN or inf, and 0 · inf is NaN."""
    for k in range(cols.shape[0]):
        for end in range(plan.q, cols.shape[1], plan.pitch):
            for t in range(end, min(end + plan.pitch - plan.q, cols.shape[1])):
                cols[k, t] = 0


@inlined
def lay(g, rows, top, plan):
    """rows[o] = the rows of g[o] from ``top``, each ``pitch`` long, with zeros in the gaps."""
    for o in range(g.shape[0]):
        for r in range((rows.shape[1] + plan.pitch - 1) // plan.pitch):
            source, target = g[o, top + r], rows[o, r * plan.pitch :]
            for q in range(plan.q):
                target[q] = source[q]
            for q in range(plan.q, min(plan.pitch, target.size)):
                target[q] = 0


@inlined
def lay_columns(g, rows, top, plan):
    """The same transposed, rows[·, o]: BLAS multiplies (taps × L) @ (L × O) half as fast again as with the transpose of g."""
    for o in range(g.shape[0]):
        for r in range((rows.shape[0] + plan.pitch - 1) // plan.pitch):
            source, target = g[o, top + r], rows[r * plan.pitch :]
            for q in range(plan.q):
                target[q, o] = source[q]
            for q in range(plan.q, min(plan.pitch, target.shape[0])):
                target[q, o] = 0


@inlined
def matrix(room, rows, columns):
    """The first rows·columns elements of a flat array as a matrix: last chunks are shorter than the others."""
    return room[: rows * columns].reshape(rows, columns)


@jit
def forward_items(first, last, x, weight, bias, y, bands, plan):
    """Item (n, band): the output rows of one horizontal band of picture n. ``weight`` (groups, O/groups, taps)."""
    groups, outputs, taps = weight.shape
    channels, band = x.shape[1] // groups, (plan.p + bands - 1) // bands
    planes = new_planes(x.shape[1], band, x, plan)
    room = np.empty(taps * plan.rows * plan.pitch, x.dtype)
    product = np.empty(outputs * plan.rows * plan.pitch, x.dtype)
    for item in range(first, last):
        n, top = item // bands, item % bands * band
        bottom = min(plan.p, top + band)
        pack(x[n], planes, top, max(0, bottom - top), plan)
        for group in range(groups):
            for row in range(top, bottom, plan.rows):
                rows = min(plan.rows, bottom - row)
                length = (rows - 1) * plan.pitch + plan.q
                out = matrix(product, outputs, length)
                mine = planes[group * channels : (group + 1) * channels]
                start = (row - top) * plan.pitch
                cols = matrix(room, taps, length)
                gather(mine, cols, start, plan)
                np.dot(weight[group], cols, out)
                for o in range(outputs):
                    shift = bias[group * outputs + o]
                    for r in range(rows):
                        source, target = out[o, r * plan.pitch :], y[n, group * outputs + o, row + r]
                        for q in range(plan.q):
                            target[q] = source[q] + shift


@jit
def input_items(first, last, g, weight, x, blocks, plan):
    """Item (n, block): ∂x of some channels of picture n, by the adjoint steps in reverse. ``weight`` (groups, taps, O/groups)."""
    groups, taps, outputs = weight.shape
    channels = x.shape[1] // (groups * blocks)
    taps //= blocks
    planes = new_planes(channels, plan.p, x, plan)
    room = np.empty(taps * plan.rows * plan.pitch, x.dtype)
    gradient = np.empty(outputs * plan.rows * plan.pitch, x.dtype)
    for item in range(first, last):
        n, group, block = item // (groups * blocks), item // blocks % groups, item % blocks
        planes[:] = 0
        mine = g[n, group * outputs : (group + 1) * outputs]
        filters = weight[group, block * taps : (block + 1) * taps]
        for row in range(0, plan.p, plan.rows):
            length = (min(plan.rows, plan.p - row) - 1) * plan.pitch + plan.q
            upstream, cols = matrix(gradient, outputs, length), matrix(room, taps, length)
            lay(mine, upstream, row, plan)
            np.dot(filters, upstream, cols)
            clear_gaps(cols, plan)
            scatter(cols, planes, row * plan.pitch, plan)
        start = (group * blocks + block) * channels
        unpack(planes, x[n, start : start + channels], plan)


@jit
def weight_items(first, last, x, g, partial, blocks, plan):
    """Item (slice, group, block): ∂w of some channels, summed over a slice of the pictures.

    ``partial`` (slices, groups, blocks, taps, O/groups)."""
    slices, groups, blocks, taps, outputs = partial.shape
    channels = x.shape[1] // (groups * blocks)
    planes = new_planes(channels, plan.p, x, plan)
    room = np.empty(taps * plan.rows * plan.pitch, x.dtype)
    gradient = np.empty(outputs * plan.rows * plan.pitch, x.dtype)
    product = np.empty((taps, outputs), x.dtype)
    for item in range(first, last):
        s, group, block = item // (groups * blocks), item // blocks % groups, item % blocks
        total = partial[s, group, block]
        total[:] = 0
        start = (group * blocks + block) * channels
        for n in range(s * x.shape[0] // slices, (s + 1) * x.shape[0] // slices):
            pack(x[n, start : start + channels], planes, 0, plan.p, plan)
            mine = g[n, group * outputs : (group + 1) * outputs]
            for row in range(0, plan.p, plan.rows):
                length = (min(plan.rows, plan.p - row) - 1) * plan.pitch + plan.q
                cols = matrix(room, taps, length)
                gather(planes, cols, row * plan.pitch, plan)
                clear_gaps(cols, plan)
                if taps > 2 * outputs:  # worth the strided writes
                    across = matrix(gradient, length, outputs)
                    lay_columns(mine, across, row, plan)
                    np.dot(cols, across, product)
                else:
                    upstream = matrix(gradient, outputs, length)
                    lay(mine, upstream, row, plan)
                    np.dot(cols, upstream.T, product)
                total += product


def pieces(count, least, most):
    """Into how many equal parts to split ``most`` channels or rows so that, times ``count``, there are 16 items or more."""
    wanted = min(most, max(least, -(-16 // max(1, count))))
    return next(k for k in range(wanted, most + 1) if most % k == 0) if most else 1


def conv2d(x, weight, bias, stride, padding, dilation, groups):
    """y (N, O, P, Q) of the formula above; ``bias`` (O,) or None."""
    n, c, *size = x.shape
    o, per_group, *kernel_size = weight.shape
    out_size = [
        (k + 2 * pad - d * (taps - 1) - 1) // s + 1
        for k, taps, s, pad, d in zip(size, kernel_size, stride, padding, dilation)
    ]
    bias = np.zeros(o, x.dtype) if bias is None else bias
    if depthwise.suits(weight.shape, groups):
        return depthwise.conv2d(x, weight, bias, np.empty((n, o, *out_size), x.dtype), stride, padding, dilation)
    if winograd.suits(weight.shape, stride, padding, dilation, groups, x.dtype):
        y = winograd.conv2d(x, weight, bias, padding)
        if y is not None:
            return y
    taps, outputs = per_group * kernel_size[0] * kernel_size[1], o // groups
    y = np.empty((n, o, *out_size), x.dtype)
    plan = plan_for(size, out_size, kernel_size, stride, padding, dilation, taps, outputs)
    bands = min(out_size[0], max(-(-8 // max(1, n)), c * size[0] * size[1] // (2 * CHUNK)))
    by_group = weight.reshape(groups, outputs, taps)
    spread(forward_items, n * bands, y.size * taps, x, by_group, bias, y, max(1, bands), plan, blas=True)
    return y


def conv2d_input(g, weight, input_size, stride, padding, dilation, groups):
    """∂(Σ g·y)/∂x, of shape ``input_size``: each output's gradient spread over the pixels it was computed from."""
    if depthwise.suits(weight.shape, groups):
        return depthwise.conv2d_input(g, weight, input_size, stride, padding, dilation)
    if winograd.suits(weight.shape, stride, padding, dilation, groups, g.dtype):
        x = winograd.conv2d_input(g, weight, input_size, padding)
        if x is not None:
            return x
    n, _, *size = input_size
    o, per_group, *kernel_size = weight.shape
    taps, outputs = per_group * kernel_size[0] * kernel_size[1], o // groups
    blocks = pieces(n * groups, per_group * size[0] * size[1] // CHUNK, per_group)
    plan = plan_for(size, g.shape[2:], kernel_size, stride, padding, dilation, taps // blocks, outputs)
    x = np.zeros(input_size, g.dtype)
    transposed = np.ascontiguousarray(weight.reshape(groups, outputs, taps).swapaxes(1, 2))
    spread(input_items, n * groups * blocks, g.size * taps, g, transposed, x, blocks, plan, blas=True)
    return x


def conv2d_weight(x, g, weight_size, stride, padding, dilation, groups):
    """∂(Σ g·y)/∂w, of shape ``weight_size``: the pixels under each output place, weighted by its gradient."""
    if depthwise.suits(weight_size, groups):
        return depthwise.conv2d_weight(x, g, weight_size, stride, padding, dilation)
    if winograd.suits(weight_size, stride, padding, dilation, groups, x.dtype):
        gw = winograd.conv2d_weight(x, g, weight_size, padding)
        if gw is not None:
            return gw
    n, _, *size = x.shape
    o, per_group, *kernel_size = weight_size
    taps, outputs = per_group * kernel_size[0] * kernel_size[1], o // groups
    slices = max(1, min(n, 16, PARTIAL // (o * taps)))
    blocks = pieces(slices * groups, per_group * size[0] * size[1] // CHUNK, per_group)
    plan = plan_for(size, g.shape[2:], kernel_size, stride, padding, dilation, taps // blocks, outputs)
    partial = np.empty((slices, groups, blocks, taps // blocks, outputs), x.dtype)
    spread(weight_items, slices * groups * blocks, g.size * taps, x, g, partial, blocks, plan, blas=True)
    return partial.sum(0).transpose(0, 3, 1, 2).reshape(weight_size)
