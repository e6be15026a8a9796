// How often each class from 0 to 9 occurs: counted in shared memory by each block, then added up.
// sizes: label[n], count[10]
// values: label = 0 to 9
// start: count = 0
// launch: grid (n + 63) / 64, block 64
extern "C" __global__ void histogram(const int *label, int *count, int n) {
    __shared__ int part[10];
    int t = threadIdx.x, i = blockIdx.x * 64 + t;
    if (t < 10)
        part[t] = 0;
    __syncthreads();
    if (i < n)
        atomicAdd(&part[label[i]], 1);
    __syncthreads();
    if (t < 10)
        atomicAdd(&count[t], part[t]);
}
