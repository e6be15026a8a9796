"""Faults in parts, arithmetic as C writes it, a time limit, and shared memory read too early: what `tinylucid cuda` is made of."""

import os
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from . import nvrtc

EXAMPLES = sorted((Path(__file__).parents[2] / "examples" / "cuda").glob("*.cu"))
EMULATED = os.environ.get("TINYLUCID_GPU") == "emulated"  # set by conftest.py
pytestmark = pytest.mark.skipif(not EMULATED, reason="of the emulated GPU only")
if EMULATED:
    from tinylucid_kernels.emulator.arithmetic import names_in, value
    from tinylucid_kernels.emulator.compile import warnings
    from tinylucid_kernels.emulator.counts import counts
    from tinylucid_kernels.emulator.fault import other_thread
    from tinylucid_kernels.emulator.launch import LaunchError, build, launch

SOURCE = """#line 1 "parts.cu"
#define WIDE 33
const int ROWS = 4, HALF = ROWS / 2;
extern "C" __global__ void tiled(float *x, int row) {
    __shared__ double first, tile[ROWS][WIDE], other[HALF * 3];
    if (row == 9) { first = 1; other[threadIdx.x] = 1; x[0] = other[5]; }
    x[0] = row == 8 ? first : tile[row][threadIdx.x];
}
extern "C" __global__ void early(float *x) {
    __shared__ float s[64];
    float v = s[63 - threadIdx.x];
    s[threadIdx.x] = x[threadIdx.x];
    x[threadIdx.x] = v;
}
extern "C" __global__ void loops(float *x) {
    while (x[0] == 0) x[1] = 1;
}
extern "C" __global__ void spins(float *x) {
    while (true);
}
extern "C" __global__ void outside(const float *x, float *y, int k) {
    y[k] = x[0];
}
template <int N> __device__ float unknown(int i) {
    __shared__ float part[N];
    return part[i];
}
extern "C" __global__ void inner(float *x) {
    x[0] = unknown<8>(2);
}
"""


def fault(kernel, *args, threads=64, seconds=5.0, unset=False, order=0):
    """The fault of a launch of one block."""
    with pytest.raises(LaunchError) as caught:
        launch(build(SOURCE, check=True), kernel, (1,), (threads,), args, 0, order, seconds, unset)
    return caught.value.fault


def test_places_are_elements():
    x = np.zeros(64, np.float32)
    assert str(fault("tiled", x, np.int32(2)).place) == "tile[2][0]"
    found = fault("tiled", x, np.int32(8))
    assert (str(found.place), found.place.shared, found.line) == ("first", True, "parts.cu:6")
    assert str(fault("tiled", x, np.int32(9), threads=1).place) == "other[5]"
    assert str(fault("inner", x).place) == "part, byte 8"  # of a template, whose N is not known here
    for k, outside in ((64, 1), (-3, -1), (1000, 1)):
        place = fault("outside", x.copy(), x, np.int32(k)).place
        assert (place.name, place.at, place.shared, place.outside) == ("y", (k,), False, outside)
    assert fault("outside", x.copy(), x, np.int32(0)).place.outside == 0  # a race, within
    with pytest.raises(LaunchError) as caught:
        launch(build(SOURCE, check=True), "missing", (1,), (1,), (x,))
    assert caught.value.fault is None  # it did not begin


def test_shared_memory_may_be_read_too_early_to_see_who_writes_it_late():
    x = np.zeros(64, np.float32)
    for order, writer, reader in ((0, 31, 32), (1, 32, 31)):
        assert "no thread of this block has written" in fault("early", x, order=order).message
        found = fault("early", x, unset=True, order=order)
        assert other_thread(found) == ("read", "write", (writer, 0, 0), (0, 0, 0))
        assert (found.thread, str(found.place)) == ((reader, 0, 0), f"s[{writer}]")
        assert (found.line, found.other_line) == ("parts.cu:10", "parts.cu:11")
    assert other_thread(fault("early", x)) is None


def test_a_loop_without_an_end_is_stopped_and_all_goes_on():
    x = np.zeros(64, np.float32)
    for kernel, line in (("loops", 15), ("spins", 18)):
        found = fault(kernel, x, seconds=0.05)
        assert found.message == "this has not ended after 0.05 seconds"
        assert (found.thread, found.line) == ((0, 0, 0), f"parts.cu:{line}")
        assert not x.any()
    for check in (False, True):
        launch(build(SOURCE, check=check), "outside", (1,), (1,), (x + 1, x, np.int32(5)), seconds=0.05)
    assert x[5] == 1
    total = 0
    for i in range(2_000_000):  # the timer is off again: else its signal would end Python
        total += i
    assert total


def test_arrays_are_counted_by_their_argument_wherever_they_lie():
    memory = np.zeros(256, np.float32)
    for x, y in ((memory[:64], memory[128:]), (memory[128:192], memory[:64])):
        launch(build(SOURCE, count=True), "outside", (1,), (1,), (x, y, np.int32(0)))
        assert {(c.kind, c.array) for c in counts(build(SOURCE, count=True))} == {("read", 0), ("write", 1)}


# --- arithmetic -------------------------------------------------------------------------------------------------------

small = st.integers(1, 1000)


@given(n=small, block=small)
def test_arithmetic_is_that_of_whole_numbers(n, block):
    names = {"n": n, "blockDim.x": block}
    assert value("(n + blockDim.x - 1) / blockDim.x", names) == -(-n // block)
    assert value("n % 7 * 3 - -2", names) == n % 7 * 3 + 2
    assert value("min(n, 4) + max(n, blockDim.x)", names) == min(n, 4) + max(n, block)
    assert value("(n << 2) >> 1", names) == 2 * n


def test_names_of_an_expression():
    assert sorted(names_in("(n + blockDim.x) / blockDim.x + max(m, n)")) == ["blockDim.x", "m", "n"]
    assert names_in("256") == []


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("n +", "'n +' is no number and no arithmetic"),
        ("m", "m has no value here"),
        ("gridDim.x", "gridDim.x has no value here"),
        ("n / (n - 4)", "divides by 0"),
        ("n % 0", "divides by 0"),
        ("1.5", "no arithmetic of whole numbers"),
        ("'x'", "no arithmetic of whole numbers"),
        ("__import__('os')", "no arithmetic of whole numbers"),
        ("n ** 99", "no arithmetic of whole numbers"),
        ("min()", "no arithmetic of whole numbers"),
        ("", "is no number and no arithmetic"),
        ("(" * 300, "is no number and no arithmetic"),
    ],
)
def test_what_is_no_arithmetic_is_refused(text, says):
    with pytest.raises(ValueError, match=re.escape(says)):
        value(text, {"n": 4})


def test_warnings_are_found_by_line():
    lines = [
        "int a = x[0];", "float b = a;", "a += 0.5f;", "int c = (int)x[1];", "x[1] == 0;", "if (a = 3) x[2] = 1;",
        "float sum;", "x[0] = a + b + c + sum; }",
    ]  # fmt: skip
    text = "\n".join(['extern "C" __global__ void k(float *x, int n) {', *lines])
    assert sorted(line for line, _ in warnings(text)) == [2, 4, 6, 7, 8, 9]
    assert (8, "‘sum’ was declared here") in warnings(text)


@pytest.mark.skipif(nvrtc.library() is None, reason="NVIDIA's compiler is not installed")
@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_nvidias_compiler_takes_the_examples(path):
    for real in ("float", "double"):
        ptx, log = nvrtc.compiled(path.read_text(encoding="utf-8"), path.name, (f"-Dreal={real}", "-arch=sm_80"))
        assert ptx, log
