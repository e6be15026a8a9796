// Philox4x32-10: random numbers by counting (Salmon et al., 2011). Block k of a stream is a fixed scramble of the number k, so
// each thread makes one block of four words, whatever the others do, with the bits of the CPU's.

#include "vectors.cuh"

struct Words {
    unsigned word[4];
};

// The four words of a block: ten rounds of multiply, swap and xor.
__device__ __forceinline__ Words scramble(unsigned long long block, unsigned long long stream, unsigned long long seed) {
    unsigned x0 = (unsigned)block, x1 = block >> 32, x2 = (unsigned)stream, x3 = stream >> 32;
    unsigned key0 = (unsigned)seed, key1 = seed >> 32;
    for (int round = 0; round < 10; ++round) {
        unsigned long long a = x0 * 0xD2511F53ull, b = x2 * 0xCD9E8D57ull;  // 32 × 32 → 64 bits
        x0 = (unsigned)(b >> 32) ^ x1 ^ key0, x1 = (unsigned)b;
        x2 = (unsigned)(a >> 32) ^ x3 ^ key1, x3 = (unsigned)a;
        key0 += 0x9E3779B9u, key1 += 0xBB67AE85u;  // golden ratio and √3 − 1: what the key grows by each round
    }
    return {x0, x1, x2, x3};
}

// words (4 · blocks,): those of blocks offset, offset + 1, … of the stream. Writes words once.
extern "C" __global__ void philox(unsigned *__restrict__ words, long long blocks, unsigned long long offset,
                                  unsigned long long stream, unsigned long long seed) {
    long long k = (long long)blockIdx.x * blockDim.x + threadIdx.x;
    if (k >= blocks) return;
    Words made = scramble(offset + k, stream, seed);
    for (int j = 0; j < 4; ++j) words[4 * k + j] = made.word[j];
}

// y = x · scale where the element's word is at least limit, else x · 0, and the mask that says where. `counter`, if there is one, is
// added to offset: in a step that is replayed as a graph the device counts by itself. A thread has the four words of a block, and
// so four neighbours. Reads x, writes y and a byte of the mask: 2¼ · size.
extern "C" __global__ void dropout(const real *__restrict__ x, real *__restrict__ y, bool *__restrict__ mask, long long size,
                                   unsigned long long limit, const unsigned long long *__restrict__ counter,
                                   unsigned long long offset, unsigned long long seed, real scale) {
    long long k = (long long)blockIdx.x * blockDim.x + threadIdx.x, i = 4 * k;
    if (i >= size) return;
    Words made = scramble((counter ? *counter : 0) + offset + k, 0, seed);
    if (i + 4 <= size && fits<4>(x) && fits<4>(y) && fits<4>(mask)) {
        Four value = load<real, 4>(x + i);
        Together<bool, 4> kept;
        for (int j = 0; j < 4; ++j) {
            kept.v[j] = made.word[j] >= limit;
            value.v[j] *= kept.v[j] ? scale : real(0);
        }
        store<real, 4>(y + i, value);
        store<bool, 4>(mask + i, kept);
        return;
    }
    for (int j = 0; j < 4 && i + j < size; ++j) {
        mask[i + j] = made.word[j] >= limit;
        y[i + j] = x[i + j] * (mask[i + j] ? scale : real(0));
    }
}
