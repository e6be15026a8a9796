// Sums over a warp and over a block by shuffles: a tree whose shape never changes, so the same bits each time. Every thread
// gets the sum. Blocks may have two dimensions; their size is a multiple of 32.

#define ALL_LANES 0xffffffffu

__device__ __forceinline__ int thread() { return threadIdx.y * blockDim.x + threadIdx.x; }

// After the step of distance d each lane holds the sum of 32 / d lanes; both partners add the same two numbers.
__device__ __forceinline__ real warp_sum(real v) {
    for (int d = 16; d > 0; d /= 2) v += __shfl_xor_sync(ALL_LANES, v, d);
    return v;
}

// The largest of a warp; a NaN loses against every number.
__device__ __forceinline__ real warp_max(real v) {
    for (int d = 16; d > 0; d /= 2) {
        real other = __shfl_xor_sync(ALL_LANES, v, d);
        if (!(v >= other)) v = other;
    }
    return v;
}

// The sum over a block: each warp's, then those in the order of the warps. `scratch` is shared memory for 32 numbers.
__device__ __forceinline__ real block_sum(real v, real *scratch) {
    v = warp_sum(v);
    if (thread() % 32 == 0) scratch[thread() / 32] = v;
    __syncthreads();
    real sum = 0;
    for (int w = 0; w < blockDim.x * blockDim.y / 32; ++w) sum += scratch[w];
    __syncthreads();  // the next sum writes scratch again
    return sum;
}
