"""Ways to get exercise cuda_kernel wrong, and other ways to get it right."""

from tinylucid.exercises.solutions.cuda_kernel import SOURCE as RIGHT


def but(words, old, new):
    """The right kernel with one change, and before it the words that are expected."""
    assert RIGHT.count(old) == 1, old
    return f"// {words}{RIGHT.replace(old, new)}"


SOURCE__no_first_barrier = but(
    "no thread of this block has written | __syncthreads", "sum;\n    __syncthreads();", "sum;"
)
SOURCE__no_barrier_in_the_loop = but(
    "race | partial[ | __syncthreads | cuda_kernel.py:", "half];\n        __syncthreads();", "half];"
)
SOURCE__barrier_for_some = but(
    "divergent barrier | All threads",
    "if (t < half) partial[t] += partial[t + half];\n        __syncthreads();",
    "if (t < half) {\n            partial[t] += partial[t + half];\n            __syncthreads();\n        }",
)
SOURCE__returned_before_the_barrier = but(
    "divergent barrier | returned", "float sum = 0;", "float sum = 0;\n    if (t >= n) return;"
)
SOURCE__no_bounds = but(
    "out-of-bounds read | past the end of argument 1 (x) | compare the index",
    "for (int i = t; i < n; i += blockDim.x) sum += x[blockIdx.x * n + i];",
    "sum = x[blockIdx.x * n + t];",
)
SOURCE__one_too_many = but("is", "i < n;", "i <= n;")
SOURCE__no_stride = but("first number alone", "for (int i = t; i < n; i += blockDim.x)", "if (int i = t; i < n)")
SOURCE__no_block = but("row 0 in every block", "x[blockIdx.x * n + i]", "x[i]")
SOURCE__one_thread_too_many = but("belongs to no thread | t < half (not ≤)", "t < half", "t <= half")
SOURCE__all_threads_as_half = but("belongs to no thread | blockDim.x / 2", "half = blockDim.x / 2", "half = blockDim.x")
SOURCE__row_as_long_as_the_block = but(
    "row r begins at x[r * n]", "x[blockIdx.x * n + i]", "x[blockIdx.x * blockDim.x + i]"
)
SOURCE__all_write = but("race | global memory | y | one thread", "if (t == 0) y[blockIdx.x]", "y[blockIdx.x]")
SOURCE__same_place = but("race | global memory", "y[blockIdx.x] =", "y[0] =")
SOURCE__by_thread_index = but("never written", "y[blockIdx.x] =", "if (blockIdx.x == 0) y[t] =")
SOURCE__too_small = but("index | out of bounds of the array | 64", "partial[64]", "partial[32]")
SOURCE__no_zero = but("no thread of this block has written | a 0", "partial[t] = sum;", "if (t < n) partial[t] = sum;")
SOURCE__sum_of_thread_0 = but(
    "thread 0 alone", "if (t < half) partial[t] += partial[t + half];", "if (t < half) partial[t] += 0;"
)
SOURCE__halving_stops_early = but("there is one thread", "half > 0", "half > 1")
SOURCE__not_initialised = but("never set | 0", "float sum = 0;", "float sum;")
SOURCE__integer_division = but("1 / n | whole numbers", "partial[0] / n", "1 / n * partial[0]")
SOURCE__int = but("whole numbers", "float sum = 0;", "int sum = 0;")
SOURCE__the_sum = but("divide it by n", "partial[0] / n", "partial[0]")
SOURCE__over_the_threads = but("over blockDim.x", "partial[0] / n", "partial[0] / blockDim.x")
SOURCE__added_without_order = but(
    "race | global memory",
    "partial[t] = sum;",
    "y[blockIdx.x] += sum / n;\n    partial[t] = sum;",
)
SOURCE__two_not_declared = but("scope; cuda_kernel.py", "float sum = 0;", "float sum = tid;\n    sum = one;")
SOURCE__not_declared = but("cannot be compiled | tid", "float sum = 0;", "float sum = tid;")
SOURCE__no_extern = but("extern", 'extern "C" ', "")
SOURCE__double = but("parameters | const float *x", "const float *x", "const double *x")

SOURCE__right_by_thread_0 = but(
    "right",
    "for (int i = t; i < n; i += blockDim.x) sum += x[blockIdx.x * n + i];",
    "if (t == 0) for (int i = 0; i < n; i++) sum += x[blockIdx.x * n + i];",
)
SOURCE__right_neighbours = """// right
extern "C" __global__ void row_means(const float *x, float *y, int n) {
    __shared__ float s[64];
    const float *row = x + blockIdx.x * n;
    s[threadIdx.x] = 0;
    for (int i = threadIdx.x; i < n; i += blockDim.x) s[threadIdx.x] += row[i] / n;
    for (int step = 1; step < blockDim.x; step *= 2) {
        __syncthreads();
        if (threadIdx.x % (2 * step) == 0) s[threadIdx.x] += s[threadIdx.x + step];
    }
    if (threadIdx.x == 0) y[blockIdx.x] = s[0];
}
"""
SOURCE__right_added_up_by_one = """// right
extern "C" __global__ void row_means(const float *x, float *y, int n) {
    __shared__ float s[64];
    float sum = 0;
    int each = (n + blockDim.x - 1) / blockDim.x, from = threadIdx.x * each;
    for (int i = from; i < min(from + each, n); i++) sum += x[blockIdx.x * n + i];
    s[threadIdx.x] = sum;
    __syncthreads();
    if (threadIdx.x) return;
    for (int t = 1; t < blockDim.x; t++) sum += s[t];
    y[blockIdx.x] = sum * (1.0f / n);
}
"""
SOURCE__right_atomic = """// right
extern "C" __global__ void row_means(const float *__restrict__ x, float *__restrict__ y, int n) {
    __shared__ float total;
    if (threadIdx.x == 0) total = 0;
    __syncthreads();
    for (int i = threadIdx.x; i < n; i += blockDim.x) atomicAdd(&total, x[blockIdx.x * n + i]);
    __syncthreads();
    if (threadIdx.x == 0) y[blockIdx.x] = total / n;
}
"""
