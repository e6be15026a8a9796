"""How a kernel is to be run: the sizes of its arrays, its launch, the ranges of values; from its comments, or as is usual."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from tinylucid_kernels.emulator.arithmetic import names_in, value
from tinylucid_kernels.emulator.compile import Library
from tinylucid_kernels.emulator.launch import signature

from . import Unable
from .source import Kernel

DIMENSIONS = tuple(f"{what}.{axis}" for what in ("gridDim", "blockDim") for axis in "xyz")
BLOCKS = (32, 256, 64, 96)  # threads, where the kernel does not say how it is launched


@dataclass(frozen=True)
class Plan:
    """A kernel's parameters with their types ("Pf4": pointer to floats, "Cf4": to const ones), and what is drawn for them."""

    kernel: Kernel
    codes: dict[str, str]
    lengths: dict[str, tuple[str, ...]]  # of each array along each axis, as arithmetic of sizes
    ranges: dict[str, tuple[str, str]]
    start: dict[str, float]  # what an output holds before
    grid: tuple[str, ...]  # empty: as many threads as the largest array has elements
    block: tuple[str, ...]

    @property
    def outputs(self) -> list[str]:
        """The arrays that the kernel may write to."""
        return [name for name, code in self.codes.items() if code[0] == "P"]

    @property
    def sizes(self) -> list[str]:
        """The names that sizes of arrays depend on, in the order of the parameters."""
        texts = [text for axes in self.lengths.values() for text in axes]
        names = dict.fromkeys(n for text in texts for n in names_in(text) if n not in DIMENSIONS)
        return sorted(names, key=lambda n: list(self.codes).index(n) if n in self.codes else len(self.codes))

    def dimensions(self, sizes: dict[str, int], block: Sequence[int] = ()) -> dict[str, int]:
        """gridDim and blockDim for these sizes, as C writes them; ``block`` where the kernel leaves that open."""
        block = list(block) or [value(text, sizes) for text in self.block]
        known = {f"blockDim.{axis}": b for axis, b in zip("xyz", [*block, 1, 1])}
        if self.grid:
            grid = [value(text, {**sizes, **known}) for text in self.grid]
        else:
            largest = max(self.elements(name, {**sizes, **known}) for name in self.lengths)
            grid = [max(1, -(-largest // block[0]))]
        return known | {f"gridDim.{axis}": g for axis, g in zip("xyz", [*grid, 1, 1])}

    def elements(self, name: str, known: dict[str, int]) -> int:
        """How many elements an array has."""
        count = 1
        for text in self.lengths[name]:
            count *= value(text, known)
        return count


def plan(kernel: Kernel, library: Library) -> Plan:
    """The plan of a kernel; Unable, with what to write, where something is missing."""
    codes = dict(zip(library.names[kernel.name], signature(library, kernel.name)))
    arrays = [name for name, code in codes.items() if code[0] in "PC"]
    if not any(codes[name][0] == "P" for name in arrays):
        raise Unable(
            f"{kernel.name} has no array to write its result to: give it a parameter such as float *y (without const)"
        )
    whole = [name for name, code in codes.items() if code[0] in "iu"]
    lengths = sizes_of(kernel, arrays)
    if len(whole) == 1:
        lengths = {name: lengths.get(name, (whole[0],)) for name in arrays}
    if without := [name for name in arrays if name not in lengths]:
        axes = "".join(f"[{name}]" for name in whole[:2]) or "[n]"
        raise Unable(
            f"How many elements has {without[0]}? {kernel.name} has {'several whole numbers' if whole else 'no whole number'} "
            "among its parameters, so say it in a comment above it, for example",
            f"// sizes: {', '.join(name + axes for name in arrays)}",
        )
    grid, block = launch_of(kernel)
    found = Plan(kernel, codes, lengths, ranges_of(kernel, codes), start_of(kernel, codes), grid, block)
    refuse_unknown(found)
    return found


def sizes_of(kernel: Kernel, arrays: list[str]) -> dict[str, tuple[str, ...]]:
    """``// sizes: x[n], a[rows][cols]``."""
    note = kernel.notes.get("sizes", "")
    found = {
        name: tuple(re.findall(r"\[([^\]]*)\]", axes)) for name, axes in re.findall(r"(\w+)((?:\s*\[[^\]]*\])+)", note)
    }
    if note and not found:
        raise Unable(
            f"// sizes: {note} is not understood. It is written", f"// sizes: {', '.join(a + '[n]' for a in arrays)}"
        )
    if strangers := [name for name in found if name not in arrays]:
        raise Unable(f"// sizes: names {strangers[0]}, but the arrays of {kernel.name} are {', '.join(arrays)}")
    return found


def launch_of(kernel: Kernel) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """``// launch: grid (n + 255) / 256, block 256``; nothing, for the usual launch, if the kernel looks at x alone."""
    note = kernel.notes.get("launch", "")
    found = re.fullmatch(r"grid\s*[:=]?\s*(.+?)[\s,;]*\bblock\b\s*[:=]?\s*(.+)", note)
    if found:
        return split(found[1]), split(found[2])
    example = "// launch: grid (n + 255) / 256, block 256"
    flat = not re.search(r"(?:threadIdx|blockIdx|blockDim|gridDim)\s*\.\s*[yz]", kernel.body)
    if note:
        raise Unable(f"// launch: {note} is not understood. It is written", example)
    if flat:
        return (), ()
    raise Unable(
        f"{kernel.name} looks at threadIdx.y or blockIdx.y: say in a comment above it with how many blocks and threads "
        "it is started, for example",
        "// launch: grid (cols + 15) / 16, (rows + 15) / 16, block 16, 16",
    )


def split(text: str) -> tuple[str, ...]:
    """The parts between commas; of what is in a pair of parentheses, if there is one around it all."""
    text, depths = text.strip(), [0]
    for letter in text:
        depths.append(depths[-1] + (letter == "(") - (letter == ")"))
    if text.startswith("(") and text.endswith(")") and min(depths[1:-1]) > 0:
        return split(text[1:-1])
    parts = [""]
    for letter, depth in zip(text, depths):
        if letter == "," and not depth:
            parts.append("")
        else:
            parts[-1] += letter
    return tuple(part.strip() for part in parts if part.strip())


def ranges_of(kernel: Kernel, codes: dict[str, str]) -> dict[str, tuple[str, str]]:
    """``// values: a = 0.5 to 2, index = 0 to n - 1, k = 3``."""
    found = {}
    for part in filter(None, split(kernel.notes.get("values", ""))):
        said = re.fullmatch(r"(\w+)\s*=\s*(.+?)(?:\s+to\s+(.+))?", part)
        if not said:
            raise Unable(
                f"// values: {part} is not understood. It is written",
                "// values: a = 0.5 to 2, index = 0 to n - 1, k = 3",
            )
        found[said[1]] = (said[2], said[3] or said[2])
    return found


def start_of(kernel: Kernel, codes: dict[str, str]) -> dict[str, float]:
    """``// start: total = 0``: what the caller puts there before."""
    found = {}
    for part in filter(None, split(kernel.notes.get("start", ""))):
        said = re.fullmatch(r"(\w+)\s*=\s*(-?[\d.]+)f?", part)
        if not said or codes.get(said[1], "")[:1] != "P":
            raise Unable(
                f"// start: {part} is not understood. It names an array that {kernel.name} writes to", "// start: y = 0"
            )
        found[said[1]] = float(said[2])
    return found


def refuse_unknown(plan: Plan) -> None:
    """Unable for arithmetic that is none, and for names that nothing gives a value."""
    known = {name for name, code in plan.codes.items() if code[0] in "iu"}
    texts = {"launch": [*plan.grid, *plan.block], "sizes": [t for axes in plan.lengths.values() for t in axes]}
    for note, each in texts.items():
        for text in each:
            try:
                names = names_in(text)
                value(text, dict.fromkeys([*names, *DIMENSIONS], 1))
            except ValueError as error:
                raise Unable(f"// {note}: of {plan.kernel.name}: {error}") from None
            free = [n for n in names if n not in known and n not in DIMENSIONS]
            if note == "launch" and (strange := [n for n in free if n not in plan.sizes]):
                raise Unable(
                    f"// launch: of {plan.kernel.name} depends on {strange[0]}, which is no whole number among its parameters"
                )
    known_names = {*plan.codes, *plan.sizes}
    if strange := [name for name in plan.ranges if name not in known_names]:
        raise Unable(f"// values: names {strange[0]}, but {plan.kernel.name} takes {', '.join(plan.codes)}")
