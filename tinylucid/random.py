"""Randomness by counting: a generator is a seed and a counter, so its state is two integers and its draws repeat exactly."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from tinylucid_kernels import of
from tinylucid_kernels.gpu import replay

from . import dtypes

ON_CPU = np.empty(0)  # an array where the words are wanted


class Generator:
    """A stream of random numbers (Philox4x32-10): ``seed`` picks the stream, ``offset`` counts the blocks used.

    The same seed and calls give the same numbers everywhere. Pass one as ``rng=`` where a function draws.
    """

    def __init__(self, seed: int = 0) -> None:
        self.manual_seed(seed)

    def manual_seed(self, seed: int) -> Generator:
        """Start the stream of ``seed`` (0 … 2⁶⁴ − 1) from its beginning; returns self."""
        if not isinstance(seed, (int, np.integer)) or not 0 <= seed < 2**64:
            raise ValueError(f"manual_seed: expected an integer from 0 to 2**64 - 1, got {seed!r}")
        self.seed, self.offset = int(seed), 0
        return self

    def get_state(self) -> tuple[int, int]:
        """(seed, offset): all there is to save."""
        return self.seed, self.offset

    def set_state(self, state: tuple[int, int]) -> None:
        """Go back to a state that get_state gave."""
        self.seed, self.offset = state

    def advance(self, words: int) -> Any:
        """Reserve that many 32-bit words; returns the offset of the first block, four words a block.

        In a step that is captured as a graph the device counts: (its counter, the blocks behind it).
        """
        start, blocks = self.offset, (words + 3) // 4
        self.offset += blocks
        if replay.recording is None:
            return start
        counter = replay.recording.counter(self, start, lambda: self.offset)
        counter.moves = [lambda times: self.skip(times * counter.by)]
        counter.by += blocks
        replay.recording.fact("the seed of the random numbers", lambda: self.seed)
        return counter, counter.by - blocks

    def skip(self, blocks: int) -> None:
        """Go on, or back, by that many blocks."""
        self.offset += blocks

    def words(self, n: int) -> Any:
        """n uniform 32-bit words, uint32."""
        if replay.recording is not None:
            raise replay.NotCapturable(
                "it draws random numbers on the host: draw them before, and pass them to the step"
            )
        return of(ON_CPU).philox(self.seed, self.advance(n), n)

    def uniform(self, shape: tuple[int, ...], dtype: Any = None) -> Any:
        """An array uniform in [0, 1): 24 random bits for float32, 53 for float64."""
        dtype, n = floating(dtype, "uniform"), count(shape)
        if dtype == dtypes.float32:
            return ((self.words(n) >> 8).astype(dtype) * dtype.type(2.0**-24)).reshape(shape)
        words = self.words(2 * n).astype(np.uint64).reshape(-1, 2)
        bits = (words[:, 0] >> np.uint64(5)) * np.uint64(2**26) + (words[:, 1] >> np.uint64(6))
        return (bits * 2.0**-53).reshape(shape)

    def normal(self, shape: tuple[int, ...], dtype: Any = None) -> Any:
        """An array of the standard normal distribution, by √(−2 log u)·(cos, sin)(2πv) (Box and Muller, 1958)."""
        dtype, n = floating(dtype, "normal"), count(shape)
        u, v = self.uniform((2, (n + 1) // 2), dtypes.float64)
        radius, angle = np.sqrt(-2 * np.log(1 - u)), 2 * math.pi * v
        both = np.concatenate([radius * np.cos(angle), radius * np.sin(angle)])
        return both[:n].reshape(shape).astype(dtype)

    def integers(self, low: int, high: int, shape: tuple[int, ...]) -> Any:
        """An int64 array uniform in low … high − 1."""
        if low >= high:
            raise ValueError(f"integers: expected low < high, got {low} and {high}")
        return low + (self.uniform(shape, dtypes.float64) * (high - low)).astype(np.int64)

    def permutation(self, n: int) -> Any:
        """The numbers 0 … n − 1 in random order."""
        return np.argsort(self.uniform((n,), dtypes.float64), kind="stable")


def floating(dtype: Any, where: str) -> np.dtype:
    """float32, float64 or by default the default dtype; TypeError otherwise."""
    dtype = np.dtype(dtype or dtypes.default)
    if dtype not in (dtypes.float32, dtypes.float64):
        raise TypeError(
            f"{where}: random numbers are float32 or float64, not {dtype}; use integers() for whole numbers"
        )
    return dtype


def count(shape: tuple[int, ...]) -> int:
    """How many numbers an array of that shape holds; ValueError for a negative size, which would turn the counter back."""
    if any(n < 0 for n in shape):
        raise ValueError(f"random numbers: sizes are at least 0, got {shape}")
    return math.prod(shape)


default_generator = Generator(0)


def manual_seed(seed: int) -> Generator:
    """Restart the default generator, which initialisation, dropout and randn draw from; returns it."""
    return default_generator.manual_seed(seed)
