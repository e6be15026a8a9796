// Softmax cross-entropy of each row z of logits (rows, classes), and its gradient, one warp a row:
//
//     p = softmax(z);   loss = −Σ_c q[c] · log p[c];   slope = p · Σ_c q − q;   q[c] = weight[c] · (rest · [c = target] + share)
//
// with share = ε / classes and rest = 1 − ε for label smoothing ε. Memory traffic: reads z and writes slope, 2 · size; z is
// read three times, but the second and third time a row of some thousand logits comes from the cache.

#include "sums.cuh"

extern "C" __global__ void cross_entropy(const real *__restrict__ logits, const long long *__restrict__ target,
                                         const real *__restrict__ weight, real *__restrict__ loss, real *__restrict__ slope,
                                         long long rows, long long classes, long long ignored, real share, real rest) {
    long long row = (long long)blockIdx.x * blockDim.y + threadIdx.y, lane = threadIdx.x;
    if (row >= rows) return;  // the whole warp: it is one row of the block
    const real *z = logits + row * classes;
    real *out = slope + row * classes;
    long long label = target[row];
    if (label == ignored) {
        for (long long c = lane; c < classes; c += 32) out[c] = 0;
        if (lane == 0) loss[row] = 0;
        return;
    }
    if (label < 0 || label >= classes) {  // the host has looked before, but not in a step that is replayed as a graph
        real nan = __int_as_float(0x7fffffff);
        for (long long c = lane; c < classes; c += 32) out[c] = nan;
        if (lane == 0) loss[row] = nan;
        return;
    }
    auto q = [&](long long c) { return (c == label ? share + rest : share) * (weight ? weight[c] : real(1)); };

    real top = z[0];
    for (long long c = lane; c < classes; c += 32) top = z[c] > top ? z[c] : top;
    top = warp_max(top);

    real total = 0, wanted = 0;
    for (long long c = lane; c < classes; c += 32) {
        total += exp(z[c] - top);  // the largest exponent is 0: no overflow
        wanted += q(c);
    }
    total = warp_sum(total);
    wanted = warp_sum(wanted);

    real log_total = log(total), cost = 0;
    for (long long c = lane; c < classes; c += 32) {
        real below = z[c] - top, goal = q(c);
        if (goal != 0) cost += goal * (log_total - below);  // a logit of −inf that nobody wants costs nothing
        out[c] = exp(below) / total * wanted - goal;
    }
    cost = warp_sum(cost);
    if (lane == 0) loss[row] = cost;
}

// What labels (rows,) weigh, each block a share of them: parts (3, blocks) gets the sum of the weights (1 each where weight is null)
// of those that count, the place of the first that is no class (rows if there is none), and how many are ignored. A single block
// also writes what the mean divides by, NaN where a label is no class. The numbers are doubles, which hold all of these. Reads target, 8 · rows bytes.
extern "C" __global__ void label_parts(const long long *__restrict__ target, const real *__restrict__ weight,
                                       double *__restrict__ parts, real *__restrict__ over, long long rows, long long classes,
                                       long long ignored) {
    __shared__ double sums[256], wrong[256], without[256];
    int t = threadIdx.x;
    double sum = 0, first = rows, skipped = 0;
    for (long long i = (long long)blockIdx.x * 256 + t; i < rows; i += (long long)gridDim.x * 256) {
        long long label = target[i];
        if (label == ignored) ++skipped;
        else if (label >= 0 && label < classes) sum += weight ? weight[label] : real(1);
        else if (i < first) first = i;
    }
    sums[t] = sum, wrong[t] = first, without[t] = skipped;
    for (int half = 128; half > 0; half /= 2) {
        __syncthreads();
        if (t >= half) continue;
        sums[t] += sums[t + half];
        without[t] += without[t + half];
        wrong[t] = min(wrong[t], wrong[t + half]);
    }
    if (t > 0) return;
    parts[blockIdx.x] = sums[0];
    parts[gridDim.x + blockIdx.x] = wrong[0];
    parts[2 * gridDim.x + blockIdx.x] = without[0];
    if (gridDim.x == 1) over[0] = wrong[0] < rows ? real(__int_as_float(0x7fffffff)) : real(sums[0]);
}

// over = Σ of the first row of parts, in the order of the host; NaN where a label is no class. One thread.
extern "C" __global__ void label_total(const double *__restrict__ parts, real *__restrict__ over, int blocks, long long rows) {
    double sum = 0, first = rows;
    for (int k = 0; k < blocks; ++k) {
        sum += parts[k];
        first = min(first, parts[blocks + k]);
    }
    over[0] = first < rows ? real(__int_as_float(0x7fffffff)) : real(sum);
}

// losses = −t · log σ(x) − (1 − t) · log σ(−x), one thread an element, where −log σ(−x) = max(x, 0) + log(1 + e^−|x|): no
// exponent is positive. Reads x and the target t, writes losses: 3 · size.
extern "C" __global__ void logistic_loss(const real *__restrict__ x, const real *__restrict__ target,
                                         real *__restrict__ losses, long long size) {
    long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= size) return;
    real z = x[i], t = target[i], near = log1p(exp(-fabs(z)));
    losses[i] = t * ((z > 0 ? 0 : -z) + near) + (1 - t) * ((z < 0 ? 0 : z) + near);
}

// gx = g · (σ(x) − t); g has one element. 3 · size.
extern "C" __global__ void logistic_loss_backward(const real *__restrict__ g, const real *__restrict__ x,
                                                  const real *__restrict__ target, real *__restrict__ gx, long long size) {
    long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= size) return;
    real e = exp(-fabs(x[i]));
    gx[i] = g[0] * ((x[i] > 0 ? 1 : e) / (1 + e) - target[i]);
}
