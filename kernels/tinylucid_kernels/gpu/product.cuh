// One product for convolutions and dense layers: C(m, n) = Σ_k A(k, m) · B(k, n).
//
// All that differs between them is where A(k, m) and B(k, n) lie in memory and where C(m, n) goes; each says just that:
//
//     struct Operand {
//         static constexpr bool ALONG_K;      // neighbours in memory: along k, or along the columns j (m of A, n of B)
//         Column column(int j);               // what of the address depends on j only: worked out once, kept
//         Row row(int k);                     // what depends on k only: if ALONG_K, worked out once a tile
//         real at(Row row, Column column);    // the element, 0 outside: an addition and a check of bounds
//     };
//     struct Target { Column column(int n); void put(int m, int n, Column column, real value); };
//
// A block of 256 threads computes a tile of C, ROWS x COLUMNS, each thread ROWS/16 x COLUMNS/16 of it in registers. It
// walks over k by DEPTH: a tile of A and one of B are brought to shared memory, where 16 threads read each element.
// While one pair of tiles is multiplied, the next is on its way from global memory; two buffers, so one barrier a step.
// Compiled with -DROWS=32, 64 or 128.
//
// Memory traffic: A is read once for every COLUMNS columns of C, B once for every ROWS rows, so that of each k a block
// reads ROWS + COLUMNS elements for ROWS · COLUMNS multiplications and additions: 64 an element where both are 128.

constexpr int THREADS = 256, SIDE = 16;                    // the threads as a square, 16 x 16
constexpr int COLUMNS = sizeof(real) == 4 ? 128 : 64;      // doubles take two registers each
constexpr int DEPTH = sizeof(real) == 4 ? 16 : 8;          // and twice the shared memory
constexpr int TALL = ROWS / SIDE, WIDE = COLUMNS / SIDE;   // what one thread computes
constexpr int BLOCKS = ROWS == 128 ? 1 : 2;                // that a multiprocessor has registers for
constexpr int GAP = 4;                                     // so that a column of a tile lies in different banks

struct alignas(16) Tiles {
    real a[2][DEPTH][ROWS + GAP], b[2][DEPTH][COLUMNS + GAP];
};

// A thread's share of the tiles of one operand, on its way from global to shared memory. Neighbouring threads take
// neighbours in memory. If those lie along the columns, a thread stays in one column; along k, in one row of each tile.
template <int J, class Operand> struct Share {
    static constexpr int SIZE = J * DEPTH / THREADS, KEPT = Operand::ALONG_K ? SIZE : 1;
    const Operand &operand;
    decltype(operand.column(0)) columns[KEPT];
    real values[SIZE];

    static __device__ int k_of(int i) {
        return Operand::ALONG_K ? threadIdx.x % DEPTH : (i * THREADS + threadIdx.x) / J;
    }
    static __device__ int j_of(int i) {
        return Operand::ALONG_K ? (i * THREADS + threadIdx.x) / DEPTH : threadIdx.x % J;
    }
    __device__ Share(const Operand &from, int first_j) : operand(from) {
#pragma unroll
        for (int i = 0; i < KEPT; ++i) columns[i] = operand.column(first_j + j_of(i));
    }
    __device__ void fetch(int first_k) {
#pragma unroll
        for (int i = 0; i < SIZE; ++i) values[i] = operand.at(operand.row(first_k + k_of(i)), columns[i % KEPT]);
    }
    __device__ void put(real (*tile)[J + GAP]) const {
#pragma unroll
        for (int i = 0; i < SIZE; ++i) tile[k_of(i)][j_of(i)] = values[i];
    }
};

// Where thread t of 16 finds the i-th of its so many rows (or columns) in a tile: up to four neighbours at a time, that
// are read as one.
template <int MANY> __device__ int place(int i, int t) {
    constexpr int ONCE = MANY < 4 ? MANY : 4;
    return i / ONCE * (ONCE * SIDE) + t * ONCE + i % ONCE;
}

// One step: DEPTH products for each element that the thread has in registers.
__device__ void multiply(real (&sums)[TALL][WIDE], const Tiles &tiles, int now) {
    int tx = threadIdx.x % SIDE, ty = threadIdx.x / SIDE;
#pragma unroll
    for (int k = 0; k < DEPTH; ++k) {
        real a[TALL], b[WIDE];
#pragma unroll
        for (int i = 0; i < TALL; ++i) a[i] = tiles.a[now][k][place<TALL>(i, ty)];
#pragma unroll
        for (int j = 0; j < WIDE; ++j) b[j] = tiles.b[now][k][place<WIDE>(j, tx)];
#pragma unroll
        for (int i = 0; i < TALL; ++i)
#pragma unroll
            for (int j = 0; j < WIDE; ++j) sums[i][j] += a[i] * b[j];
    }
}

// The tile of C that begins at (m0, n0), summed over first_k <= k < end_k.
template <class A, class B, class Target>
__device__ void product(Tiles &tiles, const A &a, const B &b, const Target &c, int m0, int n0, int first_k, int end_k) {
    Share<ROWS, A> share_a(a, m0);
    Share<COLUMNS, B> share_b(b, n0);
    real sums[TALL][WIDE] = {};
    share_a.fetch(first_k);
    share_b.fetch(first_k);
    share_a.put(tiles.a[0]);
    share_b.put(tiles.b[0]);
    __syncthreads();
    for (int k = first_k, now = 0; k < end_k; k += DEPTH, now ^= 1) {
        bool more = k + DEPTH < end_k;
        if (more) {
            share_a.fetch(k + DEPTH);
            share_b.fetch(k + DEPTH);
        }
        multiply(sums, tiles, now);
        if (more) {
            share_a.put(tiles.a[now ^ 1]);
            share_b.put(tiles.b[now ^ 1]);
        }
        __syncthreads();  // the next tiles are complete, and nobody reads these any more
    }
#pragma unroll
    for (int j = 0; j < WIDE; ++j) {
        int n = n0 + place<WIDE>(j, threadIdx.x % SIDE);
        auto column = c.column(n);
#pragma unroll
        for (int i = 0; i < TALL; ++i) c.put(m0 + place<TALL>(i, threadIdx.x / SIDE), n, column, sums[i][j]);
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
