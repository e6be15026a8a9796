"""Solution 25 · A kernel in CUDA C: the mean of each row, by a block of threads.

After step 1 the sum of the row is Σ_t partial[t] over all threads; each round of step 2 keeps this true of the first half of
them: partial[t] + partial[t + half] for t < half. After log2(blockDim.x) rounds one is left. A round reads what the round
before (or step 1) wrote in other threads, so a barrier stands after step 1 and after each round, outside the if. A thread
without a number writes 0: n may be smaller than blockDim.x. partial[0] is a float, so that / n is no division of whole numbers.
"""

SOURCE = r"""
extern "C" __global__ void row_means(const float *x, float *y, int n) {
    __shared__ float partial[64];
    int t = threadIdx.x;
    float sum = 0;
    for (int i = t; i < n; i += blockDim.x) sum += x[blockIdx.x * n + i];
    partial[t] = sum;
    __syncthreads();
    for (int half = blockDim.x / 2; half > 0; half /= 2) {
        if (t < half) partial[t] += partial[t + half];
        __syncthreads();
    }
    if (t == 0) y[blockIdx.x] = partial[0] / n;
}
"""
