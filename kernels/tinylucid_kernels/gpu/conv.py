"""Convolution and its two gradients as tiled products (conv.cu); with a few channels a group by depthwise.cu."""

from . import depthwise
from .driver import cupy
from .product import compiled, countable, cut, in_parts


def launch(name, grid, dtype, tile, kernel_size, *args):
    """Launch a kernel of conv.cu, compiled for that filter size and such tiles."""
    compiled("conv.cu", name, dtype, tile, KH=kernel_size[0], KW=kernel_size[1])(grid, *args)


def layer(x_size, y_size, groups, stride, padding, dilation):
    """A layer as the kernels take it: images, groups, C, H, W, O, P, Q; C and O are channels of one group."""
    (n, c, h, w), (_, o, p, q) = x_size, y_size
    countable(c // groups * h * w, o // groups * p * q)
    return n, groups, c // groups, h, w, o // groups, p, q, *stride, *padding, *dilation


def conv2d(x, weight, bias, stride, padding, dilation, groups):
    """y[n,o,p,q] = b[o] + Σ_{c,i,j} w[o,c,i,j] · x[n, c, p·s + i·d − pad, q·s + j·d − pad]; ``bias`` (O,) or None."""
    o, c, *kernel_size = weight.shape
    p, q = (
        (size + 2 * pad - d * (k - 1) - 1) // s + 1
        for size, k, s, pad, d in zip(x.shape[2:], kernel_size, stride, padding, dilation)
    )
    y = cupy().empty((len(x), o, p, q), x.dtype)
    if depthwise.suits(weight.shape, groups):
        return depthwise.conv2d(x, weight, bias, y, stride, padding, dilation)
    plan = cut(o // groups, len(x) * p * q, c * kernel_size[0] * kernel_size[1], x.dtype, groups, whole=True)
    how = layer(x.shape, y.shape, groups, stride, padding, dilation)
    grid = (plan.across, plan.down, groups)
    launch("conv2d", grid, x.dtype, plan.tile, kernel_size, x, weight, bias, y, *how)
    return y


def conv2d_input(g, weight, input_size, stride, padding, dilation, groups):
    """∂(Σ g·y)/∂x, of shape ``input_size``: each pixel gathers the gradients of the outputs that saw it."""
    if depthwise.suits(weight.shape, groups):
        return depthwise.conv2d_input(g, weight, input_size, stride, padding, dilation)
    o, c, *kernel_size = weight.shape
    n, _, h, w = input_size
    x = cupy().empty(input_size, g.dtype)
    outputs, phases = o // groups, stride[0] * stride[1]
    pixels = n * -(-h // stride[0]) * -(-w // stride[1])  # of the phase that has most
    countable(n * h * w)
    plan = cut(c, pixels, outputs * kernel_size[0] * kernel_size[1], g.dtype, groups * phases, whole=True)
    how = layer(input_size, g.shape, groups, stride, padding, dilation)
    grid = (plan.across * phases, plan.down, groups)
    launch("conv2d_input", grid, g.dtype, plan.tile, kernel_size, g, weight, x, *how)
    return x


def conv2d_weight(x, g, weight_size, stride, padding, dilation, groups):
    """∂(Σ g·y)/∂w, of shape ``weight_size``: few sums, each over all places of all images, so computed in parts."""
    if depthwise.suits(weight_size, groups):
        return depthwise.conv2d_weight(x, g, weight_size, stride, padding, dilation)
    o, c, *kernel_size = weight_size
    n, _, p, q = g.shape
    plan = cut(o // groups, c * kernel_size[0] * kernel_size[1], n * p * q, x.dtype, groups)
    how = layer(x.shape, g.shape, groups, stride, padding, dilation)
    grid = (plan.across, plan.down, groups * plan.parts)
    fill = lambda sums: launch("conv2d_weight", grid, x.dtype, plan.tile, kernel_size, x, g, sums, plan.parts, *how)
    return in_parts(fill, plan.parts, weight_size, x.dtype)
