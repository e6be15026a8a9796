"""The check of exercise cuda_kernel: run on the emulated GPU, every access looked at, in several orders of blocks and threads."""

import functools
import re
from pathlib import Path

import numpy as np
from tinylucid_kernels.emulator.compile import CompileError, Library, build, missing
from tinylucid_kernels.emulator.launch import LaunchError, launch, signature

from ..drawn import one_of, positive, whole
from ..task import Exercise, Objection, Task

NAME, PARAMETERS = "row_means", "const float *x, float *y, int n"
EMPTY = re.compile(NAME + r"\s*\([^)]*\)\s*\{\s*\}\s*$")
OTHER_ROW = re.compile(r"blockIdx\.x\s*\*\s*blockDim\.x|blockDim\.x\s*\*\s*blockIdx\.x")
UNTOUCHED = np.uint32(0x7FC0DEAD)  # a NaN that no computation makes
ADVICE = {
    "race.*shared memory": "Put a __syncthreads() between the two: it holds each thread until all have come.",
    "race.*global memory": "One number is for one thread to write: y[r] for one thread of block r.",
    "no thread of this block has written":
        "Either a __syncthreads() is missing before it, or a thread that has nothing to add does not write: it writes a 0.",
    "divergent barrier": "All threads of a block have to come to each __syncthreads(): not in an if, a loop or after a return of some.",
    "out of bounds of the array": "An array in shared memory needs a place for each thread, and a block has up to 64.",
    "out-of-bounds.*x[)]": "A row has n numbers, and x ends after the last one: compare the index in the row with n before x is read.",
    "out-of-bounds.*y[)]": "y has one number a row, and a block a row: its index is blockIdx.x.",
}  # fmt: skip


def row_means(x, threads):
    """y (rows,)."""
    return x.astype(float).mean(1)


def row_by_threads(x, threads):
    """The means of what would be the rows if each were as long as a block."""
    n = x.shape[1]
    return np.array([x.ravel()[r * threads : r * threads + n].sum() / n for r in range(len(x))])


def cases(draw):
    """Rows shorter and longer than a block."""
    threads = one_of(draw, 2, 1, 4, 8, 32, 64)
    rows, n = whole(draw, 1, 3), one_of(draw, 1, 2, 3, 4, 5, 8, 31, 64, 100)
    return {"x": positive(draw, rows, n).astype(np.float32), "threads": threads}


def call(module, arguments):
    """y as the learner's kernel makes it, the same in every order."""
    if reason := missing():
        raise Objection("unable", f"This cannot be checked here, whatever the kernel is like: {reason}.")
    if not isinstance(module.SOURCE, str):
        raise Objection("form", f"SOURCE is a {type(module.SOURCE).__name__}, expected the text of the kernel.")
    library = compiled(module.SOURCE, Path(str(module.__file__)))
    if isinstance(library, Objection):
        raise library
    x, threads = arguments.values()
    first, *others = (launched(library, module.SOURCE, x, threads, order) for order in (0, 1, 2))
    if not all(np.allclose(first, y, 1e-5) for y in others):
        text = "y is another one when blocks and threads run in another order: threads may run in any."
        raise Objection("order", text)
    if not (np.abs(first) < 1e30).all():
        text = f"y holds {first[~(np.abs(first) < 1e30)][0]:.3g}, as if a variable were never set: does each sum begin as 0?"
        raise Objection("not set", text)
    if not first.any():
        text = "y is all zero. Is there 1 / n in it? Both are whole numbers in C, so that is 0 for n > 1: divide the sum by n."
        raise Objection("zero", text)
    return first


@functools.cache
def compiled(source, path):
    """The library of a source whose lines are named as those of the file it stands in, or what is wrong with it."""
    bare = re.sub(r"//.*|/\*[\s\S]*?\*/", "", source).rstrip()
    if EMPTY.search(bare):
        raise NotImplementedError
    file = path.read_text(encoding="utf-8") if path.is_file() else ""
    line = file.partition(source)[0].count("\n") + 1 if source in file else 1
    try:
        library = build(f'#line {line} "{path.name}"\n{source}', check=True)
    except CompileError as error:
        return Objection("compile", f"The kernel cannot be compiled. {'; '.join(str(error).splitlines())}.")
    if NAME not in library.names:
        return Objection(
            "name", f'There is no kernel {NAME}: it begins with extern "C" __global__ void {NAME}({PARAMETERS}).'
        )
    if [code.lstrip("PC") for code in signature(library, NAME)] != ["f4", "f4", "i4"]:
        return Objection("parameters", f"{NAME} takes other parameters than it is called with: keep ({PARAMETERS}).")
    return library


def launched(library: Library, source, x, threads, order):
    """What the kernel writes to y when blocks and threads run in that order."""
    rows, n = x.shape
    y = np.full(rows, UNTOUCHED).view(np.float32)
    try:
        launch(library, NAME, (rows,), (threads,), (x, y, np.int32(n)), order=order)
    except LaunchError as error:
        text = str(error).replace("the shared variable ", "")
        raise Objection("fault", f"The emulated GPU stops: {text}. {advice(text, source, threads)}".strip()) from error
    never = np.flatnonzero(y.view(np.uint32) == UNTOUCHED)
    if never.size:
        raise Objection("not written", f"y[{never[0]}] is never written: one thread of block {never[0]} has to.")
    return y


def advice(text, source, threads):
    """What to do about a fault."""
    place = re.search(r"has written, \w+\[(\d+)\]|index (-?\d+) is out of bounds", text)
    index = int(place[1] or place[2]) if place else 0
    if not 0 <= index < threads:
        last = f"threads 0 to {threads - 1}" if threads > 1 else "thread 0 alone"
        return (
            f"Place {index} belongs to no thread: this block has {last}. In step 2 threads t < half (not ≤) add partial[t + half], "
            "and the first half is blockDim.x / 2."
        )
    if "argument 1 (x)" in text and OTHER_ROW.search(source):
        return "Row r begins at x[r * n], not at blockDim.x numbers a row: its index is blockIdx.x * n + i."
    return next((words for found, words in ADVICE.items() if re.search(found, text)), "")


def features(x, threads):
    """What cases differ in."""
    n = x.shape[1]
    return {
        "n > blockDim.x: a thread has several numbers to add up": n > threads,
        "n < blockDim.x: some threads have no number": n < threads,
        "n is no multiple of blockDim.x": bool(n % threads),
        "there is more than one row": len(x) > 1,
        "blockDim.x > 2: step 2 has more than one round": threads > 2,
        "blockDim.x = 1: there is one thread, and nothing to add up in step 2": threads == 1,
    }


EXERCISE = Exercise(
    title="A kernel in CUDA C: the mean of each row, by a block of threads",
    tasks=(
        Task("SOURCE", row_means, cases, call=call, features=features, variants={
            "for the sum of a row: divide it by n": lambda x, threads: x.sum(1),
            "for the sum over blockDim.x: divide it by n": lambda x, threads: x.sum(1) / threads,
            "for row 0 in every block: row r begins at x[r * n]": lambda x, threads: np.full(len(x), x[0].mean()),
            "for rows that begin at x[r * blockDim.x]: row r begins at x[r * n]": row_by_threads,
            "for a thread's first number alone: it goes on in steps of blockDim.x": lambda x, threads: x[:, :threads].sum(1) / x.shape[1],
            "for the sum of thread 0 alone: step 2 adds those of the others": lambda x, threads: x[:, ::threads].sum(1) / x.shape[1],
            "for whole numbers: an int cuts off what is behind the point": lambda x, threads: np.trunc(x).sum(1) / x.shape[1],
            "for a mean cut off behind the point: a float divided by n is none": lambda x, threads: np.trunc(x.mean(1)),
        }),
    ),
    hints=(
        "Write it for one thread first: for (int i = 0; i < n; i++) sum += x[blockIdx.x * n + i];",
        "Thread t begins at i = t and goes on by i += blockDim.x; a thread with nothing to add has the sum 0, and writes it too.",
        "Step 2: for (int half = blockDim.x / 2; half > 0; half /= 2), and in it threads below half add partial[t + half].",
        "A __syncthreads() after partial[t] = sum, and one at the end of each round, outside of the if: all threads come to it.",
        "Only thread 0 writes: if (threadIdx.x == 0) y[blockIdx.x] = partial[0] / n;",
    ),
)  # fmt: skip
