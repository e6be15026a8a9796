// The rectifier and its gradient, and dropout's product: one thread an element. Memory traffic: relu reads x and writes y,
// 2 · size; gate reads x and by, 3 · size; scale_kept reads x and a byte of the mask, 2¼ · size; nothing is read twice, and neighbouring threads touch neighbouring elements.

extern "C" __global__ void relu(const real *__restrict__ x, real *__restrict__ y, long long size) {
    long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x;
    if (i < size) y[i] = x[i] <= 0 ? 0 : x[i];  // NaN stays NaN
}

extern "C" __global__ void gate(const real *__restrict__ x, const real *__restrict__ by, real *__restrict__ y, long long size) {
    long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x;
    if (i < size) y[i] = by[i] > 0 ? x[i] : 0;
}

extern "C" __global__ void scale_kept(const real *__restrict__ x, const bool *__restrict__ mask, real scale,
                                      real *__restrict__ y, long long size) {
    long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x;
    if (i < size) y[i] = x[i] * (mask[i] ? scale : 0);
}
