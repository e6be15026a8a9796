"""Convolution in two dimensions, and its two gradients, by im2col and one matrix product.

    y[n, o, p, q] = b[o] + Σ_{c,i,j} w[o, c, i, j] · x[n, c, p·s + i·d − pad, q·s + j·d − pad]

(cross-correlation, as in every deep learning library). Stretching the pixels under each output place into a
column turns the sum into ``W @ columns``: that is im2col (Chellapilla, Puri and Simard, 2006). Both gradients follow
from the same product: ∂/∂W is ``g @ columnsᵀ``, ∂/∂columns is ``Wᵀ @ g``, added back to the pixels each
column came from. With groups, channels fall into G blocks that do not see each other.

Shapes: x (N, C, H, W), w (O, C/G, kh, kw), y and g (N, O, P, Q); stride, padding, dilation are pairs (rows, columns).
"""

import numpy as np


def framed(x, padding, value=0):
    """x (…, H, W) in a frame of ``padding`` rows and columns of ``value``; x itself if there is none."""
    (ph, pw), (h, w) = padding, x.shape[-2:]
    if not ph and not pw:
        return x
    out = np.full((*x.shape[:-2], h + 2 * ph, w + 2 * pw), value, x.dtype)
    out[..., ph : ph + h, pw : pw + w] = x
    return out


def taps(image, kernel_size, out_size, stride, dilation):
    """For each kernel tap (i, j): the pixels of the padded ``image`` that it touches, a strided view (…, P, Q)."""
    (sh, sw), (dh, dw), (p, q) = stride, dilation, out_size
    for i in range(kernel_size[0]):
        for j in range(kernel_size[1]):
            top, left = i * dh, j * dw
            yield i, j, image[..., top : top + sh * (p - 1) + 1 : sh, left : left + sw * (q - 1) + 1 : sw]


def columns(x, kernel_size, out_size, stride, padding, dilation):
    """im2col: (N, C, H, W) → (N, C, kh, kw, P, Q), the pixels under each output place."""
    cols = np.empty((*x.shape[:2], *kernel_size, *out_size), x.dtype)
    for i, j, pixels in taps(framed(x, padding), kernel_size, out_size, stride, dilation):
        cols[:, :, i, j] = pixels
    return cols


def conv2d(x, weight, bias, stride, padding, dilation, groups):
    """y (N, O, P, Q) of the formula above; ``bias`` (O,) or None."""
    n, _, h, w = x.shape
    o, _, *kernel_size = weight.shape
    out_size = [
        (size + 2 * pad - d * (k - 1) - 1) // s + 1
        for size, k, s, pad, d in zip((h, w), kernel_size, stride, padding, dilation)
    ]
    cols = columns(x, kernel_size, out_size, stride, padding, dilation)
    y = weight.reshape(groups, o // groups, -1) @ cols.reshape(n, groups, weight[0].size, out_size[0] * out_size[1])
    y = y.reshape(n, o, *out_size)
    return y if bias is None else y + bias[:, None, None]


def conv2d_input(g, weight, input_size, stride, padding, dilation, groups):
    """∂(Σ g·y)/∂x, of shape ``input_size``: each output's gradient spread over the pixels it was computed from."""
    n, c, h, w = input_size
    o, _, *kernel_size = weight.shape
    out_size = g.shape[2:]
    ph, pw = padding
    by_group = weight.reshape(groups, o // groups, -1).swapaxes(1, 2)
    cols = by_group @ g.reshape(n, groups, o // groups, out_size[0] * out_size[1])
    cols = cols.reshape(n, c, *kernel_size, *out_size)
    padded = np.zeros((n, c, h + 2 * ph, w + 2 * pw), g.dtype)
    for i, j, pixels in taps(padded, kernel_size, out_size, stride, dilation):
        pixels += cols[:, :, i, j]  # where windows overlap, contributions add
    return padded[:, :, ph : ph + h, pw : pw + w]


def conv2d_weight(x, g, weight_size, stride, padding, dilation, groups):
    """∂(Σ g·y)/∂w, of shape ``weight_size``: the pixels under each output place, weighted by its gradient."""
    n, o, *out_size = g.shape
    cols = columns(x, weight_size[2:], out_size, stride, padding, dilation)
    size = weight_size[1] * weight_size[2] * weight_size[3]
    cols = cols.reshape(n, groups, size, out_size[0] * out_size[1])
    per_image = g.reshape(n, groups, o // groups, out_size[0] * out_size[1]) @ cols.swapaxes(2, 3)
    return per_image.sum(0).reshape(weight_size)
