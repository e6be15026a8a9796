// Resizing pictures: each place of the result is a mean of up to four pixels.
//
// Places are computed in double for every ``real``, as the reference does: pictures of float32 then take the same
// pixels. It is a handful of double operations an axis and thread, even where a GPU has few units for them next to the
// memory traffic.

#include "planes.cuh"

struct Pair {
    int low, high;
    double t;  // the share of the higher pixel
};

// The pixels that place p along an axis of n pixels is a mean of. nearest: pixel ⌊p·scale⌋, rounded to float32 first,
// so that 2.9999999 is 3. bilinear: those around p·scale with align_corners, else around (p + ½)·scale − ½, cut to the
// picture.
__device__ Pair neighbours(int p, int n, double scale, int nearest, int align_corners) {
    if (nearest) {
        int low = int(fmin(floor(double(float(p * scale))), n - 1.0));
        return {low, low, 0};
    }
    double at = align_corners ? times(double(p), scale) : fmax(times(p + 0.5, scale) - 0.5, 0.0);
    double below = fmin(floor(at), n - 1.0);
    return {int(below), min(int(below) + 1, n - 1), fmin(at - below, 1.0)};
}

// y = (1 − tx)·left + tx·right, each of them (1 − ty)·upper + ty·lower; nearest: the one pixel. A thread has one place, in every
// gridDim.y-th plane: where it lies is computed once, and the pixels of several planes are on their way at once. Reads the pixels
// around a place, which neighbouring places share in the cache, and writes y: x.size + y.size.
extern "C" __global__ void resize(const real *__restrict__ x, real *__restrict__ y, int h, int w, int p, int q,
                                  double scale_rows, double scale_columns, int nearest, int align_corners,
                                  long long planes) {
    int i = blockIdx.x * blockDim.x + threadIdx.x, places = p * q, pixels = h * w;
    if (i >= places) return;
    Pair rows = neighbours(i / q, h, scale_rows, nearest, align_corners);
    Pair columns = neighbours(i % q, w, scale_columns, nearest, align_corners);
    int upper = rows.low * w, lower = rows.high * w;
    real ty = rows.t, tx = columns.t;
#pragma unroll 4
    for (long long plane = blockIdx.y; plane < planes; plane += gridDim.y) {
        const real *from = x + plane * pixels;
        if (nearest) {
            y[plane * places + i] = from[upper + columns.low];
            continue;
        }
        real left = from[upper + columns.low] * (1 - ty) + from[lower + columns.low] * ty;
        real right = from[upper + columns.high] * (1 - ty) + from[lower + columns.high] * ty;
        y[plane * places + i] = left * (1 - tx) + right * tx;
    }
}

// The adjoint along one axis: g (outer, places, inner) → x (outer, pixels, inner), each pixel the sum of (1 − t)·g over
// the places that have it as their lower pixel, and t·g over those that have it as their higher. Rows, then columns, so
// two launches. Places ascend with p, so the takers of a pixel are neighbours: from a guess that is surely before the
// first of them to the first place beyond. Reads each g twice from the cache, writes x: g.size + x.size.
extern "C" __global__ void resize_backward(const real *__restrict__ g, real *__restrict__ x, int places, int pixels,
                                           int inner, double scale, int nearest, int align_corners, long long size) {
    long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= size) return;
    Pixel at = pixel_of(i, pixels, inner);  // plane: outer; row: the pixel along the axis; column: inner
    g += at.plane * places * inner + at.column;
    real total = 0;
    double before = (at.row - 1) / scale - 1;  // at p ≤ before, (p + 1)·scale is ≤ row − 1, and the place before it
    for (int p = int(fmin(fmax(before, 0.0), double(places))); p < places; ++p) {
        Pair pair = neighbours(p, pixels, scale, nearest, align_corners);
        if (pair.low > at.row) break;
        real t = pair.t, its = g[(long long)p * inner];
        if (pair.low == at.row) total += (1 - t) * its;
        if (pair.high == at.row && !nearest) total += t * its;
    }
    x[i] = total;
}
