// Adding rows at given places, turned around: each element of the result finds the rows that are added to it.

// out[r, d] = Σ y[m, d] over the m with index[m] = r, in their order. ``order`` are the numbers m sorted by index,
// those of equal index in their order: the ones of row r stand together, and bisection finds the first. Neighbouring
// threads have neighbouring columns d, and so read neighbouring elements. Reads y, index and order, writes out: (M +
// size) · D; the bisection's log₂ M steps read what all threads of a row read, from the cache. A row at which many are
// added is slow: one thread a column adds them all.
extern "C" __global__ void index_add(const real *__restrict__ y, const long long *__restrict__ index,
                                     const long long *__restrict__ order, real *__restrict__ out, long long m,
                                     long long d, long long size) {
    long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= size) return;
    long long row = i / d, column = i - row * d, low = 0, high = m;
    while (low < high) {
        long long middle = (low + high) / 2;
        if (index[order[middle]] < row) low = middle + 1;
        else high = middle;
    }
    real total = 0;
    for (; low < m && index[order[low]] == row; ++low) total += y[order[low] * d + column];
    out[i] = total;
}
