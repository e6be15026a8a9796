"""Randomness keyed by (seed, epoch, index): a picture draws the same words in any order, batch and thread.

The block of Philox (four words) that is number ``index``·2²⁴ + ``slot`` of the stream epoch + 1 under the key ``seed``; the
stream 0 is that of generators. By the reference kernel, which is plain NumPy, so that any thread may call it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from tinylucid_kernels.reference.random import scramble

ORDER, SETTINGS, NOISE = 0, 1, 16  # the first slots of: the order of an epoch, the draws of Augment, its noise


def words(seed: int, epoch: int, index: Any, slot: int, blocks: int = 1) -> Any:
    """The words of each picture of index (N,), from ``slot`` on, uint32 (N, 4·blocks)."""
    block = (np.asarray(index, np.uint64)[:, None] << np.uint64(24)) + np.arange(slot, slot + blocks, dtype=np.uint64)
    return scramble(block.reshape(-1), epoch + 1, seed).reshape(-1, 4 * blocks)


def uniform(words: Any) -> Any:
    """Words as numbers in [0, 1), float64."""
    return words * 2.0**-32


def order(seed: int, epoch: int, n: int) -> Any:
    """The numbers 0 … n − 1 in the random order of that epoch."""
    drawn = words(seed, epoch, np.arange(n), ORDER).astype(np.uint64)
    return np.argsort(drawn[:, 0] << np.uint64(32) | drawn[:, 1], kind="stable")
