"""`tinylucid cuda check` on classic mistakes: each is a right kernel of examples/cuda with one thing changed, and has its exact words."""

import re
import shutil
from pathlib import Path
from typing import NamedTuple

import pytest
from tinylucid_kernels.emulator.compile import missing

from tinylucid.commands.gradcheck import from_file
from tinylucid.kernelcheck.source import read
from tinylucid.kernelcheck.trial import CASES, check

pytestmark = pytest.mark.skipif(bool(missing()), reason="the emulated GPU needs Linux and g++")
EXAMPLES = Path(__file__).parents[1] / "examples" / "cuda"
NAMES = sorted(path.stem for path in EXAMPLES.glob("*.cu"))


class Broken(NamedTuple):
    """In the kernel of a file ``right`` becomes ``wrong``; what is said of it, and the smallest case that shows it."""

    file: str
    right: str
    wrong: str
    kind: str
    text: str
    case: str


INDEX = "int i = blockIdx.x * blockDim.x + threadIdx.x;"
BROKEN = {
    "a missing guard": Broken(
        "scale", "    if (i < n)\n    ", "", "bounds",
        "Line 4: thread 1 reads `x[1]`, 4 bytes past the end of `x`, which has 1 element (n). Threads past `n` read: there are "
        "32 threads for 1 element, so `if (i < n)` is missing.",
        "n = 1, grid 1, block 32",
    ),
    "a guard that lets one too many pass": Broken(
        "scale", "i < n", "i <= n", "bounds",
        "Line 5: thread 1 reads `x[1]`, 4 bytes past the end of `x`, which has 1 element (n). The last element has the number "
        "n - 1: compare with <, not with <=.",
        "n = 1, grid 1, block 32",
    ),
    "blockIdx forgotten": Broken(
        "scale", "blockIdx.x * blockDim.x + threadIdx.x", "threadIdx.x", "race",
        "race on `y[0]` between blocks 0 and 1 (thread 0 of each), line 5: blockIdx is used nowhere, so that each block does "
        f"the same work. Usually: {INDEX}",
        "n = 33, grid 2, block 32",
    ),
    "no barrier between writing and reading": Broken(
        "reverse", "    __syncthreads();\n", "", "race",
        "race on `part[128]` between threads 128 and 127, lines 7 and 8: a `__syncthreads()` is missing between the two.",
        "blocks = 1, grid 1, block 256",
    ),
    "shared memory too small": Broken(
        "reverse", "part[256]", "part[128]", "bounds",
        "Line 7: thread 128 takes element 128 of `part`, which has 128 elements: the last is 127. A block here has 256 threads: "
        "give it a place for each.",
        "blocks = 1, grid 1, block 256",
    ),
    "no second barrier in a loop": Broken(
        "matmul", "        __syncthreads();\n    }", "    }", "race",
        "race on `of_a[0][0]` between threads (0, 0) and (1, 0), lines 10 and 14: a `__syncthreads()` is missing between the two.",
        "n = 1, k = 17, m = 1, grid 1, block (16, 16)",
    ),
    "a barrier in an if": Broken(
        "total", "        if (t < half)\n            part[t] += part[t + half];\n        __syncthreads();",
        "        if (t < half) {\n            part[t] += part[t + half];\n            __syncthreads();\n        }", "barrier",
        "Not all threads of a block come to the `__syncthreads()` of line 13: thread 64 has returned, and a GPU would wait for "
        "ever. Take it out of the if or the loop, and let no thread return before it: put what only some do into an if.",
        "n = 1, grid 1, block 128",
    ),
    "blocks that add up without atomics": Broken(
        "total", "atomicAdd(total, part[0])", "*total += part[0]", "race",
        "race on `total[0]` between blocks 0 and 1 (thread 0 of each), line 16: one reads what the other writes, and blocks "
        "run in any order. To add up, use atomicAdd; else read from one array and write to another.",
        "n = 255, grid 2, block 128",
    ),
    "a sum that does not begin as 0": Broken(
        "means", "float sum = 0", "float sum", "numbers",
        "Wrong numbers: `y[0]` is -1.69474e+38, right is 0.35. In line 8 `sum` gets no value, but is used later: does it begin as 0?",
        "rows = 1, cols = 1, grid 1, block 64",
    ),
    "the left neighbour of the first": Broken(
        "smooth", "max(i - 1, 0)", "i - 1", "bounds",
        "Line 6: thread 0 reads `x[-1]`, 4 bytes before the start of `x`. The first element is number 0: a thread at the edge "
        "has no neighbour before it.",
        "n = 1, grid 1, block 32",
    ),
    "x and y exchanged": Broken(
        "transpose", "y[to_row * rows + to_col]", "y[to_col * cols + to_row]", "numbers",
        "Wrong numbers: `y[1]` (at [0, 1]) is 0.82, right is 0.33; 2 of 4 elements are wrong. It is turned: x and y, or rows "
        "and columns, are exchanged in an index.",
        "rows = 2, cols = 2, grid 1, block (32, 32)",
    ),
    "a division of whole numbers": Broken(
        "means", "1.0f / cols", "1 / cols", "numbers",
        "Wrong numbers: `y[0]` is 0, right is 0.175. All of it is 0. In C 1 / n is 0 where both are whole numbers; 1.0f / n is not.",
        "rows = 1, cols = 2, grid 1, block 64",
    ),
    "a shuffle with half a mask": Broken(
        "warps", "0xffffffff", "0xffff", "lanes",
        "Line 10: thread 0 takes the value of lane 16, which the mask 0xffff leaves out. The mask of all 32 lanes is 0xffffffff.",
        "n = 1, grid 1, block 64",
    ),
}  # fmt: skip
MORE = {
    "the right neighbour of the last": Broken(
        "smooth", "min(i + 1, n - 1)", "i + 1", "bounds",
        "Line 6: thread 0 reads `x[1]`, 4 bytes past the end of `x`, which has 1 element (n). Its last element has the number 0: "
        "an index needs a guard, or is off.",
        "n = 1, grid 1, block 32",
    ),
    "in place, beside neighbours": Broken(
        "smooth", "const float *x, float *y, int n) {", "float *x, int n) {\n#define y x", "race",
        "race on `x[0]` between threads 1 and 0, lines 7 and 8: one reads what the other writes, and threads run in any order. "
        "Read from one array and write to another, or, within one block, put a `__syncthreads()` between the two; "
        "to add up, use atomicAdd.",
        "n = 2, grid 1, block 32",
    ),
    "a lane that is gone": Broken(
        "warps", "    float v = 0;\n    if (i < n)\n        v = x[i];\n", "    if (i >= n) return;\n    float v = x[i];\n", "lanes",
        "Line 9: thread 0 takes the value of lane 16, which takes no part in the shuffle. All lanes of the mask have to come to it: "
        "take it out of the if, and give 0 where a lane has nothing.",
        "n = 1, grid 1, block 64",
    ),
    "shared memory that nobody sets": Broken(
        "histogram", "        part[t] = 0;", "        ;", "unwritten",
        "Line 13: thread 0 reads `part[4]`, which no thread of its block writes. Shared memory does not begin as 0: who sets that element?",
        "n = 1, grid 1, block 64",
    ),
    "counting without atomics": Broken(
        "histogram", "atomicAdd(&part[label[i]], 1)", "part[label[i]] += 1", "race",
        "race on `part[3]` between threads 1 and 2, line 13: one reads what the other writes. In a loop a `__syncthreads()` is missing "
        "at the end of each round; where both add to the same element, use atomicAdd.",
        "n = 3, grid 1, block 64",
    ),
    "added to what is not there": Broken(
        "histogram", "// start: count = 0\n", "", "never written",
        "`count[0]` is added to, but nothing was put there before: an array of a GPU does not begin as 0. Set it in the kernel; or, if "
        "whoever starts the kernel clears it, say so in a comment above it:\n    // start: count = 0",
        "n = 1, grid 1, block 64",
    ),
    "every other one left out": Broken(
        "scale", "if (i < n)", "if (i < n && i % 2 == 0)", "never written",
        "`y[1]` is never written: 1 of 2 elements are left out, for n = 2, grid 1, block 32. Here each element has a thread, "
        "1 × 32 of them; if it is to be started otherwise, say so in a comment above it:\n    // launch: grid (n + 255) / 256, block 256",
        "n = 2, grid 1, block 32",
    ),
    "a sum that is an int": Broken(
        "means", "float sum", "int sum", "numbers",
        "Wrong numbers: `y[0]` is 0, right is 0.35. In line 10 a number with a point is put into a whole one, and what stands "
        "behind the point is lost.",
        "rows = 1, cols = 1, grid 1, block 64",
    ),
    "off by one": Broken(
        "scale", "a * x[i]", "a * x[(i + 1) % n]", "numbers",
        "Wrong numbers: `y[0]` is 0, right is 0.7; 2 of 2 elements are wrong. Each element holds what belongs to the one after it: "
        "an index is off by 1.",
        "n = 2, grid 1, block 32",
    ),
    "added by every thread": Broken(
        "total", "    if (t == 0)\n        atomicAdd", "    atomicAdd", "numbers",
        "Wrong numbers: `total[0]` is 44.8, right is 0.35. `total` is off by one factor everywhere, 128: a constant is lost or wrong.",
        "n = 1, grid 1, block 128",
    ),
}  # fmt: skip


def found(folder, file):
    """What the check says of the kernel in a folder."""
    twin = folder / f"{file}.py"
    (answer,) = check(read(folder / f"{file}.cu"), from_file(twin), twin)
    return answer


def plant(folder, broken):
    """The broken kernel and its function, in that folder."""
    text = (EXAMPLES / f"{broken.file}.cu").read_text(encoding="utf-8")
    assert text.count(broken.right) == 1
    (folder / f"{broken.file}.cu").write_text(text.replace(broken.right, broken.wrong), encoding="utf-8")
    shutil.copy(EXAMPLES / f"{broken.file}.py", folder)


@pytest.mark.parametrize("name", [*BROKEN, *MORE])
def test_a_classic_mistake_is_told_in_these_words(tmp_path, name):
    broken = (BROKEN | MORE)[name]
    plant(tmp_path, broken)
    answer = found(tmp_path, broken.file)
    assert (answer["status"], answer["kind"]) == ("wrong", broken.kind)
    assert answer["text"] == broken.text
    assert answer["case"][0] == ("sizes", broken.case)


@pytest.mark.parametrize("name", NAMES)
def test_its_right_twin_passes(name):
    answer = found(EXAMPLES, name)
    assert answer["status"] == "right", answer["text"]
    assert answer["cases"] == CASES


def test_every_example_has_its_mistakes():
    assert {broken.file for broken in (BROKEN | MORE).values()} == set(NAMES)
    for name in NAMES:
        assert re.match(r"//", (EXAMPLES / f"{name}.cu").read_text(encoding="utf-8")), "says what it computes"


def test_a_guard_that_is_there_is_not_asked_for(tmp_path):
    """A transpose whose index has the wrong row length, behind a right guard: the index is named, not the guard."""
    (tmp_path / "tr.py").write_text("def tr(src):\n    return src.T\n", encoding="utf-8")
    (tmp_path / "tr.cu").write_text(
        "// sizes: src[rows][cols], out[cols][rows]\n// launch: grid (cols + 15) / 16, (rows + 15) / 16, block 16, 16\n"
        'extern "C" __global__ void tr(const float *src, float *out, int rows, int cols) {\n'
        "    int c = blockIdx.x * blockDim.x + threadIdx.x, r = blockIdx.y * blockDim.y + threadIdx.y;\n"
        "    if (r < rows && c < cols) out[c * cols + r] = src[r * cols + c];\n}\n",
        encoding="utf-8",
    )
    said = found(tmp_path, "tr")["text"]
    assert "look at the index: a row of `out` has `rows` = " in said
    assert "is missing" not in said
