"""Philox4x32-10, random numbers by counting (Salmon et al., 2011): one thread a block of four words, the CPU's bit for bit."""

import math

import numpy as np

from .driver import cupy
from .launch import cover, kernel


def philox(seed, offset, n, stream=0):
    """The words 4·offset … 4·offset + n − 1 of the stream, uint32 (n,). ``seed``, ``offset``, ``stream``: 64 bits."""
    blocks = (n + 3) // 4
    words = cupy().empty(4 * blocks, np.uint32)
    kernel("random.cu", "philox", np.float32)(*cover(blocks), words, blocks, offset, stream, seed)
    return words[:n]


def dropout(x, p, scale, seed, offset):
    """x·scale where an element is kept, else x·0, and which are kept, bool like x: each with probability 1 − p, by one word each.

    While a step is captured, ``offset`` is (Counter, blocks behind it).
    """
    y, mask = cupy().empty_like(x), cupy().empty(x.shape, np.bool_)
    limit = math.ceil(p * 2.0**32)  # a whole number is ≥ p · 2³² where it is ≥ the next whole number
    counter, offset = (offset[0].place, offset[1]) if isinstance(offset, tuple) else (None, offset)
    numbers = x.size, limit, counter, offset, seed, scale
    kernel("random.cu", "dropout", x.dtype)(*cover(x.size, each=4), x, y, mask, *numbers)
    return y, mask
