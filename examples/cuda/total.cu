// The sum of x: each block adds up 128 elements in halves, in shared memory, and then adds its sum to the total.
// launch: grid (n + 127) / 128, block 128
// sizes: x[n], total[1]
// start: total = 0
extern "C" __global__ void sum(const float *x, float *total, int n) {
    __shared__ float part[128];
    int t = threadIdx.x, i = blockIdx.x * 128 + t;
    part[t] = i < n ? x[i] : 0;
    __syncthreads();
    for (int half = 64; half > 0; half /= 2) {
        if (t < half)
            part[t] += part[t + half];
        __syncthreads();
    }
    if (t == 0)
        atomicAdd(total, part[0]);
}
