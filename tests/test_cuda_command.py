"""`tinylucid cuda`: what is written above a kernel, its NumPy function, what is said where something is missing, exit codes."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from tinylucid_kernels.emulator.compile import missing

from tinylucid.cli import main
from tinylucid.kernelcheck.cases import Case
from tinylucid.kernelcheck.numbers import cause

pytestmark = pytest.mark.skipif(bool(missing()), reason="the emulated GPU needs Linux and g++")
ONE = "int i = blockIdx.x * blockDim.x + threadIdx.x;"
COPY = f"__global__ void copy(const float *x, float *y, int n) {{ {ONE} if (i < n) y[i] = x[i]; }}\n"
IN = "    "
EXAMPLES = Path(__file__).parents[1] / "examples" / "cuda"


@pytest.fixture
def here(tmp_path, monkeypatch):
    """An empty folder to be in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def checked(here, capsys):
    """A function: (exit code, stdout, stderr) of the check of k.cu and k.py with these texts."""

    def run(cu, py="def copy(x): return x\n", *more):
        (here / "k.cu").write_text(cu, encoding="utf-8")
        if py is not None:
            (here / "k.py").write_text(py, encoding="utf-8")
        code = main(["cuda", "check", "k.cu", *more])
        return code, *capsys.readouterr()

    return run


# --- what is right ----------------------------------------------------------------------------------------------------


def test_a_right_kernel_passes_as_a_first_one_is_written(checked):
    """Without extern "C", with the headers that a program has."""
    code, out, err = checked("#include <cuda_runtime.h>\n#include <stdio.h>\n#include <math.h>\n" + COPY)
    assert (code, out, err) == (0, "right k.cu, copy: 60 cases, each in three orders\n", "")


@pytest.mark.parametrize("head", ['extern "C" __global__', 'extern "C"\n__global__', "/* a kernel */ __global__"])
def test_extern_c_may_be_there_or_not(checked, head):
    assert checked(COPY.replace("__global__", head))[0] == 0
    assert checked(f'extern "C" {{\n{COPY}}}\n')[0] == 0


def test_each_kernel_of_a_file_has_its_own_comments(checked):
    second = "// launch: grid 1, block 64\n// sizes: x[64]\n__global__ void grow(float *x, int by) { x[threadIdx.x] += by; }\n"
    code, out, _ = checked(second + COPY, "def copy(x): return x\ndef grow(x, by): return x + by\n")
    assert code == 0
    assert re.findall(r"k\.cu, (\w+)", out) == ["grow", "copy"]
    code, out, _ = checked(second + COPY, "def copy(x): return x\ndef grow(x, by): return x + by + 1\n")
    assert code == 1
    assert "right k.cu, copy" in out
    assert "wrong k.cu, grow" in out


def test_a_kernel_of_reals_is_checked_in_both(checked):
    """1e-9 is nothing in float and something in double."""
    kernel = f"__global__ void copy(const real *x, real *y, int n) {{ {ONE} if (i < n) y[i] = x[i] + EXTRA; }}\n"
    assert checked(kernel.replace("EXTRA", "0"))[0] == 0
    code, out, _ = checked(kernel.replace("EXTRA", "(real)1e-7"))
    assert code == 1
    assert out.startswith("wrong k.cu, copy (real = double)")
    own = "typedef float real;\n" + kernel.replace("EXTRA", "(real)1e-7")
    assert checked(own)[0] == 0


def test_ranges_of_values_are_kept(checked):
    gather = f"__global__ void gather(const float *x, const int *index, float *y, int n) {{ {ONE} if (i < n) y[i] = x[index[i]]; }}\n"
    py = "def gather(x, index): return x[index]\n"
    code, _, err = checked(gather, py)
    assert code == 2
    assert "gather in Python fails for x[1], index[1]: IndexError" in err
    assert "index holds numbers from 0 to 9; if they are indices" in err
    assert err.endswith("\n\n    // values: index = 0 to n - 1\n")
    assert checked("// values: index = 0 to n - 1\n" + gather, py)[0] == 0
    root = f"// values: x = 0.5 to 2\n__global__ void root(float *x, int n) {{ {ONE} if (i < n) x[i] = sqrtf(x[i] - 0.49f); }}\n"
    assert checked(root, "def root(x): return (x - 0.49) ** 0.5\n")[0] == 0
    fixed = COPY.replace("int n", "int n, int k").replace("if (i < n)", "if (k == 3 && n == 64)")
    fixed = f"// values: n = 64, k = 3\n// launch: grid 2, block 32\n{fixed}"
    assert checked("// sizes: x[n], y[n]\n" + fixed)[0] == 0
    apart = fixed.replace("// values: n = 64, k = 3\n", "// values: n = 64\n// values: k = 3\n")
    assert checked("// sizes: x[n]\n// sizes: y[n]\n" + apart)[0] == 0


def test_commas_within_arithmetic_part_nothing(checked):
    for launch in (
        "grid max(1, (n + 31) / 32), block 32",
        "grid (max(1, (n + 31) / blockDim.x), 1), block (32, 1)",
        "grid = n, block = 1",
    ):
        assert checked(f"// launch: {launch}\n{COPY}")[0] == 0


def test_an_output_that_the_function_takes_holds_numbers(checked):
    axpy = f"__global__ void axpy(const float *x, float *y, int n, float a) {{ {ONE} if (i < n) y[i] += a * x[i]; }}\n"
    assert checked(axpy, "def axpy(x, y, a): return y + a * x\n")[0] == 0
    code, out, _ = checked(axpy, "def axpy(x, a): return a * x\n")
    assert code == 1
    assert "`y[0]` is added to, but nothing was put there before" in out.replace("\n", " ")
    both = f"__global__ void both(const float *x, float *y, float *z, int n) {{ {ONE} if (i < n) y[i] = -x[i], z[i] = 2 * x[i]; }}\n"
    assert checked(both, "def both(x): return -x, 2 * x\n")[0] == 0
    code, out, _ = checked(both, "def both(x): return -x, 3 * x\n")
    assert code == 1
    assert "Wrong numbers: `z[0]` is 0.7, right is 1.05. `z` is off by one factor everywhere" in out


def test_only_outputs_that_are_returned_are_compared_if_others_are_taken(checked):
    kernel = f"__global__ void copy(float *x, float *y, int n) {{ {ONE} if (i < n) y[i] = x[i]; CHANGED }}\n"
    assert checked(kernel.replace("CHANGED", ""))[0] == 0  # x lacks its const
    assert (
        checked(kernel.replace("CHANGED", ""), "def copy(x):\n    y = x.copy()\n    x[:] = 9\n    return y\n")[0] == 0
    )
    code, out, _ = checked(kernel.replace("CHANGED", "if (i == 0) x[0] = 7;"))
    assert code == 1
    assert "Wrong numbers: `x[0]` is 7, right is 0.35" in out


def test_whole_numbers_and_bytes_are_compared_exactly(checked):
    for kind, more in (("int", 1), ("unsigned char", 1), ("short", 1), ("long long", 1)):
        kernel = f"__global__ void copy(const {kind} *x, {kind} *y, int n) {{ {ONE} if (i < n) y[i] = x[i]; }}\n"
        assert checked(kernel)[0] == 0
        code, out, _ = checked(kernel.replace("= x[i]", f"= x[i] + (i == 1) * {more}"))
        assert code == 1
        assert "Wrong numbers: `y[1]`" in out


def test_numbers_that_wrap_around_are_wrong_and_nan_where_it_is_due_is_right(checked):
    more = f"__global__ void more(const unsigned char *x, unsigned char *y, int n) {{ {ONE} if (i < n) y[i] = x[i] + 100; }}\n"
    code, out, _ = checked(more, "def more(x): return x + 100\n")
    assert code == 1
    assert re.search(r"`y\[\d+\]` is \d+, right is 2\d\d\.", out)
    assert re.search(r"your y = np\.array\(\[[\d, ]+\]\)", out), "whole numbers have no point"
    root = f"__global__ void root(const float *x, float *y, int n) {{ {ONE} if (i < n) y[i] = sqrtf(x[i]); }}\n"
    assert checked(root, "def root(x): return x ** 0.5\n")[0] == 0


# --- what is wrong ----------------------------------------------------------------------------------------------------


def test_a_result_that_depends_on_the_order_is_told(checked):
    pack = "// start: next = 0\n// sizes: x[n], y[n], next[1]\n__global__ void pack(const float *x, float *y, int *next, int n) {\n"
    code, out, _ = checked(
        f"{pack}{ONE} if (i < n) y[atomicAdd(next, 1)] = x[i]; }}\n", "def pack(x): return x, len(x)\n"
    )
    assert code == 1
    assert (
        "The result depends on the order in which blocks and threads run, and a GPU runs them in any: `y[0]` is 0.35 if they run "
        "forwards and 0 backwards." in out.replace("\n", " ")
    )


def test_the_random_order_may_be_the_only_one_that_shows_it(checked):
    """The thread in the middle is in the middle forwards and backwards."""
    middle = "// start: next = 0\n// sizes: y[1], next[1]\n// launch: grid 1, block 33\n__global__ void middle(int *y, int *next) {\n"
    body = "    int k = atomicAdd(next, 1);\n    if (threadIdx.x == 16) y[0] = k;\n}\n"
    code, out, _ = checked(middle + body, "def middle(): return 16, 33\n")
    assert code == 1
    assert "`y[0]` is 16 if they run forwards and" in out.replace("\n", " ")
    assert "in a random order" in out.replace("\n", " ")


def test_of_several_faults_the_most_exact_is_told(checked):
    """Numbers are wrong from the first case on, blocks race in some."""
    code, out, _ = checked(COPY.replace("y[i] = x[i];", "{ y[i] = 3; if (blockIdx.x) y[0] = 4; }"))
    assert code == 1
    assert "Race on `y[0]` between" in out or "race on `y[0]` between" in out


def test_a_loop_without_an_end_is_stopped(checked, monkeypatch):
    monkeypatch.setattr("tinylucid.kernelcheck.trial.SECONDS", 0.1)
    for loop in ("while (n) y[0] = i;", "while (true);"):
        code, out, _ = checked(COPY.replace("if (i < n)", f"\n{loop}\nif (i < n)"))
        assert code == 1
        assert "It does not end: thread 0 is still in line 2 after 0.1 seconds of computing." in out


def test_other_faults_have_their_line(checked):
    for wrong, says in (
        ("y[i] = 1;", "Threads past `n` write: there are 32 threads for 1 element, so `if (i < n)` is missing."),
        ("y[n] = 1 + 0 * y[n + i];", "past the end of `y`, which has 1 element (n)."),
        ("atomicAdd(y + i - 1, x[0]);", "thread 0 adds to `y[-1]`, 4 bytes before the start of `y`."),
        ("y[i] = 1 / (n - n);", "Line 1: thread 0: integer division by zero"),
        (
            "y[i + 100000] = x[i];",
            "Line 1: thread 0 writes `y[100000]`, 400000 bytes past the end of `y`, which has 1 element (n).",
        ),
        ("float v[4] = {}; v[n + 4] = 1; y[i] = v[0];", "takes element 5 of an array of 4 elements: the last is 3."),
        ("y[i] = *(double *)(x + 1);", "misaligned"),
        ("if (i % 2) __syncthreads(); else __syncwarp();", "A deadlock"),
        (
            "float v = __shfl_sync(0xffff, x[0], 0); if (i < n) y[i] = v;",
            "Line 1: lane 16 takes part, but the mask 0000ffff leaves it out. All 32 lanes are 0xffffffff.",
        ),
        ("if (i % 2) __syncthreads(); else { __syncthreads(); }\n", "waits at the one of line"),
    ):
        kernel = COPY.replace("if (i < n) y[i] = x[i];", wrong)
        code, out, _ = checked(kernel if "one of line" not in says else kernel.replace("else", "\nelse"))
        assert code == 1, wrong
        assert says.lower() in out.replace("\n", " ").lower(), out


HEIGHTS = "int height, int width) { int x = blockIdx.x * 16 + threadIdx.x, y = blockIdx.y * 16 + threadIdx.y;"
UNGUARDED = f"""// launch: grid (width + 15) / 16, (height + 15) / 16, block 16, 16
// sizes: out[height][width]
__global__ void ones(float *out, {HEIGHTS}
    if (y * width + x < width * height)
        out[y * width + x] = 1; }}
"""


def test_a_missing_guard_in_two_dimensions_is_told_apart(checked):
    code, out, _ = checked(UNGUARDED, "import numpy as np\ndef ones(height, width): return np.ones((height, width))\n")
    assert code == 1
    assert (
        "race on `out[1]` between threads (0, 1) and (1, 0), line 5: thread (1, 0) is at x = 1, past `width` = 1, and its index runs "
        "into the next row. It should do nothing: `if (x < width && y < height)` is missing." in out.replace("\n", " ")
    )


def test_a_row_of_threads_is_not_told_of_a_guard_in_two_dimensions(checked):
    turns = "// sizes: y[rows][cols]\n__global__ void turns(float *y, int rows, int cols) {\n"
    code, out, _ = checked(f"{turns}{ONE} y[i % (rows * cols)] = 1; }}\n", "def turns(y): return y\n")
    assert code == 1
    assert "race on `y[" in out
    assert "into the next row" not in out.replace("\n", " ")


def test_blocks_of_one_size_that_are_wrong_are_named(checked):
    halves = (
        f"// start: out = 0\n// sizes: x[n], out[1]\n__global__ void sum(const float *x, float *out, int n) {{ {ONE}\n"
        "    __shared__ float s[256];\n    int t = threadIdx.x;\n    s[t] = i < n ? x[i] : 0;\n    __syncthreads();\n"
        "    for (int d = blockDim.x / 2; d > 0; d /= 2) { if (t < d) s[t] += s[t + d]; __syncthreads(); }\n"
        "    if (t == 0) atomicAdd(out, s[0]); }\n"
    )
    code, out, _ = checked(halves, "def sum(x): return x.sum()\n")
    assert code == 1
    assert "It is right with blocks of 32, 64, 256 threads and wrong with 96: does it need a power of 2" in out.replace(
        "\n", " "
    )
    assert out.count("    // launch: grid (n + 255) / 256, block 256\n") == 1


def test_the_compilers_warnings_explain_wrong_numbers(checked):
    for wrong, says in (
        ("y[i] = x[i]; y[i] == 2;", ""),
        (
            "y[i] == x[i];",
            "In line 1 a statement changes nothing: == compares, = puts a value into a variable.",
        ),
        ("y[i] = n = 3;", ""),
        ("{ if (n = 3) y[i] = 1; }", "In line 1 = puts a value into a variable; == compares."),
        (
            "{ float v; for (int k = 0; k < n; ++k) v += x[0]; y[i] = v; }",
            "In line 1 `v` gets no value, but is used later: does it begin as 0?",
        ),
    ):
        code, out, _ = checked(COPY.replace("y[i] = x[i];", f"y[i] = 0; if (i < n) {wrong}"))
        assert code == (says != "" or "n = 3" in wrong)
        assert says in out.replace("\n", " ")
    other = COPY.replace("copy", "other").replace("y[i] = x[i];", "{ y[i] = x[i]; y[i] == 2; }")
    code, out, _ = checked(
        other + COPY.replace("= x[i]", "= x[i] + 1"), "def copy(x): return x\ndef other(x): return x\n"
    )
    assert code == 1
    assert "a statement changes nothing" not in out.replace("\n", " ")


def test_what_a_kernel_prints_is_shown_of_the_smallest_case(here, capfd):
    kernel = COPY.replace("if (i < n)", 'if (i == 0) printf("n is %d\\n", n); if (i < n)')
    (here / "k.py").write_text("def copy(x): return x\n")
    (here / "k.cu").write_text(kernel)
    assert main(["cuda", "check", "k.cu"]) == 0
    assert capfd.readouterr().out == "right k.cu, copy: 60 cases, each in three orders\n"
    (here / "k.cu").write_text(kernel.replace("= x[i]", "= -x[i]"))
    assert main(["cuda", "check", "k.cu"]) == 1
    out = capfd.readouterr().out
    assert out.endswith("\nin which it prints:\n  n is 1\n")
    assert out.count("n is") == 1


def test_a_cause_has_to_explain_all_results():
    case = Case({}, {}, (1, 1, 1), (1, 1, 1), ())
    wanted = np.array([1.5, 2.5, -3.25, 4.0])
    cut = (case, np.trunc(wanted).astype(np.float32), wanted)
    other = (case, np.array([7, 1, 3, 3], np.float32), wanted)
    too_small = (case, np.zeros(1, np.float32), np.array([0.5]))
    assert cause(None, "y", [cut]).startswith("What stands behind the point is cut off")
    assert cause(None, "y", [too_small, cut]).startswith("What stands behind the point is cut off")
    assert not cause(None, "y", [other, cut]).startswith("What stands behind the point is cut off")


def test_nothing_is_left_in_the_folder(here):
    for file, text in (("k.cu", COPY.replace("= x[i]", "= -x[i]")), ("k.py", "def copy(x): return x\n")):
        (here / file).write_text(text)
    environment = {k: v for k, v in os.environ.items() if k != "HYPOTHESIS_STORAGE_DIRECTORY"}
    command = [sys.executable, "-B", "-m", "tinylucid", "cuda", "check", "k.cu"]
    assert subprocess.run(command, env=environment, capture_output=True).returncode == 1
    assert sorted(path.name for path in here.iterdir()) == ["k.cu", "k.py"]


def test_json_has_all_of_it(checked):
    code, out, _ = checked(COPY.replace("= x[i]", "= -x[i]"), "print('loud')\ndef copy(x): return x\n", "--json")
    (found,) = json.loads(out)
    assert code == 1
    assert found["status"] == "wrong"
    assert (found["kernel"], found["kind"]) == ("copy", "numbers")
    assert found["text"] == "Wrong numbers: `y[0]` is -0.35, right is 0.35. `y` has the wrong sign everywhere."
    assert found["case"] == [
        ["sizes", "n = 1, grid 1, block 32"], ["x", "np.array([0.35])"], ["your y", "np.array([-0.35])"], ["right y", "np.array([0.35])"],
    ]  # fmt: skip


# --- what keeps it from being run -------------------------------------------------------------------------------------

CANNOT = {
    "a semicolon": (
        COPY.replace("threadIdx.x;", "threadIdx.x\n"),
        "k.cu, line 2: a semicolon is missing before `if`, perhaps at the end of the line above.",
        "if (i < n) y[i] = x[i]; }",
    ),
    "a word": (
        COPY.replace("blockIdx", "blockidx"),
        "k.cu, line 1: `blockidx` is not known here; do you mean `blockIdx`?",
        "__global__",
    ),
    "an unknown name": (
        COPY.replace("y[i] =", "out[i] ="),
        "k.cu, line 1: `out` is not known here: it is declared nowhere above, or spelt otherwise.",
        "__global__",
    ),
    "a brace": (
        "\n" + COPY.replace("; }", ";"),
        "k.cu, line 2: the { there is never closed, or one after it: a } is missing",
        "",
    ),
    "a brace too many": (COPY + "}\n", "k.cu, line 2: a } too many closes nothing", ""),
    "const": (
        COPY.replace("float *y", "const float *y").replace("float *x", "float *x, float *z"),
        "k.cu, line 1: `y` is const, not for writing",
        "__global__",
    ),
    "no array": (
        "__global__ void copy(int n) {}",
        "copy has no array to write its result to: give it a parameter such as float *y",
        "",
    ),
    "only inputs": ("__global__ void copy(const float *x, int n) {}", "copy has no array to write its result to", ""),
    "a program": (
        COPY + "int main() { copy<<<1, 32>>>(0, 0, 3); }",
        "k.cu, line 2: int main belongs to the program that starts the kernel",
        "// launch: grid",
    ),
    "a template": (
        "template <typename T> " + COPY,
        "k.cu, line 1: a kernel that is a template has no name to start it by",
        "",
    ),
    "no kernel": (
        "int twice(int x) { return 2 * x; }",
        "k.cu holds no kernel. A kernel begins, for example,",
        'extern "C" __global__ void scale(',
    ),
    "two sizes": (
        COPY.replace("int n", "int n, int m"),
        "How many elements has x? copy has several whole numbers among its parameters",
        "// sizes: x[n][m], y[n][m]",
    ),
    "no size": (
        COPY.replace(", int n", "").replace("if (i < n)", ""),
        "How many elements has x? copy has no whole number among its parameters",
        "// sizes: x[n], y[n]",
    ),
    "a stranger": ("// sizes: z[n]\n" + COPY, "// sizes: names z, but the arrays of copy are x, y", ""),
    "sizes unread": ("// sizes: n each\n" + COPY, "// sizes: n each is not understood", "// sizes: x[n], y[n]"),
    "two dimensions": (
        COPY.replace("threadIdx.x", "threadIdx.y"),
        "copy looks at threadIdx.y or blockIdx.y",
        "// launch: grid (cols + 15) / 16, (rows + 15) / 16, block 16, 16",
    ),
    "launch unread": (
        "// launch: <<<n / 256, 256>>>\n" + COPY,
        "// launch: <<<n / 256, 256>>> is not understood",
        "// launch: grid (n + 255) / 256, block 256",
    ),
    "rounded down": (
        "// launch: grid n / 256, block 256\n" + COPY,
        "// launch: of copy gives grid 0, block 256 for n = 1, but there is at least 1 of each",
        "",
    ),
    "an unknown size": (
        "// launch: grid m, block 256\n" + COPY,
        "// launch: of copy depends on m, which is no whole number among its parameters",
        "",
    ),
    "no arithmetic": (
        "// launch: grid n +, block 256\n" + COPY,
        "// launch: of copy: 'n +' is no number and no arithmetic",
        "",
    ),
    "a large block": (
        "// launch: grid n, block 2048\n" + COPY,
        "copy: a block of (2048, 1, 1) threads; a GPU takes up to 1024, 64 of them in z (for n = 1",
        "",
    ),
    "values unread": (
        "// values: n > 3\n" + COPY,
        "// values: n > 3 is not understood",
        "// values: a = 0.5 to 2, index = 0 to n - 1, k = 3",
    ),
    "a stranger's values": ("// values: z = 3\n" + COPY, "// values: names z, but copy takes x, y, n", ""),
    "no numbers": ("// values: x = low to high\n" + COPY, "// values: x = low to high are no two numbers", ""),
    "start of an input": (
        "// start: x = 0\n" + COPY,
        "// start: x = 0 is not understood. It names an array that copy writes to",
        "// start: y = 0",
    ),
    "too large": ("// values: n = 10000000 to 10000001\n" + COPY, "leave no sizes to try", ""),
    "an unheard-of head": (
        COPY.replace("__global__ void", "__global__ inline void"),
        "k.cu holds no kernel",
        'extern "C" __global__ void scale(',
    ),
    "an unknown header": ("#include <cub/cub.cuh>\n" + COPY, "k.cu, line 1: the file `cub/cub.cuh` is not there", ""),
}


@pytest.mark.parametrize("name", CANNOT)
def test_what_cannot_be_run_is_told_with_what_to_write(checked, name):
    cu, says, hint = CANNOT[name]
    code, out, err = checked(cu)
    assert (code, out) == (2, "")
    first, *rest = err.splitlines()
    assert first.startswith("tinylucid: ")
    assert says in first
    assert hint in "\n".join(rest)
    assert bool(hint) == bool(rest) or name in ("const", "an unknown header")


PYTHON = {
    "another name": (
        "def kopie(x): return x",
        "k.py needs a function copy, of the kernel's name; it has kopie. For example",
        "def copy(x):",
    ),
    "no function": ("copy = 3", "k.py needs a function copy, of the kernel's name; it has none", "def copy(x):"),
    "another parameter": (
        "def copy(x, count): return x",
        "k.py, copy: its parameter count is none of the kernel's, which are x, y, n",
        "",
    ),
    "nothing returned": ("def copy(x): x + 1", "copy in Python returns nothing: end it with return y", ""),
    "too much returned": (
        "def copy(x): return x, x, x",
        "copy in Python returns 3 arrays, but the kernel may write to 1: y",
        "",
    ),
    "a wrong size": (
        "def copy(x): return x.sum()",
        "copy in Python returns 1 numbers for y, which has ",
        "// sizes: x[n], y[n]",
    ),
    "words": ("def copy(x): return 'x'", "copy in Python returns a str for y, expected an array", ""),
    "an exception": (
        "def copy(x): return x[9999]",
        "copy in Python fails for x[1]: IndexError: index 9999 is out of bounds",
        "",
    ),
    "an error in the file": ("import nothing_here", "k.py cannot be run: ModuleNotFoundError", ""),
    "wrong Python": ("def copy(x) return x", "k.py cannot be run: line 1: ", ""),
}


@pytest.mark.parametrize("name", PYTHON)
def test_what_is_wrong_with_the_numpy_function_is_told(checked, name):
    py, says, hint = PYTHON[name]
    code, out, err = checked(COPY, py + "\n")
    assert (code, out) == (2, "")
    assert says in err.splitlines()[0]
    assert hint in err


def test_without_a_python_file_one_to_begin_with_is_printed_and_runs(checked, here):
    kernels = COPY + COPY.replace("copy", "again").replace("int n", "int n, float a")
    code, _, err = checked(kernels, None)
    assert code == 2
    assert err.startswith(
        "tinylucid: k.py is not there: it says with NumPy what the kernel should compute. To begin with\n\n    import numpy"
    )
    text = "\n".join(line.removeprefix(IN) for line in err.splitlines()[2:])
    assert "def copy(x):" in text
    assert "def again(x, a):" in text
    assert checked(kernels, text)[0] == 0


@pytest.mark.parametrize("action", ["check", "profile"])
def test_files_that_are_none_are_told(here, capsys, action):
    (here / "text.py").write_text("x")
    (here / "bytes.cu").write_bytes(b"\xff\xfe\x00")
    for name, says in (
        ("none.cu", "none.cu: no such file"),
        ("text.py", "text.py: expected a file of CUDA C, which ends in .cu"),
        ("bytes.cu", "bytes.cu is no text in UTF-8"),
    ):
        assert main(["cuda", action, name]) == 2
        assert says in capsys.readouterr().err


def test_where_it_cannot_run_at_all_it_says_so(checked, monkeypatch):
    monkeypatch.setattr("tinylucid.kernelcheck.source.missing", lambda: "the emulated GPU needs Linux")
    assert checked(COPY)[2] == "tinylucid: the emulated GPU needs Linux\n"


def test_an_action_is_needed(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["cuda"])
    assert stop.value.code == 2
    assert "ACTION" in capsys.readouterr().err


def test_the_guide_shows_what_is_printed(here, capsys):
    page = (EXAMPLES.parent / "guide" / "cuda.md").read_text(encoding="utf-8")
    for language, ending in (("c", "cu"), ("python", "py")):
        (here / f"reverse.{ending}").write_text(re.search(rf"```{language}\n(.*?)```", page, re.DOTALL)[1])
    assert main(["cuda", "check", "reverse.cu"]) == 1
    assert f"```text\n{capsys.readouterr().out}```" in page
    (here / "transpose.cu").write_text((EXAMPLES / "transpose.cu").read_text().replace("[33]", "[32]"))
    assert main(["cuda", "profile", "transpose.cu"]) == 0
    assert f"```text\n{capsys.readouterr().out}```" in page
