// Convolution and its two gradients as products (product.cuh) whose matrices are never written down: im2col without the
// columns. In each, k runs over what is summed, m over channels, n over places:
//
//     y[m, n] = b[m] + Σ_k w[m, k] · x[pixel under tap k at place n]     m = o, n = (image, p, q), k = (c, i, j)
//     ∂x[m, n] = Σ_k w[k, m] · g[place that saw pixel n through tap k]   m = c, n = (image, h, w), k = (o, i, j)
//     ∂w[m, n] = Σ_k g[m, k] · x[pixel under tap n at place k]           m = o, n = (c, i, j), k = (image, p, q)
//
// Compiled for a filter size, -DKH= -DKW=: division by constants is cheap, and a tap is taken apart for every row of x.
// Taking places apart costs divisions by sizes, but only once a thread, or once a tile. A block computes for one group;
// its pointers begin there. Memory traffic: as in product.cuh, where a pixel counts once for each tap that sees it; the
// caches serve all but its first reading.
// compiled with: -DKH=3 -DKW=3 -DROWS=32 | -DKH=3 -DKW=3 -DROWS=64 | -DKH=3 -DKW=3 -DROWS=128
// compiled with: -DKH=1 -DKW=1 -DROWS=64 | -DKH=1 -DKW=1 -DROWS=128
#include "product.cuh"

constexpr int TAPS = KH * KW;

// A convolution as its three products see it: sizes, and the channels of one group. Offsets are 64 bits wide.
struct Layer {
    int images, groups, C, H, W, O, P, Q, sh, sw, ph, pw, dh, dw;
    __device__ int pixels() const { return H * W; }
    __device__ int places() const { return P * Q; }
    __device__ long long image_of_x() const { return (long long)groups * C * pixels(); }
    __device__ long long image_of_y() const { return (long long)groups * O * places(); }
};

// An element of a picture lies where a window stands, moved to a channel and a tap: each gives its part of the offset,
// and of the row and column, by which we see whether it is inside. Where there is no window, or no tap, its part of the
// row is NOWHERE.
struct Window {
    long long offset;
    int row, column;
};
struct Tap {
    int offset;  // in one picture
    int down, across;
};
constexpr int NOWHERE = -(1 << 30);

__device__ real look(const real *picture, Window window, Tap tap, int height, int width) {
    int row = window.row + tap.down, column = window.column + tap.across;
    bool inside = (unsigned)row < (unsigned)height && (unsigned)column < (unsigned)width;
    return inside ? (picture + window.offset)[tap.offset] : 0;
}

struct Filter {  // A of the forward pass: w[m, k]
    static constexpr bool ALONG_K = true;
    const real *w;
    int M, K;
    __device__ const real *column(int m) const { return m < M ? w + (long long)m * K : nullptr; }
    __device__ int row(int k) const { return k; }
    __device__ real at(int k, const real *output) const { return output && k < K ? output[k] : 0; }
};

struct Windows {  // B of the forward pass: x under tap k = (c, i, j) at output n = (image, p, q)
    static constexpr bool ALONG_K = false;
    const real *x;
    Layer l;
    __device__ Window column(int n) const {
        int image = n / l.places(), place = n % l.places();
        int top = place / l.Q * l.sh - l.ph, left = place % l.Q * l.sw - l.pw;
        return {image * l.image_of_x() + (long long)top * l.W + left, image < l.images ? top : NOWHERE, left};
    }
    __device__ Tap row(int k) const {
        int c = k / TAPS, tap = k % TAPS, down = tap / KW * l.dh, across = tap % KW * l.dw;
        return {(c * l.H + down) * l.W + across, c < l.C ? down : NOWHERE, across};
    }
    __device__ real at(Tap tap, Window window) const { return look(x, window, tap, l.H, l.W); }
};

// Division by a count that is the same for the whole grid, as a multiplication: exact while k · count < 2³².
struct Divisor {
    unsigned long long inverse;
    __device__ explicit Divisor(int count) : inverse(0xffffffffu / max(count, 1) + 1ull) {}
    __device__ int divide(int k) const { return (unsigned)k * inverse >> 32; }
};

// Rows (or columns) of x of one phase: those that are `phase` modulo the stride. All are seen through the same taps i,
// those where the stride divides phase + pad − i·dilation: the one at phase + u·stride from place u + seen − t·back
// through the t-th of them, first + t·step.
struct Axis {
    int phase, stride, pixels, first = 0, step = 1, taps, seen, back;
    Divisor by_taps;
    __device__ Axis(int phase, int size, int filter, int stride, int pad, int dilation)
        : phase(phase), stride(stride), pixels(size), taps(filter), seen(pad), back(dilation), by_taps(filter) {
        if (stride == 1) return;  // most are, and divisions cost
        pixels = (size - phase + stride - 1) / stride;
        while (step * dilation % stride) ++step;
        while (first < step && (phase + pad - first * dilation) % stride) ++first;
        taps = first < step ? max(0, (filter - first + step - 1) / step) : 0;
        seen = (phase + pad - first * dilation) / stride;
        back = step * dilation / stride;
        by_taps = Divisor(taps);
    }
    __device__ int tap(int t) const { return first + t * step; }
    __device__ int pixel(int u) const { return phase + u * stride; }
};

// The pixels of one phase in both directions, and the sum over their k = (o, t-th tap down, t-th tap across).
struct Phase {
    Axis down, across;
    int K;
    __device__ Phase(const Layer &l, int phase)
        : down(phase / l.sw, l.H, KH, l.sh, l.ph, l.dh), across(phase % l.sw, l.W, KW, l.sw, l.pw, l.dw),
          K(l.O * down.taps * across.taps) {}
    __device__ int pixels() const { return down.pixels * across.pixels; }
    __device__ void take_apart(int k, int &o, int &i, int &j) const {
        int line = across.by_taps.divide(k);
        o = down.by_taps.divide(line);
        i = line - o * down.taps;
        j = k - line * across.taps;
    }
};

struct FilterByChannel {  // A of ∂x: w[k, m] with k = (o, i, j), m = c
    static constexpr bool ALONG_K = true;
    const real *w;
    int C;
    const Phase &phase;
    __device__ const real *column(int m) const { return m < C ? w + m * TAPS : nullptr; }
    __device__ long long row(int k) const {
        int o, i, j;
        phase.take_apart(k, o, i, j);
        return k < phase.K ? (long long)o * C * TAPS + phase.down.tap(i) * KW + phase.across.tap(j) : -1;
    }
    __device__ real at(long long tap, const real *channel) const { return channel && tap >= 0 ? channel[tap] : 0; }
};

struct Seers {  // B of ∂x: g of the output that saw pixel n = (image, u, v) of the phase through tap k = (o, i, j)
    static constexpr bool ALONG_K = false;
    const real *g;
    Layer l;
    const Phase &phase;
    __device__ Window column(int n) const {
        int image = n / phase.pixels(), pixel = n % phase.pixels();
        int u = pixel / phase.across.pixels, v = pixel % phase.across.pixels;
        return {image * l.image_of_y() + (long long)u * l.Q + v, image < l.images ? u : NOWHERE, v};
    }
    __device__ Tap row(int k) const {
        int o, i, j;
        phase.take_apart(k, o, i, j);
        int down = phase.down.seen - i * phase.down.back, across = phase.across.seen - j * phase.across.back;
        return {(o * l.P + down) * l.Q + across, k < phase.K ? down : NOWHERE, across};
    }
    __device__ real at(Tap tap, Window window) const { return look(g, window, tap, l.P, l.Q); }
};

struct Gradient {  // A of ∂w: g[image, m, place] with k = (image, place)
    static constexpr bool ALONG_K = true;
    const real *g;
    Layer l;
    int K;
    __device__ const real *column(int m) const { return m < l.O ? g + (long long)m * l.places() : nullptr; }
    __device__ long long row(int k) const {
        return k < K ? k / l.places() * l.image_of_y() + k % l.places() : -1;
    }
    __device__ real at(long long place, const real *channel) const {
        return channel && place >= 0 ? channel[place] : 0;
    }
};

struct Taps {  // B of ∂w: x under tap n = (c, i, j) at output k = (image, p, q): Windows with k and n exchanged
    static constexpr bool ALONG_K = true;
    Windows windows;
    __device__ Tap column(int n) const { return windows.row(n); }
    __device__ Window row(int k) const { return windows.column(k); }
    __device__ real at(Window window, Tap tap) const { return windows.at(tap, window); }
};

struct Picture {  // C of the forward pass: channel m at place n = (image, place), with a bias if there is one
    real *out;
    const real *bias;
    int images, channels, size;
    long long image_size;
    __device__ real *column(int n) const {
        int image = n / size;
        return image < images ? out + image * image_size + n % size : nullptr;
    }
    __device__ void put(int m, int, real *place, real value) const {
        if (place && m < channels) place[(long long)m * size] = bias ? value + bias[m] : value;
    }
};

struct Pixels {  // C of ∂x: channel m at pixel n = (image, u, v) of the phase
    real *dx;
    Layer l;
    const Phase &phase;
    __device__ real *column(int n) const {
        int image = n / phase.pixels(), pixel = n % phase.pixels();
        int h = phase.down.pixel(pixel / phase.across.pixels), w = phase.across.pixel(pixel % phase.across.pixels);
        return image < l.images ? dx + image * l.image_of_x() + (long long)h * l.W + w : nullptr;
    }
    __device__ void put(int m, int, real *pixel, real value) const {
        if (pixel && m < l.C) pixel[(long long)m * l.pixels()] = value;
    }
};

struct Matrix {  // C of ∂w
    real *out;
    int M, N;
    __device__ int column(int) const { return 0; }
    __device__ void put(int m, int n, int, real value) const {
        if (m < M && n < N) out[(long long)m * N + n] = value;
    }
};

// y = b + w · windows. Grid: tiles of places, tiles of outputs, groups.
extern "C" __global__ void __launch_bounds__(THREADS, BLOCKS)
conv2d(const real *__restrict__ x, const real *__restrict__ w, const real *__restrict__ bias, real *__restrict__ y,
       int images, int groups, int C, int H, int W, int O, int P, int Q,
       int sh, int sw, int ph, int pw, int dh, int dw) {
    __shared__ Tiles tiles;
    Layer l = {images, groups, C, H, W, O, P, Q, sh, sw, ph, pw, dh, dw};
    long long group = blockIdx.z;
    int K = C * TAPS;
    Filter a = {w + group * O * K, O, K};
    Windows b = {x + group * C * l.pixels(), l};
    const real *b0 = bias ? bias + group * O : nullptr;
    Picture c = {y + group * O * l.places(), b0, images, O, l.places(), l.image_of_y()};
    product(tiles, a, b, c, blockIdx.y * ROWS, blockIdx.x * COLUMNS, 0, K);
}

// ∂x, gathered: each pixel asks which places saw it, so no two threads write to one pixel. A block has pixels of one
// phase, so that only taps are summed through which they were seen: with a stride, a product for each with one of s².
// Grid: tiles of a phase's pixels · phases, tiles of channels, groups.
extern "C" __global__ void __launch_bounds__(THREADS, BLOCKS)
conv2d_input(const real *__restrict__ g, const real *__restrict__ w, real *__restrict__ dx,
             int images, int groups, int C, int H, int W, int O, int P, int Q,
             int sh, int sw, int ph, int pw, int dh, int dw) {
    __shared__ Tiles tiles;
    Layer l = {images, groups, C, H, W, O, P, Q, sh, sw, ph, pw, dh, dw};
    long long group = blockIdx.z;
    int phases = sh * sw, first = blockIdx.x / phases * COLUMNS;
    Phase phase(l, blockIdx.x % phases);
    if (first >= images * phase.pixels()) return;  // the first phase has the most pixels, and the grid is made for it
    FilterByChannel a = {w + group * O * C * TAPS, C, phase};
    Seers b = {g + group * O * l.places(), l, phase};
    Pixels c = {dx + group * C * l.pixels(), l, phase};
    product(tiles, a, b, c, blockIdx.y * ROWS, first, 0, phase.K);
}

// ∂w, in parts: sums[part] over some of the places, for sum_parts. Grid: tiles of taps, tiles of outputs, groups · parts.
extern "C" __global__ void __launch_bounds__(THREADS, BLOCKS)
conv2d_weight(const real *__restrict__ x, const real *__restrict__ g, real *__restrict__ sums, int parts,
              int images, int groups, int C, int H, int W, int O, int P, int Q,
              int sh, int sw, int ph, int pw, int dh, int dw) {
    __shared__ Tiles tiles;
    Layer l = {images, groups, C, H, W, O, P, Q, sh, sw, ph, pw, dh, dw};
    long long group = blockIdx.z / parts, part = blockIdx.z % parts;
    int K = images * l.places(), N = C * TAPS;
    Gradient a = {g + group * O * l.places(), l, K};
    Taps b = {{x + group * C * l.pixels(), l}};
    Matrix c = {sums + (part * groups + group) * O * N, O, N};
    Part mine(part, parts, K);
    product(tiles, a, b, c, blockIdx.y * ROWS, blockIdx.x * COLUMNS, mine.first_k, mine.end_k);
}
