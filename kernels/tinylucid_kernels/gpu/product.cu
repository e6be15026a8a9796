// A sum in parts put together.

// out[i] = Σ_part sums[part][i], always in the same order: the same bits each time, which atomics would not give.
// Memory traffic: reads every part and writes out, (parts + 1) · size.
extern "C" __global__ void sum_parts(const real *__restrict__ sums, real *__restrict__ out, int parts, long long size) {
    long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= size) return;
    real sum = 0;
    for (int part = 0; part < parts; ++part) sum += sums[part * size + i];
    out[i] = sum;
}
