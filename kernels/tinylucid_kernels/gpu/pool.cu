// Pooling, and its adjoints: one thread an element of what is written, which finds the elements that it needs. So
// nothing is scattered, except by max pooling's adjoint (the last kernel) where windows may overlap.
//
// Along an axis a window is a span of pixels. Seen from a pixel, the windows that it lies in are a span too.

#include "ordered.cuh"
#include "planes.cuh"
#include "vectors.cuh"

struct Span {
    int first, end, step;
};

// Window p of a sliding kernel, cut to the n pixels of the picture: p·stride − padding + i·dilation, i = 0 … size − 1.
__device__ Span window(int p, int n, int size, int stride, int padding, int dilation) {
    int start = p * stride - padding;
    int skipped = start < 0 ? (dilation - 1 - start) / dilation : 0;  // taps before the picture
    return {start + skipped * dilation, min(start + dilation * (size - 1) + 1, n), dilation};
}

// The windows p of ``out``, not dilated, that pixel i lies in: p·stride − padding ≤ i < p·stride − padding + size.
__device__ Span windows_over(int i, int out, int size, int stride, int padding) {
    int beyond = i + padding - size;  // the last start that is too far left
    return {beyond < 0 ? 0 : beyond / stride + 1, min((i + padding) / stride + 1, out), 1};
}

// Adaptive window p of ``out`` over n pixels: ⌊p·n/out⌋ … ⌈(p+1)·n/out⌉ − 1. The windows that pixel i lies in are the
// same with n and out exchanged: ⌈(p+1)·n/out⌉ > i where p ≥ ⌊i·out/n⌋, and ⌊p·n/out⌋ ≤ i where p < ⌈(i+1)·out/n⌉.
__device__ Span adaptive_window(int p, int n, int out) {
    return {int((long long)p * n / out), int(((long long)(p + 1) * n + out - 1) / out), 1};
}

// Whether pixel v is to be kept in place of the largest so far: of equals the first stays, a NaN is larger than any number.
__device__ bool beats(real v, real best) { return v > best || (v != v && best == best); }

// The largest pixel of a window and its place; of equals the first in row-major order; NaN wins. No pixel: −∞ at −1.
__device__ void largest(const real *plane, int w, Span rows, Span columns, real *y, long long *index) {
    real best = -__uint_as_float(0x7f800000u);
    long long at = -1;
    for (int i = rows.first; i < rows.end; i += rows.step)
        for (int j = columns.first; j < columns.end; j += columns.step) {
            real v = plane[(long long)i * w + j];
            if (at < 0 || beats(v, best)) {
                best = v;
                at = (long long)i * w + j;
            }
        }
    *y = best;
    *index = at;
}

__device__ real sum(const real *plane, int w, Span rows, Span columns) {
    real total = 0;
    for (int i = rows.first; i < rows.end; ++i)
        for (int j = columns.first; j < columns.end; ++j) total += plane[(long long)i * w + j];
    return total;
}

// y = max over each window, and its place in the plane. Reads each pixel once a window (from the cache where windows
// overlap), writes y and index: at best x.size + 3 · y.size in float32, for the 64-bit places count twice.
extern "C" __global__ void max_pool2d(const real *__restrict__ x, real *__restrict__ y, long long *__restrict__ index,
                                      int h, int w, int p, int q, int kh, int kw, int sh, int sw, int ph, int pw,
                                      int dh, int dw, long long size) {
    long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= size) return;
    Pixel at = pixel_of(i, p, q);
    Span rows = window(at.row, h, kh, sh, ph, dh), columns = window(at.column, w, kw, sw, pw, dw);
    largest(x + at.plane * h * w, w, rows, columns, y + i, index + i);
}

__device__ Pair pair(const real *pixels) { return fits<2>(pixels) ? load<real, 2>(pixels) : Pair{pixels[0], pixels[1]}; }

// The same for windows of 2×2 pixels side by side: each row of a window is one load (where the width is even), and a thread has
// both on their way. Neighbouring threads read neighbouring pairs, so no sector is read twice.
extern "C" __global__ void max_pool_pairs(const real *__restrict__ x, real *__restrict__ y, long long *__restrict__ index,
                                          int h, int w, int p, int q, long long size) {
    long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= size) return;
    Pixel at = pixel_of(i, p, q);
    int corner = 2 * at.row * w + 2 * at.column;  // of the window, in its plane
    const real *upper = x + at.plane * h * w + corner;
    Pair rows[2] = {pair(upper), pair(upper + w)};
    real best = rows[0].v[0];
    int place = corner;
#pragma unroll
    for (int k = 1; k < 4; ++k)
        if (beats(rows[k / 2].v[k % 2], best)) {
            best = rows[k / 2].v[k % 2];
            place = corner + k / 2 * w + k % 2;
        }
    y[i] = best;
    index[i] = place;
}

// The same over adaptive windows.
extern "C" __global__ void adaptive_max_pool2d(const real *__restrict__ x, real *__restrict__ y,
                                               long long *__restrict__ index, int h, int w, int p, int q,
                                               long long size) {
    long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= size) return;
    Pixel at = pixel_of(i, p, q);
    Span rows = adaptive_window(at.row, h, p), columns = adaptive_window(at.column, w, q);
    largest(x + at.plane * h * w, w, rows, columns, y + i, index + i);
}

// How many pixels a window that is not dilated has.
__device__ real count(Span rows, Span columns) {
    return (long long)(rows.end - rows.first) * (columns.end - columns.first);
}

// By how much avg_pool2d divides a window's sum: all of the kernel, or the pixels inside.
__device__ real divisor(Span rows, Span columns, int kh, int kw, int include_pad) {
    return include_pad ? (long long)kh * kw : count(rows, columns);
}

// y = the mean of each window. Reads each pixel once a window, writes y: at best x.size + y.size.
extern "C" __global__ void avg_pool2d(const real *__restrict__ x, real *__restrict__ y, int h, int w, int p, int q,
                                      int kh, int kw, int sh, int sw, int ph, int pw, int include_pad, long long size) {
    long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= size) return;
    Pixel at = pixel_of(i, p, q);
    Span rows = window(at.row, h, kh, sh, ph, 1), columns = window(at.column, w, kw, sw, pw, 1);
    y[i] = sum(x + at.plane * h * w, w, rows, columns) / divisor(rows, columns, kh, kw, include_pad);
}

// Its adjoint: x = Σ g / divisor over the windows that the pixel lies in. Reads each g once a pixel of its window,
// writes x: at best g.size + x.size.
extern "C" __global__ void avg_pool2d_backward(const real *__restrict__ g, real *__restrict__ x, int h, int w, int p,
                                               int q, int kh, int kw, int sh, int sw, int ph, int pw, int include_pad,
                                               long long size) {
    long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= size) return;
    Pixel at = pixel_of(i, h, w);
    const real *plane = g + at.plane * p * q;
    Span over_row = windows_over(at.row, p, kh, sh, ph), over_column = windows_over(at.column, q, kw, sw, pw);
    real total = 0;
    for (int r = over_row.first; r < over_row.end; ++r)
        for (int s = over_column.first; s < over_column.end; ++s) {
            Span rows = window(r, h, kh, sh, ph, 1), columns = window(s, w, kw, sw, pw, 1);
            total += plane[(long long)r * q + s] / divisor(rows, columns, kh, kw, include_pad);
        }
    x[i] = total;
}

// The mean of each adaptive window; traffic as avg_pool2d.
extern "C" __global__ void adaptive_avg_pool2d(const real *__restrict__ x, real *__restrict__ y, int h, int w, int p,
                                               int q, long long size) {
    long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= size) return;
    Pixel at = pixel_of(i, p, q);
    Span rows = adaptive_window(at.row, h, p), columns = adaptive_window(at.column, w, q);
    y[i] = sum(x + at.plane * h * w, w, rows, columns) / count(rows, columns);
}

// Its adjoint; traffic as avg_pool2d_backward.
extern "C" __global__ void adaptive_avg_pool2d_backward(const real *__restrict__ g, real *__restrict__ x, int h, int w,
                                                        int p, int q, long long size) {
    long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= size) return;
    Pixel at = pixel_of(i, h, w);
    const real *plane = g + at.plane * p * q;
    Span over_row = adaptive_window(at.row, p, h), over_column = adaptive_window(at.column, q, w);
    real total = 0;
    for (int r = over_row.first; r < over_row.end; ++r)
        for (int s = over_column.first; s < over_column.end; ++s) {
            Span rows = adaptive_window(r, h, p), columns = adaptive_window(s, w, q);
            total += plane[(long long)r * q + s] / count(rows, columns);
        }
    x[i] = total;
}

// y[k, t] = x[k, index[k, t]], planes flat. Reads index, the pixels it names and writes y: 4 · y.size in float32.
extern "C" __global__ void pool_gather(const real *__restrict__ x, const long long *__restrict__ index,
                                       real *__restrict__ y, long long pixels, long long entries, long long size) {
    long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x;
    if (i < size) y[i] = x[i / entries * pixels + index[i]];
}

// Its adjoint: x[k, index[k, t]] += g[k, t], one warp a plane. Where pictures were halved by windows of 2×2 pixels each entry
// lies in a window of its own, and its lane writes that window: g or 0. If one does not (other windows halve a picture too),
// and for all other sizes, the plane is zeroed and entries are added in their order (see ordered.cuh). Reads g and index,
// writes x: 3 · g.size + x.size in float32; adding in order reads and writes pixels again, mostly in the cache.
extern "C" __global__ void pool_scatter(const real *__restrict__ g, const long long *__restrict__ index, real *__restrict__ x,
                                        int h, int w, int p, int q, long long planes) {
    long long plane = ((long long)blockIdx.x * blockDim.x + threadIdx.x) / 32;
    if (plane >= planes) return;  // the whole warp
    int lane = threadIdx.x % 32, pixels = h * w, entries = p * q;
    x += plane * pixels, g += plane * entries, index += plane * entries;
    if (h == 2 * p && w == 2 * q) {
        bool inside = true;
#pragma unroll 4  // several entries on their way at once
        for (int i = lane; i < entries; i += 32) {
            int row = i / q, corner = 2 * row * w + 2 * (i - row * q);
            long long at = index[i] - corner;
            real its = g[i];
            store<real, 2>(x + corner, {at == 0 ? its : 0, at == 1 ? its : 0});
            store<real, 2>(x + corner + w, {at == w ? its : 0, at == w + 1 ? its : 0});
            inside = inside && (at == 0 || at == 1 || at == w || at == w + 1);
        }
        if (__all_sync(0xffffffffu, inside)) return;
        __syncwarp();  // a vote orders no writes
    }
    for (int i = lane; i < pixels; i += 32) x[i] = 0;
    __syncwarp();
    for (int i = lane; i - lane < entries; i += 32) {
        bool some = i < entries;
        add_in_order(x, some ? index[i] : -1, some ? g[i] : 0);
    }
}
