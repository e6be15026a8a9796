// The rectifier and its gradient, and dropout's product: four neighbouring elements a thread. Memory traffic: relu reads x and
// writes y, 2 · size; gate reads x and by, 3 · size; scale_kept reads x and a byte of the mask, 2¼ · size; nothing is read twice.

#include "vectors.cuh"

extern "C" __global__ void relu(const real *__restrict__ x, real *__restrict__ y, long long size) {
    each_four(size, [](real v) { return v <= 0 ? real(0) : v; }, y, x);  // NaN stays NaN
}

extern "C" __global__ void gate(const real *__restrict__ x, const real *__restrict__ by, real *__restrict__ y, long long size) {
    each_four(size, [](real v, real b) { return b > 0 ? v : real(0); }, y, x, by);
}

extern "C" __global__ void scale_kept(const real *__restrict__ x, const bool *__restrict__ mask, real scale,
                                      real *__restrict__ y, long long size) {
    each_four(size, [=](real v, bool kept) { return v * (kept ? scale : real(0)); }, y, x, mask);
}
