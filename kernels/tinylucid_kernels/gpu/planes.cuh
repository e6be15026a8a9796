// What pooling, resizing and sampling share: which pixel a thread has, and a product that is rounded by itself.

struct Pixel {
    long long plane;
    int row, column;
};

// Element i of an array (planes, rows, columns). Where i fits into 32 bits it is divided in 32, which is several times
// faster.
__device__ Pixel pixel_of(long long i, int rows, int columns) {
    if (i >> 32 == 0) {
        unsigned line = unsigned(i) / columns, plane = line / rows;
        return {(long long)plane, int(line - plane * rows), int(unsigned(i) - line * columns)};
    }
    long long line = i / columns, plane = line / rows;
    return {plane, int(line - plane * rows), int(i - line * columns)};
}

// a · b, rounded: the compiler must not fuse it with the sum that follows. A place that lies just on a pixel would
// round to the other side of it than the reference's.
__device__ float times(float a, float b) { return __fmul_rn(a, b); }
__device__ double times(double a, double b) { return __dmul_rn(a, b); }
