"""What the card does a second at most: copies, multiply-adds in float32, and those of its tensor cores in TF32.

The kernels compute in registers alone. Each thread has eight sums that do not wait for each other.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from tinylucid_kernels.gpu import driver

from .gpu_rows import EMULATED, Row, rates, timed

SOURCE = r"""
extern "C" __global__ void ffma(float *out, int rounds) {
    float s[8], a = 1 + threadIdx.x * 1e-9f, b = out[0];
    for (int k = 0; k < 8; ++k) s[k] = k;
    for (int i = 0; i < rounds; ++i) {
#pragma unroll
        for (int j = 0; j < 8; ++j)
#pragma unroll
            for (int k = 0; k < 8; ++k) s[k] = s[k] * a + b;
    }
    float sum = 0;
    for (int k = 0; k < 8; ++k) sum += s[k];
    if (sum == 0.1f) out[0] = sum;  // never, but the compiler cannot know
}

// One m16n8k8 product a warp and sum: 2 · 16 · 8 · 8 FLOP.
extern "C" __global__ void mma(float *out, int rounds) {
    float d[8][4];
    unsigned a = __float_as_uint(1 + threadIdx.x), b = __float_as_uint(out[0]);
    for (int k = 0; k < 8; ++k)
        for (int j = 0; j < 4; ++j) d[k][j] = k;
    for (int i = 0; i < rounds; ++i)
#pragma unroll
        for (int k = 0; k < 8; ++k) {
#ifdef TINYLUCID_EMULATED
            d[k][0] += __uint_as_float(a) * __uint_as_float(b);
#else
            asm volatile("mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0,%1,%2,%3}, {%4,%4,%4,%4}, {%5,%5}, {%0,%1,%2,%3};"
                         : "+f"(d[k][0]), "+f"(d[k][1]), "+f"(d[k][2]), "+f"(d[k][3]) : "r"(a), "r"(b));
#endif
        }
    float sum = 0;
    for (int k = 0; k < 8; ++k)
        for (int j = 0; j < 4; ++j) sum += d[k][j];
    if (sum == 0.1f) out[0] = sum;
}
"""
WORK = {"FLOP": ("ffma", 2 * 64 * 32), "TF32 FLOP": ("mma", 8 * 2 * 16 * 8 * 8)}  # of a warp in a round


def peaks() -> Iterator[Row]:
    """Fill ``rates``, and say how long it took."""
    cupy = driver.cupy()
    n = 1 << (10 if EMULATED else 26)
    x = cupy.zeros(n, np.float32)
    y = cupy.empty_like(x)
    yield kept("byte", 8 * n, timed(lambda: cupy.copyto(y, x))[0])
    properties = cupy.cuda.runtime.getDeviceProperties(0)
    blocks, threads, rounds = (1, 32, 1) if EMULATED else (8 * properties["multiProcessorCount"], 256, 4096)
    for unit, (name, of_a_warp) in WORK.items():
        if unit == "TF32 FLOP" and properties["major"] < 8:
            continue  # cards before Ampere have no TF32
        run = cupy.RawKernel(SOURCE, name, ("-std=c++17",))
        found, _ = timed(lambda run=run: run((blocks,), (threads,), (x, np.int32(rounds))), times=3)
        yield kept(unit, of_a_warp * rounds * blocks * threads // 32, found)


def kept(unit: str, work: float, milliseconds: float) -> Row:
    """Remember a rate."""
    rate = work / milliseconds * 1e3 if milliseconds else float("nan")
    rates[unit] = rate
    told = "" if EMULATED else f": {rate / 1e9:.0f} GB/s" if unit == "byte" else f": {rate / 1e12:.1f} TFLOP/s"
    return Row(f"peak, {unit}{told}", milliseconds, None, work, unit)
