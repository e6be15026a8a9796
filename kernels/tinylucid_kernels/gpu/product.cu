// A sum in parts put together.
constexpr int SIDE = 32;

// out[i] = Σ_part sums[part][i], always in the same order: the same bits each time, which atomics would not give. A block
// has 32 elements beside each other; each of its rows of threads adds every blockDim.y-th part, the first row adds the rows.
// Memory traffic: reads every part and writes out, (parts + 1) · size.
extern "C" __global__ void __launch_bounds__(SIDE * SIDE)
sum_parts(const real *__restrict__ sums, real *__restrict__ out, int parts, long long size) {
    __shared__ real rows[SIDE][SIDE];
    long long i = (long long)blockIdx.x * SIDE + threadIdx.x;
    real sum = 0;
    if (i < size)
        for (int part = threadIdx.y; part < parts; part += blockDim.y) sum += sums[part * size + i];
    rows[threadIdx.y][threadIdx.x] = sum;
    __syncthreads();
    if (threadIdx.y || i >= size) return;
    for (int row = 1; row < blockDim.y; ++row) sum += rows[row][threadIdx.x];
    out[i] = sum;
}
