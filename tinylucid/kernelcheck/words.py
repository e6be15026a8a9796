"""A fault of the emulated GPU as a sentence for somebody whose first kernel this is: what, where, and what to do."""

from __future__ import annotations

import re
from collections.abc import Sequence

from tinylucid_kernels.emulator.compile import Library
from tinylucid_kernels.emulator.fault import Fault, Place, other_thread

from .cases import Case
from .plan import Plan
from .source import Source

DOES = {"read": "reads", "write": "writes", "atomic": "adds to"}
INDEX = "int i = blockIdx.x * blockDim.x + threadIdx.x;"
KINDS = (  # in which order they are told; what comes first is more exact, or explains what comes later
    ("time", "has not ended"),
    ("race", "^race"),
    ("bounds", "out-of-bounds|out of bounds|^out of"),
    ("barrier", "divergent barrier|deadlock"),
    ("lanes", "shuffle|own mask"),
    ("unwritten", "no thread of this block"),
    ("arithmetic", "division by zero"),
    ("memory", ""),
)


def kind_of(fault: Fault) -> str:
    """The kind of a fault."""
    return next(kind for kind, pattern in KINDS if re.search(pattern, fault.message))


def told(fault: Fault, plan: Plan, source: Source, library: Library, case: Case) -> str:
    """The sentence about a fault."""
    say = {
        "race": race,
        "bounds": bounds,
        "barrier": barrier,
        "lanes": lanes,
        "unwritten": unwritten,
        "time": time_over,
    }
    about = say.get(kind_of(fault), otherwise)
    text = about(fault, plan, source, library, case)
    return text[0].upper() + text[1:] if about is not race else text


def number(line: str) -> int:
    """The number in "scale.cu:7"."""
    return int(line.rpartition(":")[2] or 0)


def who(thread: Sequence[int] | None, block: Sequence[int], case: Case) -> str:
    """A thread in as few numbers as name it."""
    if thread is None:
        return "a thread"
    return f"thread {index(thread, case.block)}" + in_block(block, case)


def in_block(block: Sequence[int], case: Case) -> str:
    """Of which block, if there are several."""
    return f" of block {index(block, case.grid)}" if max(case.grid) > 1 else ""


def index(three: Sequence[int], sizes: Sequence[int]) -> str:
    """A plain number where there is one dimension."""
    axes = max((k + 1 for k, size in enumerate(sizes) if size > 1), default=1)
    return str(three[0]) if axes == 1 else f"({', '.join(map(str, three[:axes]))})"


def lines(first: int, second: int) -> str:
    """One line or two."""
    return f"line {first}" if first == second else f"lines {first} and {second}"


def race(fault: Fault, plan: Plan, source: Source, library: Library, case: Case) -> str:
    """Two threads and a word of memory."""
    other = other_thread(fault)
    assert other is not None
    assert fault.thread is not None
    now, then, thread, block = other
    ends = sorted(
        [(number(fault.line), fault.thread, fault.block, now), (number(fault.other_line), thread, block, then)]
    )
    (line, one, its_block, does), (line2, two, block2, does2) = ends
    where = f"`{fault.place}`" if fault.place else "memory"
    at, between = lines(line, line2), its_block != block2
    if between and one == two:
        pair = f"blocks {index(its_block, case.grid)} and {index(block2, case.grid)} (thread {index(one, case.block)} of each)"
    elif between:
        pair = f"{who(one, its_block, case)} and {who(two, block2, case)}"
    else:
        pair = f"threads {index(one, case.block)} and {index(two, case.block)}{in_block(its_block, case)}"
    text = f"race on {where} between {pair}, {at}: "
    for thread, block in ((one, its_block), (two, block2)):
        if says := past_the_edge(fault.place, thread, block, plan, case):
            return text + says
    if between and "blockIdx" not in plan.kernel.body:
        return f"{text}blockIdx is used nowhere, so that each block does the same work. Usually: {INDEX}"
    return text + remedy(bool(fault.place and fault.place.shared), between, line == line2, {does, does2})


def past_the_edge(place: Place | None, thread: Sequence[int], block: Sequence[int], plan: Plan, case: Case) -> str:
    """Of a thread in two dimensions that no element of the array is for: its index runs on into the next row."""
    if place is None or place.shared or len(plan.lengths[place.name]) != 2 or case.block[1] == 1:
        return ""
    (rows, cols), (height, width) = plan.lengths[place.name], case.values[place.name].shape
    x, y = (block[k] * case.block[k] + thread[k] for k in (0, 1))
    if x < width and y < height:
        return ""
    past = f"x = {x}, past `{cols}` = {width}" if x >= width else f"y = {y}, past `{rows}` = {height}"
    if all(re.search(rf"<\s*{name}\b", plan.kernel.body) for name in (rows, cols)):
        return f"look at the index: a row of `{place.name}` has `{cols}` = {width} elements, and there are `{rows}` = {height} rows."
    return (
        f"{who(thread, block, case)} is at {past}, and its index runs into the next row. It should do nothing: "
        f"`if (x < {cols} && y < {rows})` is missing."
    )


def remedy(shared: bool, between_blocks: bool, one_line: bool, does: set[str]) -> str:
    """What to do about a race."""
    if does == {"atomic", "read"} or does == {"atomic", "write"}:
        return "one of the two is atomic, the other is not, and may come in between."
    if between_blocks:
        if does == {"write"}:
            return "both write it, and blocks run in any order. Let each write an element of its own; to add up, use atomicAdd."
        return (
            "one reads what the other writes, and blocks run in any order. "
            "To add up, use atomicAdd; else read from one array and write to another."
        )
    if does == {"write"} and one_line:
        return (
            "both write it, and which value stays is chance. Let one thread write it (if (threadIdx.x == 0)), "
            "or each an element of its own; to add up, use atomicAdd."
        )
    if not shared:
        return (
            "one reads what the other writes, and threads run in any order. Read from one array and write to another, "
            "or, within one block, put a `__syncthreads()` between the two; to add up, use atomicAdd."
        )
    if one_line:
        return (
            "one reads what the other writes. In a loop a `__syncthreads()` is missing at the end of each round; "
            "where both add to the same element, use atomicAdd."
        )
    return "a `__syncthreads()` is missing between the two."


def bounds(fault: Fault, plan: Plan, source: Source, library: Library, case: Case) -> str:
    """An address that belongs to nothing, or an index that an array of known size has not."""
    line = number(fault.line)
    place, thread = fault.place, who(fault.thread, fault.block, case)
    if found := re.search(r"index (-?\d+) is out of bounds of the array '(.*?) ?\[(\d+)\]", fault.message):
        return past_declared(int(found[1]), int(found[3]), fault, plan, source, library, case)
    did = re.search(r"out-of-bounds (\w+)", fault.message)
    does = DOES.get(did[1], did[1]) if did else "touches"
    if place is None or place.name not in case.values:
        return f"line {line}: {thread} {does} memory that belongs to no array: an index is far off, or an array is another thread's."
    size, element = case.values[place.name].size, case.values[place.name].itemsize
    k = place.at[0]
    if place.outside < 0:
        advice = "The first element is number 0: a thread at the edge has no neighbour before it."
        return (
            f"line {line}: {thread} {does} `{place}`, {-k * element} bytes before the start of `{place.name}`. {advice}"
        )
    has = f"`{place.name}`, which has {many(size, 'element')}{dependence(plan, place, case)}"
    text = f"line {line}: {thread} {does} `{place}`, {(k + 1 - size) * element} bytes past the end of {has}."
    return text + after_the_end(fault, place, k, size, plan, source, case)


def many(count: int, what: str) -> str:
    """How many there are of something."""
    return f"{count} {what}{'s' * (count != 1)}"


def dependence(plan: Plan, place: Place, case: Case) -> str:
    """What the number of elements comes from: " (n)", where it is not a plain number."""
    text = " × ".join(plan.lengths[place.name])
    return "" if text.isdecimal() else f" ({text})"


def after_the_end(fault: Fault, place: Place, k: int, size: int, plan: Plan, source: Source, case: Case) -> str:
    """What to do about an index past the end."""
    assert fault.thread is not None
    own = fault.block[0] * case.block[0] + fault.thread[0]
    threads = case.grid[0] * case.block[0]
    axis = plan.lengths[place.name]
    flat = max(case.grid[1:] + case.block[1:]) == 1
    if flat and k == own and len(axis) == 1 and threads > size:
        guard = f"if (i < {axis[0]})"
        if re.search(rf"<=\s*{re.escape(axis[0])}\b", plan.kernel.body):
            return f" The last element has the number {axis[0]} - 1: compare with <, not with <=."
        did = "write" if "write" in fault.message else "read" if "read" in fault.message else "go on"
        return f" Threads past `{axis[0]}` {did}: there are {threads} threads for {many(size, 'element')}, so `{guard}` is missing."
    return f" Its last element has the number {size - 1}: an index needs a guard, or is off."


def past_declared(k: int, length: int, fault: Fault, plan: Plan, source: Source, library: Library, case: Case) -> str:
    """An index that a shared or local array of known size has not."""
    line = number(fault.line)
    shared = {
        name: lengths for (function, name), lengths in library.lengths.items()
        if function == plan.kernel.name and length in lengths and re.search(rf"\b{name}\b", source.line(line))
    }  # fmt: skip
    name, lengths = next(iter(shared.items())) if len(shared) == 1 else ("", ())
    what = f"an array of {many(length, 'element')}"
    if name:
        what = (
            f"`{name}`, which has {many(length, 'element')}"
            if len(lengths) == 1
            else f"`{name}` along an axis of {length}"
        )
    side = "the first is 0" if k < 0 else f"the last is {length - 1}"
    text = f"line {line}: {who(fault.thread, fault.block, case)} takes element {k} of {what}: {side}."
    if name and fault.thread and k == fault.thread[0] >= length:
        text += f" A block here has {case.block[0]} threads{' along x' * (case.block[1] > 1)}: give it a place for each"
        text += (
            "."
            if plan.block
            else ", or say with how many it is started:\n    // launch: grid (n + 127) / 128, block 128"
        )
    return text


def barrier(fault: Fault, plan: Plan, source: Source, library: Library, case: Case) -> str:
    """A barrier that not all come to."""
    if found := re.search(
        r"waits at \S+:(\d+) for the lanes of the mask (\w+), but lane (\d+) waits at \S+:(\d+)", fault.message
    ):
        return (
            f"line {found[1]}: a deadlock. {who(fault.thread, fault.block, case)} waits there for the lanes of the mask {found[2]}, "
            f"but lane {found[3]} waits in line {found[4]}. All lanes of a mask have to come to the same call."
        )
    places = re.findall(r":(\d+)", fault.message)
    where = f"the `__syncthreads()` of line {places[-1]}"
    what = "has returned" if "has returned" in fault.message else f"waits at the one of line {places[0]}"
    return (
        f"not all threads of a block come to {where}: {who(fault.thread, fault.block, case)} {what}, and a GPU would wait for ever. "
        "Take it out of the if or the loop, and let no thread return before it: put what only some do into an if."
    )


def lanes(fault: Fault, plan: Plan, source: Source, library: Library, case: Case) -> str:
    """A shuffle or a vote with the wrong lanes."""
    if found := re.search(r"shuffle at \S+:(\d+) reads lane (\d+)", fault.message):
        takes = f"line {found[1]}: {who(fault.thread, fault.block, case)} takes the value of lane {found[2]}, which"
        masks = re.findall(r"\b0x[0-9a-fA-F]+", source.line(int(found[1])))
        if masks and not int(masks[0], 16) >> int(found[2]) & 1:
            return f"{takes} the mask {masks[0]} leaves out. The mask of all 32 lanes is 0xffffffff."
        return (
            f"{takes} takes no part in the shuffle. "
            "All lanes of the mask have to come to it: take it out of the if, and give 0 where a lane has nothing."
        )
    found = re.search(r"lane (\d+) takes part at \S+:(\d+), but is not in its own mask (\w+)", fault.message)
    assert found is not None
    return f"line {found[2]}: lane {found[1]} takes part, but the mask {found[3]} leaves it out. All 32 lanes are 0xffffffff."


def unwritten(fault: Fault, plan: Plan, source: Source, library: Library, case: Case) -> str:
    """Shared memory that holds nothing yet."""
    return (
        f"line {number(fault.line)}: {who(fault.thread, fault.block, case)} reads `{fault.place}`, which no thread of its block writes. "
        "Shared memory does not begin as 0: who sets that element?"
    )


def time_over(fault: Fault, plan: Plan, source: Source, library: Library, case: Case) -> str:
    """A loop without an end."""
    return (
        f"it does not end: {who(fault.thread, fault.block, case)} is still in line {number(fault.line)} "
        f"after {fault.message.split()[-2]} seconds of computing. What changes in each round of that loop, and when does it stop?"
    )


def otherwise(fault: Fault, plan: Plan, source: Source, library: Library, case: Case) -> str:
    """The rest, as the emulated GPU says it."""
    return f"line {number(fault.line)}: {who(fault.thread, fault.block, case)}: {fault.message}."
