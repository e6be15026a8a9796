// One product for convolutions and dense layers: C(m, n) = Σ_k A(k, m) · B(k, n).
//
// All that differs between them is where A(k, m) and B(k, n) lie in memory and where C(m, n) goes; each says just that:
//
//     struct Operand {
//         static constexpr bool ALONG_K;     // neighbours in memory: along k, or along the columns j (m of A, n of B)
//         using Column, Row;
//         Column column(int j);              // what depends on j only: worked out once, kept by the threads that need it
//         Row row(int k);                    // what depends on k only: worked out by one thread, which shares it
//         real at(Row row, Column column);   // the element: an addition and one test
//     };
//     struct Target { Column column(int n); void put(int m, int n, Column column, real value); };
//
// A row past the last is 0. A column past the last may be anything that can be read: nobody stores what comes of it.
//
// A block computes a tile of C, ROWS x COLUMNS, each thread SUMS elements of it in registers. It walks over k by DEPTH: a
// tile of A and one of B are brought to shared memory, where every thread reads what it multiplies. While a pair of tiles is
// multiplied, the next is on its way from global memory, to a second buffer, so one barrier a step is enough. An element on
// its way costs five or six instructions, a product of two in registers one. Rows are worked out for four steps at once.
// Compiled for one of product.py's tiles, -DROWS= -DCOLUMNS=, and for tensor cores or not: -DTF32=1 or 0.
//
// Memory traffic: A is read once for every COLUMNS columns of C, B once for every ROWS rows, so that of each k a block
// reads ROWS + COLUMNS elements for ROWS · COLUMNS multiplications and additions: 64 an element where both are 128.

constexpr int MOST = sizeof(real) == 4 ? 64 : 32;  // sums of a thread: a double takes two registers
constexpr int SUMS = ROWS * COLUMNS < 32 * MOST ? ROWS * COLUMNS / 32 : MOST;
constexpr int DEPTH = 8, AHEAD = 32;  // rows of a tile; rows that one warp works out at once
constexpr int THREADS = ROWS * COLUMNS / SUMS;
// Threads that a multiprocessor has registers for, and blocks of them: more threads hide more waiting, but spill.
constexpr int RESIDENT = ROWS == 16 || THREADS == 32 ? 256 : ROWS == 128 && SUMS == 64 ? 512 : 384;
constexpr int BLOCKS = RESIDENT / THREADS;
constexpr int WARP_ROWS = ROWS < 32 ? ROWS : 32, WARP_COLUMNS = 32 * SUMS / WARP_ROWS;  // a warp's part of a tile
constexpr int WARPS_BESIDE = COLUMNS / WARP_COLUMNS;
#if TF32
#include "mma.cuh"
#else
#include "ffma.cuh"
#endif

// A place in memory as one number, whose making the compiler forgets: else it would make it anew for each element, to save
// a register, from all that it is made of.
template <class Pointer> __device__ Pointer opaque(Pointer place) {
#ifndef TINYLUCID_EMULATED
    asm volatile("mov.b64 %0, %0;" : "+l"(place) : : "memory");
#endif
    return place;
}

template <class A, class B> struct alignas(16) Tiles {
    real a[2][DEPTH][ROWS + GAP], b[2][DEPTH][COLUMNS + GAP];
    typename A::Row rows_a[2 * AHEAD];
    typename B::Row rows_b[2 * AHEAD];
};

// A thread's share of the tiles of one operand, on its way from global to shared memory. Neighbouring threads take
// neighbours in memory: along k, so that a thread stays in one row of each tile, or else along the columns.
template <int J, class Operand> struct Share {
    static constexpr int SIZE = J * DEPTH / THREADS;
    static constexpr int BESIDE = Operand::ALONG_K ? THREADS / DEPTH : J < THREADS ? J : THREADS;  // threads, along columns
    static constexpr int KEPT = J / BESIDE;  // columns that a thread visits
    const Operand &operand;
    typename Operand::Column columns[KEPT];
    real values[SIZE];

    static __device__ int k_of(int i) {
        return Operand::ALONG_K ? threadIdx.x % DEPTH : i / KEPT * (THREADS / BESIDE) + threadIdx.x / BESIDE;
    }
    static __device__ int j_of(int i) {
        return i % KEPT * BESIDE + (Operand::ALONG_K ? threadIdx.x / DEPTH : threadIdx.x % BESIDE);
    }
    __device__ Share(const Operand &from, int first_j) : operand(from) {
#pragma unroll
        for (int i = 0; i < KEPT; ++i) columns[i] = operand.column(first_j + j_of(i));
    }
    __device__ void fetch(const typename Operand::Row *rows) {
#pragma unroll
        for (int i = 0; i < SIZE; ++i) values[i] = operand.at(rows[k_of(i)], columns[i % KEPT]);
    }
    __device__ void put(real (*tile)[J + GAP]) const {
#pragma unroll
        for (int i = 0; i < SIZE; ++i) tile[k_of(i)][j_of(i)] = rounded(values[i]);
    }
};

// The tile of C that begins at (m0, n0), summed over first_k <= k < end_k.
template <class A, class B, class Target>
__device__ void product(Tiles<A, B> &tiles, const A &a, const B &b, const Target &c, int m0, int n0, int first_k,
                        int end_k) {
    auto work_out_rows = [&](int k) {
        int row = k + threadIdx.x;
        if (threadIdx.x >= AHEAD) return;
        tiles.rows_a[row % (2 * AHEAD)] = a.row(first_k + row);
        tiles.rows_b[row % (2 * AHEAD)] = b.row(first_k + row);
    };
    Share<ROWS, A> share_a(a, m0);
    Share<COLUMNS, B> share_b(b, n0);
    real sums[TALL][WIDE] = {};
    work_out_rows(0);
    __syncthreads();
    share_a.fetch(tiles.rows_a);
    share_b.fetch(tiles.rows_b);
    share_a.put(tiles.a[0]);
    share_b.put(tiles.b[0]);
    __syncthreads();
    for (int k = 0, now = 0; k < end_k - first_k; k += DEPTH, now ^= 1) {
        int next = (k + DEPTH) % (2 * AHEAD);
        share_a.fetch(tiles.rows_a + next);  // past the end: rows of zeros
        share_b.fetch(tiles.rows_b + next);
        if (k % AHEAD == 0) work_out_rows(k + AHEAD);
        multiply(sums, tiles.a[now], tiles.b[now]);
        share_a.put(tiles.a[now ^ 1]);
        share_b.put(tiles.b[now ^ 1]);
        __syncthreads();  // the next tiles are complete, and nobody reads these any more
    }
#pragma unroll
    for (int j = 0; j < WIDE; ++j) {
        int n = n0 + column_of(j);
        auto column = c.column(n);
#pragma unroll
        for (int i = 0; i < TALL; ++i) c.put(m0 + row_of(i), n, column, sums[i][j]);
    }
}

// A long sum over k is split into parts, so that there are blocks enough for the whole GPU: this one is computed by the
// part-th of them.
struct Part {
    int first_k, end_k;
    __device__ Part(int part, int parts, int k) {
        int share = (k + parts * DEPTH - 1) / (parts * DEPTH) * DEPTH;
        first_k = min(k, part * share);
        end_k = min(k, first_k + share);
    }
};
