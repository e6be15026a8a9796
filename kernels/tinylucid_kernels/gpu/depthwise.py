"""Convolutions of groups with one channel in and few out (depthwise.cu)."""

from .driver import cupy
from .launch import kernel
from .product import countable, in_parts

FEW = 4  # outputs of a group, up to which tiles of a product would be almost empty
THREADS = 256
BLOCKS = 1024  # of ∂w, that keep a large GPU busy: eight for a multiprocessor


def suits(weight_size, groups):
    """Whether it is faster here."""
    return groups > 1 and weight_size[1] == 1 and weight_size[0] // groups <= FEW


def block(size):
    """A block for planes of that size: as wide as one, or as it can be."""
    width = next((w for w in (32, 64, 128) if size <= w), THREADS)
    return width, THREADS // width


def planes(count, size):
    """Grid and block for so many planes of that size: a block takes a stretch of one large plane, or several small ones."""
    countable(count, size)
    width, height = block(size)
    return (-(-count // height), -(-size // width)), (width, height)


def compiled(name, dtype, weight_size):
    """A kernel of depthwise.cu for that filter size."""
    return kernel("depthwise.cu", name, dtype, KH=weight_size[2], KW=weight_size[3])


def conv2d(x, weight, bias, y, stride, padding, dilation):
    """Fill y."""
    (n, c, h, w), (_, o, p, q) = x.shape, y.shape
    run = compiled("conv2d", x.dtype, weight.shape)
    run(*planes(n * o, p * q), x, weight, bias, y, n * o, o, o // c, h, w, p, q, *stride, *padding, *dilation)
    return y


def conv2d_input(g, weight, input_size, stride, padding, dilation):
    """∂x."""
    (n, c, h, w), (_, o, p, q) = input_size, g.shape
    x = cupy().empty(input_size, g.dtype)
    run = compiled("conv2d_input", g.dtype, weight.shape)
    run(*planes(n * c, h * w), g, weight, x, n * c, c, o // c, h, w, p, q, *stride, *padding, *dilation)
    return x


def conv2d_weight(x, g, weight_size, stride, padding, dilation):
    """∂w: few sums over all places of all images, so the images are shared between parts."""
    (n, c, h, w), (_, o, p, q) = x.shape, g.shape
    countable(n, p * q, h * w)
    run = compiled("conv2d_weight", x.dtype, weight_size)
    parts = max(1, min(n, BLOCKS // o))
    how = (n, o, o // c, h, w, p, q, *stride, *padding, *dilation)
    fill = lambda sums: run((o, parts), block(p * q), x, g, sums, *how)
    return in_parts(fill, parts, weight_size, x.dtype)
