// What a captured step counts (replay.py). No real numbers are in it:
// compiled with: -Dreal=float

// The first `count` counters move on, each by its own step; one thread a counter. Reads both and writes counters: 24 bytes each.
extern "C" __global__ void advance(unsigned long long *__restrict__ counters, const unsigned long long *__restrict__ by,
                                   int count) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < count) counters[i] += by[i];
}
