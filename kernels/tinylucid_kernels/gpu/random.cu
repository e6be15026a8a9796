// Philox4x32-10: random numbers by counting (Salmon et al., 2011). Block k of a stream is a fixed scramble of the number k, so
// each thread makes one block of four words, whatever the others do, with the bits of the CPU's. No real numbers are in it:
// compiled with: -Dreal=float

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

// mask (size,): whether the element's word is at least limit. `counter`, if there is one, is added to offset: in a step that is
// replayed as a graph the device counts by itself. Writes mask once, a byte an element.
extern "C" __global__ void dropout_mask(bool *__restrict__ mask, long long size, unsigned long long limit,
                                        const unsigned long long *__restrict__ counter, unsigned long long offset,
                                        unsigned long long seed) {
    long long k = (long long)blockIdx.x * blockDim.x + threadIdx.x;
    if (4 * k >= size) return;
    Words made = scramble((counter ? *counter : 0) + offset + k, 0, seed);
    for (int j = 0; j < 4; ++j)
        if (4 * k + j < size) mask[4 * k + j] = made.word[j] >= limit;
}
