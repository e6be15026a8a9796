"""`tinylucid cuda profile` on kernels whose counts are known by hand."""

import json
import shutil
from pathlib import Path

import pytest
from tinylucid_kernels.emulator.compile import missing
from tinylucid_kernels.emulator.counts import Count

from tinylucid.cli import main
from tinylucid.kernelcheck import PARTED, Unable
from tinylucid.kernelcheck.profile import merged, profile, say
from tinylucid.kernelcheck.source import read

pytestmark = pytest.mark.skipif(bool(missing()), reason="the emulated GPU needs Linux and g++")
EXAMPLES = Path(__file__).parents[1] / "examples" / "cuda"
HEAD = """// sizes: x[n], y[n]
// launch: grid n / 64, block 64
__global__ void k(const TYPE *x, TYPE *y, int n) {
    int i = blockIdx.x * 64 + threadIdx.x;
"""

COLUMNS = """// launch: grid n / 256, n, block 256
// sizes: x[n][n], y[n][n]
__global__ void k(const float *x, float *y, int n) {
    int row = blockIdx.x * 256 + threadIdx.x, col = blockIdx.y;
    if (threadIdx.x % 2 == 0)
        y[row * n + col] = x[col * n + row];
}
"""


def counted(folder, body, kind="float", n=1024, head=HEAD):
    """{(line of the body, what): (requests, cost, fewest)}, and the sentences, of a kernel with that body."""
    (folder / "k.cu").write_text(head.replace("TYPE", kind) + body + "\n}\n")
    (found,) = profile(read(folder / "k.cu"), {"n": n})
    first = head.count("\n")
    return {(r["line"] - first, r["what"]): (r["requests"], r["cost"], r["fewest"]) for r in found["rows"]}, found[
        "says"
    ]


# --- sectors: 1024 elements are 32 requests ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "kind", "read", "fewest"),
    [
        ("y[i] = x[i];", "float", 4, 4),
        ("y[i] = x[i];", "double", 8, 8),
        ("y[i] = x[i];", "unsigned char", 1, 1),
        ("y[i] = x[n - 1 - i];", "float", 4, 4),  # backwards
        ("y[i] = x[0];", "float", 1, 1),  # all lanes the same
        ("y[i] = x[i ^ 1];", "float", 4, 4),
        ("y[i] = x[2 * i % n];", "float", 8, 4),
        ("y[i] = x[8 * i % n];", "float", 32, 4),
        ("y[i] = x[i % 32 * 32 + i / 32];", "float", 32, 4),  # a column
        ("y[i] = x[i / 32 * 32 + (i + 1) % 32];", "float", 4, 4),
        ("y[i] = x[min(i / 32 * 32 + 4, n - 32) + i % 32];", "float", 5, 4),  # half a sector further
        ("y[i] = ((const float4 *)x)[i % (n / 4)].x;", "float", 16, 16),
    ],
)
def test_sectors_are_those_that_the_lanes_touch(tmp_path, body, kind, read, fewest):
    found, _ = counted(tmp_path, body, kind)
    requests, cost, least = found[1, "read x"]
    requests, cost = (32, cost * 32 // requests) if "float4" in body else (requests, cost)
    assert requests == 32
    if "min(" in body:
        assert cost == 31 * 5 + 4  # the last warp begins where a sector does
    elif "float4" not in body:
        assert (cost, least) == (32 * read, 32 * fewest)
    assert found[1, "write y"] == (32, found[1, "write y"][2], found[1, "write y"][2])


def test_lanes_that_take_no_part_ask_for_nothing(tmp_path):
    found, _ = counted(tmp_path, "if (i % 64 < 8)\ny[i] = x[i];")
    assert found[2, "read x"] == (16, 16, 16)
    assert found[1, "branch"] == (32, 16, 0)


def test_each_round_of_a_loop_is_a_request(tmp_path):
    found, _ = counted(
        tmp_path, "float sum = 0;\nfor (int k = 0; k < 5; ++k)\nsum += x[(i + 32 * k) % n];\ny[i] = sum;"
    )
    assert found[3, "read x"] == (5 * 32, 5 * 32 * 4, 5 * 32 * 4)
    assert found[4, "write y"] == (32, 128, 128)


def test_atomics_are_counted_apart(tmp_path):
    found, _ = counted(tmp_path, "atomicAdd(&y[0], x[i]);")
    assert found[1, "atomic y"] == (32, 32, 32)


# --- banks: a block of 64 threads is 2 requests -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "turns", "fewest"),
    [
        ("__shared__ float s[64]; s[t] = 1;", 1, 1),
        ("__shared__ float s[64]; s[63 - t] = 1;", 1, 1),
        ("__shared__ float s[128]; s[2 * t] = 1;", 2, 1),
        ("__shared__ float s[2048]; s[32 * t] = 1;", 32, 1),
        ("__shared__ float s[64][33]; s[t][0] = 1;", 1, 1),  # rows of 33 begin in other banks
        ("__shared__ float s[64][32]; s[t][0] = 1;", 32, 1),
        ("__shared__ double s[64]; s[t] = 1;", 2, 2),  # by halves of a warp
        ("__shared__ double s[128]; s[2 * t] = 1;", 4, 2),
        ("__shared__ float4 s[64]; s[t] = float4{};", 4, 4),  # by quarters
        ("__shared__ unsigned char s[64]; s[t] = 1;", 1, 1),  # four lanes a word
    ],
)
def test_turns_of_the_banks(tmp_path, body, turns, fewest):
    found, says = counted(tmp_path, f"int t = threadIdx.x;\n{body}\ny[i] = 1;", n=64)
    parts = [value for (line, what), value in found.items() if (line, what) == (2, "write s")]
    assert [sum(p[k] for p in parts) for k in (1, 2)] == [2 * turns, 2 * fewest]
    assert bool(says) == (turns > fewest)


def test_lanes_that_read_one_word_take_one_turn(tmp_path):
    body = "__shared__ float s[64]; s[threadIdx.x] = 1; __syncthreads();\ny[i] = s[threadIdx.x / 32];"
    assert counted(tmp_path, body, n=64)[0][2, "read s"] == (2, 2, 2)


def test_padding_mends_a_transpose(tmp_path):
    text = (EXAMPLES / "transpose.cu").read_text()
    rows = {}
    for width in (33, 32):
        (tmp_path / "t.cu").write_text(text.replace("[33]", f"[{width}]"))
        (found,) = profile(read(tmp_path / "t.cu"), {})
        rows[width] = {(r["line"], r["what"]): (r["requests"], r["cost"], r["fewest"]) for r in found["rows"]}
        assert found["says"] == [] or width == 32
    assert rows[33][13, "read tile"] == (512, 512, 512)
    assert rows[32][13, "read tile"] == (512, 512 * 32, 512)
    assert rows[32][13, "write y"] == rows[33][13, "write y"] == (512, 2048, 2048)
    assert found["says"] == [
        "line 13, read tile: neighbouring threads are 128 bytes apart: the 32 banks of shared memory take 32 turns a request "
        "where 1 would do. Lengthen the rows of the array by 1, so that they begin in other banks."
    ]


# --- branches ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("condition", "parted"),
    [("i % 2", 32), ("i / 32 % 2", 0), ("i % 64 < 40", 16), ("i < n", 0), ("i == 5", 1), ("x[i] > 1e30f", 0)],
)
def test_branches_at_which_lanes_part(tmp_path, condition, parted):
    found, says = counted(tmp_path, f"if ({condition})\ny[i] = 1;\nelse\ny[i] = x[i];")
    assert found.get((1, "branch"), (32, 0, 0)) == (32, parted, 0)  # i < n is always so, as the grid is
    assert bool(says) == (parted > 8)


def test_lanes_that_leave_a_loop_one_after_another_part_each_time(tmp_path):
    found, _ = counted(tmp_path, "float sum = 0;\nfor (int k = 0; k < i % 4; ++k)\nsum += x[k];\ny[i] = sum;")
    assert found[2, "branch"][1] == 32 * 3  # at k = 0, 1 and 2 some go on
    assert found[3, "read x"] == (32 * 3, 32 * 3, 32 * 3)


def test_a_switch_and_a_return_part_too(tmp_path):
    found, _ = counted(tmp_path, "if (i % 2)\nreturn;\ny[i] = 1;")
    assert found[1, "branch"] == (32, 32, 0)
    cases = "\n".join(f"case {k}: y[i] = x[i] * {k} + y[i]; break;" for k in range(6))
    found, _ = counted(tmp_path, f"switch (i % 6) {{\n{cases}\n}}")
    assert sum(value[1] for (_, what), value in found.items() if what == "branch") >= 32


# --- what is printed --------------------------------------------------------------------------------------------------


def test_the_table_and_the_sentences(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "k.cu").write_text(COLUMNS)
    assert main(["cuda", "profile", "k.cu", "--size", "n=256"]) == 0
    out = capsys.readouterr().out
    assert out == (
        "k.cu, k: n = 256, grid (1, 256), block 256\n"
        "  line  what     requests  each  at best  unit\n"
        "     6  write y      2048    16        2  sectors\n"
        "     6  read x       2048     4        2  sectors\n"
        "     5  branch       2048  100%        –  times parted\n"
        "\nline 6, write y: neighbouring threads are 1 KB apart: 16 sectors a request where 2 would do. Let\n"
        "threadIdx.x run along the last axis, so that they lie side by side.\n"
        "\nline 5, branch: in 2048 of 2048 arrivals the lanes of a warp go different ways, and wait for each\n"
        "other. Let the condition be the same for 32 neighbouring threads, where that can be.\n"
        "\nA request is what a warp asks for at once, in sectors of 32 bytes of the memory, or in turns of the\n"
        "32 banks of shared memory. Counted, not timed: caches, registers and occupancy only a GPU can show.\n"
    )
    assert main(["cuda", "profile", "k.cu", "--size", "n=256"]) == 0
    assert capsys.readouterr().out == out  # the same each time
    assert main(["cuda", "profile", "k.cu", "--size", "n=256", "--json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)
    assert found["rows"][0] == {
        "line": 6, "what": "write y", "unit": "sectors", "requests": 2048, "cost": 32768, "fewest": 4096, "extra": 28672,
        "most": 16, "step": 1024, "size": 4,
    }  # fmt: skip


def test_what_costs_too_much_comes_first(tmp_path):
    """Before what costs more but could not cost less."""
    body = "float v = 0;\nfor (int k = 0; k < 64; ++k)\nv += x[(i + 32 * k) % n];\nv += x[8 * i % n];\ny[i] = v;"
    (tmp_path / "k.cu").write_text(HEAD.replace("TYPE", "float") + body + "\n}\n")
    first, second, *_ = profile(read(tmp_path / "k.cu"), {"n": 1024})[0]["rows"]
    assert (first["extra"], second["extra"]) == (32 * 28, 0)
    assert first["cost"] < second["cost"]


def test_the_dearest_of_a_line_speaks_for_it():
    some = Count("k.cu:7", "read", 0, "", 2, 8, 8, 4, 4, 4)
    dear = some._replace(requests=1, cost=32, fewest=4, most=32, step=128)
    for pair in ([some, dear], [dear, some]):
        assert merged(pair) == [dear._replace(requests=3, cost=40, fewest=12)]
    assert merged([some, dear._replace(size=8)]) == [some, dear._replace(size=8)]


def test_what_is_worth_a_sentence():
    line = {"line": 7, "what": "branch", "unit": PARTED, "requests": 8}
    assert say({**line, "cost": 2}).startswith("line 7, branch: in 2 of 8 arrivals")
    assert say({**line, "cost": 1}) == ""
    turns = {**line, "what": "read s", "unit": "turns", "requests": 1, "fewest": 1, "size": 4}
    assert "32 turns a request where 1 would do. Lengthen the rows" in say({**turns, "cost": 32, "step": 128})
    assert "64 bytes apart: the 32 banks of shared memory take 16 turns" in say({**turns, "cost": 16, "step": 64})
    assert say({**turns, "cost": 16, "step": 64}).endswith("best 4 bytes apart.")


def test_lanes_that_never_part_are_said_so(capsys):
    assert main(["cuda", "profile", str(EXAMPLES / "scale.cu")]) == 0
    out = capsys.readouterr().out
    assert "\nAt no branch do the lanes of a warp part.\n" in out
    assert "branch  " not in out


def test_sizes_that_no_kernel_has_and_faults_are_told(tmp_path, capsys):
    shutil.copy(EXAMPLES / "scale.cu", tmp_path)
    source = read(tmp_path / "scale.cu")
    with pytest.raises(Unable, match="--size m: the sizes are n"):
        profile(source, {"m": 3})
    assert profile(source, {"n": 100})[0]["case"] == "n = 100, grid 1, block 256"
    with pytest.raises(Unable, match="too many for an emulated GPU"):
        profile(source, {"n": 10**8})
    (tmp_path / "scale.cu").write_text((tmp_path / "scale.cu").read_text().replace("if (i < n)", ""))
    with pytest.raises(
        Unable,
        match=r"scale cannot be profiled before it is right. Line 5: thread 100 .*Threads past `n` read.*`cuda check`",
    ):
        profile(read(tmp_path / "scale.cu"), {"n": 100})
    for wrong in ("n", "n=0", "n=x", "3=4", "=5"):
        with pytest.raises(SystemExit):
            main(["cuda", "profile", "k.cu", "--size", wrong])
        assert "expected NAME=N, such as n=1024" in capsys.readouterr().err
