"""Losses of logits, and their gradients: softmax cross-entropy, and the logistic loss of yes and no.

    p = softmax(z);   loss = −Σ_c q[c] · log p[c],   q[c] = w[c] · ((1−ε)·[c = target] + ε/C)

What makes it fast: what is read once from memory stays in the first cache for its few passes, and exp and log are polynomials,
so that SIMD computes 16 of them at a time; the C library's cost 2 ns each.
"""

import math

import numpy as np

from .jit import inlined, jit
from .threads import spread

ROWS = 16  # rows of logits an item
RUN = 1 << 12  # elements an item of the logistic loss
PIXELS = 512  # pixels an item, so that some numbers for each stay in the first cache


@inlined
def is_single(kind):
    """Whether ``kind`` is float32: LLVM computes it when it compiles, and leaves the other branch out."""
    return kind(1) + kind(1e-9) == kind(1)


@inlined
def exp_below(x):
    """eˣ for x ≤ 0; 0 where it would be denormal; NaN for NaN.

    eˣ = 2ⁿ·eʳ with n whole and |r| ≤ log(2)/2. eʳ is its Taylor polynomial, 2ⁿ is written into a float's exponent. Wrong by
    at most a unit or two in the last place, and as many more as n·log 2 loses in rounding: 4 at e⁻⁸⁷, 200 at e⁻⁷⁰⁰.
    """
    kind = type(x)
    low = kind(-87.3) if is_single(kind) else kind(-708.3)
    n = np.floor(x * kind(1.4426950408889634) + kind(0.5)) if x >= low else kind(0)
    r = x - n * kind(0.6931471805599453)
    y = kind(0)
    if not is_single(kind):  # terms beyond float32
        y = y * r + kind(1 / 6227020800)
        y = y * r + kind(1 / 479001600)
        y = y * r + kind(1 / 39916800)
        y = y * r + kind(1 / 3628800)
        y = y * r + kind(1 / 362880)
        y = y * r + kind(1 / 40320)
    y = y * r + kind(1 / 5040)
    y = y * r + kind(1 / 720)
    y = y * r + kind(1 / 120)
    y = y * r + kind(1 / 24)
    y = y * r + kind(1 / 6)
    y = y * r + kind(1 / 2)
    y = y * r + kind(1)
    y = y * r + kind(1)
    if is_single(kind):
        power = kind(np.int32((np.int32(n) + 127) << 23).view(np.float32))
    else:
        power = kind(np.int64((np.int64(n) + 1023) << 52).view(np.float64))
    return kind(0) if x < low else y * power


@inlined
def artanh(s):
    """½·log((1 + s)/(1 − s)) for |s| ≤ ⅓, by its series s + s³/3 + s⁵/5 + …"""
    kind = type(s)
    q, y = s * s, kind(0)
    for k in range(7 if is_single(kind) else 16, -1, -1):
        y = y * q + kind(1) / kind(2 * k + 1)
    return s * y


@inlined
def log_above(x):
    """log x for finite x ≥ 1, to 3 units in the last place; NaN for NaN: x = 2ⁿ·m with n whole and m from √½ to √2."""
    kind = type(x)
    if is_single(kind):
        bits = np.float32(x).view(np.int32)
        n, m = kind((bits >> 23) - 127), kind(np.int32((bits & 0x7FFFFF) | 0x3F800000).view(np.float32))
    else:
        long = np.float64(x).view(np.int64)
        n, m = kind((long >> 52) - 1023), kind(np.int64((long & (2**52 - 1)) | 1023 << 52).view(np.float64))
    n, m = (n + kind(1), m * kind(0.5)) if m > kind(1.4142135) else (n, m)
    y = artanh((m - kind(1)) / (m + kind(1)))
    return n * kind(0.6931471805599453) + kind(2) * y if x == x else x


@inlined
def largest(z):
    """The largest of z, by four chains of comparisons, as each waits for the one before."""
    a = b = c = d = z[0]
    fours = z.size // 4
    for k in range(fours):
        a = z[4 * k] if z[4 * k] > a else a
        b = z[4 * k + 1] if z[4 * k + 1] > b else b
        c = z[4 * k + 2] if z[4 * k + 2] > c else c
        d = z[4 * k + 3] if z[4 * k + 3] > d else d
    for k in range(4 * fours, z.size):
        a = z[k] if z[k] > a else a
    a, c = b if b > a else a, d if d > c else c
    return c if c > a else a


@jit
def row_items(first, last, logits, target, weight, share, rest, ignored, loss, slope, flat):
    """Item k: ROWS rows' losses, and p·Σ_c q − q in slope, with q = weight·(rest·[c = target] + share); 0 for ``ignored``.

    exp goes over all of them at once, in ``flat``, the memory of slope: a row of ten classes alone is too short for SIMD.
    """
    zero, classes = logits.dtype.type(0), logits.shape[1]
    for begin in range(first * ROWS, min(last * ROWS, len(logits)), ROWS):
        end = min(begin + ROWS, len(logits))
        for m in range(begin, end):
            z, out = logits[m], slope[m]
            loss[m] = top = largest(z)  # it waits there for the third loop
            for c in range(classes):
                out[c] = z[c] - top  # the largest exponent is 0: no overflow
        some = flat[begin * classes : end * classes]
        for k in range(some.size):
            some[k] = exp_below(some[k])
        for m in range(begin, end):
            z, out, label, top, total, wanted, found = logits[m], slope[m], target[m], loss[m], zero, zero, zero
            for c in range(classes):
                total += out[c]
            counts = label != ignored
            if counts:
                wanted = weight[label] * rest
                found = wanted * (z[label] - top) if wanted != zero else zero
            for c in range(classes if share != zero else 0):
                q = weight[c] * share
                wanted += q
                found += q * (z[c] - top) if q != zero else zero  # a −inf that nobody wants costs nothing
            cost = wanted * np.log(total) if wanted != zero else zero
            loss[m] = cost - found if counts else zero
            by = wanted / total
            for c in range(classes):
                tilt = out[c] * by - weight[c] * share
                out[c] = tilt if counts else zero
            if counts:
                out[label] -= weight[label] * rest


@jit
def pixel_items(first, last, logits, target, weight, share, rest, ignored, loss, slope, _):
    """Item (n, k): the same for PIXELS neighbours of picture n, logits (N, C, L): SIMD goes along them, class by class."""
    zero, classes, pixels = logits.dtype.type(0), logits.shape[1], logits.shape[2]
    runs, room, at = -(-pixels // PIXELS), np.empty((4, PIXELS), logits.dtype), np.empty(PIXELS, np.int32)
    tops, totals, wanted, found = room[0], room[1], room[2], room[3]
    for item in range(first, last):
        n, begin = item // runs, item % runs * PIXELS
        here, size = slice(begin, begin + PIXELS), min(PIXELS, pixels - begin)
        labels, z = target[n, here], logits[n, 0, here]
        for j in range(size):
            at[j] = labels[j] if labels[j] != ignored else -1
            tops[j], totals[j], wanted[j], found[j] = z[j], zero, zero, zero
        for c in range(1, classes):
            z = logits[n, c, here]
            for j in range(size):
                tops[j] = z[j] if z[j] > tops[j] else tops[j]
        for c in range(classes):
            z, p, q, label_q = logits[n, c, here], slope[n, c, here], weight[c] * share, weight[c] * (share + rest)
            for j in range(size):
                p[j] = exp_below(z[j] - tops[j])
                totals[j] += p[j]
            for j in range(size):
                goal = label_q if at[j] == c else q
                wanted[j] += goal
                found[j] += goal * (z[j] - tops[j]) if goal != zero else zero
        out = loss[n, here]
        for j in range(size):
            cost = wanted[j] * log_above(totals[j]) if wanted[j] != zero else zero
            out[j] = cost - found[j] if at[j] >= 0 else zero
            totals[j] = wanted[j] / totals[j]
        for c in range(classes):
            p, q, label_q = slope[n, c, here], weight[c] * share, weight[c] * (share + rest)
            for j in range(size):
                tilt = p[j] * totals[j] - (label_q if at[j] == c else q)
                p[j] = tilt if at[j] >= 0 else zero


@jit
def logistic_items(first, last, x, target, parts):
    """Item k: the sum of RUN elements' −t·log σ(x) − (1 − t)·log σ(−x), where −log σ(−x) = max(x, 0) + log(1 + e^−|x|).

    Two sums, since LLVM would make t·a + (1 − t)·b one multiplication, b + t·(a − b): NaN where b is infinite and t is 0."""
    kind = x.dtype.type
    zero, one, two = kind(0), kind(1), kind(2)
    for k in range(first, last):
        z, t, yes, no = x[k * RUN : (k + 1) * RUN], target[k * RUN : (k + 1) * RUN], zero, zero
        for i in range(z.size):
            e = exp_below(-abs(z[i]))
            log1p = two * artanh(e / (two + e))
            yes += t[i] * ((zero if z[i] > zero else -z[i]) + log1p)
            no += (one - t[i]) * ((zero if z[i] < zero else z[i]) + log1p)
        parts[k] = yes + no


@jit
def logistic_backward_items(first, last, g, x, target, gx):
    """Item k: RUN elements of g·(σ(x) − t), g a number."""
    one = x.dtype.type(1)
    here = slice(first * RUN, last * RUN)
    x, target, gx = x[here], target[here], gx[here]
    for i in range(x.size):
        e = exp_below(-abs(x[i]))
        gx[i] = g * ((one if x[i] > x.dtype.type(0) else e) / (one + e) - target[i])


def cross_entropy(logits, target, weight, ignore_index, label_smoothing):
    """loss like target (N, …), and its gradient p·Σ_c q − q like logits (N, C, …). ``ignore_index`` None: every row counts."""
    n, classes, pixels = len(logits), logits.shape[1], math.prod(logits.shape[2:])
    kind, ignored = logits.dtype.type, -(2**62) if ignore_index is None else ignore_index
    weight = np.ones(classes, kind) if weight is None else weight
    loss, slope = np.empty(target.shape, kind), np.empty_like(logits)
    how = weight, kind(label_smoothing / classes), kind(1 - label_smoothing), ignored
    target = target.astype(np.int64, copy=False)
    places = (n,) if pixels == 1 else (n, pixels)
    shape = (n, classes, *places[1:])
    body, items = (row_items, -(-n // ROWS)) if pixels == 1 else (pixel_items, n * -(-pixels // PIXELS))
    arrays = logits.reshape(shape), target.reshape(places), *how, loss.reshape(places), slope.reshape(shape)
    spread(body, items, 8 * logits.size, *arrays, slope.ravel())
    return loss, slope


@jit
def label_items(first, last, target, weight, found, classes, ignored):
    """Item k: RUN labels; found[k] = Σ weight[label] of those that count (1 each where weight is empty), the place of the first that
    is no class (−1: there is none), how many are ignored.
    """
    for item in range(first, last):
        total, wrong, skipped = 0.0, -1, 0
        for k in range(item * RUN, min((item + 1) * RUN, target.size)):
            label = np.int64(target[k])
            if label == ignored:
                skipped += 1
            elif 0 <= label < classes:
                total += weight[label] if weight.size else 1.0
            elif wrong < 0:
                wrong = k
        found[item, 0], found[item, 1], found[item, 2] = total, wrong, skipped


def label_weight(target, weight, classes, ignore_index, dtype):
    """Three numbers: Σ weight[target] of the labels that count, by which a mean divides, of ``dtype``; the place of the first label that is
    no class, −1 if all are; how many are ignored. ``weight`` (classes,), or None: 1 each.
    """
    flat, found = target.reshape(-1).astype(np.int64, copy=False), np.empty((-(-target.size // RUN), 3))
    weight = np.empty(0, dtype) if weight is None else weight
    spread(label_items, len(found), 2 * target.size, flat, weight, found, int(classes), int(ignore_index))
    wrong = found[found[:, 1] >= 0, 1]
    return dtype.type(found[:, 0].sum()), np.int64(wrong[0] if wrong.size else -1), np.int64(found[:, 2].sum())


def logistic_loss(x, target):
    """−Σ t·log σ(x) + (1 − t)·log σ(−x) over all elements, a number: how wrong σ(x) is as the probability of yes, t."""
    parts = np.empty(-(-x.size // RUN), x.dtype)
    spread(logistic_items, parts.size, 3 * x.size, x.ravel(), target.ravel(), parts)
    return np.add.reduce(parts)


def logistic_loss_backward(g, x, target):
    """Its gradient, g·(σ(x) − t), like x; g is of one element."""
    gx = np.empty_like(x)
    arrays = x.dtype.type(g.item()), x.ravel(), target.ravel(), gx.ravel()
    spread(logistic_backward_items, -(-x.size // RUN), 3 * x.size, *arrays)
    return gx
