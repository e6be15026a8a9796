// Convolution and its two gradients as products (product.cuh) whose matrices are never written down: im2col without the
// columns. In each, k runs over what is summed, m over channels, n over places:
//
//     y[m, n] = b[m] + Σ_k w[m, k] · x[pixel under tap k at place n]     m = o, n = (image, p, q), k = (c, i, j)
//     ∂x[m, n] = Σ_k w[k, m] · g[place that saw pixel n through tap k]   m = c, n = (image, h, w), k = (o, i, j)
//     ∂w[m, n] = Σ_k g[m, k] · x[pixel under tap n at place k]           m = o, n = (c, i, j), k = (image, p, q)
//
// Compiled for a filter size, -DKH= -DKW=: division by constants is cheap, and k is taken apart for every element.
// Taking n apart costs divisions by sizes, but only once a thread. A block computes for one group; its pointers begin
// there. Memory traffic: as in product.cuh, where a pixel counts once for each tap that sees it; the caches serve all
// but its first reading.
// compiled with: -DKH=3 -DKW=3 -DROWS=64 | -DKH=3 -DKW=3 -DROWS=128 | -DKH=1 -DKW=1 -DROWS=64 | -DKH=1 -DKW=1 -DROWS=128
#include "product.cuh"
#include "window.cuh"

constexpr int TAPS = KH * KW;

// A convolution as its three products see it: sizes, and the channels of one group. Offsets are 64 bits wide.
struct Layer {
    int images, groups, C, H, W, O, P, Q, sh, sw, ph, pw, dh, dw;
    __device__ int pixels() const { return H * W; }
    __device__ int places() const { return P * Q; }
    __device__ long long image_of_x() const { return (long long)groups * C * pixels(); }
    __device__ long long image_of_y() const { return (long long)groups * O * places(); }
};

// Where in an image's channels a window (or a pixel) stands; outside of every image if there is none.
struct Spot {
    const real *image;
    int row, column;
};
constexpr int NOWHERE = -(1 << 30);

struct Filter {  // A of the forward pass: w[m, k]
    static constexpr bool ALONG_K = true;
    const real *w;
    int M, K;
    __device__ const real *column(int m) const { return m < M ? w + (long long)m * K : nullptr; }
    __device__ real at(int k, const real *row) const { return row && k < K ? row[k] : 0; }
};

struct Windows {  // B of the forward pass: x under tap k = (c, i, j) at output n = (image, p, q)
    static constexpr bool ALONG_K = false;
    const real *x;
    Layer l;
    __device__ Spot column(int n) const {
        int image = n / l.places(), place = n % l.places();
        if (image >= l.images) return {x, NOWHERE, NOWHERE};
        return {x + image * l.image_of_x(), place / l.Q * l.sh - l.ph, place % l.Q * l.sw - l.pw};
    }
    __device__ real at(int k, Spot window) const {
        int c = k / TAPS, tap = k % TAPS, h = window.row + tap / KW * l.dh, w = window.column + tap % KW * l.dw;
        bool inside = c < l.C && (unsigned)h < (unsigned)l.H && (unsigned)w < (unsigned)l.W;
        return inside ? window.image[(long long)(c * l.H + h) * l.W + w] : 0;
    }
};

struct FilterByChannel {  // A of ∂x: w[k, m] with k = (o, i, j), m = c
    static constexpr bool ALONG_K = true;
    const real *w;
    int C, K;
    __device__ const real *column(int m) const { return m < C ? w + m * TAPS : nullptr; }
    __device__ real at(int k, const real *channel) const {
        return channel && k < K ? channel[(long long)(k / TAPS) * C * TAPS + k % TAPS] : 0;
    }
};

struct Seers {  // B of ∂x: g of the output that saw pixel n = (image, h, w) through tap k = (o, i, j)
    static constexpr bool ALONG_K = false;
    const real *g;
    Layer l;
    __device__ Spot column(int n) const {
        int image = n / l.pixels(), pixel = n % l.pixels();
        if (image >= l.images) return {g, NOWHERE, NOWHERE};
        return {g + image * l.image_of_y(), pixel / l.W + l.ph, pixel % l.W + l.pw};
    }
    __device__ real at(int k, Spot pixel) const {
        int o = k / TAPS, tap = k % TAPS;
        int p = window(pixel.row - tap / KW * l.dh, l.sh), q = window(pixel.column - tap % KW * l.dw, l.sw);
        bool inside = o < l.O && (unsigned)p < (unsigned)l.P && (unsigned)q < (unsigned)l.Q;
        return inside ? pixel.image[(long long)(o * l.P + p) * l.Q + q] : 0;
    }
};

struct Gradient {  // A of ∂w: g[image, m, place] with k = (image, place)
    static constexpr bool ALONG_K = true;
    const real *g;
    Layer l;
    int K;
    __device__ const real *column(int m) const { return m < l.O ? g + (long long)m * l.places() : nullptr; }
    __device__ real at(int k, const real *channel) const {
        return channel && k < K ? channel[k / l.places() * l.image_of_y() + k % l.places()] : 0;
    }
};

struct Taps {  // B of ∂w: x under tap n = (c, i, j) at output k = (image, p, q): Windows with k and n exchanged
    static constexpr bool ALONG_K = true;
    Windows windows;
    __device__ int column(int n) const { return n; }
    __device__ real at(int k, int n) const { return windows.at(n, windows.column(k)); }
};

struct Picture {  // C of the forward pass and of ∂x: channel m at place n = (image, place), with a bias if there is one
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

// ∂x, gathered: each pixel asks which places saw it, so no two threads write to one pixel. Grid: tiles of pixels, tiles
// of channels, groups. With a stride s, of s² products s² - 1 are with 0.
extern "C" __global__ void __launch_bounds__(THREADS, BLOCKS)
conv2d_input(const real *__restrict__ g, const real *__restrict__ w, real *__restrict__ dx,
             int images, int groups, int C, int H, int W, int O, int P, int Q,
             int sh, int sw, int ph, int pw, int dh, int dw) {
    __shared__ Tiles tiles;
    Layer l = {images, groups, C, H, W, O, P, Q, sh, sw, ph, pw, dh, dw};
    long long group = blockIdx.z;
    int K = O * TAPS;
    FilterByChannel a = {w + group * C * K, C, K};
    Seers b = {g + group * O * l.places(), l};
    Picture c = {dx + group * C * l.pixels(), nullptr, images, C, l.pixels(), l.image_of_x()};
    product(tiles, a, b, c, blockIdx.y * ROWS, blockIdx.x * COLUMNS, 0, K);
}

// ∂w, in parts: sums[part] over some of the places, for sum_parts. Grid: tiles of taps, of outputs, groups · parts.
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
