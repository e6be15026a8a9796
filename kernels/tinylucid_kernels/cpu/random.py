"""Philox4x32-10: random numbers by counting (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011).

Block k of a stream is a fixed scramble of the number k under the key ``seed``: any part of the stream can be
computed anywhere, in any order, on any number of threads, with the same bits. A block gives four 32-bit words, and
stays in registers from its first round to its last; SIMD does several blocks at once.
"""

import numpy as np

from .activation import scale_kept
from .jit import inlined, jit
from .threads import spread

MULTIPLIER0, MULTIPLIER1 = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
WEYL0, WEYL1 = np.uint64(0x9E3779B9), np.uint64(0xBB67AE85)  # golden ratio and √3 − 1: what the key grows by each round
LOW, BITS = np.uint64(0xFFFFFFFF), np.uint64(32)
RUN = 1024  # blocks an item


@inlined
def scramble(block, stream, key):
    """The four words of a block, ten rounds of multiply, swap and xor; all 64-bit, the words in the low halves."""
    x0, x1, x2, x3 = block & LOW, block >> BITS, stream & LOW, stream >> BITS
    key0, key1 = key & LOW, key >> BITS
    for _ in range(10):
        a, b = x0 * MULTIPLIER0, x2 * MULTIPLIER1  # 32 × 32 → 64 bits
        x0, x1, x2, x3 = (b >> BITS) ^ x1 ^ key0, b & LOW, (a >> BITS) ^ x3 ^ key1, a & LOW
        key0, key1 = (key0 + WEYL0) & LOW, (key1 + WEYL1) & LOW
    return x0, x1, x2, x3


@jit
def words_items(first, last, words, offset, stream, key):
    """Item k: RUN blocks of words (blocks, 4), uint32."""
    for k in range(first * RUN, min(last * RUN, words.shape[0])):
        row = words[k]
        row[0], row[1], row[2], row[3] = scramble(offset + np.uint64(k), stream, key)


@jit
def mask_items(first, last, mask, limit, offset, key):
    """Item k: RUN blocks of mask (elements,): whether the element's word is ≥ limit."""
    for k in range(first * RUN, min(last * RUN, (mask.size + 3) // 4)):
        words = scramble(offset + np.uint64(k), np.uint64(0), key)
        for j in range(min(4, mask.size - 4 * k)):
            mask[4 * k + j] = words[j] >= limit


def philox(seed, offset, n, stream=0):
    """The words 4·offset … 4·offset + n − 1 of the stream, uint32 (n,). ``seed``, ``offset``, ``stream``: 64 bits."""
    words = np.empty(((n + 3) // 4, 4), np.uint32)
    spread(words_items, -(-len(words) // RUN), 10 * n, words, np.uint64(offset), np.uint64(stream), np.uint64(seed))
    return words.reshape(-1)[:n]


def dropout(x, p, scale, seed, offset):
    """x·scale where an element is kept, else x·0, and which are kept, bool like x: each with probability 1 − p, by one word each."""
    mask, limit = np.empty(x.size, np.bool_), np.uint64(int(np.ceil(p * 2.0**32)))
    spread(mask_items, -(-x.size // (4 * RUN)), 10 * x.size, mask, limit, np.uint64(offset), np.uint64(seed))
    mask = mask.reshape(x.shape)
    return scale_kept(x, mask, scale), mask
