"""The emulated GPU catches what it claims to catch, names the line, and lets right kernels be."""

import os

import numpy as np
import pytest

EMULATED = os.environ.get("TINYLUCID_GPU") == "emulated"  # set by conftest.py
pytestmark = pytest.mark.skipif(not EMULATED, reason="of the emulated GPU only")
if EMULATED:
    from tinylucid_kernels.emulator import compile as compiling
    from tinylucid_kernels.emulator import memory
    from tinylucid_kernels.emulator.launch import LaunchError, build, launch, signature

THREADS = 64
ORDERS = (0, 1, 2)
FULL = "0xffffffffu"

# name: (the kernel's body, what is said); x has 64 floats, n = 64, t is the thread; the line marked // ! is the one named
BAD = {
    "read_past_the_end": (
        "float v = x[t + 1];  // !\n __syncthreads(); x[t] = v;",
        r"read of 4 bytes, just past the end of argument 1 \(x\), float32 \(64,\)",
    ),
    "write_past_the_end": ("x[t + 3] = 1;  // !", r"write of 4 bytes, .*past the end of argument 1 \(x\)"),
    "before_the_start": ("x[t - 1] = 1;  // !", r"4 bytes before argument 1 \(x\), float32 \(64,\)"),
    "far_away": ("x[t * 100000000ll + 99999] = 1;  // !", r"399740 bytes past the end of argument 1|out-of-bounds"),
    "half_outside": ("if (t == 5) x[0] = *(double *)(x + n);  // !", "read of 8 bytes, just past the end"),
    "no_array": ("if (n == 64) none[t] = 1;  // !", r"no memory: none"),
    "past_a_local": ("float v[4] = {}; v[t % 4 + n / 64] = 1;\n x[t] = v[1];", r"index 4 is out of bounds of the array 'float \[4\]'"),
    "past_a_shared": ("__shared__ float u[64], v[64]; u[t + 1] = v[t] = 1;  // !", r"index 64 is out of bounds of the array"),
    "misaligned": ("*(float4 *)(x + 1 + t % 1) = float4{};  // !", "misaligned"),
    "misaligned_pair": ("x[t] = ((float2 *)(x + 1))[0].y;\n *(double *)(x + 1) = 0;  // !", "misaligned|race"),
    "division": ("x[t] = n / (t - 3);  // !", "division by zero"),
    "stack": ("volatile float big[1 << 20]; big[t] = x[t]; x[t] = big[0];", "stack overflow"),
    "others_local": ("__shared__ float *p[64]; float v = t; p[t] = &v; __syncthreads();\n x[t] = *p[63 - t];  // !", "out-of-bounds read"),
    "barrier_in_a_branch": ("if (t < 32) __syncthreads();  // !\n x[t] = 1;", r"divergent barrier: this thread has returned"),
    "two_barriers": ("if (t < 32) __syncthreads();\n else __syncthreads();", "divergent barrier: this thread waits at"),
    "early_return": ("if (t >= n - 8) return;\n __syncthreads();  // !", "divergent barrier: this thread has returned"),
    "deadlock": ("if (t == 5) __syncthreads();\n else __syncwarp();", r"deadlock: this thread waits at .*lane 5"),
    "absent_lane": (f"if (t % 32 != 5) x[t] = __shfl_xor_sync({FULL}, x[t], 1);  // !", "lane 5, which takes no part"),
    "unequal_masks": (f"x[t] = __shfl_sync(t % 32 == 31 ? 0x80000001u : {FULL}, x[t], 0);  // !", "deadlock: this thread waits"),
    "own_mask": ("x[t] = __shfl_sync(0xffffu, x[t], 0);  // !", "not in its own mask"),
    "unwritten": ("x[t] = s[t];  // !", r"read of shared memory that no thread of this block has written, the shared variable s\[\d+\]"),
    "no_barrier": ("s[t] = x[t]; __syncthreads(); s[t] += 1;\n x[t] = s[63 - t];  // !", "race: .* shared memory"),
    "no_second_barrier": ("for (int i = 0; i < 2; ++i) {\n s[t] = i; __syncthreads();\n x[t] = s[63 - t]; }", "race: .* shared memory"),
    "shuffle_is_no_barrier": (f"s[t] = 1; __shfl_sync({FULL}, 0, 0); x[t] = s[t ^ 1];", "race: .* shared|no thread of this block has"),
    "syncwarp_of_others": ("s[t] = t; __syncwarp(0xffffu << t / 16 % 2 * 16);\n x[t] = s[t ^ 16];", "race: .* shared|no thread of this"),
    "after_syncwarp": ("s[t] = 1; __syncwarp(); s[t] = 2;\n x[t] = s[t ^ 1];", "race: .* shared"),
    "unwritten_by_blocks": ("if (blockIdx.x) s[t] = 1;\n if (s[t] == 7) x[t] = 1;  // !", r"block \(0, 0, 0\), .* no thread of this"),
    "everybody_reads": ("s[t] = x[0]; if (t == 63) x[0] = 1;  // !", "race: .* global"),
    "global_race": ("x[t / 2] = t;  // !", r"race: .* by thread \(\d+, 0, 0\) of block \(0, 0, 0\) touch the same word of global"),
    "lost_update": ("x[0] += 1;  // !", "race"),
    "blocks_race": ("x[t] += 1;  // !", r"race: .* of block \([01], 0, 0\)"),
    "atomic_race": ("atomicAdd(x, 1);\n if (t == 9) x[1] = x[0];", "race"),
    "atomic_then_written": ("if (t == 3) atomicAdd(x, 1);\n if (t == 9) x[0] = 2;", "race"),
    "part_of_a_vector": ("if (t == 0) *(float4 *)x = float4{};\n if (t == 9) x[1] = 2;", "race"),
    "atomic_past_the_end": ("atomicAdd(x + n + t, 1);  // !", "out-of-bounds atomic"),
}  # fmt: skip

# name: (the kernel's body, what x is afterwards if it was x before), clean and the same in every order
REDUCE = f"for (int d = 16; d; d /= 2) v += __shfl_down_sync({FULL}, v, d);"
CLEAN = {
    "reversed": ("s[t] = x[t]; __syncthreads(); x[t] = s[63 - t];", lambda x: x[::-1]),
    "warp_sum": (f"float v = x[t]; {REDUCE} __syncthreads(); if (t % 32 == 0) atomicAdd(x, v);", None),
    "half_warps": (
        "unsigned m = t % 32 < 16 ? 0xffffu : 0xffff0000u; float v = x[t];"
        "for (int d = 8; d; d /= 2) v += __shfl_xor_sync(m, v, d, 16); x[t] = v;",
        lambda x: x.reshape(4, 16).sum(1).repeat(16),
    ),
    "within_a_warp": ("s[t] = x[t]; __syncwarp(); x[t] = s[t ^ 1];", lambda x: x.reshape(32, 2)[:, ::-1].ravel()),
    "many_barriers": (
        "for (int i = 0; i < 5; ++i) { s[t] = x[t]; __syncthreads(); x[t] = s[(t + 1) % 64]; __syncthreads(); }",
        lambda x: np.roll(x, -5),
    ),
    "up": (
        f"x[t] = __shfl_up_sync({FULL}, x[t], 1, 8);",
        lambda x: x.reshape(8, 8)[:, [0, 0, 1, 2, 3, 4, 5, 6]].ravel(),
    ),
    "index": (f"x[t] = __shfl_sync({FULL}, x[t], 9, 8);", lambda x: x.reshape(8, 8)[:, 1].repeat(8)),
    "votes": (
        f"unsigned b = __ballot_sync({FULL}, x[t] > 40); x[t] = __any_sync({FULL}, x[t] > 40) + 10 * __all_sync({FULL}, x[t] < 40)"
        "+ 100 * __popc(b);",
        lambda x: np.repeat([10.0, 1 + 2300], 32),
    ),
    "same_values": (f"x[t] = __popc(__match_any_sync({FULL}, (int)x[t] / 3 % 32));", None),
    "lanes_gone": (f"if (t % 32 >= 16) return; x[t] = __ballot_sync({FULL}, 1);", None),
    "vectors": (
        "float4 v = ((float4 *)x)[t / 4]; __syncthreads(); x[t] = v.w - v.x + make_float2(0, 1).y;",
        lambda x: 0 * x + 4,
    ),
    "bytes": (
        "__shared__ unsigned char c[64]; c[t] = t; __syncthreads(); x[t] = c[t ^ 1];",
        lambda x: np.arange(64) ^ 1,
    ),
    "compare_and_swap": ("x[t] = atomicCAS((int *)x + n, 0, 0);", lambda x: 0 * x + np.float32(64).view(np.int32)),
    "in_a_template": ("x[t] = turned<64>(x[t]);", lambda x: x[::-1]),
}
HEAD = """#line 1 "small.cu"
template <int N> __device__ float turned(float v) {
    __shared__ float part[N];
    part[threadIdx.x] = v;
    __syncthreads();
    return part[N - 1 - threadIdx.x];
}
"""


def kernel(name, body):
    """A kernel with that body."""
    head = (
        f'extern "C" __global__ void {name}(float *x, int *none, int n) {{ __shared__ float s[64]; int t = threadIdx.x;'
    )
    return f"{head}\n{body}\n}}\n"


def source(kernels):
    """All of these in one source, so that they are compiled once."""
    return HEAD + "".join(kernel(name, body) for name, (body, _) in kernels.items())


def run(library, name, blocks=1, threads=THREADS, order=0, size=64):
    """x after the kernel, where it was 0, 1, 2 ..."""
    x = np.arange(size, dtype=np.float32)
    launch(library, name, (blocks,), (threads,), [x, np.uint64(0), np.int32(64)], order=order)
    return x


@pytest.mark.parametrize("name", BAD)
def test_what_is_wrong_is_caught_with_its_line(name):
    library = build(source(BAD), check=True)
    body, said = BAD[name]
    lines = source(BAD).replace('#line 1 "small.cu"\n', "").splitlines()
    start = next(i for i, line in enumerate(lines) if f" {name}(" in line)
    marked = next(
        (i for i, line in enumerate(lines[start : start + body.count("\n") + 2], start + 1) if "// !" in line), None
    )
    for order in ORDERS:
        with pytest.raises(LaunchError, match=said) as caught:
            run(
                library,
                name,
                blocks=2 if "blocks" in name else 1,
                order=order,
                size=65 if name == "half_outside" else 64,
            )
        message = str(caught.value)
        assert message.startswith(f"{name}, block (")
        assert marked is None or f"small.cu:{marked}" in message


@pytest.mark.parametrize("check", [False, True])
@pytest.mark.parametrize("name", CLEAN)
def test_what_is_right_gives_the_same_bits_in_every_order(name, check):
    library = build(source(CLEAN), check=check)
    found = [run(library, name, order=order, size=65 if name == "compare_and_swap" else 64) for order in range(5)]
    for x in found[1:]:
        assert x.tobytes() == found[0].tobytes()
    if expected := CLEAN[name][1]:
        np.testing.assert_array_equal(found[0][:64], expected(np.arange(64, dtype=np.float32)))


@pytest.mark.parametrize(
    "name", ["read_past_the_end", "before_the_start", "no_array", "division", "stack", "early_return", "deadlock"]
)
def test_the_plain_build_catches_what_faults(name):
    library = build(source({k: v for k, v in BAD.items() if k != "past_a_local"}))
    with pytest.raises(LaunchError, match=r"bytes|past the end|no memory|division|stack|barrier|deadlock"):
        run(library, name)


def test_a_fault_leaves_the_process_usable():
    library = build(source(BAD), check=True)
    for name in ("stack", "division", "no_array", "deadlock", "no_barrier"):
        with pytest.raises(LaunchError):
            run(library, name)
        test_what_is_right_gives_the_same_bits_in_every_order("many_barriers", True)
    pages = sum(map(len, memory.free.values()))
    with pytest.raises(LaunchError):
        run(library, "division")
    assert sum(map(len, memory.free.values())) == pages  # what the arrays lay in is used again
    with np.errstate(all="ignore"):
        assert np.isinf(np.ones(3) / np.zeros(3)).all()  # signals are the process's own again


def test_the_plain_build_gives_nan_for_shared_memory_that_nobody_has_written():
    for blocks in (1, 3):
        assert np.isnan(run(build(source(BAD)), "unwritten", blocks)).all()


MORE = """#line 1 "more.cu"
// A kernel in a comment is none: extern "C" __global__ void commented(float *x);
extern "C" __global__ void __launch_bounds__(THREADS, 2) many(const real *__restrict__ x, unsigned long long k, bool *flags,
                                                              const int *i, double d, unsigned char *b) {
    int t = threadIdx.x + 4 * threadIdx.y;
    flags[t] = t % 2;
}
#if 0
extern "C" __global__ void left_out(float *x) {}
#endif
extern "C" __global__ void copied(float *x, const float *y, int n) {
    int t = threadIdx.x;
    x[t] = y[t + n];
}
extern "C" __global__ void unset(float *x) {
    float sum;
    for (int i = 0; i < (int)threadIdx.x; ++i) sum += 1;
    x[threadIdx.x] = sum;
}
extern "C" __global__ void beside(float *x, int to) { if (threadIdx.x == 0) x[to] = 1; }
extern "C" __global__ void corner(float *x) { if (blockIdx.y == 2 && threadIdx.y == 1) x[0] = 1; }
extern "C" __global__ void numbers(double *y) {
    int i = 0;
    float nan = __uint_as_float(0x7fc00000u);
    y[i++] = min(nan, 1.0f);                       // a NaN loses
    y[i++] = max(2, 3) + min(5ll, 4ll) + max(1.0f, 2.5);
    y[i++] = exp(1.0f) == expf(1.0f) && exp(1.0) != (double)expf(1.0f);
    y[i++] = rsqrt(4.0) + rsqrtf(4.0f);
    y[i++] = __umulhi(0x80000000u, 6);
    y[i++] = __clz(1) + __popc(255) + __ffs(8);
    y[i++] = isnan(nan) && !isfinite(1.0f / 0.0f) && abs(-3) == 3 && fabs(-3.0f) == 3.0f;
    y[i++] = warpSize + blockDim.x + gridDim.x + blockDim.y;
    y[i++] = fma(2.0f, 3.0f, 1.0f) + pow(2.0, 3.0) + floor(2.5f);
}
"""
OPTIONS = ("-std=c++17", "-ftz=true", "-Dreal=double", "-DTHREADS=8")


def test_kernels_are_found_with_their_types_names_and_bounds():
    library = build(MORE, OPTIONS)
    assert list(library.names) == ["many", "copied", "unset", "beside", "corner", "numbers"]
    assert library.names["many"] == ["x", "k", "flags", "i", "d", "b"]
    assert signature(library, "many") == ["Cf8", "u8", "Pu1", "Ci4", "f8", "Pu1"]


def test_what_no_gpu_launches_is_refused():
    library, x = build(MORE, OPTIONS), np.zeros(4, np.float32)
    for grid, block, said in [
        ((1,), (1025,), "up to 1024"),
        ((1,), (1, 1, 65), "64 of them in z"),
        ((1,), (0,), "up to 1024"),
        ((1, 65536), (1,), "65535"),
        ((0,), (1,), "1 to 2147483647"),
    ]:
        with pytest.raises(LaunchError, match=said):
            launch(library, "unset", grid, block, [x])
    with pytest.raises(LaunchError, match="__launch_bounds__ allows 8"):
        launch(library, "many", (1,), (9,), [x, np.uint64(1), x, x, np.float64(1), x])
    with pytest.raises(LaunchError, match="takes 1 arguments, 2 given"):
        launch(library, "unset", (1,), (1,), [x, x])
    with pytest.raises(LaunchError, match="beside, to: a float64 is not a i4"):
        launch(library, "beside", (1,), (1,), [x, np.float64(1)])
    with pytest.raises(LaunchError, match="shared_mem=16"):
        launch(library, "unset", (1,), (1,), [x], 16)
    with pytest.raises(LaunchError, match="no kernel relu; there are many"):
        launch(library, "relu", (1,), (1,), [x])


@pytest.mark.parametrize("order", ORDERS)
def test_bytes_side_by_side_are_no_race(order):
    flags, x = np.zeros(8, bool), np.zeros(1)
    launch(
        build(MORE, OPTIONS, True),
        "many",
        (1,),
        (4, 2),
        [x, np.uint64(1), flags, np.uint64(0), np.float64(1), flags[1:]],
        0,
        order,
    )
    assert flags.tolist() == [False, True] * 4


def test_arguments_that_overlap_share_their_memory():
    x = np.arange(8, dtype=np.float32)
    launch(build(MORE, OPTIONS, True), "copied", (1,), (4,), [x, x, np.int32(4)])
    assert x.tolist() == [4, 5, 6, 7, 4, 5, 6, 7]
    with pytest.raises(LaunchError, match=r"of argument 1 \(x\), float32 \(4,\) and argument 2 \(y\), float32 \(7,\)"):
        launch(build(MORE, OPTIONS, True), "copied", (1,), (4,), [x[:4], x[:7], np.int32(4)])


def test_a_variable_that_was_never_set_shows():
    x = np.zeros(4, np.float32)
    launch(build(MORE, OPTIONS), "unset", (1,), (4,), [x])
    assert (np.abs(x) > 1e30).all() or not compiling.pattern()


def test_the_plain_build_sees_what_was_written_beside_an_array():
    x = np.zeros(5, np.float32)
    for to in (-3, 6):
        with pytest.raises(LaunchError, match=r"beside: bytes just before or behind argument 1 \(x\), float32 \(5,\)"):
            launch(build(MORE, OPTIONS), "beside", (1,), (1,), [x, np.int32(to)])


def test_a_report_names_block_and_thread_in_all_dimensions():
    with pytest.raises(
        LaunchError,
        match=r"corner, block \(0, 2, 0\), thread \(1, 1, 0\): race: .* thread \(0, 1, 0\) of block \(0, 2, 0\)",
    ):
        launch(build(MORE, OPTIONS, True), "corner", (1, 3), (2, 2), [np.zeros((4, 9), np.float32)])


@pytest.mark.parametrize("check", [False, True])
def test_functions_have_cudas_overloads(check):
    y = np.zeros(9)
    launch(build(MORE, OPTIONS, check), "numbers", (3,), (1, 1), [y]) if not check else None
    launch(build(MORE, OPTIONS, check), "numbers", (1,), (1, 1), [y])
    assert y.tolist() == [1, 9.5, 1, 1, 3, 31 + 8 + 4, 1, 32 + 1 + 1 + 1, 7 + 8 + 2]


ONE_TOO_MANY = """
extern "C" __global__ void copy(const TYPE *x, TYPE *y, int n) { int i = threadIdx.x; if (i <= n) y[i] = x[i]; }
extern "C" __global__ void fill(TYPE *y, int n, TYPE value) { int i = threadIdx.x; if (i <= n) y[i] = value; }
"""


@pytest.mark.parametrize(("kind", "dtype"), [("float", np.float32), ("double", np.float64), ("int", np.int32)])
def test_the_plain_build_sees_a_guard_that_is_copied_or_overwritten(kind, dtype):
    """One element too many: what is read there is another guard, not the one it is written over."""
    library = build(ONE_TOO_MANY, (f"-DTYPE={kind}",))
    for x in (np.arange(9).astype(dtype), np.arange(7).astype(dtype)):
        with pytest.raises(LaunchError, match="behind argument 2"):
            launch(library, "copy", (1,), (32,), (x, x.copy(), np.int32(x.size)))
        for value in (0, -1):
            with pytest.raises(LaunchError, match="behind argument 1"):
                launch(library, "fill", (1,), (32,), (x, np.int32(x.size), dtype(value)))
