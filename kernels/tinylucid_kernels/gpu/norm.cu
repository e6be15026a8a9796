// Batch normalisation over (N, C, L), L being all axes after the channels, and its gradient. A channel is shared by several
// blocks: with a block a channel, 3 channels would keep 3 of a GPU's 100 multiprocessors busy. Each block leaves what it found
// of its share, and the next kernel begins by combining these parts: in an order that depends on the shape only, without atomics.
//
// Each thread takes four elements at a time, and the next four are on their way before it computes on these. Where L is small
// neighbouring threads read from different rows, C · L apart, and memory is used badly: 4 of each 32 bytes where L = 1. Such
// arrays (after a Linear) are small.

#include "sums.cuh"
#include "vectors.cuh"

#define SEGMENT 1024                               // norm.py knows it too
constexpr int RESIDENT = sizeof(real) == 4 ? 5 : 3;  // blocks of 256 threads on a multiprocessor: 48 registers a thread, or 80

// Up to four elements of x, ``step`` apart. FOURS: none, or four neighbours that can be loaded together.
template <bool FOURS> struct Place {
    long long first;
    int step, count;

    template <class Visit> __device__ void each(Visit visit) const {  // visit(k) for k below count
        if (count == 0) return;
#pragma unroll
        for (int k = 0; k < 4; ++k)
            if (FOURS || k < count) visit(k);
    }

    __device__ Four of(const real *x) const {
        Four found{};
        if (FOURS) {
            if (count) found = load<real, 4>(x + first);
        } else {
            each([&](int k) { found.v[k] = x[first + k * step]; });
        }
        return found;
    }

    template <class Value> __device__ void write(real *y, Value value) const {  // value(k) to each of them
        if (FOURS) {
            Four out;
#pragma unroll
            for (int k = 0; k < 4; ++k) out.v[k] = value(k);
            if (count) store<real, 4>(y + first, out);
        } else {
            each([&](int k) { y[first + k * step] = value(k); });
        }
    }
};

struct Both {
    Four g, x;
};

// What a block works on. Channel c of x (N, C, L) is N rows, each cut into segments of 1024. The blocks of a channel take
// turns: a block does blockDim.y segments at a time, with blockDim.x threads each.
struct Share {
    long long N, L;
    int C, parts, channel, part;

    __device__ Share(long long N, int C, long long L)
        : N(N), L(L), C(C), parts(gridDim.x / C), channel(blockIdx.x / parts), part(blockIdx.x % parts) {}

    // use(place, read(place)) for each place in x that is this thread's; two are read before the first is used. Which elements
    // are one thread's follows from L alone, whether they are loaded together (``fits``) also from where the arrays begin.
    template <class Read, class Use> __device__ void each(bool fits, Read read, Use use) const {
        if (L == 0) return;
        if (fits && L % 4 == 0) walk<true>(read, use);
        else walk<false>(read, use);
    }

    template <bool FOURS, class Read, class Use> __device__ void walk(Read read, Use use) const {
        long long a_row = (L + SEGMENT - 1) / SEGMENT, first = (long long)part * blockDim.y + threadIdx.y;
        long long turn = (long long)parts * blockDim.y, row = first / a_row, segment = first % a_row;
        long long rows = turn / a_row, segments = turn % a_row;  // a turn ahead, without dividing each time
        auto next = [&] {
            Place<FOURS> place = at<FOURS>(row, segment);
            row += rows, segment += segments;
            if (segment >= a_row) segment -= a_row, ++row;
            return place;
        };
        while (row < N) {
            auto one = next(), two = next();
            auto here = read(one), there = read(two);
            use(one, here);
            use(two, there);
        }
    }

    template <bool FOURS> __device__ Place<FOURS> at(long long row, long long segment) const {
        long long begin = (row * C + channel) * L + segment * SEGMENT;
        int length = row < N ? int(min(L - segment * SEGMENT, (long long)SEGMENT)) : 0, x = threadIdx.x;
        if (FOURS || L % 4 == 0) return {begin + 4 * x, 1, 4 * x < length ? 4 : 0};
        int width = blockDim.x, left = length - x;
        return {begin + x, width, left > 3 * width ? 4 : left > 0 ? (left + width - 1) / width : 0};
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

// How many numbers, their mean, and Σ (x − mean)². Two sets of numbers together: Chan, Golub and LeVeque, 1979.
struct Moments {
    real count, mean, squares;

    __device__ Moments with(Moments b) const {
        if (b.count == 0) return *this;
        real apart = b.mean - mean, share = b.count / (count + b.count);
        return {count + b.count, mean + apart * share, squares + b.squares + apart * apart * count * share};
    }

    // Of all threads of the block, by a tree in each warp, then warp by warp. Every thread gets it.
    __device__ Moments of_block(Moments *scratch) const {
        Moments all = *this;
        for (int d = 16; d > 0; d /= 2)  // lane 0 ends with all of them
            all = all.with({__shfl_down_sync(ALL_LANES, all.count, d), __shfl_down_sync(ALL_LANES, all.mean, d),
                            __shfl_down_sync(ALL_LANES, all.squares, d)});
        if (thread() % 32 == 0) scratch[thread() / 32] = all;
        __syncthreads();
        all = scratch[0];
        for (int w = 1; w < blockDim.x * blockDim.y / 32; ++w) all = all.with(scratch[w]);
        return all;
    }
};

// sums (C, parts): each block's Σ x. Reads x once: 1 · size.
extern "C" __global__ void __launch_bounds__(256, RESIDENT) sum_parts(const real *__restrict__ x, real *__restrict__ sums, long long N, int C,
                                            long long L) {
    __shared__ real scratch[32];
    Share mine(N, C, L);
    real s = 0;
    mine.each(
        fits<4>(x), [&](auto place) { return place.of(x); },
        [&](auto place, Four v) { place.each([&](int k) { s += v.v[k]; }); });
    s = block_sum(s, scratch);
    if (thread() == 0) sums[blockIdx.x] = s;
}

// parts (3, blocks): each block's count, mean and Σ (x − mean)². Reads x once: 1 · size. A thread takes its first number off all
// of its numbers: Σ x² − n · mean² would lose the variance of numbers far from 0 by cancellation. That number is one of them,
// so (its distance to their mean)² is a part of what is summed, and the rounding stays n units of it even where it lies far off.
extern "C" __global__ void __launch_bounds__(256, RESIDENT) moment_parts(const real *__restrict__ x, real *__restrict__ parts, long long N, int C,
                                               long long L) {
    __shared__ Moments scratch[32];
    Share mine(N, C, L);
    real first = 0, sum = 0, squares = 0;
    int count = 0;
    mine.each(
        fits<4>(x), [&](auto place) { return place.of(x); },
        [&](auto place, Four v) {
            if (count == 0) first = v.v[0];
            count += place.count;
            place.each([&](int k) {
                real d = v.v[k] - first;
                sum += d;
                squares += d * d;
            });
        });
    Moments found{real(count), 0, 0};
    if (count) {
        real mean = sum / found.count, around = squares - sum * mean;
        found = {found.count, first + mean, around < 0 ? 0 : around};
    }
    found = found.of_block(scratch);
    if (thread() == 0) {
        parts[blockIdx.x] = found.count;
        parts[gridDim.x + blockIdx.x] = found.mean;
        parts[2 * gridDim.x + blockIdx.x] = found.squares;
    }
}

// mean, var and inv_std = 1/√(var + eps), (C,), and y = (x − mean) · weight · inv_std + bias. Reads x and writes y: 2 · size.
extern "C" __global__ void __launch_bounds__(256, RESIDENT) normalise(const real *__restrict__ x, const real *__restrict__ weight,
                                            const real *__restrict__ bias, const real *__restrict__ parts, real *__restrict__ y,
                                            real *__restrict__ mean, real *__restrict__ var, real *__restrict__ inv_std, real eps,
                                            long long N, int C, long long L) {
    __shared__ Moments scratch[32];
    Share mine(N, C, L);
    int c = mine.channel;
    Moments all{0, 0, 0};
    for (int k = thread(); k < mine.parts; k += blockDim.x * blockDim.y) {
        const real *part = parts + (long long)c * mine.parts + k;
        all = all.with({part[0], part[gridDim.x], part[2 * gridDim.x]});
    }
    all = all.of_block(scratch);
    real variance = all.squares / mine.count(), inverse = 1 / sqrt(variance + eps);
    real centre = mine.count() > 0 ? all.mean : variance, scale = weight[c] * inverse, shift = bias[c];
    mine.each(
        fits<4>(x) && fits<4>(y), [&](auto place) { return place.of(x); },
        [&](auto place, Four v) { place.write(y, [&](int k) { return (v.v[k] - centre) * scale + shift; }); });
    if (mine.tells()) {
        mean[c] = centre;
        var[c] = variance;
        inv_std[c] = inverse;
    }
}

// The same with mean and inv_std given: 2 · size.
extern "C" __global__ void __launch_bounds__(256, RESIDENT) normalise_fixed(const real *__restrict__ x, const real *__restrict__ weight,
                                                  const real *__restrict__ bias, const real *__restrict__ mean,
                                                  const real *__restrict__ inv_std, real *__restrict__ y, long long N, int C,
                                                  long long L) {
    Share mine(N, C, L);
    int c = mine.channel;
    real centre = mean[c], scale = weight[c] * inv_std[c], shift = bias[c];
    mine.each(
        fits<4>(x) && fits<4>(y), [&](auto place) { return place.of(x); },
        [&](auto place, Four v) { place.write(y, [&](int k) { return (v.v[k] - centre) * scale + shift; }); });
}

// sums and against (C, parts): each block's Σ g and Σ g · x̂, x̂ = (x − mean) · inv_std. Reads g and x: 2 · size.
extern "C" __global__ void __launch_bounds__(256, RESIDENT) gradient_parts(const real *__restrict__ g, const real *__restrict__ x,
                                                 const real *__restrict__ mean, const real *__restrict__ inv_std,
                                                 real *__restrict__ sums, real *__restrict__ against, long long N, int C,
                                                 long long L) {
    __shared__ real scratch[32];
    Share mine(N, C, L);
    real centre = mean[mine.channel], inverse = inv_std[mine.channel], s = 0, t = 0;
    mine.each(
        fits<4>(g) && fits<4>(x), [&](auto place) { return Both{place.of(g), place.of(x)}; },
        [&](auto place, Both read) {
            place.each([&](int k) {
                s += read.g.v[k];
                t += read.g.v[k] * ((read.x.v[k] - centre) * inverse);
            });
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
extern "C" __global__ void __launch_bounds__(256, RESIDENT) gradient(const real *__restrict__ g, const real *__restrict__ x,
                                           const real *__restrict__ weight, const real *__restrict__ mean,
                                           const real *__restrict__ inv_std, const real *__restrict__ sums,
                                           const real *__restrict__ against, real *__restrict__ gx, real *__restrict__ g_weight,
                                           real *__restrict__ g_bias, long long N, int C, long long L) {
    __shared__ real scratch[32];
    Share mine(N, C, L);
    int c = mine.channel;
    real s = mine.total(sums, scratch), t = mine.total(against, scratch);
    real centre = mean[c], inverse = inv_std[c], scale = weight[c] * inverse;
    real shift = s / mine.count(), slope = t / mine.count();
    mine.each(
        fits<4>(g) && fits<4>(x) && fits<4>(gx), [&](auto place) { return Both{place.of(g), place.of(x)}; },
        [&](auto place, Both read) {
            place.write(gx, [&](int k) {
                return (read.g.v[k] - shift - (read.x.v[k] - centre) * inverse * slope) * scale;
            });
        });
    if (mine.tells()) {
        g_bias[c] = s;
        g_weight[c] = t;
    }
}

// running ← (1 − momentum) · running + momentum · scale · batch, a thread for each channel. 3 · C.
extern "C" __global__ void follow(real *__restrict__ running, const real *__restrict__ batch, real keep, real momentum,
                                  real scale, int C) {
    int c = blockIdx.x * blockDim.x + threadIdx.x;
    if (c < C) running[c] = keep * running[c] + momentum * (batch[c] * scale);
}
