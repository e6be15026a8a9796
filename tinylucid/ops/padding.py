"""Padding: a frame around the last axes, of a constant, or of the tensor's own elements, taken again by an index an axis."""

import math

import numpy as np
from tinylucid_kernels import of

from .. import devices
from ..scopes import here
from ..tensor import operation
from .indexing import _take
from .shape import clone, tensor_like


@operation
def _pad(x, *, widths, value):
    """y = x in a frame of ``value``;  ∂x = g without the frame."""
    return np.pad(x, widths, constant_values=value)


@_pad.rule
def _(g, shapes, widths):
    return _take(g, index=tuple(slice(before, before + n) for (before, _), n in zip(widths, shapes[0])))


@operation
def _pick(x, *, index, axis):
    """y = x[…, index, …] along the axis;  ∂x = each g added where its element was taken."""
    return x.take(index, axis)


@_pick.rule
def _(g, shapes, index, axis):
    return _pick_backward(g, index=index, axis=axis, size=shapes[0][axis])


@operation
def _pick_backward(y, *, index, axis, size):
    """x = zeros with each y added where _pick would take it, its adjoint;  ∂y = g[…, index, …]."""
    y = np.moveaxis(y, axis, 0)
    added = of(y).index_add(y.reshape(len(y), math.prod(y.shape[1:])), index, size)
    return np.moveaxis(added.reshape(size, *y.shape[1:]), 0, axis)


@_pick_backward.rule
def _(g, index, axis):
    return _pick(g, index=index, axis=axis)


def pad(input, pad, mode="constant", value=None):
    """y = x in a frame: pad = (left, right, top, bottom, …), pairs of sizes ≥ 0 from the last axis backwards.

    "constant": of ``value`` (0 if None). The others take the tensor's own elements, for the last one, two or three axes
    behind one or two that stay: "reflect" mirrors at the outermost element, without it (a frame narrower than the
    axis), "replicate" repeats the outermost element, "circular" goes on at the other side (a frame no wider than the
    axis). Raises ValueError for what does not fit.

    Shapes: x (…, H, W) → y (…, top + H + bottom, left + W + right).
    Derivation: along one axis y[left + i] = x[i], so ∂x[i] = g[left + i]: g without the frame, which is a constant. In
        the other modes y[j] = x[k(j)] for each j of the frame too, so ∂x[i] = Σ_j g[j]·[k(j) = i]: its copies' g added.
    Source: Dumoulin and Visin, "A guide to convolution arithmetic for deep learning", 2016; the modes are NumPy's.
    Exercise: conv_stride.
    """
    axes = tensor_like(input, "pad").ndim
    if mode not in ("constant", "reflect", "replicate", "circular"):
        raise ValueError(f"{here('pad')}: mode must be 'constant', 'reflect', 'replicate' or 'circular', got {mode!r}")
    if len(pad) % 2 or len(pad) > 2 * axes or any(p < 0 for p in pad):
        raise ValueError(
            f"{here('pad')}: expected up to {axes} pairs of sizes ≥ 0, from the last axis, got {tuple(pad)}"
        )
    pairs = [(int(pad[k]), int(pad[k + 1])) for k in range(0, len(pad), 2)][::-1]
    widths = tuple([(0, 0)] * (axes - len(pairs)) + pairs)
    if mode == "constant":
        return _pad(input, widths=widths, value=0.0 if value is None else value) if any(pad) else clone(input)
    if value:
        raise ValueError(f"{here('pad')}: value has a meaning in mode='constant' only")
    if not 1 <= len(pairs) <= 3 or axes - len(pairs) not in (1, 2):
        raise ValueError(
            f"{here('pad')}: mode={mode!r} frames the last one, two or three axes behind one or two others, "
            f"got pad {tuple(pad)} for {input.shape}"
        )
    for axis, (n, width) in enumerate(zip(input.shape, widths)):
        widest = {"reflect": max(n - 1, 0), "replicate": math.inf if n else 0, "circular": n}[mode]
        if max(width) > widest:
            raise ValueError(
                f"{here('pad')}: mode={mode!r} cannot make a frame of {width} from {n} elements, axis {axis}"
            )
    framed = clone(input) if not any(pad) else input
    for axis, width in enumerate(widths):
        if any(width):
            framed = _pick(framed, index=_frame(input.shape[axis], *width, mode), axis=axis)
    return framed


def _frame(n, before, after, mode):
    """Which of n elements stand in a frame of ``before`` and ``after``, and between: −before … n + after − 1, led back inside."""
    place = np.arange(-before, n + after)
    if mode == "circular":
        return devices.fixed(place % n)
    return devices.fixed(np.clip(place, 0, n - 1) if mode == "replicate" else n - 1 - np.abs(n - 1 - np.abs(place)))
