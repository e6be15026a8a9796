// How a warp multiplies its part of two tiles (product.cuh) in ordinary arithmetic. Its lanes form a square of 4 x 8, each
// with TALL x WIDE sums: up to four neighbours at a time, that are read from shared memory as one.
//
// For each k a thread reads TALL + WIDE numbers for TALL · WIDE multiply-adds (FFMA). Shared memory serves reads of four
// numbers in half the time if all lanes t ask for the same as t ^ 1, or all for the same as t ^ 2: hence the zigzag.
constexpr int TALL = WARP_ROWS / 4, WIDE = SUMS / TALL;
constexpr int GAP = 4;  // eight lanes put a run of k into one column: rows begin four banks apart

__device__ real rounded(real value) { return value; }

// Where a thread's i-th row and j-th column lie in the tile.
__device__ int row_of(int i) {
    int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
    return warp / WARPS_BESIDE * WARP_ROWS + i / 4 * 16 + (lane / 16 * 2 + lane % 2) * 4 + i % 4;
}
__device__ int column_of(int j) {
    int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
    return warp % WARPS_BESIDE * WARP_COLUMNS + j / 4 * 32 + lane / 2 % 8 * 4 + j % 4;
}

// One step: DEPTH products for each element that the thread has in registers.
__device__ void multiply(real (&sums)[TALL][WIDE], const real (*tile_a)[ROWS + GAP], const real (*tile_b)[COLUMNS + GAP]) {
#pragma unroll
    for (int k = 0; k < DEPTH; ++k) {
        real a[TALL], b[WIDE];
#pragma unroll
        for (int i = 0; i < TALL; ++i) a[i] = tile_a[k][row_of(i)];
#pragma unroll
        for (int j = 0; j < WIDE; ++j) b[j] = tile_b[k][column_of(j)];
#pragma unroll
        for (int i = 0; i < TALL; ++i)
#pragma unroll
            for (int j = 0; j < WIDE; ++j) sums[i][j] += a[i] * b[j];
    }
}
