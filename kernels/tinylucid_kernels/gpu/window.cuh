// The place in a row (or column) of outputs whose window begins at pixel x of the frame: p with p · stride = x;
// negative if there is none, for a stride steps over some. Divisions cost, and most strides are 1.
__device__ int window(int x, int stride) {
    if (stride == 1 || x < 0) return x;
    return x % stride ? -1 : x / stride;
}
