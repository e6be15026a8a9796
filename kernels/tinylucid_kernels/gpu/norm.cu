// Batch normalisation over (N, C, L), L being all axes after the channels, and its gradient. A channel is shared by several
// blocks: with a block a channel, 3 channels would keep 3 of a GPU's 100 multiprocessors busy. Each block leaves the sum of
// its share, and the next kernel begins by adding these up: in an order that depends on the shape only, without atomics.
//
// Where L is small neighbouring threads read from different rows, C · L apart, and memory is used badly: 4 of each 32 bytes
// where L = 1. Such arrays (after a Linear) are small.

#include "sums.cuh"

#define SEGMENT 1024  // norm.py knows it too

// What a block works on. Channel c of x (N, C, L) is N rows, each cut into segments of 1024. The blocks of a channel take
// turns: a block does blockDim.y segments at a time, with blockDim.x threads each.
struct Share {
    long long N, L;
    int C, parts, channel, part;

    __device__ Share(long long N, int C, long long L)
        : N(N), L(L), C(C), parts(gridDim.x / C), channel(blockIdx.x / parts), part(blockIdx.x % parts) {}

    // visit(i) for the place i in x of each element that is this thread's.
    template <class Visit> __device__ void each(Visit visit) const {
        long long a_row = (L + SEGMENT - 1) / SEGMENT, step = (long long)parts * blockDim.y;
        for (long long s = (long long)part * blockDim.y + threadIdx.y; s < N * a_row; s += step) {
            long long row = s / a_row * C + channel, start = s % a_row * SEGMENT;
            long long end = min(start + SEGMENT, L);
#pragma unroll 4  // several loads on their way at once
            for (long long l = start + threadIdx.x; l < end; l += blockDim.x) visit(row * L + l);
        }
    }

    // The sum over the channel, of which the kernel before left a part a block in sums (C, parts).
    __device__ real total(const real *sums, real *scratch) const {
        real s = 0;
        for (int k = thread(); k < parts; k += blockDim.x * blockDim.y) s += sums[(long long)channel * parts + k];
        return block_sum(s, scratch);
    }

    __device__ real count() const { return real(N * L); }
    __device__ bool tells() const { return part == 0 && thread() == 0; }  // one thread a channel
};

// sums (C, parts): each block's Σ x. Reads x once: 1 · size.
extern "C" __global__ void sum_parts(const real *__restrict__ x, real *__restrict__ sums, long long N, int C, long long L) {
    __shared__ real scratch[32];
    Share mine(N, C, L);
    real s = 0;
    mine.each([&](long long i) { s += x[i]; });
    s = block_sum(s, scratch);
    if (thread() == 0) sums[blockIdx.x] = s;
}

// mean (C,), and squares (C, parts): each block's Σ (x − mean)². A pass of its own over x, 1 · size: Σ x² − m · mean² would
// lose the variance of numbers far from 0 by cancellation.
extern "C" __global__ void square_parts(const real *__restrict__ x, const real *__restrict__ sums, real *__restrict__ mean,
                                        real *__restrict__ squares, long long N, int C, long long L) {
    __shared__ real scratch[32];
    Share mine(N, C, L);
    real centre = mine.total(sums, scratch) / mine.count(), s = 0;
    mine.each([&](long long i) { s += (x[i] - centre) * (x[i] - centre); });
    s = block_sum(s, scratch);
    if (thread() == 0) squares[blockIdx.x] = s;
    if (mine.tells()) mean[mine.channel] = centre;
}

// var and inv_std = 1/√(var + eps), (C,), and y = (x − mean) · weight · inv_std + bias. Reads x and writes y: 2 · size.
extern "C" __global__ void normalise(const real *__restrict__ x, const real *__restrict__ weight, const real *__restrict__ bias,
                                     const real *__restrict__ mean, const real *__restrict__ squares, real *__restrict__ y,
                                     real *__restrict__ var, real *__restrict__ inv_std, real eps, long long N, int C,
                                     long long L) {
    __shared__ real scratch[32];
    Share mine(N, C, L);
    int c = mine.channel;
    real variance = mine.total(squares, scratch) / mine.count(), inverse = 1 / sqrt(variance + eps);
    real centre = mean[c], scale = weight[c] * inverse, shift = bias[c];
    mine.each([&](long long i) { y[i] = (x[i] - centre) * scale + shift; });
    if (mine.tells()) {
        var[c] = variance;
        inv_std[c] = inverse;
    }
}

// The same with mean and inv_std given: 2 · size.
extern "C" __global__ void normalise_fixed(const real *__restrict__ x, const real *__restrict__ weight,
                                           const real *__restrict__ bias, const real *__restrict__ mean,
                                           const real *__restrict__ inv_std, real *__restrict__ y, long long N, int C,
                                           long long L) {
    Share mine(N, C, L);
    int c = mine.channel;
    real centre = mean[c], scale = weight[c] * inv_std[c], shift = bias[c];
    mine.each([&](long long i) { y[i] = (x[i] - centre) * scale + shift; });
}

// sums and against (C, parts): each block's Σ g and Σ g · x̂, x̂ = (x − mean) · inv_std. Reads g and x: 2 · size.
extern "C" __global__ void gradient_parts(const real *__restrict__ g, const real *__restrict__ x, const real *__restrict__ mean,
                                          const real *__restrict__ inv_std, real *__restrict__ sums,
                                          real *__restrict__ against, long long N, int C, long long L) {
    __shared__ real scratch[32];
    Share mine(N, C, L);
    real centre = mean[mine.channel], inverse = inv_std[mine.channel], s = 0, t = 0;
    mine.each([&](long long i) {
        s += g[i];
        t += g[i] * ((x[i] - centre) * inverse);
    });
    s = block_sum(s, scratch);
    t = block_sum(t, scratch);
    if (thread() == 0) {
        sums[blockIdx.x] = s;
        against[blockIdx.x] = t;
    }
}

// ∂bias = Σ g, ∂weight = Σ g · x̂ (C,), and ∂x = weight · inv_std · (g − ∂bias/m − x̂ · ∂weight/m), m = N · L. Reads g and x,
// writes ∂x: 3 · size.
extern "C" __global__ void gradient(const real *__restrict__ g, const real *__restrict__ x, const real *__restrict__ weight,
                                    const real *__restrict__ mean, const real *__restrict__ inv_std,
                                    const real *__restrict__ sums, const real *__restrict__ against, real *__restrict__ gx,
                                    real *__restrict__ g_weight, real *__restrict__ g_bias, long long N, int C, long long L) {
    __shared__ real scratch[32];
    Share mine(N, C, L);
    int c = mine.channel;
    real s = mine.total(sums, scratch), t = mine.total(against, scratch);
    real centre = mean[c], inverse = inv_std[c], scale = weight[c] * inverse;
    real shift = s / mine.count(), slope = t / mine.count();
    mine.each([&](long long i) { gx[i] = (g[i] - shift - (x[i] - centre) * inverse * slope) * scale; });
    if (mine.tells()) {
        g_bias[c] = s;
        g_weight[c] = t;
    }
}
