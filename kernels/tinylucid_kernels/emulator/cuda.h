// CUDA's words, for g++: a .cu file is compiled with this header before it and linked with the runtime (runtime.h), which
// holds what the words stand for. Nothing is included here, so that a small kernel compiles in a fraction of a second.
#pragma once
#define TINYLUCID_EMULATED 1  // a .cu file may ask for it where it would write PTX

#pragma GCC visibility push(default)  // what the runtime and libm define; all else stays inside the library

#define __global__
#define __device__
#define __host__
#define __constant__
#define __forceinline__ inline
#define __noinline__ __attribute__((noinline))
#define __launch_bounds__(...)  // compile.py reads it
#define __align__(bytes) __attribute__((aligned(bytes)))

// Shared memory: one copy is enough, because blocks run one after another. The static variables of a kernel library are all
// of its zeroed memory (.bss), so the linker's marks around that memory say where the shared memory lies.
#define __shared__ static __attribute__((used))  // used: else g++ takes an array that nobody writes for zeros

struct uint3 { unsigned x, y, z; };
struct dim3 {
    unsigned x, y, z;
    constexpr dim3(unsigned x = 1, unsigned y = 1, unsigned z = 1) : x(x), y(y), z(z) {}
};
extern uint3 threadIdx, blockIdx;  // of the thread that runs; the scheduler sets them whenever it changes threads
extern dim3 blockDim, gridDim;
const int warpSize = 32;

#define EMU_HERE const char *file = __builtin_FILE(), int line = __builtin_LINE()  // parameters that know the caller's line

namespace emu {
enum Operation { SYNC, SHUFFLE, BALLOT, MATCH };
void barrier(const char *file, int line);
// All lanes of a mask meet; the runtime's warp.cpp says what each gets.
unsigned long long meet(Operation, unsigned mask, unsigned long long value, int from, const char *file, int line);
void touch_atomically(void *address, int size, void *caller);  // told to the race detector, if there is one
int thread_number();                                           // within the block
inline int lane() { return thread_number() % 32; }
inline int warp() { return thread_number() / 32; }
}  // namespace emu

extern "C" int printf(const char *format, ...);
extern "C" void *memcpy(void *to, const void *from, unsigned long count);
extern "C" void *memset(void *to, int byte, unsigned long count);

// ---- waiting for each other -----------------------------------------------------------------------------------------
inline void __syncthreads(EMU_HERE) { emu::barrier(file, line); }
inline void __syncwarp(unsigned mask = 0xffffffffu, EMU_HERE) { emu::meet(emu::SYNC, mask, 0, 0, file, line); }
inline void __threadfence() {}  // the memory here is never weakly ordered
inline void __threadfence_block() {}

// ---- shuffles: each lane gives a value and takes the value of another lane ------------------------------------------
namespace emu {
template <class V> V shuffle(unsigned mask, V value, int from, const char *file, int line) {
    static_assert(sizeof(V) <= 8, "a shuffle moves 8 bytes at most");
    unsigned long long bits = 0;
    __builtin_memcpy(&bits, &value, sizeof(V));
    bits = meet(SHUFFLE, mask, bits, from, file, line);
    __builtin_memcpy(&value, &bits, sizeof(V));
    return value;
}
// The lane to take from; the warp is cut into segments of `width` lanes, whoever would reach past its segment keeps its own.
inline int shuffle_index(int source, int width) { return lane() / width * width + (source & (width - 1)); }
inline int shuffle_down(int by, int width) { return lane() % width + by < width ? lane() + by : lane(); }
inline int shuffle_up(int by, int width) { return lane() % width >= by ? lane() - by : lane(); }
inline int shuffle_xor(int by, int width) { return (lane() ^ by) / width <= lane() / width ? lane() ^ by : lane(); }
}  // namespace emu

template <class V> V __shfl_sync(unsigned mask, V value, int source, int width = 32, EMU_HERE) {
    return emu::shuffle(mask, value, emu::shuffle_index(source, width), file, line);
}
template <class V> V __shfl_down_sync(unsigned mask, V value, unsigned by, int width = 32, EMU_HERE) {
    return emu::shuffle(mask, value, emu::shuffle_down(by, width), file, line);
}
template <class V> V __shfl_up_sync(unsigned mask, V value, unsigned by, int width = 32, EMU_HERE) {
    return emu::shuffle(mask, value, emu::shuffle_up(by, width), file, line);
}
template <class V> V __shfl_xor_sync(unsigned mask, V value, int by, int width = 32, EMU_HERE) {
    return emu::shuffle(mask, value, emu::shuffle_xor(by, width), file, line);
}

// ---- votes: the low half of a ballot says whose condition holds, the high half who voted -----------------------------
inline unsigned __ballot_sync(unsigned mask, int condition, EMU_HERE) {
    return (unsigned)emu::meet(emu::BALLOT, mask, condition != 0, 0, file, line);
}
inline int __any_sync(unsigned mask, int condition, EMU_HERE) { return __ballot_sync(mask, condition, file, line) != 0; }
inline int __all_sync(unsigned mask, int condition, EMU_HERE) {
    unsigned long long votes = emu::meet(emu::BALLOT, mask, condition != 0, 0, file, line);
    return (unsigned)votes == (unsigned)(votes >> 32);
}
template <class V> unsigned __match_any_sync(unsigned mask, V value, EMU_HERE) {
    unsigned long long bits = 0;
    __builtin_memcpy(&bits, &value, sizeof(V));
    return (unsigned)emu::meet(emu::MATCH, mask, bits, 0, file, line);
}

// ---- atomics: threads only change places where they wait, so plain code is atomic ------------------------------------
namespace emu { template <class V> struct Same { using Type = V; }; }  // the value is converted to what the pointer points to

#define EMU_ATOMIC(name, result)                                                                              \
    template <class V> __attribute__((no_sanitize("thread"), no_sanitize_coverage, noinline))                 \
    V name(V *address, typename emu::Same<V>::Type value) {                                                   \
        emu::touch_atomically(address, sizeof(V), __builtin_return_address(0));                               \
        V old = *address;                                                                                     \
        *address = result;                                                                                    \
        return old;                                                                                           \
    }
EMU_ATOMIC(atomicAdd, old + value)
EMU_ATOMIC(atomicSub, old - value)
EMU_ATOMIC(atomicMin, value < old ? value : old)
EMU_ATOMIC(atomicMax, value > old ? value : old)
EMU_ATOMIC(atomicExch, value)
EMU_ATOMIC(atomicAnd, old & value)
EMU_ATOMIC(atomicOr, old | value)
EMU_ATOMIC(atomicXor, old ^ value)

template <class V> __attribute__((no_sanitize("thread"), no_sanitize_coverage, noinline))
V atomicCAS(V *address, typename emu::Same<V>::Type expected, typename emu::Same<V>::Type value) {
    emu::touch_atomically(address, sizeof(V), __builtin_return_address(0));
    V old = *address;
    if (old == expected) *address = value;
    return old;
}

#include "cuda_math.h"
#pragma GCC visibility pop
