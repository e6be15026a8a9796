// e(d) = square · d² where |d| ≤ beta, |d| − less elsewhere, of the errors d = x − target, and its gradient: one thread an
// element. Memory traffic: x and target are read, e or gx is written, 3 · size.

extern "C" __global__ void distance_loss(const real *__restrict__ x, const real *__restrict__ target, real beta, real square,
                                         real less, real *__restrict__ e, long long size) {
    long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= size) return;
    real d = x[i] - target[i];
    e[i] = fabs(d) > beta ? fabs(d) - less : d * d * square;
}

// gx = g · e′(d); g has one element.
extern "C" __global__ void distance_loss_backward(const real *__restrict__ g, const real *__restrict__ x,
                                                  const real *__restrict__ target, real beta, real twice,
                                                  real *__restrict__ gx, long long size) {
    long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= size) return;
    real d = x[i] - target[i];
    gx[i] = g[0] * (fabs(d) > beta ? (d > 0 ? real(1) : real(-1)) : d * twice);
}
