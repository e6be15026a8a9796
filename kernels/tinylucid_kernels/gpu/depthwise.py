"""Convolutions of groups with one channel in and few out (depthwise.cu)."""

from .driver import cupy
from .launch import kernel
from .product import countable

FEW = 4  # outputs of a group, up to which tiles of a product would be almost empty
THREADS = 256


def suits(weight_size, groups):
    """Whether it is faster here."""
    return groups > 1 and weight_size[1] == 1 and weight_size[0] // groups <= FEW


def planes(count, size):
    """Grid and block for so many planes of that size: a block takes a stretch of one large plane, or several small ones."""
    countable(count, size)
    width = next((w for w in (32, 64, 128) if size <= w), THREADS)
    height = THREADS // width
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
    """∂w."""
    (n, c, h, w), (_, o, p, q) = x.shape, g.shape
    countable(n * p * q)
    out = cupy().empty(weight_size, x.dtype)
    run = compiled("conv2d_weight", x.dtype, weight_size)
    grid = (weight_size[2] * weight_size[3], o)
    run(grid, (THREADS,), x, g, out, n, o, o // c, h, w, p, q, *stride, *padding, *dilation)
    return out
