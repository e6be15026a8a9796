// Each block turns its 256 elements round, by way of shared memory: what one thread wrote another reads, so a barrier lies between.
// launch: grid blocks, block 256
// sizes: x[256 * blocks], y[256 * blocks]
extern "C" __global__ void reverse(const float *x, float *y) {
    __shared__ float part[256];
    int t = threadIdx.x, first = blockIdx.x * 256;
    part[t] = x[first + t];
    __syncthreads();
    y[first + t] = part[255 - t];
}
