// Convolutions of groups with one channel in and few out (depthwise ones): too few products a pixel for tiles. A thread
// computes one number of a plane; neighbouring threads, neighbouring places. Each of C channels has `each` outputs, so
// plane image · O + o of y belongs to plane (image · O + o) / each of x. Compiled for a filter size, -DKH= -DKW=.
// compiled with: -DKH=3 -DKW=3 | -DKH=5 -DKW=5
#include "sums.cuh"
#include "window.cuh"

constexpr int TAPS = KH * KW;

// y[o] = b[o] + Σ_{i,j} w[o, i, j] · x[o / each, p·s + i·d − pad, …]. Grid: blocks of planes, blocks of places.
// Memory traffic: reads x, TAPS times but from the caches all but once, and writes y.
extern "C" __global__ void conv2d(const real *__restrict__ x, const real *__restrict__ w, const real *__restrict__ bias,
                                  real *__restrict__ y, int planes, int O, int each, int H, int W, int P, int Q, int sh,
                                  int sw, int ph, int pw, int dh, int dw) {
    int plane = blockIdx.x * blockDim.y + threadIdx.y, place = blockIdx.y * blockDim.x + threadIdx.x;
    if (plane >= planes || place >= P * Q) return;
    int o = plane % O, top = place / Q * sh - ph, left = place % Q * sw - pw;
    const real *pixels = x + (long long)(plane / each) * H * W, *filter = w + o * TAPS;
    real sum = bias ? bias[o] : 0;
#pragma unroll
    for (int tap = 0; tap < TAPS; ++tap) {
        int row = top + tap / KW * dh, column = left + tap % KW * dw;
        bool inside = (unsigned)row < (unsigned)H && (unsigned)column < (unsigned)W;
        if (inside) sum += filter[tap] * pixels[row * W + column];
    }
    y[(long long)plane * P * Q + place] = sum;
}

// ∂x, gathered: dx[c, h, w] = Σ_{o of c} Σ_{i,j} w[o, i, j] · g[o, the place that saw (h, w) through (i, j)]. Grid:
// blocks of planes, blocks of pixels. Memory traffic: reads g, TAPS times but from the caches all but once, writes dx.
extern "C" __global__ void conv2d_input(const real *__restrict__ g, const real *__restrict__ w, real *__restrict__ dx,
                                        int planes, int C, int each, int H, int W, int P, int Q, int sh, int sw, int ph,
                                        int pw, int dh, int dw) {
    int plane = blockIdx.x * blockDim.y + threadIdx.y, pixel = blockIdx.y * blockDim.x + threadIdx.x;
    if (plane >= planes || pixel >= H * W) return;
    int top = pixel / W + ph, left = pixel % W + pw;
    const real *filter = w + plane % C * each * TAPS, *seen = g + (long long)plane * each * P * Q;
    real sum = 0;
    for (int e = 0; e < each; ++e, filter += TAPS, seen += P * Q) {
#pragma unroll
        for (int tap = 0; tap < TAPS; ++tap) {
            int p = window(top - tap / KW * dh, sh), q = window(left - tap % KW * dw, sw);
            if ((unsigned)p < (unsigned)P && (unsigned)q < (unsigned)Q) sum += filter[tap] * seen[p * Q + q];
        }
    }
    dx[(long long)plane * H * W + pixel] = sum;
}

// ∂w[o, i, j] = Σ_{image,p,q} g[image, o, p, q] · x[…, p·s + i·d − pad, …], in parts: sums[part] over some of the
// images, for sum_parts. Grid: outputs, parts. A thread has some places of some images for all taps; then the block sums
// each tap's in a tree, always of the same shape. Memory traffic: reads g, and x TAPS times but from the caches all but
// once.
extern "C" __global__ void conv2d_weight(const real *__restrict__ x, const real *__restrict__ g,
                                         real *__restrict__ sums, int images, int O, int each, int H, int W, int P,
                                         int Q, int sh, int sw, int ph, int pw, int dh, int dw) {
    __shared__ real scratch[32];
    int o = blockIdx.x, share = (images + gridDim.y - 1) / gridDim.y, first = blockIdx.y * share;
    int end = min(images, first + share);
    real mine[TAPS] = {};
    for (int place = threadIdx.x; place < P * Q; place += blockDim.x) {
        int top = place / Q * sh - ph, left = place % Q * sw - pw;
        for (int image = first + threadIdx.y; image < end; image += blockDim.y) {
            long long plane = (long long)image * O + o;
            const real *pixels = x + plane / each * H * W;
            real gradient = g[plane * P * Q + place];
#pragma unroll
            for (int tap = 0; tap < TAPS; ++tap) {
                int row = top + tap / KW * dh, column = left + tap % KW * dw;
                bool inside = (unsigned)row < (unsigned)H && (unsigned)column < (unsigned)W;
                if (inside) mine[tap] += gradient * pixels[row * W + column];
            }
        }
    }
    real *out = sums + ((long long)blockIdx.y * O + o) * TAPS;
#pragma unroll
    for (int tap = 0; tap < TAPS; ++tap) {
        real sum = block_sum(mine[tap], scratch);
        if (thread() == 0) out[tap] = sum;
    }
}
