// The mean of each element and its neighbours, from one array into another; at the edges an element is its own neighbour.
extern "C" __global__ void smooth(const float *x, float *y, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n)
        return;
    float left = x[max(i - 1, 0)], right = x[min(i + 1, n - 1)];
    y[i] = (left + x[i] + right) / 3;
}
