"""Wrong solutions that no diagnosis was made for."""

SOURCE__rest_of_a_row_is_lost = r"""// n is no multiple of blockDim.x | left out
extern "C" __global__ void row_means(const float *x, float *y, int n) {
    __shared__ float partial[64];
    int t = threadIdx.x;
    int each = n / blockDim.x;
    float sum = 0;
    for (int k = 0; k < each; k++) sum += x[blockIdx.x * n + t + k * blockDim.x];
    partial[t] = sum;
    __syncthreads();
    for (int half = blockDim.x / 2; half > 0; half /= 2) {
        if (t < half) partial[t] += partial[t + half];
        __syncthreads();
    }
    if (t == 0) y[blockIdx.x] = partial[0] / n;
}
"""

SOURCE__halves_the_row_not_the_block = r"""// partial | no thread of this block has written | blockDim.x
extern "C" __global__ void row_means(const float *x, float *y, int n) {
    __shared__ float partial[64];
    int t = threadIdx.x;
    float sum = 0.0f;
    for (int i = t; i < n; i += blockDim.x) {
        sum += x[blockIdx.x * n + i];
    }
    partial[t] = sum;
    __syncthreads();
    for (int s = n / 2; s > 0; s >>= 1) {
        if (t < s) {
            partial[t] += partial[t + s];
        }
        __syncthreads();
    }
    if (t == 0) y[blockIdx.x] = partial[0] / n;
}
"""
