// Sums of short rows, one warp a row: a block would wait for its own threads longer than for the memory.

#include "sums.cuh"
#include "vectors.cuh"

// y (rows,) = Σ over each row of x (rows, length). Reads x once: 1 · size; four loads of a lane are on their way at once. Which
// numbers are a lane's follows from the length alone, whether four are loaded together also from where x begins.
extern "C" __global__ void short_row_sums(const real *__restrict__ x, real *__restrict__ y, long long rows, int length) {
    long long row = (long long)blockIdx.x * blockDim.y + threadIdx.y;
    if (row >= rows) return;  // the whole warp: it is one row of the block
    x += row * length;
    real sum = 0;
    if (length % 4 == 0) {
        bool together = fits<4>(x);
#pragma unroll 4
        for (int l = 4 * threadIdx.x; l < length; l += 128) {
            Four v = together ? load<real, 4>(x + l) : Four{x[l], x[l + 1], x[l + 2], x[l + 3]};
            sum += (v.v[0] + v.v[1]) + (v.v[2] + v.v[3]);
        }
    } else {
#pragma unroll 4
        for (int l = threadIdx.x; l < length; l += 32) sum += x[l];
    }
    sum = warp_sum(sum);
    if (threadIdx.x == 0) y[row] = sum;
}
