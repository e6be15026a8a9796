// Rows become columns, by way of a tile in shared memory, so that both reading and writing run along rows.
// The tile's rows are 33 long: with 32, a column of it would lie in a single one of the 32 banks.
// launch: grid (cols + 31) / 32, (rows + 31) / 32, block 32, 32
// sizes: x[rows][cols], y[cols][rows]
extern "C" __global__ void transpose(const float *x, float *y, int rows, int cols) {
    __shared__ float tile[32][33];
    int col = blockIdx.x * 32 + threadIdx.x, row = blockIdx.y * 32 + threadIdx.y;
    if (row < rows && col < cols)
        tile[threadIdx.y][threadIdx.x] = x[row * cols + col];
    __syncthreads();
    int to_col = blockIdx.y * 32 + threadIdx.x, to_row = blockIdx.x * 32 + threadIdx.y;
    if (to_row < cols && to_col < rows)
        y[to_row * rows + to_col] = tile[threadIdx.x][threadIdx.y];
}
