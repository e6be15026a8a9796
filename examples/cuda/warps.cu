// The sum of each 32 elements, which the lanes of a warp hand down to lane 0 without shared memory.
// launch: grid (n + 63) / 64, block 64
// sizes: x[n], sums[(n + 31) / 32]
extern "C" __global__ void warps(const float *x, float *sums, int n) {
    int i = blockIdx.x * 64 + threadIdx.x;
    float v = 0;
    if (i < n)
        v = x[i];
    for (int by = 16; by > 0; by /= 2)
        v += __shfl_down_sync(0xffffffff, v, by);
    if (threadIdx.x % 32 == 0 && i < n)
        sums[i / 32] = v;
}
