// c = a b, in tiles of 16 × 16: each block brings a tile of a and one of b into shared memory, where each number is used 16 times.
// launch: grid (m + 15) / 16, (n + 15) / 16, block 16, 16
// sizes: a[n][k], b[k][m], c[n][m]
extern "C" __global__ void matmul(const float *a, const float *b, float *c, int n, int k, int m) {
    __shared__ float of_a[16][16], of_b[16][16];
    int tx = threadIdx.x, ty = threadIdx.y;
    int row = blockIdx.y * 16 + ty, col = blockIdx.x * 16 + tx;
    float sum = 0;
    for (int first = 0; first < k; first += 16) {
        of_a[ty][tx] = row < n && first + tx < k ? a[row * k + first + tx] : 0;
        of_b[ty][tx] = first + ty < k && col < m ? b[(first + ty) * m + col] : 0;
        __syncthreads();
        for (int i = 0; i < 16; ++i)
            sum += of_a[ty][i] * of_b[i][tx];
        __syncthreads();
    }
    if (row < n && col < m)
        c[row * m + col] = sum;
}
