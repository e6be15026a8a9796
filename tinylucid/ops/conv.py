"""Convolution and its two gradients: three operations, each linear in both inputs, whose rules are made of each other:

y = conv2d(x, w)    ∂x = conv2d_input(g, w)    ∂w = conv2d_weight(x, g)
"""

import numpy as np
from tinylucid_kernels import of

from ..scopes import here
from ..tensor import operation
from .padding import pad
from .reduce import _sum
from .shape import _reshape, tensor_like


def pair(value, name, least, where):
    """``value`` as (rows, columns), each an integer ≥ ``least``."""
    both = tuple(value) if isinstance(value, (tuple, list)) else (value, value)
    if len(both) != 2 or not all(isinstance(v, (int, np.integer)) and v >= least for v in both):
        raise ValueError(f"{here(where)}: {name} must be an integer ≥ {least} or two of them, got {value!r}")
    return int(both[0]), int(both[1])


@operation(dtypes="float")
def _conv2d(x, weight, bias, *, stride, padding, dilation, groups):
    return of(x).conv2d(x, weight, bias, stride, padding, dilation, groups)


@_conv2d.rule
def _(g, need, x, weight, stride, padding, dilation, groups):
    how = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    return (
        _conv2d_input(g, weight, input_size=x.shape, **how) if need[0] else None,
        _conv2d_weight(x, g, weight_size=weight.shape, **how) if need[1] else None,
        _sum(g, axes=(0, 2, 3), keepdim=False) if need[2] else None,
    )


@operation(dtypes="float")
def _conv2d_input(y, weight, *, input_size, stride, padding, dilation, groups):
    """x[n,c,h,k] = Σ y[n,o,p,q]·w[o,c,i,j] over the taps that conv2d lays on pixel (h, k): each y spread by the kernel.

    It is linear in both: ∂y = conv2d(g, w), ∂w = conv2d_weight(g, y). The exercise is conv_input.
    """
    return of(y).conv2d_input(y, weight, input_size, stride, padding, dilation, groups)


@_conv2d_input.rule
def _(g, need, y, weight, stride, padding, dilation, groups):
    how = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    return (
        _conv2d(g, weight, None, **how) if need[0] else None,
        _conv2d_weight(g, y, weight_size=weight.shape, **how) if need[1] else None,
    )


@operation(dtypes="float")
def _conv2d_weight(x, y, *, weight_size, stride, padding, dilation, groups):
    """w[o,c,i,j] = Σ x·y[n,o,p,q] over all places (p, q), x the pixel that conv2d lays tap (c, i, j) on.

    It is linear in both: ∂x = conv2d_input(y, g), ∂y = conv2d(x, g). The exercise is conv_weight.
    """
    return of(x).conv2d_weight(x, y, weight_size, stride, padding, dilation, groups)


@_conv2d_weight.rule
def _(g, need, x, y, stride, padding, dilation, groups):
    how = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    return (
        _conv2d_input(y, g, input_size=x.shape, **how) if need[0] else None,
        _conv2d(x, g, None, **how) if need[1] else None,
    )


def conv2d(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """y[n,o,p,q] = b[o] + Σ_{c,i,j} w[o,c,i,j]·x[n, c, p·s + i·d − r, q·s + j·d − r], a correlation.

    With stride s, dilation d and padding r, each an integer or (rows, columns); padding also "valid" (none) and "same"
    (P = H; stride 1). With groups, outputs see the channels of their group alone. Raises ValueError where shapes or
    arguments do not fit.

    Shapes: input x (N, C, H, W), weight w (O, C/groups, kh, kw), bias b (O,) → y (N, O, P, Q),
        P = ⌊(H + 2r − d·(kh − 1) − 1) / s⌋ + 1.
    Derivation: the loss moves by Σ g[n,o,p,q]·∂y[n,o,p,q]; collect, for each number, the terms that it stands in.
        ∂b[o] = Σ_{n,p,q} g[n,o,p,q].
        ∂w[o,c,i,j] = Σ_{n,p,q} g[n,o,p,q]·x[n, c, p·s + i·d − r, q·s + j·d − r] (exercise conv_weight).
        ∂x[n,c,h,k] = Σ g[n,o,p,q]·w[o,c,i,j] over all o, p, q, i, j with p·s + i·d − r = h and q·s + j·d − r = k:
        each g spreads the kernel over the pixels it was computed from (exercise conv_input).
    Source: LeCun et al., "Gradient-based learning applied to document recognition", 1998; the gradients: Goodfellow,
        Bengio and Courville, "Deep learning", 2016, section 9.5.
    Exercise: conv_loops.
    """
    tensor_like(input, "conv2d")
    if input.ndim != 4 or weight.ndim != 4:
        raise ValueError(
            f"{here('conv2d')}: expected input (N, C, H, W) and weight (O, C/groups, kh, kw), got {input.shape} and {weight.shape}"
            f"{'; x[None] makes a batch of one' if input.ndim == 3 else ''}"
        )
    stride, dilation = pair(stride, "stride", 1, "conv2d"), pair(dilation, "dilation", 1, "conv2d")
    o, per_group, *kernel_size = weight.shape
    if not isinstance(groups, int) or groups < 1 or o % groups or input.shape[1] != per_group * groups:
        raise ValueError(
            f"{here('conv2d')}: input {input.shape} has {input.shape[1]} channels, weight {weight.shape} with groups={groups} "
            f"needs {per_group} · groups of them, and groups must divide {o}; "
            f"make the layer for {input.shape[1]}, or x.permute(0, 3, 1, 2) if channels are last"
        )
    if bias is not None and bias.shape != (o,):
        raise ValueError(f"{here('conv2d')}: bias {bias.shape} does not fit weight {weight.shape}: expected ({o},)")
    reach = [d * (k - 1) for d, k in zip(dilation, kernel_size)]
    if padding == "same":
        if stride != (1, 1):
            raise ValueError(f"{here('conv2d')}: padding='same' needs stride 1, got {stride}")
        top, left = reach[0] // 2, reach[1] // 2
        padding = (top, left)
        if reach[0] % 2 or reach[1] % 2:
            input, padding = pad(input, (left, reach[1] - left, top, reach[0] - top)), 0
    padding = pair(0 if padding == "valid" else padding, "padding", 0, "conv2d")
    if any(n + 2 * p <= r for n, p, r in zip(input.shape[2:], padding, reach)):
        raise ValueError(
            f"{here('conv2d')}: kernel {weight.shape} at dilation {dilation} is larger than the padded input {input.shape} + {padding}; "
            "enlarge the padding or the pictures, or pool less before"
        )
    return _conv2d(input, weight, bias, stride=stride, padding=padding, dilation=dilation, groups=groups)


def conv_transpose2d(input, weight, bias=None, stride=1, padding=0, output_padding=0, groups=1, dilation=1):
    """y[n,o,p,q] = b[o] + Σ w[c,o,i,j]·x[n,c,h,k] over all with h·s + i·d − r = p and k·s + j·d − r = q.

    It is conv2d's gradient by its input, as a layer. Each pixel spreads its kernel over the result, s (the stride)
    pixels from the next one; d is the dilation, r the padding. Of the sizes that conv2d makes H of, output_padding,
    below the stride, chooses one. Raises ValueError for what does not fit.

    Shapes: input x (N, C, H, W), weight w (C, O/groups, kh, kw), bias b (O,) → y (N, O, P, Q),
        P = (H − 1)·s − 2r + d·(kh − 1) + 1 + output_padding.
    Derivation: collect, for each number, the terms that it stands in.
        ∂x[n,c,h,k] = Σ_{o,i,j} w[c,o,i,j]·g[n, o, h·s + i·d − r, k·s + j·d − r]: this is conv2d(g, w).
        ∂w[c,o,i,j] = Σ_{n,h,k} x[n,c,h,k]·g[n, o, h·s + i·d − r, k·s + j·d − r]: conv2d's gradient by its weight,
        with g and x in the places of x and g. ∂b[o] = Σ_{n,p,q} g[n,o,p,q].
    Source: Zeiler et al., "Deconvolutional networks", 2010; Dumoulin and Visin, "A guide to convolution arithmetic for
        deep learning", 2016, chapter 4.
    Exercise: conv_transpose.
    """
    name = "conv_transpose2d"
    tensor_like(input, name)
    if input.ndim != 4 or weight.ndim != 4:
        raise ValueError(
            f"{here(name)}: expected input (N, C, H, W) and weight (C, O/groups, kh, kw), got {input.shape} and {weight.shape}"
        )
    n, c, *before = input.shape
    per_group, *kernel_size = weight.shape[1:]
    if not isinstance(groups, int) or groups < 1 or c % groups or c != weight.shape[0]:
        raise ValueError(
            f"{here(name)}: input {input.shape} has {c} channels, weight {weight.shape} takes {weight.shape[0]}, and "
            f"groups={groups} must divide them"
        )
    out = per_group * groups
    if bias is not None and bias.shape != (out,):
        raise ValueError(f"{here(name)}: bias {bias.shape} does not fit weight {weight.shape}: expected ({out},)")
    stride, dilation = pair(stride, "stride", 1, name), pair(dilation, "dilation", 1, name)
    padding, more = pair(padding, "padding", 0, name), pair(output_padding, "output_padding", 0, name)
    if any(m >= s for m, s in zip(more, stride)):
        raise ValueError(f"{here(name)}: output_padding {more} must be smaller than stride {stride}")
    size = tuple(
        (h - 1) * s - 2 * p + d * (k - 1) + 1 + m
        for h, k, s, p, d, m in zip(before, kernel_size, stride, padding, dilation, more)
    )
    if min(size) < 1 or not before[0] * before[1]:
        raise ValueError(
            f"{here(name)}: input {input.shape}, kernel {weight.shape} and padding {padding} leave no pixels: {size}"
        )
    how = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    y = _conv2d_input(input, weight, input_size=(n, out, *size), **how)
    return y if bias is None else y + _reshape(bias, shape=(1, out, 1, 1))
