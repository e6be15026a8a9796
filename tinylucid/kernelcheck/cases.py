"""Drawing a case: sizes that are and are not multiples of a block, arrays of plain numbers, a launch."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from hypothesis import assume, reject
from tinylucid_kernels.emulator.arithmetic import value
from tinylucid_kernels.emulator.launch import CODES

from ..exercises.drawn import Draw, generator, one_of, values, whole
from . import Unable
from .plan import BLOCKS, Plan

SIZES = {  # by how many there are: at the edges of a warp and a block, and between
    1: (1, 2, 3, 5, 31, 32, 33, 64, 100, 255, 256, 257, 300),
    2: (1, 2, 3, 5, 8, 16, 17, 31, 32, 33, 40),
    3: (1, 2, 3, 5, 16, 17, 33),
}
UNTOUCHED = 0x7FC0DEAD  # what an output holds before, unless it is known: a NaN that no computation makes
MOST_THREADS, MOST_ELEMENTS = 1 << 14, 1 << 16  # of a drawn case


class TooLarge(Unable):
    """A case that would take long on an emulated GPU."""


class Case(NamedTuple):
    """One launch: its sizes by name, its arguments in the kernel's types, grid and block; ``marked`` outputs hold no numbers yet."""

    sizes: dict[str, int]
    values: dict[str, Any]
    grid: tuple[int, ...]
    block: tuple[int, ...]
    marked: tuple[str, ...]

    def in_words(self) -> str:
        """Its sizes and launch."""
        return ", ".join(filter(None, [said(self.sizes), f"grid {shape(self.grid)}", f"block {shape(self.block)}"]))


def said(sizes: dict[str, int]) -> str:
    """Sizes by name."""
    return ", ".join(f"{name} = {size}" for name, size in sizes.items())


def shape(three: Sequence[int]) -> str:
    """The dimensions of a grid or a block, without those of size 1 at the end."""
    kept = [*three]
    while len(kept) > 1 and kept[-1] == 1:
        kept.pop()
    return str(kept[0]) if len(kept) == 1 else f"({', '.join(map(str, kept))})"


def drawn(plan: Plan, draw: Draw, taken: Sequence[str]) -> Case:
    """A case. Of the outputs those that the function takes (``taken``) hold numbers, the others a mark."""
    names = plan.sizes
    choices = SIZES[min(3, max(1, len(names)))]
    sizes: dict[str, int] = {}
    for name in names:
        low, high = limits(plan, name, sizes, (choices[0], choices[-1]))
        between = [c for c in choices if low < c < high]
        sizes[name] = one_of(draw, *dict.fromkeys([low, *between, high]))
    block = () if plan.block else (one_of(draw, *BLOCKS),)
    try:
        return filled(plan, draw, sizes, block, taken)
    except TooLarge:
        reject()


def filled(
    plan: Plan, draw: Draw, sizes: dict[str, int], block: tuple[int, ...], taken: Sequence[str], scale: int = 1
) -> Case:
    """The case of given sizes, with drawn numbers; TooLarge beyond ``scale`` times the usual limits."""
    known = launched(plan, sizes, block)
    given: dict[str, Any] = {}
    marked = []
    for name, code in plan.codes.items():
        dtype = np.dtype(CODES[code.lstrip("PC")])
        if code[0] not in "PC":
            given[name] = dtype.type(sizes[name] if name in sizes else scalar(plan, draw, name, dtype, known))
            continue
        lengths = [value(text, known) for text in plan.lengths[name]]
        assume(min(lengths) >= 0)
        if math.prod(lengths) > scale * MOST_ELEMENTS:
            raise TooLarge(
                f"{name} would have {math.prod(lengths)} elements for {said(sizes)}: too many for an emulated GPU"
            )
        if name in plan.start:
            given[name] = np.full(lengths, plan.start[name], dtype)
        elif code[0] == "P" and name not in taken:
            marked.append(name)
            given[name] = mark(tuple(lengths), dtype)
        else:
            given[name] = array(plan, draw, name, tuple(lengths), dtype, known)
    grid, threads_of = (tuple(known[f"{what}.{axis}"] for axis in "xyz") for what in ("gridDim", "blockDim"))
    if (threads := math.prod(grid) * math.prod(threads_of)) > scale * MOST_THREADS:
        raise TooLarge(
            f"{plan.kernel.name} would be started with {threads} threads for {said(sizes)}: too many for an emulated GPU"
        )
    return Case(sizes, given, grid, threads_of, tuple(marked))


def launched(plan: Plan, sizes: dict[str, int], block: tuple[int, ...]) -> dict[str, int]:
    """All names that sizes and values may depend on, gridDim and blockDim among them; Unable for a launch that is none."""
    try:
        known = plan.dimensions(sizes, block)
    except ValueError as error:
        raise Unable(f"// launch: of {plan.kernel.name}, for {said(sizes)}: {error}") from None
    if min(known.values()) < 1:
        blocks, threads = (shape([known[f"{what}.{axis}"] for axis in "xyz"]) for what in ("gridDim", "blockDim"))
        raise Unable(
            f"// launch: of {plan.kernel.name} gives grid {blocks}, block {threads} for {said(sizes)}, but there is at least 1 of each. "
            "To round up, write (n + 255) / 256 instead of n / 256"
        )
    return {**sizes, **known}


def limits(plan: Plan, name: str, known: dict[str, int], usual: tuple[int, int]) -> tuple[int, int]:
    """The range of a whole number."""
    if name not in plan.ranges:
        return usual
    try:
        low, high = (value(text, known) for text in plan.ranges[name])
    except ValueError as error:
        raise Unable(f"// values: {name}: {error}") from None
    assume(low <= high)
    return low, high


def decimals(plan: Plan, name: str) -> tuple[float, float] | None:
    """The range of a number with a point; None if it is not said."""
    if name not in plan.ranges:
        return None
    try:
        low, high = (float(text) for text in plan.ranges[name])
    except ValueError:
        raise Unable(f"// values: {name} = {' to '.join(plan.ranges[name])} are no two numbers") from None
    return low, high


def scalar(plan: Plan, draw: Draw, name: str, dtype: np.dtype, known: dict[str, int]) -> Any:
    """A number that is no size."""
    if dtype.kind != "f":
        return whole(draw, *limits(plan, name, known, (0, 5)))
    limit = decimals(plan, name)
    return one_of(draw, 2.0, 0.5, -1.5, 3.25) if limit is None else np.round(generator(draw).uniform(*limit), 2)


def array(
    plan: Plan, draw: Draw, name: str, lengths: tuple[int, ...], dtype: np.dtype, known: dict[str, int]
) -> np.ndarray:
    """An array of plain numbers: two decimals, or whole."""
    if dtype.kind != "f":
        low, high = limits(plan, name, known, (0, 200 if dtype.itemsize == 1 and dtype.kind == "u" else 9))
        return generator(draw).integers(low, high + 1, lengths).astype(dtype)
    limit = decimals(plan, name)
    drawn = values(draw, *lengths) if limit is None else np.round(generator(draw).uniform(*limit, lengths), 2)
    return np.asarray(drawn).astype(dtype)


def mark(lengths: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    """An array that holds no number yet."""
    pattern = np.full(int(np.prod(lengths)) * max(4, dtype.itemsize) // 4, UNTOUCHED, np.uint32)
    if dtype.itemsize < 4:
        return (
            np.full(lengths, 0xAD, np.uint8).astype(dtype) if dtype.itemsize == 1 else np.full(lengths, 0x5EAD, dtype)
        )
    return pattern.view(dtype).reshape(lengths)


def untouched(result: np.ndarray) -> np.ndarray:
    """Which elements still hold the mark."""
    fresh = mark(result.shape, result.dtype)
    size = result.dtype.itemsize
    return result.view(f"u{size}") == fresh.view(f"u{size}")
