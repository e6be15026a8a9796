// Convolution and its two gradients as products (product.cuh) whose matrices are never written down: im2col without the
// columns. In each, k runs over what is summed, m over channels, n over places:
//
//     y[m, n] = b[m] + Σ_k w[m, k] · x[pixel under tap k at place n]     m = o, n = (image, p, q), k = (c, i, j)
//     ∂x[m, n] = Σ_k w[k, m] · g[place that saw pixel n through tap k]   m = c, n = (image, h, w), k = (o, i, j)
//     ∂w[m, n] = Σ_k g[m, k] · x[pixel under tap n at place k]           m = o, n = (c, i, j), k = (image, p, q)
//
// Compiled for a filter size, -DKH= -DKW=. A block computes for one group; its pointers begin there. Memory traffic: as in
// product.cuh, where a pixel counts once for each tap that sees it; the caches serve all but its first reading.
// compiled with: -Dreal=float -DTF32=0 -DKH=3 -DKW=3 -DROWS=16 -DCOLUMNS=256
// compiled with: -Dreal=float -DTF32=0 -DKH=3 -DKW=3 -DROWS=32 -DCOLUMNS=64
// compiled with: -Dreal=float -DTF32=0 -DKH=3 -DKW=3 -DROWS=64 -DCOLUMNS=64
// compiled with: -Dreal=float -DTF32=0 -DKH=3 -DKW=3 -DROWS=64 -DCOLUMNS=128
// compiled with: -Dreal=float -DTF32=0 -DKH=3 -DKW=3 -DROWS=128 -DCOLUMNS=128
// compiled with: -Dreal=float -DTF32=0 -DKH=1 -DKW=1 -DROWS=64 -DCOLUMNS=128
// compiled with: -Dreal=double -DTF32=0 -DKH=3 -DKW=3 -DROWS=16 -DCOLUMNS=128
// compiled with: -Dreal=double -DTF32=0 -DKH=3 -DKW=3 -DROWS=128 -DCOLUMNS=64
// compiled with: -Dreal=float -DTF32=1 -DKH=3 -DKW=3 -DROWS=64 -DCOLUMNS=128 sm_80
// compiled with: -Dreal=float -DTF32=1 -DKH=3 -DKW=3 -DROWS=128 -DCOLUMNS=128 sm_80
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

// An element of a picture lies where a window stands, moved to a channel and a tap. Whether it is inside is a question of
// its row and its column: a window knows which rows and columns of taps fall outside, a bit for each, and a tap has the bits
// of its own row and column; a bit in common, and there is a 0. One more bit is for taps that do not exist: all windows
// have it. A window that does not exist has every bit.
struct Edges {
    static constexpr int NONE = KH + KW, WORDS = NONE / 32 + 1;
    unsigned words[WORDS];
    __device__ Edges &add(int bit, bool wanted = true) {
#pragma unroll
        for (int w = 0; w < WORDS; ++w) words[w] |= (unsigned)(wanted && bit / 32 == w) << bit % 32;
        return *this;
    }
    __device__ bool meet(const Edges &other) const {
        unsigned common = 0;
#pragma unroll
        for (int w = 0; w < WORDS; ++w) common |= words[w] & other.words[w];
        return common;
    }
};
struct Window {
    const real *start;
    Edges outside;
};
struct Tap {
    int offset;  // in one picture
    Edges edges;
};

// The window at `start`, whose taps lie at these rows and columns of a picture: first + i · step.
struct Line {
    int first, step, size;
};
__device__ Window window(const real *start, bool exists, Line down, Line across) {
    Window window = {opaque(start), {}};
    window.outside.add(Edges::NONE);
#pragma unroll
    for (int i = 0; i < KH; ++i)
        window.outside.add(i, !exists || (unsigned)(down.first + i * down.step) >= (unsigned)down.size);
#pragma unroll
    for (int j = 0; j < KW; ++j)
        window.outside.add(KH + j, !exists || (unsigned)(across.first + j * across.step) >= (unsigned)across.size);
    return window;
}
__device__ Tap tap(bool exists, int offset, int i, int j) {
    Tap tap = {offset, {}};
    if (exists)
        tap.edges.add(i).add(KH + j);
    else
        tap.edges.add(Edges::NONE);
    return tap;
}
__device__ real look(const Window &window, const Tap &tap) {
    return tap.edges.meet(window.outside) ? 0 : __ldg(window.start + tap.offset);
}

// Division by a count that is the same for the whole grid, as a multiplication: exact, since both are less than 2³¹.
struct Divisor {
    unsigned long long inverse;
    Divisor() = default;
    __device__ explicit Divisor(int count) : inverse((1ull << 63) / max(count, 1) + 1) {}
    __device__ int divide(int k) const { return __umul64hi(2ull * (unsigned)k, inverse); }
};

struct Filter {  // A of the forward pass: w[m, k]
    static constexpr bool ALONG_K = true;
    using Column = const real *;
    using Row = int;
    const real *w;
    int M, K;
    __device__ Column column(int m) const { return opaque(w + (long long)min(m, M - 1) * K); }
    __device__ Row row(int k) const { return k < K ? k : -1; }
    __device__ real at(Row k, Column output) const { return k >= 0 ? __ldg(output + k) : 0; }
};

struct Windows {  // B of the forward pass: x under tap k = (c, i, j) at output n = (image, p, q)
    static constexpr bool ALONG_K = false;
    using Column = Window;
    using Row = Tap;
    const real *x;
    Layer l;
    Divisor by_places, by_Q;
    __device__ Windows(const real *x, const Layer &l) : x(x), l(l), by_places(l.places()), by_Q(l.Q) {}
    __device__ Window column(int n) const {
        int image = by_places.divide(n), place = n - image * l.places(), p = by_Q.divide(place);
        int top = p * l.sh - l.ph, left = (place - p * l.Q) * l.sw - l.pw;
        const real *start = x + image * l.image_of_x() + (long long)top * l.W + left;
        return window(start, image < l.images, {top, l.dh, l.H}, {left, l.dw, l.W});
    }
    __device__ Tap row(int k) const {
        int c = k / TAPS, i = k % TAPS / KW, j = k % TAPS % KW;
        return tap(c < l.C, (c * l.H + i * l.dh) * l.W + j * l.dw, i, j);
    }
    __device__ real at(const Tap &tap, const Window &window) const { return look(window, tap); }
};

// Rows (or columns) of x of one phase: those that are `phase` modulo the stride. All are seen through the same taps i,
// those where the stride divides phase + pad − i·dilation: the one at phase + u·stride from place u + seen − t·back
// through the t-th of them, first + t·step.
struct Axis {
    int phase, stride, pixels, first, step, taps, seen, back;
    Divisor by_taps;
    Axis() = default;
    __device__ Axis(int phase, int size, int filter, int stride, int pad, int dilation)
        : phase(phase), stride(stride), pixels(size), first(0), step(1), taps(filter), seen(pad), back(dilation),
          by_taps(filter) {
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
    __device__ Line places(int u, int size) const { return {u + seen, -back, size}; }  // that saw it through each tap
};

// The pixels of one phase in both directions, and the sum over their k = (o, t-th tap down, t-th tap across).
struct Phase {
    Axis down, across;
    int K;
    Phase() = default;
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
    using Column = int;
    using Row = const real *;
    const real *w;
    int C;
    const Phase &phase;
    __device__ Column column(int m) const { return min(m, C - 1) * TAPS; }
    __device__ Row row(int k) const {
        int o, i, j;
        phase.take_apart(k, o, i, j);
        return k < phase.K ? w + (long long)o * C * TAPS + phase.down.tap(i) * KW + phase.across.tap(j) : nullptr;
    }
    __device__ real at(Row tap, Column channel) const { return tap ? __ldg(tap + channel) : 0; }
};

struct Seers {  // B of ∂x: g of the output that saw pixel n = (image, u, v) of the phase through tap k = (o, i, j)
    static constexpr bool ALONG_K = false;
    using Column = Window;
    using Row = Tap;
    const real *g;
    Layer l;
    const Phase &phase;
    __device__ Window column(int n) const {
        int image = n / phase.pixels(), pixel = n % phase.pixels();
        int u = pixel / phase.across.pixels, v = pixel % phase.across.pixels;
        const real *start = g + image * l.image_of_y() + (long long)u * l.Q + v;
        return window(start, image < l.images, phase.down.places(u, l.P), phase.across.places(v, l.Q));
    }
    __device__ Tap row(int k) const {
        int o, i, j;
        phase.take_apart(k, o, i, j);
        int down = phase.down.seen - i * phase.down.back, across = phase.across.seen - j * phase.across.back;
        return tap(k < phase.K, (o * l.P + down) * l.Q + across, i, j);
    }
    __device__ real at(const Tap &tap, const Window &window) const { return look(window, tap); }
};

struct Gradient {  // A of ∂w: g[image, m, place] with k = (image, place)
    static constexpr bool ALONG_K = true;
    using Column = int;
    using Row = const real *;
    const real *g;
    Layer l;
    Divisor by_places;
    __device__ Gradient(const real *g, const Layer &l) : g(g), l(l), by_places(l.places()) {}
    __device__ Column column(int m) const { return min(m, l.O - 1) * l.places(); }
    __device__ Row row(int k) const {
        int image = by_places.divide(k);
        return image < l.images ? g + image * l.image_of_y() + (k - image * l.places()) : nullptr;
    }
    __device__ real at(Row place, Column channel) const { return place ? __ldg(place + channel) : 0; }
};

struct Taps {  // B of ∂w: x under tap n = (c, i, j) at output k = (image, p, q): Windows with k and n exchanged
    static constexpr bool ALONG_K = true;
    using Column = Tap;
    using Row = Window;
    Windows windows;
    __device__ Tap column(int n) const { return windows.row(n); }
    __device__ Window row(int k) const { return windows.column(k); }
    __device__ real at(const Window &window, const Tap &tap) const { return look(window, tap); }
};

struct Picture {  // C of the forward pass: channel m at place n = (image, place), with a bias if there is one
    real *out;
    const real *bias;
    int images, channels, size;
    long long image_size;
    __device__ real *column(int n) const {
        int image = n / size;
        return image < images ? opaque(out + image * image_size + n % size) : nullptr;
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
        return image < l.images ? opaque(dx + image * l.image_of_x() + (long long)h * l.W + w) : nullptr;
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
    __shared__ Tiles<Filter, Windows> tiles;
    Layer l = {images, groups, C, H, W, O, P, Q, sh, sw, ph, pw, dh, dw};
    long long group = blockIdx.z;
    int K = C * TAPS;
    Filter a = {w + group * O * K, O, K};
    Windows b(x + group * C * l.pixels(), l);
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
    __shared__ Tiles<FilterByChannel, Seers> tiles;
    Layer l = {images, groups, C, H, W, O, P, Q, sh, sw, ph, pw, dh, dw};
    long long group = blockIdx.z;
    int phases = sh * sw, first = blockIdx.x / phases * COLUMNS;
    __shared__ Phase phase;
    if (threadIdx.x == 0) phase = Phase(l, blockIdx.x % phases);
    __syncthreads();
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
    __shared__ Tiles<Gradient, Taps> tiles;
    Layer l = {images, groups, C, H, W, O, P, Q, sh, sw, ph, pw, dh, dw};
    long long group = blockIdx.z / parts, part = blockIdx.z % parts;
    int K = images * l.places(), N = C * TAPS;
    Gradient a(g + group * O * l.places(), l);
    Taps b = {Windows(x + group * C * l.pixels(), l)};
    Matrix c = {sums + (part * groups + group) * O * N, O, N};
    Part mine(part, parts, K);
    product(tiles, a, b, c, blockIdx.y * ROWS, blockIdx.x * COLUMNS, mine.first_k, mine.end_k);
}
