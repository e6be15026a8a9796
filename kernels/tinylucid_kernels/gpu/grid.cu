// Sampling pictures at the places of a grid: each result is a mean of the four pixels around its place.
//
// Places are computed in the grid's own dtype, product and sum rounded one by one, as the reference does: on a grid
// that looks straight at the pixels, the last bit decides which two pixels a place lies between.

#include "planes.cuh"
#include "ordered.cuh"

#define BORDER 1
#define REFLECTION 2

struct Place {
    int low;        // the pixel before the place
    real t, slope;  // the distance from there, and ∂t/∂c
};

// Where coordinate c falls on an axis of n pixels: −1 and 1 are the centres of the outermost pixels with align_corners,
// else their outer edges. NaN falls outside, at distance NaN.
__device__ Place place(real c, int n, int padding_mode, int align_corners) {
    real end = n - 1, half = real(align_corners ? n - 1 : n) / 2, edge = real(align_corners ? 0 : -0.5);
    real at = times(c + 1, half) + edge, slope = half;
    if (padding_mode == REFLECTION) {  // mirrored at the edges, 2·half apart, as often as needed
        real from_edge = at - edge, far = fabs(from_edge), turns = 0;
        if (half > 0) turns = floor(far / (2 * half));
        real rest = far - times(turns, 2 * half);
        bool odd = turns - 2 * floor(turns / 2) == 1;
        at = (odd ? 2 * half - rest : rest) + edge;
        if (odd != (from_edge < 0)) slope = -half;
    }
    if (padding_mode == REFLECTION || padding_mode == BORDER) {
        if (!(at > 0 && at < end)) slope = 0;
        at = at < 0 ? 0 : at > end ? end : at;
    }
    at = at < -2 ? -2 : at > end + 2 ? end + 2 : at;  // outside is outside, however far, and stays an int
    real below = at == at ? floor(at) : -2;
    return {int(below), at - below, slope};
}

// The four pixels around a place, k = 0 … 3: upper left, upper right, lower left, lower right.
struct Corners {
    Place x, y;
    int h, w;

    __device__ Corners(const real *c, int h, int w, int padding_mode, int align_corners)
        : x(place(c[0], w, padding_mode, align_corners)), y(place(c[1], h, padding_mode, align_corners)), h(h), w(w) {}
    __device__ real share_x(int k) const { return k % 2 ? x.t : 1 - x.t; }
    __device__ real share_y(int k) const { return k / 2 ? y.t : 1 - y.t; }
    __device__ long long pixel(int k) const {  // its place in the plane, −1 outside
        int row = y.low + k / 2, column = x.low + k % 2;
        return row >= 0 && row < h && column >= 0 && column < w ? (long long)row * w + column : -1;
    }
};

// y[n, c, p, q] = Σ share_y · share_x · pixel over the four around grid[n, p, q]. One thread an element, so a place is
// worked out once a channel: that costs less than the pixels, which lie anywhere. Reads grid once a channel (from the
// cache), up to four pixels a place, writes y: between x.size + y.size and 5 · y.size.
extern "C" __global__ void grid_sample(const real *__restrict__ x, const real *__restrict__ grid, real *__restrict__ y,
                                       int channels, int h, int w, long long places, int padding_mode,
                                       int align_corners, long long size) {
    long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= size) return;
    long long plane = i / places, spot = i - plane * places;
    Corners four(grid + 2 * (plane / channels * places + spot), h, w, padding_mode, align_corners);
    x += plane * h * w;
    real total = 0;
    for (int k = 0; k < 4; ++k) {
        long long pixel = four.pixel(k);
        total += (pixel < 0 ? real(0) : x[pixel]) * (four.share_y(k) * four.share_x(k));  // a place of NaN gives NaN
    }
    y[i] = total;
}

// ∂x: each g added to the four pixels around its place, by their shares; outside nothing. One warp a plane (see
// ordered.cuh), which it zeroes first. Reads g, and grid once a channel, writes gx, and reads and writes four pixels a
// place, mostly in the cache: 3 · g.size + gx.size at best.
extern "C" __global__ void grid_sample_picture(const real *__restrict__ g, const real *__restrict__ grid, real *gx,
                                               int channels, int h, int w, long long places, int padding_mode,
                                               int align_corners, long long planes) {
    long long plane = ((long long)blockIdx.x * blockDim.x + threadIdx.x) / 32, pixels = (long long)h * w;
    if (plane >= planes) return;  // the whole warp
    int lane = threadIdx.x % 32;
    g += plane * places, gx += plane * pixels, grid += 2 * (plane / channels * places);
    for (long long i = lane; i < pixels; i += 32) gx[i] = 0;
    __syncwarp();
    for (long long i = lane; i - lane < places; i += 32) {
        long long mine = i < places ? i : places - 1;  // lanes beyond the last place add nothing
        Corners four(grid + 2 * mine, h, w, padding_mode, align_corners);
        for (int k = 0; k < 4; ++k)
            add_in_order(gx, i < places ? four.pixel(k) : -1, g[mine] * (four.share_y(k) * four.share_x(k)));
    }
}

// ∂grid, one thread a place: weight = Σ_c g · pixel for each of the four, times how its share moves with the place.
// Reads g and up to four pixels a place and channel, grid once, writes ggrid: between g.size + x.size and 5 · g.size.
extern "C" __global__ void grid_sample_grid(const real *__restrict__ g, const real *__restrict__ x,
                                            const real *__restrict__ grid, real *__restrict__ ggrid, int channels,
                                            int h, int w, long long places, int padding_mode, int align_corners,
                                            long long size) {
    long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= size) return;
    long long n = i / places, plane = n * channels;
    g += plane * places + (i - n * places), x += plane * h * w;
    Corners four(grid + 2 * i, h, w, padding_mode, align_corners);
    real along_x = 0, along_y = 0;
    for (int k = 0; k < 4; ++k) {
        long long pixel = four.pixel(k);
        real weight = 0;
        for (int c = 0; c < channels && pixel >= 0; ++c) weight += g[c * places] * x[(long long)c * h * w + pixel];
        along_x += weight * four.share_y(k) * (k % 2 ? four.x.slope : -four.x.slope);
        along_y += weight * four.share_x(k) * (k / 2 ? four.y.slope : -four.y.slope);
    }
    ggrid[2 * i] = along_x;
    ggrid[2 * i + 1] = along_y;
}
