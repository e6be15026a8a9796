// Adding values into a plane in a fixed order, without atomics.
//
// Several entries may fall on one pixel (overlapping windows, a grid that looks twice at a place). Atomic additions
// would come in any order, and floating sums depend on it: other bits in every run. Here one warp owns a plane, so
// nobody else writes there, and it takes the plane's entries 32 at a time, one a lane. Of the lanes that fall on the
// same pixel the first adds all their values, in the order of the lanes, and it alone touches the pixel. __syncwarp
// then makes what was written visible to the whole warp before its next 32 entries, which may fall there again.
//
// It costs 64 shuffles for 32 entries. Planes run side by side, the entries of one plane do not: with few planes (one
// picture, one channel) most of the GPU stands idle, and the answer is slow, but right.

// plane[place] += value, for all lanes of a warp together; a lane that has nothing to add says place −1.
__device__ void add_in_order(real *plane, long long place, real value) {
    int lane = threadIdx.x % 32;
    bool first = place >= 0;
    real total = 0;
    for (int k = 0; k < 32; ++k) {
        long long other = __shfl_sync(0xffffffffu, place, k);
        real its = __shfl_sync(0xffffffffu, value, k);
        if (other == place) {
            if (k < lane) first = false;
            total += its;
        }
    }
    if (first) plane[place] += total;
    __syncwarp();
}
