"""Philox4x32-10: random numbers by counting (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011).

Block k of a stream is a fixed scramble of the number k under the key ``seed``, so any part of the stream can be
computed anywhere, in any order, on any number of threads, with the same bits. A block gives four 32-bit words.
"""

import numpy as np

from .activation import scale_kept

MULTIPLIERS = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
WEYL = 0x9E3779B9, 0xBB67AE85  # golden ratio and √3 − 1: what the key grows by each round
LOW, BITS = np.uint64(0xFFFFFFFF), np.uint64(32)


def scramble(block, stream, seed):
    """The four words of each block of block (B,), uint64: ten rounds of multiply, swap and xor; uint32 (B, 4)."""
    x0, x1 = block & LOW, block >> BITS
    x2, x3 = np.full_like(block, stream & 0xFFFFFFFF), np.full_like(block, stream >> 32)
    key0, key1 = seed & 0xFFFFFFFF, seed >> 32
    for _ in range(10):
        a, b = x0 * MULTIPLIERS[0], x2 * MULTIPLIERS[1]  # 32 × 32 → 64 bits
        x0, x1, x2, x3 = (b >> BITS) ^ x1 ^ np.uint64(key0), b & LOW, (a >> BITS) ^ x3 ^ np.uint64(key1), a & LOW
        key0, key1 = (key0 + WEYL[0]) & 0xFFFFFFFF, (key1 + WEYL[1]) & 0xFFFFFFFF
    return np.stack([x0, x1, x2, x3], 1).astype(np.uint32)


def philox(seed, offset, n, stream=0):
    """The words 4·offset … 4·offset + n − 1 of the stream, uint32 (n,). ``seed``, ``offset``, ``stream``: 64 bits."""
    return scramble(np.arange(offset, offset + (n + 3) // 4, dtype=np.uint64), stream, seed).reshape(-1)[:n]


def dropout(x, p, scale, seed, offset):
    """x·scale where an element is kept, else x·0, and which are kept, bool like x: each with probability 1 − p, by one word each."""
    mask = philox(seed, offset, x.size).reshape(x.shape) >= p * 2.0**32
    return scale_kept(x, mask, scale), mask
