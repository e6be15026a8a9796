// How a warp multiplies its part of two tiles (product.cuh) on the tensor cores: float32 whose operands are rounded to TF32,
// which keeps 10 of the 23 bits behind the point. Products are exact, and summed in float32.
//
// One instruction, mma.sync.m16n8k8, multiplies 16 x 8 numbers of A by 8 x 8 of B for the whole warp. Lane 4·g + t gives
// A at rows g, g + 8 and B at column g, for k = t and t + 4; it has the sums of rows g, g + 8 and columns 2t, 2t + 1.
constexpr int TALL = WARP_ROWS / 8, WIDE = WARP_COLUMNS / 4;  // sums of a thread: two rows, two columns an instruction
constexpr int GAP = 8;                                        // four t and eight g in different banks

#ifndef TINYLUCID_EMULATED
__device__ real rounded(real value) {
    unsigned bits;
    asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(bits) : "f"(value));
    return __uint_as_float(bits);
}
__device__ void mma(real &d0, real &d1, real &d2, real &d3, const real (&a)[4], const real (&b)[2]) {
    asm("mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
        : "+f"(d0), "+f"(d1), "+f"(d2), "+f"(d3)
        : "r"(__float_as_uint(a[0])), "r"(__float_as_uint(a[1])), "r"(__float_as_uint(a[2])),
          "r"(__float_as_uint(a[3])), "r"(__float_as_uint(b[0])), "r"(__float_as_uint(b[1])));
}
#else
__device__ real rounded(real value) {  // to the nearest, ties away from zero; infinities and NaN stay
    unsigned bits = __float_as_uint(value);
    if ((bits & 0x7f800000u) == 0x7f800000u) return value;
    return __uint_as_float((bits + 0x1000u) & 0xffffe000u);
}
__device__ void mma(real &d0, real &d1, real &d2, real &d3, const real (&a)[4], const real (&b)[2]) {
    __shared__ real all_a[THREADS / 32][16][8], all_b[THREADS / 32][8][8];
    int warp = threadIdx.x / 32, g = threadIdx.x % 32 / 4, t = threadIdx.x % 4;
    for (int i = 0; i < 4; ++i) all_a[warp][g + i % 2 * 8][t + i / 2 * 4] = a[i];
    for (int i = 0; i < 2; ++i) all_b[warp][t + i * 4][g] = b[i];
    __syncwarp();
    for (int k = 0; k < 8; ++k) {
        d0 += all_a[warp][g][k] * all_b[warp][k][2 * t];
        d1 += all_a[warp][g][k] * all_b[warp][k][2 * t + 1];
        d2 += all_a[warp][g + 8][k] * all_b[warp][k][2 * t];
        d3 += all_a[warp][g + 8][k] * all_b[warp][k][2 * t + 1];
    }
    __syncwarp();
}
#endif

// Where a thread's i-th row and j-th column lie in the tile.
__device__ int row_of(int i) {
    return threadIdx.x / 32 / WARPS_BESIDE * WARP_ROWS + i / 2 * 16 + i % 2 * 8 + threadIdx.x % 32 / 4;
}
__device__ int column_of(int j) {
    return threadIdx.x / 32 % WARPS_BESIDE * WARP_COLUMNS + j / 2 * 8 + threadIdx.x % 4 * 2 + j % 2;
}

// One step: DEPTH = 8 products for each element that the warp has in registers.
__device__ void multiply(real (&sums)[TALL][WIDE], const real (*tile_a)[ROWS + GAP], const real (*tile_b)[COLUMNS + GAP]) {
    int t = threadIdx.x % 4, n = column_of(0) - 2 * t + threadIdx.x % 32 / 4;
    real a[TALL / 2][4];
#pragma unroll
    for (int i = 0; i < TALL / 2; ++i)
#pragma unroll
        for (int e = 0; e < 4; ++e) a[i][e] = tile_a[t + e / 2 * 4][row_of(2 * i + e % 2)];
#pragma unroll
    for (int j = 0; j < WIDE / 2; ++j) {
        real b[2] = {tile_b[t][n + j * 8], tile_b[t + 4][n + j * 8]};
#pragma unroll
        for (int i = 0; i < TALL / 2; ++i)
            mma(sums[2 * i][2 * j], sums[2 * i][2 * j + 1], sums[2 * i + 1][2 * j], sums[2 * i + 1][2 * j + 1], a[i], b);
    }
}
