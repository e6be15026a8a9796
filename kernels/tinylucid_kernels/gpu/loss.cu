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
