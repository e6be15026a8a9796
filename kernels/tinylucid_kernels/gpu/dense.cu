// Matrix products z = x · y as tiles (product.cuh), for the dense layer and for stacks of matrices. Either operand may
// be stored transposed. Compiled with -DX_ALONG_K= -DY_ALONG_K=: 1 where neighbours in memory are neighbours in k.
// compiled with: -Dreal=float -DTF32=0 -DX_ALONG_K=0 -DY_ALONG_K=0 -DROWS=16 -DCOLUMNS=256
// compiled with: -Dreal=float -DTF32=0 -DX_ALONG_K=1 -DY_ALONG_K=1 -DROWS=32 -DCOLUMNS=64
// compiled with: -Dreal=float -DTF32=0 -DX_ALONG_K=1 -DY_ALONG_K=0 -DROWS=64 -DCOLUMNS=128
// compiled with: -Dreal=float -DTF32=0 -DX_ALONG_K=0 -DY_ALONG_K=1 -DROWS=64 -DCOLUMNS=128
// compiled with: -Dreal=float -DTF32=0 -DX_ALONG_K=1 -DY_ALONG_K=1 -DROWS=128 -DCOLUMNS=128
// compiled with: -Dreal=double -DTF32=0 -DX_ALONG_K=0 -DY_ALONG_K=0 -DROWS=64 -DCOLUMNS=64
// compiled with: -Dreal=double -DTF32=0 -DX_ALONG_K=1 -DY_ALONG_K=1 -DROWS=32 -DCOLUMNS=32
// compiled with: -Dreal=float -DTF32=1 -DX_ALONG_K=1 -DY_ALONG_K=1 -DROWS=64 -DCOLUMNS=128 sm_80
// compiled with: -Dreal=float -DTF32=1 -DX_ALONG_K=0 -DY_ALONG_K=0 -DROWS=128 -DCOLUMNS=128 sm_80
#include "product.cuh"

// A matrix of J columns over k without gaps: memory (J, K) if neighbours lie along k, else (K, J).
template <bool ALONG> struct Stored {
    static constexpr bool ALONG_K = ALONG;
    using Column = const real *;
    using Row = long long;
    const real *start;
    int J, K;
    __device__ Column column(int j) const {
        return opaque(start + (ALONG ? (long long)min(j, J - 1) * K : min(j, J - 1)));
    }
    __device__ Row row(int k) const {
        if (k >= K) return -1;
        return ALONG ? k : (long long)k * J;
    }
    __device__ real at(Row row, Column column) const { return row >= 0 ? __ldg(column + row) : 0; }
};

struct Rows {  // C: z[m, n], with a bias for each n if there is one
    real *z;
    const real *bias;
    int M, N;
    __device__ real column(int n) const { return bias && n < N ? bias[n] : 0; }
    __device__ void put(int m, int n, real offset, real value) const {
        if (m < M && n < N) z[(long long)m * N + n] = value + offset;
    }
};

// z[b, m, n] = Σ_k x[b, m, k] · y[b, k, n] + bias[n] for a stack of matrices; x_step and y_step lead to the next, 0
// where one serves for all. Grid: stack · tiles of rows (down), tiles of columns, parts of the sum over k: sums[part],
// of which the first takes the bias. Memory traffic: as in product.cuh.
extern "C" __global__ void __launch_bounds__(THREADS, BLOCKS)
matmul(const real *__restrict__ x, const real *__restrict__ y, const real *__restrict__ bias, real *__restrict__ sums,
       long long x_step, long long y_step, int down, int M, int N, int K) {
    __shared__ Tiles<Stored<X_ALONG_K>, Stored<Y_ALONG_K>> tiles;
    long long stack = gridDim.x / down, b = blockIdx.x / down, part = blockIdx.z;
    Stored<X_ALONG_K> rows = {x + b * x_step, M, K};
    Stored<Y_ALONG_K> columns = {y + b * y_step, N, K};
    Rows c = {sums + (part * stack + b) * M * N, part ? nullptr : bias, M, N};
    Part mine(part, gridDim.z, K);
    product(tiles, rows, columns, c, blockIdx.x % down * ROWS, blockIdx.y * COLUMNS, mine.first_k, mine.end_k);
}
