"""Exercise 25 · A kernel in CUDA C: the mean of each row, by a block of threads.

On a GPU a function, a kernel, is run by many threads at once, in blocks. Here a launch has one block for each row of x, and
each block has the same number of threads:

    blockIdx.x    the block's number, 0 … rows − 1: its row          threadIdx.x    the thread's number in its block
    blockDim.x    how many threads a block has: 1, 2, 4, … or 64     n              how long a row is: more, or less, or as many

Block r is to write y[r] = 1/n · Σ_i x[r, i]. Memory has no rows: x[r, i] is x[r * n + i]. It goes in two steps:

1. Thread t adds up the numbers t, t + blockDim.x, t + 2·blockDim.x, … of its row that there are, and puts its sum into
   partial[t], in shared memory, which all threads of a block see (and no other block).
2. The first half of the threads adds to its own sums those of the second half, then the first quarter those of the second
   quarter, and so on, until partial[0] holds the sum of all. Then one thread writes y[r].

Threads run in any order. What one has written another may read only after a __syncthreads(), which holds each thread until
all threads of the block have come to it; so all have to come to it, and it never stands in an if that only some enter.

Derive: for n = 5 and 2 threads, what is in partial after step 1? Between which lines of step 2 can a thread read a number
that another has not yet written?
Shapes: x (rows, n) float, y (rows,) float, n an int; rows may be 1, n may be 1.

The check runs it on an emulated GPU, which looks at every access to memory, in several orders of blocks and threads; it
needs g++. It looks at y, and not at how the work is shared: a kernel in which one thread adds up a whole row passes too, but
on a real GPU all others would wait for it. There it is launched by

    cupy.RawKernel(SOURCE, "row_means")((rows,), (64,), (x, y, np.int32(n)))

    tinylucid exercise check cuda_kernel
"""

SOURCE = r"""
extern "C" __global__ void row_means(const float *x, float *y, int n) {
    // your code; __shared__ float partial[64]; declares an array in shared memory
}
"""
